/*
 * Commits without a loop, in batches; see sys/commit.h.
 *
 * Flushes that meet are merged by the kernel, so they are made to meet: by threads that live
 * until the batch is flushed, on stacks of the caller's, since memory of their own would cost
 * more than they save.
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "sys/clock.h"
#include "sys/commit_steps.h"

enum {
	CREW_MAX = 7, /* threads that help one batch */
	SLOW_MS = 2,  /* a flush from which on help is worth it */
};

/* Those that flush one batch: each takes the next file. */
struct crew {
	const struct commit_steps_dirs *dirs;
	pthread_mutex_t mutex;
	struct commit_job *next;
};

/* Signals are the first thread's business: the others start with all of them blocked. */
bool commit_thread(void *(*run)(void *), void *arg, char *stack, pthread_t *id)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int failed;

	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstack(&attr, stack, COMMIT_STACK);
	else
		pthread_attr_setstacksize(&attr, COMMIT_STACK);
	pthread_attr_setdetachstate(&attr,
				    stack ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(id, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return failed == 0;
}

static void *help(void *arg)
{
	struct crew *c = arg;
	struct commit_job *j;

	do {
		pthread_mutex_lock(&c->mutex);
		j = c->next;
		if (j)
			c->next = j->next;
		pthread_mutex_unlock(&c->mutex);
		if (j)
			commit_steps_wait(c->dirs, j);
	} while (j);
	return NULL;
}

static void flush_with_help(const struct commit_steps_dirs *d, struct commit_job *first)
{
	struct crew c = {.dirs = d, .mutex = PTHREAD_MUTEX_INITIALIZER, .next = first};
	_Alignas(max_align_t) char stack[CREW_MAX][COMMIT_STACK];
	pthread_t helper[CREW_MAX];
	unsigned n = 0;

	/* Two files each; what no thread can be had for is flushed by this one. */
	for (struct commit_job *j = first; j && j->next && n < CREW_MAX; j = j->next->next)
		if (commit_thread(help, &c, stack[n], &helper[n]))
			n++;
	help(&c);
	while (n > 0)
		pthread_join(helper[--n], NULL);
	pthread_mutex_destroy(&c.mutex);
}

/*
 * As commit_steps_flush.  Flushes that meet are merged, so they are made to where one takes long;
 * where it does not, threads would cost more than they save.
 */
static void flush_together(const struct commit_steps_dirs *d, struct commit_job *first)
{
	uint64_t began = clock_ms(), now;
	struct commit_job *j = first;

	commit_steps_start(d, first);
	for (bool slow = false; j && !slow; j = j->next, began = now) {
		commit_steps_wait(d, j);
		now = clock_ms();
		slow = now - began >= SLOW_MS;
	}
	if (j)
		flush_with_help(d, j);
}

void commit_batch(int from_dir, int to_dir, struct commit_job *first)
{
	struct commit_steps_dirs d = commit_steps_probe(from_dir, to_dir);

	(d.ordered ? commit_steps_flush : flush_together)(&d, first);
	commit_steps_name(&d, first);
}

bool commit_now(int from_dir, int to_dir, struct commit_job *job, struct err *e)
{
	job->next = NULL;
	commit_batch(from_dir, to_dir, job);
	if (job->err.class != ERR_NONE)
		*e = job->err;
	return job->err.class == ERR_NONE;
}
