#!/bin/sh
# The definition files of README.md, as they are printed there: one line is a null client, ten
# are a server.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/net.sh"
net_enter "$0"

chmod 755 "$T"
cp -a /etc "$T/etc" 2>/dev/null
mkdir -p "$T/etc/mail" "$T/sink" "$T/mail"
chmod 1777 "$T/mail"
rm -f "$T/etc/mail/sendmail.cf" "$T/etc/mail/sendmail.def"
printf 'alice:x:30001:30001::/:/bin/sh\n' >>"$T/etc/passwd"
printf 'info@example.net\talice@example.org\n' >"$T/etc/mail/virtual"
mount --bind "$T/etc" /etc
net_addresses 192.0.2.12 192.0.2.77 203.0.113.9
net_dns --local=/example.org/ --host-record=mail.example.org,192.0.2.12 || fail "dnsmasq starts"
printf '192.0.2.12 mail.example.org mail\n' >>"$T/hosts"
export LETTERBOX_LOG=stderr LETTERBOX_QUEUE="$T/queue" LETTERBOX_MAILBOX="$T/mail/%u" HOME="$T"

# The first block of indented lines behind a line of the README.
printed() { # ERE
    awk -v from="$1" '$0 ~ from { on = 1 } on && /^    / { print substr($0, 5); seen = 1; next }
        seen { exit }' "$ROOT/README.md"
}

# ---- one line
printed 'One line makes a host' >"$T/etc/mail/sendmail.def"
is "$(wc -l <"$T/etc/mail/sendmail.def")" 1 "the null client has one line"
start_daemon sink python3 "$ROOT/tests/lib/sink.py" "$T/sink" 192.0.2.12:25,name=hub
wait_for 20 test -f "$T/sink/ready" || fail "the receiver starts"
exits 0 "a message to elsewhere is taken" sh -c 'echo text | mail -s outside someone@far.example'
exits 0 "and one to a user here" sh -c 'echo text | mail -s inside alice'
got() { # SUBJECT
    grep -q "\"subject\": \"$1\"" "$T/sink/messages" 2>/dev/null
}
both() {
    runq
    got outside && got inside
}
wait_for 60 both && pass "both are at the other host" || { fail "both are at the other host" && diag "$(mailq)"; }
is "$(ls "$T/mail")" "" "no mailbox here has any"
stop_daemon sink

# ---- ten lines
printed 'Ten lines make a server' >"$T/etc/mail/sendmail.def"
is "$(wc -l <"$T/etc/mail/sendmail.def")" 10 "the server has ten lines"
start_daemon smtp sendmail -bD
wait_port 25 smtp && wait_port 587 smtp && pass "it listens on both ports" || fail "it listens on both ports"
cat >"$T/ask.py" <<'E'
import smtplib, sys
s = smtplib.SMTP("192.0.2.12", 25, "client.example", 60, (sys.argv[1], 0))
s.ehlo()
s.mail("someone@outside.example")
good = False
for to in sys.argv[2:]:
    code, text = s.rcpt(to)
    good = good or code == 250
    print(code, end=" ")
print(s.data("Subject: %s\r\n\r\nhello\r\n" % sys.argv[2])[0] if good else "-")
s.quit()
E
is "$(python3 "$T/ask.py" 203.0.113.9 alice@example.org 2>&1)" "250 250" "mail for the domain is taken from anywhere"
is "$(python3 "$T/ask.py" 203.0.113.9 info@example.net 2>&1)" "250 250" "and for the other domain's address"
is "$(python3 "$T/ask.py" 203.0.113.9 other@example.net 2>&1)" "550 -" "but not for one that is not listed"
is "$(python3 "$T/ask.py" 203.0.113.9 x@far.example 2>&1)" "550 -" "a stranger may not relay"
is "$(python3 "$T/ask.py" 192.0.2.77 x@far.example 2>&1)" "250 250" "a host of the network may"
delivered() {
    [ "$(grep -c '^Subject: \(alice@example.org\|info@example.net\)' "$T/mail/alice")" = 2 ]
}
wait_for 60 delivered && pass "alice has both" || { fail "alice has both" && diag "$(tail "$T/smtp.log")"; }
stop_daemon smtp
is $? 0 "the daemon ends well"
umount -l /etc/hosts /etc/resolv.conf /etc 2>/dev/null
