/*
 * commit_steps: the steps that make a batch of jobs durable, without threads.
 *
 * The part of commit that touches files; commit.c holds the pool around it.  Calls
 * block on the disk.  Safe to run for different batches at the same time.
 */
#ifndef LETTERBOX_SYS_COMMIT_STEPS_H
#define LETTERBOX_SYS_COMMIT_STEPS_H

#include <pthread.h>
#include <stdbool.h>

#include "sys/commit.h"

struct commit_steps_dirs {
	int from, to; /* open directories, borrowed */
	bool ordered; /* one journal orders data, inodes and names (see sys/commit.h) */
};

/* Looks at the file system of the two directories. */
struct commit_steps_dirs commit_steps_probe(int from_dir, int to_dir);

/*
 * First step: the contents of each file; a failure stays in the job's err.  One after the other:
 * where each costs a flush of its own, call it for one job at a time in several threads, whose
 * flushes the kernel merges.  It is commit_steps_start, and then commit_steps_wait for each.
 */
void commit_steps_flush(const struct commit_steps_dirs *d, struct commit_job *first);
void commit_steps_start(const struct commit_steps_dirs *d, struct commit_job *first);
void commit_steps_wait(const struct commit_steps_dirs *d, struct commit_job *job);

/*
 * Second step, for jobs whose first is done: final names for those without an err, one flush
 * of the directory, removal of the temporary names.  When that flush fails, all names are taken
 * back.
 */
void commit_steps_name(const struct commit_steps_dirs *d, struct commit_job *first);

/*
 * commit_batch.c: a thread for such steps, which no signal comes to.  With a stack of
 * COMMIT_STACK octets it is to be joined, without one nobody waits for it.
 */
enum { COMMIT_STACK = 64 * 1024 }; /* the deepest call is a vsnprintf for an error's text */
bool commit_thread(void *(*run)(void *), void *arg, char *stack, pthread_t *id);

#endif
