# A mail server for tests: sourced behind tap.sh.
#
#   server_setup STORE [UID]   settings, four users u1..u4 (password pw-u1, ...) in a users
#                              file; STORE is mbox or maildir; as root, everything runs as
#                              UID where one is given, else as root with users of their own
#   server_start, server_stop  sendmail -bD on port $SMTP; popd on $POP, and with TLS on $POPS
#   server_smtp, server_pop    one of the two alone
#   as_server COMMAND...       as the uid that the server runs as
#   queue_empty                true when mailq says so
#   mailbox USER               the path of a user's mailbox
#   load COMMAND...            tests/lib/load.py, from the repository's root
#   family PID                 the process and all that descend from it
#   role_pid GATE NAME         the pids of a role, by its name in ps
#
# All names under example.test are local.

server_setup() { # STORE [UID]
    store=$1
    server_uid=${2:-}
    [ "$ME" = 0 ] || server_uid=$ME
    DAEMON_UID=
    SMTP=$(free_port)
    POP=$(free_port)
    POPS=$(free_port)
    # The roles get here with a uid of their own.
    chmod 755 "$T"
    mkdir -p "$T/mail" "$T/spool" "$T/home"
    chmod 1777 "$T/mail"
    chmod 777 "$T/home"
    if [ -n "$server_uid" ]; then
        chown "$server_uid" "$T/spool"
        [ "$ME" != 0 ] || DAEMON_UID=$server_uid
    fi
    : >"$T/users"
    for n in 1 2 3 4; do
        uid=${server_uid:-$((20000 + n))}
        echo "u$n:{PLAIN}pw-u$n:$uid:$uid::$T/home" >>"$T/users"
    done
    chmod 644 "$T/users"
    export LETTERBOX_HOSTNAME=mx.example.test LETTERBOX_DOMAIN=example.test
    export LETTERBOX_LOCAL=example.test LETTERBOX_LISTEN=127.0.0.1:$SMTP
    export LETTERBOX_QUEUE="$T/spool/queue" LETTERBOX_USERS="$T/users" LETTERBOX_LOG=stderr
    case $store in
    mbox) export LETTERBOX_MAILBOX="$T/mail/%n" ;;
    maildir) export LETTERBOX_MAILBOX="$T/mail/%n/" ;;
    esac
}

mailbox() { # USER
    echo "$T/mail/$1"
}

server_smtp() { # [OPTION...]
    start_daemon smtp sendmail -bD "$@"
    wait_port "$SMTP" smtp || { diag "sendmail -bD: $(tail -n 20 "$T/smtp.log")" && return 1; }
}

server_pop() {
    start_daemon pop popd -f -l "127.0.0.1:$POP" -t "127.0.0.1:$POPS"
    wait_port "$POP" pop && { listening "$POPS" || wait_port "$POPS" pop; } ||
        { diag "popd: $(tail -n 20 "$T/pop.log")" && return 1; }
}

server_start() { # [OPTION of sendmail...]
    server_smtp "$@" && server_pop
}

server_stop() {
    ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
    ok "popd ends on SIGTERM with status 0" stop_daemon pop
    # A sanitizer's report of any process is in the log, whoever read its exit status.
    nok "no sanitizer report in the logs" grep -E 'runtime error|AddressSanitizer|LeakSanitizer' \
        "$T/smtp.log" "$T/pop.log"
}

as_server() {
    if [ -n "$DAEMON_UID" ]; then
        as_user "$DAEMON_UID" "$@"
    else
        "$@"
    fi
}

queue_empty() {
    as_server mailq | grep -q 'is empty'
}

load() {
    python3 "$ROOT/tests/lib/load.py" "$@"
}

# Messages that a mailbox holds now.
count_mail() { # USER
    if [ "$store" = mbox ]; then
        grep -c '^From ' "$(mailbox "$1")" 2>/dev/null || true
    else
        find "$(mailbox "$1")/new" "$(mailbox "$1")/cur" -type f 2>/dev/null | wc -l
    fi
}

has_mail() { # USER COUNT
    [ "$(count_mail "$1")" -ge "$2" ]
}

# The children of a process, in $children: no process for what is asked while a daemon works.
children() { # PID
    children=
    for task in /proc/"$1"/task/*/children; do
        # There is no end of the line.
        read -r some 2>/dev/null <"$task" || children="$children $some"
        some=
    done
}

family() { # PID
    echo "$1"
    children "$1"
    for child in $children; do
        family "$child"
    done
}

# A command line has no end of the line either; its NULs do not get into $line.
role_pid() { # PARENT NAME
    children "$1"
    for pid in $children; do
        read -r name 2>/dev/null <"/proc/$pid/comm" && [ "$name" = "$2" ] || continue
        line=
        read -r line 2>/dev/null <"/proc/$pid/cmdline"
        case $line in "letterbox: $2"*) echo "$pid" ;; esac
    done
}
