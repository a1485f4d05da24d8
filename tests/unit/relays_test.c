/*
 * service/relays: against a relay role of this process, on the same loop, that answers, says
 * nonsense or goes away.
 */
#include "service/relays.h"

#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit/test.h"

static struct loop l;
static struct relays r;
static struct ipc role;    /* the other end */
static int asked, peer_fd; /* what gate would send */
static struct mta_send sends[8];
static size_t nsends, nrcpts;
static uint32_t numbers[8];
static int files;

static void on_ask(struct relays *x)
{
	int fds[2];
	struct err e;

	CHECK(x == &r);
	asked++;
	/* The one before, of which nobody takes notice any more. */
	ipc_close(&role);
	CHECK(ipc_pair(fds, &e) && ipc_open(&role, &l, fds[0], &e));
	peer_fd = fds[1];
}

static bool on_job(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct mta_send_to to;

	(void)c;
	files += (fds[0] >= 0) + (fds[1] >= 0);
	if (in->type == MTA_SEND) {
		CHECK(mta_ipc_get_send(in, &sends[nsends % 8]));
		numbers[nsends++ % 8] = in->id;
	} else if (in->type != MTA_SEND_TO) {
		return true;
	}
	for (; in->rest.len; nrcpts++)
		CHECK(mta_ipc_get_send_to(in, &to));
	return true;
}

static void on_end(struct ipc *c)
{
	(void)c;
}

struct rcpt {
	struct relays_rcpt rcpt;
	int done;
};

static void on_done(struct relays_rcpt *x)
{
	((struct rcpt *)((char *)x - offsetof(struct rcpt, rcpt)))->done++;
}

static struct arena arena;
static struct relays_message message;
static struct mta_target target;

static void setup(void)
{
	struct err e;

	CHECK(loop_init(&l, &e));
	role = (struct ipc){.watch.fd = -1, .on_message = on_job, .on_close = on_end};
	asked = files = 0;
	nsends = nrcpts = 0;
	peer_fd = -1;
	arena_init(&arena, SIZE_MAX);
	message =
	    (struct relays_message){.arena = &arena, .fd = STDIN_FILENO, .header = -1, .id = "id"};
	target = (struct mta_target){.hosts = SPAN("a.example"), .helo = SPAN("me"), .port = 25};
	relays_init(&r, &l, on_ask);
}

static void teardown(void)
{
	struct err e;

	/* Answers what is left, and frees it. */
	err_temp(&e, "4.3.0", "over");
	relays_fail(&r, &e);
	loop_turn(&l, 50);
	ipc_close(&role);
	loop_close(&l);
	arena_free(&arena);
}

static void give(struct rcpt *x, const char *addr)
{
	*x = (struct rcpt){.rcpt = {.addr = span_str(addr), .done = on_done}};
	relays_deliver(&r, &message, &target, &x->rcpt);
	CHECK_INT(x->done, 0);
}

static void turns(int n)
{
	while (n--)
		loop_turn(&l, 50);
}

/* The n-th role. */
static void connect_role_again(int n)
{
	struct err e = {0};

	turns(1);
	CHECK_INT(asked, n);
	relays_answer(&r, peer_fd, &e);
	turns(3);
}

static void connect_role(void)
{
	connect_role_again(1);
}

static void kill_role(void)
{
	ipc_close(&role);
	turns(3);
}

static void put_answer(uint32_t id, uint32_t index, const struct err *e, unsigned code)
{
	struct mta_sent sent = {.index = index, .err = *e, .code = (uint16_t)code};
	char mem[WIRE_MAX];
	struct buf b;

	sent.remote = SPAN("mx.example [192.0.2.1]");
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_sent(&b, id, &sent);
	ipc_send(&role, &b, NULL, 0);
}

static void say(uint32_t id, uint32_t index, const struct err *e, unsigned code)
{
	put_answer(id, index, e, code);
	turns(2);
}

