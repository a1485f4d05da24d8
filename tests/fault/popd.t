#!/bin/sh
# Every write-side system call of a POP3 session's commit fails once, is short, or is the last
# one of its process or of all: the mailbox is the one before or the one after, whole, and the
# one after when QUIT was answered so.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/inject.sh"

message() { # NUMBER LINES
    printf 'From a@b.example Tue Nov 24 03:18:0%d 2026\nSubject: %d\n\n' "$1" "$1"
    awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "line %d of the message\n", i }'
    printf '\n'
}

own() { # PATH...
    [ "$(id -u)" != 0 ] || chown -hR 20001:20001 "$@"
}

fresh_file() { # PATH
    {
        message 1 3
        message 2 2000
        message 3 9
    } >"$1"
}

fresh() { # STORE
    rm -rf "$T/mail" "$T/real" "$T/home"
    mkdir -p "$T/mail" "$T/real" "$T/home"
    chmod 1777 "$T/mail"
    case $1 in
    rename) fresh_file "$T/mail/u1" ;;
    journal)
        # What is linked to cannot be replaced.
        fresh_file "$T/real/u1"
        ln -s "$T/real/u1" "$T/mail/u1"
        ;;
    maildir)
        mkdir -p "$T/mail/u1/new" "$T/mail/u1/cur" "$T/mail/u1/tmp"
        for number in 1 2 3; do
            message $number $number >"$T/mail/u1/new/100$number.M1P1.h"
        done
        ;;
    esac
    own "$T/real" "$T/home" "$T/mail/u1"
}

contents() {
    if [ -d "$T/mail/u1" ]; then
        (cd "$T/mail/u1" && cat new/* cur/* 2>/dev/null)
    else
        cat "$T/mail/u1"
    fi
}

commands() { # COMMAND...
    printf 'USER u1\r\nPASS pw-u1\r\n'
    for command; do
        printf '%s\r\n' "$command"
    done
}

check() { # STORE FAULT N
    contents >"$T/now"
    done=
    grep -q '^+OK 1 message deleted' "$T/out" && done=yes
    case $1 in
    journal) ;; # torn to others until it is opened again
    *)
        cmp -s "$T/now" "$T/after" || { [ -z "$done" ] && cmp -s "$T/now" "$T/before"; } ||
            echo "$*: neither before nor after; answered: $done"
        ;;
    esac
    # A lock that was left behind is stale after minutes; then mail comes, and an open.
    [ ! -e "$T/mail/u1.lock" ] || touch -d '10 minutes ago' "$T/mail/u1.lock"
    [ "$1" = maildir ] || cat "$T/new" >>"$T/mail/u1"
    [ "$1" != maildir ] || cp "$T/new" "$T/mail/u1/new/2000.M1P1.h"
    [ "$1" != maildir ] || own "$T/mail/u1"
    commands STAT QUIT >"$T/in"
    popd -i <"$T/in" >"$T/out" 2>"$T/log"
    contents >"$T/now"
    cmp -s "$T/now" "$T/after+new" || { [ -z "$done" ] && cmp -s "$T/now" "$T/before+new"; } ||
        echo "$*: reopened: neither before nor after; answered: $done"
    [ -z "$(ls -A "$T/home")" ] || echo "$*: left over: $(ls -A "$T/home")"
}

each_call() { # STORE FAULT
    calls=write,writev,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,unlinkat,link,linkat
    # A lock that cannot be removed is waited for until it is stale: right, and slow.
    case $2 in kill | crash*) calls=$calls,unlink ;; esac
    n=1
    while [ $n -lt 400 ]; do
        fresh "$1"
        commands "DELE 2" QUIT >"$T/in"
        timeout 20 "$inject" -t "$T/hit" $calls $n "$2" popd -i <"$T/in" >"$T/out" 2>"$T/log"
        [ $? != 124 ] || echo "$1: $2, call $n ($(cat "$T/hit")): hangs"
        [ -s "$T/hit" ] || break
        runs=$((runs + 1))
        check "$1" "$2" "$n $(cat "$T/hit")"
        n=$((n + 1))
    done
}

message 4 2 >"$T/new"
for kind in rename journal maildir; do
    case $kind in
    maildir) server_setup maildir ;;
    *) server_setup mbox ;;
    esac
    fresh $kind
    contents >"$T/before"
    commands "DELE 2" QUIT >"$T/in"
    popd -i <"$T/in" >"$T/out" 2>"$T/log"
    like "$(cat "$T/out")" '^\+OK 1 message deleted, 2 left' "$kind: without faults it works"
    contents >"$T/after"
    is "$(grep -c '^Subject' "$T/after")$(grep -c '^Subject: 2' "$T/after")" 20 "$kind: one is gone"
    cat "$T/before" "$T/new" >"$T/before+new"
    cat "$T/after" "$T/new" >"$T/after+new"
    for fault in ENOSPC EIO EINTR short kill crash-after; do
        runs=0
        each_call $kind $fault >"$T/broken"
        is "$(head -n 10 "$T/broken")" "" "$kind: $fault at every call keeps the promise"
        diag "$runs runs"
        ok "$kind: $fault met more than ten calls" test $runs -gt 10
    done
done
