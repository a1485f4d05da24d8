/*
 * The tables of system calls; see sys/box_calls.h.
 *
 * From musl's point of view: it makes the elder calls (open, link, poll) where an architecture
 * has them, and on 32-bit ones those with 64-bit time and offsets.
 */
#include "sys/box_calls.h"

#include <sys/syscall.h>

#include "sys/box.h"

/* A rule with READ holds for either bit: who may write files may read them too. */
enum { FILES = BOX_FILES, READ = BOX_READ | BOX_FILES, SOCKETS = BOX_SOCKETS, OWNER = BOX_OWNER };

/* A rule holds for a role that asked for one of its bits; 0 means every role. */
#define ALWAYS(name)                           \
	{                                      \
		__NR_##name, 0, BOX_CALLS_NONE \
	}
#define NEEDS(name, bits)                         \
	{                                         \
		__NR_##name, bits, BOX_CALLS_NONE \
	}
#define CHECKED(name, bits, how)       \
	{                              \
		__NR_##name, bits, how \
	}
#define REFUSED(name)                             \
	{                                         \
		__NR_##name, 0, BOX_CALLS_REFUSED \
	}

/*
 * Hot calls come first: the filter compares in this order at every call. Neither execve nor
 * ptrace is here, so that a role that was taken over cannot start anything. NOSYS answers what a
 * libc tries first and can do without: killing for it would break with the next libc.
 */
