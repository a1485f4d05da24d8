#!/bin/sh
# sendmail -bt beside the real program: its commands and what it says of bad ones, octets that
# are no text, where long addresses are cut, statuses, and messages about wrong options, lines
# and rules of a configuration.      needs root (for a namespace of its own), apt-get, m4, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

. "$here/real.sh"

T=$(mktemp -d /var/lib/letterbox-said-XXXXXX)
chmod 755 "$T"
umask 022
trap 'rm -rf "$T"' EXIT INT TERM
sed "s:@TBL@:$HERE:g" "$here/tables/words" >"$T/words"
for f in "$here"/said/*.cf "$here/mc/plain.mc"; do
	sed "s:@TBL@:$HERE:g" "$f" >"$T/${f##*/}"
done
cf_make "$T/plain.mc" >"$T/plain.cf"
on_mx "$T" python3 "$here/said.py" "$real" "$bin" "$here/said"
