/*
 * loop: one epoll event loop per process, with timers and signals.
 *
 * Watches and timers are members of their owner's struct, linked, never copied:
 * the loop allocates nothing per session.  A callback may remove any watch or
 * timer, its own included, and free its owner.  Timers are coarse (about 100 ms) and
 * cost O(1); an idle loop does not wake up.
 */
#ifndef LETTERBOX_SYS_LOOP_H
#define LETTERBOX_SYS_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"

struct loop;

struct loop_watch {
	int fd; /* -1 when not watched */
	uint32_t events;
	void (*ready)(struct loop_watch *w, uint32_t events);
};

struct loop_timer {
	struct loop_timer *prev, *next; /* NULL when not set */
	uint64_t due_ms;                /* monotonic, clock_ms */
	void (*fire)(struct loop_timer *t);
};

enum { LOOP_SLOTS = 64, LOOP_TICK_MS = 128, LOOP_BATCH = 64 };

struct loop {
	int epoll;
	bool stopped;
	uint64_t now_ms; /* of this turn */
	uint64_t tick;   /* the wheel's position, in ticks */
	size_t timers;   /* how many are set */
	struct loop_timer wheel[LOOP_SLOTS];
	struct loop_timer soon;    /* those set to 0 ms */
	struct epoll_event *batch; /* of this turn, to forget removed watches */
	int batch_len;
	struct loop_watch signals;
	void (*on_signal)(struct loop *l, int signo);
};

bool loop_init(struct loop *l, struct err *e);
void loop_close(struct loop *l);

/*
 * Blocks the signals of the list (ended by 0) and has on_signal called from the loop
 * for each that arrives.
 */
bool loop_signals(struct loop *l, const int *list, void (*on_signal)(struct loop *l, int signo),
		  struct err *e);

/* Watches fd for EPOLLIN | EPOLLOUT...; ready must be set.  Level-triggered. */
bool loop_add(struct loop *l, struct loop_watch *w, int fd, uint32_t events, struct err *e);
void loop_events(struct loop *l, struct loop_watch *w, uint32_t events);

/* Forgets the watch; does not close its descriptor.  Harmless when not watched. */
void loop_remove(struct loop *l, struct loop_watch *w);

/* The same for a descriptor that was closed and had no duplicate: the kernel has forgotten it. */
void loop_forget(struct loop *l, struct loop_watch *w);

/*
 * Fires once, ms from now at the earliest and up to LOOP_TICK_MS later; setting a set timer moves
 * it.  With 0 it fires when this turn's events are handled (set from a timer: the next turn's).
 */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/*
 * Runs until loop_stop; when nothing has happened for a second, the code that the burst before
 * needed is given back.  loop_turn handles what is ready, waiting at most max_ms (-1: for ever),
 * and says whether there was anything but timers.
 */
void loop_run(struct loop *l);
bool loop_turn(struct loop *l, int max_ms);
void loop_stop(struct loop *l);

#endif