TEST(recipients_of_one_turn_share_a_job)
{
	struct rcpt a, b, c;
	struct err e = {0};

	setup();
	give(&a, "a@a.example");
	give(&b, "b@a.example");
	/* Another target is another job. */
	target.hosts = SPAN("b.example");
	give(&c, "c@b.example");
	connect_role();
	CHECK_INT(nsends, 2);
	CHECK_INT(nrcpts, 3);
	CHECK_INT(files, 2);
	say(numbers[0], 1, &e, 250);
	CHECK_INT(b.done, 1);
	CHECK_INT(b.rcpt.err.class, ERR_NONE);
	CHECK_SPAN(span_str(b.rcpt.remote), SPAN("mx.example [192.0.2.1]"));
	CHECK_INT(a.done + c.done, 0);
	err_perm(&e, "5.1.1", "no");
	say(numbers[0], 0, &e, 550);
	CHECK_INT(a.done, 1);
	CHECK_INT(a.rcpt.code, 550);
	CHECK_INT(a.rcpt.err.class, ERR_PERM);
	say(numbers[1], 0, &e, 550);
	CHECK_INT(c.done, 1);
	CHECK(ipc_is_open(&r.channel));
	CHECK(r.jobs == NULL);
	teardown();
}

TEST(a_job_has_a_hundred_recipients_at_most)
{
	static struct rcpt many[MTA_SEND_RCPTS + 1];

	setup();
	for (size_t i = 0; i <= MTA_SEND_RCPTS; i++)
		give(&many[i], "x@a.example");
	connect_role();
	turns(20);
	CHECK_INT(nsends, 2);
	CHECK_INT(nrcpts, MTA_SEND_RCPTS + 1);
	kill_role();
	connect_role_again(2);
	turns(20);
	CHECK_INT(nsends, 4);
	kill_role();
	for (size_t i = 0; i <= MTA_SEND_RCPTS; i++)
		CHECK(many[i].done == 1 && many[i].rcpt.err.class == ERR_TEMP);
	teardown();
}

/* A role that does not read yet, as one that is being started: what waits for it holds no files. */
TEST(more_jobs_than_descriptors)
{
	static struct rcpt many[1500];
	const size_t n = sizeof many / sizeof many[0];
	struct rlimit before, few;
	struct err e = {0};
	size_t answered = 0;

	setup();
	CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few = before;
	few.rlim_cur = 700; /* what is in the socket counts, too */
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	message.header = STDOUT_FILENO;
	for (size_t i = 0; i < n; i++) {
		target.port = (uint16_t)(i + 1);
		give(&many[i], "x@a.example");
	}
	connect_role();
	for (int i = 0; i < 20000 && answered < n; i++) {
		while (answered < nsends)
			put_answer((uint32_t)++answered, 0, &e, 250);
		loop_turn(&l, 0);
	}
	turns(1);
	for (size_t i = 0; i < n; i++)
		CHECK(many[i].done == 1 && many[i].rcpt.err.class == ERR_NONE);
	CHECK_INT(asked, 1);
	CHECK_INT(files, 2 * n);
	CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	teardown();
}

TEST(a_header_of_its_own_goes_along)
{
	struct rcpt a;

	setup();
	message.header = STDOUT_FILENO;
	give(&a, "a@a.example");
	connect_role();
	CHECK_INT(files, 2);
	teardown();
}

TEST(what_a_role_died_with_goes_to_the_next)
{
	struct err e = {0};
	struct rcpt a, b, c;

	setup();
	give(&a, "a@a.example");
	give(&b, "b@a.example");
	connect_role();
	say(numbers[0], 0, &e, 250);
	CHECK_INT(a.done, 1);
	/* Offered in the very moment. */
	ipc_close(&role);
	give(&c, "c@a.example");
	turns(3);
	connect_role_again(2);
	/* b is alone now, and so the first. */
	CHECK_INT(nsends, 3);
	CHECK_INT(sends[1].rcpts, 1);
	say(numbers[1], 0, &e, 250);
	CHECK_INT(b.done, 1);
	CHECK_INT(b.rcpt.err.class, ERR_NONE);
	say(numbers[2], 0, &e, 250);
	CHECK_INT(c.done, 1);
	CHECK_INT(a.done, 1);
	CHECK(r.jobs == NULL && r.flight == 0);
	teardown();
}

