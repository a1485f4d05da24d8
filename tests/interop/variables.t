#!/bin/sh
# What cfgen's variables change in the daemon: each is flipped, and what clients and the hosts
# behind it see is another thing.  A name server with block lists, receivers that ask for TLS and
# AUTH.  The last point: every variable that cfgen lists is flipped here or in tests/oracle.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/net.sh"
net_enter "$0"
need openssl

chmod 755 "$T"
net_addresses 192.0.2.12 192.0.2.13 192.0.2.20 192.0.2.54 203.0.113.8 203.0.113.9
ip addr add 2001:db8::12/128 dev lo
net_dns --host-record=mail.example.org,192.0.2.12 --host-record=far.example,192.0.2.20 \
    --host-record=hub.example,192.0.2.13 --host-record=9.113.0.203.bl.example,127.0.0.2 \
    --local=/example.org/ --local=/far.example/ --local=/hub.example/ --local=/bl.example/ \
    --server=/dead.example/192.0.2.54 --local=/arpa/ || fail "dnsmasq starts"
printf '192.0.2.12 mail.example.org mail\n' >>"$T/hosts"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" \
    -days 2 -subj /CN=hub.example -addext subjectAltName=DNS:hub.example >"$T/openssl.log" 2>&1
chmod 644 "$T/cert.pem"
mkdir -p "$T/sink" "$T/mail"
chmod 1777 "$T/mail" "$T/sink"
start_daemon sink python3 "$ROOT/tests/lib/sink.py" "$T/sink" 192.0.2.20:25,name=far 192.0.2.13:25,name=hub \
    "192.0.2.13:587,name=auth,tls=$T/cert.pem:$T/key.pem,auth=me:p w"
wait_for 20 test -f "$T/sink/ready" || fail "the receivers start"
printf '%s\n' 'alice:{PLAIN}x:30001:30001::/' 'box:{PLAIN}x:30002:30002::/' >"$T/users"
chmod 644 "$T/users"
export LETTERBOX_LOG=stderr LETTERBOX_USERS="$T/users" LETTERBOX_MAILBOX="$T/mail/%n"
unset LETTERBOX_QUEUE
python3 "$ROOT/tests/interop/variables.py" "$T" "$ROOT/tests/oracle/cfgen.flips" || tap_failed=1
tap_done=yes
stop_daemon sink
umount -l /etc/hosts /etc/resolv.conf 2>/dev/null
