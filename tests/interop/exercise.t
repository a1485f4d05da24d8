#!/bin/sh
# A course's exercise with sendmail, from the definition file to the mail that is read: three
# hosts in namespaces (lemon is configured, popple has the mailboxes, stranger is outside), a
# name server, and the real sendmail 8.17 beside ours on the same configuration.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/net.sh"
# Fetched out here: inside there is no way to Debian.
# shellcheck disable=SC2034 # real.sh wants it
[ -n "${NET_INSIDE:-}" ] || (top=$ROOT && . "$ROOT/tests/oracle/real.sh") >/dev/null
net_enter "$0"
need nsenter
if [ -z "${UTS_INSIDE:-}" ]; then
    rm -rf "$T"
    UTS_INSIDE=yes exec unshare -u sh "$0"
fi
zone=db.is.kyushu-u.ac.jp
domain=4f.$zone

# A /etc of its own, with the student's account and the files that the exercise names.
chmod 755 "$T"
cp -a /etc "$T/etc" 2>/dev/null
mkdir -p "$T/etc/mail"
rm -f "$T/etc/mail/sendmail.cf" "$T/etc/mail/sendmail.def"
echo 10.4.0 >"$T/etc/mail/sendmail.localip"
echo $domain >"$T/etc/mail/sendmail.localdomain"
echo "postmaster: root" >"$T/etc/mail/aliases"
grep -v '^student:' /etc/passwd >"$T/etc/passwd"
echo 'student:x:30001:30001:A Student:/:/bin/sh' >>"$T/etc/passwd"
mount --bind "$T/etc" /etc
hostname lemon
net_dns --host-record=lemon.$domain,10.4.0.1 --host-record=popple.$zone,10.4.0.2 \
    --host-record=mx.example.org,203.0.113.9 --mx-host=example.org,mx.example.org,10 \
    --mx-host=$domain,popple.$zone,10 --local=/kyushu-u.ac.jp/ --local=/example.org/ || fail "dnsmasq starts"
printf '10.4.0.1 lemon.%s lemon\n' $domain >>"$T/hosts"

