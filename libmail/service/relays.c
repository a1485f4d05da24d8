/*
 * The queue's side of the relay role; see service/relays.h.
 */
#include "service/relays.h"

#include <unistd.h>

#include "proto/smtp_server.h"

/*
 * What goes over in one piece: a message for those of its recipients that share a target, in that
 * message's memory.  Open until it is sent; then its recipients are known by their places in it.
 */
struct relays_job {
	struct relays_job *next;
	const struct relays_message *message;
	struct mta_target target; /* its texts follow the struct */
	struct relays_rcpt *rcpts[MTA_SEND_RCPTS];
	size_t count, open; /* recipients, and those not answered */
	uint32_t number;
	bool sent;
	bool again; /* a role died that had it */
	char texts[];
};

static void tell_failed(struct relays *r)
{
	struct relays_rcpt *list = r->failed, *next;

	/* Out of the list first: done may hand over the next message, which may fail too. */
	r->failed = NULL;
	for (; list; list = next) {
		next = list->next;
		list->done(list);
	}
}

static void fail_rcpt(struct relays *r, struct relays_rcpt *rcpt, const struct err *e)
{
	rcpt->answered = true;
	rcpt->err = *e;
	rcpt->next = r->failed;
	r->failed = rcpt;
}

static void fail_job(struct relays *r, struct relays_job *job, const struct err *e)
{
	for (size_t i = 0; i < job->count; i++)
		if (!job->rcpts[i]->answered)
			fail_rcpt(r, job->rcpts[i], e);
}

void relays_fail(struct relays *r, const struct err *e)
{
	struct relays_job *job = r->jobs, *next;

	ipc_close(&r->channel);
	r->jobs = NULL;
	r->last = &r->jobs;
	r->flight = 0;
	r->asked = false;
	for (; job; job = next) {
		next = job->next;
		fail_job(r, job, e);
	}
	/* From the loop: callers hold their messages while they call us. */
	loop_timer_set(r->loop, &r->timer, 0);
}

static void send_job(struct relays *r, struct relays_job *job)
{
	const struct relays_message *m = job->message;
	const int fds[IPC_FDS_MAX] = {m->fd, m->header};
	size_t nfds = m->header >= 0 ? 2 : 1;
	struct mta_send send = {.target = job->target,
				.id = span_str(m->id),
				.sender = m->sender,
				.at = m->at,
				.size = m->size,
				.rcpts = (uint32_t)job->count,
				.line_limit = m->line_limit,
				.ret = m->ret,
				.body = m->body,
				.first = m->first};
	char mem[WIRE_MAX];
	struct buf b;

	/* One that a later server would refuse is left out rather than the message. */
	if (m->envid.len <= SMTP_ENVID_MAX)
		send.envid = m->envid;
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_send(&b, job->number, &send);
	for (size_t i = 0; i < job->count; i++) {
		const struct relays_rcpt *rcpt = job->rcpts[i];
		struct mta_send_to to = {.addr = rcpt->addr, .notify = (uint8_t)rcpt->notify};

		if (rcpt->orcpt.len <= SMTP_ORCPT_MAX)
			to.orcpt = rcpt->orcpt;
		if (mta_ipc_put_send_to(&b, &to))
			continue;
		ipc_send(&r->channel, &b, fds, nfds);
		nfds = 0;
		wire_begin(&b, MTA_SEND_TO, job->number);
		mta_ipc_put_send_to(&b, &to);
	}
	ipc_send(&r->channel, &b, fds, nfds);
	job->sent = true;
	r->flight += job->count;
}

static void send_jobs(struct relays *r)
{
	for (struct relays_job *job = r->jobs; job && ipc_is_open(&r->channel); job = job->next) {
		if (job->sent)
			continue;
		/*
		 * What waits in the channel holds descriptors, and a peer that lets too much wait
		 * counts as gone.  With the next answer it goes on.
		 */
		if (r->flight && (r->channel.waiting || r->flight + job->count > RELAYS_FLIGHT))
			return;
		send_job(r, job);
	}
}

static void on_timer(struct loop_timer *t)
{
	struct relays *r = (struct relays *)((char *)t - offsetof(struct relays, timer));

	tell_failed(r);
	if (!r->jobs) {
		/* Idle: without its channel the role ends. */
		ipc_close(&r->channel);
	} else if (ipc_is_open(&r->channel)) {
		send_jobs(r);
	} else if (!r->asked) {
		r->asked = true;
		r->ask(r);
	}
}

static void answered(struct relays *r, struct relays_job **at, struct relays_rcpt *rcpt)
{
	struct relays_job *job = *at;

	/* All books are kept before done is called: it may come back to us. */
	rcpt->answered = true;
	r->flight--;
	if (--job->open == 0) {
		*at = job->next;
		if (!*at)
			r->last = at;
	}
	/* The timer may be set to tell of failures, which must not wait for the idle time. */
	if (r->jobs)
		send_jobs(r);
	else if (!r->failed)
		loop_timer_set(r->loop, &r->timer, RELAYS_IDLE_MS);
	rcpt->done(rcpt);
}

