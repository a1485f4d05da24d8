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

#include "format/address.h"
#include "service/forward.h"
#include "service/route.h"
#include "sys/box.h"
#include "sys/fs.h"

static bool find(struct account_source *accounts, struct span who, struct account *out,
		 struct err *e)
{
	char user[ACCOUNT_NAME_MAX + 1];
	struct span local, domain;

	if (account_find(accounts, who, out, e))
		return true;
	address_split(who, &local, &domain);
	if (e->class != ERR_PERM || !span_to_cstr(local, user, sizeof user))
		return false;
	/* A name without domain was looked for already. */
	if (domain.len && account_find(accounts, local, out, e))
		return true;
	while (e->class == ERR_PERM && route_other_name(user, sizeof user))
		if (account_find(accounts, span_str(user), out, e))
			return true;
	return false;
}

bool direct_find(struct account_source *accounts, struct span who, struct account *out,
		 struct err *e)
{
	if (!find(accounts, who, out, e))
		return false;
	/* Names that were not there before the right one was are no failure. */
	*e = (struct err){0};
	return true;
}

bool direct_may(const struct settings *s, const struct account *a, struct span detail,
		struct err *e)
{
	char mem[ACCOUNT_PATH_MAX];
	struct buf paths;

	buf_init_fixed(&paths, mem, sizeof mem);
	if (forward_put_paths(s, a, detail, &paths) && !forward_is_there(buf_span(&paths)))
		return true;
	return err_temp(e, "4.3.5", "no queue for what the .forward of %s says", a->name);
}

/* For a folder of its own the directory that it lies in may be missing, as ~/mail is at first. */
static void make_parent(const char *path)
{
	char dir[ACCOUNT_PATH_MAX];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 1 && path[len - 1] != '/')
		len--;
	if (len > 1 && span_to_cstr(span_make(path, len - 1), dir, sizeof dir))
		mkdir(dir, 0700);
}

static void deliver_here(const char *path, struct local_job *job)
{
	struct buf work[2];
	struct local_box box = {.path = path, .wait_ms = DIRECT_LOCK_WAIT_MS, .work = work};

	buf_init(&work[0], LOCAL_WORK_MAX);
	buf_init(&work[1], LOCAL_WORK_MAX);
	/* Mailboxes that are made here are nobody else's business. */
	umask(077);
	make_parent(path);
	local_deliver(&box, job, 1);
	buf_free(&work[0]);
	buf_free(&work[1]);
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
	err_temp(&job->err, "4.3.5", "cannot become uid %u to deliver to %s: not root",
		 (unsigned)a->uid, a->name);
	job->err.sys = EPERM;
	return false;
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
