#!/bin/sh
# Address test mode with Debian's stock sendmail.cf, ours beside the real program, whole processes
# in turns: bt.sh [ROUNDS [ADDRESSES]].  Prints a line for each figure: name, ours, the real
# program's, ratio.  Speed is user and system time of "3,0 ADDRESS" lines, start-up the user time
# of a run without input.  Needs what tests/oracle/bt.t needs.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/oracle/real.sh"
rounds=${1:-3}
count=${2:-3000}
# Not below a folder that all may write to, where sendmail reads no tables.
work=$(mktemp -d /var/lib/letterbox-bt.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
# The package's sendmail.mc names its folder by an absolute path.
sed "s:/usr/share/sendmail/cf/:$share:g" "$share/debian/sendmail.mc" >"$work/stock.mc"
(cd "$work" && m4 -D_CF_DIR_="$share" -Dsm_version "$share/m4/cf.m4" stock.mc 2>/dev/null |
	sed "s:/etc/mail/:$work/mail/:g; s:^O TrustedUser.*:O TrustedUser=root:" >stock.cf)
mkdir "$work/mail" && echo local.example >"$work/mail/local-host-names"
: >"$work/mail/trusted-users"
grep -q '^Mesmtp' "$work/stock.cf" || skip "m4 makes no sendmail.cf of Debian's sendmail.mc"
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$work/hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$work/resolv"
# Names that nobody has to be asked for: what is measured is rewriting.
awk -v n="$count" 'BEGIN {
	for (i = 0; i < n; i++)
		printf "3,0 %s\n", i % 4 == 0 ? "user" i "@localhost" : i % 4 == 1 ? "user" i : \
			i % 4 == 2 ? "a" i "%b@mx.test.example" : "\"q u" i "\"@[192.0.2." i % 200 "]"
}' >"$work/input"
: >"$work/empty"
unshare -m -u -n sh -c '
	hostname mx && ip link set lo up 2>/dev/null
	mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv" /etc/resolv.conf &&
	exec python3 "$2" "$1" - "$3" "$4" "$5" "$6"' sh "$work" "$top/tests/bench/bt.py" "$real" "$bin" "$rounds" "$count"
