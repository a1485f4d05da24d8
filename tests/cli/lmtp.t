#!/bin/sh
# deliver -l: LMTP (RFC 2033) on standard input and output.
. "${0%/*}/../lib/tap.sh"
export HOME=$T LETTERBOX_LOG=none LETTERBOX_USERS="$T/users" LETTERBOX_HOSTNAME=mx.example.test
export LETTERBOX_MAILBOX="$T/mail/%n"
mkdir "$T/mail" "$T/mail/dir"
for n in ann bob broken; do
    echo "$n:{PLAIN}x:$(id -u):$(id -g)::$T"
done >"$T/users"
ln -s "$T/none/x" "$T/mail/broken"
# The codes of the replies, first and last lines of one reply alike.
lmtp() {
    printf '%s\r\n' "$@" | deliver -l >"$T/said"
    echo $? >"$T/status"
    tr -d '\r' <"$T/said" | cut -c1-3 | uniq | tr '\n' ' '
}

is "$(lmtp 'LHLO me' QUIT)" "220 250 221 " "LHLO"
is "$(cat "$T/status")" 0 "status 0"
for word in PIPELINING ENHANCEDSTATUSCODES 8BITMIME; do
    ok "offers $word (RFC 2033 section 5)" grep -q "^250[- ]$word" "$T/said"
done
like "$(head -n 1 "$T/said")" '^220 mx\.example\.test LMTP' "the greeting says LMTP"
is "$(lmtp 'HELO me' 'EHLO me' QUIT)" "220 500 221 " "HELO and EHLO are no commands here (section 4.1)"
is "$(lmtp 'MAIL FROM:<>' QUIT | sed 's/503/5xx/')" "220 5xx 221 " "MAIL wants LHLO first"
lmtp 'LHLO me' 'MAIL FROM:<a@b.example>' 'RCPT TO:<ann>' 'RCPT TO:<nobody>' 'RCPT TO:<broken>' 'RCPT TO:<bob@x.example>' \
    DATA 'Subject: x' '' hello .. . QUIT >/dev/null
tr -d '\r' <"$T/said" | sed '1,/354/d' | cut -c1-5 >"$T/replies"
is "$(tr '\n' ' ' <"$T/replies")" "250 2 451 4 250 2 221 2 " \
    "after the dot one reply for each recipient that was taken, in their order (section 4.2)"
like "$(tr -d '\r' <"$T/said")" '^550 5\.1\.1 <nobody>\.\.\. User unknown$' "an unknown one is refused at RCPT"
for user in ann bob; do
    is "$(grep -c '^hello$' "$T/mail/$user")" 1 "$user has it"
    like "$(cat "$T/mail/$user")" '^Return-Path: <a@b\.example>$' "with the return path"
done
is "$(grep -c '^\.$' "$T/mail/ann")" 1 "a doubled dot is one"
is "$(lmtp 'LHLO me' 'MAIL FROM:<>' 'RCPT TO:<nobody>' DATA QUIT | sed 's/503 //')" "220 250 550 221 " \
    "DATA without a recipient is refused: 503 (section 4.2)"
is "$(lmtp 'LHLO me' 'MAIL FROM:<>' 'RCPT TO:<ann+detail@x.example>' RSET 'MAIL FROM:<>' 'RCPT TO:<bob>' DATA 'Subject: 2' '' two . \
    'MAIL FROM:<>' 'RCPT TO:<ann+d>' DATA 'Subject: 3' '' three . NOOP QUIT)" "220 250 354 250 354 250 221 " \
    "RSET, and several messages"
is "$(grep -c '^two$' "$T/mail/bob") $(grep -c '^three$' "$T/mail/ann")" "1 1" "all are there"
printf 'LHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<ann>\r\nDATA\r\nSubject: cut off\r\n' | deliver -l >"$T/said"
unlike "$(cat "$T/mail/ann")" 'cut off' "what does not end is not delivered"
