#!/bin/sh
# sendmail -bt beside the real program: its commands and what it says of bad ones, octets that
# are no text, where long addresses are cut, statuses, and messages about wrong options, lines
# and rules of a configuration.      needs root (for a namespace of its own), apt-get, m4, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

. "$here/real.sh"

T=$out/$build.said
tbl=/var/lib/letterbox-said-$build
rm -rf "$T" "$tbl"
umask 022
mkdir -p "$T" "$tbl"
trap 'rm -rf "$tbl"' EXIT INT TERM
sed "s:@TBL@:$tbl:g" "$here/tables/words" >"$tbl/words"
for f in "$here"/said/*.cf "$here/mc/plain.mc"; do
	sed "s:@TBL@:$tbl:g" "$f" >"$T/${f##*/}"
done
cd "$T" || exit 1
m4 -D_CF_DIR_="$share" "$share/m4/cf.m4" plain.mc >plain.cf 2>/dev/null
on_mx "$T" python3 "$here/said.py" "$real" "$bin" "$here/said"
