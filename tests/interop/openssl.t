#!/bin/sh
# openssl s_client: STARTTLS on SMTP and STLS on POP3, POP3S; old protocols and injected
# plaintext are refused.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need openssl
server_setup maildir
server_start || fail "the server starts"

client() { # OPTION...: sends standard input when the handshake is over
    timeout 20 openssl s_client -connect "$@" 2>&1
}
out=$(printf 'QUIT\n' | client "127.0.0.1:$SMTP" -starttls smtp -crlf -ign_eof)
like "$out" 'Protocol *: TLSv1\.2|New, TLSv1\.2' "-starttls smtp: TLS 1.2"
like "$out" 'ECDHE-[A-Z]*-(AES|CHACHA)' "an ECDHE AEAD suite"
like "$out" '^221 2\.0\.0' "QUIT is answered inside"
out=$(printf 'QUIT\n' | client "127.0.0.1:$POP" -starttls pop3 -crlf -ign_eof)
like "$out" 'New, TLSv1\.2' "-starttls pop3: TLS 1.2"
like "$out" '^\+OK' "QUIT is answered inside"
out=$(printf 'QUIT\n' | client "127.0.0.1:$POPS" -crlf -ign_eof)
like "$out" '^\+OK' "POP3S greets"
out=$(client "127.0.0.1:$POPS" -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null)
unlike "$out" 'New, TLSv1\.1, Cipher is ECDHE' "TLS 1.1 is refused"
out=$(client "127.0.0.1:$POPS" -tls1_2 -cipher 'AES128-SHA:AES256-SHA:@SECLEVEL=0' </dev/null)
like "$out" 'Cipher is \(NONE\)|handshake failure|alert' "suites without ECDHE are refused"
is "$(client "127.0.0.1:$SMTP" -starttls smtp </dev/null |
    openssl x509 -noout -subject 2>/dev/null | grep -c 'mx.example.test')" 1 \
    "the certificate that it made names us"

# A command in the same segment behind STARTTLS must not be carried into the session.
out=$(
    exec 2>&1
    python3 - "$SMTP" <<'P'
import socket
import sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=10)
f = s.makefile('rb')
f.readline()
s.sendall(b'EHLO client.test\r\n')
while f.readline()[3:4] == b'-':
    pass
s.sendall(b'STARTTLS\r\nMAIL FROM:<injected@elsewhere.test>\r\n')
print(f.readline().decode().strip())
P
) || true
if command -v python3 >/dev/null; then
    unlike "$out" '^220' "plaintext behind STARTTLS is a protocol error"
else
    skip 1 "no python3"
fi
server_stop
