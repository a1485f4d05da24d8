#!/bin/sh
# curl: smtp:// with and without STARTTLS, pop3://, STLS and pop3s://.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need curl
server_setup maildir
server_start || fail "the server starts"

printf 'From: a@elsewhere.test\r\nSubject: curl\r\n\r\n.dot\r\nFrom here\r\nend\r\n' >"$T/message"
send() { # OPTION...
    curl -sS --max-time 20 "smtp://127.0.0.1:$SMTP/client.test" --mail-from a@elsewhere.test \
        --upload-file "$T/message" "$@"
}
ok "smtp://" send --mail-rcpt u1@example.test
ok "smtp:// with STARTTLS required" send --mail-rcpt u1@example.test --ssl-reqd --insecure
ok "both arrive" wait_for 10 has_mail u1 2
exits 55 "an unknown recipient" send --mail-rcpt nobody@example.test

pop() { # URL OPTION...
    curl -sS --max-time 20 --insecure --user u1:pw-u1 "$@"
}
ok "pop3:// lists" pop "pop3://127.0.0.1:$POP/"
is "$(tr -d '\r' <"$T/out" | grep -c '^[12] [0-9]*$')" 2 "two messages"
ok "pop3:// fetches" pop "pop3://127.0.0.1:$POP/1"
cp "$T/out" "$T/one"
ok "pop3s:// fetches" pop "pop3s://127.0.0.1:$POPS/1"
same "$T/out" "$T/one" "the same octets"
ok "STLS fetches" pop --ssl-reqd "pop3://127.0.0.1:$POP/1"
same "$T/out" "$T/one" "the same octets again"
tail -c "$(wc -c <"$T/message")" "$T/one" >"$T/tail"
same "$T/tail" "$T/message" "and they are what was sent"
ok "UIDL" pop -X UIDL "pop3://127.0.0.1:$POP/"
is "$(tr -d '\r' <"$T/out" | awk '$1 == 1 || $1 == 2 { print $2 }' | sort -u | wc -l)" 2 \
    "two different unique ids"
ok "TOP" pop -X "TOP 1 0" "pop3://127.0.0.1:$POP/"
unlike "$(cat "$T/out")" '^From here' "without the body"
exits 67 "a wrong password" curl -sS --max-time 20 --user u1:wrong "pop3://127.0.0.1:$POP/"
ok "DELE" pop -X "DELE 1" --head "pop3://127.0.0.1:$POP/"
ok "one is left" wait_for 5 test "$(count_mail u1)" = 1
server_stop
