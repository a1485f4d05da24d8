/*
 * The pool that merges commits; see sys/commit.h.
 *
 * Everything under the mutex is a few pointers: the disk is waited for outside of it.
 * Workers never call into the loop, and the loop's thread never waits for a worker but in
 * commit_pool_free.
 */
#include "sys/commit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/commit_steps.h"

enum {
	IDLE_S = 5,
	TELL_TRIES = 8,  /* a write to an eventfd fails only when a sandbox makes it */
	MERGE_MAX = 32,  /* flushed files that do not wait for more company */
	CLOSES_MAX = 64, /* files that wait to be closed */
};

struct queue_of_jobs {
	struct commit_job *first, **last;
};

struct commit_pool {
	struct loop *loop;
	struct loop_watch watch; /* the eventfd */
	struct commit_steps_dirs dirs;
	size_t pending; /* the loop's thread alone */
	unsigned max;
	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t work, gone;
	struct queue_of_jobs waiting, flushed, finished;
	unsigned nflushed, unflushed; /* jobs in flushed; those that are not so far */
	unsigned threads, idle;
	bool naming, closing; /* a worker is in the second step */
	bool freeing;         /* ... closes files that are no more */
	int close[CLOSES_MAX];
	unsigned ncloses;
};

enum step { STEP_NONE, STEP_FLUSH, STEP_NAME, STEP_CLOSE };

