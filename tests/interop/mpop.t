#!/bin/sh
# mpop fetches over plain POP3, STLS and TLS, keeps, and deletes.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need mpop python3
server_setup mbox
server_start || fail "the server starts"
ok "messages are sent" load send --port "$SMTP" --acked "$T/acked" --clients 2 --count 8
ok "they arrive" wait_for 10 has_mail u1 4

fetch() { # NAME PORT OPTION...
    name=$1
    port=$2
    shift 2
    mkdir -p "$T/$name/new" "$T/$name/cur" "$T/$name/tmp"
    mpop --host=127.0.0.1 --port="$port" --user=u1 --passwordeval='echo pw-u1' --auth=user \
        --uidls-file="$T/$name.uidls" --delivery="maildir,$T/$name" --received-header=off "$@"
}
got() { # NAME
    find "$T/$1/new" -type f | wc -l
}
ok "plain" fetch plain "$POP" --tls=off --keep=on
is "$(got plain)" 4 "four messages"
ok "STLS" fetch stls "$POP" --tls=on --tls-starttls=on --tls-certcheck=off --keep=on
is "$(got stls)" 4 "four messages"
ok "again: all are known by their unique ids" fetch stls "$POP" --tls=off --keep=on
is "$(got stls)" 4 "none twice"
ok "TLS, deleting" fetch tls "$POPS" --tls=on --tls-starttls=off --tls-certcheck=off --keep=off
is "$(got tls)" 4 "four messages"
is "$(count_mail u1)" 0 "the mailbox is empty"
server_stop
