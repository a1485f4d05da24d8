/*
 * sys/loop: timers that set, clear and free each other, watches removed in callbacks, signals.
 */
#include "sys/loop.h"

#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "unit/test.h"

static struct loop l;

struct clock_hand {
	struct loop_timer timer;
	int fired;
	struct loop_timer *victim; /* cleared when this one fires */
	uint64_t again;            /* set again */
	bool free_me;
};

static int freed;

static void fire(struct loop_timer *t)
{
	struct clock_hand *h =
	    (struct clock_hand *)((char *)t - offsetof(struct clock_hand, timer));

	h->fired++;
	if (h->victim)
		loop_timer_clear(&l, h->victim);
	if (h->again)
		loop_timer_set(&l, t, h->again);
	if (h->free_me) {
		freed++;
		free(h);
	}
}

static void setup(void)
{
	struct err e;

	CHECK(loop_init(&l, &e));
}

static void run_ms(uint64_t ms)
{
	for (uint64_t end = clock_ms() + ms; clock_ms() < end;)
		loop_turn(&l, (int)(end - clock_ms()));
}

TEST(timer_fires_once_and_not_early)
{
	struct clock_hand h = {.timer.fire = fire};
	uint64_t began;

	setup();
	began = clock_ms();
	loop_timer_set(&l, &h.timer, 200);
	CHECK_INT(l.timers, 1);
	while (!h.fired)
		loop_turn(&l, -1);
	CHECK(clock_ms() - began >= 200);
	CHECK(clock_ms() - began < 200 + 4 * LOOP_TICK_MS);
	CHECK_INT(l.timers, 0);
	run_ms(3 * LOOP_TICK_MS);
	CHECK_INT(h.fired, 1);
	loop_close(&l);
}

/* Work that is due now must not wait for the wheel's next tick. */
TEST(timer_of_no_time_fires_in_the_next_turn)
{
	struct clock_hand h = {.timer.fire = fire};

	setup();
	loop_timer_set(&l, &h.timer, 0);
	loop_turn(&l, 0);
	CHECK_INT(h.fired, 1);
	loop_timer_set(&l, &h.timer, 0);
	loop_timer_clear(&l, &h.timer);
	loop_turn(&l, 0);
	CHECK_INT(h.fired, 1);
	loop_close(&l);
}

TEST(timer_cleared_and_moved)
{
	struct clock_hand a = {.timer.fire = fire}, b = {.timer.fire = fire};

	setup();
	loop_timer_set(&l, &a.timer, 1);
	loop_timer_set(&l, &b.timer, 1);
	loop_timer_clear(&l, &a.timer);
	loop_timer_clear(&l, &a.timer);
	loop_timer_set(&l, &b.timer, 100000);
	CHECK_INT(l.timers, 1);
	run_ms(3 * LOOP_TICK_MS);
	CHECK_INT(a.fired, 0);
	CHECK_INT(b.fired, 0);
	loop_timer_clear(&l, &b.timer);
	CHECK_INT(l.timers, 0);
	loop_close(&l);
}

/* A timer of a later revolution shares its slot with one of this. */
TEST(long_timer_waits_its_revolutions)
{
	struct clock_hand near = {.timer.fire = fire}, far = {.timer.fire = fire};

	setup();
	loop_timer_set(&l, &near.timer, 100);
	loop_timer_set(&l, &far.timer, 100 + (uint64_t)LOOP_SLOTS * LOOP_TICK_MS);
	run_ms(5 * LOOP_TICK_MS);
	CHECK_INT(near.fired, 1);
	CHECK_INT(far.fired, 0);
	/* As if the machine had slept through more than a revolution. */
	far.timer.due_ms = l.now_ms;
	l.tick -= 3 * LOOP_SLOTS;
	loop_turn(&l, 0);
	CHECK_INT(far.fired, 1);
	loop_close(&l);
}

TEST(timer_callbacks_may_clear_set_and_free)
{
	struct clock_hand a = {.timer.fire = fire}, b = {.timer.fire = fire};
	struct clock_hand again = {.timer.fire = fire, .again = 1};
	struct clock_hand *gone = calloc(1, sizeof *gone);

	setup();
	gone->timer.fire = fire;
	gone->free_me = true;
	a.victim = &b.timer;
	b.victim = &a.timer;
	freed = 0;
	loop_timer_set(&l, &a.timer, 1);
	loop_timer_set(&l, &b.timer, 1);
	loop_timer_set(&l, &gone->timer, 1);
	loop_timer_set(&l, &again.timer, 1);
	run_ms(6 * LOOP_TICK_MS);
	CHECK_INT(a.fired + b.fired, 1);
	CHECK_INT(freed, 1);
	CHECK(again.fired >= 2 && again.fired <= 7);
	loop_timer_clear(&l, &again.timer);
	loop_close(&l);
}

struct end {
	struct loop_watch watch;
	struct end *other; /* removed and freed by whoever is first */
	int *calls;
	struct end **left; /* set to the one that is not freed */
};

static void first_frees_other(struct loop_watch *w, uint32_t events)
{
	struct end *end = (struct end *)((char *)w - offsetof(struct end, watch));

	CHECK(events & EPOLLIN);
	++*end->calls;
	loop_remove(&l, &end->other->watch);
	free(end->other);
	*end->left = end;
	loop_remove(&l, w);
	loop_remove(&l, w);
}

TEST(callback_may_remove_and_free_another_that_is_ready)
{
	struct end *ends[2] = {calloc(1, sizeof(struct end)), calloc(1, sizeof(struct end))};
	struct end *left = NULL;
	int fds[2][2], calls = 0;
	struct err e;

	setup();
	for (int i = 0; i < 2; i++) {
		CHECK(pipe(fds[i]) == 0);
		ends[i]->watch.ready = first_frees_other;
		ends[i]->other = ends[!i];
		ends[i]->calls = &calls;
		ends[i]->left = &left;
		CHECK(loop_add(&l, &ends[i]->watch, fds[i][0], EPOLLIN, &e));
		CHECK(write(fds[i][1], "x", 1) == 1);
	}
	loop_turn(&l, 1000);
	loop_turn(&l, 0);
	CHECK_INT(calls, 1);
	for (int i = 0; i < 2; i++) {
		close(fds[i][0]);
		close(fds[i][1]);
	}
	free(left);
	loop_close(&l);
}

static int signal_counts[65];

static void on_signal(struct loop *loop, int signo)
{
	signal_counts[signo]++;
	if (signo == SIGTERM)
		loop_stop(loop);
}

TEST(signals_come_from_the_loop)
{
	static const int list[] = {SIGTERM, SIGHUP, SIGCHLD, 0};
	struct err e;
	pid_t pid;

	setup();
	CHECK(loop_signals(&l, list, on_signal, &e));
	kill(getpid(), SIGHUP);
	CHECK_INT(signal_counts[SIGHUP], 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	while (!signal_counts[SIGCHLD])
		loop_turn(&l, 1000);
	CHECK_INT(signal_counts[SIGHUP], 1);
	CHECK(waitpid(pid, NULL, 0) == pid);
	kill(getpid(), SIGTERM);
	loop_run(&l);
	CHECK_INT(signal_counts[SIGTERM], 1);
	loop_close(&l);
}

TEST_MAIN
