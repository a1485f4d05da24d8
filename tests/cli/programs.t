#!/bin/sh
# What aliases name besides addresses: programs and files.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
server_setup mbox
export HOME=$T/home SECRET=secret
root() { [ "$ME" = 0 ]; }
mkdir "$T/programs" "$T/files"
# A place that nothing else of the configuration is in.
lists=$(mktemp -d "${TMPDIR:-/tmp}/letterbox-test.XXXXXX")
trap 'rm -rf "$lists"; tap_end' EXIT
chmod 755 "$T/programs" "$T/files" "$lists"
if root; then
    as=20009 # DefaultUser
    chown 20009:20009 "$T/files"
else
    as=$ME
fi
export LETTERBOX_ALIASES="$T/aliases"
files=$T/files
cat >"$T/aliases" <<A
show: "|/no/such/place/show one 'two  three' four"
five: u1, "|show five"
owned: "|fail 1"
again: "|fail 75"
once: "|once"
busy: "|fail 71"
dead: "|die"
slow: "|slow"
nobody: "|fail 67"
rights: "|fail 77"
absent: "|absent"
shell: "|show \`id\`"
two: "|show a; show b"
file: $files/box
null: /dev/null
exec: $files/exec
link: $files/link
twice: $files/twice
wide: $files/wide/box
fifo: $files/fifo
list: :include:$lists/one
empty: :include:$lists/empty, u1
all: "|fail 64", "|fail 65", "|fail 66", "|fail 68", "|fail 69", "|fail 70", "|fail 72",
    "|fail 73", "|fail 76", "|fail 78", "|fail 79", "|fail 200"
A
cat >"$T/programs/show" <<P
#!/bin/sh
exec >>"$files/shown"
for word; do echo "<\$word>"; done
id -u
pwd
grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|Groups)' /proc/self/status | tr -d '\\n\\t ' >"$files/powers"
ls /proc/self/fd | tr '\\n' ' ' >"$files/open"
env | grep -v '^\(PWD\|SHLVL\|_\|OLDPWD\)=' | sort
cat
echo "== end"
P
printf '#!/bin/sh\necho "said why"\ncat >/dev/null\nexit $1\n' >"$T/programs/fail"
printf '#!/bin/sh\nkill -9 $$\n' >"$T/programs/die"
printf '#!/bin/sh\n[ -e %s/may ] || exit 75\ncat >>%s/once\n' "$files" "$files" >"$T/programs/once"
printf '#!/bin/sh\ntouch %s/started\nwhile [ ! -e %s/go ]; do sleep 0.05; done\ncat >>%s/slow\n' \
    "$files" "$files" "$files" >"$T/programs/slow"
chmod 755 "$T"/programs/*
touch "$files/exec" "$files/victim" "$files/twice"
chmod 700 "$files/exec"
ln -s victim "$files/link"
ln "$files/twice" "$files/other-name"
mkdir "$files/wide"
chmod 777 "$files/wide"
mkfifo "$files/fifo"
root && chown 20009 "$files"/exec "$files"/victim "$files"/twice "$files"/wide "$files"/fifo
echo '|show from-a-list, u1' >"$lists/one"
: >"$lists/empty"
chmod 644 "$lists/empty"
root && chown 20004 "$lists/one"
chmod 644 "$lists/one"
root || chmod 666 "$lists/one"

start() {
    server_smtp "-OProgramFolder=$T/programs" "-ODefaultUser=$as:$as" -OMinQueueAge=1h
}
start || fail "the daemon starts"
put() { # ALIAS [LINE...]
    to=$1
    shift
    { printf 'Subject: to %s\nTo: %s\n\n' "$to" "$to" && printf '%s\n' "$@"; } |
        sendmail -f u4@example.test "$to@example.test" 2>>"$T/submit.log"
}
# A report of a failure comes to u4.
reports() { grep -c "^Final-Recipient: .*$1@" "$(mailbox u4)" 2>/dev/null; }
reported() { [ "$(reports "$1")" -ge 1 ]; }
status() { # ALIAS
    wait_for 20 reported "$1"
    awk -v who="$1@" '/^Final-Recipient:/ { mine = index($0, who) }
        /^[^ ]/ { printf "\n"; shown = mine && /^(Status|Diagnostic-Code):/ }
        shown { printf "%s", $0 }' "$(mailbox u4)"
}

put show 'the body' 'From here' .
ok "a program runs" wait_for 20 grep -q '^== end' "$files/shown"
is "$(head -n 5 "$files/shown" | tr '\n' ' ')" "<one> <two  three> <four> $as / " \
    "with the words of the alias, as DefaultUser, in /"
is "$(sed -n '/^AGENT/,/^From /p' "$files/shown" | grep = | cut -d= -f1 | tr '\n' ' ')" \
    "AGENT HOME LOGNAME PATH TZ USER " "with a small environment"
like "$(sed -n '/^TZ=/,$p' "$files/shown" | sed -n 3p)" '^From u4@example.test ' "the line From"
like "$(cat "$files/shown")" '^Subject: to show$' "the header"
like "$(cat "$files/shown")" '^From here$' "the body as it is"
if root; then
    like "$(cat "$files/powers")" '^Groups:(CapInh|CapPrm|CapEff|CapBnd|CapAmb|[:0])*$' \
        "and neither groups nor capabilities, not even to be had"
fi
is "$(cat "$files/open")" "0 1 2 3 " "and no descriptor of ours" # 3 is that of ls
: >"$files/shown"
put five x
ok "an alias of a user and a program" wait_for 20 grep -q '^<five>' "$files/shown"
ok "both get it" wait_for 20 has_mail u1 1

put owned x
like "$(status owned)" '^Status: 5\.0\.0' "exit status 1"
like "$(status owned)" 'unknown mailer error 1: said why' "what sendmail says, and the program's own words"
put nobody x
like "$(status nobody)" '^Status: 5\.1\.1' "exit status 67"
like "$(status nobody)" 'User unknown' "its words"
put rights x
like "$(status rights)" '^Status: 5\.3\.0' "exit status 77"
# The others, as sendmail 8.17 reports them, by one message.
put all x
all_reported() { grep -q 'unknown mailer error 200' "$(mailbox u4)"; }
wait_for 20 all_reported
cat >"$T/want" <<W
Status: 5.5.4 Command line usage error
Status: 5.5.2 Data format error
Status: 5.3.0 Cannot open input
Status: 5.1.2 Host unknown
Status: 5.5.0 Service unavailable
Status: 5.5.0 Internal error
Status: 5.5.0 System file missing
Status: 5.3.0 Can't create output
Status: 5.5.0 Remote protocol error
Status: 5.5.0 Local configuration error
Status: 5.0.0 unknown mailer error 79
Status: 5.0.0 unknown mailer error 200
W
awk '/^Final-Recipient:/ { mine = /fail [0-9]/ }
    mine && /^Status:/ { status = $0 }
    mine && /^Diagnostic-Code:/ { sub(/^[^;]*; /, ""); sub(/: said why.*/, ""); print status " " $0 }' \
    "$(mailbox u4)" >"$T/got"
