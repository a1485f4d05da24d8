#!/bin/sh
# A thousand sessions at once, of SMTP and of POP3 before login, in the clear and under TLS:
# every one is answered, one more gets in beside them, and none costs more memory than it may.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
count=1000
tls=$count
# Handshakes of an instrumented program take their time.
[ "$BUILD" = release ] || tls=200
limit=$(ulimit -H -n)
[ "$limit" = unlimited ] || [ "$limit" -ge $((2 * count + 200)) ] ||
    skip_all "$count sessions need $((2 * count + 200)) descriptors, and the hard limit is $limit"
ulimit -S -n "$limit"
server_setup mbox
server_start || fail "the servers start"

role() { # DAEMON NAME: the pid of a role
    pid_of "$1"
    role_pid "$tap_pid" "$2"
}

held() { # KIND PORT COUNT PID KIB
    # A sanitizer's memory is not ours.
    [ "$BUILD" = release ] && [ -r "/proc/$4/smaps_rollup" ] || set -- "$1" "$2" "$3"
    ok "$1: $3 sessions answer" python3 "$ROOT/tests/lib/sessions.py" "$@"
    diag "$(cat "$T/out")"
}

# A role has its name a moment after its port is listened on.
both_roles() {
    smtpd=$(role smtp smtpd)
    net=$(role pop popd-net)
    [ "$smtpd" ] && [ "$net" ]
}
wait_for 20 both_roles || fail "both roles are there"
held smtp-plain "$SMTP" $count "$smtpd" 8
held smtp-tls "$SMTP" $tls "$smtpd" 44
held pop-plain "$POP" $count "$net" 8
held pop-tls "$POPS" $tls "$net" 44
is "$(role smtp smtpd) $(role pop popd-net)" "$smtpd $net" "no role was started anew"
server_stop
