#!/bin/sh
# What the roles of sendmail -bD gave up, as the kernel tells it from outside.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"

field() { # PID FIELD
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

role_pid() { # PARENT NAME
    for pid in $(cat /proc/"$1"/task/*/children); do
        tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1 | grep -qx "letterbox: $2" && echo "$pid"
    done
}

# Sockets, epoll, signals, timers, and of files only what is named.
other_files() { # PID ALLOWED-ERE
    for fd in /proc/"$1"/fd/*; do
        readlink "$fd"
    done | grep -vE "^(socket|anon_inode|pipe):|^/dev/null$|${2:-^$}"
}

confined() { # PID WHAT
    is "$(field "$1" NoNewPrivs)" 1 "$2: no_new_privs"
    # A sanitizer's runtime calls what no filter allows: that build installs none.
    if [ "${LETTERBOX_BUILD:-}" = san ]; then
        skip 1 "$2: a seccomp filter: not in the sanitizer build"
    else
        is "$(field "$1" Seccomp)" 2 "$2: a seccomp filter"
    fi
    is "$(field "$1" CapEff)$(field "$1" CapPrm)" 00000000000000000000000000000000 \
        "$2: no capability"
}

seccomp_here() {
    grep -q . /proc/sys/kernel/seccomp/actions_avail 2>/dev/null
}
seccomp_here || skip_all "this kernel has no seccomp"

# The kernel takes connections before a role has closed its box; a message that went through
# both roles shows that they are at work.
at_work() {
    load send --port "$SMTP" --acked "$T/acked" --clients 1 --count 1
}

server_setup mbox
server_smtp || fail "the server starts"
ok "a message goes through both roles" at_work
gate=$(cat "$T/smtp.pid")
for role in smtpd queue; do
    pid=$(role_pid "$gate" $role)
    like "$pid" '^[0-9]+$' "$role: one process, with its name in ps"
    [ -n "$pid" ] || continue
    confined "$pid" $role
    if [ "$(id -u)" = 0 ]; then
        unlike "$(field "$pid" Uid)" '(^|	)0(	|$)' "$role: no uid is root's"
        is "$(field "$pid" Uid | tr '\t' '\n' | sort -u | wc -l)" 1 "$role: all four uids are one"
        unlike "$(field "$pid" Gid)" '(^|	)0(	|$)' "$role: no gid is root's"
        unlike " $(field "$pid" Groups) " ' 0 ' "$role: not in root's group"
        is "$(field "$pid" CapBnd)" 0000000000000000 "$role: and can never have a capability" 
    else
        is "$(field "$pid" Uid | cut -f1)" "$(id -u)" "$role: our uid, there is no other"
        skip 4 "needs root: $role changes its uid"
    fi
    is "$(other_files "$pid" "^$T/spool|^/$|^/(queue|tmp)|$T/smtp.log$")" "" \
        "$role: no file open but the queue's"
done
if [ "$(id -u)" = 0 ]; then
    pid=$(role_pid "$gate" smtpd)
    unlike "$(readlink "/proc/$pid/root")" '^/$' "smtpd: has a root directory of its own"
else
    skip 1 "needs root: smtpd changes its root directory"
fi
ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp

# The same from an ordinary uid, without any power to begin with.
if [ "$(id -u)" = 0 ]; then
    rm -rf "$T/spool" "$T/mail"
    server_setup mbox 54321
    server_smtp || fail "the server starts"
    ok "as uid 54321: a message goes through both roles" at_work
    gate=$(cat "$T/smtp.pid")
    for role in smtpd queue; do
        pid=$(role_pid "$gate" $role)
        confined "$pid" "$role as uid 54321"
    done
    ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
fi
