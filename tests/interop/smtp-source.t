#!/bin/sh
# postfix's load generator: 50 sessions at once, 2000 messages; every one arrives once, whole.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need_postfix
server_setup maildir
server_smtp || fail "the server starts"
messages=2000
[ "$BUILD" = release ] || messages=500

ok "smtp-source -s 50 -m $messages" smtp_source -s 50 -m $messages -l 4096 -S "load" \
    -f sender@elsewhere.test -t u1@example.test "127.0.0.1:$SMTP"
ok "$messages arrive" wait_for 60 has_mail u1 $messages
is "$(count_mail u1)" $messages "and no more"

# What it sends is the same each time but for the id, so all bodies are equal.
for file in "$(mailbox u1)"/new/*; do
    sed '1,/^$/d' "$file" | cksum
done | sort | uniq -c >"$T/sums"
is "$(wc -l <"$T/sums")" 1 "all bodies are equal"
body=$(sed '1,/^$/d' "$(ls -d "$(mailbox u1)"/new/* | head -n 1)" | wc -c)
ok "and of the length that was sent ($body)" test "$body" -ge 4000
is "$(mailq -c)" 0 "the queue is empty"
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
