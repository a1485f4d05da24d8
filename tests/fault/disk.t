#!/bin/sh
# Where mail is kept goes wrong: a full disk, one that is read-only, a queue that vanished, a
# mailbox that somebody holds, times that lie in the past or in the future, and an end in the
# midst of a message.  Each has its line in the log, and nothing that was taken is lost.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
need python3
need_root
need unshare

# A file system of our own, seen by this script and what it starts.
if [ -z "${DISK_TEST_MOUNTED:-}" ]; then
    unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
    export DISK_TEST_MOUNTED=yes
    release_ports
    rm -rf "$T"
    trap - EXIT
    exec unshare -m --propagation private sh "$0"
fi
. "$ROOT/tests/lib/checks.sh"

daemon_log() { # ERE NAME
    if wait_log smtp "$1"; then
        pass "the log: $2"
    else
        fail "the log: $2"
        diag "$(tail -n 5 "$T/smtp.log")"
    fi
}

# Kibibytes that are left, filled up to exactly that.
leave() { # DIRECTORY KIB
    python3 - "$1" "$2" <<'END'
import os, sys
path, left = sys.argv[1] + '/filler', int(sys.argv[2]) * 1024
if os.path.exists(path):
    os.unlink(path)
st = os.statvfs(sys.argv[1])
fill = st.f_bavail * st.f_frsize - left
assert fill >= 0, fill
with open(path, 'wb') as f:
    os.posix_fallocate(f.fileno(), 0, fill)
st = os.statvfs(sys.argv[1])
assert st.f_bavail * st.f_frsize == left, (st.f_bavail, left)
END
}

server_setup mbox
mount -t tmpfs -o size=8m,mode=755 tmpfs "$T/spool" || skip_all "no tmpfs can be mounted here"
mount -t tmpfs -o size=4m,mode=1777 tmpfs "$T/mail"

# ---- blocks that must stay free
server_smtp -O MinFreeBlocks=100 || fail "the server starts"
smtp message "$SMTP" first 250 >"$T/out" 2>&1 || fail "a message first: $(cat "$T/out")"
wait_for 20 has_mail u1 1
leave "$T/spool" 404
ok "one block more than must be free" smtp mail "$SMTP" 250
leave "$T/spool" 400
ok "as many as must be free" smtp mail "$SMTP" 250
ok "but not with the size that is declared" smtp mail "$SMTP" \
    "452 4.3.1 <a@elsewhere.test>... Insufficient disk space" " SIZE=1"
leave "$T/spool" 396
ok "one block less" smtp mail "$SMTP" "452 4.3.1 <a@elsewhere.test>... Insufficient disk space"
daemon_log 'octets free, less than MinFreeBlocks wants' "less is free than must be"
stop_daemon smtp

# ---- a disk that fills up while the message comes
server_smtp -O MinFreeBlocks=0 -O SuperSafe=true || fail "the server starts"
leave "$T/spool" 16
ok "a full queue disk is answered 452" smtp message "$SMTP" full "452 4.3.1" 100000
daemon_log 'No space left on device' "the disk is full"
rm "$T/spool/filler"
ok "room again: the next message is taken by the same daemon" smtp message "$SMTP" room 250
ok "and delivered" wait_for 20 has_mail u1 2
leave "$T/mail" 0
ok "a full mailbox disk: taken, for the queue has room" smtp message "$SMTP" later 250 100000
daemon_log 'No space left on device|stat=Deferred' "deferred"
is "$(as_server mailq | grep -c '<u1@example.test>\|u1@example.test')" 1 "it waits"
is "$(tail -c 1 "$T/mail/u1" | od -An -c | tr -d ' ')" '\n' "the mailbox is not torn"
is "$(grep -c '^Subject: later' "$T/mail/u1")" 0 "nothing of it is in the mailbox"
rm "$T/mail/filler"
kill -USR1 "$(cat "$T/smtp.pid")"
ok "room again: a queue run delivers it" wait_for 20 has_mail u1 3
ok "the queue is empty" wait_for 20 queue_empty

