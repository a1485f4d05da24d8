/*
 * The callers' side of delivery agents; see service/agents.h.
 *
 * An agent whose channel closes with jobs unanswered may or may not have stored
 * them: they fail TEMP and the queue tries again, since twice is better than never.
 */
#include "service/agents.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * One agent: a process of its own for one user, reached by a channel that gate hands over.
 * It is asked for with its first job and kept a while after its last, since the next
 * message is often for the same user.
 */
struct agent {
	struct agent *next;
	struct agents *all;
	struct ipc channel;
	struct loop_timer idle;
	struct agents_job *jobs, **last; /* sent ones first */
	size_t sent;
	uint32_t request;   /* what gate was asked with; 0 once answered */
	struct err failure; /* to report from the loop */
	char user[MTA_NAME_MAX + 1];
};

/* Jobs for which there was no memory to make an agent. */
static void on_lost(struct loop_timer *t)
{
	struct agents *a = (struct agents *)((char *)t - offsetof(struct agents, later));
	struct agents_job *job = a->lost, *next;

	a->lost = NULL;
	for (; job; job = next) {
		next = job->next;
		err_temp(&job->err, "4.3.0", "out of memory");
		job->done(job);
	}
}

void agents_init(struct agents *a, struct loop *l,
		 void (*ask)(struct agents *a, uint32_t id, struct span user))
{
	*a = (struct agents){.loop = l, .ask = ask, .next_number = 1, .later = {.fire = on_lost}};
}

/* What is left is freed by the caller: its jobs may still be needed. */
static void unlink_agent(struct agent *g)
{
	struct agent **at = &g->all->first;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	g->all->count--;
	loop_timer_clear(g->all->loop, &g->idle);
	ipc_close(&g->channel);
}

/* Ends the agent; its jobs fail with e. */
static void fail_agent(struct agent *g, const struct err *e)
{
	struct agents_job *job = g->jobs, *next;
	struct err why = *e;

	/* Out of the list first: done may call agents_deliver, which must not find it. */
	unlink_agent(g);
	free(g);
	for (; job; job = next) {
		next = job->next;
		job->err = why;
		job->done(job);
	}
}

static void on_timer(struct loop_timer *t)
{
	struct agent *g = (struct agent *)((char *)t - offsetof(struct agent, idle));

	if (!g->jobs) {
		unlink_agent(g);
		free(g);
		return;
	}
	fail_agent(g, &g->failure);
}

/* Failures are reported from the loop: callers hold their jobs while they call us. */
static void fail_later(struct agent *g, const struct err *e)
{
	g->failure = *e;
	g->request = 0;
	loop_timer_set(g->all->loop, &g->idle, 0);
}

static void send_jobs(struct agent *g)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	/* As many as the agent takes in one batch; more would only wait in the socket. */
	for (struct agents_job *job = g->jobs; job && g->sent < AGENTS_FLIGHT; job = job->next) {
		struct mta_deliver d = {.id = span_str(job->id),
					.sender = job->sender,
					.rcpt = job->rcpt,
					.at = job->at,
					.program = job->program};
		int fds[2] = {job->fd, job->header};

		if (job->sent)
			continue;
		if (job->fd < 0)
			d.text = job->text;
		mta_ipc_put_deliver(&b, job->number, &d);
		if (job->fd < 0)
			ipc_send_tail(&g->channel, &b, d.text);
		else
			ipc_send(&g->channel, &b, fds, job->header ? 2 : 1);
		job->sent = true;
		g->sent++;
	}
}

