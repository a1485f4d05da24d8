/* Recipients of other hosts; see service/schedule_part.h. */
#include <stdio.h>

#include "service/schedule_part.h"

static void on_sent(struct relays_rcpt *r)
{
	struct task *t = r->owner;

	t->work->remote--;
	t->err = r->err;
	if (r->code)
		snprintf(t->reply, sizeof t->reply, "%u %s %s", r->code, r->err.status,
			 r->err.text);
	schedule_task_answered(t);
}

void schedule_relay_pass(struct task *t, const struct mta_target *target, const struct variant *v)
{
	struct work *w = t->work;
	const struct qfile_rcpt *r = &w->item.rcpts[t->rcpt];

	t->mailer = target->protocol == MTA_LMTP ? "lmtp" : "esmtp";
	t->started_ms = w->q->loop.now_ms;
	/* Each holds an open file: what is too much now comes again within seconds. */
	if (!w->remote && w->q->away >= SCHEDULE_AWAY) {
		t->crowded = true;
		schedule_task_answered(t);
		return;
	}
	t->remote = (struct relays_rcpt){.addr = span_str(t->addr),
					 .orcpt = r->orcpt,
					 .notify = r->notify,
					 .done = on_sent,
					 .owner = t};
	w->remote++;
	schedule_choose_tell(w->q, r->addr, "Connecting to %.*s via %s...", SPAN_ARG(target->hosts),
			     t->mailer);
	relays_deliver(&w->q->relays, &v->message, target, &t->remote);
}

void schedule_relay_ask(struct relays *r)
{
	struct schedule *q = (struct schedule *)((char *)r - offsetof(struct schedule, relays));

	schedule_choose_tell_gate(q, MTA_RELAY);
}
