#!/bin/sh
# What the processes of sendmail -bD gave up, as the kernel tells it from outside: started as
# root, as root without capabilities, and as an ordinary user.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/priv.sh"
need python3
[ -e /proc/sys/kernel/seccomp/actions_avail ] || skip_all "this kernel has no seccomp"

# What the caller has open is no business of a daemon's.
exec 9<"$0"

# The kernel takes connections before a role has closed its box; a message that went through
# both roles shows that they are at work.
at_work() {
    load send --port "$SMTP" --acked "$T/acked" --clients 1 --count 1
}

# smtpd keeps an idle agent for seconds; when smtpd is stopped, for as long as we look.
catch_agent() {
    at_work || return 1
    kill -STOP "$smtpd"
    agent=$(role_pid "$gate" agent | head -n 1)
    [ -n "$agent" ] || { kill -CONT "$smtpd" && return 1; }
}

# The relay role is there while it has work: a next host that never greets keeps it.
silent=$(free_port)
start_daemon silent python3 -c '
import socket, sys, threading
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Event().wait()' "$silent"
wait_port "$silent" silent || fail "the next host listens"
catch_relay() {
    python3 - "$SMTP" <<'E'
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as s:
    s.sendmail("u1@example.test", ["x@other.test"], "Subject: away\n\naway\n")
E
    wait_for 60 relaying
}
# Its box is closed once it has connected.
relaying() {
    relay=$(role_pid "$gate" relay)
    [ -n "$relay" ] && grep -q ": 0100007F:[0-9A-F]* 0100007F:$(printf %04X "$silent") 01 " /proc/net/tcp
}

begin() { # COMMAND BEFORE SENDMAIL...
    export LETTERBOX_RELAY=smtp+plain://127.0.0.1:$silent
    if [ $# -gt 0 ]; then
        start_daemon smtp "$@" sendmail -bD
        wait_port "$SMTP" smtp
    else
        server_smtp
    fi || fail "the server starts"
    ok "a message goes through both roles" at_work
    gate=$(cat "$T/smtp.pid")
    smtpd=$(role_pid "$gate" smtpd)
    queue=$(role_pid "$gate" queue)
    like "$smtpd $queue" '^[0-9]+ [0-9]+$' "one process of each role, with its name in ps"
    ok "there is a relay" catch_relay
    ok "there is an agent" wait_for 60 catch_agent
}

end() {
    kill -CONT "$smtpd"
    ok "sendmail -bD ends on SIGTERM with status 0" stop_daemon smtp
    rm -rf "$T/spool" "$T/mail"
}

# The program itself is open in what starts roles, and nowhere else.
files() { # AGENT'S MAILBOX
    program="^$(readlink -f "$BIN")\$|^/memfd:(letterbox|config)"
    is "$(open_files "$gate" "$program")" "" "gate: no file open but the program"
    for role in smtpd queue; do
        eval "pid=\$$role"
        is "$(open_files "$pid" "^$T/spool|^/$|^/(queue|tmp)$")" "" "$role: no file open but the queue's"
    done
    is "$(open_files "$relay" "^$T/spool|^/(queue|tmp)/|/ca[a-z-]*[.](crt|pem)$")" "" \
        "relay: no file open but messages and the authorities"
    is "$(open_files "$agent" "^$T/mail")" "" "agent: no file open but of the mailbox"
    is "$(field "$gate" Umask)$(field "$smtpd" Umask)$(field "$agent" Umask)" 007700770077 \
        "what they make is theirs alone"
}

# Files: smtpd has a root of its own; how much of others queue and agent see is the kernel's
# matter, which may have Landlock or not.
deeds() { # WHO [MORE THAT QUEUE MAY]
    can_probe || return
    is "$(may "$smtpd")" "getpid " "$1: smtpd may do nothing of what it does not need"
    is "$(may "$queue" | sed "s/read-passwd //; s/read-root //; s/${2:-none} //")" "getpid " \
        "$1: nor may queue"
    is "$(may "$relay" | sed "s/${3:-none} //g")" "getpid socket socket-unix " \
        "$1: nor a relay, but for sockets"
    is "$(may "$agent" | sed 's/read-passwd //; s/read-root //')" "getpid " "$1: nor may an agent"
    is "$(may "$gate" mount ptrace user-space keys uring bpf getpid)" "getpid " \
        "$1: nor may gate get more of the kernel"
}

as_root() {
    server_setup mbox
    begin
    own=$((0x$(field $$ CapPrm)))
    kept=$(printf %x $((own & 0x401e3)))
    # With CAP_SYS_ADMIN, of which nothing is left afterwards.
    gate_has "$gate" gate "$kept" "$kept" 0
    one_user "$gate" gate 0 0
    mail=$(id -u letterbox 2>/dev/null || id -u mail)
    group=$(id -g letterbox 2>/dev/null || id -g mail)
    for role in smtpd queue relay; do
        eval "pid=\$$role"
        confined "$pid" $role 0
        one_user "$pid" $role "$mail" "$group"
        is "$(field "$pid" Groups)" "" "$role: no supplementary group"
    done
    is "$(find "/proc/$relay/root/" -mindepth 1 | wc -l)" 0 "relay: an empty root directory"
    is "$(readlink "/proc/$smtpd/root")" "$T/spool/queue" "smtpd: the queue is its root directory"
    confined "$agent" agent 0
    like "$(field "$agent" Uid)" '^(2000[1-4])	\1	\1	\1$' "agent: the recipient's uid, and no other"
    is "$(field "$agent" Groups)" "" "agent: no supplementary group"
    files
    deeds root
    end
}

# A container without a single capability.
as_powerless_root() {
    server_setup mbox 0
    DAEMON_UID=
    begin setpriv --bounding-set=-all --inh-caps=-all
    gate_has "$gate" "gate without capabilities" 0 0 1
    for role in smtpd queue relay agent; do
        eval "pid=\$$role"
        confined "$pid" "$role without capabilities" 0
        one_user "$pid" "$role without capabilities" 0 0
    done
    files
    # /etc is what queue reads, and this one is owner of all of it.
    deeds "without capabilities" read-shadow
    end
}

as_uid() { # UID
    server_setup mbox "$1"
    begin
    bound=$(printf %x $((0x$(field $$ CapBnd))))
    gate_has "$gate" "gate as uid $1" 0 "$bound" 1
    for role in gate smtpd queue relay agent; do
        eval "pid=\$$role"
        one_user "$pid" "$role" "$1" "$1"
        [ $role = gate ] || confined "$pid" "$role as uid $1" "$bound"
    done
    # What others have open is root's to know.
    if [ "$(id -u)" = 0 ]; then
        files
    else
        skip 6 "needs root: files that the processes have open"
    fi
    deeds "uid $1"
    end
}

if [ "$(id -u)" = 0 ]; then
    as_root
    as_powerless_root
    as_uid 54321
else
    as_uid "$(id -u)"
    skip 40 "needs root: started as root"
fi
