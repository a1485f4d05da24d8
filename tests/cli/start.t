#!/bin/sh
# How the program that ships gets into memory: from a sealed file that a daemon's roles share,
# or without one where the kernel has none.
. "$(dirname "$0")/../lib/tap.sh"
. "$ROOT/tests/lib/server.sh"
[ "$BUILD" = release ] || skip_all "the other builds are not packed"
need strace

# The shell's own descriptors 3 to 9 are nobody's business.
ok "it runs" letterbox --version
ok "it runs without standard descriptors" sh -c 'letterbox --list <&- >&- 2>&-; [ $? -le 1 ]'
echo stranger >"$T/stranger"
ok "a descriptor 4 of the caller's is left alone" \
    sh -c 'letterbox --version 4<"$1"; mailq 4<"$1" >/dev/null 2>&1; read -r line <"$1"; [ "$line" = stranger ]' _ "$T/stranger"
ok "the same without an anonymous file" \
    strace -o "$T/trace" -e trace=memfd_create -e inject=memfd_create:error=ENOSYS letterbox --version
like "$(cat "$T/trace")" 'INJECTED' "(it was asked for)"
ok "the same where it cannot be made longer" \
    strace -o /dev/null -e trace=ftruncate -e inject=ftruncate:error=ENOSPC:when=1 letterbox --version
ok "the same where it cannot be sealed" \
    strace -o /dev/null -e trace=fcntl -e inject=fcntl:error=EPERM:when=2 letterbox --version
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
