#!/bin/sh
# Rulesets of H lines and check_eoh against the real program: messages by -bs to both.
# usage: fields.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
dir=$(mktemp -d /var/lib/letterbox-fields-XXXXXX)
trap 'rm -rf "$dir"' EXIT INT TERM
for who in real ours; do
	mkdir -m 700 "$dir/$who"
	sed "s:@Q@:$dir/$who:" "$here/fields/fields.cf" >"$dir/$who.cf"
done
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$dir/hosts"
unshare -m -u -n sh -c 'hostname mx && ip link set lo up 2>/dev/null; mount --bind "$1/hosts" /etc/hosts &&
	python3 "$2/fields/ask.py" "$3" -C "$1/real.cf" >"$1/real.out" &&
	LETTERBOX_QUEUE="$1/ours" python3 "$2/fields/ask.py" "$4" sendmail -C "$1/ours.cf" >"$1/ours.out"' \
	sh "$dir" "$here" "$real" "$bin"
if [ -s "$dir/real.out" ] && diff "$dir/real.out" "$dir/ours.out" >"$dir/diff"; then
	echo "ok 1 - fields are refused, discarded and held as by sendmail ($(wc -l <"$dir/real.out") messages)"
else
	echo "not ok 1 - fields are refused, discarded and held as by sendmail"
	sed 's/^/# /' "$dir/diff"
fi
echo 1..1
