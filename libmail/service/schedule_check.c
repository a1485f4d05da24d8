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

/* "<a@b>", as the client wrote it and as rulesets expect it. */
static struct span bracketed(struct span addr, char *mem, size_t cap)
{
	struct buf b;

	buf_init_fixed(&b, mem, cap);
	buf_putc(&b, '<');
	buf_put(&b, addr);
	buf_putc(&b, '>');
	return buf_span(&b);
}

/* A ruleset's word; false: the verdict is a refusal. */
static bool ask(struct schedule *q, enum route_check which, struct span a, struct mta_verdict *v)
{
	struct span none = {NULL, 0};
	struct err why;

	switch (route_check(q->config, which, a, none, &why)) {
	case ROUTE_REFUSED:
		v->err = why;
		return false;
	case ROUTE_DISCARDED:
		v->fate = MTA_DROPPED;
		return true;
	case ROUTE_QUARANTINED:
		v->fate = MTA_HELD;
		v->user = arena_dup(&q->config->ev->mem, span_str(why.text));
		return true;
	default:
		return true;
	}
}

/* The account of a local recipient; its answer may come later. */
static void check_user(struct schedule *q, uint32_t id, const struct route *r,
		       struct mta_verdict *v)
{
	struct pending *p = calloc(1, sizeof *p);

	if (!p) {
		err_temp(&v->err, "4.3.0", "out of memory");
		reply(q, id, v);
		return;
	}
	*p = (struct pending){.q = q, .id = id, .lookup = {.done = on_account, .owner = p}};
	memcpy(p->address, r->address, sizeof p->address);
	schedule_check_account(q, span_str(r->user), &p->lookup);
}

static void check_rcpt(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	struct mta_verdict v = {.route = MTA_TO_QUEUE};
	char mem[MTA_ADDR_MAX + 2];
	struct route r;

	if (schedule_decide(q, c, &v.err) &&
	    route_recipient(q->config, &q->settings, c->rcpt, &r, &v.err) &&
	    ask(q, ROUTE_CHECK_RCPT, bracketed(c->rcpt, mem, sizeof mem), &v) &&
	    schedule_resolve(q, &r, &v.err)) {
		v.address = span_str(r.address);
		if (r.kind == ROUTE_LOCAL && cf_mailer_flag(r.mailer, 'w')) {
			check_user(q, id, &r, &v);
			return;
		}
	}
	reply(q, id, &v);
}

/* The sender to use: what a local caller may be, and well-formed. */
static bool choose_sender(struct schedule *q, const struct mta_check *c, struct buf *sender,
			  struct err *e)
{
	const char *name = "";
	bool trusted = false;

	/* UINT32_MAX: from the network, and so nobody's uid. */
	if (c->origin.uid != UINT32_MAX) {
		struct passwd *pw = getpwuid((uid_t)c->origin.uid);

		name = pw ? pw->pw_name : "";
		trusted = route_is_trusted(q->config, &q->settings, (uid_t)c->origin.uid, geteuid(),
					   name);
	}
	return route_sender(&q->settings, &c->origin, c->sender, name, trusted, sender, e);
}

static void check_mail(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	char mem[MTA_ADDR_MAX], list[MTA_MACROS_MAX], arg[MTA_ADDR_MAX + 2];
	struct mta_verdict v = {0};
	struct buf sender, macros;

	buf_init_fixed(&sender, mem, sizeof mem);
	buf_init_fixed(&macros, list, sizeof list);
	buf_put(&macros, c->macros);
	if (schedule_decide(q, c, &v.err) && choose_sender(q, c, &sender, &v.err) &&
	    route_parse_sender(q->config, buf_span(&sender), &macros, &v.err) &&
	    ask(q, ROUTE_CHECK_MAIL, bracketed(c->sender, arg, sizeof arg), &v)) {
		v.address = buf_span(&sender);
		if (buf_ok(&macros))
			v.macros = span_skip(buf_span(&macros), c->macros.len);
	}
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
