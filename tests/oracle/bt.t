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
tbl=$(mktemp -d /var/lib/letterbox-oracle-XXXXXX)
chmod 755 "$tbl"
umask 022
trap 'rm -rf "$tbl"' EXIT INT TERM
for f in "$here"/tables/*; do
	sed "s:@TBL@:$HERE:g" "$f" >"$tbl/${f##*/}"
done
for f in "$here"/mc/*.mc; do
	n=${f##*/}
	sed "s:@TBL@:$HERE:g" "$f" >"$tbl/$n"
	cf_make "$tbl/$n" >"$tbl/${n%.mc}.cf"
done
for f in "$here"/rawcf/*.cf; do
	sed "s:@TBL@:$HERE:g" "$f" >"$tbl/${f##*/}"
done
# Debian's own for submission, which wants the folder of its m4 files named everywhere.
cp -r "$share" "$tbl/share"
grep -rl /usr/share/sendmail/cf "$tbl/share" | xargs sed -i "s:/usr/share/sendmail/cf:$tbl/share:g"
sed '/^include(.*cf.m4/d
	s:/etc/mail/m4/[a-z]*.m4:/dev/null:' "$tbl/share/debian/submit.mc" >"$tbl/submit.mc"
cf_make "$tbl/submit.mc" "$tbl/share/" >"$tbl/submit.cf"
rm -r "$tbl/share"
for n in 1 2 3; do
	python3 "$here/rules.py" "$seed.$n" | sed "s:@TBL@:$HERE:g" >"$tbl/rules$n.cf"
done

printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n192.0.2.9 long.test.example\n' >"$tbl/hosts"
on_mx "$tbl" python3 "$here/compare.py" "$real" "$bin" "$pairs" "$seed"
