#!/bin/sh
# PrivacyOptions: its words are sendmail's, and those for which there is something act.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home LETTERBOX_LOG=none
session() { # WORDS COMMAND...
    words=$1
    shift
    printf '%s\r\n' "$@" QUIT | sendmail -bs -OPrivacyOptions="$words" | tr -d '\r' | sed '1d;$d'
}

exits 0 "all words of sendmail are known" sendmail \
    -OPrivacyOptions=public,needmailhelo,needexpnhelo,needvrfyhelo,noexpn,novrfy,authwarnings,noverb -bv u1
exits 0 "the rest of them, in any case and with blanks" sendmail '-OPrivacyOptions=restrictmailq restrictqrun,RestrictExpand, noetrn nobodyreturn,noreceipts,noactualrecipient,goaway' -bv u1
exits 70 "another word" sendmail -OPrivacyOptions=noexpn,secret -bv u1
is "$(cat "$T/out")" "readcf: Op line: secret unrecognized" "is refused in sendmail's words"

like "$(session public 'MAIL FROM:<a@b.example>')" '^250 2\.1\.0' "public: MAIL needs no HELO"
is "$(session needmailhelo 'MAIL FROM:<a@b.example>')" "503 5.0.0 Polite people say HELO first" "needmailhelo"
like "$(session novrfy 'VRFY u1')" '^252 2\.5\.2 Cannot VRFY user; try RCPT' "novrfy"
like "$(session noexpn 'EXPN u1')" '^502 5\.7\.0 Sorry, we do not allow this operation' "noexpn"
is "$(session needvrfyhelo,needexpnhelo,goaway 'VRFY u1' 'EXPN u1')" "$(session goaway 'VRFY u1' 'EXPN u1')" \
    "who is told nothing need not say HELO for it"
like "$(session noetrn 'ETRN b.example')" '^502 5\.7\.0 Sorry, we do not allow this operation' "noetrn"
like "$(session noverb VERB)" '^502 5\.7\.0 Verbose unavailable' "noverb"
like "$(session public 'EHLO a')" '^250-DSN' "receipts are offered"
unlike "$(session noreceipts 'EHLO a')" 'DSN' "noreceipts takes that back"
like "$(session noreceipts 'EHLO a' 'MAIL FROM:<> RET=HDRS')" '^504 5\.7\.0 Sorry, RET not supported, we do not allow DSN' \
    "and RET is refused"
is "$(session goaway 'MAIL FROM:<a@b.example>')" "503 5.0.0 Polite people say HELO first" "goaway has all of the kind"
like "$(session goaway 'EHLO a')" '^250-DSN' "but not noreceipts"

# ---- authwarnings
session authwarnings 'MAIL FROM:<>' 'RCPT TO:<u1>' DATA 'Subject: x' '' hello . >/dev/null
ok "a message without HELO" wait_for 20 has_mail u1 1
like "$(cat "$(mailbox u1)")" "^X-Authentication-Warning: mx\.example\.test: uid[0-9]+@localhost didn't use HELO protocol" \
    "is marked"
session authwarnings 'HELO me' 'MAIL FROM:<>' 'RCPT TO:<u2>' DATA 'Subject: x' '' hello . >/dev/null
ok "one with HELO" wait_for 20 has_mail u2 1
unlike "$(cat "$(mailbox u2)")" X-Authentication "is not"
printf 'Subject: x\n\nhi\n' | sendmail -OPrivacyOptions=authwarnings -f boss@far.example u3
ok "-f by the owner of the queue" wait_for 20 has_mail u3 1
unlike "$(cat "$(mailbox u3)")" X-Authentication "is trusted"

if [ "$(id -u)" != 0 ]; then
    skip 11 "needs root: other users"
    exit
fi
stranger="as_user 12345"
LETTERBOX_LOG=stderr server_smtp || fail "the daemon starts"
printf 'Subject: x\n\nhi\n' >"$T/letter"
exits 0 "-f by another user" $stranger sendmail -OPrivacyOptions=authwarnings -f boss@far.example u4 <"$T/letter"
ok "arrives" wait_for 20 has_mail u4 1
like "$(cat "$(mailbox u4)")" '^X-Authentication-Warning: mx\.example\.test: uid12345 set sender to boss@far\.example using -f$' \
    "marked"
rm "$(mailbox u4)"
exits 0 "-r by another user" $stranger sendmail -OPrivacyOptions=authwarnings -r '<>' u4 <"$T/letter"
like "$(cat "$(mailbox u4)")" 'uid12345 set sender to <> using -r$' "is marked, too"
rm "$(mailbox u4)"
exits 0 "without the word" $stranger sendmail -f boss@far.example u4 <"$T/letter"
unlike "$(cat "$(mailbox u4)")" X-Authentication "nothing is"
ok "the daemon ends" stop_daemon smtp

# ---- who may see and run the queue
chmod -R a+rwX "$LETTERBOX_QUEUE"
exits 77 "restrictmailq: others may not list" $stranger sendmail -bp -OPrivacyOptions=restrictmailq
is "$(cat "$T/out")" "You are not permitted to see the queue" "and are told so"
exits 77 "restrictqrun: others may not run" $stranger sendmail -q -OPrivacyOptions=restrictqrun
is "$(cat "$T/out")" "You do not have permission to process the queue" "and are told so"
exits 77 "nor hold" $stranger sendmail -Qx -qRx -OPrivacyOptions=restrictqrun
exits 0 "root may" sendmail -bp -OPrivacyOptions=restrictmailq,restrictqrun
exits 0 "both" sendmail -q -OPrivacyOptions=restrictmailq,restrictqrun
