#!/bin/sh
# mail as scripts call it: recipients, headers, bodies, attachments, what sendmail is told.
. "${0%/*}/../lib/tap.sh"

export HOME="$T/home" MAILRC=/dev/null USER=me LOGNAME=me
mkdir "$HOME"
cat >"$T/fake" <<'END'
#!/bin/sh
# A sendmail that keeps its arguments and its input, and fails when it is told to.
for arg; do printf '%s\n' "$arg"; done >"$SENT.argv"
cat >"$SENT"
exit "${FAKE_STATUS:-0}"
END
chmod +x "$T/fake"
export SENT="$T/sent"
send() { mail -n -S sendmail="$T/fake" "$@"; }
argv() { tr '\n' ' ' <"$SENT.argv"; }
header() { sed '/^$/q' "$SENT"; }
body() { sed '1,/^$/d' "$SENT"; }
# One field, unfolded and decoded by somebody else's code; a name like "part 2 X" descends.
decoded() { check decode decoded 0 "$SENT" "$@"; }

echo hello | send -s 'A subject' bob@example.org
is $? 0 "a letter is sent"
is "$(argv)" "-i -- bob@example.org " "sendmail gets -i, -- and the recipient"
is "$(header)" "To: bob@example.org
Subject: A subject" "plain ASCII needs no MIME fields"
is "$(body)" hello "and the text is as it was"

printf 'one\n.\n~! touch %s\n~q\n~.\nlast' "$T/pwned" | send bob
is "$(body)" "one
.
~! touch $T/pwned
~q
~.
last" "dots and tildes in piped text are text"
nok "no escape ran" test -e "$T/pwned"

echo x | send -c 'ann, Bob B <bob@b>' -b secret@z amy 'Zed <zed@z>, bob@B' root
is "$(argv)" "-i -- amy zed@z bob@B root ann secret@z " "To, Cc and Bcc are recipients, none twice"
like "$(header)" '^To: amy, Zed <zed@z>, bob@B, root$' "To keeps the names"
like "$(header)" '^Cc: ann, Bob B <bob@b>$' "Cc keeps the names"
unlike "$(cat "$SENT")" secret "Bcc is not in the message"
echo x | send -c 'one two' bob -s 'behind the address'
is "$(argv)" "-i -- bob one two " "blanks separate bare names, options may come last"
like "$(header)" '^Subject: behind the address$' "an option behind the address counts"

echo x | send -r 'Me Myself <me@here.org>' bob
is "$(argv)" "-i -f me@here.org -- bob " "-r is the envelope sender"
like "$(header)" '^From: Me Myself <me@here.org>$' "and the From field"
echo x | send -S from=other@here.org -S replyto=reply@here.org -v bob
is "$(argv)" "-i -v -- bob " "-v is passed on, from= sets no envelope"
like "$(header)" '^From: other@here.org$' "from= sets From"
like "$(header)" '^Reply-To: reply@here.org$' "replyto= sets Reply-To"

for bad in '|id' '/etc/passwd' ' | id' '"|id"@x' 'a@b, |id' '<|id>'; do
    echo x | send "$bad" 2>/dev/null
    is $? 65 "recipient $bad is refused"
done
for way in -c -b; do
    rm -f "$SENT"
    echo x | send $way '|id' bob 2>/dev/null
    is "$?$(cat "$SENT" 2>/dev/null)" 65 "$way '|id' is refused"
done
printf 'To: |id\n\nx\n' | send -t 2>/dev/null
is $? 65 "-t with To: |id is refused"
rm -f "$SENT"
echo x | send -c -bob amy 2>/dev/null
is "$?$(cat "$SENT" 2>/dev/null)" 65 "an address with a dash in front is refused"
echo x | send -- -bob@x
is "$(argv)" "-i -- -bob@x " "but not behind --"

echo x | send -s 'one
X-Injected: yes' -r 'a@b' -a 'X-Two: a
X-Three: b' bob
unlike "$(header)" '^(X-Injected|X-Three)' "no value starts a new header line"

send -E bob </dev/null
rm -f "$SENT"
send -E bob </dev/null
is "$?$(cat "$SENT" 2>/dev/null)" 0 "-E: an empty text is not sent, exit 0"
send -s x bob </dev/null 2>"$T/err"
like "$(cat "$T/err")" '^Null message body; hope' "else it is sent, with a word about it"
is "$(header)" "To: bob
Subject: x" "as it is"
echo x | send bob -s 2>/dev/null
is $? 64 "an option without its argument is a usage error"
echo x | send -s x 2>/dev/null
is $? 64 "no recipient is a usage error"
echo x | send -Z bob 2>"$T/err"
is "$?" 0 "an unknown option does not lose the letter"
like "$(cat "$T/err")" 'unknown option -Z' "but is complained about"

# What other programs call.
echo x | send -E 'set escape' -s 'fail2ban' dest
is "$(argv)$(header)" "-i -- dest To: dest
Subject: fail2ban" "fail2ban's -E 'set escape'"
echo x | mailx -n -S sendmail="$T/fake" -S ttycharset=utf-8 -r from@x -s unattended root
is "$(argv)" "-i -f from@x -- root " "unattended-upgrades' mailx -S ttycharset=utf-8 -r"
printf 'gr\303\274n\n' | Mail -n -S sendmail="$T/fake" -a 'MIME-Version: 1.0' \
    -a 'Content-type: text/plain; charset=UTF-8' -a 'Content-transfer-encoding: 8bit' root
is "$(cat "$SENT")" "To: root
MIME-Version: 1.0
Content-type: text/plain; charset=UTF-8
Content-transfer-encoding: 8bit

