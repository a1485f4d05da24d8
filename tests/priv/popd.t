#!/bin/sh
# What the processes of popd gave up, as the kernel tells it from outside: started as root, as
# root without capabilities, and as an ordinary user.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
. "$ROOT/tests/lib/priv.sh"
need python3
[ -e /proc/sys/kernel/seccomp/actions_avail ] || skip_all "this kernel has no seccomp"

# What the caller has open is no business of a daemon's.
exec 9<"$0"

cat >"$T/client.py" <<'END'
import os
import poplib
import sys
import time

p = poplib.POP3('127.0.0.1', int(sys.argv[1]))
p.user('u1')
p.pass_('pw-u1')
open(sys.argv[2], 'w').close()
while os.path.exists(sys.argv[2]):
    time.sleep(0.02)
p.quit()
END

# Has a process the private key of the made pair in its memory?
cat >"$T/holds.py" <<'END'
import base64
import re
import sys

pem = re.search(r'-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END', open(sys.argv[1]).read(), re.S)
der = base64.b64decode(pem.group(1))
at = der.index(b'\x02\x01\x01\x04\x20') + 5
key, found = der[at:at + 32], False
with open(f'/proc/{sys.argv[2]}/maps') as maps, open(f'/proc/{sys.argv[2]}/mem', 'rb') as mem:
    for line in maps:
        start, end, mode = re.match(r'(\w+)-(\w+) (\S+)', line).groups()
        if mode.startswith('rw'):
            mem.seek(int(start, 16))
            found |= key in mem.read(int(end, 16) - int(start, 16))
print('yes' if found else 'no')
END

# The child that compares a password: neither of the roles, which have a name in ps.
check_pid() {
    for pid in $(cat /proc/"$gate"/task/*/children); do
        grep -q '^letterbox: ' "/proc/$pid/cmdline" || echo "$pid"
    done
}

# Once it is in its box.
hashes() {
    check=$(check_pid)
    [ -n "$check" ] && grep -q '^Max cpu time *60 ' "/proc/$check/limits" &&
        [ "$(field "$check" NoNewPrivs)" = 1 ] &&
        { [ "$BUILD" != release ] || [ "$(field "$check" Seccomp_filters)" = 2 ]; }
}

# A password that takes hours to be compared.
begin_check() { # WHO
    python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
f = s.makefile("rb")
f.readline()
s.sendall(b"USER slow\r\nPASS x\r\n")
f.readline()
print(f.readline().decode())' "$POP" >"$T/slow.out" 2>&1 &
    slow=$!
    ok "$1: a password is being checked" wait_for 20 hashes
}

end_check() { # WHO
    [ "$BUILD" != release ] || like "$(grep '^Max address space' "/proc/$check/limits")" ' 67108864 ' \
        "$1: the check has a bound on memory"
    kill -9 "$check"
    wait $slow
    like "$(cat "$T/slow.out")" '^-ERR \[SYS/TEMP\]' "$1: the client is told to try again"
    ok "$1: popd serves on" alive pop
}

begin() { # COMMAND BEFORE POPD...
    printf 'From a@b.example Tue Nov 24 03:18:05 2026\nSubject: 1\n\none\n\n' >"$T/mail/u1"
    echo 'slow:{SHA512-CRYPT}$6$rounds=999999999$salt$x::::' >>"$T/users"
    uid=$(sed -n 's/^u1:[^:]*:\([0-9]*\):.*/\1/p' "$T/users")
    [ "$(id -u)" != 0 ] || chown "$uid:$uid" "$T/mail/u1"
    start_daemon pop "$@" popd -f -l "127.0.0.1:$POP"
    wait_port "$POP" pop || fail "popd starts"
    python3 "$T/client.py" "$POP" "$T/go" &
    client=$!
    ok "a client logs in" wait_for 20 test -e "$T/go"
    gate=$(cat "$T/pop.pid")
    net=$(role_pid "$gate" popd-net)
    store=$(role_pid "$gate" popd-store)
    like "$net $store" '^[0-9]+ [0-9]+$' "one process of each kind, with its name in ps"
}

end() {
    rm -f "$T/go"
    ok "the client ends" wait $client
    ok "popd ends on SIGTERM with status 0" stop_daemon pop
    rm -rf "$T/mail" "$T/spool"
}

files() {
    program="^$(readlink -f "$BIN")\$|^/memfd:letterbox"
    is "$(open_files "$gate" "$program")" "" "gate: no file open but the program"
    is "$(open_files "$net")" "" "popd-net: no file is open"
    is "$(open_files "$store")" "$T/mail/u1" "popd-store: the mailbox alone is open"
}

deeds() { # WHO
    can_probe || return
    is "$(may "$net")" "getpid " "$1: popd-net may open, make and start nothing"
    is "$(may "$store" | sed 's/read-passwd //; s/read-root //')" "getpid " \
        "$1: popd-store may nothing that it does not need"
    is "$(may "$gate" mount ptrace user-space keys uring bpf getpid)" "getpid " \
        "$1: gate may not get more of the kernel"
}

as_root() {
    server_setup mbox
    begin
    own=$((0x$(field $$ CapPrm)))
    kept=$(printf %x $((own & 0x401e3)))
    gate_has "$gate" gate "$kept" "$kept" 1
    one_user "$gate" gate 0 0
    mail=$(id -u letterbox 2>/dev/null || id -u mail)
    group=$(id -g letterbox 2>/dev/null || id -g mail)
    confined "$net" popd-net 0
    one_user "$net" popd-net "$mail" "$group"
    unlike "$(readlink "/proc/$net/root")" '^/$' "popd-net: a root directory of its own"
    is "$(ls -A "/proc/$net/root/")" "" "popd-net: with nothing in it"
    confined "$store" popd-store 0
    one_user "$store" popd-store "$uid" "$uid"
    is "$(field "$net" Groups)$(field "$store" Groups)" "" "no supplementary group"
    begin_check root
    confined "$check" popd-check 0
    one_user "$check" popd-check "$mail" "$group"
    is "$(field "$check" Groups)" "" "popd-check: no supplementary group"
    is "$(ls -A "/proc/$check/root/")" "" "popd-check: a root directory with nothing in it"
    is "$(open_files "$check")" "" "popd-check: no file is open"
    is "$(find "/proc/$check/fd" -type l | wc -l)" 4 "popd-check: one channel, and the log"
    key=$T/spool/queue/private/tls.pem
    # A sanitizer's shadow is terabytes to look through.
    [ "$BUILD" != release ] || is "$(python3 "$T/holds.py" "$key" "$gate" &&
        python3 "$T/holds.py" "$key" "$check")" "yes
no" "popd-check: the gate's key is not in its memory"
    end_check root
    files
    deeds root
    end
}

