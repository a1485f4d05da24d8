#!/bin/sh
# A lint of build/lint/unmet as a test: its failure is a skip that says why, its success a
# failure until the line is taken off.
name=${1##*/}
name=${name%.*}
reason=$(sed -n "s/^$name  *//p" build/lint/unmet)
case $1 in *.py) set -- python3 "$1" ;; *) set -- sh "$1" ;; esac
if out=$("$@" 2>&1); then
    echo "not ok 1 - $name passes: take it off build/lint/unmet"
else
    echo "$out" | tail -n 3 | sed 's/^/# /'
    echo "ok 1 - $name # SKIP missed: $reason"
fi
echo 1..1
