#!/bin/sh
# ~/.forward: what it may name, who reads it, and when it does not count.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
server_setup mbox
root() { [ "$ME" = 0 ]; }
export HOME=$T/home LETTERBOX_ALIASES="$T/aliases"
mkdir "$T/h" "$T/programs" "$T/elsewhere"
chmod 755 "$T/h" "$T/programs" "$T/elsewhere"
printf 'staff: one, u4\nself: self, u2\nboth: duo, duo+det\nthree: gone, u3\n' >"$T/aliases"
uid=20100
# Users of their own, whose homes and uids differ; NAME [SHELL].
user() {
    uid=$((uid + 1))
    root || uid=$ME
    mkdir "$T/h/$1" || exit 1
    root && chown $uid:$uid "$T/h/$1"
    echo "$1:{PLAIN}x:$uid:$uid::$T/h/$1:${2:-}" >>"$T/users"
    eval "uid_$1=$uid"
}
others=$(umask)
# As its owner writes it; lines from standard input.
forward() { # USER [FILE]
    eval "owner=\$uid_$1"
    umask 077
    cat >"$T/h/$1/${2:-.forward}"
    umask "$others"
    root && chown "$owner" "$T/h/$1/${2:-.forward}"
}
for name in one self more exact empty here there prog file list unsafe broken gone late plus bad chain1 \
    chain2 link sly duo want; do
    user $name
done
user noshell /no/such/shell
user shell /bin/sh
forward one <<F
# a comment
u2
F
echo '"self", u3' | forward self
printf 'u1@example.test, \\more\nu2\n\n#u3\n' | forward more
printf '%s\n' '\exact' | forward exact
printf '# nobody yet\n\n' | forward empty
echo there | forward here
echo here | forward there
printf '%s\n' '"|show a  b", \prog' | forward prog
echo "$T/h/file/box" | forward file
echo ":include:$T/h/list/mine" | forward list
echo u3 | forward list mine
echo '"|show"' | forward noshell
echo '|show by-shell' | forward shell
echo u2 | forward plus .forward+det
echo u4 | forward duo
echo u2 | forward duo .forward+det
printf '%s\n' '\|show sly-one' '"|show sly-two"@example.test' "\\$T/h/sly/box" "\"$T/h/sly/box\"@example.test" \
    '"|show sly-three" (a comment)' 'A Name <"|show sly-four">' "$T/h/sly/box (mine)" | forward sly
echo 'nosuch@example.test' | forward bad
echo chain2 | forward chain1
echo 'one, u3' | forward chain2
printf '#!/bin/sh\n{ for w; do echo "<$w>"; done; id -u; pwd; echo "$USER"; cat; } >"shown"\n' \
    >"$T/programs/show"
chmod 755 "$T/programs/show"

start() { server_smtp "-OProgramFolder=$T/programs" -OMinQueueAge=1h "$@" || fail "the daemon starts"; }
start
# By SMTP, so that the short way is taken where it may be; one process for all the mail.
cat >"$T/send.py" <<'P'
import smtplib, sys
with open(sys.argv[2]) as asked, open(sys.argv[3], 'w', buffering=1) as sent:
    for line in asked:
        subject, *users = line.split()
        try:
            s = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=20)
            s.sendmail('u4@example.test', [u + '@example.test' for u in users],
                       'Subject: %s\r\n\r\nbody\r\n' % subject)
            s.quit()
            print('sent', file=sent)
        except (OSError, smtplib.SMTPException) as e:
            print(repr(e), file=sent)
P
mkfifo "$T/asked" "$T/sent"
start_daemon sender python3 "$T/send.py" "$SMTP" "$T/asked" "$T/sent"
exec 5>"$T/asked" 6<"$T/sent"
send() { # SUBJECT USER...
    echo "$@" >&5
    read -r answer <&6
    [ "$answer" = sent ] || fail "$1 is taken: $answer"
}
got() { grep -q "^Subject: $2\$" "$(mailbox "$1")" 2>/dev/null; } # USER SUBJECT
waits() { as_server mailq | grep -q "$1"; }
report() { grep -qE "$1" "$(mailbox u4)" 2>/dev/null; }

send s-one one
ok "one address" wait_for 20 got u2 s-one
nok "the mailbox gets nothing" test -e "$(mailbox one)"
like "$(cat "$T/smtp.log")" 'to=<one@example.test>.*stat=' "the log names the user"
send s-self self
ok "the own name and another one, an alias of that name before" wait_for 20 got u3 s-self
ok "is the own mailbox" wait_for 20 got self s-self
ok "and the alias's other one" wait_for 20 got u2 s-self
send s-more more
ok "lines and commas" wait_for 20 got u2 s-more
ok "all of them" wait_for 20 got u1 s-more
ok "and \\user" wait_for 20 got more s-more
nok "not what a comment has" got u3 s-more
send s-exact exact
ok "\\user alone" wait_for 20 got exact s-exact
send s-empty empty
ok "one that names nobody is none" wait_for 20 got empty s-empty
send s-chain chain1
ok "who is forwarded to forwards, too" wait_for 20 got u2 s-chain
ok "at the end of all" wait_for 20 got u3 s-chain
send s-staff staff
ok "a member of an alias" wait_for 20 got u2 s-staff
ok "and the other member" wait_for 20 got u4 s-staff
send s-loop here
ok "two who name each other" wait_for 20 got here s-loop
ok "get it both, as with sendmail" wait_for 20 got there s-loop
send s-bad bad
ok "a failure behind it is the sender's to know" wait_for 20 report '^Final-Recipient: .*(bad|nosuch)@'
send s-plus plus+det plus+other
ok "a detail's own file" wait_for 20 got u2 s-plus
ok "the other details are for the mailbox" wait_for 20 got plus s-plus

