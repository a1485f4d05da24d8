#!/bin/sh
# Flags and fields of M lines beside the real program: one message to a program mailer for each.
# F=S does nothing here (no mailer runs as root), F=m starts a program for each recipient, F=f
# and F=r hold for all mail and not only for that with -f, N= below 0 does nothing, and programs
# without D= start in the home or the root and not in the queue.  F=7 is left out: the real one dies of it.
# usage: flags.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
both_setup flags
for who in real ours; do
	cat >"$dir/$who/rec" <<P
#!/bin/sh
t=\$(mktemp "$HERE/$who/out/.XXXXXX")
# With F=f and F=r the name is not the first word.
case \$1 in -*) name=\$3 ;; *) name=\$1 ;; esac
{
	echo "\$(id -u) \$(id -g) \$((\$(nice) - $(nice))) \$([ "\$name" != folder ] || pwd)"
	for word; do echo "<\$word>"; done
	cat
} >"\$t"
mv "\$t" "$HERE/$who/out/\$name"
P
	chmod 755 "$dir/$who/rec"
done
both_run python3 "$here/flags/ask.py"
n=0
for name in exit $(sed -n 's/^M\([a-z]*\),.*/\1/p' "$here/flags/flags.cf" | grep -v 'local\|prog'); do
	n=$((n + 1))
	for who in real ours; do
		grep -a "^$name " "$dir/$who.out" >"$dir/$who.one"
	done
	if [ -s "$dir/real.one" ] && diff "$dir/real.one" "$dir/ours.one" >"$dir/diff"; then
		echo "ok $n - mailer $name"
	else
		echo "not ok $n - mailer $name"
		sed 's/^/# /' "$dir/diff"
	fi
done
echo "1..$n"
