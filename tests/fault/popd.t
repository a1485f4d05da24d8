#!/bin/sh
# Every write-side system call of a POP3 session's commit fails once, is short, or is the last
# one of its process or of all: tests/lib/popd_faults.py says what holds then.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
. "$ROOT/tests/lib/inject.sh"

faults() { # KIND FAULT WHAT
    python3 "$ROOT/tests/lib/popd_faults.py" "$inject" "$1" "$2" >"$T/said" 2>&1
    is "$(sed '$d' "$T/said" | head -n 10)" "" "$1: $3"
    runs=$(sed -n '$s/ runs$//p' "$T/said")
}

export T
for kind in rename journal maildir; do
    case $kind in
    maildir) server_setup maildir ;;
    *) server_setup mbox ;;
    esac
    faults $kind none "without faults it works"
    for fault in ENOSPC EIO EINTR short kill crash-after; do
        faults $kind $fault "$fault at every call keeps the promise"
        ok "$kind: $fault met more than ten calls (${runs:-0})" test "${runs:-0}" -gt 10
    done
done
