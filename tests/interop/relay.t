#!/bin/sh
# Mail for other hosts: who is asked, in which order, with what, and what becomes of refusals.
# Name server is dnsmasq, receivers are tests/lib/sink.py and postfix's smtp-sink.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/net.sh"
net_enter "$0"
need openssl

net_addresses 192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17 192.0.2.18 192.0.2.19 192.0.2.20
net_dns --mx-host=two.test,first.two.test,10 --mx-host=two.test,second.two.test,20 \
    --address=/first.two.test/192.0.2.12 --address=/second.two.test/192.0.2.13 \
    --mx-host=dead.test,dead.dead.test,10 --mx-host=dead.test,live.dead.test,20 \
    --address=/dead.dead.test/192.0.2.11 --address=/live.dead.test/192.0.2.12 \
    --address=/nomx.test/192.0.2.13 --mx-host=alias.test,cname.test,5 \
    --cname=cname.test,second.two.test --host-record=second.two.test,192.0.2.13 \
    --mx-host=null.test,.,0 --local=/test/ \
    --address=/badtls.test/192.0.2.14 --address=/greet.test/192.0.2.15 \
    --address=/endless.test/192.0.2.16 --address=/down.test/192.0.2.17 --address=/seven.test/192.0.2.18 \
    --address=/few.test/192.0.2.19 --address=/hole.test/192.0.2.20 ||
    fail "dnsmasq starts"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 \
    -subj /CN=smart.test -addext subjectAltName=DNS:smart.test >"$T/openssl.log" 2>&1
chmod 644 "$T/cert.pem"
mkdir "$T/sink"
chmod 777 "$T/sink"
start_daemon sink python3 "$ROOT/tests/lib/sink.py" "$T/sink" 192.0.2.12:25,name=first \
    "192.0.2.13:25,name=second,tls=$T/cert.pem:$T/key.pem,heloonly=" \
    192.0.2.14:25,name=badtls,badtls "192.0.2.15:25,name=greet,greet=554 go away" \
    192.0.2.16:25,name=endless,endless "$T/sink/lmtp,name=lmtp,lmtp" \
    "192.0.2.12:587,name=submission,tls=$T/cert.pem:$T/key.pem,auth=me:secret,login" \
    "192.0.2.12:465,name=smtps,smtps,tls=$T/cert.pem:$T/key.pem,auth=me:secret" \
    "192.0.2.13:26,name=tls,tls=$T/cert.pem:$T/key.pem,keep=2" 192.0.2.13:27,name=one,keep=1 \
    192.0.2.13:28,name=mute,mute 192.0.2.18:25,name=seven,sevenbit \
    192.0.2.19:25,name=few,most=2
wait_for 20 test -f "$T/sink/ready" || fail "the receivers start"

# From what the receivers have noted.
got() { # PYTHON-EXPRESSION over m
    alive noted || { echo "nobody can tell" && return; }
    echo "$1" >"$T/asked"
    cat "$T/told"
}
mkfifo "$T/asked" "$T/told"
cat >"$T/noted.py" <<'E'
import json, sys
messages, asked, told = sys.argv[1:]
while True:
    with open(asked) as f:
        expression = f.read().strip()
    try:
        lines = open(messages).read().splitlines()
    except FileNotFoundError:
        lines = []
    try:
        said = " ".join(str(eval(expression)) for m in map(json.loads, lines) if eval(expression))
    except Exception as e:
        said = repr(e)
    with open(told, "w") as f:
        f.write(said + "\n")
E
start_daemon noted python3 "$T/noted.py" "$T/sink/messages" "$T/asked" "$T/told"
arrived() { # SUBJECT
    grep -q "\"subject\": \"$1\"" "$T/sink/messages" 2>/dev/null
}
submit() { # SUBJECT RCPT...
    subject=$1
    shift
    printf 'Subject: %s\n\nline\n.dot\n' "$subject" |
        sendmail -f u1@example.test "$@" 2>>"$T/submit.log"
}
again() {
    kill -USR1 "$(cat "$T/smtp.pid")"
}
logged() {
    grep -E "to=<$1>.*stat=$2" "$T/smtp.log" | tail -n 1
}
begin() {
    rm -f "$T/sink/messages" "$T/sink/connections"
    server_smtp "$@" || fail "sendmail starts"
}
end() {
    ok "$1: sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
    nok "$1: no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' \
        "$T/smtp.log"
}

server_setup mbox
chmod 777 "$T/sink"
begin

