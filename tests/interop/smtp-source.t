#!/bin/sh
# postfix's load generator: 50 sessions at once, 2000 messages; every one arrives once, whole.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need_postfix
need python3
server_setup maildir
server_smtp || fail "the server starts"
messages=2000
[ "$BUILD" = release ] || messages=500

ok "smtp-source -s 50 -m $messages" smtp_source -s 50 -m $messages -l 4096 -S "load" \
    -f sender@elsewhere.test -t u1@example.test "127.0.0.1:$SMTP"
ok "$messages arrive" wait_for 60 has_mail u1 $messages
is "$(count_mail u1)" $messages "and no more"

# What it sends is the same each time but for the id, so all bodies are equal.
bodies=$(python3 -c 'import glob, sys
bodies = {open(f, "rb").read().split(b"\n\n", 1)[1] for f in glob.glob(sys.argv[1] + "/new/*")}
print(len(bodies), min(map(len, bodies)))' "$(mailbox u1)")
is "${bodies% *}" 1 "all bodies are equal"
ok "and of the length that was sent (${bodies#* })" test "${bodies#* }" -ge 4000
is "$(mailq -c)" 0 "the queue is empty"
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
