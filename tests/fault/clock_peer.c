/*
 * clock FILE COMMAND [ARG...]
 *
 * Runs the command with a wall clock that is wrong by as many seconds as FILE says at the moment,
 * for it and for all that descend from it; other clocks stay.  The kernel's clock is not
 * touched.  Programs are kept from reading the time without a system call (the vDSO).
 *
 * SIGTERM goes to the command.  Ends when all have ended, with the command's exit status (128 +
 * signal when it was killed); 125: the tool itself failed.  Needs x86-64.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/filter.h"

/* Of linux/auxvec.h, which not every libc has. */
enum {
	AUX_IGNORE = 1,
	AUX_VDSO = 33,
	FAILED = 125,
};

static pid_t child;
static int shift_fd;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "clock: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static void on_term(int signo)
{
	kill(child, signo);
}

static long peek(pid_t pid, unsigned long at)
{
	return ptrace(PTRACE_PEEKDATA, pid, at, NULL);
}

/* On the new program's stack: argc, arguments, 0, environment, 0, pairs of kind and value. */
static void hide_vdso(pid_t pid)
{
	struct user_regs_struct r;
	unsigned long at, word = sizeof(long);

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) != 0)
		return;
	at = r.rsp + word * (unsigned long)(peek(pid, r.rsp) + 2);
	while (peek(pid, at) != 0)
		at += word;
	for (at += word; peek(pid, at) != 0; at += 2 * word)
		if (peek(pid, at) == AUX_VDSO)
			ptrace(PTRACE_POKEDATA, pid, at, (long)AUX_IGNORE);
}

static long shift(void)
{
	char mem[32] = "";

	return pread(shift_fd, mem, sizeof mem - 1, 0) > 0 ? strtol(mem, NULL, 10) : 0;
}

/* Answered here, so that the kernel is not asked. */
static void tell_time(pid_t pid)
{
	struct user_regs_struct r;
	struct timespec now;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) != 0 || r.rdi != CLOCK_REALTIME)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	ptrace(PTRACE_POKEDATA, pid, r.rsi, (long)now.tv_sec + shift());
	ptrace(PTRACE_POKEDATA, pid, r.rsi + sizeof(long), now.tv_nsec);
	r.orig_rax = (unsigned long long)-1;
	r.rax = 0;
	ptrace(PTRACE_SETREGS, pid, NULL, &r);
}

static int trace(void)
{
	int status, result = FAILED;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		int event = status >> 16;
		long pass = 0;

		if (pid < 0)
			continue;
		if (!WIFSTOPPED(status)) {
			if (pid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
							   : 128 + WTERMSIG(status);
			continue;
		}
		if (event == PTRACE_EVENT_SECCOMP)
			tell_time(pid);
		else if (event == PTRACE_EVENT_EXEC)
			hide_vdso(pid);
		/* A new process begins with a SIGSTOP that nobody sent; nobody else does here. */
		else if (event == 0 && WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
			pass = WSTOPSIG(status);
		ptrace(PTRACE_CONT, pid, NULL, pass);
	}
	return result;
}

int main(int argc, char **argv)
{
	enum {
		OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL
	};
	struct sigaction term = {.sa_handler = on_term};
	int call = SYS_clock_gettime, status;

	if (argc < 3) {
		fprintf(stderr, "usage: clock FILE COMMAND [ARG...]\n");
		return FAILED;
	}
	shift_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (shift_fd < 0)
		die(argv[1]);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			die("ptrace");
		raise(SIGSTOP);
		if (!filter_calls(&call, 1))
			die("seccomp");
		execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	sigaction(SIGTERM, &term, NULL);
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, (long)OPTIONS) != 0)
		die("ptrace");
	ptrace(PTRACE_CONT, child, NULL, 0L);
	return trace();
}
