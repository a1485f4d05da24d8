/*
 * inject [-t FILE] [-c FILE] CALL[,CALL...] N FAULT COMMAND [ARG...]
 *
 * Runs the command and lets the N-th of the system calls named, counted over all processes and
 * threads that descend from it, fail or be the last:
 *
 *   ENOSPC, EIO, EINTR, EMFILE...  the call is not made and fails; close(2) alone is made first,
 *                                  since the kernel releases the descriptor whatever it answers
 *   short                          a write is cut to half of its octets (one octet stays whole)
 *   kill                           SIGKILL for the process, the call is not made
 *   crash                          SIGKILL for all of them at that moment
 *   kill-after, crash-after        the same when the call has been made
 *
 * With -c, each SIGUSR1 has "N FAULT" read from that file, and calls are counted anew; FILE of -t
 * is emptied and says "armed N FAULT" first.  N is 0 for a command that is left alone till then.
 *
 * Ends when all of them have, with the command's exit status (128 + signal when it was killed),
 * and writes "PID CALL" of the call that was hit to FILE, which stays empty when there were
 * less than N.  125: the tool itself failed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* From linux/filter.h and linux/seccomp.h, which a libc other than the host's does not have. */
struct sock_filter {
	unsigned short code;
	unsigned char jt, jf;
	unsigned k;
};
struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};
enum {
	LOAD_WORD = 0x20,
	JUMP_EQUAL = 0x15,
	RETURN = 0x06,
	RET_ALLOW = 0x7fff0000,
	RET_TRACE = 0x7ff00000,
	MODE_FILTER = 2,
	NR_OFFSET = 0, /* of nr in struct seccomp_data */
};

enum { CALLS_MAX = 32, TRACEES_MAX = 256, FAILED = 125 };

static const struct {
	const char *name;
	int nr;
} names[] = {
    {"write", SYS_write},         {"writev", SYS_writev},
    {"pwrite64", SYS_pwrite64},   {"sendfile", SYS_sendfile},
    {"open", SYS_open},           {"openat", SYS_openat},
    {"link", SYS_link},           {"linkat", SYS_linkat},
    {"rename", SYS_rename},       {"renameat", SYS_renameat},
    {"renameat2", SYS_renameat2}, {"unlink", SYS_unlink},
    {"unlinkat", SYS_unlinkat},   {"mkdir", SYS_mkdir},
    {"mkdirat", SYS_mkdirat},     {"fsync", SYS_fsync},
    {"fdatasync", SYS_fdatasync}, {"ftruncate", SYS_ftruncate},
    {"close", SYS_close},         {"copy_file_range", SYS_copy_file_range},
    {"fallocate", SYS_fallocate}, {"fchown", SYS_fchown},
    {"fchmod", SYS_fchmod},       {"sync_file_range", SYS_sync_file_range},
};

static const struct {
	const char *name;
	int sys;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EINTR", EINTR}, {"EMFILE", EMFILE},
	      {"ENOMEM", ENOMEM}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}, {"EACCES", EACCES}};

static int calls[CALLS_MAX];
static size_t ncalls;
static long wanted, counted;
static const char *fault;
static int failure; /* errno, 0 for the other faults */
static const char *told_name, *orders;
static FILE *told;
static pid_t tracees[TRACEES_MAX];
static pid_t closing; /* its call is under way; then it is to fail, or to be the last */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

static const char *name_of(long nr)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].nr == nr)
			return names[i].name;
	return "?";
}

static void parse_calls(char *list)
{
	for (char *p = strtok(list, ","); p; p = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof names / sizeof names[0] && strcmp(names[i].name, p) != 0)
			i++;
		if (i == sizeof names / sizeof names[0] || ncalls == CALLS_MAX) {
			fprintf(stderr, "inject: %s: no call that this tool knows\n", p);
			exit(FAILED);
		}
		calls[ncalls++] = names[i].nr;
	}
}

/* The kernel stops for us at the calls named and nowhere else, which is what makes this quick. */
static void filter(void)
{
	struct sock_filter code[CALLS_MAX + 3];
	struct sock_fprog program = {.filter = code};
	size_t n = 0;

	code[n++] = (struct sock_filter){LOAD_WORD, 0, 0, NR_OFFSET};
	for (size_t i = 0; i < ncalls; i++)
		code[n++] = (struct sock_filter){JUMP_EQUAL, (unsigned char)(ncalls - i), 0,
						 (unsigned)calls[i]};
	code[n++] = (struct sock_filter){RETURN, 0, 0, RET_ALLOW};
	code[n++] = (struct sock_filter){RETURN, 0, 0, RET_TRACE};
	program.len = (unsigned short)n;
	if (geteuid() != 0)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, MODE_FILTER, &program) != 0)
		die("seccomp");
}

/* True when it was not known yet. */
static bool note(pid_t pid)
{
	size_t empty = TRACEES_MAX;

	for (size_t i = 0; i < TRACEES_MAX; i++) {
		if (tracees[i] == pid)
			return false;
		if (tracees[i] == 0 && empty == TRACEES_MAX)
			empty = i;
	}
	if (empty < TRACEES_MAX)
		tracees[empty] = pid;
	return true;
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < TRACEES_MAX; i++)
		if (tracees[i] == pid)
			tracees[i] = 0;
}

static void kill_all(void)
{
	for (size_t i = 0; i < TRACEES_MAX; i++)
		if (tracees[i] > 0)
			kill(tracees[i], SIGKILL);
}