static void empty(struct queue_of_jobs *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static struct commit_job *take_all(struct queue_of_jobs *q)
{
	struct commit_job *first = q->first;

	empty(q);
	return first;
}

static void put_all(struct queue_of_jobs *q, struct commit_job *first)
{
	*q->last = first;
	while (*q->last)
		q->last = &(*q->last)->next;
}

/* Hands jobs back to the loop, and wakes it, unless it has some to fetch already. */
static void hand_back(struct commit_pool *p, struct commit_job *first)
{
	bool told = p->finished.first != NULL;
	uint64_t one = 1;

	put_all(&p->finished, first);
	/* Nothing else would wake the loop: jobs that are done would wait for ever. */
	for (int tries = 0; tries < TELL_TRIES && !told && first; tries++)
		if (write(p->watch.fd, &one, sizeof one) == (ssize_t)sizeof one || errno == EAGAIN)
			return;
}

/*
 * The directory is flushed by one at a time, when no more files are still to come than are there:
 * some clients go on, then, while others wait, and processor and disk are both at work.
 */
static enum step next_step(const struct commit_pool *p)
{
	if (p->flushed.first && !p->naming &&
	    (p->nflushed >= p->unflushed || p->nflushed >= MERGE_MAX))
		return STEP_NAME;
	if (p->waiting.first)
		return STEP_FLUSH;
	return p->ncloses && !p->freeing ? STEP_CLOSE : STEP_NONE;
}

/*
 * Waits for work; STEP_NONE when the thread shall end.  Called with the mutex held.  Threads
 * end after IDLE_S, so an idle daemon has none.
 */
static enum step await_work(struct commit_pool *p)
{
	struct timespec until;
	enum step step;
	int failed = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	while ((step = next_step(p)) == STEP_NONE && !p->closing && failed != ETIMEDOUT) {
		p->idle++;
		failed = pthread_cond_timedwait(&p->work, &p->mutex, &until);
		p->idle--;
	}
	/* A step that there is wins over closing: what was accepted is finished first. */
	return step;
}

/* Both steps are called with the mutex held and leave it while they wait for the disk. */
static void flush(struct commit_pool *p)
{
	struct commit_job *first = take_all(&p->waiting), *next;
	struct queue_of_jobs done;

	empty(&done);
	/*
	 * On some file systems flushes merge when they come from several threads at once;
	 * there each worker takes one and leaves the rest to the others.
	 */
	if (!p->dirs.ordered || !first->from) {
		if (first->next)
			put_all(&p->waiting, first->next);
		first->next = NULL;
		if (p->waiting.first && p->idle > 0)
			pthread_cond_signal(&p->work);
	}
	pthread_mutex_unlock(&p->mutex);
	commit_steps_flush(&p->dirs, first);
	pthread_mutex_lock(&p->mutex);
	for (struct commit_job *j = first; j; j = next) {
		bool to_name = j->from && j->err.class == ERR_NONE;

		next = j->next;
		j->next = NULL;
		/* What has no name to get, or failed, is done after the first step. */
		p->nflushed += to_name;
		p->unflushed--;
		put_all(to_name ? &p->flushed : &done, j);
	}
	hand_back(p, done.first);
}

static void name(struct commit_pool *p)
{
	struct commit_job *first = take_all(&p->flushed);

	p->nflushed = 0;
	p->naming = true;
	/* One directory flush for all of them: this is where the merging pays. */
	pthread_mutex_unlock(&p->mutex);
	commit_steps_name(&p->dirs, first);
	pthread_mutex_lock(&p->mutex);
	p->naming = false;
	hand_back(p, first);
}

static void close_files(struct commit_pool *p)
{
	int fds[CLOSES_MAX];
	unsigned n = p->ncloses;

	memcpy(fds, p->close, n * sizeof fds[0]);
	p->ncloses = 0;
	p->freeing = true;
	pthread_mutex_unlock(&p->mutex);
	while (n > 0)
		close(fds[--n]);
	pthread_mutex_lock(&p->mutex);
	p->freeing = false;
}

static void *work(void *arg)
{
	static void (*const steps[])(struct commit_pool * p) = {
	    [STEP_FLUSH] = flush, [STEP_NAME] = name, [STEP_CLOSE] = close_files};
	struct commit_pool *p = arg;
	enum step step;

	pthread_mutex_lock(&p->mutex);
	while ((step = await_work(p)) != STEP_NONE)
		steps[step](p);
	p->threads--;
	/* The pool is freed when the last one has said that it is gone. */
	pthread_cond_signal(&p->gone);
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static void report(struct commit_pool *p)
{
	struct commit_job *job;

	pthread_mutex_lock(&p->mutex);
	job = take_all(&p->finished);
	pthread_mutex_unlock(&p->mutex);
	while (job) {
		/* done may free its job. */
		struct commit_job *next = job->next;

		p->pending--;
		job->done(job);
		job = next;
	}
}

static void ready(struct loop_watch *w, uint32_t events)
{
	struct commit_pool *p =
	    (struct commit_pool *)((char *)w - offsetof(struct commit_pool, watch));
	uint64_t count;

	/* One wake-up may stand for many jobs, and the count says nothing. */
	(void)events;
	(void)!read(w->fd, &count, sizeof count);
	report(p);
}

struct commit_pool *commit_pool_new(struct loop *l, int from_dir, int to_dir, unsigned threads,
				    struct err *e)
{
	struct commit_pool *p = calloc(1, sizeof *p);
	pthread_condattr_t monotonic;
	int fd = p ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;

	if (fd < 0)
		err_errno(e, errno, "cannot make the commit pool");
	if (fd < 0 || (p->watch.ready = ready, !loop_add(l, &p->watch, fd, EPOLLIN, e))) {
		if (fd >= 0)
			close(fd);
		free(p);
		return NULL;
	}
	p->loop = l;
	p->dirs = commit_steps_probe(from_dir, to_dir);
	p->max = threads;
	empty(&p->waiting);
	empty(&p->flushed);
	empty(&p->finished);
	pthread_mutex_init(&p->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->work, &monotonic);
	pthread_cond_init(&p->gone, NULL);
	pthread_condattr_destroy(&monotonic);
	return p;
}

/* Has a worker look what there is to do; false: there is none, and none can be had. */
static bool wake(struct commit_pool *p)
{
	pthread_t id;

	if (p->idle > 0)
		pthread_cond_signal(&p->work);
	else if (p->threads < p->max && commit_thread(work, p, NULL, &id))
		p->threads++;
	return p->threads > 0;
}

void commit_close(struct commit_pool *p, int fd)
{
	bool kept;

	pthread_mutex_lock(&p->mutex);
	kept = p->ncloses < CLOSES_MAX && (p->freeing || p->ncloses || wake(p));
	if (kept)
		p->close[p->ncloses++] = fd;
	pthread_mutex_unlock(&p->mutex);
	if (!kept)
		close(fd);
}

void commit_submit(struct commit_pool *p, struct commit_job *job)
{
	p->pending++;
	job->next = NULL;
	pthread_mutex_lock(&p->mutex);
	p->unflushed++;
	put_all(&p->waiting, job);
	/* In the caller's thread, so the loop waits for the disk this once. */
	if (!wake(p)) {
		/* No memory for a thread: slow is better than never. */
		job = take_all(&p->waiting);
		p->unflushed = 0;
		commit_steps_flush(&p->dirs, job);
		commit_steps_name(&p->dirs, job);
		hand_back(p, job);
	}
	pthread_mutex_unlock(&p->mutex);
}

size_t commit_pending(const struct commit_pool *p)
{
	return p->pending;
}

void commit_pool_free(struct commit_pool *p)
{
	int fd;

	if (!p)
		return;
	pthread_mutex_lock(&p->mutex);
	p->closing = true;
	/* Who is told of the end of one job may begin another, or have a file closed. */
	while (p->threads > 0 || p->finished.first) {
		pthread_cond_broadcast(&p->work);
		while (p->threads > 0)
			pthread_cond_wait(&p->gone, &p->mutex);
		pthread_mutex_unlock(&p->mutex);
		report(p);
		pthread_mutex_lock(&p->mutex);
	}
	pthread_mutex_unlock(&p->mutex);
	fd = p->watch.fd;
	loop_remove(p->loop, &p->watch);
	close(fd);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->gone);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}
