/*
 * lock: mailbox locks that work with other programs and on NFS.
 *
 * An mbox is locked twice, in this order: PATH.lock made with O_EXCL (by link on a file of our
 * own, which also is atomic on old NFS), then fcntl F_SETLKW-with-deadline on the file (open file description
 * locks where the kernel has them, since plain fcntl locks vanish when any descriptor is closed).  Where the directory does not let
 * us make PATH.lock (EACCES, EROFS: a spool of mode 0755 and an ordinary uid) the fcntl lock alone must do.
 * flock is not used.  The dot-lock's content is our pid and the mailbox's length at lock time: who finds
 * a stale dot-lock (owner dead on this host, or older than LOCK_STALE_S) breaks it
 * and, when the mailbox is longer than the recorded length, cuts the torn append off again.
 */
#ifndef LETTERBOX_SYS_LOCK_H
#define LETTERBOX_SYS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	LOCK_STALE_S = 300,   /* as sendmail's mail.local and dovecot do */
	LOCK_PATH_MAX = 1024,
};

struct lock {
	int fd;                       /* the locked file, borrowed */
	bool dotted;                  /* dotpath is ours */
	char dotpath[LOCK_PATH_MAX];
};

/*
 * Locks the open file fd whose name is path, for writing, waiting at most wait_ms (others may hold it
 * for minutes).  Fails TEMP 4.2.0 "mailbox PATH is locked by ..." at the end of the wait.  *torn tells whether a torn append of a crashed
 * writer was cut off (for the log).
 */
bool lock_mailbox(int fd, const char *path, uint32_t wait_ms, struct lock *lock, bool *torn, struct err *e);

/* Removes both locks; failures are of no consequence and are ignored. */
void lock_release(struct lock *lock);

/* A plain exclusive lock on a file of our own (queue files, pid files); false when it is held: errno EAGAIN. */
bool lock_try(int fd);

#endif
