#!/bin/sh
# The real postfix, exim and sendmail as the next host: a dead exchanger first, refusals for now
# and for good, STARTTLS, several recipients and messages on one connection; then we and they are
# killed in the middle, and nothing is lost.  Their files are below a /var/lib of the namespace's own.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/net.sh"
# Fetched out here: inside there is no way to Debian.
# shellcheck disable=SC2034 # real.sh wants it
[ -n "${NET_INSIDE:-}" ] || (top=$ROOT && . "$ROOT/tests/oracle/real.sh") >/dev/null
net_enter "$0"
need openssl m4
for name in postfix exim sendmail; do
    . "$ROOT/tests/interop/receivers/$name.sh"
done

# Before /var/lib is hidden: what is unpacked may have to be fetched.
mkdir "$T/lib"
chmod 755 "$T" "$T/lib"
{
    cat /etc/passwd
    echo 'postfix:x:20901:20901::/:/bin/false'
    echo 'Debian-exim:x:20903:20903::/:/bin/false'
    echo 'receiver:x:20909:20909::/:/bin/false'
    for name in a b soft; do echo "$name:x:20909:20909::/:/bin/false"; done
} >"$T/passwd"
{
    cat /etc/group
    printf '%s\n' postfix:x:20901: postdrop:x:20902: Debian-exim:x:20903: receiver:x:20909:
} >"$T/group"
for file in passwd group; do mount --bind "$T/$file" "/etc/$file"; done
sendmail_fetch
mount --bind "$T/lib" /var/lib
mkdir /var/lib/keys
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key" -out /var/lib/keys/cert.pem -days 2 \
    -subj /CN=mx.test >"$T/openssl.log" 2>&1
# sendmail wants a key that nobody else can read, exim reads its own as its user.
install -m 600 "$T/key" /var/lib/keys/key.pem
install -m 600 -o 20903 "$T/key" /var/lib/keys/exim.pem

net_addresses 192.0.2.31 192.0.2.32 192.0.2.33 192.0.2.90
net_dns --local=/test/ --address=/mx.pf.test/192.0.2.31 --address=/mx.ex.test/192.0.2.32 \
    --address=/mx.sm.test/192.0.2.33 --address=/dead.test/192.0.2.90 \
    --mx-host=pf.test,dead.test,10 --mx-host=pf.test,mx.pf.test,20 \
    --mx-host=ex.test,dead.test,10 --mx-host=ex.test,mx.ex.test,20 \
    --mx-host=sm.test,dead.test,10 --mx-host=sm.test,mx.sm.test,20 \
    --mx-host=all.test,mx.ex.test,20 --mx-host=all.test,mx.pf.test,10 || fail "dnsmasq starts"
postfix_setup
exim_setup
sendmail_setup

on() { # ADDR: someone listens on its port 25
    grep -qi "$(printf '%s:0019 00000000:0000 0A' "$1")" /proc/net/tcp
}
start() { # pf|ex|sm
    case $1 in
    pf) postfix_start && at=1F0200C0 ;;
    ex) exim_start && at=200200C0 ;;
    sm) sendmail_start && at=210200C0 ;;
    esac
    wait_for 20 on $at || { fail "$1 starts" && diag "$(tail -n 5 "$T/$1.log")"; }
}
taken() { # pf|ex|sm ERE: how many messages, of "SUBJECT LINES LAST-LINE tls|clear"
    python3 "$ROOT/tests/interop/receivers/taken.py" "$1" | grep -Ec -e "$2"
}
takes() { # pf|ex|sm ERE COUNT
    sleep 0.1
    [ "$(taken "$1" "$2")" -ge "$3" ]
}
logged() {
    grep -E -e "$1" "$T/smtp.log"
}
again() {
    kill -USR1 "$(cat "$T/smtp.pid")"
}
submit() { # SUBJECT LINES RCPT...
    subject=$1
    lines=$2
    shift 2
    [ -f "$T/text.$lines" ] || seq -f '.line %06.0f of a text' "$lines" >"$T/text.$lines"
    { printf 'Subject: %s\n\n' "$subject" && cat "$T/text.$lines" && echo end; } |
        sendmail -odq -f u1@example.test "$@" 2>>"$T/submit.log"
}
drained() {
    again
    sleep 0.2
    queue_empty
}

