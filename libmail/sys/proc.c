/*
 * Roles and this program's own path; see sys/proc.h.
 *
 * Between fork and exec only async-signal-safe calls are made.  A failed exec is
 * told to the parent through a close-on-exec pipe, so that a missing binary is an
 * error of proc_spawn_role and not a role that keeps dying.
 */
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/image.h"
#include "sys/ipc.h"
#include "sys/log.h"

enum {
	SPARE_FD = 10,         /* the child parks descriptors here while it sets up 0 to 3 */
	SWEEP_FDS_MAX = 65536, /* as far as descriptors are looked at one by one */
	SWEEP_AT_ONCE = 256,
};

/*
 * The running binary (O_PATH), -1 when it could not be opened.  Held open from the start: after
 * a chroot, or an update that replaced the file, its path would lead elsewhere or nowhere.
 */
static int self_fd = -1;

/* What the kernel was told to execute, for where /proc is missing. */
static const char *exec_name(void)
{
	unsigned long at = getauxval(AT_EXECFN);
	const char *name;

	memcpy(&name, &at, sizeof name);
	return name ? name : "";
}

static int placeholder(void)
{
	int fd = open("/dev/null", O_RDWR);

	/* Without /dev: an epoll descriptor neither reads nor writes, and leads nowhere. */
	return fd >= 0 ? fd : epoll_create1(0);
}

void proc_init(void)
{
	int fd;

	/* 0 to 2 must be somebody's, or the first socket opened would be standard error. */
	do
		fd = placeholder();
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	/* Writing to a peer that has gone is an error of write, not a reason to die. */
	signal(SIGPIPE, SIG_IGN);
	self_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (self_fd < 0)
		self_fd = open(exec_name(), O_PATH | O_CLOEXEC);
}

/* Behind the last descriptor there may be. */
static int sweep_end(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < SWEEP_FDS_MAX)
		return (int)limit.rlim_cur;
	return SWEEP_FDS_MAX;
}

void proc_close_inherited(void)
{
	struct pollfd some[SWEEP_AT_ONCE];
	int end = sweep_end();

	/* A pipe of the caller's that stays open keeps whoever reads it waiting. */
	for (int fd = 3; fd < end; fd += SWEEP_AT_ONCE) {
		int n = end - fd < SWEEP_AT_ONCE ? end - fd : SWEEP_AT_ONCE;

		/* Hardly any is open, and asking for each takes as long as all else in a start. */
		for (int i = 0; i < n; i++)
			some[i] = (struct pollfd){.fd = fd + i};
		poll(some, (nfds_t)n, 0);
		for (int i = 0; i < n; i++)
			if (!(some[i].revents & POLLNVAL) && some[i].fd != image_fd() &&
			    !(fcntl(some[i].fd, F_GETFD) & FD_CLOEXEC))
				close(some[i].fd);
	}
}

bool proc_self_path(char *path, size_t cap)
{
	const char *name = exec_name();
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);

	/* A path that fills the buffer was cut. */
	if (n > 0 && (size_t)n < cap - 1) {
		path[n] = '\0';
		return true;
	}
	if (name[0] != '/' || strlen(name) >= cap || access(name, X_OK) != 0)
		return false;
	memcpy(path, name, strlen(name) + 1);
	return true;
}

enum { SWEEP_NOW, SWEEP_EXEC = 1 << 2 /* CLOSE_RANGE_CLOEXEC */ };

/* From fd on, every descriptor is closed, or closes on exec, whoever opened it and forgot. */
static void sweep(int fd, unsigned when)
{
	int end = sweep_end();

	if (syscall(436 /* close_range, the same on every architecture */, fd, ~0u, when) == 0)
		return;
	for (; fd < end; fd++)
		when == SWEEP_EXEC ? fcntl(fd, F_SETFD, FD_CLOEXEC) : close(fd);
}

void proc_enter_copy(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(fd, PROC_CONTROL_FD) != PROC_CONTROL_FD)
		_exit(EXIT_OSERR);
	sweep(PROC_CONTROL_FD + 1, SWEEP_NOW);
}

