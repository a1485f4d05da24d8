#!/bin/sh
# swaks: plain, pipelined, STARTTLS, several recipients, refusals.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need swaks
server_setup mbox
server_smtp || fail "the server starts"

send() { # OPTION...
    swaks --server 127.0.0.1 --port "$SMTP" --helo client.test --from sender@elsewhere.test \
        --timeout 20 "$@"
}

ok "one recipient" send --to u1@example.test --header "Subject: plain" --body "one line"
ok "it is in the mailbox" wait_for 10 has_mail u1 1
like "$(cat "$(mailbox u1)")" '^Subject: plain$' "with its subject"
like "$(cat "$(mailbox u1)")" '^Received: from client\.test ' "and a Received field"
like "$(cat "$(mailbox u1)")" '^	?.*by mx\.example\.test ' "that names us"

ok "two recipients at once" send --to u2@example.test,u3@example.test --pipeline --body both
ok "both have it" wait_for 10 has_mail u2 1
ok "the other too" wait_for 10 has_mail u3 1

if perl -MNet::SSLeay -e 1 2>/dev/null; then
    ok "STARTTLS" send --to u4@example.test --tls --body secret
    like "$(cat "$T/out")" 'TLS started with cipher TLSv1\.2' "TLS 1.2"
    ok "arrives" wait_for 10 has_mail u4 1
    like "$(tr -d '\n' <"$(mailbox u4)")" 'with ESMTPS ' "is received with ESMTPS"
else
    skip 4 "swaks has no Net::SSLeay here"
fi

exits 24 "an unknown user is refused at RCPT" send --to nobody@example.test
like "$(cat "$T/out")" '<\*\* 550 5\.1\.1 ' "550 5.1.1"
exits 23 "a syntax error in MAIL" send --from 'a b@c' --to u1@example.test
like "$(cat "$T/out")" '<\*\* 5[05][0-9] ' "is permanent"
ok "8-bit text" send --to u1@example.test --body "$(printf 'gr\303\274n')"
ok "arrives as well" wait_for 10 has_mail u1 2
ok "is as it was" grep -q "$(printf 'gr\303\274n')" "$(mailbox u1)"
ok "QUIT after EHLO" send --quit-after EHLO
for word in PIPELINING SIZE 8BITMIME ENHANCEDSTATUSCODES STARTTLS; do
    like "$(cat "$T/out")" "250[- ]$word" "EHLO offers $word"
done
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
