#!/bin/sh
# A mailbox is touched by its owner's uid only, and the result is the owner's.
. "${0%/*}/../lib/tap.sh"
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

# Root makes a missing mailbox only where nobody else can have put a link.
server_setup mbox
place=$(mktemp -d /run/letterbox-test.XXXXXX)
trap 'rm -rf "$place"; tap_end' EXIT
chmod 755 "$place"
mkdir "$place/spool" "$place/root" "$place/homes" "$place/homes/u1" "$place/homes/u2"
# As the system's spool is.
chgrp mail "$place/spool" && chmod 2775 "$place/spool"
chown 20001:20001 "$place/homes/u1"
chown 20002:20002 "$place/homes/u2"
mkdir "$place/homes/u2/mail" && chown 20002:20002 "$place/homes/u2/mail"
ln -s "$place/root" "$place/homes/u1/mail"
export LETTERBOX_MAILBOX="$place/homes/%n/mail/inbox"
server_smtp || fail "the server starts"
load send --port "$SMTP" --acked "$T/acked" --clients 2 --count 4 --seed links --patient >/dev/null
ok "where the directory is the user's, mail comes" wait_for 20 test -s "$place/homes/u2/mail/inbox"
is "$(ls -A "$place/root")" "" "nothing is made where a link of the user's leads"
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
rm -rf "$T/spool"
server_setup mbox
export LETTERBOX_MAILBOX="$place/spool/%n"
server_smtp || fail "the server starts"
load send --port "$SMTP" --acked "$T/acked" --clients 1 --count 4 --seed spool --patient >/dev/null
ok "where all is root's, mailboxes are made" wait_for 20 test -s "$place/spool/u1"
is "$(stat -c '%u %a' "$place/spool/u1")" "20001 600" "for their owners alone"
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
