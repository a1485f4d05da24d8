/*
 * Delivery without roles; see service/direct.h.
 */
#include "service/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/box.h"
#include "sys/fs.h"

static void deliver_here(const char *path, struct local_job *job)
{
	struct local_box box = {.path = path, .wait_ms = DIRECT_LOCK_WAIT_MS};

	/* Mailboxes that are made here are nobody else's business. */
	umask(077);
	local_deliver(&box, job, 1);
}

static _Noreturn void child(const struct account *a, const char *path, struct local_job *job,
			    int out)
{
	struct err e;

	if (box_become(a->uid, a->gid, &e))
		deliver_here(path, job);
	else
		job->err = e;
	/* By a pipe and not by exit status: the text of a failure is for the log or the sender. */
	_exit(fs_write(out, span_make(&job->err, sizeof job->err)) ? 0 : EXIT_TEMPFAIL);
}

/* The child's outcome comes as the record itself: same program, same memory layout. */
static bool deliver_as(const struct account *a, const char *path, struct local_job *job)
{
	int fds[2], status;
	bool whole;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(&job->err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		child(a, path, job, fds[1]);
	/* Else the read below would not end when the child dies. */
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return err_errno(&job->err, errno, "fork");
	}
	whole = read(fds[0], &job->err, sizeof job->err) == (ssize_t)sizeof job->err;
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!whole)
		return err_temp(&job->err, "4.3.0",
				"the delivery process for %s ended unexpectedly", a->name);
	return job->err.class == ERR_NONE;
}

bool direct_deliver(const struct account *a, const char *path, struct local_job *job)
{
	if (!path)
		path = a->mailbox;
	job->err = (struct err){0};
	/* Our own mailbox, root's included: there is nobody to become. */
	if (a->uid == geteuid()) {
		deliver_here(path, job);
		return job->err.class == ERR_NONE;
	}
	if (geteuid() == 0)
		return deliver_as(a, path, job);
	return err_temp(&job->err, "4.3.5", "cannot become uid %u to deliver to %s: not root",
			(unsigned)a->uid, a->name);
}

int direct_spool(struct err *e)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* No writable /tmp in an empty container: the message then costs memory. */
	if (fd < 0)
		fd = memfd_create("message", MFD_CLOEXEC);
	if (fd < 0)
		err_errno(e, errno, "no place for the message");
	return fd;
}
