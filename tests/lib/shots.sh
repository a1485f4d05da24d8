# kill -9 of a daemon's processes: sourced behind server.sh.
#
#   shot DAEMON WHAT   kills what DAEMON (by $T/DAEMON.pid) has of WHAT: all, gate, or a role by its
#                      name; false when none of that was there to be met
#   none_of PID...     true when none of them runs any more

# A role that died is started again by the gate, a store or an agent by who needs it next; all die
# with the gate.
one_of() { # DAEMON WHAT
    gate=$(cat "$T/$1.pid")
    case $2 in
    all) family "$gate" ;;
    gate) echo "$gate" ;;
    *) role_pid "$gate" "$2" ;;
    esac
}

shot() { # DAEMON WHAT
    victims=$(one_of "$1" "$2")
    [ -n "$victims" ] || return 1
    # Some come and go: of all, one that was there must have been met.
    kill -9 $victims 2>/dev/null || [ "$2" = all ]
}

none_of() { # PID...
    for pid; do
        ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$pid/status" 2>/dev/null || return 1
    done
}