same "$T/got" "$T/want" "the other statuses"
put absent x
like "$(status absent)" '^Status: 5\.5\.0' "a program that is not in the folder"
like "$(status absent)" 'not available for sendmail programs' "smrsh's words"
put shell x
like "$(status shell)" 'cannot use ` in command' "nothing is for a shell"
put two x
like "$(status two)" 'cannot use ; in command' "nor two commands"
unlike "$(cat "$files/shown")" '^<a>' "none of it ran"

waits() { mailq | grep -q "$1"; }
put again x
ok "exit status 75: it waits" wait_for 20 waits 'exited with EX_TEMPFAIL'
put busy x
ok "exit status 71: it waits" wait_for 20 waits 'Operating system error'
put dead x
ok "ended by a signal: it waits" wait_for 20 waits 'died with signal 9'

put once x
ok "a program that cannot yet" wait_for 20 wait_log smtp 'to=<once@.*stat=Deferred'
kill -KILL "$(cat "$T/smtp.pid")"
wait "$(cat "$T/smtp.pid")" 2>/dev/null
touch "$files/may"
root && chown 20009 "$files/may"
start || fail "the daemon is killed and starts again"
ok "what waited is tried" kill -USR1 "$(cat "$T/smtp.pid")"
ok "and the program takes it" wait_for 20 grep -q '^Subject: to once' "$files/once"
is "$(grep -c '^Subject: ' "$files/once")" 1 "once"

put slow x
ok "a slow program runs" wait_for 20 test -e "$files/started"
put u2 x
ok "others do not wait for it" wait_for 20 has_mail u2 1
kill -KILL "$(cat "$T/smtp.pid")"
wait "$(cat "$T/smtp.pid")" 2>/dev/null
like "$(mailq)" 'slow@' "killed meanwhile: the message is still there"
touch "$files/go"
start || fail "the daemon starts again"
kill -USR1 "$(cat "$T/smtp.pid")"
gone() { ! waits 'slow@'; }
ok "it is delivered" wait_for 20 gone
ok "whole" grep -q '^Subject: to slow' "$files/slow"

put file one 'From two'
ok "a file" wait_for 20 grep -q '^Subject: to file' "$files/box"
put file three
ok "grows" wait_for 20 grep -q '^three' "$files/box"
is "$(grep -c '^From ' "$files/box")" 2 "by messages"
is "$(grep -c '^Return-Path: <u4@example.test>' "$files/box")" 2 "with the return path"
is "$(stat -c '%u %a' "$files/box")" "$as 600" "it is DefaultUser's"
put null x
ok "/dev/null takes all" wait_log smtp 'to=<null@.*stat=Sent'
for alias in exec link twice wide fifo; do
    put $alias x
    like "$(status $alias)" '^Status: 5\.3\.0' "$alias: refused"
    like "$(status $alias)" "Can't create output" "$alias: in sendmail's words"
done
is "$(cat "$files/victim" "$files/exec" "$files/twice")" "" "nothing was written"
nok "no file in a folder of everybody's" test -e "$files/wide/box"

: >"$files/shown"
before=$(grep -c '^From ' "$(mailbox u1)")
put empty x
ok "an empty list is nobody, and keeps the others waiting for nothing" wait_for 20 has_mail u1 $((before + 1))
put list x
ok "a list of somebody's" wait_for 20 has_mail u1 $((before + 2))
unlike "$(cat "$files/shown")" 'from-a-list' "names no programs"
python3 - "$SMTP" >"$T/smtp-said" <<'P'
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)
f = s.makefile('rwb')
print(f.readline())
for c in 'HELO x', 'MAIL FROM:<u1@example.test>', 'RCPT TO:<"|show">', 'RCPT TO:</tmp/x>', 'QUIT':
    f.write(c.encode() + b'\r\n')
    f.flush()
    print(f.readline().decode().strip())
P
like "$(cat "$T/smtp-said")" '^550 5\.7\.1 .*Cannot mail directly to programs' "nobody from outside names one"
like "$(cat "$T/smtp-said")" '^550 5\.7\.1 .*Cannot mail directly to files' "nor a file"
nok "no secret of the daemon reached a program" grep -r secret "$files"
nok "no sanitizer report in the log" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
