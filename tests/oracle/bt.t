#!/bin/sh
# sendmail -bt against the real program: unpacks sendmail 8.17 from Debian's packages (it is not
# installed), makes cf files from mc/ by m4, and compares the answers of both to the same input.
# usage: bt.t [PAIRS-PER-FILE [SEED]]      needs root (for a namespace of its own), apt-get, m4, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/out/oracle
build=${LETTERBOX_BUILD:-release}
bin=${LETTERBOX_BIN:-$top/build/out/letterbox}
pairs=${1:-300}
seed=${2:-1}

skip() {
	echo "1..0 # SKIP oracle: $*"
	exit 0
}

[ "$(id -u)" = 0 ] || skip "not root"
for tool in apt-get dpkg m4 python3 unshare flock; do
	command -v $tool >/dev/null || skip "no $tool"
done
unshare -m -u -n true 2>/dev/null || skip "no namespaces"
[ -x "$bin" ] || skip "no $bin"

# Both builds' tests may run at once: one unpacks, and each has its own cf files and tables.
mkdir -p "$out/deb" "$out/root" "$out/$build"
exec 9>"$out/lock"
flock 9
if [ ! -x "$out/root/usr/libexec/sendmail/sendmail" ]; then
	libs="liblockfile1 libsasl2-2 libdb5.3 libldap-2.5-0 libssl3 libwrap0 libnsl2 libtirpc3"
	(cd "$out/deb" && apt-get download sendmail-bin sendmail-cf >/dev/null 2>&1) ||
		skip "cannot download sendmail-bin, sendmail-cf"
	for lib in $libs; do
		(cd "$out/deb" && apt-get download $lib >/dev/null 2>&1)
	done
	for deb in "$out"/deb/*.deb; do
		dpkg -x "$deb" "$out/root"
	done
	# A set-group-id program takes no libraries from a folder that is named to it.
	chmod a-s "$out/root/usr/libexec/sendmail/sendmail"
fi
exec 9>&-
real=$out/root/usr/libexec/sendmail/sendmail
LD_LIBRARY_PATH=$(dirname "$(find "$out/root" -name 'libsasl2.so*' | head -1)" 2>/dev/null)
export LD_LIBRARY_PATH
ldd "$real" 2>/dev/null | grep -q 'not found' && skip "libraries of sendmail-bin are missing"

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
tbl=/var/lib/letterbox-oracle-$build
rm -rf "$tbl"
umask 022
mkdir -p "$tbl"
trap 'rm -rf "$tbl"' EXIT INT TERM
for f in "$here"/tables/*; do
	sed "s:@TBL@:$tbl:g" "$f" >"$tbl/${f##*/}"
done
share=$out/root/usr/share/sendmail/cf/
for f in "$here"/mc/*.mc; do
	n=$(basename "$f" .mc)
	sed "s:@TBL@:$tbl:g" "$f" >"$out/$build/$n.mc"
	(cd "$out/$build" && m4 -D_CF_DIR_="$share" "$share/m4/cf.m4" "$n.mc" >"$n.cf" 2>/dev/null)
done
for f in "$here"/rawcf/*.cf; do
	sed "s:@TBL@:$tbl:g" "$f" >"$out/$build/${f##*/}"
done

printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n192.0.2.9 long.test.example\n' >"$out/$build.hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$out/$build.resolv"
cd "$out/$build" || exit 1
unshare -m -u -n sh -c '
	hostname mx && ip link set lo up 2>/dev/null
	mount --bind "$1.hosts" /etc/hosts && mount --bind "$1.resolv" /etc/resolv.conf &&
	exec python3 "$2/compare.py" "$3" "$4" "$5" "$6"' sh "$out/$build" "$here" "$real" "$bin" "$pairs" "$seed"
