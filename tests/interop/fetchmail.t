#!/bin/sh
# fetchmail takes mail from POP3 and hands it to our sendmail as its delivery agent.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need fetchmail python3
server_setup maildir
server_start || fail "the server starts"
ok "messages are sent" load send --port "$SMTP" --acked "$T/acked" --clients 4 --count 4
ok "they arrive" wait_for 10 has_mail u1 4

cat >"$T/fetchmailrc" <<C
poll 127.0.0.1 protocol pop3 port $POP uidl
    user u1 password pw-u1 is u2 here
    sslproto '' mda "$T/bin/sendmail -i -f %F u2@example.test" keep
C
chmod 600 "$T/fetchmailrc"
before=$(count_mail u2)
fetch() {
    HOME=$T/home FETCHMAILHOME=$T fetchmail -f "$T/fetchmailrc" --pidfile "$T/fetchmail.lock" \
        -i "$T/fetchids" --nosyslog "$@"
}
[ "$(id -u)" = 0 ] || chmod 700 "$T/home"
ok "plain" fetch
ok "all four went through sendmail" wait_for 20 has_mail u2 $((before + 4))
exits 1 "a second time there is nothing new" fetch
cat >"$T/fetchmailrc" <<C
poll 127.0.0.1 protocol pop3 port $POPS
    user u1 password pw-u1 is u2 here
    ssl sslproto 'TLS1.2' no sslcertck mda "cat >/dev/null" fetchall
C
ok "TLS, fetchall" fetch
is "$(count_mail u1)" 0 "and deletes"
server_stop
