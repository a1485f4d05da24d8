# Faults in a submission without a daemon, for the fault/submit_* tests: submit_faults STORE.
#
# Every write-side system call of a submission and of the delivery behind it fails once, is
# short, or is the last one of its process or of all: exit status 0 means that the message is
# there, whole and once; anything else may mean neither, but nothing torn is ever left.

. "$ROOT/tests/lib/inject.sh"
server_setup mbox

calls=write,pwrite64,writev,openat,open,link,linkat,rename,renameat,fsync,fdatasync,ftruncate
calls=$calls,unlink,unlinkat,mkdir,mkdirat,close,sendfile,copy_file_range,fchown,fchmod
printf 'From: a@elsewhere.test\nSubject: fault\n\nbody\nFrom here\n' >"$T/message"

fresh() {
    rm -rf "$T/mail" "$T/spool"
    mkdir -p "$T/mail" "$T/spool"
    chmod 1777 "$T/mail"
}

# "WHOLE TORN" copies after whatever happened, with the queue run to its end.
copies() {
    sendmail -q >/dev/null 2>&1
    if [ -d "$(mailbox u1)" ]; then
        cat "$(mailbox u1)"/new/* 2>/dev/null
    else
        cat "$(mailbox u1)" 2>/dev/null
    fi | awk '/^Subject: fault$/ { begun++; open = 1 } open && /^>?From here$/ { whole++; open = 0 }
        END { print whole + 0, begun - whole }'
}

# One line for each broken promise.
each_call() { # STORE FAULT
    n=1
    while [ $n -lt 400 ]; do
        fresh
        "$inject" -t "$T/hit" "$calls" $n "$2" sendmail -i u1@example.test \
            <"$T/message" >"$T/out" 2>&1
        status=$?
        [ -s "$T/hit" ] || break
        runs=$((runs + 1))
        found=$(copies)
        case "$status $found" in
        "0 1 0" | "0 2 0") ;;
        "0 "*) echo "$1: $2, call $n ($(cat "$T/hit")): exit 0, copies whole and torn: $found" ;;
        esac
        case $found in
        *" 0") ;;
        *) echo "$1: $2, call $n ($(cat "$T/hit")): torn message" ;;
        esac
        # Twice is for a crash between delivery and its mark, not for a call that failed.
        case "$2 $found" in
        kill* | crash*) ;;
        *" 2 "*) echo "$1: $2, call $n ($(cat "$T/hit")): delivered twice" ;;
        esac
        n=$((n + 1))
    done
}

submit_faults() { # STORE
    case $1 in
    mbox) export LETTERBOX_MAILBOX="$T/mail/%n" ;;
    maildir) export LETTERBOX_MAILBOX="$T/mail/%n/" ;;
    esac
    fresh
    ok "$1: without faults it works" sendmail -i u1@example.test <"$T/message"
    is "$(copies)" "1 0" "$1: and the message is there once"
    for fault in ENOSPC EIO EINTR short kill crash; do
        runs=0
        each_call "$1" $fault >"$T/broken"
        is "$(head -n 20 "$T/broken")" "" "$1: $fault at every call keeps the promise"
        diag "$runs runs"
        ok "$1: $fault met more than thirty calls" test $runs -gt 30
    done
}
