/*
 * Files with care; see sys/fs.h.
 *
 * A name may be a trap (a link, a FIFO, a device) and a write may be short: neither is
 * left to the callers.  Must not report success for anything that is not on the disk yet
 * where the header promises that it is.
 */
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "sys/rand.h"

/*
 * A signal or a full pipe may cut a write; an error loses how much was written, since no caller
 * goes on with half a message.
 */
bool fs_write(int fd, struct span s)
{
	while (s.len) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = span_skip(s, (size_t)n);
	}
	return true;
}

bool fs_pwrite(int fd, struct span s, off_t off)
{
	while (s.len) {
		ssize_t n = pwrite(fd, s.ptr, s.len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		off += n;
		s = span_skip(s, (size_t)n);
	}
	return true;
}

/* Fewer octets than asked for mean the end of the file, never an interrupted call. */
ssize_t fs_pread(int fd, void *mem, size_t n, off_t off)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more = pread(fd, (char *)mem + got, n - got, off + (off_t)got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -1;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

bool fs_is_passing(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOMEM;
}

/*
 * Names in a spool or in a home are others' to choose: a link to a file of root, a FIFO that
 * hangs or a second hard link must not be followed. Only the open descriptor is judged, for a
 * check by name before the open could be raced.
 */
int fs_open(int dir, const char *path, int flags, unsigned care, struct err *e)
{
	int fd;

	if (!(care & FS_FOLLOW))
		flags |= O_NOFOLLOW;
	/* O_NONBLOCK: opening a FIFO must not hang before it is refused. */
	fd = openat(dir, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		int sys = errno;

		if (sys == ENOENT)
			err_perm(e, "5.3.5", "%s: %s", path, strerror(sys));
		else
			err_errno(e, sys, "%s", path);
		e->sys = sys;
	}
	return fd;
}

int fs_open_regular(int dir, const char *path, int flags, unsigned care, struct err *e)
{
	struct stat st;
	int fd = fs_open(dir, path, flags, care, e);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		err_errno(e, errno, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_temp(e, "4.3.0", "%s: not a regular file", path);
	else if (care & FS_SINGLE && st.st_nlink > 1)
		err_temp(e, "4.3.0", "%s: has more than one hard link", path);
	else
		return fd;
	close(fd);
	return -1;
}

bool fs_read_all(int dir, const char *path, unsigned care, struct buf *out, struct err *e)
{
	int fd = fs_open_regular(dir, path, O_RDONLY, care, e);
	struct stat st;
	bool ok = false;

	if (fd < 0)
		return false;
	/* Room for all of it at once, if it tells its size: growing copies. */
	if (fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size <= out->max - out->len)
		buf_reserve(out, (size_t)st.st_size);
	for (;;) {
		/* One octet past the limit tells a file that fills it from one that is larger. */
		size_t room = out->max - out->len < 4096 ? out->max - out->len + 1 : 4096;
		char chunk[4096];
		ssize_t n = read(fd, chunk, room < sizeof chunk ? room : sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			err_errno(e, errno, "%s", path);
		ok = n == 0;
		if (n <= 0)
			break;
		buf_put(out, span_make(chunk, (size_t)n));
		if (!buf_ok(out)) {
			err_perm(e, "5.3.4", "%s: larger than %zu octets", path, out->max);
			break;
		}
	}
	close(fd);
	return ok;
}

/*
 * Two processes may make the same directory at once: that it exists is success, but only if it is
 * one.
 */
bool fs_mkdir(int dir, const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdirat(dir, path, mode) == 0 || errno == EEXIST) {
		if (fstatat(dir, path, &st, 0) == 0 && S_ISDIR(st.st_mode))
			return true;
		return err_temp(e, "4.3.0", "%s: not a directory", path);
	}
	return err_errno(e, errno, "cannot make directory %s", path);
}

/*
 * Parents are 0755 whatever the last one is: others must be able to get to a private one below.
 */
bool fs_mkdirs(const char *path, mode_t mode, struct err *e)
{
	char part[1024];
	struct stat st;

	if (strlen(path) >= sizeof part)
		return err_perm(e, "5.3.5", "path too long: %.200s", path);
	for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		memcpy(part, path, (size_t)(at - path));
		part[at - path] = '\0';
		if (stat(part, &st) != 0 && !fs_mkdir(AT_FDCWD, part, 0755, e))
			return false;
	}
	return fs_mkdir(AT_FDCWD, path, mode, e);
}

bool fs_sync_dir(int dirfd, struct err *e)
{
	/* Some network file systems cannot flush a directory and need not. */
	if (fsync(dirfd) != 0 && errno != EINVAL)
		return err_errno(e, errno, "cannot flush directory");
	return true;
}

/* fdatasync flushes the size too when it changed; times need no second write to the disk. */
bool fs_sync(int fd, struct err *e)
{
	if (fdatasync(fd) != 0)
		return err_errno(e, errno, "cannot flush file");
	return true;
}

/*
 * Readers see the old file or the new one, never a part, also after a loss of power: the data is
 * flushed before the rename, and the directory after it. The random name with O_EXCL cannot be
 * laid as a trap.
 */
bool fs_replace(int dir, const char *path, mode_t mode, struct span contents, struct err *e)
{
	char tmp[1024];
	bool ok = false;
	int fd, at;

	snprintf(tmp, sizeof tmp, "%.960s.%016llx", path, (unsigned long long)rand_u64());
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(e, errno, "%s", tmp);
	if (!fs_write(fd, contents) || fsync(fd) != 0)
		err_errno(e, errno, "%s", tmp);
	else
		ok = true;
	if (close(fd) != 0 && ok)
		ok = err_errno(e, errno, "%s", tmp);
	if (ok && renameat(dir, tmp, dir, path) != 0)
		ok = err_errno(e, errno, "%s", path);
	if (!ok) {
		unlinkat(dir, tmp, 0);
		return false;
	}
	if (strchr(path, '/')) {
		char parent[1024];

		snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path + 1), path);
		at = openat(dir, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (at < 0)
		return err_errno(e, errno, "%s", path);
	ok = fs_sync_dir(at, e);
	close(at);
	return ok;
}

/*
 * f_bavail, not f_bfree: the blocks reserved for root are no room for mail. 0 when unknown makes
 * callers refuse for now rather than lose.
 */
uint64_t fs_free_octets(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) != 0)
		return 0;
	return (uint64_t)st.f_bavail * (uint64_t)st.f_bsize;
}

