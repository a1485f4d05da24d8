#!/bin/sh
# The channel between smtpd and the queue role breaks, and neither of them dies: mail is refused for
# now, and a moment later taken again.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
need_root

send() { # SUBJECT
    python3 "$ROOT/tests/lib/smtp.py" message "$SMTP" "$1" 250
}

cut() { # PID: of how many channels, in $count
    count=$(python3 "$ROOT/tests/lib/cut.py" "$1") && [ "$count" -gt 0 ]
}

server_setup mbox
server_smtp || fail "the server starts"
gate=$(cat "$T/smtp.pid")
ok "before, mail is taken" send before
smtpd=$(role_pid "$gate" smtpd)
queue=$(role_pid "$gate" queue)
ok "channels of smtpd are cut" cut "$smtpd"
diag "$count channels"
ok "mail is taken again" wait_for 20 send after
ok "channels of the queue role are cut" cut "$queue"
ok "and again" wait_for 20 send last
is "$(role_pid "$gate" smtpd) $(role_pid "$gate" queue)" "$smtpd $queue" "nobody died of it"
ok "all of them arrive" wait_for 20 has_mail u1 3
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
