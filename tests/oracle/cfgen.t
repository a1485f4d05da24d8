#!/bin/sh
# cfgen's variables: what each of them changes, and that the real sendmail 8.17 understands every
# configuration as ours does.  needs root (for a namespace of its own), apt-get, python3
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"

# One build is enough for the comparison; the other has the variables.
[ "$build" = release ] || real=-

# Tables must not lie below a folder that all may write to, or sendmail refuses them.
tbl=/var/lib/letterbox-cfgen-$build.$$
trap 'rm -rf "$tbl"' EXIT INT TERM
umask 022
mkdir -p "$tbl/work"
cp -R "$here"/cfgen.tables/* "$tbl"
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$tbl/work/hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$tbl/work/resolv"
cd "$tbl/work" || exit 1
# Not exec: the trap has to see the end.
unshare -m -u -n sh -c '
	hostname mx && ip link set lo up 2>/dev/null
	mount --bind hosts /etc/hosts && mount --bind resolv /etc/resolv.conf &&
	exec python3 "$1/cfgen.py" "$2" "$3" "$4"' sh "$here" "$real" "$bin" "$tbl"
