# A small TAP library for the shell tests: ". "${0%/*}/../lib/tap.sh"" comes first.
#
# It makes a temporary directory $T with a directory of links to the binary under test at
# the head of PATH, and takes both away at the end together with every process that
# start_daemon started.  Points are counted; the plan is printed at the end.  $ME is the uid that
# the test runs as.
#
#   ok NAME COMMAND...           passes when the command exits 0
#   nok NAME COMMAND...          passes when it exits otherwise
#   is GOT WANT NAME             strings are equal
#   like TEXT ERE NAME           text matches (grep -E); unlike: does not
#   same FILE1 FILE2 NAME        files are equal, octet for octet
#   exits STATUS NAME COMMAND... exit status; leaves output in $T/out and $T/err
#   pass NAME, fail NAME, skip COUNT REASON, diag TEXT
#   need TOOL..., need_root, skip_all REASON   skip the whole test, aloud
#   smtp_source, smtp_sink       postfix's load generator and sink; need_postfix comes first
#   free_port                    prints a port nobody listens on, reserved for this test
#   start_daemon NAME COMMAND... in the background, output to $T/NAME.log, pid in $T/NAME.pid;
#                                as uid and gid $DAEMON_UID when that is set (root only)
#   stop_daemon NAME [SIGNAL]    signals and waits for its end; its status is the result
#   wait_port PORT [NAME]        until someone listens; at once false when NAME has ended
#   wait_for SECONDS COMMAND...  until the command succeeds; false after SECONDS
#   wait_log NAME ERE            until the daemon's log has such a line
#   as_user UID COMMAND...       as that uid and gid, with no other group (root only)
#
# Waiting is for an event, looked for several times a second; the seconds only bound a failure.

set -u
. "${0%/*}/../lib/wait.sh"
ROOT=$(cd "${0%/*}/../.." && pwd)
BIN=${LETTERBOX_BIN:-$ROOT/build/out/letterbox}
BUILD=${LETTERBOX_BUILD:-release}
OBJ=$ROOT/build/out/obj/$BUILD # with the tests' own programs under tests/
ME=$(id -u)
T=$(mktemp -d "${TMPDIR:-/tmp}/letterbox-test.XXXXXX") || exit 2
tap_count=0
tap_failed=0
tap_done=
tap_begins=0.02
[ "$BUILD" = release ] || tap_begins=0.08
export LC_ALL=C TZ=UTC