/*
 * Numbers from statfs(2), not from linux/magic.h, which a libc need not bring. An overlay is a
 * container's own layer: it goes with the container.
 */
bool fs_is_volatile(int fd)
{
	enum { TMPFS = 0x01021994, OVERLAY = 0x794c7630, RAMFS = 0x858458f6 };
	struct statfs st;

	if (fstatfs(fd, &st) != 0)
		return false;
	return (unsigned long)st.f_type == TMPFS || (unsigned long)st.f_type == OVERLAY ||
	       (unsigned long)st.f_type == RAMFS;
}

/* Looked at from the top: what was found right cannot be moved any more. */
static bool is_roots_above(char *path)
{
	struct stat st;

	for (char *at = strchr(path, '/'); at && at[1]; at = strchr(at + 1, '/')) {
		char next = at[1];
		bool ok;

		/* With its slash the root has a name, too. */
		at[1] = '\0';
		ok = stat(path, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH));
		at[1] = next;
		if (!ok)
			return false;
	}
	return true;
}

bool fs_is_roots_place(const char *dir, char *real)
{
	/* The name as it stands as well: links in it must be root's, wherever they lead. */
	return span_to_cstr(span_str(dir), real, PATH_MAX) && is_roots_above(real) &&
	       realpath(dir, real) && is_roots_above(real);
}

int fs_find_shared_dir(const char *path, bool strict, char *dir, size_t cap, mode_t *mode)
{
	const char *last = strrchr(path, '/');
	struct stat st;

	for (size_t i = 0; i < cap && path[i]; i++) {
		if (path[i] != '/')
			continue;
		span_to_cstr(span_make(path, i + 1), dir, cap);
		if (stat(dir, &st) != 0)
			return -1;
		*mode = st.st_mode;
		if (st.st_mode & (S_IWGRP | S_IWOTH) &&
		    (!(st.st_mode & S_ISVTX) || (strict && path + i == last)))
			return 1;
	}
	return 0;
}
