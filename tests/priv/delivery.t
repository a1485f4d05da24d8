#!/bin/sh
# A mailbox is touched by its owner's uid only, and the result is the owner's.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need_root
need python3

for store in mbox maildir; do
    server_setup $store
    server_start || fail "the server starts"
    ok "$store: messages are sent" load send --port "$SMTP" --acked "$T/acked" --clients 1 --count 4 \
        --seed $store
    ok "$store: the queue drains" wait_for 20 queue_empty
    for n in 1 2 3 4; do
        is "$(find "$(mailbox u$n)" ! -uid $((20000 + n)) | wc -l)" 0 "$store: u$n owns all of it"
        is "$(find "$(mailbox u$n)" -type f -perm /077 | wc -l)" 0 "$store: nobody else may read it"
    done
    ok "$store: fetched" load fetch --port "$POP" --acked "$T/acked" --once --delete
    for n in 1 2 3 4; do
        is "$(find "$(mailbox u$n)" ! -uid $((20000 + n)) 2>/dev/null | wc -l)" 0 \
            "$store: u$n still owns all of it"
    done

    # What the owner may not write, nobody writes for them.
    rm -rf "$(mailbox u1)"
    mkdir "$T/root-only" && chmod 700 "$T/root-only"
    ln -s "$T/root-only/target" "$(mailbox u1)"
    : >"$T/acked"
    load send --port "$SMTP" --acked "$T/acked" --clients 1 --count 1 --seed "l$store" --patient \
        >/dev/null
    sleep 0.3
    is "$(find "$T/root-only" -type f | wc -l)" 0 "$store: a link into root's directory gets nothing"
    server_stop
    rm -rf "$T/mail" "$T/spool" "$T/root-only" "$T/acked"
done
