# Sourced by the oracle tests: unpacks the real sendmail 8.17 from Debian's packages below
# $out/root (it is not installed).  Wants $here, $top; sets $real, $share, $out, $build, $bin.
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
	# One by one where they are not all to be had.
	(cd "$out/deb" && apt-get download $libs >/dev/null 2>&1) || for lib in $libs; do
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

# Where FOLDER is for COMMAND: in one place for both builds, so that one answer of the real program
# is for both (kept.py).
export HERE=/var/lib/misc

# FILE.mc's configuration, without a note of who made it when, which takes a dozen processes.
cf_make() { # FILE.mc [SHARE]
	m4 -D_NO_MAKEINFO_ -D_CF_DIR_="${2:-$share}" "${2:-$share}/m4/cf.m4" "$1" 2>/dev/null
}

# COMMAND in FOLDER, on a host mx.test.example without a network, whose /etc/hosts is FOLDER/hosts
# if that is there.
on_mx() { # FOLDER COMMAND...
	[ -f "$1/hosts" ] || printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$1/hosts"
	printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$1/resolv"
	unshare -m -u -n sh -c 'hostname mx && ip link set lo up 2>/dev/null
		mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv" /etc/resolv.conf &&
		mount --bind "$1" "$HERE" && cd "$HERE" && shift && exec "$@"' sh "$@"
}

# Below $dir a folder for each program, with a queue, "out", which all may write to, and
# NAME/NAME.cf, in which @DIR@ is that folder as COMMAND has it.
both_setup() { # NAME
	dir=$(mktemp -d "/var/lib/letterbox-$1-XXXXXX")
	chmod 755 "$dir"
	trap 'rm -rf "$dir"' EXIT INT TERM
	for who in real ours; do
		mkdir "$dir/$who" "$dir/$who/out"
		mkdir -m 700 "$dir/$who/queue"
		chmod 777 "$dir/$who/out"
		sed "s:@DIR@:$HERE/$who:g" "$here/$1/$1.cf" >"$dir/$who/$1.cf"
	done
}

# Runs COMMAND FOLDER PROGRAM... for each, by on_mx, the real one once for both builds: $dir/real.out,
# $dir/ours.out.
both_run() { # COMMAND...
	on_mx "$dir" python3 "$here/kept.py" "$@" "$HERE/real" "$real" >"$dir/real.out" </dev/null
	LETTERBOX_QUEUE="$HERE/ours/queue" on_mx "$dir" "$@" "$HERE/ours" "$bin" sendmail >"$dir/ours.out"
}