submit two x@two.test
ok "the exchanger with the lower number" wait_for 20 arrived two
is "$(got "m['subject'] == 'two' and m['server']")" first "... and no other"
like "$(logged x@two.test Sent)" \
    'delay=[0-9:]+, xdelay=[0-9:]+, mailer=[a-z]+, pri=[0-9]+, relay=first.two.test \[192.0.2.12\], dsn=2.0.0, stat=Sent \(Ok: queued as' \
    "the log line is sendmail's"
is "$(got "m['subject'] == 'two' and m['text']")" "line
.dot" "dots at the start of a line survive"

{ printf 'Subject: long\n\n' && printf '%2000s\n' '' | tr ' ' x; } |
    sendmail -f u1@example.test x@two.test 2>>"$T/submit.log"
ok "a line of 2000 octets" wait_for 20 arrived long
is "$(got "m['subject'] == 'long' and [len(x) for x in m['text'].split(chr(10))]")" \
    "[991, 991, 22]" "... is split as the mailer's L= says"

submit many a@two.test b@two.test c@two.test
ok "several recipients" wait_for 20 arrived many
is "$(got "m['subject'] == 'many' and len(m['to'])")" 3 "... are one transaction"

# More header than is read with the envelope, more recipients than go to the relay role at once.
name=$(printf '%050d' 0)
{
    printf 'Subject: wide\n'
    for i in $(seq 300); do printf 'X-%s: %s\n' "$i" "$name"; done
    printf '\nits body\n'
} | sendmail -f u1@example.test $(seq -f "$name%g@two.test" 90) 2>>"$T/submit.log"
ok "a long header, and many recipients" wait_for 20 arrived wide
is "$(got "m['subject'] == 'wide' and [len(set(m['to'])), sum(x[:2] == 'X-' for x in m['header']), m['text']]")" \
    "[90, 300, 'its body']" "... all of them, all of it, and the body begins behind it"
printf 'Subject: bare\nX-Last: one\n' | sendmail -f u1@example.test x@two.test 2>>"$T/submit.log"
ok "a header without a body" wait_for 20 arrived bare
is "$(got "m['subject'] == 'bare' and [m['text']]")" "['']" "... has none"

submit few a@few.test b@few.test c@few.test d@few.test e@few.test
for rcpt in a b c d e; do
    ok "too many for one transaction: $rcpt" wait_log smtp "to=<$rcpt@few.test>.*stat=Sent"
done
is "$(got "m['server'] == 'few' and [len(m['to']), m['connection']]")" "[2, 1] [2, 1] [1, 1]" \
    "... all on the same connection"
unlike "$(cat "$T/smtp.log")" 'few.test.*stat=Deferred' "... and at once"

submit dead x@dead.test
ok "a dead exchanger: the next" wait_for 20 arrived dead
like "$(logged x@dead.test Sent)" 'relay=live.dead.test \[192.0.2.12\]' "... and the log says so"
submit dead2 y@dead.test
ok "... again" wait_for 20 arrived dead2
is "$(grep -c 'relay=dead.dead.test.*Connection refused' "$T/smtp.log")" 1 \
    "... without trying the dead one again"

submit nomx x@nomx.test
ok "no MX: the host itself, with HELO where EHLO is unknown" wait_for 20 arrived nomx
submit alias x@alias.test
ok "an exchanger that is an alias" wait_for 20 arrived alias
is "$(got "m['subject'] == 'alias' and m['server']")" second "... of the right host"

submit badtls x@badtls.test
ok "TLS that fails is done without" wait_for 20 arrived badtls
is "$(got "m['subject'] == 'badtls' and m['tls']")" "" "... in the clear"

submit soft soft1@two.test
ok "4xx defers" wait_log smtp 'to=<soft1@two.test>.*stat=Deferred: 451 4.7.1 Greylisted'
like "$(mailq)" 'Deferred: 451 4.7.1 Greylisted' "... mailq tells why"
again
ok "... and a later attempt delivers" wait_for 20 arrived soft
ok "... and takes it off the queue" wait_for 20 queue_empty

submit down x@down.test
ok "nobody answers: deferred as sendmail says it" \
    wait_log smtp 'to=<x@down.test>.*dsn=4.4.1, stat=Deferred: Connection refused by down.test'
# It comes up: what failed a moment ago is no reason not to ask.
rm "$T/sink/ready"
start_daemon sink2 python3 "$ROOT/tests/lib/sink.py" "$T/sink" 192.0.2.17:25,name=down
wait_for 20 test -f "$T/sink/ready" || fail "the receiver starts"
came_up() {
    for try in 1 2 3 4 5 6 7 8; do
        again
        sleep 0.3
        arrived down && return
    done
    return 1
}
ok "... and tried again within seconds" came_up
submit greet x@greet.test
ok "554 as a greeting defers" wait_log smtp 'to=<x@greet.test>.*stat=Deferred: '
submit endless x@endless.test
ok "a reply without an end defers" wait_log smtp 'to=<x@endless.test>.*stat=Deferred: '

