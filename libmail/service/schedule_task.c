/*
 * One recipient of a message under work: where it goes, and what came of it; see
 * service/schedule.h.
 */
#include "service/route_relay.h"
#include "service/schedule_part.h"

static void on_delivered(struct agents_job *job)
{
	struct task *t = job->owner;

	t->err = job->err;
	schedule_task_answered(t);
}

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
	t->job = (struct agents_job){.fd = w->item.fd,
				     .at = w->item.message_at,
				     .id = w->item.id,
				     .sender = w->item.head.sender,
				     .rcpt = w->item.rcpts[t->rcpt].addr,
				     .done = on_delivered,
				     .owner = t};
	schedule_choose_tell(w->q, t->job.rcpt, "Connecting to local...");
	agents_deliver(&w->q->agents, name, &t->job);
}

/* By the mailer that the configuration chose. */
static void pass_to(struct task *t, struct route *r)
{
	struct work *w = t->work;
	struct smarthost smarthost;
	struct mta_target target;

	switch (r->kind) {
	case ROUTE_LOCAL:
		t->mailer = "local";
		t->started_ms = w->q->loop.now_ms;
		t->lookup = (struct schedule_lookup){.done = on_account, .owner = t};
		schedule_check_account(w->q, span_str(r->user), &t->lookup);
		return;
	case ROUTE_DISCARD:
		break;
	case ROUTE_RELAY:
		if (!route_relay(&w->q->settings, r, &smarthost, &target, &t->err))
			break;
		schedule_relay_pass(t, &target);
		return;
	default:
		err_temp(&t->err, "4.3.5", "mailer %.*s: cannot be run here",
			 SPAN_ARG(r->mailer->name));
	}
	schedule_task_answered(t);
}

static void on_name(struct dns_client_wait *w)
{
	schedule_task_start((struct task *)((char *)w - offsetof(struct task, wait)));
}

void schedule_task_start(struct task *t)
{
	struct work *w = t->work;
	struct schedule *q = w->q;
	struct mta_check from = {.origin.uid = UINT32_MAX, .sender = w->item.head.sender};
	bool is_alias = false, ok;
	struct route r;

	ok = schedule_decide(q, &from, &t->err) &&
	     route_recipient(q->config, &q->settings, w->item.rcpts[t->rcpt].addr, &r, &t->err) &&
	     schedule_resolve(q, &r, &is_alias, NULL, &t->err);
	t->wait.done = on_name;
	if (route_pending(q->config) && schedule_await(q, &t->wait, &t->turns, &t->err))
		return;
	if (ok && r.deferred)
		ok = err_temp(&t->err, "4.4.3",
			      "Transient parse error: a name or table cannot be looked up now");
	if (ok)
		pass_to(t, &r);
	else
		schedule_task_answered(t);
}
