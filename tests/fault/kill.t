#!/bin/sh
# kill -9 of every process under load, of all and of each alone, twelve times over: after a
# restart every message that was answered with 250 is there, whole.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/shots.sh"
need python3

round() { # STORE UID
    server_setup "$1" "$2"
    acked=$T/acked.$1
    : >"$acked"
    # Not by the function: it would be the shell around the sender that is killed in the end.
    beating python3 "$ROOT/tests/lib/load.py" send --port "$SMTP" --acked "$acked" --beat 4 \
        --patient --clients 8 --count 100000 --seconds 120 --seed "$1"
    kills=0 missed=
    for what in all smtpd gate queue all agent gate smtpd all queue gate agent; do
        [ -f "$T/smtp.pid" ] || server_smtp ||
            { fail "the server starts again after kill $kills" && break; }
        beat=$(wc -l <"$acked")
        # Some mail first, so that the kill meets work; then a moment that differs each time.
        more=$((beat + 5 + kills * 3))
        beat_until '[ "$beat" -ge $more ]' || missed="$missed mail-before-$what"
        sleep "0.0$((kills * 7 % 10))"
        pid_of smtp
        them=$(family "$tap_pid")
        # An agent is there when there is a message for it.
        wait_for 10 shot smtp $what || missed="$missed $what"
        kills=$((kills + 1))
        case $what in
        all | gate)
            wait "$tap_pid" 2>/dev/null
            rm -f "$T/smtp.pid"
            wait_for 10 none_of $them || missed="$missed rest-of-$what"
            ;;
        esac
    done
    is "$missed" "" "what was to be killed was there, and nothing outlived gate"
    is $kills 12 "$1, uid ${2:-root}: killed twelve times under load"
    kill $loader 2>/dev/null
    wait $loader 2>/dev/null
    exec 3<&-
    [ ! -f "$T/smtp.pid" ] || stop_daemon smtp
    server_smtp -q2s || fail "the server starts a last time"
    server_pop || fail "popd starts"
    ok "sendmail -q runs the queue" as_server sendmail -q
    ok "the queue drains" wait_for 40 queue_empty
    ok "every acknowledged message is there, whole ($(wc -l <"$acked"))" \
        load fetch --port "$POP" --acked "$acked"
    diag "$(tail -n 3 "$T/out")"
    is "$(find "$T/spool" -type f | grep -vE '\.(pid|lock)$|/private/tls\.(pem|crt)$' | wc -l)" 0 \
        "nothing is left over in the queue directory"
    server_stop
    rm -rf "$T/mail" "$T/spool"
}

if [ "$ME" = 0 ]; then
    round mbox ""
    round maildir 54321
else
    round mbox ""
    round maildir ""
fi
