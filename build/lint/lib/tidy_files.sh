#!/bin/sh
# tidy_files.sh NODES FILE...: clang-tidy finds nothing in these files, when its analyzer goes
# NODES far into each function; $TIDY_JOBS (2) processes at once.
#
# A process needs a tenth of a second before it looks at anything, so it gets many files.  Those
# with a va_list get one each: what the checks for it know from one file is wrong in the next
# (clang-tidy 14 to 16).
set -u
out=build/out
base="-std=c11 -D_GNU_SOURCE -Xclang -analyzer-config -Xclang max-nodes=$1"
shift
mail="$base -Ilibmail -I$out/bearssl/inc"
start="$base -I. -ffreestanding -DLETTERBOX_IMAGE_PACKED=\"\"
    -DLETTERBOX_IMAGE_DESCRIPTION=\"$out/obj/release/start/image.inc\""

# With the flags $flags, N files for each process; what it says beside findings is kept for a failure.
look() { # N FILE...
    n=$1
    shift
    [ $# = 0 ] || printf '%s\n' "$@" | flags=$flags xargs -P "${TIDY_JOBS:-2}" -n "$n" sh -c '
        said=$(mktemp) || exit
        # shellcheck disable=SC2086 # words
        clang-tidy --quiet "$@" -- $flags 2>"$said" || { cat "$said" && false; }
        status=$?
        rm -f "$said"
        exit $status' sh
}

status=0
together='' alone='' starter=''
for file; do
    case $file in
    # The one file that defines what tidy.h wraps.
    libmail/base/err.c) flags=$mail && look 1 "$file" || status=1 ;;
    start/*) starter="$starter $file" ;;
    *)
        if grep -qw va_list "$file"; then
            alone="$alone $file"
        else
            together="$together $file"
        fi
        ;;
    esac
done
# shellcheck disable=SC2086
{
    flags=$start && look 1 $starter || status=1
    flags="$mail -include build/lint/lib/tidy.h"
    look 1 $alone || status=1
    look 16 $together || status=1
}
exit $status