submit hard hard@two.test ok@two.test
ok "5xx for one recipient: the other gets it" wait_for 20 arrived hard
ok "... and a report comes to the sender" wait_for 20 has_mail u1 1
report=$(cat "$(mailbox u1)")
like "$report" '^Remote-MTA: DNS; first.two.test$' "report: Remote-MTA"
like "$report" '^Diagnostic-Code: SMTP; 550 5.1.1 <hard@two.test> No such person here' \
    "report: Diagnostic-Code"
like "$report" '^Action: failed$' "report: Action"
like "$report" '^Status: 5.1.1$' "report: Status"
submit full -R full hard@two.test
ok "RET=FULL: the text comes back, too" wait_for 20 has_mail u1 2
report=$(cat "$(mailbox u1)")
like "$report" '^Content-Type: message/rfc822$' "report: the message"
like "$report" '^\.dot$' "report: ... its text"
submit never -N never hardnever@two.test
ok "NOTIFY=NEVER" wait_log smtp 'to=<hardnever@two.test>.*stat=550 5.1.1 '
id=$(logged hardnever@two.test 550 | sed 's/.*: \([0-9A-Za-z]*\): to=.*/\1/')
ok "... and that is all" wait_for 20 [ ! -e "$LETTERBOX_QUEUE/queue/$id" ]
is "$(count_mail u1)" 2 "... no report"
submit null x@null.test
ok "null MX is reported at once" wait_log smtp 'to=<x@null.test>.*dsn=5.1.10, '
submit unknown x@nothing.test
ok "a host that does not exist, too" \
    wait_log smtp 'to=<x@nothing.test>.*dsn=5.1.2, stat=Host unknown'

: >"$T/sink/connections"
for n in 1 2 3 4 5 6; do submit "reuse$n" "r$n@two.test"; done
for n in 1 2 3 4 5 6; do wait_for 20 arrived "reuse$n"; done
ok "messages share connections" [ "$(grep -c first "$T/sink/connections")" -lt 6 ]

submit drop drop1@two.test
ok "a connection cut behind the text defers" \
    wait_log smtp 'to=<drop1@two.test>.*stat=Deferred: Connection (closed|reset) by'