static void default_signals(void)
{
	sigset_t none;

	/* Handlers do not survive an exec, but ignored signals do. */
	for (int signo = 1; signo < _NSIG; signo++)
		if (signo != SIGKILL && signo != SIGSTOP)
			signal(signo, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_role(const char *name, int control, int report, pid_t parent)
{
	extern char **environ;
	char title[64];
	char *argv[] = {title, (char *)"role", NULL};
	int binary, image, sys;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The parent may have died before the signal was asked for. */
	if (getppid() != parent)
		_exit(EXIT_OSERR);
	snprintf(title, sizeof title, PROC_ROLE_PREFIX "%s", name);
	/* Out of the way of 0 to 3, which are set up next. */
	binary = fcntl(self_fd, F_DUPFD_CLOEXEC, SPARE_FD);
	report = fcntl(report, F_DUPFD_CLOEXEC, SPARE_FD);
	control = fcntl(control, F_DUPFD_CLOEXEC, SPARE_FD);
	image = fcntl(image_fd(), F_DUPFD_CLOEXEC, SPARE_FD);
	/* dup2 clears close-on-exec on the copy only. */
	if (dup2(control, PROC_CONTROL_FD) == PROC_CONTROL_FD) {
		sweep(PROC_CONTROL_FD + 1, SWEEP_EXEC);
		if (image >= 0)
			dup2(image, IMAGE_FD);
		default_signals();
		fexecve(binary, argv, environ);
		/* Some emulators and old sandboxes know no execveat. */
		execve(exec_name(), argv, environ);
	}
	sys = errno;
	(void)!write(report, &sys, sizeof sys);
	_exit(EXIT_OSERR);
}

/*
 * The child's errno when its exec failed; 0 when the pipe was closed by the exec. No time
 * limit: an exec does one or the other.
 */
static int await_exec(int report)
{
	int sys = 0;
	ssize_t n;

	do
		n = read(report, &sys, sizeof sys);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof sys ? sys : 0;
}

bool proc_spawn_role(const char *name, struct proc_child *child, struct err *e)
{
	int control[2], report[2];
	pid_t parent = getpid(), pid;
	int sys;

	if (!ipc_pair(control, e))
		return false;
	if (pipe2(report, O_CLOEXEC) != 0) {
		sys = errno;
		close(control[0]);
		close(control[1]);
		return err_errno(e, sys, "cannot start %s", name);
	}
	pid = fork();
	if (pid == 0)
		become_role(name, control[1], report[1], parent);
	sys = pid < 0 ? errno : 0;
	close(control[1]);
	close(report[1]);
	if (pid > 0)
		sys = await_exec(report[0]);
	close(report[0]);
	if (sys == 0) {
		*child = (struct proc_child){pid, control[0]};
		return true;
	}
	close(control[0]);
	/* Reaped here, so a role that never ran is no dead role for the supervisor. */
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return err_errno(e, sys, "cannot start %s", name);
}

void proc_enter_role(const char *name)
{
	static const char refusal[] = "letterbox: a role of the daemons is not started by hand\n";
	/* The control socket is what only our own gate hands over. */
	int type = 0;
	socklen_t len = sizeof type;

	if (getsockopt(PROC_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    type != SOCK_SEQPACKET) {
		(void)!write(2, refusal, sizeof refusal - 1);
		_exit(EXIT_USAGE);
	}
	/* The name in ps -A, beside the arguments that proc_spawn_role set. */
	prctl(PR_SET_NAME, name);
	log_keep_pid();
	fcntl(PROC_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	/* A role starts nothing, and should not be able to. */
	if (self_fd >= 0)
		close(self_fd);
	self_fd = -1;
	if (image_fd() >= 0)
		close(image_fd());
}

void proc_end_after(int s)
{
	struct itimerval once = {.it_value.tv_sec = s};

	setitimer(ITIMER_REAL, &once, NULL);
}

pid_t proc_reap(int *status)
{
	pid_t pid;

	do
		pid = waitpid(-1, status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return pid > 0 ? pid : 0;
}