send s-prog prog
ok "a program" wait_for 20 grep -q '^Subject: s-prog' "$T/h/prog/shown"
is "$(head -n 5 "$T/h/prog/shown" | tr '\n' ' ')" "<a> <b> $uid_prog $T/h/prog prog " \
    "as the user, at home"
ok "and the mailbox" wait_for 20 got prog s-prog
send s-sly sly
ok "a program under another name is the user's, too" wait_for 20 grep -q '^Subject: s-sly' "$T/h/sly/shown"
ok "and a file" wait_for 20 grep -q '^Subject: s-sly' "$T/h/sly/box"
is "$(stat -c %u "$T/h/sly/shown" "$T/h/sly/box" | tr '\n' ' ')" "$uid_sly $uid_sly " "nobody else runs or writes"
nok "not even in part" grep -E 'to=<.*(sly|\|show).*dsn=[45]' "$T/smtp.log"
send s-shell shell
ok "a user with a valid shell" wait_for 20 grep -q '^Subject: s-shell' "$T/h/shell/shown"
send s-noshell noshell
ok "without one the sender is told" wait_for 20 report \
    "User noshell@.* doesn't have a valid shell for mailing to programs"
nok "and no program runs" test -e "$T/h/noshell/shown"
send s-file file
ok "a file" wait_for 20 grep -q '^Subject: s-file' "$T/h/file/box"
is "$(stat -c %u "$T/h/file/box")" "$uid_file" "written by the user"
send s-list list
ok "a list that only the user may read" wait_for 20 got u3 s-list
echo ":include:$T/h/list/none, u1" | forward list
send s-none list
ok "one that is not there" wait_for 20 report 'Cannot mail directly to :include:s'
ok "keeps nobody else from the mail" wait_for 20 got u1 s-none

# refused WORDS WHAT: the file of "unsafe" does not count, and the log says why.
refused() {
    cat "$T/smtp.log" >>"$T/all.log"
    : >"$T/smtp.log"
    rm -f "$(mailbox unsafe)"
    send s-unsafe unsafe
    ok "$2: for the mailbox" wait_for 20 got unsafe s-unsafe
    ok "$2: the log has sendmail's words" wait_log smtp "forward $T/h/unsafe/.forward: $1"
}
echo u1 | forward unsafe
chmod 620 "$T/h/unsafe/.forward"
refused 'Group writable file' "others of the group may write it"
chmod 602 "$T/h/unsafe/.forward"
refused 'World writable file' "all may write it"
chmod 600 "$T/h/unsafe/.forward"
chmod 775 "$T/h/unsafe"
refused 'Group writable directory' "others may put another one there"
chmod 1777 "$T/h/unsafe"
refused 'World writable directory' "or all"
chmod 755 "$T/h/unsafe"
chmod 000 "$T/h/unsafe/.forward"
refused 'Permission denied' "the user may not read it"
rm "$T/h/unsafe/.forward"
mkfifo "$T/h/unsafe/.forward"
refused 'Regular files only' "it is a pipe"
rm "$T/h/unsafe/.forward"
echo u1 >"$T/elsewhere/secret"
ln -s "$T/elsewhere/secret" "$T/h/unsafe/.forward"
if root; then
    chown 20199 "$T/elsewhere/secret"
    refused 'Owned by another user' "a link to another's file"
    chmod 600 "$T/elsewhere/secret"
    refused 'Owned by another user' "one that others may not read"
else
    skip 4 "needs root"
fi
chmod 777 "$T/elsewhere"
root && chown "$uid_unsafe" "$T/elsewhere/secret"
refused 'World writable directory' "a link to a place of everybody's"
echo u1 | forward link real
ln -s real "$T/h/link/.forward"
send s-link link
ok "a link at home counts" wait_for 20 got u1 s-link

echo u1 | forward gone
chmod 000 "$T/h/gone"
send s-gone gone
send s-three three
ok "a home that cannot be entered: others get their mail" wait_for 20 got u3 s-three
ok "a home that cannot be entered: it waits" wait_for 20 waits 'transient .forward open error'
chmod 755 "$T/h/gone"
kill -USR1 "$(cat "$T/smtp.pid")"
ok "until it can" wait_for 20 got u1 s-gone
ok "also of several" wait_for 20 got u1 s-three
nok "the mailbox did not get it" test -e "$(mailbox gone)"
send s-both both
ok "each detail has a file of its own" wait_for 20 got u2 s-both
ok "and so has none" wait_for 20 got u4 s-both