static const struct box_calls_rule allowed[] = {
    ALWAYS(read),
    ALWAYS(write),
    ALWAYS(epoll_pwait),
    ALWAYS(sendto),
    ALWAYS(recvfrom),
    ALWAYS(sendmsg),
    ALWAYS(recvmsg),
    ALWAYS(epoll_ctl),
    ALWAYS(futex),
    ALWAYS(close),
    ALWAYS(writev),
    ALWAYS(readv),
    ALWAYS(pread64),
    ALWAYS(pwrite64),
    ALWAYS(preadv),
    ALWAYS(pwritev),
    ALWAYS(fdatasync),
    ALWAYS(fsync),
    ALWAYS(ftruncate),
    NEEDS(memfd_create, FILES),
    ALWAYS(fallocate),
    ALWAYS(lseek),
    ALWAYS(fcntl),
    ALWAYS(dup),
    ALWAYS(dup3),
    ALWAYS(brk),
    ALWAYS(munmap),
    ALWAYS(mremap),
    ALWAYS(madvise),
    CHECKED(mprotect, 0, BOX_CALLS_NO_EXEC),
    ALWAYS(fstat),
    ALWAYS(statx),
    ALWAYS(shutdown),
    ALWAYS(getsockopt),
    ALWAYS(setsockopt),
    ALWAYS(getsockname),
    ALWAYS(getpeername),
    ALWAYS(epoll_create1),
    ALWAYS(eventfd2),
    ALWAYS(signalfd4),
    ALWAYS(timerfd_create),
    ALWAYS(pipe2),
    ALWAYS(ppoll),
    ALWAYS(nanosleep),
    ALWAYS(setitimer),
    ALWAYS(gettimeofday),
    ALWAYS(getrandom),
    ALWAYS(getpid),
    ALWAYS(gettid),
    ALWAYS(getppid),
    ALWAYS(getuid),
    ALWAYS(geteuid),
    ALWAYS(getgid),
    ALWAYS(getegid),
    ALWAYS(getresuid),
    ALWAYS(getresgid),
    ALWAYS(getgroups),
    ALWAYS(umask),
    ALWAYS(uname),
    ALWAYS(sysinfo),
    ALWAYS(sched_yield),
    ALWAYS(rt_sigaction),
    ALWAYS(rt_sigprocmask),
    ALWAYS(rt_sigreturn),
    ALWAYS(sigaltstack),
    ALWAYS(restart_syscall),
    ALWAYS(exit),
    ALWAYS(exit_group),
    /* Signals to itself only: abort and raise. */
    CHECKED(tkill, 0, BOX_CALLS_SELF),
    CHECKED(tgkill, 0, BOX_CALLS_SELF),
    /* prlimit64 with a process of 0: limits of its own, and nobody else's. */
    CHECKED(prlimit64, 0, BOX_CALLS_ZERO),
    CHECKED(clone, BOX_THREADS, BOX_CALLS_THREAD),
    NEEDS(set_tid_address, BOX_THREADS),
    NEEDS(set_robust_list, BOX_THREADS),
    NEEDS(accept4, BOX_ACCEPT),
    CHECKED(socket, SOCKETS, BOX_CALLS_FAMILY),
    CHECKED(socketpair, SOCKETS, BOX_CALLS_FAMILY),
    NEEDS(connect, SOCKETS),
    NEEDS(bind, SOCKETS),
    /* Twice, and the first that fits counts: with files any flags, else those for reading. */
    NEEDS(openat, FILES),
    CHECKED(openat, READ, BOX_CALLS_READ_3),
    NEEDS(getdents64, READ),
    NEEDS(readlinkat, READ),
    NEEDS(faccessat, READ),
    NEEDS(linkat, FILES),
    NEEDS(unlinkat, FILES),
    NEEDS(renameat2, FILES),
    NEEDS(mkdirat, FILES),
    NEEDS(flock, FILES),
    NEEDS(fchmod, FILES),
    NEEDS(fchmodat, FILES),
    NEEDS(utimensat, FILES),
    /* Signal 0 asks whether the writer of a lock file lives (sys/lock.c). */
    CHECKED(kill, FILES, BOX_CALLS_SIGNAL_0),
    NEEDS(fchown, OWNER),
    NEEDS(fchownat, OWNER),
    NEEDS(setgroups, OWNER),
    NEEDS(setresuid, OWNER),
    NEEDS(setresgid, OWNER),
    CHECKED(clone3, 0, BOX_CALLS_NOSYS),
    CHECKED(rseq, 0, BOX_CALLS_NOSYS),
    CHECKED(membarrier, 0, BOX_CALLS_NOSYS),
    CHECKED(close_range, 0, BOX_CALLS_NOSYS),
    CHECKED(openat2, 0, BOX_CALLS_NOSYS),
#ifdef __NR_faccessat2
    CHECKED(faccessat2, 0, BOX_CALLS_NOSYS),
#endif
#ifdef __NR_epoll_pwait2
    CHECKED(epoll_pwait2, 0, BOX_CALLS_NOSYS),
#endif
#ifdef __NR_sync_file_range
    ALWAYS(sync_file_range),
#endif
#ifdef __NR_sync_file_range2
    ALWAYS(sync_file_range2),
#endif
#ifdef __NR_mmap
    CHECKED(mmap, 0, BOX_CALLS_NO_EXEC),
#endif
#ifdef __NR_newfstatat
    ALWAYS(newfstatat),
#endif
#ifdef __NR_fstatfs
    ALWAYS(fstatfs),
    NEEDS(statfs, READ),
#endif
#ifdef __NR_accept
    NEEDS(accept, BOX_ACCEPT),
#endif
#ifdef __NR_renameat
    NEEDS(renameat, FILES),
#endif
/* Time in 64 bits: named without a suffix where there never was another. */
#ifdef __NR_clock_gettime
    ALWAYS(clock_gettime),
    ALWAYS(clock_getres),
    ALWAYS(clock_nanosleep),
    ALWAYS(timerfd_settime),
#else
    ALWAYS(clock_gettime64),
    ALWAYS(clock_gettime32),
    ALWAYS(clock_getres_time64),
    ALWAYS(clock_nanosleep_time64),
    ALWAYS(timerfd_settime64),
    ALWAYS(futex_time64),
    ALWAYS(ppoll_time64),
    ALWAYS(recvmmsg_time64),
    NEEDS(utimensat_time64, FILES),
#endif
/* Calls of the elder architectures, which musl prefers where they exist. */
#ifdef __NR_open
    ALWAYS(epoll_wait),
    ALWAYS(poll),
    ALWAYS(dup2),
    ALWAYS(pipe),
    NEEDS(open, FILES),
    CHECKED(open, READ, BOX_CALLS_READ_2),
    NEEDS(access, READ),
    NEEDS(stat, READ),
    NEEDS(lstat, READ),
    NEEDS(readlink, READ),
    NEEDS(link, FILES),
    NEEDS(unlink, FILES),
    NEEDS(rename, FILES),
    NEEDS(mkdir, FILES),
    NEEDS(rmdir, FILES),
    NEEDS(chmod, FILES),
    NEEDS(chown, OWNER),
    NEEDS(lchown, OWNER),
#endif
#ifdef __NR_mmap2
    CHECKED(mmap2, 0, BOX_CALLS_NO_EXEC),
    ALWAYS(_llseek),
    ALWAYS(fcntl64),
    ALWAYS(fstat64),
    ALWAYS(fstatat64),
    ALWAYS(ftruncate64),
    ALWAYS(fstatfs64),
    NEEDS(statfs64, READ),
    ALWAYS(sigreturn),
    ALWAYS(getuid32),
    ALWAYS(geteuid32),
    ALWAYS(getgid32),
    ALWAYS(getegid32),
    ALWAYS(getresuid32),
    ALWAYS(getresgid32),
    ALWAYS(getgroups32),
    NEEDS(stat64, READ),
    NEEDS(lstat64, READ),
    NEEDS(fchown32, OWNER),
    NEEDS(setgroups32, OWNER),
    NEEDS(setresuid32, OWNER),
    NEEDS(setresgid32, OWNER),
#endif
};

