#!/bin/sh
# Runs the libFuzzer targets (those whose name begins with $1), two at a time, each for
# $FUZZ_SECONDS; exits 1 when one found something.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=build/out/fuzz

one() { # TARGET
    name=${1##*/}
    name=${name%_fuzz}
    mkdir -p "$work/$name" "$work/findings"
    seeds=tests/fuzz/corpus/$name
    [ -d "$seeds" ] || seeds=
    if "$1" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
        -artifact_prefix="$work/findings/$name-" "$work/$name" $seeds >"$work/$name.log" 2>&1; then
        echo "ok   $name: $(ls "$work/$name" | wc -l) inputs kept"
    else
        echo "FOUND $name: see $work/$name.log and $work/findings/"
        tail -n 40 "$work/$name.log"
        return 1
    fi
}

if [ "${1:-}" = --one ]; then
    one "$2"
    exit
fi
ls build/out/obj/fuzz/tests/fuzz/"${1:-}"*_fuzz | xargs -P 2 -n 1 sh tests/fuzz/run.sh --one
