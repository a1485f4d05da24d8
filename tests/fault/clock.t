#!/bin/sh
# A wall clock that jumps by days, forwards and backwards, while the daemon runs: no message
# expires or is reported, the next attempts come in time, sessions stay open.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
[ "$BUILD" = release ] || skip_all "system calls are answered in the shipped build"
clock=$OBJ/tests/fault/clock_peer
echo 864000 >"$T/shift"
now=$("$clock" "$T/shift" date +%s 2>/dev/null) || skip_all "processes may not be traced here"
ok "programs can be given another time" test $((now - $(date +%s))) -gt 863000

attempts() { # ID
    grep -c "$1: .*stat=Deferred" "$T/smtp.log"
}

tried_more() { # ID THAN
    [ "$(attempts "$1")" -gt "$2" ]
}

deferred() { # COUNT
    [ "$(sed -n 's/.* \([^ ]*\): to=.*stat=Deferred.*/\1/p' "$T/smtp.log" | sort -u | wc -l)" -ge "$1" ]
}

sent=0
send() { # SUBJECT WHAT
    printf 'Subject: %s\n\ntext\n' "$1" >"$T/message"
    ok "$2" "$clock" "$T/shift" sendmail -f u2@example.test u1@example.test <"$T/message"
    sent=$((sent + 1))
    ok "and deferred" wait_for 20 deferred $sent
}

jump() { # SECONDS WHAT
    echo "$1" >"$T/shift"
    before=$(attempts "$id")
    # The second from now was planned by the new clock.
    ok "$2: the message is tried again" wait_for 30 tried_more "$id" $((before + 1))
    nok "$2: nothing is reported, nothing given up" grep -E 'DSN|4\.4\.7|stat=Sent' "$T/smtp.log"
}

cat >"$T/session.py" <<'END'
import os
import smtplib
import sys
import time

with smtplib.SMTP('127.0.0.1', int(sys.argv[1]), 'client.test', timeout=20) as s:
    open(sys.argv[2], 'w').close()
    while os.path.exists(sys.argv[2]):
        assert s.noop()[0] == 250
        time.sleep(0.1)
END

server_setup mbox
echo 0 >"$T/shift"
[ -z "$DAEMON_UID" ] || chown "$DAEMON_UID" "$T/shift"
# Nobody gets at a mailbox, which is no message's fault.
chmod 0 "$T/mail"
[ "$ME" != 0 ] || chown 0:0 "$T/mail"
start_daemon smtp "$clock" "$T/shift" sendmail -bD -O MinQueueAge=1s -O MaxQueueAge=1s
wait_port "$SMTP" smtp || fail "the server starts"
python3 "$T/session.py" "$SMTP" "$T/go" >"$T/session.out" 2>&1 &
session=$!
ok "a session is open" wait_for 20 test -e "$T/go"
send first "a message is taken"
id=$(sed -n 's/.* \([^ ]*\): to=.*stat=Deferred.*/\1/p' "$T/smtp.log" | head -n 1)
jump 864000 "ten days ahead"
send second "a message is taken then"
jump -864000 "twenty days back"
send third "and then"
jump 0 "ten days ahead again"
nok "no message gets days older by it" grep 'delay=[0-9]*+' "$T/smtp.log"
ok "the session is there still" kill -0 $session
rm -f "$T/go"
ok "and ends as it should" wait $session
chmod 1777 "$T/mail"
ok "all three are delivered" wait_for 30 has_mail u1 3
is "$(ls "$T/mail")" u1 "and nothing else"
ok "the daemon ends on SIGTERM" stop_daemon smtp
