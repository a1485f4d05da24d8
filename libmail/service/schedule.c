/*
 * The role "queue": set-up, messages of gate and smtpd, and the schedule.  See
 * service/schedule.h.
 */
#include "service/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/num.h"
#include "service/role.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/proc.h"

enum { COMMIT_THREADS = 2, WAIT_MAX_S = 3600 };

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
	int64_t now = clock_wall().s, next = INT64_MAX;

	if (q->works >= SCHEDULE_WORKS || q->stopping)
		return;
	for (size_t i = 0; i < q->count; i++)
		if (!q->entries[i].busy && q->entries[i].next < next)
			next = q->entries[i].next;
	if (next == INT64_MAX)
		return;
	/* A wall clock that jumps must not make us sleep for ever. */
	if (next - now > WAIT_MAX_S)
		next = now + WAIT_MAX_S;
	loop_timer_set(&q->loop, &q->wake, next > now ? (uint64_t)(next - now) * 1000 : 0);
}

void schedule_note(struct schedule *q, const char *id, int64_t next)
{
	struct schedule_entry *entry = find(q, id);

	if (entry) {
		entry->seen = true;
		/* It was held back; -Q may have let it go. */
		if (entry->next == INT64_MAX && !entry->busy) {
			entry->next = next;
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
	*entry = (struct schedule_entry){.next = next, .seen = true};
	span_to_cstr(span_str(id), entry->id, sizeof entry->id);
	set_wake(q);
}

/* A one-shot run is over when everything was tried once. */
static void check_idle(struct schedule *q)
{
	int64_t now = clock_wall().s;

	if (q->stopping && q->works + q->away == 0)
		loop_stop(&q->loop);
	if (!q->one_shot || q->works + q->away)
		return;
	for (size_t i = 0; i < q->count; i++)
		if (q->entries[i].next <= now)
			return;
	schedule_choose_tell_gate(q, MTA_IDLE);
}

void schedule_away(struct schedule *q)
{
	q->works--;
	q->away++;
	set_wake(q);
}

void schedule_over(struct schedule *q, const char *id, bool gone, int64_t next)
{
	struct schedule_entry *entry = find(q, id);

	q->works--;
	if (entry && gone) {
		*entry = q->entries[--q->count];
	} else if (entry) {
		entry->busy = false;
		entry->next = next;
	}
	set_wake(q);
	check_idle(q);
}

static void on_wake(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, wake));
	int64_t now = clock_wall().s;

	for (size_t i = 0; i < q->count && q->works < SCHEDULE_WORKS && !q->stopping; i++) {
		struct schedule_entry *entry = &q->entries[i];
		char id[QUEUE_ID_MAX];

		if (entry->busy || entry->next > now)
			continue;
		entry->busy = true;
		q->works++;
		/* The table may change under us while the work starts. */
		memcpy(id, entry->id, sizeof id);
		schedule_work_start(q, id);
	}
	set_wake(q);
	check_idle(q);
}

static bool note_one(void *arg, const char *id)
{
	schedule_note(arg, id, 0);
	return true;
}

/*
 * The directory is the truth and the table a copy: what is new there is added, what has
 * gone there is dropped, files of a process that died are swept.
 */
static void scan(struct schedule *q)
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

	scan(q);
	loop_timer_set(&q->loop, &q->scan, SCHEDULE_SCAN_S * 1000);
}

static void run_all(struct schedule *q)
{
	scan(q);
	for (size_t i = 0; i < q->count; i++)
		q->entries[i].next = 0;
	set_wake(q);
	check_idle(q);
}

static void on_changes(struct loop_watch *w, uint32_t events)
{
	struct schedule *q = (struct schedule *)((char *)w - offsetof(struct schedule, changes));
	_Alignas(struct inotify_event) char mem[4096];
	ssize_t got;

	(void)events;
	/* Only a hint that comes early: a name that is lost is found by the next scan. */
	while ((got = read(w->fd, mem, sizeof mem)) > 0)
		for (char *at = mem; at < mem + got;) {
			struct inotify_event *ev = (struct inotify_event *)(void *)at;

			if (ev->len && queue_valid_id(span_str(ev->name)))
				schedule_note(q, ev->name, 0);
			/* More names than the kernel kept. */
			if (ev->mask & IN_Q_OVERFLOW)
				scan(q);
			at += sizeof *ev + ev->len;
		}
}

static void stop(struct schedule *q)
{
	q->stopping = true;
	loop_timer_clear(&q->loop, &q->wake);
	relays_stop(&q->relays);
	if (q->works + q->away == 0)
		loop_stop(&q->loop);
}

static void on_signal(struct loop *l, int signo)
{
	struct schedule *q = (struct schedule *)((char *)l - offsetof(struct schedule, loop));

	if (signo == SIGTERM)
		stop(q);
	else if (signo == SIGUSR1)
		run_all(q);
}

