# Faults in every write-side system call of sendmail -bD: sourced by tests/fault/daemon_*.t.
#
#   faults STORE WHAT FEWEST [OPTION...]   each fault in turn, with these options of sendmail; at
#                                          least FEWEST calls are met; STORE is mbox, maildir, or
#                                          file for one that an alias names

faults() { # STORE WHAT FEWEST [OPTION...]
    kept=$1 what=$2 fewest=$3
    shift 3
    box=$T/mail/u1
    case $kept in
    file)
        server_setup mbox
        box=$T/mail/file
        echo "u1: $box" >"$T/aliases"
        chmod 644 "$T/aliases"
        # Too long for one write, so that a crash may leave a part.
        export LETTERBOX_ALIASES="$T/aliases" FAULTS_LINES=7000
        [ "$ME" != 0 ] || set -- "-ODefaultUser=20009:20009" "$@"
        ;;
    *) server_setup "$kept" ;;
    esac
    export T
    for fault in ENOSPC EIO EINTR EMFILE EACCES short kill crash-after; do
        rm -rf "$T/mail" "$T/spool/queue/queue" "$T/spool/queue/tmp"
        mkdir "$T/mail" && chmod 1777 "$T/mail"
        ok "$kept, $what: $fault at every call keeps the promise" python3 \
            "$ROOT/tests/lib/faults.py" "$inject" "$SMTP" "$box" $fault "$@"
        runs=$(sed -n 's/ runs$//p' "$T/out")
        ok "$kept, $what: $fault met $fewest calls or more (${runs:-0})" test "${runs:-0}" -ge "$fewest"
    done
}

need python3
. "$ROOT/tests/lib/inject.sh"