tap_end() {
    status=$?
    trap - EXIT INT TERM HUP
    for pidfile in "$T"/*.pid; do
        [ -f "$pidfile" ] && read -r tap_pid <"$pidfile" && kill -KILL "$tap_pid" 2>/dev/null
    done
    release_ports
    if [ "$tap_failed" -gt 0 ] && [ -n "${KEEP:-}" ]; then
        echo "# kept: $T"
    else
        rm -rf "$T"
    fi
    [ -n "$tap_done" ] || echo "1..$tap_count"
    [ "$tap_failed" = 0 ] || status=1
    exit "$status"
}
trap tap_end EXIT
trap 'exit 130' INT TERM HUP

[ -x "$BIN" ] || { echo "Bail out! no binary at $BIN" && exit 1; }
mkdir "$T/bin"
"$BIN" --install -s "$T/bin" >"$T/out" || { echo "Bail out! no links to $BIN" && exit 1; }
PATH=$T/bin:$PATH:/usr/sbin:/sbin

diag() {
    printf '%s\n' "$*" | sed 's/^/# /'
}

pass() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1"
}

fail() {
    tap_count=$((tap_count + 1))
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
}

skip() { # COUNT REASON
    tap_left=$1
    while [ "$tap_left" -gt 0 ]; do
        tap_count=$((tap_count + 1))
        tap_left=$((tap_left - 1))
        echo "ok $tap_count # SKIP $2"
    done
}

skip_all() {
    echo "1..0 # SKIP $*"
    tap_done=yes
    exit 0
}

need() {
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || skip_all "no $tool on this machine"
    done
}

need_root() {
    [ "$ME" = 0 ] || skip_all "needs root"
}

# Unpacked beside the build, not installed: see build/setup.sh.
need_postfix() {
    tap_aside=$ROOT/build/out/aside/postfix
    [ -x "$tap_aside/usr/sbin/smtp-source" ] || skip_all "postfix is not unpacked on this machine"
}

smtp_source() {
    LD_LIBRARY_PATH=$tap_aside/usr/lib/postfix "$tap_aside/usr/sbin/smtp-source" "$@"
}

smtp_sink() {
    LD_LIBRARY_PATH=$tap_aside/usr/lib/postfix "$tap_aside/usr/sbin/smtp-sink" "$@"
}

ok() { # NAME COMMAND...
    tap_name=$1
    shift
    if "$@" >"$T/out" 2>"$T/err"; then
        pass "$tap_name"
    else
        tap_status=$?
        fail "$tap_name"
        diag "exit status $tap_status of: $*"
        head -n 20 "$T/out" "$T/err" | sed 's/^/# /'
    fi
}

nok() { # NAME COMMAND...
    tap_name=$1
    shift
    if "$@" >"$T/out" 2>"$T/err"; then
        fail "$tap_name"
        diag "succeeded: $*"
    else
        pass "$tap_name"
    fi
}

is() { # GOT WANT NAME
    if [ "$1" = "$2" ]; then
        pass "$3"
    else
        fail "$3"
        diag "got:  $1"
        diag "want: $2"
    fi
}

tap_line='
'

# Most expressions are text, anchored or not, with some characters behind a backslash: those mean to
# the shell's own patterns what they mean to grep, which is a process more for each.
matches() { # TEXT ERE
    tap_ere=$2 tap_head='' tap_tail=''
    case $tap_ere in ^*) tap_ere=${tap_ere#?} tap_head=$tap_line ;; esac
    case $tap_ere in *[!\\]\$) tap_ere=${tap_ere%?} tap_tail=$tap_line ;; esac
    case $tap_ere in
    *"$tap_line"* | *\\ | *\\[!].[*+?{}\|\(\)^\$]* | \
        [].[*+?{}\|\(\)^\$]* | *[!\\][].[*+?{}\|\(\)^\$]*)
        grep -Eq -e "$2" <<TEXT
$1
TEXT
        ;;
    *)
        # shellcheck disable=SC2254 # a pattern
        case $tap_line$1$tap_line in
        *$tap_head$tap_ere$tap_tail*) ;;
        *) return 1 ;;
        esac
        ;;
    esac
}

like() { # TEXT ERE NAME
    if matches "$1" "$2"; then
        pass "$3"
    else
        fail "$3"
        diag "does not match $2:"
        diag "$1"
    fi
}

unlike() { # TEXT ERE NAME
    if matches "$1" "$2"; then
        fail "$3"
        diag "matches $2:"
        diag "$1"
    else
        pass "$3"
    fi
}

same() { # FILE1 FILE2 NAME
    if cmp "$1" "$2" >"$T/cmp" 2>&1; then
        pass "$3"
    else
        fail "$3"
        diag "$(cat "$T/cmp")"
    fi
}

exits() { # STATUS NAME COMMAND...
    tap_want=$1
    tap_name=$2
    shift 2
    "$@" >"$T/out" 2>"$T/err"
    tap_status=$?
    if [ "$tap_status" = "$tap_want" ]; then
        pass "$tap_name"
    else
        fail "$tap_name"
        diag "exit status $tap_status, not $tap_want, of: $*"
        head -n 20 "$T/out" "$T/err" | sed 's/^/# /'
    fi
}

start_daemon() { # NAME COMMAND...
    tap_name=$1
    shift
    if [ -n "${DAEMON_UID:-}" ]; then
        set -- setpriv --reuid="$DAEMON_UID" --regid="$DAEMON_UID" --clear-groups "$@"
    fi
    "$@" >"$T/$tap_name.log" 2>&1 </dev/null &
    echo $! >"$T/$tap_name.pid"
}

pid_of() { # NAME: of a daemon, in $tap_pid
    read -r tap_pid 2>/dev/null <"$T/$1.pid"
}

alive() { # NAME
    [ -f "$T/$1.pid" ] && pid_of "$1" && kill -0 "$tap_pid" 2>/dev/null
}

stop_daemon() { # NAME [SIGNAL]
    pid_of "$1" || return 1
    kill -"${2:-TERM}" "$tap_pid" 2>/dev/null
    wait "$tap_pid"
    tap_status=$?
    rm -f "$T/$1.pid"
    return $tap_status
}

port_or_end() { # PORT NAME
    listening "$1" || ! alive "$2"
}

# The kernel's list is read in pieces and may lack a line while other sockets come and go: one
# look that does not find the port says nothing as long as the program is there.
wait_port() { # PORT [NAME]
    # No program is there at once, and each look is a process.
    sleep "$tap_begins"
    if [ $# -gt 1 ]; then
        wait_for 20 port_or_end "$1" "$2" && alive "$2"
    else
        wait_for 20 listening "$1"
    fi
}

wait_log() { # NAME ERE
    wait_for 20 grep -Eq -e "$2" "$T/$1.log"
}

as_user() { # UID COMMAND...
    tap_uid=$1
    shift
    setpriv --reuid="$tap_uid" --regid="$tap_uid" --clear-groups "$@"
}
