# Waiting for what happens, and ports of one's own.
#
# Sourced by tap.sh and by the demonstration.  Nothing here sleeps for a guessed time: it looks
# after 20 ms, then half as often each time up to every 160 ms, since looking takes time from what
# is waited for; and the seconds only bound a failure.

wait_for() { # SECONDS COMMAND...
    wait_left=$(($1 * 100)) wait_step=2
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$wait_left" -gt 0 ] || return 1
        wait_left=$((wait_left - wait_step))
        [ "$wait_step" -lt 16 ] || { sleep 0.16 && continue; }
        sleep "0.0$wait_step"
        wait_step=$((wait_step * 2))
    done
}

# The kernel's way to write a port, in $hex_: no process for what is asked so often.
hex() { # PORT
    hex_= hex_left=$1
    while [ ${#hex_} -lt 4 ]; do
        hex_digit=$((hex_left % 16)) hex_left=$((hex_left / 16))
        case $hex_digit in
        10) hex_digit=A ;; 11) hex_digit=B ;; 12) hex_digit=C ;;
        13) hex_digit=D ;; 14) hex_digit=E ;; 15) hex_digit=F ;;
        esac
        hex_=$hex_digit$hex_
    done
}

# Looks at the kernel's table, so that no daemon sees a connection from here.
listening() { # PORT
    hex "$1"
    grep -Eq "^ *[0-9]+: [0-9A-F]+:$hex_ [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Below the range that the kernel gives to clients; a file that was not there is the reservation.
# $T/ports has them, since this runs in a shell of its own.
free_port() {
    port_=$((20000 + $$ * 7 % 10000))
    set -C
    until { echo $$ >"${TMPDIR:-/tmp}/letterbox-port-$port_"; } 2>/dev/null &&
        echo "$port_" >>"$T/ports" && ! listening "$port_"; do
        port_=$((port_ + 1))
        [ "$port_" -lt 32000 ] || port_=20000
    done
    echo "$port_"
}

release_ports() {
    [ -f "$T/ports" ] || return 0
    set --
    while read -r port_; do
        set -- "$@" "${TMPDIR:-/tmp}/letterbox-port-$port_"
    done <"$T/ports"
    rm -f "$@"
}