$(printf 'gr\303\274n')" "apticron's -a header lines are believed, none is doubled"
echo x | send --subject=long --append='X-A: b' --return-address=r@x bob
is "$(argv)$(header | sed -n '3,4p')" "-i -f r@x -- bob Subject: long
X-A: b" "GNU's long options"
printf 'the start\n' >"$T/quoted"
echo end | send -q "$T/quoted" bob
is "$(body)" "the start
end" "-q FILE comes before the text"

printf 'To: a@x,\n b@x\nCc: c@x\nBcc: d@x\nSubject: s\n folded\nX-Other: o\n\nbody\n' | send -t e@x
is "$(argv)" "-i -- e@x a@x b@x c@x d@x " "-t takes the recipients of the text, and adds"
is "$(cat "$SENT")" "To: e@x, a@x, b@x
Cc: c@x
Subject: s folded
X-Other: o

body" "and its fields, but not Bcc"

# dead.letter
echo 'not lost' | FAKE_STATUS=75 send -s dead bob 2>"$T/err"
is $? 75 "sendmail's failure is the exit status"
like "$(cat "$T/err")" 'kept in .*/home/dead.letter' "which says where the letter is"
like "$(cat "$HOME/dead.letter")" '^From me ' "dead.letter is an mbox"
like "$(cat "$HOME/dead.letter")" '^not lost$' "with the text"
is "$(stat -c %a "$HOME/dead.letter")" 600 "of its owner alone"
echo 'second' | FAKE_STATUS=1 DEAD="$HOME/dead.letter" send -s dead2 bob 2>/dev/null
is "$(mail -n -H -f "$HOME/dead.letter" | grep -c dead)" 2 "the next one is appended"
echo x | mail -n -S sendmail=/nonexistent/sendmail bob 2>/dev/null
is $? 69 "a sendmail that is not there is a failure"
echo x | send -S nosave -S sendmail="$T/fake" -S record="$HOME/sent" -s kept bob
like "$(cat "$HOME/sent")" '^Subject: kept$' "set record keeps what was sent"

if ! command -v python3 >/dev/null; then
    skip 1 "no python3 to decode with"
    exit
fi
. "$ROOT/tests/lib/checks.sh"
printf 'Gr\303\274\303\237e\n\nan alle = x \n.\nFrom me\n' >"$T/text"
send -s "$(printf 'Gr\303\274\303\237e aus K\303\266ln, lang genug f\303\274r eine zweite Zeile im Kopf')" \
    -r "$(printf 'J\303\266rg <j@x>')" bob <"$T/text"
is "$(grep -c '[^ -~]' "$SENT")" 0 "UTF-8 goes out as ASCII"
is "$(decoded subject)" "$(printf 'Gr\303\274\303\237e aus K\303\266ln, lang genug f\303\274r eine zweite Zeile im Kopf')" \
    "the subject decodes to what it was"
is "$(decoded from)" "$(printf 'J\303\266rg') <j@x>" "and the name in From"
is "$(decoded type)" "text/plain utf-8" "the charset is declared"
decoded content >"$T/back"
same "$T/back" "$T/text" "and the text comes back"
is "$(awk 'length > 78' "$SENT" | wc -l)" 0 "no line is longer than 78"
send -S encoding=8bit bob <"$T/text"
is "$(body)" "$(cat "$T/text")" "encoding=8bit leaves it readable"
printf 'caf\351\n' | send -S ttycharset=iso-8859-1 bob
is "$(decoded type)$(decoded content)" "text/plain iso-8859-1$(printf 'caf\303\251')" "ttycharset is what it is"
printf 'caf\351\n' | LC_ALL=de_DE.ISO-8859-15 send bob
is "$(decoded type)" "text/plain iso-8859-15" "or the locale's charset"
printf 'caf\351\n' | send bob
is "$(decoded type)" "text/plain unknown-8bit" "else it is unknown"
python3 -c 'import sys; sys.stdout.buffer.write(b"a" * 5000 + b"\n\0\r\rb\n\xd0\x96" * 3)' >"$T/text"
send bob <"$T/text"
decoded content >"$T/back"
is "$(awk 'length > 998' "$SENT" | wc -l)" 0 "long lines, NUL and CR are encoded"
is "$(tr -d '\r\n' <"$T/back" | cksum)" "$(tr -d '\r\n' <"$T/text" | cksum)" "and come back"

python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 33)' >"$T/data.png"
name=$(printf 'b\303\244r "x".txt')
printf 'k\303\266nnen\n' >"$T/$name"
printf 'text\n' | send -s att -a "$T/data.png" -A "$T/$name" bob
is "$(decoded mime-version)$(decoded type)" "1.0multipart/mixed None" "attachments make it multipart/mixed"
is "$(decoded content 0)" text "the text is the first part"
decoded content 1 >"$T/back"
same "$T/back" "$T/data.png" "a binary file comes back"
is "$(decoded type 1)$(decoded filename 1)" "image/png Nonedata.png" "with type and name"
is "$(decoded filename 2)" "$name" "a name beyond ASCII comes back, too"
is "$(decoded type 2)$(decoded content 2)" "text/plain utf-8$(printf 'k\303\266nnen')" "a text file's charset is declared"
rm -f "$SENT"
echo x | send -A "$T/nosuch" bob 2>"$T/err"
is "$?$(cat "$SENT" 2>/dev/null)" 66 "a missing attachment: nothing is sent"
like "$(cat "$T/err")" 'nosuch: No such file' "and it is named"
cd "$T" && echo a >a:b && echo x | send -a a:b bob
is "$(decoded filename 1)" a:b "-a with a colon is a file when there is one"
echo x | send -a 'X-Url: http://x/y' bob
like "$(header)" '^X-Url: http://x/y$' "and a header line when there is none"
