#!/bin/sh
# The build itself: made in another directory from nothing the program is the same, octet for
# octet; a second make does nothing; a header that changed rebuilds what includes it, and that
# alone.
set -eu
root=$(pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/letterbox-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
unset MAKEFLAGS MAKELEVEL MFLAGS

fail() {
    echo "$*" >&2
    exit 1
}

# The same BearSSL as here, without asking a package server for it again.
if [ -f build/out/bearssl/system.a ]; then
    set -- BEARSSL=system
elif [ -d build/out/bearssl/src ]; then
    set -- BEARSSL_SRC="$root/build/out/bearssl/src"
else
    echo "nothing is built here"
    exit 77
fi

# Without machine code in the objects, which test programs alone want, and without notes for
# debuggers, which the file does not have: half of the time.
# shellcheck disable=SC2016
set -- "$@" 'LTO_COMPILE=-flto=1 -frandom-seed=$@' CFLAGS=-g0

clean_build() { # DIR VARIABLE...
    dir=$1
    shift
    mkdir -p "$dir"
    tar -cf - --exclude=./build/out --exclude=./.git . | tar -xf - -C "$dir"
    # Nor for musl's, which is looked for there and compared.
    mkdir -p "$dir/build/out/musl/apt"
    cp build/out/musl/apt/*.tar.* "$dir/build/out/musl/apt/" 2>/dev/null || true
    # Beside the other lints and the tests, of which each takes a share of its own.
    make -C "$dir" -j "$(($(nproc) * 2))" "$@" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log"
        fail "make fails in a copy of the tree"
    }
}

one=$work/one
clean_build "$one" "$@"
# What lies here may have been made with other flags, and then a second clean one decides.
if ! cmp -s build/out/letterbox "$one/build/out/letterbox"; then
    clean_build "$work/a/longer/name" "$@"
    cmp "$one/build/out/letterbox" "$work/a/longer/name/build/out/letterbox" ||
        fail "two clean builds differ"
fi

before=$(stat -c '%Y %i' "$one/build/out/letterbox")
again=$(make -C "$one" --no-print-directory "$@" 2>&1 | grep -v 'Nothing to be done' || true)
[ -z "$again" ] || fail "a second make does something: $again"
[ "$before" = "$(stat -c '%Y %i' "$one/build/out/letterbox")" ] || fail "a second make makes it anew"

cd "$one"
cp build/out/letterbox "$work/first"
# Each source with all that it includes of ours, read from the texts, to compare with what make does.
python3 - >"$work/includes" <<'END'
import glob
import os
import re


def add_included(name, seen):
    with open(name, encoding='utf-8') as f:
        for other in re.findall(r'(?m)^#include "(.+?)"', f.read()):
            for path in ('libmail/' + other, os.path.dirname(name) + '/' + other, other):
                if os.path.exists(path) and path not in seen:
                    seen.add(path)
                    add_included(path, seen)
    return seen


for source in glob.glob('applets/*.c') + glob.glob('libmail/*/*.c'):
    print(source + ':', *sorted(add_included(source, set())))
END
obj=build/out/obj/release
for header in libmail/sys/peer.h libmail/proto/tls_key.h applets/popd.h; do
    [ -f "$header" ] || fail "$header: no such file"
    touch "$header"
    make "$@" $obj/libmail.a $obj/applets.a >"$work/log" 2>&1 || fail "make fails after $header changed"
    sed -n 's/^  cc \([^ ]*\) .*/\1/p' "$work/log" | LC_ALL=C sort >"$work/got"
    sed -n "s|^\([^:]*\):.* $header\( .*\)*\$|\1|p" "$work/includes" | LC_ALL=C sort >"$work/want"
    cmp -s "$work/got" "$work/want" ||
        fail "$header changed; compiled: $(tr '\n' ' ' <"$work/got"); must be: $(tr '\n' ' ' <"$work/want")"
done
# Linked and packed once for all of them: that takes longer than all else here.
touch start/zstd.h
make "$@" >"$work/log" 2>&1 || fail "make fails after start/zstd.h changed"
for step in link pack; do
    grep -q "^  $step " "$work/log" || fail "headers changed, and nothing says \"$step\""
done
! grep -q '^  cc ' "$work/log" || fail "what was compiled already is compiled again"
cmp "$work/first" build/out/letterbox || fail "made anew of the same sources it is another program"