/* The wanted call is about to be made by pid; returns how pid goes on. */
static int hit(pid_t pid, struct user_regs_struct *r)
{
	long nr = (long)r->orig_rax;

	if (told) {
		fprintf(told, "%d %s\n", (int)pid, name_of(nr));
		fflush(told);
	}
	if (strstr(fault, "-after")) {
		closing = pid;
		return PTRACE_SYSCALL;
	}
	if (strcmp(fault, "kill") == 0) {
		kill(pid, SIGKILL);
	} else if (strcmp(fault, "crash") == 0) {
		kill_all();
	} else if (strcmp(fault, "short") == 0) {
		if ((nr == SYS_write || nr == SYS_pwrite64) && r->rdx > 1)
			r->rdx /= 2;
	} else if (nr == SYS_close) {
		closing = pid;
		return PTRACE_SYSCALL;
	} else {
		r->orig_rax = (unsigned long long)-1;
		r->rax = (unsigned long long)-failure;
	}
	ptrace(PTRACE_SETREGS, pid, NULL, r);
	return PTRACE_CONT;
}

/* What a stop means; returns the request to go on with, and the signal to pass on. */
static int stopped(pid_t pid, int status, long *pass)
{
	struct user_regs_struct r;
	int event = status >> 16;

	*pass = 0;
	if (WSTOPSIG(status) == (SIGTRAP | 0x80) && pid == closing) {
		/* Entry comes first where the filter's stop preceded it; only the exit has a
		 * result. */
		ptrace(PTRACE_GETREGS, pid, NULL, &r);
		if ((long long)r.rax == -ENOSYS)
			return PTRACE_SYSCALL;
		closing = 0;
		if (strcmp(fault, "kill-after") == 0)
			kill(pid, SIGKILL);
		if (strcmp(fault, "crash-after") == 0)
			kill_all();
		if (!failure)
			return PTRACE_CONT;
		r.rax = (unsigned long long)-failure;
		ptrace(PTRACE_SETREGS, pid, NULL, &r);
		return PTRACE_CONT;
	}
	if (event == PTRACE_EVENT_SECCOMP) {
		if (++counted == wanted && ptrace(PTRACE_GETREGS, pid, NULL, &r) == 0)
			return hit(pid, &r);
		return PTRACE_CONT;
	}
	if (event == 0 && WSTOPSIG(status) != SIGTRAP)
		*pass = WSTOPSIG(status);
	return PTRACE_CONT;
}

/* False: there is no such fault. */
static bool set_fault(const char *name)
{
	static const char *const others[] = {"none",  "short",      "kill",
					     "crash", "kill-after", "crash-after"};

	failure = 0;
	fault = NULL;
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(errors[i].name, name) == 0) {
			failure = errors[i].sys;
			fault = errors[i].name;
		}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i], name) == 0)
			fault = others[i];
	return fault != NULL;
}

static void obey(void)
{
	FILE *f = fopen(orders, "re");
	char name[32];

	if (!f || fscanf(f, "%ld %31s", &wanted, name) != 2 || !set_fault(name))
		die(orders);
	fclose(f);
	counted = 0;
	told = freopen(told_name, "we", told);
	if (!told)
		die(told_name);
	fprintf(told, "armed %ld %s\n", wanted, fault);
	fflush(told);
}

/* Waits for a stop or an end, and obeys meanwhile. */
static pid_t await(int *status)
{
	pid_t pid;

	while ((pid = waitpid(-1, status, __WALL | WNOHANG)) == 0) {
		sigset_t both;
		int signo;

		sigemptyset(&both);
		sigaddset(&both, SIGCHLD);
		sigaddset(&both, SIGUSR1);
		if (sigwait(&both, &signo) == 0 && signo == SIGUSR1 && orders)
			obey();
	}
	return pid;
}

static int trace(pid_t child)
{
	int status, result = FAILED;
	pid_t pid;

	while ((pid = await(&status)) > 0) {
		long pass = 0;
		int request;

		if (!WIFSTOPPED(status)) {
			forget(pid);
			if (pid == child)
				result = WIFEXITED(status) ? WEXITSTATUS(status)
							   : 128 + WTERMSIG(status);
			continue;
		}
		request = stopped(pid, status, &pass);
		/* A new one begins with a stop that nobody sent. */
		if (note(pid) && pass == SIGSTOP)
			pass = 0;
		ptrace(request, pid, NULL, pass);
	}
	return result;
}

int main(int argc, char **argv)
{
	enum {
		OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			  PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL |
			  PTRACE_O_TRACESYSGOOD
	};
	sigset_t both, before;
	int at = 1, status;
	pid_t child;

	for (; argc - at > 2 && argv[at][0] == '-'; at += 2)
		if (strcmp(argv[at], "-t") == 0)
			told_name = argv[at + 1];
		else
			orders = argv[at + 1];
	told = told_name ? fopen(told_name, "we") : NULL;
	if (told_name && !told)
		die(told_name);
	if (argc - at < 4) {
		fprintf(stderr, "usage: inject [-t FILE] [-c FILE] CALL[,CALL...] N FAULT COMMAND "
				"[ARG...]\n");
		return FAILED;
	}
	parse_calls(argv[at]);
	wanted = strtol(argv[at + 1], NULL, 10);
	if (!set_fault(argv[at + 2])) {
		fprintf(stderr, "inject: %s: no fault that this tool knows\n", argv[at + 2]);
		return FAILED;
	}
	sigemptyset(&both);
	sigaddset(&both, SIGCHLD);
	sigaddset(&both, SIGUSR1);
	sigprocmask(SIG_BLOCK, &both, &before);
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			die("ptrace");
		sigprocmask(SIG_SETMASK, &before, NULL);
		raise(SIGSTOP);
		filter();
		execvp(argv[at + 3], argv + at + 3);
		die(argv[at + 3]);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, (long)OPTIONS) != 0)
		die("ptrace");
	note(child);
	ptrace(PTRACE_CONT, child, NULL, 0L);
	return trace(child);
}
