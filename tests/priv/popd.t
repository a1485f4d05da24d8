#!/bin/sh
# What the processes of popd gave up, as the kernel tells it from outside.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3

field() { # PID FIELD
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

role_pid() { # PARENT NAME
    for pid in $(cat /proc/"$1"/task/*/children); do
        tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1 | grep -qx "letterbox: $2" && echo "$pid"
    done
}

files() { # PID: what is open besides sockets, epoll, signals, timers and the log
    for fd in /proc/"$1"/fd/*; do
        readlink "$fd"
    done | grep -vE "^(socket|anon_inode|pipe):|^/dev/null$|$T/pop.log$"
}

confined() { # PID WHAT UID
    is "$(field "$1" NoNewPrivs)" 1 "$2: no_new_privs"
    if [ "$BUILD" = release ]; then
        is "$(field "$1" Seccomp)" 2 "$2: a seccomp filter"
    else
        skip 1 "the sanitizer's build has no filter"
    fi
    is "$(field "$1" CapEff)$(field "$1" CapPrm)" 00000000000000000000000000000000 "$2: no capability"
    is "$(field "$1" Uid | tr '\t' '\n' | sort -u)" "$3" "$2: one uid"
}

round() { # UID
    server_setup mbox "$1"
    printf 'From a@b.example Tue Nov 24 03:18:05 2026\nSubject: 1\n\none\n\n' >"$T/mail/u1"
    uid=$(sed -n 's/^u1:[^:]*:\([0-9]*\):.*/\1/p' "$T/users")
    [ "$(id -u)" != 0 ] || chown "$uid:$uid" "$T/mail/u1"
    start_daemon pop popd -f -l "127.0.0.1:$POP"
    wait_port "$POP" pop || fail "popd starts"
    python3 - "$POP" "$T/go" <<'END' &
import poplib, os, sys, time
p = poplib.POP3('127.0.0.1', int(sys.argv[1]))
p.user('u1')
p.pass_('pw-u1')
open(sys.argv[2], 'w').close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.02)
p.quit()
END
    client=$!
    wait_for 20 test -e "$T/go" || fail "a client logs in"
    gate=$(cat "$T/pop.pid")
    net=$(role_pid "$gate" popd-net)
    store=$(role_pid "$gate" popd-store)
    like "$net $store" '^[0-9]+ [0-9]+$' "one process of each kind, with its name in ps"
    if [ "$(id -u)" = 0 ] && [ -z "$1" ]; then
        confined "$net" popd-net "$(field "$net" Uid | cut -f1)"
        unlike "$(field "$net" Uid)$(field "$net" Gid)" '(^|	)0(	|$)' "popd-net: nothing of root's"
        unlike "$(field "$net" Uid)" "(^|	)$uid(	|$)" "popd-net: nor of the user's"
        unlike "$(readlink "/proc/$net/root")" '^/$' "popd-net: a root directory of its own"
        is "$(ls -A "/proc/$net/root/")" "" "popd-net: with nothing in it"
        is "$(field "$net" Groups)$(field "$store" Groups)" "" "no supplementary group"
    else
        confined "$net" popd-net "$uid"
    fi
    confined "$store" popd-store "$uid"
    is "$(field "$store" Gid | tr '\t' '\n' | sort -u)" "$uid" "popd-store: one gid"
    is "$(files "$net")" "" "popd-net: no file is open"
    is "$(files "$store")" "$T/mail/u1" "popd-store: the mailbox alone is open"
    rm "$T/go"
    ok "the client ends" wait $client
    ok "popd ends on SIGTERM with status 0" stop_daemon pop
    rm -rf "$T/mail" "$T/spool"
}

if [ "$(id -u)" = 0 ]; then
    round ""
    round 54321
else
    round "$(id -u)"
    skip 18 "needs root: uids of their own"
fi