# A host: namespaces that a process keeps, and a cable to lemon.
other_host() { # NAME OWN-ADDRESS LEMON'S-ADDRESS
    start_daemon "$1" unshare -n -u -m sleep 600
    host_pid=$(cat "$T/$1.pid")
    wait_for 20 apart "$host_pid" || fail "$1 has a network of its own"
    ip link add "to-$1" type veth peer name eth0 netns "$host_pid"
    ip addr add "$3/24" dev "to-$1"
    ip link set "to-$1" up
    on "$1" sh -c "hostname $1; ip link set lo up; ip addr add $2/24 dev eth0;
        ip link set eth0 up; ip route add default via $3"
}
apart() { # PID
    [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
        [ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]
}
on() { # HOST COMMAND...
    on_pid=$(cat "$T/$1.pid")
    shift
    nsenter -t "$on_pid" -n -u -m "$@"
}
other_host popple 10.4.0.2 10.4.0.1
other_host stranger 203.0.113.9 203.0.113.1

# ---- the definition file: the standard one, and what the exercise changes in it
mkdir -p "$T/lemon/spool" "$T/lemon/mail" "$T/popple/spool" "$T/popple/mail"
chmod 1777 "$T/lemon/mail" "$T/popple/mail"
cd "$T/lemon" || exit 2
cfgen --standard sendmail-v8.def >standard.def
cat >changes.def <<DEF
OS_TYPE=bsd4.5
MX_SENDMAIL=yes
MY_DOMAIN=$domain
MY_NAME=lemon
FROM_ADDRESS='\$m'
RECIPIENT_GENERIC=yes
REWRITE_GENERIC_FROM=lower
REWRITE_GENERIC_TO=yes
REWRITE_LOCAL_ON_RELAY=generic
ACCEPT_ADDRS='\$m'
SPOOL_HOST='popple.$zone'
BITNET=mx
REJECT_JUNET=yes
ALIAS_FILE_PATH='/etc/mail/aliases'
PRIVACY_FLAGS='noexpn,novrfy,authwarnings'
MAIL_RELAY_RESTRICTION=yes
LOCAL_HOST_IPADDR=/etc/mail/sendmail.localip
LOCAL_HOST_DOMAIN=/etc/mail/sendmail.localdomain
DEF
cat standard.def changes.def >sendmail.def
exits 0 "the definition file makes a sendmail.cf" cfgen -o sendmail.cf sendmail.def
is "$(cat "$T/err")" "" "without a word"
exits 0 "which is whole" cfgen --check sendmail.cf

# ---- sendmail -bt, ours and the real one
verdicts() { # COMMAND...
    printf '0 user\n0 user@lemon.%s\n0 user@outside.example.org\n3,0 user@%s\n' $domain $domain |
        "$@" -bt -C sendmail.cf 2>/dev/null | sed -n 's/^parse  *returns: //p'
}
outside='outside . example . org'
generic='4f . db . is . kyushu-u . ac . jp'
want="\$# local \$: user
\$# local \$: user
\$# smtp \$@ $outside \$: user < @ $outside . >
\$# smtp \$@ popple . db . is . kyushu-u . ac . jp \$: user < @ $generic . >"
is "$(verdicts sendmail)" "$want" "sendmail -bt: local, local, smtp, and the generic address goes to SPOOL_HOST"
if [ -x "$ROOT/build/out/oracle/root/usr/libexec/sendmail/sendmail" ] || command -v apt-get >/dev/null; then
    real=$(top=$ROOT && here=$ROOT/tests/oracle && . "$here/real.sh" >"$T/real.out" && echo "$LD_LIBRARY_PATH $real")
    if [ -n "$real" ]; then
        is "$(LD_LIBRARY_PATH=${real% *} verdicts "${real#* }")" "$want" "and so says the real sendmail 8.17"
    else
        skip 1 "$(cat "$T/real.out")"
    fi
else
    skip 1 "no real sendmail"
fi

# ---- the daemons
cp sendmail.cf "$T/etc/mail/"
mkdir "$T/popple/etc" "$T/popple/home"
chown 30001:30001 "$T/popple/home"
printf "MY_NAME=popple\nMY_DOMAIN=%s\nACCEPT_ADDRS=%s\n" $zone $domain >"$T/popple/etc/sendmail.def"
on popple mount --bind "$T/popple/etc" /etc/mail
export LETTERBOX_LOG=stderr
export LETTERBOX_QUEUE="$T/popple/spool/queue" LETTERBOX_MAILBOX="$T/popple/mail/%u"
start_daemon spool nsenter -t "$(cat "$T/popple.pid")" -n -u -m "$T/bin/sendmail" -bD
export LETTERBOX_QUEUE="$T/lemon/spool/queue" LETTERBOX_MAILBOX="$T/lemon/mail/%u"
start_daemon smtp sendmail -bD
wait_port 25 smtp && pass "sendmail -bd listens" || fail "sendmail -bd listens"
popple_listens() {
    on popple grep -Eq ':0019 0+:0000 0A ' /proc/net/tcp /proc/net/tcp6
}
wait_for 30 popple_listens && pass "popple listens" || { fail "popple listens" && diag "$(tail "$T/spool.log")"; }

# ---- mail to oneself: the Subject prompt, a body, a lone dot
if command -v script >/dev/null; then
    printf 'An exercise\nHello, it is me.\n.\n' | HOME=$T script -qec "mail student@$domain" /dev/null >typed 2>&1
    like "$(cat typed)" "^Subject:" "mail asks for the subject"
else
    skip 1 "no script(1) on this machine"
    printf 'Hello, it is me.\n.\n' | HOME=$T mail -s "An exercise" student@$domain
fi
arrived() {
    grep -q '^Hello, it is me' "$T/popple/mail/student" 2>/dev/null
}
wait_for 60 arrived && pass "the message is in popple's spool" || {
    fail "the message is in popple's spool"
    diag "$(cat typed "$T/smtp.log" "$T/spool.log" && mailq)"
}
like "$(echo "/tryflags HS
/try smtp root@lemon" | sendmail -bt -C sendmail.cf)" "addr = root@$domain" "a sender here is shown by the generic address"
is "$(ls "$T/lemon/mail")" "" "and none is here"
on popple env LETTERBOX_MAILBOX="$T/popple/mail/%u" HOME="$T/popple/home" \
    setpriv --reuid 30001 --regid 30001 --clear-groups "$T/bin/mail" <<'E' >read 2>&1
p
q
E
is $? 0 "mail on popple, left by q"
like "$(cat read)" "An exercise" "shows the message's subject"
like "$(cat read)" "Hello, it is me" "and its text"
echo "To a user here." | mail -s local student
here_arrived() {
    grep -q "To a user here" "$T/lemon/mail/student"
}
wait_for 60 here_arrived && pass "a bare name is a user of this host" || fail "a bare name is a user of this host"

# ---- who may relay
cat >"$T/ask.py" <<'E'
import smtplib, sys
s = smtplib.SMTP(sys.argv[1], 25, "client.example", 30)
s.ehlo()
s.mail("someone@outside.example")
for to in sys.argv[2:]:
    code, text = s.rcpt(to)
    print(code, text.decode().split(" ")[0] if code != 250 else "ok")
s.quit()
E
chmod 644 "$T/ask.py"
is "$(on stranger python3 "$T/ask.py" 203.0.113.1 "x@example.org" "student@$domain" "student@lemon.$domain" "x%example.org@lemon.$domain" 2>&1 | head -n 3)" \
    "550 5.7.1
250 ok
250 ok" "a stranger may not relay, but write to users"
is "$(on popple python3 "$T/ask.py" 10.4.0.1 x@example.org 2>&1)" "250 ok" "a host in LOCAL_HOST_IPADDR may relay"

# ---- what a host outside sees of the senders
mkdir "$T/sink"
start_daemon sink nsenter -t "$(cat "$T/stranger.pid")" -n -u -m \
    python3 "$ROOT/tests/lib/sink.py" "$T/sink" 203.0.113.9:25,name=mx
wait_for 20 test -f "$T/sink/ready" || fail "the receiver starts"
cat >"$T/relay.py" <<'E'
import smtplib, sys
domain = sys.argv[1]
s = smtplib.SMTP("10.4.0.1", 25, "client.example", 30)
s.sendmail("student@pc." + domain, "x@example.org", f"""From: A Student <student@lemon.{domain}>
To: x@example.org, teacher
Cc: student@lemon.{domain}
Subject: relayed

text
""")
s.quit()
E
chmod 644 "$T/relay.py"
seen() { # SUBJECT
    python3 - "$T/sink/messages" "$1" <<'E'
import json, sys
for m in map(json.loads, open(sys.argv[1])):
    if m["subject"] == sys.argv[2]:
        print(m["from"].lstrip("<"), *sorted((x for x in m["header"] if x[:3] in ("Fro", "To:", "Cc:")), key=lambda x: "FTC".index(x[0])), sep="\n")
E
}
outside() { # SUBJECT
    grep -q "\"subject\": \"$1\"" "$T/sink/messages" 2>/dev/null
}
echo "Out of the house." | mail -s outside x@example.org
wait_for 60 outside outside || diag "$(tail "$T/smtp.log")"
is "$(seen outside)" "root@$domain
From: root <root@$domain>
To: x@example.org" "the generic address in envelope and header"
on popple python3 "$T/relay.py" $domain
wait_for 60 outside relayed || diag "$(tail "$T/smtp.log")"
is "$(seen relayed)" "student@$domain
From: A Student <student@$domain>
To: x@example.org, teacher@$domain
Cc: student@$domain" "and in mail of a host below, for recipients and for names alone, too"
stop_daemon sink
stop_daemon smtp
is $? 0 "the daemon ends well"
stop_daemon spool
umount -l /etc/hosts /etc/resolv.conf /etc 2>/dev/null
