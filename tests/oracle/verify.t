#!/bin/sh
# sendmail -bv and -bi against the real program: the same addresses, aliases and mistakes, and equal
# output and exit status.                                              needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"

tbl=$(mktemp -d /var/lib/letterbox-verify-XXXXXX)
chmod 755 "$tbl"
umask 022
mkdir -p "$tbl/queue" && chmod 700 "$tbl/queue"
trap 'rm -rf "$tbl"' EXIT INT TERM
for f in aliases mistakes virtuser inc forward verify.mc; do
	sed "s:@TBL@:$HERE:g" "$here/verify/$f" >"$tbl/$f"
done
printf 'hosts files\naliases files\n' >"$tbl/switch"
{
	cat /etc/passwd
	for u in alice bob carol; do
		echo "$u:x:3000:3000:$u:/home/$u:/bin/sh"
	done
	# The users who forward, with what.
	mkdir "$tbl/home" >&2
	while read -r u text; do
		mkdir "$tbl/home/$u"
		printf "$text\n" >"$tbl/home/$u/.forward"
		chown -R 3001:3001 "$tbl/home/$u"
		echo "$u:x:3001:3001:$u:$HERE/home/$u:/bin/$([ "$u" = fshell ] && echo no)sh"
	done <"$tbl/forward"
} >"$tbl/passwd"
cf_make "$tbl/verify.mc" >"$tbl/verify.cf"

# In $tbl: runs "$@" on each line of addresses, whole and as words, and on alias files.
cat >"$tbl/ask" <<'E2'
set -f
"$@" -C verify.cf -bi >/dev/null 2>&1
out() { echo "== $*"; }
while IFS= read -r line; do
	out "verify, one word: $line"
	"$@" -C verify.cf -bv -v "$line" 2>&1
	echo "status $?"
	case $line in
	*\ *)
		out "verify, words: $line"
		"$@" -C verify.cf -bv $line 2>&1
		echo "status $?"
		;;
	list | alice+x | bob+zz | postmaster | prog | inc | err)
		out "no aliases: $line"
		"$@" -C verify.cf -bv -n "$line" 2>&1
		echo "status $?"
		;;
	esac
done
out "map"
printf '/map aliases %s\n' list LIST nosuch | "$@" -C verify.cf -bt 2>&1
printf '/map aliases.files list\n/map Alias0 list\n/map nosuch x\n' | "$@" -C verify.cf -bt 2>&1
echo
out "no alias file"
for a in list alice nosuch; do
	"$@" -C verify.cf -oA/nosuch -bv $a 2>&1
	echo "status $?"
done
for o in "-C verify.cf -bv -q1h alice" "-C verify.cf -bi -q" "-bv -C" "-bt -C"; do
	out "odd: $o"
	"$@" $o 2>&1
	echo "status $?"
done
for o in -oA"$PWD/aliases" -oA"$PWD/mistakes" -oA/nosuch -OAliasFile=foo:/x "-OAliasFile=hash:-o /x" \
	-OAliasFile=text:/x "-OAliasFile=$PWD/aliases,/nosuch"; do
	out "-bi $o"
	"$@" -C verify.cf -bi "$o" 2>&1
	echo "status $?"
done
E2
in_namespace() {
	on_mx "$tbl" sh -c 'mount --bind passwd /etc/passwd && exec "$@"' sh "$@" <"$here/verify/addresses"
}
in_namespace python3 "$here/kept.py" sh ask "$real" >"$tbl/real"
in_namespace sh ask "$bin" sendmail >"$tbl/ours"

number=0
bad=0
compare() { # what pattern
	number=$((number + 1))
	for who in real ours; do
		awk -v p="$2" '/^== /{on = $0 ~ p} on' "$tbl/$who" >"$tbl/$who.part"
	done
	n=$(grep -c '^== ' "$tbl/real.part")
	if [ "$n" -gt 0 ] && diff "$tbl/real.part" "$tbl/ours.part" >"$tbl/diff"; then
		echo "ok $number - $1: $n cases"
	else
		bad=1
		echo "not ok $number - $1"
		head -20 "$tbl/diff" | sed 's/^/# /'
	fi
}
compare "-bv" '^== verify'
compare "-bv -n" '^== no aliases'
compare "-bi" '^== -bi'
compare "/map aliases" '^== map'
compare "-bv without the alias file" '^== no alias file'
compare "modes that -q does not go with, -C without a name" '^== odd'
echo "1..$number"
exit $bad