static bool on_gate(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, gate));
	struct span text;
	uint32_t number;
	struct err e;

	switch (in->type) {
	case MTA_ACCOUNT_IS:
		return schedule_check_answer(q, in);
	case MTA_AGENT_IS:
		if (!mta_ipc_get_outcome(in, &e, &text))
			return false;
		agents_answer(&q->agents, in->id, fds[0], &e);
		fds[0] = -1;
		return true;
	case MTA_RELAY_IS:
		if (!mta_ipc_get_outcome(in, &e, &text))
			return false;
		relays_answer(&q->relays, fds[0], &e);
		fds[0] = -1;
		return true;
	case MTA_PEER:
		ipc_close(&q->smtpd);
		if (fds[0] < 0 || !ipc_open(&q->smtpd, &q->loop, fds[0], &e))
			return false;
		fds[0] = -1;
		return true;
	case MTA_RUN:
		if (!mta_ipc_get_number(in, &number))
			return false;
		q->one_shot |= number == 0; /* stays one once it is */
		run_all(q);
		return true;
	default:
		return false;
	}
}

static void on_gate_lost(struct ipc *c)
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, gate));

	schedule_check_gate_lost(q);
	agents_gate_lost(&q->agents);
	loop_stop(&q->loop);
}

static bool on_smtpd(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = (struct schedule *)((char *)c - offsetof(struct schedule, smtpd));
	char id[QUEUE_ID_MAX];
	struct span text;

	(void)fds;
	if (in->type == MTA_CHECK_MAIL || in->type == MTA_CHECK_RCPT)
		return schedule_check(q, in);
	if (in->type != MTA_QUEUED || !mta_ipc_get_text(in, &text) || !queue_valid_id(text))
		return false;
	span_to_cstr(text, id, sizeof id);
	schedule_note(q, id, 0);
	return true;
}

static void on_smtpd_lost(struct ipc *c)
{
	(void)c; /* gate sends a new peer */
}

static bool on_setup(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct schedule *q = arg;
	uint32_t number;

	switch (in->type) {
	case MTA_PEER:
		q->smtpd.watch.fd = fds[0];
		fds[0] = -1;
		return true;
	case MTA_RUN: /* before START: a one-shot run */
		if (!mta_ipc_get_number(in, &number))
			return false;
		q->one_shot = number == 0;
		q->interval_s = number;
		return true;
	default:
		return schedule_choose_setup(q, in);
	}
}

static bool enter(struct schedule *q, struct err *e)
{
	char dir[QUEUE_PATH_MAX + 8];
	struct box box = {.role = "queue", .allow = BOX_FILES | BOX_THREADS, .max_files = 1024};
	int fd;

	if (!queue_open(&q->queue, q->settings.queue, false, e))
		return false;
	snprintf(dir, sizeof dir, "%s/queue", q->settings.queue);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Without inotify (limits of a shared host) the periodic scan must do. */
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_CREATE | IN_MOVED_TO | IN_ATTRIB) < 0)
		log_warn("queue directory %s: cannot be watched: %s", dir, strerror(errno));
	q->changes.fd = fd;
	box.paths[0] = (struct box_path){q->settings.queue, true};
	box.paths[1] = (struct box_path){"/etc", false};
	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

static bool open_channels(struct schedule *q, struct err *e)
{
	int smtpd = q->smtpd.watch.fd, changes = q->changes.fd;

	q->gate.on_message = on_gate;
	q->gate.on_close = on_gate_lost;
	q->smtpd.on_message = on_smtpd;
	q->smtpd.on_close = on_smtpd_lost;
	q->smtpd.watch.fd = q->changes.fd = -1;
	q->changes.ready = on_changes;
	return ipc_open(&q->gate, &q->loop, PROC_CONTROL_FD, e) &&
	       (smtpd < 0 || ipc_open(&q->smtpd, &q->loop, smtpd, e)) &&
	       (changes < 0 || loop_add(&q->loop, &q->changes, changes, EPOLLIN, e));
}

static void on_interval(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, interval));

	run_all(q);
	loop_timer_set(&q->loop, &q->interval, q->interval_s * 1000);
}

static bool start(struct schedule *q, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGUSR1, SIGINT, 0};

	q->smtpd.watch.fd = q->changes.fd = -1;
	if (!loop_init(&q->loop, e) || !settings_init(&q->settings, e) ||
	    !role_setup(&q->settings, on_setup, q, e) || !enter(q, e) ||
	    !loop_signals(&q->loop, signals, on_signal, e) || !open_channels(q, e))
		return false;
	q->pool = commit_pool_new(&q->loop, q->queue.tmp, q->queue.dir, COMMIT_THREADS, e);
	if (!q->pool)
		return false;
	agents_init(&q->agents, &q->loop, schedule_check_ask_agent);
	relays_init(&q->relays, &q->loop, schedule_relay_ask);
	q->wake.fire = on_wake;
	q->scan.fire = on_scan;
	q->interval.fire = on_interval;
	return true;
}

int schedule_main(int argc, char **argv)
{
	struct schedule *q = calloc(1, sizeof *q);
	struct err e = {0};

	(void)argc;
	(void)argv;
	proc_enter_role("queue");
	log_init("sendmail", LOG_T_AUTO);
	clock_init();
	if (!q || !start(q, &e)) {
		log_err("queue: %s", e.text);
		return EXIT_OSERR;
	}
	if (q->interval_s)
		loop_timer_set(&q->loop, &q->interval, q->interval_s * 1000);
	loop_timer_set(&q->loop, &q->scan, SCHEDULE_SCAN_S * 1000);
	schedule_choose_tell_gate(q, MTA_READY);
	run_all(q);
	loop_run(&q->loop);
	commit_pool_free(q->pool);
	free(q->entries);
	free(q->cache);
	free(q);
	return 0;
}
