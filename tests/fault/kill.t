#!/bin/sh
# kill -9 of every process under load, twelve times over: after a restart every message that
# was answered with 250 is there, whole.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3

# The daemon and everything that descends from it.
family() { # PID
    echo "$1"
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        family "$child"
    done
}

round() { # STORE UID
    server_setup "$1" "$2"
    acked=$T/acked.$1
    : >"$acked"
    # Not by the function: it would be the shell around the sender that is killed in the end.
    python3 "$ROOT/tests/lib/load.py" send --port "$SMTP" --acked "$acked" --patient --clients 8 \
        --count 100000 --seconds 24 --seed "$1" >"$T/load.out" 2>&1 &
    loader=$!
    kills=0
    while [ $kills -lt 12 ]; do
        server_smtp || { fail "the server starts again after kill $kills" && break; }
        count=$(wc -l <"$acked")
        # Some mail first, so that the kill meets work; then a moment that differs each time.
        wait_for 10 sh -c '[ "$(wc -l <"$1")" -ge "$2" ]' _ "$acked" $((count + 5 + kills * 3))
        sleep "0.0$((kills * 7 % 10))"
        kill -9 $(family "$(cat "$T/smtp.pid")") 2>/dev/null
        wait "$(cat "$T/smtp.pid")" 2>/dev/null
        rm -f "$T/smtp.pid"
        kills=$((kills + 1))
    done
    is $kills 12 "$1, uid ${2:-root}: killed twelve times under load"
    kill $loader 2>/dev/null
    wait $loader 2>/dev/null
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

if [ "$(id -u)" = 0 ]; then
    round mbox ""
    round maildir 54321
else
    round mbox ""
    round maildir ""
fi
