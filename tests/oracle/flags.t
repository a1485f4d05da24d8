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
dir=$(mktemp -d /var/lib/letterbox-flags-XXXXXX)
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT INT TERM
for who in real ours; do
	mkdir "$dir/$who" "$dir/$who/out"
	mkdir -m 700 "$dir/$who/queue"
	chmod 777 "$dir/$who/out"
	sed "s:@DIR@:$dir/$who:g" "$here/flags/flags.cf" >"$dir/$who/flags.cf"
	cat >"$dir/$who/rec" <<P
#!/bin/sh
t=\$(mktemp "$dir/$who/out/.XXXXXX")
# With F=f and F=r the name is not the first word.
case \$1 in -*) name=\$3 ;; *) name=\$1 ;; esac
{
	echo "\$(id -u) \$(id -g) \$((\$(nice) - $(nice))) \$([ "\$name" != folder ] || pwd)"
	for word; do echo "<\$word>"; done
	cat
} >"\$t"
mv "\$t" "$dir/$who/out/\$name"
P
	chmod 755 "$dir/$who/rec"
done
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$dir/hosts"
unshare -m -u -n sh -c 'hostname mx && ip link set lo up 2>/dev/null; mount --bind "$1/hosts" /etc/hosts &&
	python3 "$2/flags/ask.py" "$1/real" "$3" >"$1/real.out"
	LETTERBOX_QUEUE="$1/ours/queue" python3 "$2/flags/ask.py" "$1/ours" "$4" sendmail >"$1/ours.out"' \
	sh "$dir" "$here" "$real" "$bin"
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
