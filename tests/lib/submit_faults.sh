# Faults in a submission without a daemon, for the fault/submit_* tests: submit_faults STORE.
#
# Every write-side system call of a submission and of the delivery behind it fails once, is
# short, or is the last one of its process or of all; tests/lib/submit_faults.py says what holds.

need python3
. "$ROOT/tests/lib/inject.sh"

submit_faults() { # STORE
    server_setup "$1"
    export T
    printf 'Subject: works\n\nbody\n' >"$T/message"
    ok "$1: without faults it works" sendmail -i u1@example.test <"$T/message"
    ok "$1: and the message is there" has_mail u1 1
    for fault in ENOSPC EIO EINTR short kill crash; do
        python3 "$ROOT/tests/lib/submit_faults.py" "$inject" "$(mailbox u1)" $fault >"$T/said" 2>&1
        is "$(sed '$d' "$T/said" | head -n 20)" "" "$1: $fault at every call keeps the promise"
        runs=$(sed -n '$s/ runs$//p' "$T/said")
        ok "$1: $fault met more than thirty calls (${runs:-0})" test "${runs:-0}" -gt 30
    done
}