# A container without a single capability: its own mailbox is root's, whom no login opens, so
# there is no store.
as_powerless_root() {
    server_setup mbox 0
    DAEMON_UID=
    start_daemon pop setpriv --bounding-set=-all --inh-caps=-all popd -f -l "127.0.0.1:$POP"
    wait_port "$POP" pop || fail "popd starts without capabilities"
    gate=$(cat "$T/pop.pid")
    # What greets has entered its box.
    like "$(python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
print(s.recv(99).decode())' "$POP")" '^\+OK ' "the net role is at work"
    net=$(role_pid "$gate" popd-net)
    gate_has "$gate" "gate without capabilities" 0 0 1
    confined "$net" "popd-net without capabilities" 0
    ok "popd ends on SIGTERM with status 0" stop_daemon pop
    rm -rf "$T/mail" "$T/spool"
}

as_uid() { # UID
    server_setup mbox "$1"
    begin
    bound=$(printf %x $((0x$(field $$ CapBnd))))
    gate_has "$gate" "gate as uid $1" 0 "$bound" 1
    for role in gate net store; do
        eval "pid=\$$role"
        one_user "$pid" "$role" "$1" "$1"
        [ $role = gate ] || confined "$pid" "popd-$role as uid $1" "$bound"
    done
    if [ "$(id -u)" = 0 ]; then
        files
    else
        skip 3 "needs root: files that the processes have open"
    fi
    begin_check "uid $1"
    one_user "$check" popd-check "$1" "$1"
    confined "$check" "popd-check as uid $1" "$bound"
    end_check "uid $1"
    deeds "uid $1"
    end
}

if [ "$(id -u)" = 0 ]; then
    as_root
    as_powerless_root
    as_uid 54321
else
    as_uid "$(id -u)"
    skip 32 "needs root: started as root"
fi
