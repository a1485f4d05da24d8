/*
 * One recipient of a message under work: where it goes, and what came of it; see
 * service/schedule.h.
 */
#include <stdlib.h>
#include <string.h>

#include "service/route_relay.h"
#include "service/schedule_part.h"

enum { ALIAS_MAX = 4 << 20 }; /* octets of a right side */

static void on_account(struct schedule_lookup *l, const struct err *e, struct span name)
{
	struct task *t = l->owner;
	struct work *w = t->work;

	t->err = *e;
	if (e->class == ERR_PERM)
		err_perm(&t->err, "5.1.1", "User unknown");
	if (e->class != ERR_NONE) {
		schedule_task_answered(t);
		return;
	}
	schedule_choose_tell(w->q, t->job.rcpt, "Connecting to local...");
	schedule_local_pass(t, name);
}

bool schedule_task_later(struct task *t)
{
	return schedule_await(t->work->q, &t->wait, &t->turns, &t->err);
}

/* False: it is answered, or will be asked again. */
static bool pass_to_relay(struct task *t, const struct route *r)
{
	struct work *w = t->work;
	struct smarthost smarthost;
	struct mta_target target;
	struct variant *v;

	if (!route_relay(&w->q->settings, r, &smarthost, &target, &t->err))
		return false;
	v = schedule_variant(w, r->mailer, &t->err);
	if (!v)
		return route_pending(w->q->config) && schedule_task_later(t);
	/* What ruleset 0 and the mailer's made of the address. */
	t->addr = arena_strdup(&w->item.arena, span_str(r->user));
	if (!t->addr)
		return err_temp(&t->err, "4.3.0", "out of memory");
	schedule_relay_pass(t, &target, v);
	return true;
}

/* A mailbox, program or file of this host; false: it is answered, or will be asked again. */
static bool pass_to_local(struct task *t, const struct route *r)
{
	struct work *w = t->work;

	if (!schedule_local_prepare(t, r))
		return route_pending(w->q->config) && schedule_task_later(t);
	if (r->kind == ROUTE_LOCAL) {
		t->lookup = (struct schedule_lookup){.done = on_account, .owner = t};
		schedule_check_account(w->q, span_str(r->user), SPAN(""), &t->lookup);
		return true;
	}
	schedule_choose_tell(w->q, w->item.rcpts[t->rcpt].addr, "Connecting to %s...", t->mailer);
	schedule_local_pass(t, SPAN(""));
	return true;
}

/* Thrown away, or refused in t->err: what an alias names is not what a stranger may. */
static bool is_done(struct task *t, const struct route *r)
{
	bool exact = t->target || t->work->item.head.state.flags & QFILE_NO_ALIAS;

	return ((r->kind == ROUTE_INCLUDE || !exact) && !route_is_open(r, &t->err)) ||
	       r->kind == ROUTE_DISCARD || strcmp(r->user, "/dev/null") == 0;
}

/* By the mailer that the configuration chose. */
static void pass_to(struct task *t, const struct route *r)
{
	t->mailer = r->kind == ROUTE_LOCAL     ? "local"
		    : r->kind == ROUTE_FILE    ? "*file*"
		    : r->kind == ROUTE_PROGRAM ? "prog"
					       : NULL;
	t->started_ms = t->work->q->loop.now_ms;
	if (r->kind == ROUTE_RELAY ? pass_to_relay(t, r) : !is_done(t, r) && pass_to_local(t, r))
		return;
	schedule_task_answered(t);
}

static void on_name(struct dns_client_wait *w)
{
	schedule_task_start((struct task *)((char *)w - offsetof(struct task, wait)));
}

/* check_compat, and the mailer's M=. */
static bool check(struct task *t, struct route *r)
{
	const struct work *w = t->work;

	if (r->mailer->max_size > 0 && w->item.size > (uint64_t)r->mailer->max_size)
		return err_perm(&t->err, "5.2.3", "Message is too large; %ld bytes max",
				r->mailer->max_size);
	/* F=%: only a run that was asked for just some of the queue; it waits without a try. */
	if (cf_mailer_flag(r->mailer, '%') && !w->q->select)
		return err_temp(&t->err, "4.0.0", "queued");
	switch (route_check(w->q->config, ROUTE_CHECK_COMPAT, w->item.head.sender,
			    span_str(r->address), &t->err)) {
	case ROUTE_REFUSED:
		return false;
	case ROUTE_DISCARDED:
		r->kind = ROUTE_DISCARD;
		return true;
	default:
		return true;
	}
}

/*
 * Mailer, host and user of the address; *right is filled for an alias, *forward says of others
 * what is known of their ~/.forward.
 */
static bool decide(struct task *t, struct route *r, bool *is_alias, struct buf *right,
		   enum schedule_forward *forward)
{
	struct work *w = t->work;
	struct schedule *q = w->q;
	struct mta_check from = {.origin.uid = UINT32_MAX, .sender = w->item.head.sender};
	struct span addr = t->target ? span_str(t->target) : w->item.rcpts[t->rcpt].addr;
	bool exact = t->target || w->item.head.state.flags & QFILE_NO_ALIAS;
	bool again = !t->target && span_eq(w->item.rcpts[t->rcpt].owner, SPAN(SCHEDULE_AGAIN));
	struct schedule_list list;

	*is_alias = false;
	*forward = FORWARD_NONE;
	if (!schedule_decide(q, &from, &t->err) ||
	    !route_recipient(q->config, &q->settings, addr, r, &t->err) ||
	    !schedule_resolve(q, r, exact ? NULL : is_alias, right, &t->err))
		return false;
	if (r->deferred)
		return err_temp(&t->err, "4.4.3",
				"Transient parse error: a name or table cannot be looked up now");
	if (!*is_alias && (!exact || again))
		*forward = schedule_forward_user(t, r, &list, &t->err);
	if (*is_alias || *forward != FORWARD_NONE)
		return *forward != FORWARD_FAILED;
	return check(t, r);
}

void schedule_task_start(struct task *t)
{
	struct schedule *q = t->work->q;
	enum schedule_aliased what = SCHEDULE_UNREAD;
	enum schedule_forward forward;
	struct buf right;
	bool is_alias, ok;
	struct route r;

	t->wait.done = on_name;
	t->err = (struct err){0};
	buf_init(&right, ALIAS_MAX);
	ok = decide(t, &r, &is_alias, &right, &forward);
	if (route_pending(q->config) && schedule_task_later(t))
		goto out;
	if (!ok) {
		schedule_task_answered(t);
		goto out;
	}
	if (!is_alias && forward == FORWARD_NONE) {
		pass_to(t, &r);
		goto out;
	}
	if (is_alias || forward == FORWARD_FOUND)
		what = schedule_alias(t, &r, buf_span(&right));
	if (what == SCHEDULE_REPLACED)
		schedule_task_start(t);
	else if (what == SCHEDULE_UNREAD)
		schedule_forward_ask(t);
	else if (what == SCHEDULE_FAILED || (what == SCHEDULE_LATER && !schedule_task_later(t)))
		schedule_task_answered(t);
out:
	buf_free(&right);
}
