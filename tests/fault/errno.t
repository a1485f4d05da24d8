#!/bin/sh
# What the system says when a file cannot be opened, made or renamed, at every such call of a
# submission and of the delivery behind it, of its configuration, tables, aliases and users: the
# message is delivered once, or refused for now, or kept.  None of it says that an address is wrong.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/inject.sh"
server_setup mbox
need python3
export T
export HOME="$T/home"
unset LETTERBOX_HOSTNAME LETTERBOX_DOMAIN LETTERBOX_LOCAL LETTERBOX_LISTEN LETTERBOX_QUEUE
calls=open,openat,mkdir,mkdirat,link,linkat,rename,renameat,renameat2

echo 'virtual@table.test first' | tr ' ' '\t' >"$T/table"
printf '%s\n' 'first: second' 'second: u1' >"$T/aliases"
echo also.test >"$T/names"
cat >"$T/x.def" <<D
MY_NAME=mx
MY_DOMAIN=example.test
ACCEPT_ADDRS=example.test
QUEUE_DIR=$T/spool/queue
ALIAS_FILE_PATH=$T/aliases
VIRTUAL_DOMAINS=table.test
VIRTUAL_MAP=text:$T/table
D
ok "a configuration of files" cfgen -o "$T/x.cf" "$T/x.def"
echo "Fw$T/names" >>"$T/x.cf"
chmod 644 "$T/x.cf" "$T/table" "$T/aliases" "$T/names"
printf 'Subject: errno\n\ntext\n' >"$T/message"

copies() {
    grep -c '^Subject: errno$' "$(mailbox u1)" 2>/dev/null
}

# What tests/lib/errno_faults.py says of a command, one line for each promise that is broken, is
# $broken; how many calls met a fault, $met.
each_call() { # ERRNOS COMMAND...
    python3 "$ROOT/tests/lib/errno_faults.py" "$inject" $calls "$T/x.cf" "$T/message" "$@" \
        >"$T/faults" 2>&1
    broken=$(sed '$d' "$T/faults")
    met=$(sed -n '$s/ runs$//p' "$T/faults")
}

send="sendmail -C $T/x.cf -f u2@example.test -i virtual@table.test"
ok "without them it works" $send <"$T/message"
is "$(copies)" 1 "by the table and both aliases"
# Each call meets one of those that tell of the system, and one that tells of the file.
for errnos in EMFILE,ENFILE,ENOMEM EACCES,EROFS,ELOOP,ENOTDIR,ENAMETOOLONG; do
    each_call $errnos $send
    is "$broken" "" "$errnos: nothing is refused for good, reported or lost"
    ok "met fifty calls or more (${met:-0})" test "${met:-0}" -ge 50
    each_call $errnos deliver -d u1
    is "$broken" "" "$errnos: nor by deliver"
    ok "met five calls or more (${met:-0})" test "${met:-0}" -ge 5
done
