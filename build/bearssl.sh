#!/bin/sh
# BearSSL for the build.
#
#   bearssl.sh get DIR            puts headers into DIR/inc and sources into DIR/src
#                                 (or, for the archive of libbearssl-dev, DIR/system.a)
#   bearssl.sh lib DIR VARIANT    makes DIR/VARIANT/libbearssl.a with $CC and $FLAGS
#
# $BEARSSL is "source" or "system", $BEARSSL_SRC an unpacked tree to take instead.
set -eu
. "$(dirname "$0")/source.sh"

version=0.6+dfsg.1
sha256=102a625bd8f6155260867a50c508df8d8c3f796985dd744df1a68e5cd1a79004

say() {
    echo "bearssl: $*" >&2
}

fetch() {
    source_fetch "$out" bearssl "bearssl_$version.orig.tar.xz" "$sha256"
}

take_source() { # DIR
    rm -rf "$out/inc" "$out/system.a"
    cp -R "$1/inc" "$out/inc"
    [ "$1" = "$out/src" ] || { rm -rf "$out/src" && ln -s "$1" "$out/src"; }
}

unpack() {
    rm -rf "$out/src"
    mkdir "$out/src"
    tar -xf "$out/apt/bearssl_$version.orig.tar.xz" -C "$out/src" --strip-components=1
}

# libbearssl-dev: as installed, else installed (root), else unpacked aside.
take_system() {
    root=
    set -- /usr/lib/*/libbearssl.a /usr/lib/libbearssl.a
    if [ ! -f "$1" ] && command -v apt-get >/dev/null; then
        if [ "$(id -u)" = 0 ]; then
            apt-get install -y --no-install-recommends libbearssl-dev >/dev/null || true
        else
            root=$out/dev
            mkdir -p "$root"
            (cd "$root" && apt-get download libbearssl-dev && dpkg -x libbearssl-dev_*.deb .) \
                >/dev/null 2>&1 || true
        fi
    fi
    set -- "$root"/usr/lib/*/libbearssl.a "$root"/usr/lib/libbearssl.a
    for archive; do
        [ -f "$archive" ] || continue
        rm -rf "$out/inc" "$out/src"
        mkdir -p "$out/inc"
        headers=$root/usr/include
        [ ! -d "$headers/bearssl" ] || headers=$headers/bearssl
        cp "$headers"/bearssl*.h "$out/inc/"
        cp "$archive" "$out/system.a"
        return 0
    done
    say "no libbearssl.a either; run: apt-get install libbearssl-dev"
    return 1
}

get() {
    case ${BEARSSL:-source} in
    source)
        if [ -n "${BEARSSL_SRC:-}" ]; then
            take_source "$(cd "$BEARSSL_SRC" && pwd)"
        elif fetch; then
            unpack
            take_source "$out/src"
        else
            say "the source package cannot be had (see $out/apt/log); linking libbearssl-dev"
            take_system
        fi
        ;;
    system) take_system ;;
    *)
        say "BEARSSL is source or system, not $BEARSSL"
        exit 2
        ;;
    esac
    touch "$out/stamp"
}

files() { # DIR: what is compiled of the sources below it
    grep -v '^#' build/bearssl.files | sed "s|^|$1/|"
}

# All that its members ask each other for; other versions may be divided otherwise.
is_whole() { # ARCHIVE
    "${NM:-nm}" "$1" 2>/dev/null | awk '
        $1 == "U" && $2 ~ /^br_/ { wanted[$2] }
        NF == 3 { has[$3] }
        END { for (name in wanted) if (!(name in has)) exit 1 }'
}

archive() { # SOURCES on standard input: one batch of files a core
    rm -f "$dir"/*.o "$dir/libbearssl.a"
    (cd "$dir" && xargs -P "$(nproc)" -n 20 "$@") &&
        (cd "$dir" && LC_ALL=C ls | grep '\.o$' | xargs "${AR:-ar}" rcsD libbearssl.a)
}

compile() { # DIR
    src=$(cd "$out/src" && pwd -P)
    set -- ${CC:-cc} -w -Oz -ffunction-sections -fdata-sections -DBR_USE_GETENTROPY=1 \
        -DBR_USE_URANDOM=0 -ffile-prefix-map="$src=bearssl" -I"$src/inc" -I"$src/src" $FLAGS -c
    # shellcheck disable=SC2046
    if ls $(files "$src/src") >/dev/null 2>&1; then
        files "$src/src" | archive "$@"
        is_whole "$dir/libbearssl.a" && return 0
    fi
    say "not the version that bearssl.files is for: compiling all of it"
    find "$src/src" -name '*.c' | LC_ALL=C sort | archive "$@"
}

# The archive was built for glibc with fortify; musl has no such entry points.
adopt() {
    cp "$out/system.a" "$dir/libbearssl.a"
    [ "$variant" = release ] || return 0
    ${CC:-cc} -Os $FLAGS -c -o "$dir/fortify.o" build/fortify.c
    "${AR:-ar}" rsD "$dir/libbearssl.a" "$dir/fortify.o"
}

lib() {
    dir=$out/$variant
    mkdir -p "$dir"
    rm -f "$dir"/*.o "$dir/libbearssl.a"
    if [ -f "$out/system.a" ]; then
        adopt
    else
        echo "bearssl: compiling for $variant with ${CC:-cc}"
        compile
    fi
    rm -f "$dir"/*.o
}

mkdir -p "$2"
out=$(cd "$2" && pwd)
variant=${3:-}
case $1 in
get) get ;;
lib) lib ;;
esac
