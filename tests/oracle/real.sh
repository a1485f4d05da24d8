# Sourced by the oracle tests: unpacks the real sendmail 8.17 from Debian's packages below
# $out/root (it is not installed).  Wants $top; sets $real, $share, $out, $build, $bin.
out=$top/build/out/oracle
build=${LETTERBOX_BUILD:-release}
bin=${LETTERBOX_BIN:-$top/build/out/letterbox}

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
	# Again, if another one that uses apt was in the way.
	(cd "$out/deb" && { apt-get download sendmail-bin sendmail-cf ||
		apt-get download sendmail-bin sendmail-cf; } >/dev/null 2>&1) ||
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
share=$out/root/usr/share/sendmail/cf/
