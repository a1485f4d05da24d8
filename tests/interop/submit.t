#!/bin/sh
# Debian's submit.cf, made from its package, beside a daemon: what is submitted by it goes to the
# daemon on 127.0.0.1, and -Ac submits where sendmail.cf counts.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/net.sh"
need m4 flock dnsmasq
net_enter "$0"

deb=$ROOT/build/out/oracle
(
    top=$ROOT
    # shellcheck source=/dev/null
    . "$ROOT/tests/oracle/real.sh" >"$T/real.log" 2>&1
)
cp -r "$deb/root/usr/share/sendmail/cf" "$T/cf" 2>/dev/null || skip_all "no package of sendmail-cf"
grep -rl /usr/share/sendmail/cf "$T/cf" | xargs sed -i "s:/usr/share/sendmail/cf:$T/cf:g"
sed '/^include(.*cf.m4/d
    s:/etc/mail/m4/[a-z]*.m4:/dev/null:' "$T/cf/debian/submit.mc" >"$T/submit.mc"
(cd "$T" && m4 -D_NO_MAKEINFO_ -D_CF_DIR_="$T/cf/" "$T/cf/m4/cf.m4" submit.mc >submit.cf 2>m4.log)
ok "submit.cf is made" grep -q '^Mrelay' "$T/submit.cf"

chmod 755 "$T"
cp -a /etc "$T/etc" 2>/dev/null
mkdir -p "$T/etc/mail" "$T/mail"
chmod 1777 "$T/mail"
rm -f "$T/etc/mail/sendmail.cf" "$T/etc/mail/sendmail.def"
printf 'alice:x:30001:30001::/:/bin/sh\n' >>"$T/etc/passwd"
cp "$T/submit.cf" "$T/etc/mail/submit.cf"
mount --bind "$T/etc" /etc
net_dns --local=/example.org/ --host-record=mail.example.org,127.0.0.1 || fail "dnsmasq starts"
export LETTERBOX_LOG=stderr LETTERBOX_MAILBOX="$T/mail/%u" HOME="$T" LETTERBOX_HOSTNAME=mail.example.org
export LETTERBOX_QUEUE="$T/queue" LETTERBOX_LISTEN=127.0.0.1:25
start_daemon smtp sendmail -bD
wait_port 25 smtp && pass "the daemon listens" || fail "the daemon listens"

like "$(LETTERBOX_QUEUE=$T/client sendmail -C "$T/submit.cf" -bv alice)" 'mailer relay, host \[127.0.0.1\], user alice' \
    "by submit.cf a user here is the daemon's business"
exits 0 "a message by submit.cf is taken" sh -c \
    'printf "Subject: first\n\ntext\n" | LETTERBOX_QUEUE=$0/client sendmail -C "$0/submit.cf" alice' "$T"
first() {
    LETTERBOX_QUEUE="$T/client" sendmail -C "$T/submit.cf" -q 2>>"$T/runs.log"
    grep -q '^Subject: first' "$T/mail/alice" 2>/dev/null
}
wait_for 30 first && pass "the daemon has delivered it" || { fail "the daemon has delivered it" && diag "$(cat "$T/runs.log")"; }
exits 0 "sendmail -Ac takes one, too" sh -c 'printf "Subject: second\n\ntext\n" | sendmail -Ac alice'
second() {
    grep -q '^Subject: second' "$T/mail/alice" 2>/dev/null
}
wait_for 30 second && pass "and it is delivered" || fail "and it is delivered"
stop_daemon smtp
umount -l /etc/hosts /etc/resolv.conf /etc 2>/dev/null
true
