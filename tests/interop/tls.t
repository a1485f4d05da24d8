#!/bin/sh
# openssl against our TLS itself, both ways: suites, curves, kinds of key, and refusals with
# their words on both sides.  What the daemons do with it is openssl.t's business.
. "${0%/*}/../lib/tap.sh"
need openssl
PEER=$OBJ/tests/interop/tls_peer
[ -x "$PEER" ] || skip_all "tls_peer is not built"
cd "$T" || exit 2

certify() { # NAME ISSUER EXTENSIONS: from NAME.key
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" &&
        printf '%b' "$3" >ext &&
        openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial 0x$$ -days 9 \
            -extfile ext -out "$1.pem"
} 2>>"$T/make.log"
{
    openssl ecparam -name secp384r1 -genkey -noout -out root.key
    openssl req -x509 -new -key root.key -days 9 -subj '/CN=root' -out root.pem
    openssl genrsa -out rsa.key 2048
    openssl ecparam -name prime256v1 -genkey -noout -out p256.key
    openssl ecparam -name secp384r1 -genkey -noout -out p384.key
} 2>>make.log
for name in rsa p256 p384; do
    certify $name root 'subjectAltName=DNS:mail.example.org\n'
done

server() { # CERT OPTION...: our server, openssl's client; $T/in and $T/err are what they say
    cert=$1 port=$(free_port)
    shift
    timeout 20 "$PEER" server "$port" "$cert.pem" "$cert.key" 2>err &
    server=$!
    wait_for 10 listening "$port"
    echo hello |
        timeout 10 openssl s_client -connect "127.0.0.1:$port" -CAfile root.pem -quiet \
            -verify_return_error -verify_hostname mail.example.org "$@" >in 2>client
    wait $server
}

for suite in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305; do
    server p256 -cipher "ECDHE-ECDSA-$suite"
    is "$(cat in)" hello "server, P-256: $suite"
    like "$(cat err)" "cipher ECDHE-ECDSA-$suite" "and says so"
    server rsa -cipher "ECDHE-RSA-$suite"
    is "$(cat in)" hello "server, RSA: $suite"
done
for curve in X25519 P-256 P-384; do
    server rsa -curves $curve
    is "$(cat in)" hello "server: key exchange on $curve"
done
server p384
is "$(cat in)" hello "server: P-384 certificate"
server rsa -maxfraglen 512
is "$(cat in)" hello "server: records of 512 octets"
server rsa -tls1_3
like "$(cat client)" 'alert handshake failure' "server: TLS 1.3 alone is refused"
like "$(cat err)" 'failed no version, cipher suite' "and says so"
server rsa -tls1_1 -cipher 'ALL:@SECLEVEL=0'
like "$(cat client)" 'alert protocol version' "server: TLS 1.1 is refused"
server rsa -cipher AES128-GCM-SHA256
like "$(cat client)" 'alert handshake failure' "server: no suites without ECDHE"

client() { # CERT NAME BUNDLE OPTION...: openssl's server, our client
    cert=$1 name=$2 bundle=$3 port=$(free_port)
    shift 3
    timeout 5 openssl s_server -accept "127.0.0.1:$port" -cert "$cert.pem" -key "$cert.key" \
        -rev -quiet -naccept 1 "$@" >server 2>&1 &
    server=$!
    wait_for 10 listening "$port"
    echo abc | timeout 10 "$PEER" client "$port" "$name" "$bundle" >in 2>err
    wait $server
}

for suite in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305; do
    client p256 mail.example.org root.pem -cipher "ECDHE-ECDSA-$suite"
    is "$(cat in)" cba "client, P-256: $suite"
    like "$(cat err)" 'peer verified' "and verifies"
    client rsa mail.example.org root.pem -cipher "ECDHE-RSA-$suite"
    is "$(cat in)" cba "client, RSA: $suite"
done
for curve in X25519 P-256 P-384; do
    client p256 mail.example.org root.pem -curves $curve
    is "$(cat in)" cba "client: key exchange on $curve"
done
client p384 mail.example.org root.pem
is "$(cat in)" cba "client: P-384 certificate"
client rsa mail.example.org root.pem -verify 1
is "$(cat in)" cba "client: asked for a certificate, has none"
client p256 other.example.org -
like "$(cat err)" 'peer unchecked' "client: checks nothing when told so"
client p256 other.example.org root.pem
like "$(cat err)" 'failed certificate is for another name' "client: wrong name"
like "$(cat server)" 'alert bad certificate' "and the server is told"
client root mail.example.org p256.pem
like "$(cat err)" 'failed certificate' "client: unknown self-signed certificate"
client rsa mail.example.org root.pem -tls1_3
like "$(cat err)" 'TLS 1.3 only' "client: a server of TLS 1.3 alone"
client rsa mail.example.org root.pem -cipher AES128-GCM-SHA256
like "$(cat err)" 'no common version or cipher' "client: a server without ECDHE"
