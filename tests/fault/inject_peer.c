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
 * and writes "PID CALL PATH" of the call that was hit to FILE, which stays empty when there were
 * less than N.  125: the tool itself failed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/filter.h"

enum { TRACEES_MAX = 256, FAILED = 125 };

static const struct {
	const char *name;
	int nr;
	int path; /* which argument is a file's name, the first of two; 0: none */
} names[] = {
    {"write", SYS_write, 0},         {"writev", SYS_writev, 0},
    {"pwrite64", SYS_pwrite64, 0},   {"sendfile", SYS_sendfile, 0},
    {"open", SYS_open, 1},           {"openat", SYS_openat, 2},
    {"link", SYS_link, 1},           {"linkat", SYS_linkat, 2},
    {"rename", SYS_rename, 1},       {"renameat", SYS_renameat, 2},
    {"renameat2", SYS_renameat2, 2}, {"unlink", SYS_unlink, 1},
    {"unlinkat", SYS_unlinkat, 2},   {"mkdir", SYS_mkdir, 1},
    {"mkdirat", SYS_mkdirat, 2},     {"fsync", SYS_fsync, 0},
    {"fdatasync", SYS_fdatasync, 0}, {"ftruncate", SYS_ftruncate, 0},
    {"close", SYS_close, 0},         {"copy_file_range", SYS_copy_file_range, 0},
    {"fallocate", SYS_fallocate, 0}, {"fchown", SYS_fchown, 0},
    {"fchmod", SYS_fchmod, 0},       {"sync_file_range", SYS_sync_file_range, 0},
    {"stat", SYS_stat, 1},           {"lstat", SYS_lstat, 1},
};

static const struct {
	const char *name;
	int sys;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},         {"EINTR", EINTR},
	      {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM},   {"EDQUOT", EDQUOT},
	      {"EROFS", EROFS},   {"EACCES", EACCES},   {"ENFILE", ENFILE},
	      {"ELOOP", ELOOP},   {"ENOTDIR", ENOTDIR}, {"ENAMETOOLONG", ENAMETOOLONG}};

static int calls[FILTER_CALLS_MAX];
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
		if (i == sizeof names / sizeof names[0] || ncalls == FILTER_CALLS_MAX) {
			fprintf(stderr, "inject: %s: no call that this tool knows\n", p);
			exit(FAILED);
		}
		calls[ncalls++] = names[i].nr;
	}
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

static void tell_path(pid_t pid, const struct user_regs_struct *r)
{
	unsigned long at = 0;
	char word[sizeof(long) + 1] = "";
	long got = 0;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].nr == (long)r->orig_rax && names[i].path)
			at = names[i].path == 1 ? r->rdi : r->rsi;
	do {
		errno = 0;
		if (at)
			got = ptrace(PTRACE_PEEKDATA, pid, at, NULL);
		if (errno == 0)
			memcpy(word, &got, sizeof got);
		fputs(word, told);
		at += sizeof got;
	} while (errno == 0 && strlen(word) == sizeof got);
}

/* The wanted call is about to be made by pid; returns how pid goes on. */
static int hit(pid_t pid, struct user_regs_struct *r)
{
	long nr = (long)r->orig_rax;

	if (told) {
		fprintf(told, "%d %s ", (int)pid, name_of(nr));
		tell_path(pid, r);
		fputc('\n', told);
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
		if (!filter_calls(calls, ncalls))
			die("seccomp");
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
