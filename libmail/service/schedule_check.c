/*
 * Verdicts on MAIL and RCPT, and account look-ups with a short memory; see
 * service/schedule.h.
 *
 * Gate owns the users: the file with their secrets may be unreadable to us.
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/schedule.h"
#include "sys/log.h"

/* A CHECK_RCPT that waits for an account. */
struct pending {
	struct schedule_lookup lookup;
	struct schedule *q;
	uint32_t id; /* smtpd's */
	char address[MTA_ADDR_MAX];
};

static void reply(struct schedule *q, uint32_t id, const struct mta_verdict *v)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_verdict(&b, id, v);
	if (buf_ok(&b))
		ipc_send(&q->smtpd, &b, NULL, 0);
}

/* One place for each hash and no chain: a collision costs another question, nothing else. */
static size_t cache_slot(struct span user)
{
	size_t h = 5381;

	for (size_t i = 0; i < user.len; i++)
		h = h * 33 ^ (unsigned char)user.ptr[i];
	return h % SCHEDULE_CACHE;
}

static struct schedule_cached *cached(struct schedule *q, struct span user)
{
	struct schedule_cached *c = q->cache ? &q->cache[cache_slot(user)] : NULL;

	if (c && c->until_ms > q->loop.now_ms && span_eq(span_str(c->user), user))
		return c;
	return NULL;
}

/*
 * Both answers are kept, known and unknown: dictionary attacks ask for the same names, and
 * lists for the same users. What failed for now is not an answer.
 */
static void remember(struct schedule *q, const char *user, const struct err *e, struct span name)
{
	struct schedule_cached *c;

	if (!q->cache)
		q->cache = calloc(SCHEDULE_CACHE, sizeof *q->cache);
	if (!q->cache || e->class == ERR_TEMP)
		return;
	c = &q->cache[cache_slot(span_str(user))];
	c->until_ms = 0;
	if (span_to_cstr(span_str(user), c->user, sizeof c->user) &&
	    span_to_cstr(name, c->name, sizeof c->name)) {
		c->err = *e;
		c->until_ms = q->loop.now_ms + SCHEDULE_CACHE_MS;
	}
}

static void ask_gate(struct schedule *q, const struct schedule_lookup *l)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_ACCOUNT, l->number, span_str(l->user));
	ipc_send(&q->gate, &b, NULL, 0);
}

void schedule_check_account(struct schedule *q, struct span user, struct schedule_lookup *l)
{
	struct schedule_cached *c = cached(q, user);
	struct err e;

	if (c) {
		l->done(l, &c->err, span_str(c->name));
		return;
	}
	/* Longer than any user name can be. */
	if (!span_to_cstr(user, l->user, sizeof l->user)) {
		err_perm(&e, "5.1.1", "User unknown");
		l->done(l, &e, SPAN(""));
		return;
	}
	l->number = ++q->next_number;
	l->next = q->lookups;
	q->lookups = l;
	ask_gate(q, l);
}

/* Asks again for who else might be meant. */
static bool try_other(struct schedule *q, struct schedule_lookup *l)
{
	if (!route_other_name(l->user, sizeof l->user))
		return false;
	l->number = ++q->next_number;
	l->next = q->lookups;
	q->lookups = l;
	ask_gate(q, l);
	return true;
}

bool schedule_check_answer(struct schedule *q, struct wire_in *in)
{
	struct schedule_lookup **at = &q->lookups, *l;
	struct span name;
	struct err e;

	if (!mta_ipc_get_outcome(in, &e, &name))
		return false;
	while (*at && (*at)->number != in->id)
		at = &(*at)->next;
	l = *at;
	/* Answered twice, or never asked: nobody waits for it. */
	if (!l)
		return true;
	*at = l->next;
	if (e.class == ERR_PERM && try_other(q, l))
		return true;
	remember(q, l->user, &e, name);
	l->done(l, &e, name);
	return true;
}

void schedule_check_gate_lost(struct schedule *q)
{
	struct err e;

	err_temp(&e, "4.3.0", "the gate process is gone");
	/* done may add a look-up, so each is taken out before. */
	while (q->lookups) {
		struct schedule_lookup *l = q->lookups;

		q->lookups = l->next;
		l->done(l, &e, SPAN(""));
	}
}

static void on_account(struct schedule_lookup *l, const struct err *e, struct span name)
{
	struct pending *p = l->owner;
	struct mta_verdict v = {
	    .err = *e, .address = span_str(p->address), .route = MTA_TO_LOCAL, .user = name};

	/* sendmail's text; the account module's own would tell strangers too much. */
	if (e->class == ERR_PERM)
		err_perm(&v.err, "5.1.1", "User unknown");
	else if (e->class == ERR_TEMP)
		err_temp(&v.err, "4.3.0", "cannot look the user up now");
	reply(p->q, p->id, &v);
	free(p);
}

static void check_rcpt(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	struct mta_verdict v = {.route = MTA_TO_QUEUE};
	struct pending *p;
	struct route r;

	if (!route_recipient(&q->settings, c->rcpt, &r, &v.err)) {
		reply(q, id, &v);
		return;
	}
	if (r.mailer == ROUTE_RELAY) {
		/* Relaying is decided here and now; where to is for later. */
		route_may_relay(&c->origin, &v.err);
		v.address = span_str(r.address);
		reply(q, id, &v);
		return;
	}
	p = calloc(1, sizeof *p);
	if (!p) {
		err_temp(&v.err, "4.3.0", "out of memory");
		reply(q, id, &v);
		return;
	}
	*p = (struct pending){.q = q, .id = id, .lookup = {.done = on_account, .owner = p}};
	memcpy(p->address, r.address, sizeof p->address);
	schedule_check_account(q, span_str(r.user), &p->lookup);
}

static void check_mail(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	char mem[MTA_ADDR_MAX];
	const char *name = "";
	struct mta_verdict v = {0};
	struct buf sender;
	bool trusted = false;

	buf_init_fixed(&sender, mem, sizeof mem);
	/* UINT32_MAX: from the network, and so nobody's uid. */
	if (c->origin.uid != UINT32_MAX) {
		struct passwd *pw = getpwuid((uid_t)c->origin.uid);

		name = pw ? pw->pw_name : "";
		trusted = route_is_trusted(&q->settings, (uid_t)c->origin.uid, geteuid(), name);
	}
	if (route_sender(&q->settings, &c->origin, c->sender, name, trusted, &sender, &v.err))
		v.address = buf_span(&sender);
	reply(q, id, &v);
}

bool schedule_check(struct schedule *q, struct wire_in *in)
{
	struct mta_check c;

	if (!mta_ipc_get_check(in, &c))
		return false;
	if (in->type == MTA_CHECK_MAIL)
		check_mail(q, in->id, &c);
	else
		check_rcpt(q, in->id, &c);
	return true;
}

void schedule_check_ask_agent(struct agents *a, uint32_t id, struct span user)
{
	struct schedule *q = (struct schedule *)((char *)a - offsetof(struct schedule, agents));
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_AGENT, id, user);
	ipc_send(&q->gate, &b, NULL, 0);
}