TEST(a_role_that_ends_when_idle_is_asked_for_anew)
{
	struct err e = {0};
	struct rcpt a, b;

	setup();
	give(&a, "a@a.example");
	connect_role();
	say(numbers[0], 0, &e, 250);
	/* The end of the idle time, and a message before the role is gone. */
	loop_timer_set(&l, &r.timer, 0);
	turns(1);
	CHECK(!ipc_is_open(&r.channel));
	give(&b, "b@a.example");
	connect_role_again(2);
	say(numbers[1], 0, &e, 250);
	CHECK_INT(b.done, 1);
	CHECK_INT(b.rcpt.err.class, ERR_NONE);
	teardown();
}

TEST(a_failure_is_told_whatever_comes_in_between)
{
	struct err e = {0};
	struct rcpt a, b;

	setup();
	give(&a, "a@a.example");
	connect_role();
	target.hosts = SPAN("");
	give(&b, "b@a.example");
	/* Not answered yet when the last job's answer comes. */
	put_answer(numbers[0], 0, &e, 250);
	turns(3);
	CHECK_INT(a.done, 1);
	CHECK_INT(b.done, 1);
	teardown();
}

TEST(a_role_that_dies_or_lies_twice_fails_what_it_had)
{
	struct err e = {0};
	struct rcpt a, b;

	for (int lie = 0; lie < 3; lie++) {
		setup();
		give(&a, "a@a.example");
		give(&b, "b@a.example");
		connect_role();
		for (int n = 1; n <= 2; n++) {
			CHECK_INT(a.done + b.done, 0);
			if (lie == 0) {
				kill_role();
			} else {
				/* A recipient that there is not, a job that there is not. */
				say(numbers[0] + (lie == 2), lie == 1 ? 7 : 0, &e, 250);
				turns(2);
			}
			if (n == 1)
				connect_role_again(2);
		}
		CHECK_INT(a.done, 1);
		CHECK_INT(b.done, 1);
		CHECK_INT(a.rcpt.err.class, ERR_TEMP);
		CHECK(!ipc_is_open(&r.channel));
		teardown();
	}
}

TEST(the_same_answer_twice_is_a_lie)
{
	struct err e = {0};
	struct rcpt a, b;

	setup();
	give(&a, "a@a.example");
	give(&b, "b@a.example");
	connect_role();
	say(numbers[0], 0, &e, 250);
	say(numbers[0], 0, &e, 250);
	turns(2);
	CHECK_INT(a.done, 1);
	CHECK_INT(a.rcpt.err.class, ERR_NONE);
	CHECK_INT(b.done, 0);
	CHECK(!ipc_is_open(&r.channel));
	teardown();
}

TEST(no_role_no_delivery)
{
	struct err e;
	struct rcpt a;

	setup();
	give(&a, "a@a.example");
	turns(1);
	err_temp(&e, "4.3.0", "cannot be started");
	relays_answer(&r, -1, &e);
	turns(2);
	CHECK_INT(a.done, 1);
	CHECK_SPAN(span_str(a.rcpt.err.text), SPAN("cannot be started"));
	/* The next one asks again. */
	close(peer_fd);
	ipc_close(&role);
	give(&a, "a@a.example");
	turns(1);
	CHECK_INT(asked, 2);
	close(peer_fd);
	teardown();
}

TEST(no_host_is_refused)
{
	struct rcpt a;

	setup();
	target.hosts = SPAN("");
	give(&a, "a@a.example");
	turns(2);
	CHECK_INT(a.done, 1);
	CHECK_INT(a.rcpt.err.class, ERR_PERM);
	teardown();
}

TEST(stopping_fails_what_was_not_sent)
{
	struct rcpt a, b;

	setup();
	give(&a, "a@a.example");
	connect_role();
	give(&b, "b@a.example");
	relays_stop(&r);
	turns(3);
	CHECK_INT(b.done, 1);
	CHECK_INT(b.rcpt.err.class, ERR_TEMP);
	/* The other one may be half through. */
	CHECK_INT(a.done, 0);
	teardown();
}

TEST_MAIN
