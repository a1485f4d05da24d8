/*
 * queue: the mail queue on disk.
 *
 * ONE directory, resumable by any process that may write it, on any host:
 *
 *	DIR/tmp/ID      being written; nobody but the writer looks at it
 *	DIR/queue/ID    committed: envelope and message (format/qfile.h)
 *	DIR/socket      where local programs submit to the daemon
 *
 * States of a message, by which names exist, who moves it on, what a crash leaves:
 *
 *	tmp   queue  state       moved by             a crash here leaves
 *	no    no     none        queue_create         nothing: smtpd may hold a short message
 *	                                              in memory, and has not answered for it
 *	yes   no     writing     commit (flush+link)  an orphan: its lock is gone, the next sweep
 *	                                              removes it; no 250 was given
 *	yes   yes    committing  commit (unlink tmp)  a second name of a durable message: the
 *	                                              sweeper removes it
 *	no    yes    queued      the queue role       the message, tried again; recipients that
 *	                                              are marked done are not
 *	no    no     finished    queue_remove         nothing; a file whose recipients are all
 *	                                              marked is removed by the next run
 *
 * 250 or exit 0 is said only after the file was flushed, linked and the directory
 * flushed.  A crash between a final delivery and its mark delivers twice, never not.
 * The queue role is told of a message by smtpd, or sees that its times change in queue/, which
 * others have to see to when they have let go of it.
 * Who works on a queued message holds a lock on it (sys/lock.h lock_try); a second
 * process leaves it alone.  On a file system without locks (NFS mounted so) nothing tells a second
 * one, and one daemon alone must work there.  Ids have the form of sendmail's, eight characters of
 * time and sequence and six digits, but the digits are random where sendmail has its pid: in
 * containers all pids are alike.  link(2) makes sure of uniqueness.
 */
#ifndef LETTERBOX_SERVICE_QUEUE_H
#define LETTERBOX_SERVICE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "format/qfile.h"

enum {
	QUEUE_ID_MAX = 24, /* octets of an id with its NUL */
	QUEUE_PATH_MAX = 512,
	QUEUE_ORPHAN_S = 36 * 3600, /* where no lock can be asked for: no writer lives a day */
	QUEUE_RCPTS_MAX = 10000,    /* recipients of one file that we read */
	QUEUE_ITEM_MAX = 96 << 20,  /* octets of a queue_item's arena */
};

struct queue {
	int root, tmp, dir; /* open directories */
	char path[QUEUE_PATH_MAX];
};

/*
 * Opens the queue at path; with create, makes what is missing (0711 for the top, so that others
 * reach the socket, 0700 below).  Fails TEMP when it cannot be written by us.
 */
bool queue_open(struct queue *q, const char *path, bool create, struct err *e);
void queue_close(struct queue *q);

/* A new id: time now_s, and what makes it ours, of which 36 * 10^8 are told apart. */
void queue_make_id(char id[QUEUE_ID_MAX], int64_t now_s, uint64_t unique);

/* True for text that could be an id: what comes from outside is never used as a name else. */
bool queue_valid_id(struct span id);

/* A file under tmp/, being written. */
struct queue_writer {
	int fd;
	char id[QUEUE_ID_MAX];
	uint64_t octets; /* written */
	struct err err;  /* sticky: the first failure */
};

/* Makes tmp/ID and writes the envelope; on failure nothing is left. */
bool queue_create(const struct queue *q, struct queue_writer *w, const char *id,
		  struct span envelope, struct err *e);

/* Appends message octets (LF lines); a failure is kept in w->err and shows at the end. */
void queue_write(struct queue_writer *w, struct span octets);

/*
 * Makes it durable at once (programs without a loop), gives it to who owns the queue, lets go of it
 * and has the queue role see that; on failure it is discarded.
 */
bool queue_commit(const struct queue *q, struct queue_writer *w, struct err *e);

/* Closes the file of one that was committed. */
void queue_let_go(struct queue_writer *w);

/* Closes and removes the file; harmless twice. */
void queue_discard(const struct queue *q, struct queue_writer *w);

/* A queued message opened for work. */
struct queue_item {
	int fd;
	char id[QUEUE_ID_MAX];
	struct arena arena; /* of all below; for what else lives as long */
	struct span front;  /* what was read of the file: from message_at on it is as it was */
	struct qfile_head head;
	struct qfile_rcpt *rcpts;
	size_t count;
	uint64_t message_at; /* offset of the message */
	uint64_t size;       /* octets of the message */
};

/*
 * Opens queue/ID, with lock for work (sys EAGAIN: another process has it), else for looking, and
 * reads its envelope.  ENOENT in e->sys: it is gone.  item is all 0, or was unloaded: its arena,
 * which is the caller's to free, serves again.
 */
bool queue_load(const struct queue *q, const char *id, bool lock, struct queue_item *item,
		struct err *e);
void queue_unload(struct queue_item *item);

/* Writes recipient i's state, status and text in place; the caller flushes item->fd. */
bool queue_mark_rcpt(struct queue_item *item, size_t i, struct err *e);

/* Writes the message's state line in place; advisory, not flushed. */
bool queue_mark_state(struct queue_item *item, struct err *e);

/* Removes queue/ID. */
bool queue_remove(const struct queue *q, const char *id, struct err *e);

/* Calls each(arg, id) for every queued message until it returns false. */
bool queue_each(const struct queue *q, bool (*each)(void *arg, const char *id), void *arg,
		struct err *e);

/*
 * For root, before the roles start: makes the queue theirs.  Their account may be another one
 * than last time (LETTERBOX_USER, a new "mail" in /etc/passwd); then what waits goes with it, or
 * it would wait for ever.
 */
bool queue_adopt(const struct queue *q, uid_t uid, gid_t gid, struct err *e);

/* Removes orphans from tmp/ (see the table). */
void queue_sweep(const struct queue *q, int64_t now_s);

#endif
