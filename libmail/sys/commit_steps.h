/*
 * commit_steps: the steps that make a batch of jobs durable, without threads.
 *
 * The part of commit that touches files; commit.c holds the pool around it.  Calls
 * block on the disk.  Safe to run for different batches at the same time.
 */
#ifndef LETTERBOX_SYS_COMMIT_STEPS_H
#define LETTERBOX_SYS_COMMIT_STEPS_H

#include <stdbool.h>

#include "sys/commit.h"

struct commit_steps_dirs {
	int from, to; /* open directories, borrowed */
	bool ordered; /* one journal orders data, inodes and names (see sys/commit.h) */
};

/* Looks at the file system of the two directories. */
struct commit_steps_dirs commit_steps_probe(int from_dir, int to_dir);

/* Runs all steps for the list of jobs and leaves the outcome of each in its err. */
void commit_steps_run(const struct commit_steps_dirs *d, struct commit_job *first);

#endif
