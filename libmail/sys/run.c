/*
 * Running a program and reading what it says; see sys/run.h.
 *
 * Must not use a shell, and must not leave a child behind.
 */
#include "sys/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"

extern char **environ;

/*
 * posix_spawn and not fork: musl's uses vfork semantics, so a large process starts a small
 * one without copying its tables.
 */
static int start(char *const argv[], const int fds[2], pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	int rc = posix_spawn_file_actions_init(&fa);

	if (rc)
		return rc;
	/* Its input is empty: a program that asks something must not wait for ever. */
	rc = posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&fa, fds[1], 1);
	if (!rc)
		rc = posix_spawn(pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

/* True at end of file, false when the time is up. */
static bool read_until(int fd, uint64_t deadline, struct buf *out)
{
	char mem[512];

	for (;;) {
		uint64_t now = clock_ms();
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n;

		if (now >= deadline)
			return false;
		/* Interrupted, or the time is up, which the next round sees. */
		if (poll(&p, 1, (int)(deadline - now)) <= 0)
			continue;
		/* Beyond out's maximum the buf overflows, and the program may go on writing. */
		n = read(fd, mem, sizeof mem);
		if (n > 0)
			buf_put(out, span_make(mem, (size_t)n));
		else if (n == 0 || errno != EINTR)
			return true;
	}
}

bool run_capture(char *const argv[], unsigned seconds, struct buf *out, int *status, struct err *e)
{
	int fds[2], rc, st = 0;
	bool done;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(e, errno, "pipe");
	rc = start(argv, fds, &pid);
	close(fds[1]);
	if (rc) {
		close(fds[0]);
		return err_errno(e, rc, "%s", argv[0]);
	}
	done = read_until(fds[0], clock_ms() + seconds * 1000u, out);
	close(fds[0]);
	if (!done)
		kill(pid, SIGKILL);
	/* A program may close its output and run on: it is waited for all the same. */
	while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	if (!done)
		return err_temp(e, "4.3.0", "%s took longer than %u seconds", argv[0], seconds);
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return true;
}
