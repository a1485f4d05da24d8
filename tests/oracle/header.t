#!/bin/sh
# Whole headers against the real sendmail: it takes messages by SMTP and hands each to mailers that
# write down what they get; ours makes the same headers from the same cf file.
# usage: header.t [MESSAGES [SEED]]     needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
peer=$top/build/out/obj/$build/tests/oracle/header_peer
[ -x "$peer" ] || skip "header_peer is not built"

tbl=/var/lib/letterbox-header-$build
rm -rf "$tbl"
umask 022
mkdir -p "$tbl/queue" "$tbl/out" && chmod 700 "$tbl/queue" && chmod 777 "$tbl/out"
trap 'rm -rf "$tbl"' EXIT INT TERM
cp "$here/tables/headergenerics" "$tbl/"
printf 'hosts files\naliases files\n' >"$tbl/switch"
: >"$tbl/aliases"
cat >"$tbl/capture" <<EOF
#!/bin/sh
{ echo "@mailer \$1"; echo "@sender \$2"; cat; echo; echo "@end"; } >"$tbl/out/\$1.\$\$"
EOF
chmod 755 "$tbl/capture"
sed "s:@TBL@:$tbl:g" "$here/header.mc" >"$tbl/header.mc"
(cd "$tbl" && m4 -D_CF_DIR_="$share" "$share/m4/cf.m4" header.mc >header.cf 2>/dev/null)
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$tbl/hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$tbl/resolv"
unshare -m -u -n sh -c '
	hostname mx && ip link set lo up 2>/dev/null
	mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/resolv" /etc/resolv.conf &&
	exec python3 "$2/headers.py" "$3" "$4" "$1" "$5" "$6"' sh \
	"$tbl" "$here" "$real" "$peer" "${1:-40}" "${2:-1}"
