/*
 * commit: makes queue files durable without blocking the event loop.
 *
 * A job is a written but unflushed file in the queue's tmp directory.  Worker
 * threads take all jobs that wait as one batch: start write-back of each file,
 * fdatasync each, link each to its final name, flush the target directory once, unlink
 * the temporary names; then the loop is told through an eventfd.  Jobs that
 * arrive meanwhile form the next batch: that is how N waiting commits share one flush.
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
	int fd;                         /* the written file; stays the caller's */
	const char *from;               /* its name relative to from_dir; NULL: only flush fd */
	const char *to;                 /* its final name relative to to_dir */
	struct err err;                 /* the outcome: class ERR_NONE when durable */
	void (*done)(struct commit_job *job); /* called from the loop's thread */
	struct commit_job *next;        /* the pool's */
};

struct commit_pool;

/* A pool of at most threads workers over two open directories (borrowed). */
struct commit_pool *commit_pool_new(struct loop *l, int from_dir, int to_dir, unsigned threads,
                                    struct err *e);

/* Waits for what is under way, calls done for all, then frees the pool. */
void commit_pool_free(struct commit_pool *p);

/* Hands the job over until its done is called. */
void commit_submit(struct commit_pool *p, struct commit_job *job);

/* Jobs that are not done. */
size_t commit_pending(const struct commit_pool *p);

/*
 * The same steps at once, for programs without a loop: for one job, or for a list linked by
 * next, which shares the flushes; each job's err tells its outcome.  Where link(2) is refused
 * (EPERM, EOPNOTSUPP: some network file systems) rename takes its place.
 */
void commit_batch(int from_dir, int to_dir, struct commit_job *first);
bool commit_now(int from_dir, int to_dir, struct commit_job *job, struct err *e);

#endif