again
ok "... and it is sent again" wait_for 20 arrived drop
submit held held1@two.test
wait_for 20 test -f "$T/sink/held" || fail "DATA is held"
held=$(grep -l held1@two.test "$LETTERBOX_QUEUE"/queue/*)
truncate -s -3 "$held"
: >"$T/sink/go"
ok "a file that gets shorter meanwhile defers" \
    wait_log smtp 'to=<held1@two.test>.*stat=Deferred: cannot read the message: I'
nok "... and half of it is nobody's message" arrived held
rm -f "$held"

# The sanitizers need calls that the filter forbids: that build has none.
seccomp=2
[ "$BUILD" = san ] && seccomp=0
relay_pid=$(pgrep -f '^letterbox: relay role' -P "$(cat "$T/smtp.pid")")
like "$(grep -E '^(Uid|Groups|CapEff|Seccomp|NoNewPrivs):' "/proc/$relay_pid/status" | tr -s '\t\n' ' ')" \
    "Uid: [1-9][0-9]* .*Groups: .*CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: $seccomp" \
    "the role has neither root nor capabilities"
is "$(ls -A "/proc/$relay_pid/root" | wc -l)" 0 "... and an empty root directory"
kill -KILL "$relay_pid"
submit after x@two.test
ok "killed, it is started again" wait_for 20 arrived after
end mx

# ---- "hé", as three kinds of server have it: one without 8BITMIME is spared unless F= has an 8

bits() { # NAME RCPT
    printf 'Subject: %s\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nh\303\251\n' "$1" |
        sendmail -odq -B8BITMIME -f u1@example.test "$2" 2>>"$T/submit.log"
    wait_for 20 arrived "$1"
    got "m['subject'] == '$1' and m['text'].encode('latin-1').hex() + ' ' + m['params'].split()[-1]"
}
cfgen >"$T/eight.cf" && sed 's/F=mDFMuXa8/F=mDFMuXa/' "$T/eight.cf" >"$T/seven.cf"
for flag in eight seven; do
    begin -C "$T/$flag.cf"
    is "$(bits "$flag-able" x@two.test)" "68c3a9 BODY=8BITMIME" "$flag: a server that offers it"
    is "$(bits "$flag-old" x@seven.test | cut -d= -f1)" \
        "$([ $flag = seven ] && echo 683d43333d4139 SIZE || echo 68c3a9 SIZE)" "$flag: one that does not"
    end "$flag bits"
done

# ---- a host whose queue of connections is full takes no more, and does not say so

start_daemon full python3 -c "
import socket, threading
s = socket.create_server(('192.0.2.20', 25), backlog=0)
held = [socket.socket() for _ in range(3)]
for x in held:
    x.setblocking(False)
    x.connect_ex(('192.0.2.20', 25))
open('$T/full.ready', 'w').close()
threading.Event().wait()"
wait_for 20 test -f "$T/full.ready" || fail "the full host starts"
for option in iconnect aconnect; do
    begin "-OTimeout.$option=1s"
    submit "$option" "$option@hole.test"
    ok "Timeout.$option" wait_log smtp "to=<$option@hole.test>.*stat=Deferred: [A-Z][a-z]* timed out with hole.test"
    end "$option"
done

# ---- smart hosts

export LETTERBOX_RELAY="lmtp:$T/sink/lmtp"
begin
submit lmtp x@other.test full@other.test
ok "LMTP over a Unix socket" wait_for 20 arrived lmtp
ok "... each recipient has a reply of its own" \
    wait_log smtp 'to=<full@other.test>.*dsn=5.2.2, stat=552 5.2.2 Mailbox full'
like "$(logged x@other.test Sent)" 'mailer=[a-z]+,.*stat=Sent \(stored\)' "... the good one, too"
end lmtp

export LETTERBOX_RELAY=smtp+plain://192.0.2.13:26
begin
for n in 1 2 3 4 5; do submit "tls$n" "x$n@other.test"; done
for n in 1 2 3 4 5; do ok "smart host, STARTTLS where offered: message $n" wait_for 20 arrived "tls$n"; done
is "$(got "m['server'] == 'tls' and not m['tls'] and 1")" "" "... none in the clear"
end plain

# All at once, and after each message all connections are dead: nobody waits for a retry.
export LETTERBOX_RELAY=smtp+plain://192.0.2.13:27
for n in 1 2 3 4 5 6 7 8 9; do submit "one$n" -odq "x$n@other.test"; done
begin
ok "a server that hangs up after each message gets all of them" wait_for 20 queue_empty
is "$(got "m['server'] == 'one' and 'x'" | tr -d ' ')" xxxxxxxxx "... once"
unlike "$(cat "$T/smtp.log")" 'stat=Deferred' "... none deferred"
end one

export LETTERBOX_RELAY=smtp+plain://192.0.2.13:28
begin -OTimeout.initial=1s
submit mute x@other.test
ok "a server that says nothing is given up after Timeout.initial" \
    wait_log smtp 'to=<x@other.test>.*dsn=4.4.1, stat=Deferred: [A-Z][a-z]* timed out with 192'
end mute

printf '192.0.2.12 smart.test\n' >>"$T/hosts"
export LETTERBOX_RELAY=smtp://me@smart.test LETTERBOX_RELAY_PASSWORD_FILE="$T/password"
printf 'secret\n' >"$T/password"
chmod 600 "$T/password"
begin
submit untrusted x@other.test
ok "a certificate of nobody's is not good enough" \
    wait_log smtp 'to=<x@other.test>.*stat=Deferred: TLS with smart.test: '
is "$(got "m['server'] == 'submission' and 1")" "" "... nothing is sent"
end untrusted
export SSL_CERT_FILE="$T/cert.pem"
begin
ok "with the authority it is delivered" wait_for 20 arrived untrusted
is "$(got "m['subject'] == 'untrusted' and [m['tls'], m['auth']]")" "[True, True]" \
    "... encrypted, after AUTH LOGIN"
end submission
export LETTERBOX_RELAY=smtps://me@smart.test
begin
submit smtps x@other.test
ok "smtps, AUTH PLAIN" wait_for 20 arrived smtps
is "$(got "m['subject'] == 'smtps' and [m['tls'], m['auth']]")" "[True, True]" "... all of it"
nok "the password is in no log" grep secret "$T/smtp.log"
end smtps
printf 'wrong\n' >"$T/password"
begin
submit wrong x@other.test
ok "a wrong password defers" wait_log smtp 'to=<x@other.test>.*Deferred: .*authentication refused'
end wrong
unset LETTERBOX_RELAY_PASSWORD_FILE SSL_CERT_FILE
export LETTERBOX_RELAY=http://smart.test
exits 78 "a smart host that is none is told at the start" sendmail -bD
unset LETTERBOX_RELAY
