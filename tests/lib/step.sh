#!/bin/sh
# Runs a command as one TAP point: step.sh COMMAND...; exit status 77 means skipped, with
# the reason in the last line that it printed.
case $1 in
*.sh) set -- sh "$@" ;;
*.py) set -- python3 "$@" ;;
esac
echo 1..1
out=$("$@" 2>&1)
case $? in
0) echo "ok 1 - $*" ;;
77) echo "ok 1 - $* # SKIP $(printf '%s\n' "$out" | tail -n 1)" ;;
*)
    echo "not ok 1 - $*"
    printf '%s\n' "$out" | head -n 60 | sed 's/^/# /'
    exit 1
    ;;
esac
