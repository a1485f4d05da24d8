/*
 * Running a program and reading what it says; see sys/run.h.
 *
 * Must not use a shell, and must not leave a child behind that is not reaped.
 */
#include "sys/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"

extern char **environ;

enum { TICK_MS = 64 };

static int add_files(const struct run *r, int out, posix_spawn_file_actions_t *fa)
{
	/* Its input is empty: a program that asks something must not wait for ever. */
	int in = r->talk ? out : r->in;
	int rc = in < 0 ? posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0)
			: posix_spawn_file_actions_adddup2(fa, in, 0);

	if (!rc)
		rc = posix_spawn_file_actions_adddup2(fa, out, 1);
	if (!rc && r->errors)
		rc = posix_spawn_file_actions_adddup2(fa, out, 2);
	return rc;
}

/*
 * posix_spawn and not fork: musl's uses vfork semantics, so a large process starts a small
 * one without copying its tables.
 */
static int start(const struct run *r, int out, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t set;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc)
		return rc;
	posix_spawnattr_init(&attr);
	/* SIGPIPE is ignored here, and a program that others feed expects to die of it. */
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
	rc = add_files(r, out, &fa);
	if (!rc)
		rc = posix_spawn(pid, r->path, &fa, &attr, r->argv, r->env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

/* Reads once what comes within ms; false at the end of file. */
static bool take(int fd, int ms, struct buf *out, bool *more)
{
	struct pollfd p = {fd, POLLIN, 0};
	char mem[512];
	ssize_t n;

	*more = poll(&p, 1, ms) > 0;
	if (!*more)
		return true;
	n = read(fd, mem, sizeof mem);
	/* Beyond out's maximum the buf overflows, and the program may go on writing. */
	if (n > 0)
		buf_put(out, span_make(mem, (size_t)n));
	return n > 0 || (n < 0 && errno == EINTR);
}

/*
 * Until the program has ended: its output may end before (it closed it), or be held open by
 * what it started.  False when the time is up.
 */
static bool await(pid_t pid, int fd, uint64_t deadline, struct buf *out, int *status)
{
	bool open = true, more = true;
	int tick = 1;

	for (;;) {
		pid_t ended = waitpid(pid, status, WNOHANG);

		if (ended < 0 && errno != EINTR)
			return false;
		if (open)
			open = take(fd, ended > 0 ? 0 : TICK_MS, out, &more);
		else if (ended <= 0)
			poll(NULL, 0, tick);
		if (ended > 0) {
			while (open && more && buf_ok(out))
				open = take(fd, 0, out, &more);
			return true;
		}
		if (!open && tick < TICK_MS)
			tick *= 2;
		if (clock_ms() >= deadline)
			return false;
	}
}

bool run_program(const struct run *r, struct buf *out, int *status, struct err *e)
{
	uint64_t deadline = clock_ms() + r->seconds * 1000ull;
	int fds[2], rc, st = 0;
	bool done;
	pid_t pid;

	if (r->talk ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)
		    : pipe2(fds, O_CLOEXEC))
		return err_errno(e, errno, "pipe");
	rc = start(r, fds[1], &pid);
	close(fds[1]);
	if (rc) {
		close(fds[0]);
		return err_errno(e, rc, "%s", r->path);
	}
	if (r->talk) {
		r->talk(r->arg, fds[0], deadline);
		shutdown(fds[0], SHUT_WR);
		deadline = clock_ms() + RUN_END_MS;
	}
	done = await(pid, fds[0], deadline, out, &st);
	close(fds[0]);
	if (!done) {
		/* One with another's rights cannot be ended, and so is not waited for. */
		while (kill(-pid, SIGKILL) == 0 && waitpid(pid, &st, 0) < 0 && errno == EINTR)
			;
		return err_temp(e, "4.3.0", "%s took longer than %u seconds", r->path, r->seconds);
	}
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return true;
}

bool run_capture(char *const argv[], unsigned seconds, struct buf *out, int *status, struct err *e)
{
	struct run r = {
	    .path = argv[0], .argv = argv, .env = environ, .in = -1, .seconds = seconds};

	return run_program(&r, out, status, e);
}
