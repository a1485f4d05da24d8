#!/bin/sh
# Rulesets that see inbound sessions: check_relay with FEATUREs ratecontrol and conncontrol behind
# delay_checks, greet_pause, srv_features, tls_srv_features, tls_client, and the macros that each of
# them and check_mail and check_rcpt sees.  The real sendmail and our daemon take the same file and the same
# clients, and must say the same.  Needs root (a namespace), apt-get, dpkg, m4, python3, openssl.
. "${0%/*}/../lib/tap.sh"
need_root
need apt-get dpkg m4 python3 unshare flock ip openssl
data=$ROOT/tests/interop/inbound
network=$ROOT/tests/interop/sendmail-cf/network.sh
# shellcheck disable=SC2034 # real.sh wants it
top=$ROOT
# shellcheck source=/dev/null
. "$ROOT/tests/oracle/real.sh"
REAL=$(dirname "$real") REAL_LIBS=$LD_LIBRARY_PATH
unset LD_LIBRARY_PATH

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
S=/var/lib/letterbox-inbound-$BUILD
export S REAL REAL_LIBS BIN
rm -rf "$S"
umask 022
mkdir -p "$S/etc" "$S/real"
cp -r "$share" "$S/cf"
grep -rl /usr/share/sendmail/cf "$S/cf" | xargs sed -i "s:/usr/share/sendmail/cf:$S/cf:g"
sed "s:@S@:$S:g" "$data/inbound.mc" >"$S/etc/inbound.mc"
cp "$data/access" "$S/etc/access"
: >"$S/etc/aliases"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mx.local.test -days 9 \
    -keyout "$S/etc/key.pem" -out "$S/etc/cert.pem" >"$T/openssl.log" 2>&1
chmod 600 "$S/etc/key.pem"
make_cf() {
    (cd "$S/etc" && m4 -D_NO_MAKEINFO_ -D_CF_DIR_="$S/cf/" "$S/cf/m4/cf.m4" inbound.mc) >"$T/full" 2>"$T/m4.log" || return 1
    grep -v '^O \(BadRcptThrottle\|TrustedUser\|RunAs\|DaemonPort\|Control\|StatusFile\|HostStatus\)' \
        "$T/full" | sed "s:^O QueueDirectory=.*:O QueueDirectory=$S/real:
        s:^O PidFile=.*:O PidFile=$S/real/pid:
        s:^O AliasFile=.*:O AliasFile=$S/etc/aliases:" >"$S/etc/inbound.cf"
    grep -q '^Sgreet_pause' "$S/etc/inbound.cf"
}
ok "inbound.cf is made" make_cf
MAPS=access unshare -m -u -n sh "$network" tables "$S/etc/inbound.cf" >"$T/tables.log" 2>&1

# Both at once: each waits for the pause of its own greeting.
for who in real ours; do
    MODIFIERS=fC unshare -m -u -n sh "$network" $who "$S/etc/inbound.cf" \
        python3 "$data/client.py" >"$T/$who" 2>"$T/$who.log" &
done
wait
ok "the real one was asked everything" grep -q '^== end' "$T/real"
same "$T/real" "$T/ours" "our daemon says what sendmail 8.17 says"
like "$(cat "$T/ours.log")" 'rejecting commands from \[192.0.2.68\] due to pre-greeting traffic' \
    "early talk is logged"
like "$(cat "$T/ours.log")" 'ruleset=tls_client.*reject=454 4.7.0' "so is what tls_client refused"
rm -rf "$S"
