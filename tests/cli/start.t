#!/bin/sh
# How the program that ships gets into memory: from a sealed file that a daemon's roles share,
# or without one where the kernel has none.
. "${0%/*}/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
[ "$BUILD" = release ] || skip_all "the other builds are not packed"
need strace python3

# The shell's own descriptors 3 to 9 are nobody's business.
ok "it runs" letterbox --version
ok "it runs without standard descriptors" sh -c 'letterbox --list <&- >&- 2>&-; [ $? -le 1 ]'
ok "another user's image is not taken for ours" python3 - "$T/bin/letterbox" <<'P'
import fcntl
import os
import subprocess
import sys

# The true image, as another user would have it: root's program must make its own.
if os.geteuid() != 0:
    sys.exit(0)
source = subprocess.Popen([sys.argv[1], 'sendmail', '-bs'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
source.stdout.readline()
fd = next(int(n) for n in os.listdir(f'/proc/{source.pid}/fd')
          if 'memfd:letterbox' in os.readlink(f'/proc/{source.pid}/fd/{n}'))
image = open(f'/proc/{source.pid}/fd/{fd}', 'rb').read()
source.stdin.close()
source.wait()
os.setegid(54321)
os.seteuid(54321)
theirs = os.memfd_create('letterbox', os.MFD_ALLOW_SEALING)
os.write(theirs, image)
fcntl.fcntl(theirs, 1033, 15)
os.seteuid(0)
os.setegid(0)


def taken(owner):
    os.fchown(theirs, owner, owner)
    p = subprocess.Popen([sys.argv[1], 'sendmail', '-bs'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         preexec_fn=lambda: os.dup2(theirs, 4), close_fds=False)
    p.stdout.readline()
    same = any(line.split()[4] == str(os.fstat(theirs).st_ino)
               for line in open(f'/proc/{p.pid}/maps') if 'memfd:letterbox' in line)
    p.stdin.close()
    p.wait()
    return same


assert not taken(54321), 'mapped'
assert taken(0), 'our own is not mapped: this test sees nothing'
P
echo stranger >"$T/stranger"
ok "a descriptor 4 of the caller's is left alone" \
    sh -c 'letterbox --version 4<"$1"; mailq 4<"$1" >/dev/null 2>&1; read -r line <"$1"; [ "$line" = stranger ]' _ "$T/stranger"
ok "the same without an anonymous file" \
    strace -o "$T/trace" -e trace=memfd_create -e inject=memfd_create:error=ENOSYS letterbox --version
like "$(cat "$T/trace")" 'INJECTED' "(it was asked for)"
for full in error=ENOSPC retval=4096; do
    ok "the same where it has no room ($full)" \
        strace -o "$T/trace" -e trace=write -e "inject=write:$full:when=1" letterbox --version
    like "$(cat "$T/trace")" '^write.*ELF.*INJECTED' "(it was tried)"
done
ok "the same without huge pages" \
    strace -o "$T/trace" -e trace=madvise -e inject=madvise:error=EINVAL:when=1 letterbox --version
like "$(cat "$T/trace")" 'MADV_HUGEPAGE.*INJECTED' "(they were asked for)"
ok "the same where it cannot be sealed" \
    strace -o "$T/trace" -e trace=fcntl -e inject=fcntl:error=EPERM:when=2 letterbox --version
like "$(cat "$T/trace")" 'F_ADD_SEALS.*INJECTED' "(it was tried)"
exits 71 "no memory at all is told" \
    strace -o /dev/null -e trace=mmap -e inject=mmap:error=ENOMEM letterbox --version
like "$(cat "$T/err")" 'letterbox: cannot map the program' "with a reason"

server_setup mbox
if server_smtp; then
    # Inodes of the mapped file, over all processes of the daemon.
    gate=$(cat "$T/smtp.pid")
    for pid in $gate $(cat "/proc/$gate/task/$gate/children"); do
        awk '/memfd:letterbox/ && $2 ~ /x/ { print $5 }' "/proc/$pid/maps"
    done >"$T/inodes"
    is "$(sort -u "$T/inodes" | wc -l)" 1 "all processes of a daemon map the same code"
    ok "there are several" test "$(wc -l <"$T/inodes")" -ge 3
    is "$(awk '/memfd:letterbox/ && $2 ~ /w/ && $2 ~ /x/' "/proc/$gate/maps")" "" \
        "nothing is writable and executable"
    ok "it ends" stop_daemon smtp
else
    fail "the daemon starts"
fi
