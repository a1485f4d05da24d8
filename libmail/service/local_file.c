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
	struct stat st;

	for (size_t i = 0; i < sizeof dir && path[i]; i++) {
		if (path[i] != '/')
			continue;
		span_to_cstr(span_make(path, i + 1), dir, sizeof dir);
		if (stat(dir, &st) != 0)
			return err_errno(e, errno, "%s", dir);
		if (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX))
			return refuse(e, dir, "group or world writable directory");
	}
	return true;
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
