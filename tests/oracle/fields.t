#!/bin/sh
# Rulesets of H lines and check_eoh against the real program: messages by -bs to both.
# usage: fields.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
both_setup fields
both_run python3 "$here/fields/ask.py"
if [ -s "$dir/real.out" ] && diff "$dir/real.out" "$dir/ours.out" >"$dir/diff"; then
	echo "ok 1 - fields are refused, discarded and held as by sendmail ($(wc -l <"$dir/real.out") messages)"
else
	echo "not ok 1 - fields are refused, discarded and held as by sendmail"
	sed 's/^/# /' "$dir/diff"
fi
echo 1..1
