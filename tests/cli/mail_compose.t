#!/bin/sh
# mail at a terminal: prompts, the end of the text, interrupts, ~ escapes.
. "${0%/*}/../lib/tap.sh"
need python3

export HOME="$T/home" MAILRC=/dev/null USER=me LOGNAME=me TERM=dumb
mkdir "$HOME"
cat >"$T/fake" <<'END'
#!/bin/sh
for arg; do printf '%s\n' "$arg"; done >"$SENT.argv"
cat >"$SENT"
END
chmod +x "$T/fake"
export SENT="$T/sent"
# type.py COMMAND... -- EXPECT SEND EXPECT SEND...: waits for each text before it types the next;
# prints what the terminal showed, then the exit status.
cat >"$T/type.py" <<'END'
import os, pty, re, select, sys, time
at = sys.argv.index('--')
command, steps = sys.argv[1:at], sys.argv[at + 1:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen = b''
def more(seconds):
    global seen
    if select.select([fd], [], [], seconds)[0]:
        try:
            got = os.read(fd, 4096)
        except OSError:
            return False
        seen += got
        return bool(got)
    return time.time() < limit
mark = 0
for expect, send in zip(steps[::2], steps[1::2]):
    limit = time.time() + 10
    while expect.encode() not in seen[mark:]:
        if not more(0.1):
            print('no', repr(expect), 'in', seen[mark:])
            sys.exit(1)
    mark = seen.index(expect.encode(), mark) + len(expect)
    os.write(fd, send.encode().decode('unicode_escape').encode('latin-1'))
limit = time.time() + 10
while more(0.1):
    pass
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode('utf-8', 'replace').replace('\r\n', '\n'))
print('status', status)
END
at_terminal() { python3 "$T/type.py" mail -n -S sendmail="$T/fake" "$@" >"$T/seen"; }
status() { sed -n '$s/^status //p' "$T/seen"; }

# ~p and its answer tell that a line was read: an interrupt discards what was only typed.
at_terminal bob -- 'Subject: ' 'the subject\n' 'subject' 'a line\n' 'a line' '.\n'
is "$(status)$(cat "$SENT")" "0To: bob
Subject: the subject

a line" "Subject: is asked for, a lone dot ends"
at_terminal -s given bob -- '' 'a line\n' 'a line' '\x04'
is "$(cat "$SENT")" "To: bob
Subject: given

a line" "-s: it is not; end of file ends"
like "$(cat "$T/seen")" '^EOT' "with EOT shown"
at_terminal -s x -- 'To: ' 'ann, joe@x\n' 'joe' 'text\n' 'text' '.\n'
is "$(tr '\n' ' ' <"$SENT.argv")" "-i -- ann joe@x " "To: is asked for when there is none"
at_terminal -S askcc -S askbcc -s x bob -- '' 'text\n' 'text' '.\n' 'Cc: ' 'ann\n' 'Bcc: ' 'joe\n'
is "$(tr '\n' ' ' <"$SENT.argv")" "-i -- bob ann joe " "askcc and askbcc ask at the end"

rm -f "$SENT"
at_terminal -s x bob -- '' 'precious\n' 'precious' '~p\n' '(continue)' '\x03' \
    'one more' '\x03'
is "$(status)" 1 "two interrupts give up"
nok "nothing is sent" test -e "$SENT"
like "$(cat "$HOME/dead.letter")" '^precious$' "the text is in dead.letter"
at_terminal -s x bob -- '' 'one\n' 'one' '~p\n' '(continue)' '\x03' \
    'one more' 'two\n' 'two' '.\n'
is "$(tail -n 2 "$SENT")" "one
two" "one interrupt does not"
rm -f "$SENT" "$HOME/dead.letter"
at_terminal -s x bob -- '' 'kept\n' 'kept' '~q\n'
is "$(status)$(ls "$SENT" 2>/dev/null)" 1 "~q sends nothing"
like "$(cat "$HOME/dead.letter")" '^kept$' "and keeps the text"
rm -f "$HOME/dead.letter"
at_terminal -s x bob -- '' 'gone\n' 'gone' '~x\n'
is "$(status)$(ls "$SENT" "$HOME/dead.letter" 2>/dev/null)" 1 "~x keeps nothing"

mkfifo "$T/pipe"
mail -n -I -S sendmail="$T/fake" -s x bob <"$T/pipe" >"$T/seen" 2>&1 &
mailer=$!
exec 3>"$T/pipe"
printf 'hung up\n~p\n' >&3
wait_for 10 grep -q '^(continue)' "$T/seen"
kill -HUP $mailer
exec 3>&-
wait $mailer
is "$?$(ls "$SENT" 2>/dev/null)" 1 "a hangup sends nothing"
like "$(cat "$HOME/dead.letter")" '^hung up$' "and keeps the text"

