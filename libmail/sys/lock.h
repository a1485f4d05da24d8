/*
 * lock: mailbox locks that work with other programs and on NFS.
 *
 * An mbox is locked twice: PATH.lock made with O_EXCL (atomic on NFS from version 3
 * on), and a fcntl lock on the file (open file description locks where the kernel has
 * them, since plain ones vanish when any descriptor of the file is closed).  Neither is held while
 * the other is waited for, so programs with the opposite order cannot deadlock with us.  Where the
 * directory does not let us make PATH.lock (a spool of mode 0755 and an ordinary uid) or the file
 * system is full, the fcntl lock alone must do.  flock is not used.
 *
 * PATH.lock holds three lines: our pid (all that other programs look at), the mailbox's length at
 * lock time and the kernel's boot id.  A PATH.lock is stale when nobody holds the fcntl lock and it
 * is older than LOCK_STALE_S, or was written by us in this boot (its owner would hold the fcntl
 * lock; pids are reused), or is our user's and empty for seconds, or holds a pid alone that is
 * dead.  Who breaks a stale one cuts a torn append off again, but only when it cannot be anything
 * else: same user, same boot (after a power loss an unlinked PATH.lock may be back though its
 * message was flushed and answered for), the mailbox last changed about then, and a From_ line
 * begins at the old length.
 */
#ifndef LETTERBOX_SYS_LOCK_H
#define LETTERBOX_SYS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	LOCK_STALE_S = 300, /* as sendmail's mail.local and dovecot do */
	LOCK_PATH_MAX = 1024,
};

struct lock {
	int fd;    /* the locked file, borrowed */
	int dotfd; /* PATH.lock, when it is ours; else -1 */
	char dotpath[LOCK_PATH_MAX];
};

/*
 * Locks the file fd (open for writing) whose name is path, waiting at most wait_ms (others may hold
 * it for minutes).  Fails TEMP 4.2.0 "mailbox PATH is locked by ..." at the end of the wait, and
 * with sys ESTALE when path has become another file: open it again.  *torn (may be NULL) tells
 * whether a torn append of a crashed writer was cut off (for the log).
 */
bool lock_mailbox(int fd, const char *path, uint32_t wait_ms, struct lock *lock, bool *torn,
		  struct err *e);

/* Keeps PATH.lock from looking stale to others; for holders that work for minutes. */
void lock_refresh(const struct lock *lock);

/*
 * Removes both locks; failures are of no consequence.  To be called before success is reported to
 * anybody: what was appended and not released yet may be cut off after a crash.
 */
void lock_release(struct lock *lock);

/*
 * A plain exclusive lock on a file of our own (queue files, pid files), without waiting; it ends
 * when the last copy of fd is closed.  False with errno EAGAIN when another has it.
 */
bool lock_try(int fd);

#endif
