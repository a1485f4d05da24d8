#!/bin/sh
# Mailers with F=z whose P= is a program: LMTP on its standard input and output (RFC 2033).
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home
need python3
# One that every user may run.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
files=$T/files
mkdir "$files"
chmod 777 "$files"
# What the program does is in the name of the recipient; each conversation is noted when it is over.
{
    echo "#!$python"
    echo "files = '$files'"
    cat <<'P'
import os
import signal
import sys
import time

user = sys.argv[2]
how = user.split('@')[0]
seen = []
first = not os.path.exists(files + '/' + how)


def note(*words):
    with open(files + '/' + how, 'a', encoding='latin-1') as f:
        print(*words, file=f)


def say(text):
    os.write(1, text.encode() + b'\r\n')


def hear():
    line = sys.stdin.buffer.readline()
    assert line.endswith(b'\r\n') or not line, line
    return line[:-2].decode('latin-1')


note('args', *sys.argv[1:], 'uid', os.getuid())
if how == 'silent' and first:
    while True:
        time.sleep(1)
greeting = {'rude': '554 5.0.0 not today', 'nonsense': 'hello'}
to_rcpt = {'temp': '450 4.2.0 busy', 'perm': '550 5.1.1 nobody here'}
to_text = {'full': '452 4.2.2 full', 'late': '554 5.6.0 what is this'}


def answer(special, usual):
    """What is final stays, everything else is so only the first time."""
    text = special.get(how, usual)
    text = text if first or how in ('perm', 'late') else usual
    say(text)
    return text == usual


answer(greeting, '220 here LMTP')
while True:
    line = hear()
    verb = line.split(' ')[0].upper()
    note('<', line)
    if verb == 'LHLO':
        say('250-here')
        say('250-8BITMIME')
        say('250 PIPELINING')
    elif verb == 'MAIL':
        say('250 2.1.0 ok')
    elif verb == 'RCPT':
        taken = answer(to_rcpt, '250 2.1.5 ok')
    elif verb == 'DATA' and not taken:
        say('503 5.5.1 for whom?')
    elif verb == 'DATA':
        say('354 go')
        text = hear()
        while text != '.':
            note('|', text)
            if how == 'dies' and first:
                os.kill(os.getpid(), signal.SIGKILL)
            text = hear()
        if answer(to_text, '250 2.0.0 stored'):
            note('stored')
        if how == 'fails':
            sys.exit(70)
        if how == 'stays':
            note('stays', os.getpid())
            while True:
                time.sleep(1)
    elif verb == 'QUIT' or not line:
        say('221 2.0.0 bye')
        break
    else:
        say('500 5.5.2 what?')
P
} >"$T/lmtp"
chmod 755 "$T/lmtp"
{
    letterbox cfgen | sed "/^Mlocal,/d
        s/^O DeliveryMode=.*/O DeliveryMode=background/
        s/^O SuperSafe=.*/O SuperSafe=true/
        s/^Sparse=0/&\\
R\$+<@lmtp.test.>\$*	\$#lmtp\$@x\$:\$1@there.test\\
R\$+<@lmtp.test>\$*	\$#lmtp\$@x\$:\$1@there.test\\
R\$+<@short.test\$*>\$*	\$#short\$@x\$:\$1/"
    cat <<C
Mlocal, P=$T/lmtp, F=lsDFMAw5:/|@qPSXmnz9, T=DNS/RFC822/X-Unix, A=lmtp -l \$u
Mlmtp, P=$T/lmtp, F=sDFMXmnz, A=lmtp -l \$u
Mshort, P=$T/lmtp, F=sDFMXmnz, W=1, A=lmtp -l \$u
C
} >"$T/test.cf"
server_smtp -C "$T/test.cf" "-ODefaultUser=20009.20009" || fail "the daemon starts"
nok "the file is in order" grep 'test.cf: line' "$T/smtp.log"
if [ "$(id -u)" = 0 ]; then mine=20001 other=20009; else mine=$(id -u) other=$mine; fi
put() { # RCPT...
    printf 'Subject: to %s\n\nthe text\n.dot\n..two\na\351\n' "$1" |
        sendmail -C "$T/test.cf" -f u4@example.test "$@" >>"$T/submit.log" 2>&1
}
ended() { # RCPT ERE [COUNT]
    said() { [ "$(grep -Ec "to=<$1>.*$2" "$T/smtp.log")" -ge "${3:-1}" ]; }
    ok "$1: $2" wait_for 20 said "$1" "$2" "${3:-1}"
}
stored() { grep -c '^stored' "$files/$1"; }

