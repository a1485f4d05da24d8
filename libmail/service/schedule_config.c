/*
 * The configuration of the queue role, and when its evaluations' memory is given back; see
 * service/schedule.h.
 */
#include <stdio.h>
#include <sys/sysinfo.h>

#include "base/err.h"
#include "service/schedule.h"
#include "sys/log.h"

enum {
	LOCAL_TURNS = 10,    /* MaxAliasRecursion */
	ALIAS_MAX = 1 << 20, /* octets of a right side */
	LOAD_ONE = 1 << SI_LOAD_SHIFT,
};

static void on_quiet(struct loop_timer *t)
{
	struct schedule *q = (struct schedule *)((char *)t - offsetof(struct schedule, quiet));

	config_idle(q->config);
	schedule_work_forget(q);
	buf_free(&q->header);
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
	alias_free(&q->alias);
	alias_init(&q->alias);
	if (q->settings.aliases[0] && !alias_add(&q->alias, span_str(q->settings.aliases), &e))
		log_err("%s", e.text);
	for (int i = 0; i < q->alias.files; i++)
		config_note_dir(c, span_str(q->alias.file[i]->path));
	if (q->may_ask)
		dns_client_attach(&q->dns, &c->resolver);
	/* The box is closed: started anew, the role gets one that fits. */
	if (q->boxed &&
	    ((!q->may_ask && config_asks(c)) || (!q->includes && alias_includes(&q->alias))))
		schedule_stop(q);
	return true;
}

bool schedule_config_there(struct schedule *q, struct err *e)
{
	if (!q->config)
		return err_temp(e, "4.3.0", "no configuration came from gate");
	q->quiet.fire = on_quiet;
	q->may_ask = config_asks(q->config);
	q->includes = alias_includes(&q->alias);
	if (q->may_ask) {
		if (!resolver_init(&q->resolver, e))
			return false;
		dns_client_init(&q->dns, &q->loop, &q->resolver);
		dns_client_attach(&q->dns, &q->config->resolver);
	}
	q->boxed = true;
	return true;
}

/* What the daemon says of itself. */
static void set_daemon(const struct schedule *q)
{
	unsigned every = (unsigned)q->interval_s;
	char text[48], interval[24] = "";
	struct sysinfo info;

	if (every)
		snprintf(interval, sizeof interval, "%02u:%02u:%02u", every / 3600, every / 60 % 60,
			 every % 60);
	snprintf(text, sizeof text, "SMTP%s%s", every ? "+queueing@" : "", interval);
	config_set(q->config, "{daemon_info}", span_str(text));
	config_set(q->config, "{queue_interval}", span_str(interval));
	config_set(q->config, "{opMode}", SPAN("d"));
	config_set(q->config, "{deliveryMode}", span_make(&q->settings.delivery_mode, 1));
	if (!config_uses(q->config, "{load_avg}") || sysinfo(&info) != 0)
		return;
	snprintf(text, sizeof text, "%lu", (info.loads[0] + LOAD_ONE / 2) / LOAD_ONE);
	config_set(q->config, "{load_avg}", span_str(text));
}

bool schedule_decide(struct schedule *q, const struct mta_check *m, struct err *e)
{
	loop_timer_set(&q->loop, &q->quiet, SCHEDULE_QUIET_MS);
	if (!route_begin(q->config, m))
		return err_temp(e, "4.3.0", "out of memory");
	set_daemon(q);
	return true;
}

bool schedule_resolve(struct schedule *q, struct route *r, bool *is_alias, struct buf *right,
		      struct err *e)
{
	bool changed = true;
	struct buf mine;
	int status;

	if (is_alias)
		*is_alias = false;
	/* Ruleset 5 may name another user, who is looked at in turn. */
	for (int i = 0; changed && !r->deferred && i < LOCAL_TURNS; i++) {
		if (is_alias && cf_mailer_flag(r->mailer, 'A')) {
			buf_init(&mine, ALIAS_MAX);
			status = alias_find_user(&q->alias, span_str(r->user), span_str(r->host),
						 right ? right : &mine);
			buf_free(&mine);
			*is_alias = status == 0;
			if (status != EXIT_NOUSER)
				return status == 0 ||
				       err_temp(e, "4.3.0", "alias database unavailable");
		}
		if (!route_local(q->config, r, &changed, e))
			return false;
	}
	return !changed || r->deferred ||
	       err_perm(e, "5.4.6", "%.100s: aliasing/forwarding loop broken", r->user);
}

bool schedule_await(struct schedule *q, struct dns_client_wait *w, unsigned *turns, struct err *e)
{
	if (++*turns > SCHEDULE_TURNS)
		return err_temp(e, "4.4.3", "too many questions for one address");
	dns_client_await(&q->dns, w);
	return true;
}
