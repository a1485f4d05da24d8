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

tbl=$(mktemp -d /var/lib/letterbox-header-XXXXXX)
chmod 755 "$tbl"
umask 022
mkdir -p "$tbl/queue" "$tbl/out" && chmod 700 "$tbl/queue" && chmod 777 "$tbl/out"
trap 'rm -rf "$tbl"' EXIT INT TERM
cp "$here/tables/headergenerics" "$tbl/"
printf 'hosts files\naliases files\n' >"$tbl/switch"
: >"$tbl/aliases"
cat >"$tbl/capture" <<EOF
#!/bin/sh
{ echo "@mailer \$1"; echo "@sender \$2"; cat; echo; echo "@end"; } >"$HERE/out/\$1.\$\$"
EOF
chmod 755 "$tbl/capture"
sed "s:@TBL@:$HERE:g" "$here/header.mc" >"$tbl/header.mc"
cf_make "$tbl/header.mc" >"$tbl/header.cf"
on_mx "$tbl" python3 "$here/headers.py" "$real" "$peer" "$HERE" "${1:-40}" "${2:-1}"
