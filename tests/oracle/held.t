#!/bin/sh
# F=%: a mailer whose mail waits for a queue run that asks for some of the queue, beside the real
# program.
# usage: held.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
dir=$(mktemp -d /var/lib/letterbox-held-XXXXXX)
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT INT TERM
for who in real ours; do
	mkdir "$dir/$who" "$dir/$who/out"
	mkdir -m 700 "$dir/$who/queue"
	chmod 777 "$dir/$who/out"
	sed "s:@DIR@:$dir/$who:g" "$here/held/held.cf" >"$dir/$who/held.cf"
	printf '#!/bin/sh\ncat >/dev/null\n>"%s/$1.$2"\n' "$dir/$who/out" >"$dir/$who/rec"
	chmod 755 "$dir/$who/rec"
done
cat >"$dir/ask" <<'E2'
# ask FOLDER PROGRAM...: what is there after each step
home=$1
shift
wait_for() {
	n=0
	while [ ! -e "$home/out/$1" ] && [ $n -lt 400 ]; do
		sleep .05
		n=$((n + 1))
	done
}
show() {
	echo "$1: $(ls "$home/out")" | tr '\n' ' '
	echo
}
printf 'Subject: x\n\ntext\n' | "$@" -C "$home/held.cf" -odi -f a@b.example one@held.test two@held.test one@free.test
wait_for free.one
show submitted
"$@" -C "$home/held.cf" -q
show "-q"
"$@" -C "$home/held.cf" -qRnobody
show "-qRnobody"
"$@" -C "$home/held.cf" -qRtwo
wait_for held.one
wait_for held.two
show "-qRtwo"
E2
printf '127.0.0.1 localhost\n192.0.2.1 mx.test.example mx\n' >"$dir/hosts"
unshare -m -u -n sh -c 'hostname mx && ip link set lo up 2>/dev/null; mount --bind "$1/hosts" /etc/hosts &&
	sh "$1/ask" "$1/real" "$2" >"$1/real.out"
	LETTERBOX_QUEUE="$1/ours/queue" sh "$1/ask" "$1/ours" "$3" sendmail >"$1/ours.out"' \
	sh "$dir" "$real" "$bin"
if grep -q '^-q: free.one *$' "$dir/real.out" && diff "$dir/real.out" "$dir/ours.out" >"$dir/diff"; then
	echo "ok 1 - F=%"
else
	echo "not ok 1 - F=%"
	sed 's/^/# /' "$dir/real.out" "$dir/ours.out"
fi
echo 1..1
