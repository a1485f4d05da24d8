/*
 * One message under work: every pending recipient is routed and handed on, the
 * outcomes are marked in its file, reports are made, the next attempt is set.  See
 * service/schedule.h.
 *
 * Steps that touch the disk's cache wait in the commit pool, not in the loop.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/schedule_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

enum {
	DAMAGED_RETRY_S = 3600,
	PASSING_RETRY_S = 60, /* there were no descriptors or no memory to read it */
	SPARE_OCTETS = 32768, /* hardly any message takes more memory */
};

static void put_away(struct work *w)
{
	struct schedule *q = w->q;

	queue_discard(&q->queue, &w->report);
	schedule_variants_free(w);
	for (size_t i = 0; i < w->count; i++) {
		dns_client_cancel(&w->tasks[i].wait);
		schedule_forward_free(&w->tasks[i]);
	}
	config_free(w->config);
	queue_unload(&w->item);
	if (w->item.arena.total > SPARE_OCTETS)
		arena_free(&w->item.arena);
	w->next = q->spare;
	q->spare = w;
	loop_timer_set(&q->loop, &q->quiet, SCHEDULE_QUIET_MS);
}

void schedule_work_forget(struct schedule *q)
{
	while (q->spare) {
		struct work *w = q->spare;

		q->spare = w->next;
		arena_free(&w->item.arena);
		free(w);
	}
}

static void over(struct work *w, bool gone, uint64_t wait_s)
{
	struct schedule *q = w->q;
	char id[QUEUE_ID_MAX];

	if (w->away) {
		q->away--;
		q->works++;
	}
	memcpy(id, w->item.id, sizeof id);
	put_away(w);
	schedule_over(q, id, gone, wait_s);
}

/* Doubling from the minimum to the maximum, with a tenth of jitter against herds. */
static uint64_t wait_of(const struct work *w)
{
	const struct settings *s = &w->q->settings;
	uint64_t wait = s->retry_min_s ? s->retry_min_s : 60;
	uint32_t tries = w->item.head.state.tries;

	/* Ends at the maximum, so many tries neither overflow nor take time. */
	while (tries-- > 1 && wait < s->retry_max_s)
		wait *= 2;
	if (wait > s->retry_max_s && s->retry_max_s)
		wait = s->retry_max_s;
	return wait + rand_u64() % (wait / 10 + 1);
}

static bool any(const struct work *w, char state)
{
	for (size_t i = 0; i < w->item.count; i++)
		if (w->item.rcpts[i].state == state)
			return true;
	return false;
}

int64_t schedule_age(const struct work *w)
{
	int64_t now = w->clock_zero + (int64_t)(w->q->loop.now_ms / 1000);

	return now - w->item.head.state.created;
}

static void mark_all(struct work *w, char from, char to)
{
	struct err e;

	for (size_t i = 0; i < w->item.count; i++) {
		if (w->item.rcpts[i].state != from)
			continue;
		w->item.rcpts[i].state = to;
		if (!queue_mark_rcpt(&w->item, i, &e))
			log_err("%s: %s", w->item.id, e.text);
	}
}

/*
 * All settled: the file goes. Else the next attempt is written into it, and a message
 * whose report could not be made comes back with the rest.
 */
static void conclude(struct work *w)
{
	struct qfile_state *state = &w->item.head.state;
	uint64_t wait;
	struct err e;

	if (!any(w, QFILE_PENDING) && !any(w, QFILE_FAILED)) {
		if (!queue_remove(&w->q->queue, w->item.id, &e)) {
			log_err("%s: %s", w->item.id, e.text);
			mark_all(w, QFILE_DONE, QFILE_DONE);
			over(w, false, DAMAGED_RETRY_S);
			return;
		}
		commit_close(w->q->pool, w->item.fd);
		w->item.fd = -1;
		log_debug("%s: done; delay=%lld", w->item.id, (long long)schedule_age(w));
		over(w, true, 0);
		return;
	}
	wait = wait_of(w);
	state->next = clock_wall().s + (int64_t)wait;
	if (!queue_mark_state(&w->item, &e))
		log_err("%s: %s", w->item.id, e.text);
	over(w, false, wait);
}

/*
 * Only when the report is on disk is the failure marked as told: a crash in between sends
 * it twice rather than not at all.
 */
static void on_reported(struct commit_job *job)
{
	struct work *w = (struct work *)((char *)job - offsetof(struct work, commit));

	if (job->err.class != ERR_NONE) {
		/* The recipients stay FAILED: the report is owed, and tried again. */
		log_err("%s: cannot queue a report: %s", w->item.id, job->err.text);
	} else {
		schedule_note(w->q, w->report.id, true);
		log_info("%s: %s: %s", w->item.id, w->report.id,
			 w->kind == BOUNCE_FAILED ? "DSN: delivery failed" : "DSN: delayed");
		if (w->kind == BOUNCE_FAILED)
			mark_all(w, QFILE_FAILED, QFILE_BOUNCED);
		else
			w->item.head.state.flags |= QFILE_WARNED;
	}
	conclude(w);
}

static bool wants_warning(const struct work *w)
{
	const struct qfile_state *state = &w->item.head.state;
	uint64_t after = w->q->settings.queue_warn_s;

	/* Nobody is told about the delay of a report (null sender). */
	return after && any(w, QFILE_PENDING) && !(state->flags & (QFILE_WARNED | QFILE_BOUNCE)) &&
	       w->item.head.sender.len && schedule_age(w) > (int64_t)after;
}

