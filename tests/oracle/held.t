#!/bin/sh
# F=%: a mailer whose mail waits for a queue run that asks for some of the queue, beside the real
# program.
# usage: held.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
both_setup held
for who in real ours; do
	printf '#!/bin/sh\ncat >/dev/null\n>"%s/$1.$2"\n' "$HERE/$who/out" >"$dir/$who/rec"
	chmod 755 "$dir/$who/rec"
done
cat >"$dir/ask" <<'E2'
# ask FOLDER PROGRAM...: what is there after each step
home=$1
shift
set -- "$@" -C "$home/held.cf"
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
printf 'Subject: x\n\ntext\n' | "$@" -odi -f a@b.example one@held.test two@held.test one@free.test
wait_for free.one
show submitted
"$@" -q
show "-q"
"$@" -qRnobody
show "-qRnobody"
"$@" -qRtwo
wait_for held.one
wait_for held.two
show "-qRtwo"
E2
both_run sh "$HERE/ask"
if grep -q '^-q: free.one *$' "$dir/real.out" && diff "$dir/real.out" "$dir/ours.out" >"$dir/diff"; then
	echo "ok 1 - F=%"
else
	echo "not ok 1 - F=%"
	sed 's/^/# /' "$dir/real.out" "$dir/ours.out"
fi
echo 1..1
