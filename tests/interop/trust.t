#!/bin/sh
# What an access table says about servers: TLS_Srv, TLS_Rcpt and Try_TLS of a sendmail.cf that is
# made with m4, and rulesets about them: clt_features and tls_clt_features.  The real sendmail and
# our daemon send to the same servers by the same file, and the same becomes of each recipient.
# Needs root (namespaces), apt-get, dpkg, m4, openssl, dnsmasq.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/net.sh"
need apt-get dpkg m4 python3 unshare flock openssl
# shellcheck disable=SC2034 # real.sh wants it
top=$ROOT

# shellcheck source=/dev/null
. "$ROOT/tests/oracle/real.sh"
REAL_LIBS=$LD_LIBRARY_PATH
unset LD_LIBRARY_PATH
net_enter "$0"
data=$ROOT/tests/interop/trust

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
S=/var/lib/letterbox-trust-$BUILD
rm -rf "$S"
umask 022
mkdir -p "$S/etc" "$S/queue" "$T/sink"
chmod 777 "$T/sink"
cp -r "$share" "$S/cf"
grep -rl /usr/share/sendmail/cf "$S/cf" | xargs sed -i "s:/usr/share/sendmail/cf:$S/cf:g"
sed "s:@S@:$S:g" "$data/trust.mc" >"$S/etc/trust.mc"
cp "$data/access" "$S/etc/access"
: >"$S/etc/aliases"
certificates() {
    cd "$S/etc" &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/O=Trust (Test)/CN=CA' -days 9 -keyout ca.key -out ca.pem &&
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /C=XX/CN=good.test -keyout good.key -out good.csr &&
        openssl x509 -req -in good.csr -CA ca.pem -CAkey ca.key -days 9 -out good.pem &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=self.test -days 9 -keyout self.key -out self.pem
}
ok "certificates are made" certificates 2>"$T/openssl.log"
make_cf() {
    (cd "$S/etc" && m4 -D_NO_MAKEINFO_ -D_CF_DIR_="$S/cf/" "$S/cf/m4/cf.m4" trust.mc) >"$T/full" 2>"$T/m4.log" || return 1
    grep -v '^O \(TrustedUser\|RunAs\|DaemonPort\|Control\|StatusFile\|HostStatus\)' "$T/full" |
        sed "s:^O QueueDirectory=.*:O QueueDirectory=$S/queue:
        s:^O PidFile=.*:O PidFile=$S/queue/pid:
        s:^O AliasFile=.*:O AliasFile=$S/etc/aliases:" >"$S/etc/trust.cf"
    grep -q '^Stls_rcpt' "$S/etc/trust.cf"
}
ok "trust.cf is made" make_cf

dns=
for host in good:4 named:4 wrong:4 issuer:4 else:4 self:5 perm:5 clear:6 weak:4 number:9 open:6 notry:4 bad:7 \
    f-upper:4 f-temp:4 f-error:4 f-gone:4 f-a:4 t-list:4 t-quoted:4 t-key:4 t-syntax:4 t-cert:4 t-both:4 \
    t-clear:7 t-noclear:7 t-flag:4 t-empty:4 t-error:4 t-gone:4 t-plain:6; do
    dns="$dns --host-record=${host%:*}.test,192.0.2.1${host#*:}"
done
net_addresses 192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17 192.0.2.19
# shellcheck disable=SC2086 # words are meant
net_dns --local=/test/ $dns || fail "dnsmasq starts"
start_daemon sink python3 "$ROOT/tests/lib/sink.py" "$T/sink" \
    "192.0.2.14:25,name=good,tls=$S/etc/good.pem:$S/etc/good.key" \
    "192.0.2.15:25,name=self,tls=$S/etc/self.pem:$S/etc/self.key" \
    192.0.2.16:25,name=clear 192.0.2.17:25,name=bad,badtls \
    "192.0.2.19:25,name=number,tls=$S/etc/self.pem:$S/etc/self.key"
wait_for 20 test -f "$T/sink/ready" || fail "the receivers start"

rcpts="x@t-clear.test x@good.test x@named.test x@wrong.test x@issuer.test x@else.test x@self.test x@perm.test x@clear.test
    x@weak.test x@number.test x@notry.test x@bad.test secret@open.test never@open.test any@open.test
    x@f-upper.test x@f-temp.test x@f-error.test x@f-gone.test x@f-a.test x@t-list.test x@t-quoted.test
    x@t-key.test x@t-syntax.test x@t-cert.test x@t-both.test x@t-noclear.test x@t-flag.test
    x@t-empty.test x@t-error.test x@t-gone.test x@t-plain.test"
printf '%s\n' '192.0.2.53 mx.local.test' >>"$T/hosts"