static bool on_delivered(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct agent *g = (struct agent *)((char *)c - offsetof(struct agent, channel));
	struct agents_job **at = &g->jobs, *job;
	struct span text;
	struct err e;

	(void)fds;
	if (in->type != MTA_DELIVERED || !mta_ipc_get_outcome(in, &e, &text))
		return false;
	while (*at && !((*at)->sent && (*at)->number == in->id))
		at = &(*at)->next;
	job = *at;
	if (!job)
		return false;
	*at = job->next;
	/* The last job was the one that goes: what is added next hangs where it was. */
	if (!*at)
		g->last = at;
	g->sent--;
	job->err = e;
	if (g->jobs)
		send_jobs(g);
	else
		loop_timer_set(g->all->loop, &g->idle, AGENTS_IDLE_MS);
	job->done(job);
	return true;
}

static void on_close(struct ipc *c)
{
	struct agent *g = (struct agent *)((char *)c - offsetof(struct agent, channel));
	struct err e;

	err_temp(&e, "4.3.0", "the delivery agent for %s ended unexpectedly", g->user);
	fail_agent(g, &e);
}

static struct agent *find(struct agents *a, struct span user)
{
	/* An agent that is about to fail takes no more work. */
	for (struct agent *g = a->first; g; g = g->next)
		if (span_eq(span_str(g->user), user) && g->failure.class == ERR_NONE)
			return g;
	return NULL;
}

/* Makes room by ending an agent that has no work. */
static void drop_idle(struct agents *a)
{
	for (struct agent *g = a->first; g; g = g->next)
		if (!g->jobs) {
			unlink_agent(g);
			free(g);
			return;
		}
}

static struct agent *make(struct agents *a, struct span user)
{
	struct agent *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	g->all = a;
	g->channel.watch.fd = -1;
	g->channel.on_message = on_delivered;
	g->channel.on_close = on_close;
	g->idle.fire = on_timer;
	g->last = &g->jobs;
	span_to_cstr(user, g->user, sizeof g->user);
	g->next = a->first;
	a->first = g;
	a->count++;
	return g;
}

void agents_deliver(struct agents *a, struct span user, struct agents_job *job)
{
	struct agent *g = find(a, user);
	bool fresh = !g;
	struct err e;

	job->next = NULL;
	job->sent = false;
	/* Answers name the job by this number, which no two jobs of ours share for long. */
	job->number = a->next_number++;
	job->err = (struct err){0};
	if (!g && a->count >= AGENTS_MAX)
		drop_idle(a);
	if (!g)
		g = make(a, user);
	if (!g) {
		job->next = a->lost;
		a->lost = job;
		loop_timer_set(a->loop, &a->later, 0);
		return;
	}
	*g->last = job;
	g->last = &job->next;
	if (fresh && a->count > AGENTS_MAX) {
		err_temp(&e, "4.3.2", "too many mailboxes are being delivered to");
		fail_later(g, &e);
	} else if (fresh) {
		/* The first job's number serves as the request's. */
		g->request = job->number;
		a->ask(a, g->request, user);
	} else if (ipc_is_open(&g->channel)) {
		loop_timer_clear(a->loop, &g->idle);
		send_jobs(g);
	}
}

void agents_answer(struct agents *a, uint32_t id, int fd, const struct err *e)
{
	struct agent *g = a->first;
	struct err why;

	while (g && (g->request == 0 || g->request != id))
		g = g->next;
	/* The agent failed meanwhile; its process ends when its channel closes. */
	if (!g) {
		if (fd >= 0)
			close(fd);
		return;
	}
	g->request = 0;
	if (fd < 0) {
		fail_later(g, e);
	} else if (!ipc_open(&g->channel, a->loop, fd, &why)) {
		close(fd);
		fail_later(g, &why);
	} else {
		send_jobs(g);
	}
}

size_t agents_pending(const struct agents *a)
{
	size_t n = 0;

	for (const struct agent *g = a->first; g; g = g->next)
		for (const struct agents_job *job = g->jobs; job; job = job->next)
			n++;
	return n;
}

void agents_gate_lost(struct agents *a)
{
	struct err e;

	err_temp(&e, "4.3.0", "the gate process is gone");
	for (struct agent *g = a->first; g; g = g->next)
		if (g->request)
			fail_later(g, &e);
}
