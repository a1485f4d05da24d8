/*
 * The schedule proper: which messages there are and when each is due; see service/schedule.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "service/schedule.h"
#include "sys/clock.h"
#include "sys/log.h"

enum {
	HANDOVER_MS = 20, /* after which a file may not be held any more */
	HELD_MAX = 7,     /* doublings of that */
};

static struct schedule_entry *find(struct schedule *q, const char *id)
{
	for (size_t i = 0; i < q->count; i++)
		if (strcmp(q->entries[i].id, id) == 0)
			return &q->entries[i];
	return NULL;
}

/* Has the wake-up come at the next due time; 0 ms when something is due and may start. */
static void set_wake(struct schedule *q)
{
	uint64_t now = q->loop.now_ms, next = UINT64_MAX;

	if (q->works >= SCHEDULE_WORKS || q->stopping)
		return;
	for (size_t i = 0; i < q->count; i++)
		if (!q->entries[i].busy && q->entries[i].next_ms < next)
			next = q->entries[i].next_ms;
	if (next != UINT64_MAX)
		loop_timer_set(&q->loop, &q->wake, next > now ? next - now : 0);
}

void schedule_note(struct schedule *q, const char *id, bool free)
{
	struct schedule_entry *entry = find(q, id);

	if (entry) {
		entry->seen = true;
		/* It was held back; -Q may have let it go. */
		if ((free || entry->next_ms == UINT64_MAX) && !entry->busy) {
			entry->next_ms = 0;
			set_wake(q);
		}
		return;
	}
	if (q->only[0] && strcmp(q->only, id) != 0)
		return;
	if (q->count == q->room) {
		size_t more = q->room ? q->room * 2 : 16;
		struct schedule_entry *grown = realloc(q->entries, more * sizeof *grown);

		/* It stays on disk and is found by a later scan. */
		if (!grown)
			return;
		q->entries = grown;
		q->room = more;
	}
	entry = &q->entries[q->count++];
	*entry = (struct schedule_entry){
	    .seen = true, .clock_zero = clock_wall().s - (int64_t)(clock_ms() / 1000)};
	span_to_cstr(span_str(id), entry->id, sizeof entry->id);
	set_wake(q);
}

/* A one-shot run is over when everything was tried once. */
static void check_idle(struct schedule *q)
{
	if (q->stopping && q->works + q->away == 0)
		loop_stop(&q->loop);
	if (!q->one_shot || q->works + q->away)
		return;
	/* Who has a file for a moment only (mailq -Q, another run that chooses) does not send it.
	 */
	for (size_t i = 0; i < q->count; i++)
		if (q->entries[i].next_ms <= q->loop.now_ms || q->entries[i].held % HELD_MAX)
			return;
	schedule_choose_tell_gate(q, MTA_IDLE);
}

void schedule_away(struct schedule *q)
{
	q->works--;
	q->away++;
	set_wake(q);
}

void schedule_over(struct schedule *q, const char *id, bool gone, uint64_t wait_s)
{
	struct schedule_entry *entry = find(q, id);

	q->works--;
	if (entry && gone) {
		*entry = q->entries[--q->count];
	} else if (entry) {
		bool held = wait_s == SCHEDULE_HELD;
		uint64_t wait_ms = held ? (uint64_t)HANDOVER_MS << entry->held : wait_s * 1000;

		entry->busy = false;
		entry->next_ms = wait_s == SCHEDULE_NEVER ? UINT64_MAX : q->loop.now_ms + wait_ms;
		entry->held = held ? (uint8_t)(entry->held + (entry->held < HELD_MAX)) : 0;
	}
	set_wake(q);
	check_idle(q);
}

static void on_wake(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, wake));

	for (size_t i = 0; i < q->count && q->works < SCHEDULE_WORKS && !q->stopping; i++) {
		struct schedule_entry *entry = &q->entries[i];
		int64_t zero = entry->clock_zero;
		char id[QUEUE_ID_MAX];

		if (entry->busy || entry->next_ms > q->loop.now_ms)
			continue;
		entry->busy = true;
		q->works++;
		/* The table may change under us while the work starts. */
		memcpy(id, entry->id, sizeof id);
		schedule_work_start(q, id, zero);
	}
	set_wake(q);
	check_idle(q);
}

static bool note_one(void *arg, const char *id)
{
	schedule_note(arg, id, false);
	return true;
}

/* The directory is the truth and the table a copy. */
void schedule_scan(struct schedule *q)
{
	struct err e;

	for (size_t i = 0; i < q->count; i++)
		q->entries[i].seen = false;
	if (!queue_each(&q->queue, note_one, q, &e)) {
		log_err("%s", e.text);
		return;
	}
	for (size_t i = 0; i < q->count; i++)
		if (!q->entries[i].seen && !q->entries[i].busy)
			q->entries[i--] = q->entries[--q->count];
	queue_sweep(&q->queue, clock_wall().s);
}

static void on_scan(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, scan));

	schedule_scan(q);
	loop_timer_set(&q->loop, &q->scan, SCHEDULE_SCAN_S * 1000);
}

void schedule_run_all(struct schedule *q)
{
	schedule_scan(q);
	for (size_t i = 0; i < q->count; i++)
		q->entries[i].next_ms = 0;
	set_wake(q);
	check_idle(q);
}

void schedule_changed(struct loop_watch *w, uint32_t events)
{
	struct schedule *q = (struct schedule *)((char *)w - offsetof(struct schedule, changes));
	_Alignas(struct inotify_event) char mem[4096];
	ssize_t got = read(w->fd, mem, sizeof mem);

	(void)events;
	/* Only a hint that comes early: a name that is lost is found by the next scan. */
	for (char *at = mem; at < mem + got;) {
		struct inotify_event *ev = (struct inotify_event *)(void *)at;

		if (ev->len && queue_valid_id(span_str(ev->name)))
			schedule_note(q, ev->name, true);
		/* More names than the kernel kept. */
		if (ev->mask & IN_Q_OVERFLOW)
			schedule_scan(q);
		at += sizeof *ev + ev->len;
	}
}

void schedule_table_init(struct schedule *q)
{
	q->wake.fire = on_wake;
	q->scan.fire = on_scan;
	loop_timer_set(&q->loop, &q->scan, SCHEDULE_SCAN_S * 1000);
}
