/*
 * Destinations: who waits, who sends, what does not answer.  See service/relay_part.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "service/relay_part.h"

static bool same_addr(const struct relay_addr *a, const struct relay_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
	default:
		return strcmp(a->un.sun_path, b->un.sun_path) == 0;
	}
}

struct relay_host *relay_dest_host(struct relay *r, const struct relay_addr *addr)
{
	for (size_t i = 0; r->hosts && i < RELAY_HOSTS; i++) {
		struct relay_host *h = &r->hosts[i];

		if ((h->until_ms > r->loop.now_ms || h->no_tls_ms > r->loop.now_ms) &&
		    same_addr(&h->addr, addr))
			return h;
	}
	return NULL;
}

void relay_dest_note(struct relay *r, const struct relay_addr *addr, const struct err *e, bool tls)
{
	struct relay_host *h = relay_dest_host(r, addr);
	uint64_t silent = r->settings.timeout_hoststatus_s;

	if (!r->hosts)
		r->hosts = calloc(RELAY_HOSTS, sizeof *r->hosts);
	if (!r->hosts)
		return;
	/* The oldest makes room. */
	if (!h) {
		h = &r->hosts[r->next_host++ % RELAY_HOSTS];
		*h = (struct relay_host){.addr = *addr};
	}
	if (tls) {
		h->no_tls_ms = r->loop.now_ms + RELAY_NO_TLS_MS;
		return;
	}
	h->until_ms = r->loop.now_ms + RELAY_DEAD_MS;
	if (e->sys == ETIMEDOUT)
		h->until_ms = r->loop.now_ms + (silent ? silent * 1000 : RELAY_SILENT_MS);
	h->err = *e;
}

void relay_dest_forget(struct relay *r, const struct relay_addr *addr)
{
	struct relay_host *h = relay_dest_host(r, addr);

	if (h)
		h->until_ms = 0;
}

static bool same_target(const struct mta_target *a, const struct mta_target *b)
{
	return a->protocol == b->protocol && a->tls == b->tls && a->auth == b->auth &&
	       a->port == b->port && a->max_messages == b->max_messages &&
	       span_eq(a->hosts, b->hosts) && span_eq(a->helo, b->helo);
}

static void on_known(struct dns_client_wait *w)
{
	relay_dest_pump((struct relay_dest *)((char *)w - offsetof(struct relay_dest, wait)));
}

static void on_time(struct loop_timer *t)
{
	relay_dest_pump((struct relay_dest *)((char *)t - offsetof(struct relay_dest, timer)));
}

static struct relay_dest *make(struct relay *r, const struct mta_target *t)
{
	struct relay_dest *d = calloc(1, sizeof *d + t->hosts.len + t->helo.len);

	if (!d)
		return NULL;
	memcpy(d->texts, t->hosts.ptr, t->hosts.len);
	if (t->helo.len)
		memcpy(d->texts + t->hosts.len, t->helo.ptr, t->helo.len);
	d->target = *t;
	d->target.hosts.ptr = d->texts;
	d->target.helo.ptr = d->texts + t->hosts.len;
	d->relay = r;
	d->last = &d->waiting;
	d->wait.done = on_known;
	d->timer.fire = on_time;
	d->most = RELAY_PER_DEST;
	d->next = r->dests;
	r->dests = d;
	return d;
}

void relay_dest_add(struct relay *r, struct relay_job *job)
{
	struct relay_dest *d = r->dests;
	struct err e;

	while (d && !same_target(&d->target, &job->send.target))
		d = d->next;
	if (r->stopping) {
		err_temp(&e, "4.3.2", "the mail system is being stopped");
		relay_answer_all(r, job, &e, "");
		return;
	}
	if (!d && (d = make(r, &job->send.target)) == NULL) {
		err_temp(&e, "4.3.0", "out of memory");
		relay_answer_all(r, job, &e, "");
		return;
	}
	job->dest = d;
	*d->last = job;
	d->last = &job->next;
	relay_dest_pump(d);
}

struct relay_job *relay_dest_take(struct relay_dest *d)
{
	struct relay_job *job = d->waiting;

	/* In the order in which they came: nobody overtakes. */
	if (!job)
		return NULL;
	d->waiting = job->next;
	if (!d->waiting)
		d->last = &d->waiting;
	job->next = NULL;
	return job;
}

void relay_dest_put_back(struct relay_job *job)
{
	struct relay_dest *d = job->dest;

	job->next = d->waiting;
	d->waiting = job;
	if (!job->next)
		d->last = &job->next;
}

/* Gone when there is nothing to be done for it. */
static void free_unused(struct relay_dest *d)
{
	struct relay *r = d->relay;
	struct relay_dest **at = &r->dests;

	if (d->waiting || d->open || d->wait.ask)
		return;
	loop_timer_clear(&r->loop, &d->timer);
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d->addrs);
	free(d);
	if (!r->dests)
		relay_forget_jobs(r);
}

static void fail_all(struct relay_dest *d, const struct err *e, const char *remote)
{
	struct relay_job *job;

	while ((job = relay_dest_take(d)) != NULL)
		relay_answer_all(d->relay, job, e, remote);
}

/* One of the connections that are greeted and do not send just now, or NULL. */
static struct relay_session *idle_session(struct relay_dest *d)
{
	struct relay_session *s = d->sessions;

	while (s && (s->state != RELAY_IDLE || s->ending))
		s = s->next;
	return s;
}

/* Addresses are known and fresh; else asks for them, or fails all that waits. */
static bool have_addresses(struct relay_dest *d)
{
	struct relay *r = d->relay;
	struct err e;
	int status;

	if (d->found_ms && (d->open || r->loop.now_ms - d->found_ms < RELAY_FOUND_MS))
		return true;
	if (d->wait.ask)
		return false;
	status = relay_find(d, &e);
	if (status == DNS_CLIENT_PENDING) {
		dns_client_await(&r->dns, &d->wait);
		return false;
	}
	if (status) {
		d->found_ms = 0;
		fail_all(d, &e, "");
		return false;
	}
	d->found_ms = r->loop.now_ms;
	return true;
}

void relay_dest_pump(struct relay_dest *d)
{
	struct relay *r = d->relay;
	struct relay_session *s;
	size_t waiting = 0;

	while (d->waiting && (s = idle_session(d)) != NULL)
		relay_session_wake(s);
	if (d->waiting && have_addresses(d)) {
		for (struct relay_job *job = d->waiting; job && waiting < RELAY_OPENING;
		     job = job->next)
			waiting++;
		/* Each of those that are being opened will take one of those that wait. */
		while (d->opening < waiting && d->open < d->most && r->sessions < RELAY_SESSIONS &&
		       relay_session_open(d))
			;
	}
	free_unused(d);
}

void relay_dest_fail(struct relay_dest *d, const struct err *e, const char *remote)
{
	/* Another one may still get through, or is through and takes what waits. */
	if (d->open > 1) {
		d->most = d->open - 1;
		return;
	}
	fail_all(d, e, remote);
}

void relay_dest_less(struct relay_dest *d)
{
	struct relay *r = d->relay;

	/* From the loop: who calls may be in the middle of this destination's work. */
	loop_timer_set(&r->loop, &d->timer, 0);
	if (r->sessions + 1 != RELAY_SESSIONS)
		return;
	/* There was no room for others. */
	for (d = r->dests; d; d = d->next)
		if (d->waiting)
			loop_timer_set(&r->loop, &d->timer, 0);
}
