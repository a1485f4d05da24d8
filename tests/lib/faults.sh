# Faults in every write-side system call of sendmail -bD: sourced by tests/fault/daemon_*.t.
#
#   faults STORE WHAT FEWEST [OPTION...]   each fault in turn, with these options of sendmail; at
#                                          least FEWEST calls are met

faults() { # STORE WHAT FEWEST [OPTION...]
    store=$1 what=$2 fewest=$3
    shift 3
    server_setup "$store"
    export T
    for fault in ENOSPC EIO EINTR short kill crash-after; do
        rm -rf "$T/mail" "$T/spool/queue/queue" "$T/spool/queue/tmp"
        mkdir "$T/mail" && chmod 1777 "$T/mail"
        ok "$store, $what: $fault at every call keeps the promise" python3 \
            "$ROOT/tests/lib/faults.py" "$inject" "$SMTP" "$T/mail/u1" $fault "$@"
        runs=$(sed -n 's/ runs$//p' "$T/out")
        ok "$store, $what: $fault met $fewest calls or more (${runs:-0})" test "${runs:-0}" -ge "$fewest"
    done
}

need python3
. "$ROOT/tests/lib/inject.sh"