/*
 * What nothing that a delivery starts has business with, even as root.  A name space of its own
 * would give every user the kernel's code for root; its flags in clone3 are in memory, where a
 * filter cannot look.
 */
static const struct box_calls_rule forbidden[] = {
    CHECKED(clone, 0, BOX_CALLS_NO_SPACE),
    CHECKED(clone3, 0, BOX_CALLS_NOSYS),
    CHECKED(ioctl, 0, BOX_CALLS_NO_TYPED),
    REFUSED(ptrace),
    REFUSED(process_vm_readv),
    REFUSED(process_vm_writev),
    REFUSED(mount),
    REFUSED(umount2),
    REFUSED(pivot_root),
    REFUSED(unshare),
    REFUSED(setns),
    REFUSED(init_module),
    REFUSED(finit_module),
    REFUSED(delete_module),
    REFUSED(kexec_load),
    REFUSED(bpf),
    REFUSED(perf_event_open),
    REFUSED(userfaultfd),
    REFUSED(keyctl),
    REFUSED(add_key),
    REFUSED(request_key),
    REFUSED(swapon),
    REFUSED(swapoff),
    REFUSED(reboot),
    REFUSED(settimeofday),
    REFUSED(adjtimex),
    REFUSED(sethostname),
    REFUSED(setdomainname),
    REFUSED(quotactl),
    REFUSED(acct),
    REFUSED(open_by_handle_at),
    REFUSED(syslog),
    REFUSED(kcmp),
    REFUSED(fanotify_init),
    REFUSED(vhangup),
#ifdef __NR_clock_settime
    REFUSED(clock_settime),
    REFUSED(clock_adjtime),
#else
    REFUSED(clock_settime64),
    REFUSED(clock_adjtime64),
#endif
#ifdef __NR_kexec_file_load
    REFUSED(kexec_file_load),
#endif
#ifdef __NR_iopl
    REFUSED(iopl),
    REFUSED(ioperm),
#endif
    /* By number where the headers may be older than the call. */
    {425 /* io_uring_setup */, 0, BOX_CALLS_REFUSED},
    {428 /* open_tree */, 0, BOX_CALLS_REFUSED},
    {429 /* move_mount */, 0, BOX_CALLS_REFUSED},
    {430 /* fsopen */, 0, BOX_CALLS_REFUSED},
    {431 /* fsconfig */, 0, BOX_CALLS_REFUSED},
    {432 /* fsmount */, 0, BOX_CALLS_REFUSED},
    {433 /* fspick */, 0, BOX_CALLS_REFUSED},
    {438 /* pidfd_getfd */, 0, BOX_CALLS_REFUSED},
    {442 /* mount_setattr */, 0, BOX_CALLS_REFUSED},
    {443 /* quotactl_fd */, 0, BOX_CALLS_REFUSED},
};

const struct box_calls_rule *box_calls_allowed(size_t *n)
{
	*n = sizeof allowed / sizeof allowed[0];
	return allowed;
}

const struct box_calls_rule *box_calls_forbidden(size_t *n)
{
	*n = sizeof forbidden / sizeof forbidden[0];
	return forbidden;
}
