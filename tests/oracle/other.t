#!/bin/sh
# What each command gets that check_other refuses, beside the real program.  One thing is ours:
# behind its refusal of NOOP the real one writes "250 2.0.0 OK" as well.  A client takes that for
# the answer to its next command, which may be a MAIL that was refused, so we do not write it.
# usage: other.t                        needs what bt.t needs
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$here/real.sh"
both_setup other
both_run python3 "$here/other/ask.py"
n=0
point() {
	n=$((n + 1))
	if "$@" >"$dir/diff"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$dir/diff"
	fi
}
what="the real one writes 250 behind its refusal of NOOP"
point grep -q '^NOOP no | 550 5.7.1 refused NOOP */ *2 | 250 2.0.0 OK | 250 2.0.0 Reset' "$dir/real.out"
sed '/^NOOP \(no\|later\) /s/ | 250 2.0.0 OK//' "$dir/real.out" >"$dir/want"
what="else both say the same"
point diff "$dir/want" "$dir/ours.out"
what="of every command"
point [ "$(wc -l <"$dir/ours.out")" = 31 ]
echo "1..$n"
