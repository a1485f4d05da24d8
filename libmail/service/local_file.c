/*
 * Files that aliases name; see service/local_part.h and sendmail's safefile.
 *
 * Checked twice: what has the name is refused in words before it is opened, and what was opened is
 * looked at again, since the name may be another file's by then.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "service/local_part.h"
#include "sys/fs.h"

static bool refuse(struct err *e, const char *path, const char *why)
{
	return err_perm(e, "5.3.0", "Can't create output: %.150s: %s", path, why);
}

static bool check(const struct stat *st, const char *path, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return refuse(e, path, "not a regular file");
	if (st->st_mode & (S_ISUID | S_ISGID | S_IXUSR | S_IXGRP | S_IXOTH))
		return refuse(e, path, "executable, or with a set-id bit");
	return st->st_nlink == 1 || refuse(e, path, "has more than one hard link");
}

/* Where others may put names only a sticky bit keeps them from ours. */
static bool check_dirs(const char *path, struct err *e)
{
	char dir[1024];
	mode_t mode;
	int shared = fs_find_shared_dir(path, false, dir, sizeof dir, &mode);

	if (shared > 0)
		return refuse(e, dir, "group or world writable directory");
	return shared == 0 || err_errno(e, errno, "%s", dir);
}

bool local_check_place(const char *path, struct err *e)
{
	struct stat st;

	if (!check_dirs(path, e))
		return false;
	if (lstat(path, &st) == 0)
		return check(&st, path, e);
	return errno == ENOENT || err_errno(e, errno, "%s", path);
}

bool local_check_file(int fd, const char *path, struct err *e)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? check(&st, path, e) : err_errno(e, errno, "%s", path);
}
