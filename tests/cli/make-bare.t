#!/bin/sh
# What make decides where the compiler is still to be installed is what it decides afterwards.
. "${0%/*}/../lib/tap.sh"
[ "$BUILD" = release ] || skip_all "there is one build of what ships"
need make

decided() { # CC
    printf 'include Makefile\nshow: ; @echo "$(PACK) $(SMALL)"\n' >"$T/show.mk"
    make -s -C "$ROOT" -f "$T/show.mk" CC="$1" TOOLS=/dev/null show 2>&1 | tail -n 1
}

like "$(decided "$T/nosuch-gcc")" '^[01] -Oz ' 'flags without a compiler'
is "$(decided "$T/nosuch-gcc")" "$(decided cc)" 'the same as with one'
