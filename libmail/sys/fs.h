/*
 * fs: files with the care that mail needs.
 *
 * Every function that writes treats a short write and EINTR as "go on", and every
 * other failure as the caller's business; none of them hides a failed close or
 * flush.  Paths are relative to an open directory (or AT_FDCWD), symbolic links are not
 * followed at the last component, and descriptors are close-on-exec.
 */
#ifndef LETTERBOX_SYS_FS_H
#define LETTERBOX_SYS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* Writes all of s at the current offset (at off); on failure errno tells why. */
bool fs_write(int fd, struct span s);
bool fs_pwrite(int fd, struct span s, off_t off);

/* Up to n octets at off; fewer only at the end of the file.  -1 on failure. */
ssize_t fs_pread(int fd, void *mem, size_t n, off_t off);

/*
 * Opens an existing regular file for flags (O_RDONLY, O_RDWR, O_APPEND): refuses links, devices and
 * files with more than one name when FS_SINGLE is set (attacks by hard links).  Not found is PERM
 * 5.3.5 with sys ENOENT; all else TEMP.
 */
enum { FS_SINGLE = 1, FS_FOLLOW = 2 };
int fs_open_regular(int dir, const char *path, int flags, unsigned care, struct err *e);

/* The same, whatever it is, of however many names: for who looks at that himself. */
int fs_open(int dir, const char *path, int flags, unsigned care, struct err *e);

/* Appends the whole file to out; a larger one than out allows is PERM. */
bool fs_read_all(int dir, const char *path, unsigned care, struct buf *out, struct err *e);

/* Makes a directory (not its parents) with mode, unless it is there. */
bool fs_mkdir(int dir, const char *path, mode_t mode, struct err *e);

/* Makes a directory and those above it; mode is for the last, 0755 for the others. */
bool fs_mkdirs(const char *path, mode_t mode, struct err *e);

/* Flushes a directory, so that names made in it survive a power loss. */
bool fs_sync_dir(int dirfd, struct err *e);

/* Flushes a file's contents and length. */
bool fs_sync(int fd, struct err *e);

/*
 * Replaces dir/path by contents, durably: new file with mode, flush, rename, flush of the
 * directory.  A crash leaves the old file or the new one.
 */
bool fs_replace(int dir, const char *path, mode_t mode, struct span contents, struct err *e);

/* Does this errno tell nothing about the file, but of the system's need: EMFILE, ENFILE, ENOMEM? */
bool fs_is_passing(int sys);

/* Octets free for us on the file system of fd, and its whole size; 0 when it cannot be told. */
uint64_t fs_free_octets(int fd);

/* True on a file system that forgets (tmpfs, overlay of a container); for a warning. */
bool fs_is_volatile(int fd);

/*
 * The real name of a directory, without links, PATH_MAX octets; true when nobody but root can
 * change what is above it, so that it stays the same directory.
 */
bool fs_is_roots_place(const char *dir, char *real);

/*
 * Looks for a directory above the file path in which others may change names: 1, its name in dir
 * and its mode; 0: there is none; -1 and errno: dir cannot be looked at.  A sticky bit keeps
 * others from the names in it; in the last one it is not enough when strict.
 */
int fs_find_shared_dir(const char *path, bool strict, char *dir, size_t cap, mode_t *mode);

#endif
