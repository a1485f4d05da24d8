/*
 * Account look-ups with a short memory; see service/schedule.h.
 *
 * Gate owns the users: the file with their secrets may be unreadable to us.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/schedule.h"
#include "sys/log.h"

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
static void remember(struct schedule *q, const struct schedule_lookup *l, const struct err *e,
		     struct span name)
{
	struct schedule_cached *c;

	if (!q->cache)
		q->cache = calloc(SCHEDULE_CACHE, sizeof *q->cache);
	if (!q->cache || e->class == ERR_TEMP || l->detail[0])
		return;
	c = &q->cache[cache_slot(span_str(l->user))];
	c->until_ms = 0;
	if (span_to_cstr(span_str(l->user), c->user, sizeof c->user) &&
	    span_to_cstr(name, c->name, sizeof c->name)) {
		c->err = *e;
		c->forwards = l->forwards;
		c->until_ms = q->loop.now_ms + SCHEDULE_CACHE_MS;
	}
}

static void ask_gate(struct schedule *q, const struct schedule_lookup *l)
{
	char mem[WIRE_MAX], both[sizeof l->user + sizeof l->detail];
	int n = snprintf(both, sizeof both, "%s%c%s", l->user, '\0', l->detail);
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_ACCOUNT, l->number, span_make(both, (size_t)n));
	ipc_send(&q->gate, &b, NULL, 0);
}

void schedule_check_account(struct schedule *q, struct span user, struct span detail,
			    struct schedule_lookup *l)
{
	struct schedule_cached *c = cached(q, user);
	struct err e;

	if (span_index(detail, '/') < detail.len ||
	    !span_to_cstr(detail, l->detail, sizeof l->detail))
		l->detail[0] = '\0';
	l->forwards = false;
	if (c && !l->detail[0]) {
		l->forwards = c->forwards;
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
	l->forwards = in->type == MTA_ACCOUNT_FORWARDS;
	remember(q, l, &e, name);
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