server_setup mbox
for to in pf ex sm; do
    start $to
    submit "good" 3 "a@$to.test" "b@$to.test"
    submit "mixed" 3 "a@$to.test" "hard@$to.test"
    submit "soft" 3 "soft@$to.test"
    # Before the daemon starts, so that they are under work together.
    for n in 1 2 3 4 5 6 7 8; do submit "row$n" 3 "a@$to.test"; done
done
submit prefer 3 a@all.test
server_smtp || fail "sendmail starts"
for to in pf ex sm; do
    ok "$to: the second exchanger takes it, encrypted" wait_for 20 takes $to '^good 4 end tls' 1
    like "$(logged "to=<b@$to.test>")" "relay=mx.$to.test \[[0-9.]*\], dsn=2.0.0, stat=Sent \(" \
        "$to: ... and the log has its words"
    ok "$to: the good one of two recipients" wait_for 20 takes $to '^mixed 4 end tls' 1
    ok "$to: the other one is refused for good" \
        wait_log smtp "to=<hard@$to.test>.*dsn=5.1.1, stat=550 5.1.1 "
    ok "$to: 4xx defers" wait_log smtp "to=<soft@$to.test>.*dsn=4.7.1, stat=Deferred: 451 4.7.1 "
    ok "$to: all of a row" wait_for 20 takes $to '^row[1-8] 4 end tls' 8
    ok "$to: ... over fewer connections" \
        [ "$(logged "STARTTLS=client, relay=mx.$to.test" | wc -l)" -lt 9 ]
done
ok "of two that live the one with the lower number" wait_for 20 takes pf '^prefer ' 1
is "$(taken ex '^prefer ')" 0 "... alone"
ok "three reports come back" wait_for 20 has_mail u1 3
report=$(cat "$(mailbox u1)")
for to in pf ex sm; do
    like "$report" "^Remote-MTA: DNS; mx.$to.test\$" "$to: report: Remote-MTA"
    like "$report" "^Final-Recipient: RFC822; hard@$to.test\$" "$to: report: Final-Recipient"
done
is "$(printf '%s\n' "$report" | grep -c '^Diagnostic-Code: SMTP; 550 5.1.1 ')" 3 \
    "... with what they said"
postfix_open
exim_open
sendmail_open
ok "once they want it, it goes" wait_for 20 drained
for to in pf ex sm; do
    is "$(taken $to '^soft 4 end tls')" 1 "$to: has it"
done

# In the middle of many: the relay role first, then all three of them.
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
cp "$T/smtp.log" "$T/first.log"
all=45
for n in $(seq $((all / 3))); do
    for to in pf ex sm; do submit "kill$n" 20000 "a@$to.test"; done
done
# In the clear, too: to a receiver that was killed while TLS began it is tried again without.
takes_all() { # pf|ex|sm: each at least once, and none of them short
    sleep 0.2
    [ "$(python3 "$ROOT/tests/interop/receivers/taken.py" "$1" |
        grep -E '^kill[0-9]+ 20001 end ' | cut -d' ' -f1 | sort -u | wc -l)" = $((all / 3)) ]
}
sent() { # COUNT
    [ "$(grep -c stat=Sent "$T/smtp.log")" -ge "$1" ]
}
server_smtp || fail "sendmail starts"
ok "they go" wait_for 20 sent 2
kill -KILL "$(role_pid "$(cat "$T/smtp.pid")" relay)"
ok "the relay role is killed, and they go on" wait_for 20 sent 4
# It stands still meanwhile, or all might be sent before the last receiver is found.
signal_relay() { # SIGNAL
    kill -"$1" "$(role_pid "$(cat "$T/smtp.pid")" relay)"
}
wait_for 10 signal_relay STOP
for to in pf ex sm; do
    for pid in $(family "$(cat "$T/$to.pid")"); do kill -KILL "$pid" 2>/dev/null; done
done
nok "... so that some are under way when the receivers are killed" sent $all
signal_relay CONT
for to in pf ex sm; do start $to; done
ok "in the end all is gone" wait_for 60 drained
for to in pf ex sm; do
    ok "$to: nothing is lost or cut" wait_for 20 takes_all $to
done
diag "$(for to in pf ex sm; do echo "$to: $(taken $to '^kill') for $((all / 3))"; done)"
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
nok "no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/first.log" \
    "$T/smtp.log"
for to in pf ex sm; do
    for pid in $(family "$(cat "$T/$to.pid")"); do kill -KILL "$pid" 2>/dev/null; done
done