put u1@example.test
ended u1@example.test 'dsn=2.0.0, stat=Sent'
is "$(grep '^args' "$files/u1")" "args -l u1 uid $mine" "mailer local: as the recipient, without the envelope's address"
is "$(grep '^<' "$files/u1" | tr '\n' ' ')" \
    "< LHLO localhost < MAIL FROM:<u4@example.test> BODY=8BITMIME < RCPT TO:<u1> < DATA < QUIT " \
    "the conversation"
like "$(cat "$files/u1")" '^\| Return-Path: <u4@example.test>' "F=P"
is "$(sed -n '/^| the text/,/^stored/p' "$files/u1" | tr '\n' ' ')" \
    "$(printf '| the text | ..dot | ...two | a\351 stored ')" "the text, with its dots"

# One message for all: each has its own outcome.
put ok@lmtp.test temp@lmtp.test perm@lmtp.test full@lmtp.test late@lmtp.test dies@lmtp.test \
    nonsense@lmtp.test rude@lmtp.test silent@short.test fails@lmtp.test stays@lmtp.test
ended ok@lmtp.test 'dsn=2.0.0, stat=Sent'
is "$(head -n 4 "$files/ok" | tr '\n' ' ')" \
    "args -l ok@there.test uid $other < LHLO localhost < MAIL FROM:<u4@example.test> BODY=8BITMIME < RCPT TO:<ok@there.test> " \
    "another mailer: as DefaultUser, to whom its rules say"
ended temp@lmtp.test 'dsn=4.2.0, stat=Deferred: busy'
ended perm@lmtp.test 'dsn=5.1.1, stat=nobody here'
ended full@lmtp.test 'dsn=4.2.2, stat=Deferred: full'
ended late@lmtp.test 'dsn=5.6.0, stat=what is this'
ended dies@lmtp.test 'dsn=4.4.2, stat=Deferred: mailer ended without an answer'
ended nonsense@lmtp.test 'dsn=4.5.0, stat=Deferred'
ended rude@lmtp.test 'dsn=4.0.0, stat=Deferred: not today'
ended silent@short.test 'dsn=4.4.2, stat=Deferred: mailer does not answer'
ended fails@lmtp.test 'dsn=2.0.0, stat=Sent'
ended stays@lmtp.test 'dsn=2.0.0, stat=Sent'
nok "what does not end is ended" kill -0 "$(sed -n 's/^stays //p' "$files/stays")"
# Those that were not served are tried again, and nobody else is.
kill -USR1 "$(cat "$T/smtp.pid")"
for name in temp full dies nonsense rude; do
    ended $name@lmtp.test 'dsn=2.0.0, stat=Sent'
done
# On a loaded machine a second may pass before it has begun: then it is tried again.
served() {
    grep -q 'to=<silent@short.test>.*dsn=2.0.0, stat=Sent' "$T/smtp.log" ||
        { kill -USR1 "$(cat "$T/smtp.pid")" && false; }
}
ok "silent@short.test: served when it answers" wait_for 30 served
is "$(stored ok) $(stored fails) $(stored stays) $(stored u1)" "1 1 1 1" "nothing is delivered twice"
ok "the queue is empty" wait_for 20 queue_empty
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
ok "the daemon ends" stop_daemon smtp
