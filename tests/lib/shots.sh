# kill -9 of a daemon's processes: sourced behind server.sh.
#
#   shot DAEMON WHAT   kills what DAEMON (by $T/DAEMON.pid) has of WHAT: all, gate, or a role by its
#                      name; false when none of that was there to be met
#   none_of PID...     true when none of them runs any more

# A role that died is started again by the gate, a store or an agent by who needs it next; all die
# with the gate.
one_of() { # DAEMON WHAT
    pid_of "$1"
    case $2 in
    all) family "$tap_pid" ;;
    gate) echo "$tap_pid" ;;
    *) role_pid "$tap_pid" "$2" ;;
    esac
}

shot() { # DAEMON WHAT
    victims=$(one_of "$1" "$2")
    [ -n "$victims" ] || return 1
    # Some come and go: of all, one that was there must have been met.
    kill -9 $victims 2>/dev/null || [ "$2" = all ]
}

# The state stands behind the name, which is in parentheses and may be anything.
none_of() { # PID...
    for pid; do
        read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
        case ${stat##*)} in
        " Z "* | " X "*) ;;
        *) return 1 ;;
        esac
    done
}

# Beats are lines on descriptor 3 from a loader that writes them to its own descriptor 4: who waits
# for what it does hears of it at once, and takes no time from it by looking.
#
#   beating COMMAND...   the loader, in the background; its pid in $loader
#   beat_until WORD...   reads beats into $beat until "eval WORD..." is true; false when the loader
#                        ended before

beating() { # COMMAND...
    rm -f "$T/beats"
    mkfifo "$T/beats"
    exec 4<>"$T/beats" 3<"$T/beats"
    "$@" 3<&- >"$T/load.out" 2>&1 &
    loader=$!
    exec 4>&-
}

beat_until() { # WORD...
    until eval "$@"; do
        read -r beat <&3 || return 1
    done
}
