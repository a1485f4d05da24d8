#!/bin/sh
# kill -9 of popd's processes under load, of all and of each alone, twelve times over: after each
# restart no mailbox is torn, none of its messages is lost but those that a QUIT deleted, and
# what a QUIT that was answered +OK deleted is not back.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/shots.sh"
need python3

round() { # STORE UID WHAT...
    server_setup "$1" "$2"
    as="$1, uid ${2:-root}"
    rm -f "$T/stop" "$T/worked"
    server_pop || fail "popd starts"
    beating python3 "$ROOT/tests/lib/pop_load.py" --port "$POP" --worked "$T/worked" --beat 4 \
        --stop "$T/stop" --seconds 120 --seed "$1"
    shift 2
    kills=0 missed=
    for what; do
        # Sessions first that end well, so that a kill meets work; then a moment that differs.
        rm -f "$T/worked"
        beat_until '[ -e "$T/worked" ]' || missed="$missed load-before-$what"
        sleep "0.0$((kills * 7 % 10))"
        pid_of pop
        them=$(family "$tap_pid")
        wait_for 10 shot pop "$what" || missed="$missed $what"
        kills=$((kills + 1))
        case $what in
        all | gate)
            wait "$tap_pid" 2>/dev/null
            rm -f "$T/pop.pid"
            wait_for 10 none_of $them || missed="$missed rest-of-$what"
            server_pop || { fail "popd starts again after kill $kills" && break; }
            ;;
        esac
    done
    : >"$T/stop"
    is "$missed" "" "what was to be killed was there, and nothing outlived the gate"
    is $kills $# "$as: killed $# times under load"
    ok "nothing torn, nothing lost, nothing back" wait $loader
    exec 3<&-
    diag "$(cat "$T/load.out")"
    is "$(ls -A "$T/home")" "" "no journal is left over"
    ok "popd ends on SIGTERM with status 0" stop_daemon pop
    is "$(ls -A "$T/mail" | tr '\n' ' ')" "u1 u2 u3 u4 " "nor anything beside the mailboxes"
    rm -rf "$T/mail" "$T/spool"
}

mine=
[ "$ME" != 0 ] || mine=54321
round mbox "" all popd-store popd-net gate popd-store all popd-store gate popd-net popd-store \
    popd-store gate
round maildir "$mine" popd-store all popd-store popd-net gate popd-store
