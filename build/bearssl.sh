#!/bin/sh
# Fetches BearSSL's source package, checks its hash and compiles it for musl
# and for the host's libc.  Usage: bearssl.sh OUTDIR
set -eu
out=$1
sha=102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004
mkdir -p "$out/apt/lists/partial" "$out/apt/cache/archives/partial" "$out/host"
out=$(cd "$out" && pwd)
if [ -z "${BEARSSL_SRC:-}" ]; then
    cat >"$out/apt/src.list" <<L
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
L
    o="-o Dir::Etc::SourceList=$out/apt/src.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$out/apt/lists -o Dir::Cache=$out/apt/cache -o APT::Sandbox::User="
    (cd "$out/apt" && apt-get $o update -qq && apt-get $o source -qq --download-only bearssl)
    tar=$(ls "$out"/apt/bearssl_0.6+dfsg.1.orig.tar.*)
    echo "$sha  $tar" | sha256sum -c - >/dev/null
    rm -rf "$out/src" && mkdir "$out/src" && tar -xf "$tar" -C "$out/src" --strip-components=1
    BEARSSL_SRC=$out/src
fi
rm -rf "$out/inc"
cp -r "$BEARSSL_SRC/inc" "$out/inc"
compile() { # dir cc flags...
    d=$1; shift
    mkdir -p "$d"
    find "$BEARSSL_SRC/src" -name '*.c' | sort | xargs -P "$(nproc)" -I{} sh -c '
        src=$1; d=$2; shift 2
        "$@" -c -o "$d/$(basename "$src" .c).o" "$src"' _ {} "$d" "$@"
    rm -f "$d/libbearssl.a"
    (cd "$d" && ls ./*.o | sort | xargs ar rcsD libbearssl.a && rm -f ./*.o)
}
fl="-w -Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -DBR_USE_GETENTROPY=1 -DBR_USE_URANDOM=0 -I$BEARSSL_SRC/inc -I$BEARSSL_SRC/src"
compile "$out" ${CC:-musl-gcc} $fl -fno-pie
compile "$out/host" gcc $fl -g
touch "$out/stamp"
