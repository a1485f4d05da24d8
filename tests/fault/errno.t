#!/bin/sh
# What the system says when a file cannot be opened, made or renamed, at every such call of a
# submission and of the delivery behind it, of its configuration, tables, aliases and users: the
# message is delivered once, or refused for now, or kept.  None of it says that an address is wrong.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/inject.sh"
server_setup mbox
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

# One line for each promise that is broken.  A configuration that cannot be read is said at once,
# with sendmail's status; 71 and 75 are for now.
judge() { # STATUS CALL
    [ "$1" != 0 ] || [ "$(copies)" ] || sendmail -C "$T/x.cf" -q >"$T/run" 2>&1
    case "$1 $2" in
    0* | 71* | 75* | "72 "*"$T/x.cf") ;;
    *) echo "$2: status $1: $(tail -n 1 "$T/said")" ;;
    esac
    [ "$1" != 0 ] || [ "$(copies)" = 1 ] || echo "$2: taken, and delivered $(copies) times"
    [ ! -e "$(mailbox u2)" ] || echo "$2: reported: $(grep '^Diagnostic-Code' "$(mailbox u2)")"
}

each_call() { # COMMAND ERRNO...
    command=$1
    shift
    n=0
    while n=$((n + 1)) && [ $n -lt 400 ]; do
        rm -rf "$T/mail" "$T/spool/queue"
        mkdir -m 1777 "$T/mail"
        "$inject" -t "$T/hit" $calls $n "$1" $command <"$T/message" >"$T/said" 2>&1
        status=$?
        echo $n >"$T/met"
        [ -s "$T/hit" ] || break
        judge $status "$1 at $n, $(cut -d' ' -f2- "$T/hit")"
        errno=$1
        shift
        set -- "$@" "$errno"
    done
}

send="sendmail -C $T/x.cf -f u2@example.test -i virtual@table.test"
ok "without them it works" $send <"$T/message"
is "$(copies)" 1 "by the table and both aliases"
# Each call meets one of those that tell of the system, and one that tells of the file.
for errnos in "EMFILE ENFILE ENOMEM" "EACCES EROFS ELOOP ENOTDIR ENAMETOOLONG"; do
    is "$(each_call "$send" $errnos)" "" "$errnos: nothing is refused for good, reported or lost"
    met=$(cat "$T/met")
    ok "met fifty calls or more ($met)" test "$met" -ge 50
    is "$(each_call "deliver -d u1" $errnos)" "" "$errnos: nor by deliver"
    met=$(cat "$T/met")
    ok "met five calls or more ($met)" test "$met" -ge 5
done
