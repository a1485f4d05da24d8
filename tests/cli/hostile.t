#!/bin/sh
# Clients that are slow, deaf, broken or up to something, against both daemons.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/checks.sh"

roles() { # DAEMON
    echo "$(cat "$T/$1.pid")" $(cat /proc/"$(cat "$T/$1.pid")"/task/*/children) | tr ' ' ,
}

measured() {
    diag "$(cat "$T/out")"
}

server_setup mbox
server_start -O MaxDaemonChildren=1500 || fail "the servers start"
load send --port "$SMTP" --acked "$T/acked" --clients 4 --count 5 >"$T/out" || fail "mail is taken"
# Memory of a sanitizer's build says nothing.
most=1 seconds=12
[ "$BUILD" = release ] || most=1000 seconds=5

ok "SMTP: clients that do not read" hostile smtp_unread "$SMTP" "$(roles smtp)" $((24576 * most))
measured
ok "POP3: clients that do not read" hostile pop3_unread "$POP" "$(roles pop)" $((24576 * most))
measured
ok "SMTP: 10000 recipients" hostile smtp_many_rcpts "$SMTP" 10000 "$(roles smtp)" \
    $((1000000 * most))
measured
ok "SMTP: 1000 clients that send an octet a second" hostile smtp_slow "$SMTP" $seconds 1000
measured
ok "POP3: 1000 clients that send an octet a second" hostile pop3_slow "$POP" $seconds 1000
measured
ok "SMTP: handshakes octet by octet" hostile smtp_shakes "$SMTP"
ok "POP3: handshakes octet by octet" hostile pop3s_shakes "$POPS" "$POP"
ok "SMTP: connections that end anywhere" hostile smtp_resets "$SMTP"
ok "POP3: connections that end anywhere" hostile pop3_resets "$POP"
ok "POP3: a whole session in one write, and the mailbox is in use" hostile pop3_in_use "$POP"
ok "SMTP: close_notify in a message" hostile smtp_close_notify "$SMTP"
ok "POP3: close_notify and more" hostile pop3_close_notify "$POP"
ok "SMTP: injection behind STARTTLS" hostile smtp_injection "$SMTP"
ok "POP3: injection behind STLS" hostile pop3_injection "$POP"
ok "SMTP: other protocols" hostile smtp_other_protocols "$SMTP"
ok "SMTP: what ends a message and what does not" hostile smtp_smuggling "$SMTP" "$(mailbox u4)"
ok "SMTP: text that is not for logs" hostile smtp_log "$SMTP"
is "$(grep -c '^Subject: half' "$(mailbox u3)")" 0 "no message that was broken off was delivered"
is "$(grep -ac 'forged@\|[^[:print:][:space:]]' "$T/smtp.log")" 0 "the log is printable"
server_stop
