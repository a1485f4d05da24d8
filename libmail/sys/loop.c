/*
 * epoll, a timer wheel and signalfd; see sys/loop.h.
 *
 * The wheel holds timers of all lengths; one that is due in a later revolution
 * is left in its slot when the hand passes.  Timeouts of mail protocols are
 * minutes, so the hand meets few.
 */
#include "sys/loop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/image.h"

enum { REST_MS = 1000 };

/* Slots are rings with themselves as the end: removing a timer needs not know its slot. */
bool loop_init(struct loop *l, struct err *e)
{
	*l = (struct loop){.signals = {.fd = -1}};
	for (int i = 0; i < LOOP_SLOTS; i++)
		l->wheel[i].prev = l->wheel[i].next = &l->wheel[i];
	l->soon.prev = l->soon.next = &l->soon;
	l->now_ms = clock_ms();
	l->tick = l->now_ms / LOOP_TICK_MS;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll >= 0 || err_errno(e, errno, "epoll_create1");
}

void loop_close(struct loop *l)
{
	if (l->signals.fd >= 0)
		close(l->signals.fd);
	close(l->epoll);
	l->epoll = l->signals.fd = -1;
}

bool loop_add(struct loop *l, struct loop_watch *w, int fd, uint32_t events, struct err *e)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
		return err_errno(e, errno, "epoll_ctl");
	w->fd = fd;
	w->events = events;
	return true;
}

void loop_events(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (w->fd < 0 || w->events == events)
		return;
	/* Fails only for a descriptor that is not in the set: a bug of the caller. */
	BUG_ON(epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &ev) != 0);
	w->events = events;
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	loop_forget(l, w);
}

void loop_forget(struct loop *l, struct loop_watch *w)
{
	w->fd = -1;
	/* The owner may be freed before the rest of this turn's events is handled. */
	for (int i = 0; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

/* A timer that is not set has no next: clearing twice is allowed, handlers rely on it. */
void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	if (!t->next)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
	l->timers--;
}

/*
 * Rounded up, and never into the slot under the hand: a timer may be late by a tick, but not
 * early.  0 is no time but "after this turn's events": no tick is waited for, and a handler
 * that sets its timer to 0 again has its turn after all others.
 */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms)
{
	struct loop_timer *slot = &l->soon;
	uint64_t tick;

	loop_timer_clear(l, t);
	t->due_ms = l->now_ms + ms;
	tick = (t->due_ms + LOOP_TICK_MS - 1) / LOOP_TICK_MS;
	if (tick <= l->tick)
		tick = l->tick + 1;
	if (ms > 0)
		slot = &l->wheel[tick % LOOP_SLOTS];
	t->prev = slot->prev;
	t->next = slot;
	slot->prev->next = t;
	slot->prev = t;
	l->timers++;
}

/* Milliseconds until the hand reaches a slot with something in it; -1 when all are empty. */
static int next_wait(const struct loop *l)
{
	if (l->timers == 0)
		return -1;
	if (l->soon.next != &l->soon)
		return 0;
	for (uint64_t i = 1; i <= LOOP_SLOTS; i++) {
		const struct loop_timer *slot = &l->wheel[(l->tick + i) % LOOP_SLOTS];

		if (slot->next != slot) {
			uint64_t due = (l->tick + i) * LOOP_TICK_MS;

			return due > l->now_ms ? (int)(due - l->now_ms) : 0;
		}
	}
	return LOOP_SLOTS * LOOP_TICK_MS;
}

/* Moves the due timers of a slot to a list first: a callback may set new ones into it. */
static void fire_slot(struct loop *l, struct loop_timer *slot)
{
	struct loop_timer due = {.prev = &due, .next = &due};

	for (struct loop_timer *t = slot->next, *next; t != slot; t = next) {
		next = t->next;
		if (t->due_ms > l->now_ms)
			continue;
		t->prev->next = t->next;
		t->next->prev = t->prev;
		t->prev = due.prev;
		t->next = &due;
		due.prev->next = t;
		due.prev = t;
	}
	while (due.next != &due) {
		struct loop_timer *t = due.next;

		loop_timer_clear(l, t);
		t->fire(t);
	}
}

/* Runs after the events of a turn, so that data that came in time beats its own timeout. */
static void advance(struct loop *l)
{
	uint64_t target = l->now_ms / LOOP_TICK_MS;
	uint64_t steps = target - l->tick;

	/* After a long sleep one revolution sees every slot. */
	if (steps > LOOP_SLOTS) {
		l->tick = target - LOOP_SLOTS;
		steps = LOOP_SLOTS;
	}
	while (steps--)
		fire_slot(l, &l->wheel[++l->tick % LOOP_SLOTS]);
	fire_slot(l, &l->soon);
}

/*
 * now_ms is read once a turn: all handlers of a turn agree on the time. An interrupted wait gives
 * -1 events, which the loop below takes for none.
 */
bool loop_turn(struct loop *l, int max_ms)
{
	struct epoll_event batch[LOOP_BATCH];
	int wait = next_wait(l);
	bool some;

	if (max_ms >= 0 && (wait < 0 || wait > max_ms))
		wait = max_ms;
	l->batch = batch;
	l->batch_len = epoll_wait(l->epoll, batch, LOOP_BATCH, wait);
	l->now_ms = clock_ms();
	some = l->batch_len > 0;
	for (int i = 0; i < l->batch_len; i++) {
		struct loop_watch *w = batch[i].data.ptr;

		if (w)
			w->ready(w, batch[i].events);
	}
	l->batch_len = 0;
	l->batch = NULL;
	advance(l);
	return some;
}

void loop_run(struct loop *l)
{
	uint64_t last = clock_ms();
	bool resting = false;

	l->stopped = false;
	while (!l->stopped) {
		if (loop_turn(l, resting ? -1 : REST_MS)) {
			last = l->now_ms;
			resting = false;
		} else if (!resting && l->now_ms - last >= REST_MS) {
			image_forget_code();
			resting = true;
		}
	}
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

/* Drained, since equal signals merge while they wait: a count of SIGCHLDs says nothing. */
static void read_signals(struct loop_watch *w, uint32_t events)
{
	struct loop *l = (struct loop *)((char *)w - offsetof(struct loop, signals));
	struct signalfd_siginfo info;

	(void)events;
	while (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info)
		l->on_signal(l, (int)info.ssi_signo);
}

/* Blocked before the descriptor exists: a signal between the two waits, instead of killing. */
bool loop_signals(struct loop *l, const int *list, void (*on_signal)(struct loop *l, int signo),
		  struct err *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (; *list; list++)
		sigaddset(&set, *list);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_errno(e, errno, "sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(e, errno, "signalfd");
	l->on_signal = on_signal;
	l->signals.ready = read_signals;
	return loop_add(l, &l->signals, fd, EPOLLIN, e);
}
