#!/bin/sh
# Options of sendmail that say something about the message or show what happens to it.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home LETTERBOX_LOG=none
# Where mail for others would go: nobody is there.
LETTERBOX_RELAY=smtp+plain://127.0.0.1:$(free_port)
export LETTERBOX_RELAY
letter() { printf 'Subject: %s\n\nhello\n' "$1"; }
# The one queued message, as it is on disk.
queued() { cat "$LETTERBOX_QUEUE"/queue/*; }
drop_queue() { rm -f "$LETTERBOX_QUEUE"/queue/*; }

# ---- what reaches the queue file
letter a | sendmail -odq -N success,delay -R hdrs -V my+2Did -B 8BITMIME -f a@b.example u1 u2@far.example
is $? 0 "a message for later"
like "$(queued)" '^O H my\+2B2Did 8 uid' "-R, -V and -B are in its envelope"
is "$(queued | grep -c '^R - A ')" 2 "-N is with each recipient"
drop_queue
letter a | sendmail -odq -N never -R FULL -B 7bit u2@far.example
like "$(queued)" '^O F - 7 uid' "-R full, -B 7bit"
like "$(queued)" '^R - 1 ' "-N never"
drop_queue
letter a | sendmail -odq u2@far.example
like "$(queued)" '^O - - - uid' "without them nothing is said"
like "$(queued)" '^LBQ1 [0-9]+ [0-9]+ 00000 0 ' "and no flag is set"
drop_queue
letter a | sendmail -n -odq u2@far.example
like "$(queued)" '^LBQ1 [0-9]+ [0-9]+ 00000 8 ' "-n is in the queue file"
drop_queue
exits 64 "-N never with others" sendmail -N never,failure u1
like "$(cat "$T/out")" '^Invalid -N argument$' "is refused as sendmail does"
exits 64 "-N with a wrong word" sendmail -N foo u1
exits 64 "-R with a wrong word" sendmail -R foo u1
like "$(cat "$T/out")" '^Invalid -R value$' "with sendmail's text"
exits 64 "-V that is no xtext" sendmail -V 'bad envid' u1
like "$(cat "$T/out")" '^Invalid syntax in -V flag$' "with sendmail's text"
exits 64 "-B with a wrong word" sendmail -Bfoo -bv u1@far.example
like "$(cat "$T/out")" '^Illegal body type foo$' "is told, and the rest is done"
like "$(cat "$T/out")" 'deliverable: mailer relay' "before it fails"

# ---- -p, -G
letter a | sendmail -odq -pUUCP:gate.example u2@far.example
like "$(queued)" '^Received: from gate\.example \(uid' "-p has the host in Received"
like "$(queued)" '\) with UUCP id ' "and the protocol"
drop_queue
letter a | sendmail -odq "-pA B
C:x (y)" u2@far.example
like "$(queued)" '^Received: from x__y_ ' "what is no word there is made one"
like "$(queued)" ' with A_B_C id ' "for both"
drop_queue
printf 'Subject: x\nBcc: z@z.example\n\nhello\n' | sendmail -G -odq u2@far.example
unlike "$(queued)" '^(From|Date|Message-ID):' "-G adds nothing to what passes through"
like "$(queued)" '^Bcc: z@z' "and takes nothing away"
drop_queue
printf 'Subject: x\nBcc: z@z.example\n\nhello\n' | sendmail -G -t -odq
unlike "$(queued)" '^Bcc:' "but for blind copies that -t made recipients of"
drop_queue

# ---- -v
letter v >"$T/letter"
exits 0 "-v without a daemon" sendmail -v u1 u2@far.example <"$T/letter"
like "$(cat "$T/out")" '^u1@example\.test\.\.\. Connecting to local\.\.\.$' "tells where each goes"
like "$(cat "$T/out")" '^u1@example\.test\.\.\. Sent$' "and what became of it"
like "$(cat "$T/out")" '^u2@far\.example\.\.\. Deferred: Connection refused' "as far as it knows"
exits 0 "-q -v" sendmail -q -v
like "$(sed -n 1,2p "$T/out")" "^Running $LETTERBOX_QUEUE/queue/[0-9A-Za-z]+ \(sequence 1 of 1\)" \
    "tells which message"
like "$(cat "$T/out")" '^u2@far\.example\.\.\. Deferred: ' "and what became of it"
exits 0 "-q without -v" sendmail -q
is "$(cat "$T/out")" "" "is silent"
exits 67 "-v with nobody to send to" sendmail -v -oem nosuch <"$T/letter"
drop_queue
export LETTERBOX_LOG=stderr
server_smtp || fail "the daemon starts"
export LETTERBOX_LOG=none
exits 0 "-v with a daemon" sendmail -v u1 <"$T/letter"
like "$(cat "$T/out")" '^>>> MAIL FROM:<' "shows what is said to it"
like "$(cat "$T/out")" '^250 2\.1\.5 ' "and what it answers"
like "$(cat "$T/out")" '^u1\.\.\. Sent$' "and the end"
unlike "$(cat "$T/out")" 'hello' "but not the text"
exits 67 "-v with an unknown user" sendmail -v nosuch <"$T/letter"
like "$(cat "$T/out")" '^550 5\.1\.1 ' "shows the refusal"
printf 'EHLO me\r\nNOOP\r\nQUIT\r\n' | sendmail -bs -i >"$T/out"
is "$?" 0 "-bs with -i"
is "$(grep -c '^2' "$T/out" | awk '{print ($1 > 4)}')" 1 "is a session"
ok "the daemon ends" stop_daemon smtp

# ---- -X
: >"$T/traffic"
exits 0 "-X" sendmail -X "$T/traffic" u1 <"$T/letter"
is "$(sed 's/^[0-9]* //' "$T/traffic")" "<<< Subject: v
<<< 
<<< hello
<<< [EOF]" "has the message that came in"
: >"$T/traffic"
printf 'NOOP\r\nQUIT\r\n' | sendmail -bs -X "$T/traffic" >"$T/out"
like "$(cat "$T/traffic")" '^[0-9]+ <<< NOOP' "-bs -X: what came in"
like "$(cat "$T/traffic")" '^[0-9]+ >>> 221 ' "and what went out"
exits 73 "-X that cannot be" sendmail -X "$T/none/x" u1 <"$T/letter"
like "$(cat "$T/out")" "^cannot open $T/none/x: No such file" "says so"
ln -s "$T/traffic" "$T/link"
exits 73 "-X to a symbolic link" sendmail -X "$T/link" u1 <"$T/letter"
if [ "$(id -u)" = 0 ]; then
    user="as_user 12345"
    exits 0 "root gets a file made" sendmail -X "$T/made" -bv u1
    is "$(stat -c %a "$T/made")" 600 "for root alone"
else
    user=
fi
# What a web form lets through must not become a file of the web server's (CVE-2016-10033).
mkdir -p "$T/www" && chmod 777 "$T/www"
exits 73 "nobody else gets one made" $user sendmail -t -i -f a -oQ/tmp/ -X"$T/www/x.php" b <"$T/letter"
nok "there is none" test -e "$T/www/x.php"
exits 73 "-D is held to the same" $user sendmail -D "$T/www/x.php" -bv u1
nok "there is none" test -e "$T/www/x.php"

# ---- the caller's full name
drop_queue
echo 'root:x:0:0:Joe & Sons; office,1234:/root:/bin/sh' >"$T/passwd"
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    letter a | unshare -m sh -c 'mount --bind "$1" /etc/passwd && exec sendmail -odq u1' sh "$T/passwd"
    like "$(queued)" '^From: Joe Root Sons <root@' "up to , ; or %, with the name for &"
    drop_queue
else
    skip 1 "needs root: another passwd file"
fi

# ---- -D, -L, what is accepted
printf 'R$-\t$@ x\n' >"$T/r" && { printf 'V10/Berkeley\nDj\nDnMAILER-DAEMON\nS3\n' && cat "$T/r"; } >"$T/cf"
: >"$T/trace"
echo '3 a' | sendmail -bt -C "$T/cf" -d21.4 -D "$T/trace" >"$T/out" 2>&1
like "$(cat "$T/trace")" 'rewritten as: x' "-bt -D has the trace in the file"
unlike "$(cat "$T/out")" 'rewritten as' "and not among the answers"
like "$(cat "$T/out")" '^ADDRESS TEST MODE' "which are where they were"
cp "$T/cf" "$T/sendmail.cf"
like "$(cd "$T" && echo '3 a' | sendmail -bt -C 2>&1)" 'returns: x' "-bt -C alone: sendmail.cf here"
like "$(printf '/mx [!%0300d]\n' 0 | sendmail -bt -C "$T/cf")" 'returns 0 value' \
    "/mx of what is too long for a name"
LETTERBOX_LOG=stderr sendmail -L 'my tag]' -odq u1 <"$T/letter" 2>"$T/err"
LETTERBOX_LOG=stderr sendmail -L 'my tag]' -q 2>>"$T/err" </dev/null
like "$(cat "$T/err")" '^my_tag_\[[0-9]+\]: .*from=' "-L is the name in the log"
like "$(cat "$T/err")" '^my_tag_\[[0-9]+\]: .*stat=Sent' "of all processes"
LETTERBOX_LOG=stderr sendmail -OLogLevel=1 u1 <"$T/letter" 2>"$T/err"
is "$(cat "$T/err")" "" "LogLevel=1 keeps the log silent while all is well"
exits 0 "-Ac -Am -Mx -m -s -U -J -E are accepted" sendmail -Ac -Am -Mx -m -s -U -J -E -Tx -bv u2@far.example
is "$(cat "$T/err")" "" "without a word"
