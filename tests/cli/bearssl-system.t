#!/bin/sh
# BEARSSL=system: linked with the archive of libbearssl-dev, which was made for another libc, the
# program does TLS all the same.  The objects are those of this build; what links them is new.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need make python3 openssl
set -- /usr/lib/*/libbearssl.a /usr/lib/libbearssl.a
[ -f "$1" ] || [ -f "${2:-}" ] || skip_all "no libbearssl-dev on this machine"
cd "$ROOT" || exit 1
unset MAKEFLAGS MAKELEVEL MFLAGS

ok "the archive is found" env BEARSSL=system sh build/bearssl.sh get "$T/bearssl"
ok "and it is the system's" test -f "$T/bearssl/system.a"
compiler=$(cut -d' ' -f1 "$OBJ/flags")
ok "it is made fit for this libc" env CC="$compiler" FLAGS=-g \
    sh build/bearssl.sh lib "$T/bearssl" "$BUILD"
# Without the other tests' programs, which are most of it.
mkdir -p "$T/obj/tests/unit"
for part in "$OBJ"/*; do
    [ "$part" = "$OBJ/tests" ] || cp -a "$part" "$T/obj/"
done
tests="tls tls_key tlskeys tlsroots cert signer secret"
set -- "$T/obj/letterbox"
for name in $tests; do
    set -- "$@" "$T/obj/tests/unit/${name}_test"
done
# Only what depends on the archive is older than what it is made of.
ok "the program and its tests are linked with it" make VARIANT="$BUILD" OBJ="$T/obj" LTO=0 PACK=0 \
    BEARSSL_LIB="$T/bearssl/$BUILD/libbearssl.a" "$@"
is "$(grep '^  cc ' "$T/out" | grep -v tests/)" "" "nothing of the program is compiled for that"
for name in $tests; do
    ok "unit/$name" "$T/obj/tests/unit/${name}_test"
done

rm -rf "$T/obj/tests" "$T/obj/applets" "$T/obj/libmail"
for link in "$T"/bin/*; do
    ln -sf "$T/obj/letterbox" "$link"
done
server_setup maildir
server_start || fail "the server starts"
ok "STARTTLS: messages are sent" load send --port "$SMTP" --tls --acked "$T/acked" --clients 2 \
    --count 4
ok "the queue drains" wait_for 20 queue_empty
ok "POP3 over TLS: they come back as they were" load fetch --port "$POPS" --tls --acked "$T/acked"
ok "STLS" python3 - "$POP" <<'END'
import poplib
import ssl
import sys

p = poplib.POP3('127.0.0.1', int(sys.argv[1]))
p.stls(ssl._create_unverified_context())
p.user('u1')
p.pass_('pw-u1')
assert p.stat()[0] > 0
p.quit()
END
server_stop
