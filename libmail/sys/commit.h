/*
 * commit: makes queue files durable without blocking the event loop.
 *
 * A job is a written but unflushed file in the queue's tmp directory.  Worker threads
 * flush the contents of those that wait, link each to its final name, flush the target directory
 * once for all of them, unlink the temporary names; then the loop is told through an eventfd.  Jobs
 * that arrive meanwhile form the next batch: that is how N waiting commits share one flush.
 *
 * How contents are flushed depends on the file system.  Anywhere: fdatasync of each, in several
 * threads at once, since the kernel merges flushes that meet.  Where one journal orders all changes
 * (ext3 and ext4 with a journal, XFS) it is enough that the data is written before the link is
 * made: the flush of the directory then commits every inode changed until then, and flushes the
 * device's cache before that.  A file has its final name, after a power loss too, only when it is
 * whole.
 *
 * Threads are started on the first job and end after some idle seconds, so that an
 * idle process pays nothing for them.  They touch nothing but the job, and they are
 * created before or after the sandbox alike (the filter allows clone for threads).
 */
#ifndef LETTERBOX_SYS_COMMIT_H
#define LETTERBOX_SYS_COMMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "sys/loop.h"

struct commit_job {
	int fd;           /* the written file; stays the caller's */
	const char *from; /* its name relative to from_dir; NULL: only flush fd */
	const char *to;   /* its final name relative to to_dir */
	struct err err;   /* the outcome: class ERR_NONE when durable */
	void (*done)(struct commit_job *job); /* called from the loop's thread */
	struct commit_job *next;              /* the pool's */
};

struct commit_pool;

/*
 * A pool of at most threads workers (4 to 8 are of use) over two open directories (borrowed) of one
 * file system.  To be called before box_enter when that changes the root: what is looked at (/sys)
 * to learn whether the file system has a journal is hidden then, which is right but slower.
 */
struct commit_pool *commit_pool_new(struct loop *l, int from_dir, int to_dir, unsigned threads,
				    struct err *e);

/* Waits for what is under way, calls done for all, then frees the pool. */
void commit_pool_free(struct commit_pool *p);

/*
 * Hands the job over until its done is called.  On failure (ENOSPC, EIO, EEXIST for a final name
 * that is taken: all TEMP, sys tells) the file has no final name of ours; the temporary one is the
 * caller's.
 */
void commit_submit(struct commit_pool *p, struct commit_job *job);

/*
 * Closes fd of a file that has no name any more.  That frees what it had on the disk, which may
 * take as long as a flush: no loop should wait for it.
 */
void commit_close(struct commit_pool *p, int fd);

/* Jobs that are not done. */
size_t commit_pending(const struct commit_pool *p);

/*
 * The same steps at once, for programs without a loop: for a list linked by next, which shares the
 * flushes (several files are flushed by threads that live until it returns), or for one job.  Where
 * link(2) is refused (EPERM, EOPNOTSUPP: some network file systems) a rename that replaces nothing
 * takes its place.
 */
void commit_batch(int from_dir, int to_dir, struct commit_job *first);
bool commit_now(int from_dir, int to_dir, struct commit_job *job, struct err *e);

#endif
