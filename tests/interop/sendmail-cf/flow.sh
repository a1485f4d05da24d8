#!/bin/sh
# Mail through the daemon that network.sh started; prints "ok WHAT" or "no WHAT" for each.
here=$(dirname "$0")
out=$W/run/sink
rm -rf "$out"
mkdir -p "$out"
python3 "$here/sink.py" "$out" &
sink=$!
mkfifo "$W/run/lines" "$W/run/answers"
python3 "$here/send.py" <"$W/run/lines" >"$W/run/answers" &
exec 3>"$W/run/lines" 4<"$W/run/answers"

check() { # WHAT COMMAND...: until it succeeds, for some 20 s at most
    what=$1
    shift
    n=0
    until "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        [ $n -lt 500 ] || { echo "no $what" && return; }
        sleep 0.04
    done
    echo "ok $what"
}

send() { # SENDER RCPT...
    echo "$*" >&3
    read -r answer <&4
    [ "$answer" = sent ] || { echo "no message from $1 to $2 is taken" && echo "$answer" >&2; }
}

boxed() { # USER TEXT [TIMES]
    [ "$(grep -c "$2" "$W/mail/$1")" = "${3:-1}" ]
}

sent() { # ERE...: one message at the sink has all of these lines
    for file in "$out"/m*; do
        for line; do
            grep -qE "$line" "$file" || continue 2
        done
        return 0
    done
    return 1
}

n=0
until grep -q ':0019 .* 0A ' /proc/net/tcp || [ $n = 500 ]; do n=$((n + 1)) && sleep 0.02; done
send joe@remote.test alice@local.test
check "local mail arrives" boxed alice '^Subject: to alice@'
send joe@remote.test sales@local.test
check "an alias of an alias" boxed alice '^Subject: to sales@'
send joe@remote.test multi@local.test
check "an alias of two: the first" boxed alice '^Subject: to multi@'
check "and the second" boxed bob '^Subject: to multi@'
send joe@remote.test self@local.test
check "an alias that is a user as well" boxed self '^Subject: to self@'
check "and the other" boxed bob '^Subject: to self@'
send joe@remote.test included@local.test
check "an included file" boxed alice '^Subject: to included@'
send joe@remote.test list@local.test
check "a list goes elsewhere as its owner" sent '^MAIL FROM:<bob@' '^RCPT TO:<carol@remote.test>' '^Subject: to list@'
check "and to its members here" boxed bob '^Subject: to list@'
check "of whom the owner is the return path" grep -q '^Return-Path: <bob@' "$W/mail/alice"
send joe@remote.test out@local.test
check "an alias elsewhere" sent '^MAIL FROM:<joe@remote.test>' '^RCPT TO:<carol@remote.test>' '^Subject: to out@'
send joe@remote.test info@virt.test
check "virtusertable" boxed alice '^Subject: to info@virt'
send joe@remote.test any@virt.test
check "virtusertable, whole domain" boxed bob '^Subject: to any@virt'
send joe@remote.test a@route.test
check "mailertable" sent '^RCPT TO:<a@route.test>'
send alice@local.test x@elsewhere.test
check "smart host and genericstable, header and envelope" \
    sent '^RCPT TO:<x@elsewhere.test>' '^From: .*Alice.Adams@example.test' '^MAIL FROM:<Alice.Adams@example.test>'
send joe@remote.test x@elsewhere.test
check "what is no local sender stays as it is" sent '^MAIL FROM:<joe@remote.test>' '^From: joe@remote.test' '^RCPT TO:<x@'
send joe@remote.test loop@local.test
check "an alias loop comes back" sent '^MAIL FROM:<>' '^RCPT TO:<joe@remote.test>' 'loop broken'
send disc@evil.test alice@local.test
send joe@remote.test alice@local.test
check "a discarded message is nowhere" boxed alice '^Subject: to alice@' 2
send quar@evil.test bob@local.test
check "a quarantined message waits" sh -c 'ls "$W/queue/queue" | grep -q .'
check "and is not delivered" sh -c '! grep -q "^Subject: to bob@" "$W/mail/bob"'
exec 3>&- 4<&-
kill $sink
echo ok end