static bool on_sent(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct relays *r = (struct relays *)((char *)c - offsetof(struct relays, channel));
	struct relays_job **at = &r->jobs;
	struct relays_rcpt *rcpt;
	struct mta_sent sent;

	(void)fds;
	if (in->type != MTA_SENT || !mta_ipc_get_sent(in, &sent))
		return false;
	while (*at && !((*at)->sent && (*at)->number == in->id))
		at = &(*at)->next;
	/* A job that is not there, or a recipient that has its answer: the role has gone wrong. */
	if (!*at || sent.index >= (*at)->count || (*at)->rcpts[sent.index]->answered)
		return false;
	rcpt = (*at)->rcpts[sent.index];
	rcpt->err = sent.err;
	rcpt->code = sent.code;
	span_to_cstr(span_head(sent.remote, sizeof rcpt->remote - 1), rcpt->remote,
		     sizeof rcpt->remote);
	err_printable(rcpt->remote);
	answered(r, at, rcpt);
	return true;
}

/* Only those without an answer stay, and the job is as if it had not been sent. */
static void take_back(struct relays_job *job)
{
	size_t n = 0;

	for (size_t i = 0; i < job->count; i++)
		if (!job->rcpts[i]->answered)
			job->rcpts[n++] = job->rcpts[i];
	job->count = n;
	job->again |= job->sent;
	job->sent = false;
}

/*
 * What it had sent and not told of is sent again: twice is better than never.  At once, but only
 * once: it may be what the role died of.
 */
static void on_close(struct ipc *c)
{
	struct relays *r = (struct relays *)((char *)c - offsetof(struct relays, channel));
	struct relays_job **at = &r->jobs, *job;
	struct err e;

	err_temp(&e, "4.3.0", "the relay process ended unexpectedly");
	while ((job = *at) != NULL) {
		if (job->sent && (job->again || r->stopping)) {
			*at = job->next;
			fail_job(r, job, &e);
			continue;
		}
		take_back(job);
		at = &job->next;
	}
	r->last = at;
	r->flight = 0;
	loop_timer_set(r->loop, &r->timer, 0);
}

void relays_init(struct relays *r, struct loop *l, void (*ask)(struct relays *r))
{
	*r = (struct relays){.loop = l, .ask = ask, .next_number = 1};
	r->last = &r->jobs;
	r->channel.watch.fd = -1;
	r->channel.on_message = on_sent;
	r->channel.on_close = on_close;
	r->timer.fire = on_timer;
}

static bool same_target(const struct mta_target *a, const struct mta_target *b)
{
	return a->protocol == b->protocol && a->tls == b->tls && a->auth == b->auth &&
	       a->port == b->port && a->max_messages == b->max_messages &&
	       span_eq(a->hosts, b->hosts) && span_eq(a->helo, b->helo);
}

static struct relays_job *make(struct relays *r, const struct relays_message *m,
			       const struct mta_target *t)
{
	struct relays_job *job = arena_alloc(m->arena, sizeof *job + t->hosts.len + t->helo.len);

	if (!job)
		return NULL;
	memcpy(job->texts, t->hosts.ptr, t->hosts.len);
	if (t->helo.len)
		memcpy(job->texts + t->hosts.len, t->helo.ptr, t->helo.len);
	job->message = m;
	job->target = *t;
	/* The caller's texts may be gone before the job is sent. */
	job->target.hosts.ptr = job->texts;
	job->target.helo.ptr = job->texts + t->hosts.len;
	job->number = r->next_number++;
	*r->last = job;
	r->last = &job->next;
	return job;
}

void relays_deliver(struct relays *r, const struct relays_message *m, const struct mta_target *t,
		    struct relays_rcpt *rcpt)
{
	struct relays_job *job = r->jobs;
	struct err e = {0};

	rcpt->answered = false;
	rcpt->err = (struct err){0};
	rcpt->code = 0;
	rcpt->remote[0] = '\0';
	loop_timer_set(r->loop, &r->timer, 0);
	while (job && (job->sent || job->message != m || job->count == MTA_SEND_RCPTS ||
		       job->count == m->most || !same_target(&job->target, t)))
		job = job->next;
	if (r->stopping)
		err_temp(&e, "4.3.2", "the mail system is being stopped");
	else if (t->hosts.len == 0 || t->hosts.len > MTA_ADDR_MAX || t->helo.len > MTA_NAME_MAX)
		err_perm(&e, "5.3.5", "no host to send to, or too long a list of them");
	else if (!job && (job = make(r, m, t)) == NULL)
		err_temp(&e, "4.3.0", "out of memory");
	if (e.class != ERR_NONE || !job) {
		fail_rcpt(r, rcpt, &e);
		return;
	}
	job->rcpts[job->count++] = rcpt;
	job->open++;
}

void relays_answer(struct relays *r, int fd, const struct err *e)
{
	struct err why = *e;

	r->asked = false;
	if (fd < 0) {
		relays_fail(r, &why);
		/* Nobody waits any more; the new role ends when its channel closes. */
	} else if (!r->jobs || ipc_is_open(&r->channel)) {
		close(fd);
	} else if (!ipc_open(&r->channel, r->loop, fd, &why)) {
		close(fd);
		relays_fail(r, &why);
	} else {
		send_jobs(r);
	}
}

void relays_stop(struct relays *r)
{
	struct relays_job **at = &r->jobs, *job;
	char mem[WIRE_MAX];
	struct err e;
	struct buf b;

	r->stopping = true;
	err_temp(&e, "4.3.2", "the mail system is being stopped");
	while ((job = *at) != NULL) {
		if (job->sent) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		fail_job(r, job, &e);
	}
	r->last = at;
	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, MTA_STOP, 0);
	ipc_send(&r->channel, &b, NULL, 0);
	loop_timer_set(r->loop, &r->timer, 0);
}
