#!/bin/sh
# Files that cannot be opened for now while a daemon reads its configuration again: our domain
# is in one of them, and no mail for it is refused for good, relayed or reported.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/faults.sh"
server_setup mbox
echo example.test >"$T/names"
cat >"$T/x.def" <<D
MY_NAME=mx
MY_DOMAIN=elsewhere.test
LISTEN=127.0.0.1:$SMTP
QUEUE_DIR=$LETTERBOX_QUEUE
D
ok "a configuration" cfgen -o "$T/x.cf" "$T/x.def"
echo "Fw$T/names" >>"$T/x.cf"
chmod 644 "$T/x.cf" "$T/names"
unset LETTERBOX_HOSTNAME LETTERBOX_DOMAIN LETTERBOX_LOCAL LETTERBOX_LISTEN
export T FAULTS_RELOAD=yes
for fault in EMFILE ENFILE; do
    rm -rf "$T/mail" "$T/spool/queue"
    mkdir -m 1777 "$T/mail"
    ok "$fault at every call keeps the promise" python3 "$ROOT/tests/lib/faults.py" "$inject" \
        "$SMTP" "$T/mail/u1" $fault -C "$T/x.cf"
    runs=$(sed -n 's/ runs$//p' "$T/out")
    ok "$fault met ten calls or more (${runs:-0})" test "${runs:-0}" -ge 10
done
like "$(cat "$T/faults.log")" 'the old configuration stays' "what cannot be read is told"
