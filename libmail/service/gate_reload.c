/*
 * What SIGHUP does in the gate process; see service/gate_part.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/gate_part.h"
#include "service/route.h"
#include "sys/log.h"

/* Accounts are asked for here alone: another source serves the next question. */
static bool new_accounts(struct gate *g, const struct settings *s, struct err *e)
{
	struct account_source fresh;

	if (!account_source_init(&fresh, s->users, s->mailbox, e))
		return false;
	account_source_free(&g->accounts);
	g->accounts = fresh;
	return true;
}

/*
 * The configuration is compiled here first, and thrown away: mistakes leave the old one in force.
 * Listening sockets and queue are those of the start.
 */
void gate_reload(struct gate *g)
{
	const char *path = g->settings->config;
	struct settings *s = malloc(sizeof *s);
	struct config_text t = {0};
	struct config *c = NULL;
	struct err e = {0};
	int fd = -1;

	if (!s)
		return;
	if (!g->plan->again(g->plan->arg, s, &e)) {
		log_err("%s; the old settings stay", e.text);
	} else if (!config_find(&t, path[0] ? path : NULL, s, &e) ||
		   !(c = config_load(buf_span(&t.text), t.name, NULL, s, &e))) {
		log_err("%s; the old configuration stays", e.text);
	} else if (config_errors(c)) {
		log_err("%s: %u errors; the old configuration stays", t.name, config_errors(c));
	} else if ((fd = config_text_fd(&t, &e)) < 0 || !new_accounts(g, s, &e)) {
		log_err("%s; the old settings stay", e.text);
		if (fd >= 0)
			close(fd);
	} else {
		config_settings(c, s, t.is_file);
		s->checks = route_checks(c);
		close(g->config);
		g->config = fd;
		snprintf(g->name, sizeof g->name, "%s", t.name);
		gate_setup_again(g, s);
		settings_use_log(g->settings);
		log_info("configuration %s: read again", t.name);
	}
	buf_free(&t.text);
	config_free(c);
	free(s);
}
