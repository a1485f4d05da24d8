#!/bin/sh
# Python's smtplib and poplib, 8 clients at once: every octet comes back, from mbox and
# Maildir, as root with a uid for each user, and as an ordinary uid without a passwd entry.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3

round() { # STORE UID
    server_setup "$1" "$2"
    server_start || fail "the server starts"
    acked=$T/acked.$1.$2
    ok "$1, uid ${2:-root}: 8 clients send" load send --port "$SMTP" --acked "$acked" --seed "$1$2"
    ok "$1, uid ${2:-root}: 2 clients send over TLS" load send --port "$SMTP" --acked "$acked" \
        --tls --clients 2 --seed "t$1$2"
    ok "the queue drains" wait_for 20 queue_empty
    ok "fetched, once each, octet for octet" load fetch --port "$POP" --acked "$acked" --once
    ok "fetched over TLS, and deleted" load fetch --port "$POPS" --tls --acked "$acked" --once \
        --delete
    is "$(count_mail u1)$(count_mail u2)$(count_mail u3)$(count_mail u4)" 0000 "nothing is left"
    server_stop
    rm -rf "$T/mail" "$T/spool"
}

if [ "$(id -u)" = 0 ]; then
    round mbox ""
    round maildir ""
    round mbox 54321
    round maildir 54321
else
    round mbox "$(id -u)"
    round maildir "$(id -u)"
    skip 16 "needs root: a uid for each user"
fi