# "RCPT Sent", "RCPT Deferred: ..." or "RCPT failed"; what is refused for a recipient alone the real
# one does not tell in this place.
shorten() {
    sed -e 's/ Sent .*/ Sent/' -e 's/\(open.test Deferred\).*/\1/'
}
encrypted() {
    sed 's/.*"to": \["\([^"]*\).*"tls": \([a-z]*\).*/\1 \2/' "$T/sink/messages" | grep -v '@one\|@two' | sort
}
real_sends() {
    export LD_LIBRARY_PATH="$REAL_LIBS"
    "$(dirname "$real")/makemap" -C "$S/etc/trust.cf" hash "$S/etc/access" <"$S/etc/access" &&
        "$real" -C "$S/etc/trust.cf" -bi >"$T/real.log" 2>&1 || return 1
    for rcpt in $rcpts; do
        echo "== $rcpt"
        printf 'Subject: real\n\ntext\n' |
            "$real" -C "$S/etc/trust.cf" -v -odi -f u1@example.test "$rcpt" 2>&1
    done >"$T/said"
    # Of each run its own recipient's lines, or that there was none.
    awk 'function close_() { if (rcpt != "" && !told) print rcpt " failed" }
        /^== / { close_(); rcpt = $2; told = 0; next }
        index($0, rcpt "... Sent") == 1 || index($0, rcpt "... Deferred") == 1 {
            told = 1
            print rcpt substr($0, length(rcpt) + 4)
        }
        END { close_() }' "$T/said" | shorten >"$T/real"
}
ok "the real one sends" real_sends
encrypted >"$T/real.tls"

# How many recipients a transaction has, by r= and without F=m.
groups="a@two.test b@two.test c@two.test a@one.test b@one.test"
transactions() {
    sed -n 's/.*"to": \[\(.*@\(two\|one\).test"\)\], "params.*/\1/p' "$T/sink/messages" |
        sed 's/"[a-z]@/"/g' | sort
}
real_groups() {
    export LD_LIBRARY_PATH="$REAL_LIBS"
    # shellcheck disable=SC2086 # words are meant
    printf 'Subject: real\n\ntext\n' | "$real" -C "$S/etc/trust.cf" -odi -f u1@example.test $groups
}
ok "and to several at once" real_groups
transactions >"$T/real.groups"
is "$(wc -l <"$T/real.groups")" 4 "in four transactions"

# Gone from the queue or not, each has been tried once.
rm "$T/sink/messages"
server_setup mbox
server_smtp -C "$S/etc/trust.cf" || fail "sendmail starts"
for rcpt in $rcpts; do
    printf 'Subject: ours\n\ntext\n' | sendmail -C "$S/etc/trust.cf" -f u1@example.test "$rcpt" >>"$T/submit.log" 2>&1
    # That TLS may fail for this name says nothing of others that have the same address.
    [ "$rcpt" != x@t-clear.test ] || wait_log smtp "to=<$rcpt>.*stat="
done
# shellcheck disable=SC2086 # words are meant
printf 'Subject: ours\n\ntext\n' | sendmail -C "$S/etc/trust.cf" -f u1@example.test $groups >>"$T/submit.log" 2>&1
for rcpt in $groups; do
    wait_log smtp "to=<$rcpt>.*stat=" || diag "$rcpt: nothing in the log"
done
for rcpt in $rcpts; do
    wait_log smtp "to=<$rcpt>.*stat=" || diag "$rcpt: nothing in the log"
done
# What became of each at first, in the order of the list.
awk -v rcpts="$(echo $rcpts)" '
    match($0, /to=<[^>]*>.*stat=/) {
        stat = substr($0, RSTART + RLENGTH)
        rcpt = substr($0, RSTART + 4)
        sub(/>.*/, "", rcpt)
        if (!(rcpt in said)) said[rcpt] = stat ~ /^[45]/ ? "failed" : stat
    }
    END {
        n = split(rcpts, list, " ")
        for (i = 1; i <= n; i++) if (list[i] in said) print list[i], said[list[i]]
    }' "$T/smtp.log" | shorten >"$T/ours"
encrypted >"$T/ours.tls"
# A ruleset that a table failed for, or that says $#error instead of a list, lets the real one send,
# without TLS; here it is not known then whether TLS may be done without, and the message waits.
is "$(grep -E '^x@(f-gone|t-error)' "$T/ours")" "x@f-gone.test Deferred: clt_features=TEMPFAIL
x@t-error.test Deferred: 454 4.7.0 STARTTLS temporarily not possible." "what waits here alone"
for list in real ours real.tls ours.tls; do
    grep -vE '^x@(f-gone|t-error)' "$T/$list" >"$T/rest"
    mv "$T/rest" "$T/$list"
done
same "$T/real" "$T/ours" "the same becomes of each recipient"
transactions >"$T/ours.groups"
same "$T/real.groups" "$T/ours.groups" "as many recipients in each transaction"
same "$T/real.tls" "$T/ours.tls" "with and without TLS"
like "$(cat "$T/smtp.log")" 'tls_clt_features=.*: only the flags c and C' "... what has no effect is told"
like "$(cat "$T/ours")" 'x@wrong.test Deferred: 454 4.7.0 CN good.test does not match' "... these"
ok "SIGTERM ends it" stop_daemon smtp
nok "no sanitizer report" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
rm -rf "$S"
