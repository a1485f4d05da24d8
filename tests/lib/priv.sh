# What a process may do, as the kernel tells it from outside: sourced behind server.sh.
#
#   field PID NAME             of /proc/PID/status
#   open_files PID [ERE]       what is open besides sockets, epoll, signals, timers, /dev/null,
#                              the test's logs, and what matches
#   powers PID                 CapInh CapPrm CapEff CapBnd CapAmb, without leading zeros
#   confined PID WHAT BND      points: no_new_privs, a filter, no capability but BND to be had
#   gate_has PID WHAT HEX BND NNP   points for a gate: capabilities, no_new_privs, a filter
#   one_user PID WHAT UID GID  points: all four uids and gids
#   may PID [NAME...]          which of the system calls that probe knows succeed there
#   can_probe                  false, with one point skipped, where processes cannot be traced
#
# A sanitizer's runtime calls what no filter allows: that build installs none.

field() { # PID NAME
    while read -r field_ value; do
        [ "$field_" != "$2:" ] || echo "$value"
    done <"/proc/$1/status"
}

open_files() { # PID [ERE]
    readlink /proc/"$1"/fd/* |
        grep -vE "^(socket|anon_inode|pipe):|^/dev/null$|^$T/[a-z]*\.log$|${2:-^$}"
}

powers() { # PID
    sets=
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        sets="$sets $((0x$(field "$1" $set)))"
    done
    # shellcheck disable=SC2086 # five numbers
    printf '%x %x %x %x %x\n' $sets
}

filtered() { # PID WHAT
    [ "$BUILD" != release ] || is "$(field "$1" Seccomp)" 2 "$2: a seccomp filter"
}

confined() { # PID WHAT BND
    is "$(powers "$1")" "0 0 0 $3 0" "$2: no capability, in any set"
    is "$(field "$1" NoNewPrivs)" 1 "$2: no_new_privs"
    filtered "$1" "$2"
}

gate_has() { # PID WHAT HEX BND NNP
    is "$(powers "$1")" "0 $3 $3 $4 0" "$2: capabilities"
    is "$(field "$1" NoNewPrivs)" "$5" "$2: no_new_privs is $5"
    filtered "$1" "$2"
}

one_user() { # PID WHAT UID GID
    is "$(field "$1" Uid)" "$3	$3	$3	$3" "$2: uid $3, and no other"
    is "$(field "$1" Gid)" "$4	$4	$4	$4" "$2: gid $4, and no other"
}

may() { # PID [NAME...]
    "$OBJ/tests/priv/probe_peer" "$@" | sed -n 's/ ok$//p' | tr '\n' ' '
}

can_probe() {
    probe_status=1
    if [ "$BUILD" = release ] && [ "$ME" = 0 ]; then
        sleep 60 &
        probed=$!
        wait_for 5 "$OBJ/tests/priv/probe_peer" $probed getpid
        probe_status=$?
        kill $probed
    fi
    [ $probe_status = 0 ] || skip 1 "no filter or no tracing here: what the processes may do"
    return $probe_status
}
