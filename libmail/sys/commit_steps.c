/*
 * The steps of a commit; see sys/commit.h and sys/commit_steps.h.
 *
 * Must not give a file its final name before its contents are on their way to be durable
 * without doubt, and must take the name back when a later step fails.  An error of
 * write-back is reported by the kernel once: it is never asked for again.
 */
#include "sys/commit_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/ascii.h"
#include "sys/fs.h"

enum { EXT_MAGIC = 0xEF53, XFS_MAGIC = 0x58465342 };

enum {
	WAIT_ALL = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
};

/* Has the ext4 (or ext3, ext2) on device dev a journal?  False when it cannot be told. */
static bool has_journal(dev_t dev)
{
	char path[80], target[256], task = '\0';
	const char *name;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(dev), minor(dev));
	n = readlink(path, target, sizeof target - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	snprintf(path, sizeof path, "/sys/fs/ext4/%.32s/journal_task", name);
	/* The pid of the journal's thread, or "<none>". */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, &task, 1);
	close(fd);
	return n == 1 && ascii_is_digit(task);
}

struct commit_steps_dirs commit_steps_probe(int from_dir, int to_dir)
{
	struct commit_steps_dirs d = {from_dir, to_dir, false};
	struct stat from, to;
	struct statfs fs;

	if (fstat(from_dir, &from) != 0 || fstat(to_dir, &to) != 0 || from.st_dev != to.st_dev ||
	    fstatfs(to_dir, &fs) != 0)
		return d;
	if ((unsigned long)fs.f_type == XFS_MAGIC)
		d.ordered = true;
	else if ((unsigned long)fs.f_type == EXT_MAGIC)
		d.ordered = has_journal(to.st_dev);
	return d;
}

static bool write_back(int fd, struct err *e)
{
	/* The first pass was only a start and may have left out pages; this one waits for all. */
	while (sync_file_range(fd, 0, 0, WAIT_ALL) != 0) {
		if (errno == EINTR)
			continue;
		if (errno == ENOSYS || errno == EINVAL || errno == ESPIPE || errno == EPERM)
			return fs_sync(fd, e);
		return err_errno(e, errno, "cannot flush file");
	}
	return true;
}

/* Where links are refused (FAT, some network file systems): a rename that replaces nothing. */
static int rename_new(const struct commit_steps_dirs *d, const struct commit_job *j)
{
	enum { NOREPLACE = 1 };

	if (syscall(SYS_renameat2, d->from, j->from, d->to, j->to, NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EPERM)
		return -1;
	if (faccessat(d->to, j->to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(d->from, j->from, d->to, j->to);
}

static bool give_name(const struct commit_steps_dirs *d, struct commit_job *j)
{
	int failed = linkat(d->from, j->from, d->to, j->to, 0);

	if (failed && (errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK || errno == ENOSYS))
		failed = rename_new(d, j);
	return !failed || err_errno(&j->err, errno, "%s", j->to);
}

void commit_steps_start(const struct commit_steps_dirs *d, struct commit_job *first)
{
	for (struct commit_job *j = first; j; j = j->next) {
		j->err = (struct err){0};
		/* All files on their way to the disk before one is waited for. */
		if (d->ordered || first->next)
			(void)sync_file_range(j->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
}

void commit_steps_wait(const struct commit_steps_dirs *d, struct commit_job *j)
{
	(void)(d->ordered && j->from ? write_back(j->fd, &j->err) : fs_sync(j->fd, &j->err));
}

void commit_steps_flush(const struct commit_steps_dirs *d, struct commit_job *first)
{
	commit_steps_start(d, first);
	for (struct commit_job *j = first; j; j = j->next)
		commit_steps_wait(d, j);
}

void commit_steps_name(const struct commit_steps_dirs *d, struct commit_job *first)
{
	bool named = false, flushed;
	struct err e;

	for (struct commit_job *j = first; j; j = j->next)
		if (j->from && j->err.class == ERR_NONE && give_name(d, j))
			named = true;
	if (!named)
		return;
	flushed = fs_sync_dir(d->to, &e);
	for (struct commit_job *j = first; j; j = j->next) {
		if (!j->from || j->err.class != ERR_NONE)
			continue;
		if (flushed) {
			/* XFS calls a directory flushed though the file system was shut down. */
			if (unlinkat(d->from, j->from, 0) != 0 &&
			    (errno == EIO || errno == EROFS)) {
				err_errno(&j->err, errno, "%s", j->to);
				/* What is called a failure must not be there as well. */
				unlinkat(d->to, j->to, 0);
			}
		} else {
			unlinkat(d->to, j->to, 0);
			j->err = e;
		}
	}
}
