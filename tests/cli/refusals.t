#!/bin/sh
# Errors for good that no other test makes: each says what is wrong, and its exit status that
# trying again is of no use.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
server_setup mbox
export HOME=$T/home
long=$(printf '%02000d' 0)
printf 'Subject: x\n\ntext\n' >"$T/letter"

refused() { # STATUS TEXT COMMAND...
    want=$1 text=$2
    shift 2
    timeout 20 "$@" <"$T/letter" >"$T/said" 2>&1
    is "$?" "$want" "status $want: $text"
    ok "its words" grep -qF -e "$text" "$T/said"
}

# ---- popd's command line
refused 78 "mailbox template: %q has no meaning" popd -m '/x/%q'
refused 78 "mailbox template too long: /00" popd -m "/$long"
refused 78 "path too long: 00" popd -u "$long"
refused 78 "path too long: /00" popd -P "/$long"
refused 78 "10m: want a number of 1 to 100000" popd -n 10m
refused 78 'listener POP3: "nowhere" is no address of its family' popd -l nowhere:110
listeners=
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
    listeners="$listeners -l 127.0.0.1:0"
done
refused 78 "more than 16 listeners" popd $listeners

# ---- settings
refused 72 "/nonexistent: line 0: cannot open: No such file or directory" sendmail -C /nonexistent -bv u1
refused 78 'listener MTA: "nowhere" is no address of its family' \
    sendmail -O DaemonPortOptions=Addr=nowhere -bD
refused 78 'No file name for hash map Alias0' sendmail -O AliasFile=hash: -bv u1
refused 78 'option QueueDirectory: "/000000' env LETTERBOX_QUEUE="/$long" sendmail u1
refused 78 'option Relay: "lmtp:/000000' env LETTERBOX_RELAY="lmtp:/$long" sendmail u1

# ---- addresses and messages
refused 64 "|/bin/cat... Cannot mail directly to programs" sendmail '|/bin/cat'
refused 64 "/tmp/x... Cannot mail directly to files" sendmail /tmp/x
refused 1 "mail: $T/letter: does not begin as an mbox" mail -f "$T/letter"
refused 1 "00: not a path of a mailbox" mail -f "$long"
mkdir "$T/folder"
refused 1 "mail: $T/folder: Is a directory" mail -f "$T/folder"
awk 'BEGIN { for (n = 0; n < 22000; n++) printf "X-%d: %040d\n", n, n; print "\ntext" }' >"$T/letter"
refused 65 "message header larger than 1048576 octets" sendmail u1
printf 'Subject: x\n\ntext\n' >"$T/letter"

# ---- what comes back as a report
report_says() { # TEXT
    grep -qF -e "$1" "$(mailbox u2)"
}

printf '%s\n' 'ring: gnir' 'gnir: ring' "circle: :include:$T/circle" >"$T/aliases"
echo ":include:$T/circle" >"$T/circle"
chmod 644 "$T/aliases" "$T/circle"
mkdir -m 0 "$T/shut"
echo "shut:{PLAIN}x:$(sed -n 's/^u1:[^:]*:\([0-9]*:[0-9]*\):.*/\1/p' "$T/users")::$T/home::mail=mbox:$T/shut/x" \
    >>"$T/users"
export LETTERBOX_ALIASES="$T/aliases"
exits 0 "mail for an alias without an account is taken" sendmail -f u2@example.test ring <"$T/letter"
server_smtp -O MinQueueAge=1s -O MaxQueueAge=1s -O Timeout.queuereturn=1s || fail "the daemon starts"
for rcpt in circle shut; do
    ok "mail for $rcpt is taken" sendmail -f u2@example.test "$rcpt@example.test" <"$T/letter"
done
for text in "aliasing/forwarding loop broken" "aliasing/forwarding loop broken at :include:$T/circle" \
    "Message could not be delivered for"; do
    ok "reported: $text" wait_for 30 report_says "$text"
done
like "$(grep '^Status:' "$(mailbox u2)" | sort | tr '\n' ' ')" \
    '^Status: 4\.4\.7 Status: 5\.4\.6 Status: 5\.4\.6 $' "with their codes"
chmod 700 "$T/shut"
ok "the daemon ends" stop_daemon smtp