printf 'from a file\n' >"$T/file"
export PROOF="$T/proof"
at_terminal -s old bob -- '' 'first\n' 'first' '~s new subject\n' 'subject' '~t ann@x, joe\n' \
    'joe' '~c carl\n' 'carl' '~b secret\n' 'secret' "~r $T/file\\n" 'file' \
    '~~ a tilde\n' 'tilde' '~| tr a-z A-Z\n' '(continue)' '~! echo ran >$PROOF\n' '!' \
    '~r !echo from a command\n' 'command' '~p\n' '(continue)' "~w $T/written\\n" 'written' \
    "~@ $T/file\\n" '/file' '~Z\n' 'Unknown tilde escape: ~Z' '~?\n' 'end of the letter' '~.\n'
is "$(tr '\n' ' ' <"$SENT.argv")" "-i -- bob ann@x joe carl secret " "~t ~c ~b add recipients"
like "$(cat "$SENT")" '^Subject: new subject$' "~s sets the subject"
is "$(cat "$T/written")" "FIRST
FROM A FILE
~ A TILDE
from a command" "~r ~~ ~| ~r! and ~w work on the text"
is "$(cat "$PROOF")" ran "~! runs a command"
like "$(cat "$T/seen")" '^To: bob, ann@x, joe$' "~p shows the letter"
like "$(cat "$SENT")" 'filename="?file' "~@ attaches"
cat >"$T/editor" <<'END'
#!/bin/sh
sed 's/wrong/right/' "$1" >"$1.new" && mv "$1.new" "$1"
END
chmod +x "$T/editor"
EDITOR="$T/editor" at_terminal -s x bob -- '' 'wrong\n' 'wrong' '~e\n' '(continue)' 'more\n' 'more' '.\n'
is "$(tail -n 2 "$SENT")" "right
more" "~e edits the text, and more can follow"
at_terminal -s old bob -- '' '~h\n' 'To: [bob] ' '\n' 'Subject: [old] ' 'fresh\n' 'Cc: ' '\n' \
    'Bcc: ' '\n' '' 'text\n' 'text' '.\n'
like "$(cat "$SENT")" '^Subject: fresh$' "~h asks for the header again"
at_terminal -S noescape -S escape= -s x bob -- '' '~x\n' '~x' '.\n'
is "$(tail -n 1 "$SENT")" "~x" "an empty escape turns them off"
printf '~s from a pipe\ntext\n' | mail -n -~ -S sendmail="$T/fake" bob
like "$(cat "$SENT")" '^Subject: from a pipe$' "-~ turns them on for piped text"
printf '~s from a pipe\ntext\n' | mail -n -S escape='~' -S sendmail="$T/fake" bob
unlike "$(sed '/^$/q' "$SENT")" 'from a pipe' "a variable does not"

# Reading at a terminal: programs run there, and only there.
cat >"$T/box" <<'END'
From ann@x Tue Nov 24 03:18:00 2026
From: ann@x
Subject: first

the first text

From joe@x Tue Nov 24 03:19:00 2026
From: joe@x
Subject: second

the second text

END
export PAGER="sed s/^/paged:/"
at_terminal -f "$T/box" -- '& ' '\n' '& ' 'h\n' '& ' "| 2 tr a-z A-Z >$T/piped\\n" '& ' \
    '!echo ran the shell\n' '& ' '\x03' 'Interrupt' 'set crt=2\n' '& ' 'p 2\n' '& ' \
    'm amy\n' 'Subject: ' 'from inside\n' 'inside' '~m 1\n' '(continue)' 'end\n' 'end' '.\n' '& ' 'x\n'
is "$(status)" 0 "the prompt is answered"
like "$(cat "$T/seen")" '^"[^"]*box": 2 messages 2 new 2 unread' "the summary comes first"
is "$(tail -n 2 "$T/piped")" "THE SECOND TEXT" "| pipes a message"
like "$(cat "$T/seen")" '^ran the shell' "! runs a command"
like "$(cat "$T/seen")" '^paged:the second text' "crt: longer messages go through PAGER"
is "$(sed '1,/^$/d' "$SENT" | tail -n 3)" "	the first text
	
end" "m and ~m write a letter about a message"
at_terminal -S prompt='what? ' -f "$T/box" -- 'what? ' '\x04'
is "$(status)" 0 "set prompt; end of file quits"
at_terminal -S ignoreeof -f "$T/box" -- '& ' '\x04' 'Use "quit"' 'q\n'
is "$(status)" 0 "ignoreeof does not let it"
