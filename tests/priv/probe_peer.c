/*
 * probe PID [NAME...]
 *
 * Makes system calls in the place of another process, which stops for it and goes on afterwards
 * as if nothing had been, and prints "NAME ok" or "NAME errno" for each: what a role could do
 * that somebody took over.  Without names all are tried.  Needs root, and x86-64.
 *
 * exec comes last: where it succeeds there is no process left to go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BELOW = 4096 }; /* octets under the stack pointer where texts are put */

/* Where an argument is the text's address. */
#define TEXT (-4242L)

static const struct probe {
	const char *name;
	long nr;
	const char *text;
	long args[6];
} probes[] = {
    {"getpid", SYS_getpid, NULL, {0}}, /* always allowed: shows that the tool works */
    {"read-passwd", SYS_openat, "/etc/passwd", {AT_FDCWD, TEXT, O_RDONLY}},
    {"read-root", SYS_openat, "/", {AT_FDCWD, TEXT, O_RDONLY | O_DIRECTORY}},
    {"read-shadow", SYS_open, "/etc/shadow", {TEXT, O_RDONLY}},
    {"make-file", SYS_openat, "/etc/probe", {AT_FDCWD, TEXT, O_WRONLY | O_CREAT, 0600}},
    {"proc-mem", SYS_openat, "/proc/1/mem", {AT_FDCWD, TEXT, O_RDWR}},
    {"chroot", SYS_chroot, "/", {TEXT}},
    {"mount", SYS_mount, "/", {TEXT, TEXT, 0, 0, 0}},
    {"socket", SYS_socket, NULL, {AF_INET, SOCK_STREAM, 0}},
    {"socket-unix", SYS_socket, NULL, {AF_UNIX, SOCK_STREAM, 0}},
    {"socket-raw", SYS_socket, NULL, {AF_PACKET, SOCK_RAW, 0}},
    {"setuid", SYS_setuid, NULL, {0}},
    {"setresuid", SYS_setresuid, NULL, {0, 0, 0}},
    {"setgroups", SYS_setgroups, NULL, {0, 0}},
    {"kill", SYS_kill, NULL, {1, SIGCONT}},
    {"ptrace", SYS_ptrace, NULL, {PTRACE_TRACEME, 0, 0, 0}},
    {"user-space", SYS_unshare, NULL, {CLONE_NEWUSER}},
    {"keys", SYS_keyctl, NULL, {0, -3, 0}},
    {"uring", 425, NULL, {1, 0}},
    {"bpf", SYS_bpf, NULL, {0, 0, 0}},
    {"map-code", SYS_mmap, NULL, {0, 4096, 5 /* read, execute */, 0x22, -1, 0}},
    {"exec", SYS_execve, "/bin/true", {TEXT, 0, 0}},
};

static pid_t pid;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(125);
}

static const char *name_of(int sys)
{
	switch (sys) {
	case EPERM:
		return "EPERM";
	case EACCES:
		return "EACCES";
	case ENOSYS:
		return "ENOSYS";
	default:
		return strerror(sys);
	}
}

static void await_stop(void)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("the process did not stop");
}

static void put_text(unsigned long at, const char *text)
{
	for (size_t i = 0; i <= strlen(text); i += sizeof(long)) {
		long word = 0;
		size_t left = strlen(text) - i;

		memcpy(&word, text + i, left < sizeof word ? left : sizeof word);
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word) != 0)
			die("poke");
	}
}

static long call(const struct probe *p, const struct user_regs_struct *stopped)
{
	struct user_regs_struct r = *stopped;
	unsigned long at = (r.rsp - BELOW) & ~7UL;
	long a[6];

	if (p->text)
		put_text(at, p->text);
	for (int i = 0; i < 6; i++)
		a[i] = p->args[i] == TEXT ? (long)at : p->args[i];
	r.rip -= 2;
	r.orig_rax = (unsigned long)-1;
	r.rax = (unsigned long)p->nr;
	r.rdi = (unsigned long)a[0];
	r.rsi = (unsigned long)a[1];
	r.rdx = (unsigned long)a[2];
	r.r10 = (unsigned long)a[3];
	r.r8 = (unsigned long)a[4];
	r.r9 = (unsigned long)a[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) != 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
		die("step");
	await_stop();
	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) != 0)
		die("registers");
	return (long)r.rax;
}

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 2;
}

int main(int argc, char **argv)
{
	struct user_regs_struct stopped;
	long code;

	pid = argc > 1 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	if (pid <= 0) {
		fprintf(stderr, "usage: probe PID [NAME...]\n");
		return 64;
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		die("attach");
	await_stop();
	if (ptrace(PTRACE_GETREGS, pid, NULL, &stopped) != 0)
		die("registers");
	/* It waits in the kernel, and there is the instruction that got it there. */
	code = ptrace(PTRACE_PEEKTEXT, pid, stopped.rip - 2, NULL);
	if ((code & 0xffff) != 0x050f) {
		errno = EAGAIN;
		die("not in a system call");
	}
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		long result;

		if (!wanted(probes[i].name, argc, argv))
			continue;
		result = call(&probes[i], &stopped);
		if (result < 0 && result > -4096)
			printf("%s %s\n", probes[i].name, name_of((int)-result));
		else
			printf("%s ok\n", probes[i].name);
		fflush(stdout);
	}
	ptrace(PTRACE_SETREGS, pid, NULL, &stopped);
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 ? 0 : 125;
}