# What waits is for the user only as long as the user wants it.
cat >"$T/programs/maybe" <<'P'
#!/bin/sh
test -e ok || exit 75
for w; do echo "<$w>"; done >>shown
P
chmod 755 "$T/programs/maybe"
for name in box box+det; do
    : >"$T/h/want/$name"
    root && chown "$uid_want" "$T/h/want/$name"
    chmod 000 "$T/h/want/$name"
done
wants() {
    printf '%s\n' '"|maybe \"x  y\" z"' "$T/h/want/box" | forward want
    printf '%s\n' "$T/h/want/box+det" u1 | forward want .forward+det
}
held() { [ "$(grep -cE "user=want, .*stat=.*($1)" "$T/smtp.log")" = 3 ]; }
wants
send s-want want want+det
ok "a program and files that fail for now wait" wait_for 20 held 'EX_TEMPFAIL|Permission denied'
echo '# none' | forward want
echo u1 | forward want .forward+det
chmod 600 "$T/h/want/box" "$T/h/want/box+det"
: >"$T/h/want/ok"
kill -USR1 "$(cat "$T/smtp.pid")"
ok "and are not reached when the user has none of it" wait_for 20 held 'no ~/.forward of want has this'
is "$(cd "$T/h/want" && cat shown box box+det 2>&1)" "cat: shown: No such file or directory" "no more"
wants
kill -USR1 "$(cat "$T/smtp.pid")"
ok "until it has: the file" wait_for 20 grep -q '^Subject: s-want' "$T/h/want/box"
ok "that of the detail" wait_for 20 grep -q '^Subject: s-want' "$T/h/want/box+det"
ok "and the program" wait_for 20 test -e "$T/h/want/shown"
is "$(tr '\n' ' ' <"$T/h/want/shown")" "<x  y> <z> " "with its words"
send s-late late
ok "who has none gets it at once" got late s-late
echo u1 | forward late
noticed() { send "s-late$1" late && got u1 "s-late$1"; }
ok "a new one is noticed within seconds" wait_for 20 noticed 2
rm "$T/h/late/.forward"
rm -f "$(mailbox late)"
again() { send s-again late && got late s-again; }
ok "and so is that it went" wait_for 20 again

like "$(sendmail -bv one)" '^u2\.\.\. deliverable: mailer local, user u2$' "-bv follows it"
like "$(sendmail -bv here | tr '\n' ' ')" '^here.*deliverable: .* there.*deliverable: ' "-bv breaks a loop"
like "$(sendmail -bv prog)" '^"\|show a  b"\.\.\. deliverable: mailer prog' "-bv has programs"
is "$(sendmail -OForwardPath= -bv one)" 'one... deliverable: mailer local, user one' "-bv without any"
like "$(sendmail --explain one)" '/one/.forward: line 2: forwarding to u2$' "--explain shows it"
printf 'Subject: s-deliver\n\nx\n' | deliver -d one
ok "deliver has none" got one s-deliver
kill "$(cat "$T/smtp.pid")" && wait "$(cat "$T/smtp.pid")" 2>/dev/null
cat "$T/smtp.log" >>"$T/all.log"

start -OForwardPath=
send s-off one
ok "an empty ForwardPath: no file counts" got one s-off
kill "$(cat "$T/smtp.pid")" && wait "$(cat "$T/smtp.pid")" 2>/dev/null
cat "$T/smtp.log" >>"$T/all.log"

# A file of the kernel's that is there, and fails when it is read.
odd=/sys/class/net/lo/speed
chmod 755 "$T/elsewhere"
printf '%s\n' '\u1' >"$T/elsewhere/broken"
root && chown "$uid_broken" "$T/elsewhere/broken"
# A plain address that the rules make a file of: nobody named that in a ~/.forward.
kept=$T/elsewhere/kept
: >"$kept"
chmod 666 "$kept"
echo kept@route.test >"$T/elsewhere/duo"
root && chown "$uid_duo" "$T/elsewhere/duo"
letterbox cfgen | sed "s!^Sparse=0!&\\
R\$+<@route.test\$*>\$*	\$#local \$: $kept!" >"$T/test.cf"
start -C "$T/test.cf" "-OForwardPath=$T/elsewhere/\$u:$odd"
if [ -f $odd ] && ! cat $odd >"$T/out" 2>&1; then
    send s-odd one
    ok "one that cannot be read now: it waits" wait_for 20 waits 'transient .forward open error'
    nok "and is not delivered" got one s-odd
else
    skip 2 "no file here that cannot be read"
fi
send s-path broken
ok "a path with the user's name in it" wait_for 20 got u1 s-path
send s-route duo
ok "what the rules made of an address is DefaultUser's" wait_for 20 grep -q '^Subject: s-route' "$kept"
kill "$(cat "$T/smtp.pid")" && wait "$(cat "$T/smtp.pid")" 2>/dev/null
cat "$T/smtp.log" >>"$T/all.log"
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/all.log"
