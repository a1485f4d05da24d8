#!/bin/sh
# Every write-side system call of a submission fails once, or is the last before SIGKILL:
# exit status 0 means that the message is there, whole; anything else may mean neither.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need strace
[ "$BUILD" = release ] || skip_all "system calls are counted in the shipped build"
strace -o /dev/null true 2>/dev/null || skip_all "strace may not trace here"
server_setup mbox

calls='write,pwrite64,writev,openat,open,link,linkat,rename,renameat,fsync,fdatasync,ftruncate'
calls=$calls,unlink,mkdir,close,sendfile,copy_file_range
printf 'From: a@elsewhere.test\nSubject: fault\n\nbody\nFrom here\n' >"$T/message"

fresh() {
    rm -rf "$T/mail" "$T/spool"
    mkdir -p "$T/mail" "$T/spool"
    chmod 1777 "$T/mail"
}

# Whole copies in mailbox and queue after whatever happened, with the queue run to its end.
copies() {
    sendmail -q >/dev/null 2>&1
    if [ -d "$(mailbox u1)" ]; then
        cat "$(mailbox u1)"/new/* 2>/dev/null
    else
        cat "$(mailbox u1)" 2>/dev/null
    fi | awk '/^Subject: fault$/ { open = 1 } open && /^>?From here$/ { n++; open = 0 }
        END { print n + 0 }'
}

# One line for each broken promise.
each_call() { # STORE INJECTION
    for call in $(echo "$calls" | tr , ' '); do
        n=1
        while [ $n -lt 60 ]; do
            fresh
            strace -f -qq -o "$T/trace" -e trace="$call" -e inject="$call:$2:when=$n" \
                sendmail -i u1@example.test <"$T/message" >"$T/out" 2>&1
            status=$?
            grep -qE 'INJECTED|SIGKILL' "$T/trace" || break
            runs=$((runs + 1))
            found=$(copies)
            [ $status != 0 ] || [ "$found" -ge 1 ] || echo "$1: $call $n $2: exit 0, but lost"
            [ "$found" -le 1 ] || [ $status != 0 ] || echo "$1: $call $n $2: exit 0, $found copies"
            n=$((n + 1))
        done
    done
}

for store in mbox maildir; do
    case $store in
    mbox) export LETTERBOX_MAILBOX="$T/mail/%n" ;;
    maildir) export LETTERBOX_MAILBOX="$T/mail/%n/" ;;
    esac
    fresh
    ok "$store: without faults it works" sendmail -i u1@example.test <"$T/message"
    is "$(copies)" 1 "$store: and the message is there once"
    for injection in error=ENOSPC error=EIO signal=SIGKILL; do
        runs=0
        each_call $store $injection >"$T/broken"
        is "$(head -n 10 "$T/broken")" "" "$store: $injection at every call keeps the promise"
        diag "$runs runs"
        ok "$store: $injection met more than ten calls" test $runs -gt 10
    done
done