static void report(struct work *w)
{
	struct err e;

	if (any(w, QFILE_FAILED)) {
		w->kind = BOUNCE_FAILED;
	} else if (wants_warning(w)) {
		w->kind = BOUNCE_DELAYED;
	} else {
		conclude(w);
		return;
	}
	if (!bounce_write(&w->q->queue, &w->q->settings, &w->item, w->kind, &w->report, &e)) {
		log_err("%s: cannot write a report: %s", w->item.id, e.text);
		conclude(w);
	} else if (w->report.fd < 0) {
		/* No report was due: nobody wants one, or there is nobody left to tell. */
		if (w->kind == BOUNCE_FAILED)
			mark_all(w, QFILE_FAILED, QFILE_BOUNCED);
		else
			w->item.head.state.flags |= QFILE_WARNED;
		conclude(w);
	} else {
		w->commit = (struct commit_job){.fd = w->report.fd,
						.from = w->report.id,
						.to = w->report.id,
						.done = on_reported};
		commit_submit(w->q->pool, &w->commit);
	}
}

/* The marks are on disk, or will be written again: a lost mark delivers twice, never not. */
static void on_marked(struct commit_job *job)
{
	struct work *w = (struct work *)((char *)job - offsetof(struct work, commit));

	if (job->err.class != ERR_NONE)
		log_err("%s: cannot flush marks: %s", w->item.id, job->err.text);
	report(w);
}

/* All recipients were answered. */
static void finish(struct work *w)
{
	size_t crowded = 0;
	struct err e;

	for (size_t i = 0; i < w->count; i++)
		crowded += w->tasks[i].crowded;
	/* No attempt was made: nothing is to be noted. */
	if (crowded && crowded == w->count) {
		over(w, false, SCHEDULE_CROWDED_S);
		return;
	}
	w->item.head.state.tries++;
	for (size_t i = 0; i < w->count; i++)
		if (!w->tasks[i].crowded)
			schedule_settle(w, &w->tasks[i]);
	/* Nothing is left: the file is about to go, so it needs no marks. */
	if (!any(w, QFILE_PENDING) && !any(w, QFILE_FAILED)) {
		conclude(w);
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		if (!w->tasks[i].crowded && !queue_mark_rcpt(&w->item, w->tasks[i].rcpt, &e))
			log_err("%s: %s", w->item.id, e.text);
	w->commit = (struct commit_job){.fd = w->item.fd, .done = on_marked};
	commit_submit(w->q->pool, &w->commit);
}

/* What other hosts take their time for keeps nobody from working on other messages. */
static void check_away(struct work *w)
{
	if (w->away || w->open != w->remote)
		return;
	w->away = true;
	schedule_away(w->q);
}

void schedule_task_answered(struct task *t)
{
	struct work *w = t->work;

	if (--w->open == 0)
		finish(w);
	else
		check_away(w);
}

static void start_tasks(struct work *w)
{
	schedule_choose_tell_start(w->q, w->item.id);
	/* One more than there are, so that answers that come at once do not end it early. */
	w->open = 1;
	w->count = 0;
	for (size_t i = 0; i < w->item.count; i++) {
		/* Settled by an earlier attempt. */
		if (w->item.rcpts[i].state != QFILE_PENDING)
			continue;
		w->tasks[w->count] = (struct task){.work = w, .rcpt = i};
		w->count++;
		w->open++;
	}
	w->config = config_keep(w->q->config);
	for (size_t i = 0; i < w->count; i++)
		schedule_task_start(&w->tasks[i]);
	if (--w->open == 0)
		finish(w);
	else
		check_away(w);
}

/* Locked by another process that delivers it, or damaged; a file that has gone is done. */
static void not_loaded(struct work *w, const struct err *e)
{
	int s = fs_is_passing(e->sys) ? PASSING_RETRY_S : DAMAGED_RETRY_S;
	bool busy = e->sys == EAGAIN;

	if (e->sys != ENOENT && !busy)
		log_err("%s: left alone for %d s: %s", w->id, s, e->text);
	memcpy(w->item.id, w->id, sizeof w->item.id);
	over(w, e->sys == ENOENT, busy ? SCHEDULE_HELD : (uint64_t)s);
}

static void load(struct work *w)
{
	struct err e;

	if (!queue_load(&w->q->queue, w->id, true, &w->item, &e)) {
		not_loaded(w, &e);
		return;
	}
	w->tasks = arena_alloc(&w->item.arena, w->item.count * sizeof *w->tasks);
	if (!w->tasks)
		over(w, false, SCHEDULE_CROWDED_S);
	else if (!schedule_choose_item(w->q, &w->item))
		over(w, false, SCHEDULE_NEVER);
	else
		start_tasks(w);
}

void schedule_work_start(struct schedule *q, const char *id, int64_t clock_zero)
{
	struct work *w = q->spare;

	if (w)
		q->spare = w->next;
	else
		w = calloc(1, sizeof *w);
	if (!w) {
		schedule_over(q, id, false, SCHEDULE_CROWDED_S);
		return;
	}
	*w = (struct work){
	    .q = q, .clock_zero = clock_zero, .item.arena = w->item.arena, .report.fd = -1};
	span_to_cstr(span_str(id), w->id, sizeof w->id);
	load(w);
}
