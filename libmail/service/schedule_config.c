/*
 * The configuration of the queue role, and when its evaluations' memory is given back; see
 * service/schedule.h.
 */
#include "service/schedule.h"
#include "sys/log.h"

enum { LOCAL_TURNS = 10 }; /* MaxAliasRecursion */

static void on_quiet(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, quiet));

	config_idle(q->config);
}

/* An old one goes when no message under work needs it any more. */
bool schedule_config_set(struct schedule *q, struct wire_in *in, int fd)
{
	char name[CF_NAME];
	struct config *c;
	struct span text;
	struct err e;

	if (!mta_ipc_get_text(in, &text) || fd < 0 || !span_to_cstr(text, name, sizeof name))
		return false;
	c = config_load_fd(fd, name, &q->settings, &e);
	if (!c) {
		log_err("%s", e.text);
		return q->config != NULL;
	}
	config_free(q->config);
	q->config = c;
	return true;
}

bool schedule_config_there(struct schedule *q, struct err *e)
{
	q->quiet.fire = on_quiet;
	return q->config || err_temp(e, "4.3.0", "no configuration came from gate");
}

bool schedule_decide(struct schedule *q, const struct mta_check *m, struct err *e)
{
	loop_timer_set(&q->loop, &q->quiet, SCHEDULE_QUIET_MS);
	return route_begin(q->config, m) || err_temp(e, "4.3.0", "out of memory");
}

/* Ruleset 5 may name another user, who is looked at in turn. */
bool schedule_resolve(struct schedule *q, struct route *r, struct err *e)
{
	bool changed = true;

	for (int i = 0; changed && i < LOCAL_TURNS; i++)
		if (!route_local(q->config, r, &changed, e))
			return false;
	return !changed || err_perm(e, "5.4.6", "%.100s: aliasing/forwarding loop broken", r->user);
}
