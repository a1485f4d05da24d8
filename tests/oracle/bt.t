#!/bin/sh
# sendmail -bt against the real program: unpacks sendmail 8.17 from Debian's packages (it is not
# installed), makes cf files from mc/ by m4, and compares the answers of both to the same input.
# usage: bt.t [PAIRS-PER-FILE [SEED]]      needs root (for a namespace of its own), apt-get, m4, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
pairs=${1:-300}
seed=${2:-1}

. "$here/real.sh"

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
tbl=/var/lib/letterbox-oracle-$build
rm -rf "$tbl"
umask 022
mkdir -p "$tbl"
trap 'rm -rf "$tbl"' EXIT INT TERM
for f in "$here"/tables/*; do
	sed "s:@TBL@:$tbl:g" "$f" >"$tbl/${f##*/}"
done
for f in "$here"/mc/*.mc; do
	n=$(basename "$f" .mc)
	sed "s:@TBL@:$tbl:g" "$f" >"$out/$build/$n.mc"
	(cd "$out/$build" && m4 -D_CF_DIR_="$share" "$share/m4/cf.m4" "$n.mc" >"$n.cf" 2>/dev/null)
done
for f in "$here"/rawcf/*.cf; do
	sed "s:@TBL@:$tbl:g" "$f" >"$out/$build/${f##*/}"
done
# Debian's own for submission, which wants the folder of its m4 files named everywhere.
rm -rf "$out/$build.share"
cp -r "$share" "$out/$build.share"
grep -rl /usr/share/sendmail/cf "$out/$build.share" | xargs sed -i "s:/usr/share/sendmail/cf:$out/$build.share:g"
sed '/^include(.*cf.m4/d
	s:/etc/mail/m4/[a-z]*.m4:/dev/null:' "$out/$build.share/debian/submit.mc" >"$out/$build/submit.mc"
(cd "$out/$build" && m4 -D_CF_DIR_="$out/$build.share/" "$out/$build.share/m4/cf.m4" submit.mc >submit.cf 2>/dev/null)
for n in 1 2 3; do
	python3 "$here/rules.py" "$seed.$n" | sed "s:@TBL@:$tbl:g" >"$out/$build/rules$n.cf"
done

printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n192.0.2.9 long.test.example\n' >"$out/$build/hosts"
cd "$out/$build" || exit 1
on_mx "$out/$build" python3 "$here/compare.py" "$real" "$bin" "$pairs" "$seed"