# ---- a disk that is read-only
mount -o remount,ro "$T/spool"
ok "a read-only queue: MAIL or the message is answered 4xx" smtp message "$SMTP" readonly 4
daemon_log 'Read-only file system' "read-only"
mount -o remount,rw "$T/spool"
ok "writable again: taken by the same daemon" smtp message "$SMTP" writable 250
ok "and delivered" wait_for 20 has_mail u1 4
mount -o remount,ro "$T/mail"
ok "a read-only mailbox disk: taken into the queue" smtp message "$SMTP" romail 250
daemon_log 'Read-only file system' "the mailbox's disk is read-only"
mount -o remount,rw "$T/mail"
kill -USR1 "$(cat "$T/smtp.pid")"
ok "writable again: a queue run delivers it" wait_for 20 has_mail u1 5

# ---- a mailbox that somebody holds
python3 - "$T/mail/u1" "$T/held" <<'END' &
import fcntl, os, sys, time
with open(sys.argv[1], 'r+b') as f:
    fcntl.lockf(f, fcntl.LOCK_EX)
    open(sys.argv[2], 'w').close()
    while os.path.exists(sys.argv[2]):
        time.sleep(0.02)
END
holder=$!
wait_for 20 test -e "$T/held" || fail "the mailbox is held"
ok "a mailbox that is held: taken all the same" smtp message "$SMTP" held 250
ok "others are not kept waiting" smtp message "$SMTP" other 250 1 u2
ok "and have it" wait_for 20 has_mail u2 1
daemon_log 'lock' "the lock is named"
is "$(count_mail u1)" 5 "it is not there while the lock is held"
rm "$T/held"
wait $holder
kill -USR1 "$(cat "$T/smtp.pid")"
wait_for 1 has_mail u1 6 || kill -USR1 "$(cat "$T/smtp.pid")"
ok "let go: a queue run delivers it" wait_for 40 has_mail u1 6

# ---- SIGTERM in the midst of a message
ok "an end in the midst of a message" smtp terminate "$SMTP" "$(cat "$T/smtp.pid")"
answer=$(cat "$T/out")
like "$answer" '^(250|421|closed)$' "is answered, or the connection is closed"
wait "$(cat "$T/smtp.pid")"
is $? 0 "it ends with status 0"
rm -f "$T/smtp.pid"
is "$(find "$T/spool/queue/tmp" -type f | wc -l)" 0 "nothing half is left"

# ---- a queue that vanished
server_smtp -O SuperSafe=true || fail "the server starts"
if [ "$answer" = 250 ]; then
    ok "what was answered 250 is there" wait_for 20 has_mail u3 1
    is "$(grep -c '^second half' "$T/mail/u3")" 1 "whole"
else
    wait_for 20 queue_empty
    is "$(count_mail u3)" 0 "what was not answered 250 is not there"
fi
rmdir "$T/spool/queue/tmp"
ok "a queue directory that vanished is answered 4xx" smtp message "$SMTP" vanished 4
daemon_log 'No such file or directory' "it is gone"
stop_daemon smtp
server_smtp -O SuperSafe=true || fail "the server starts"
ok "made again by the next start: taken" smtp message "$SMTP" back 250
ok "and delivered" wait_for 20 has_mail u1 7
stop_daemon smtp

# ---- a clock that jumped: what was written yesterday says tomorrow, and the other way round
for n in past future now; do
    printf 'Subject: %s\n\nbody\n' $n | sendmail -O DeliveryMode=q u1@example.test
done
set -- "$T"/spool/queue/queue/*
is $# 3 "three messages wait"
python3 - "$@" <<'END'
import os, sys, time
now = int(time.time())
for path, t in zip(sorted(sys.argv[1:]), (now - 3 * 86400, now + 400 * 86400)):
    with open(path, 'r+b') as f:
        head = f.read(60)
        assert head[:5] == b'LBQ1 ' and head[15:16] == b' ', head
        # created and next, ten digits each
        f.seek(5)
        f.write(b'%010d %010d' % (t, t))
    os.utime(path, (t, t))
END
server_smtp -q1s || fail "the server starts"
ok "all are delivered, whatever their times say" wait_for 30 has_mail u1 10
ok "and the queue is empty" wait_for 20 queue_empty
stop_daemon smtp
nok "no sanitizer report in the log" \
    grep -E 'runtime error|AddressSanitizer|LeakSanitizer' "$T/smtp.log"
umount "$T/spool" "$T/mail"
