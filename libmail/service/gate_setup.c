/*
 * What gate gives a role when it starts: settings, sockets, channels, the certificate.
 * See service/gate_part.h.
 *
 * A role may be started again at any time; it gets everything anew, and the other role
 * gets the new end of the channel between them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "service/gate_part.h"
#include "sys/fs.h"
#include "sys/log.h"

static void send_simple(struct gate *g, struct supervise_role *r, enum mta_type type)
{
	wire_begin(&g->b, (uint16_t)type, 0);
	ipc_send(&r->channel, &g->b, NULL, 0);
}

static void send_text(struct gate *g, struct supervise_role *r, enum mta_type type,
		      const char *text)
{
	mta_ipc_put_text(&g->b, type, 0, span_str(text));
	ipc_send(&r->channel, &g->b, NULL, 0);
}

void gate_setup_run(struct gate *g, uint32_t number)
{
	mta_ipc_put_number(&g->b, MTA_RUN, number);
	ipc_send(&g->queue.channel, &g->b, NULL, 0);
}

static void send_fd(struct gate *g, struct supervise_role *r, enum mta_type type, uint32_t number,
		    int fd)
{
	mta_ipc_put_number(&g->b, type, number);
	ipc_send(&r->channel, &g->b, &fd, 1);
}

struct setting_target {
	struct gate *g;
	struct supervise_role *r;
};

static void put_setting(void *arg, const char *name, struct span value)
{
	struct setting_target *t = arg;

	while (!mta_ipc_put_setting(&t->g->b, span_str(name), value)) {
		ipc_send(&t->r->channel, &t->g->b, NULL, 0);
		wire_begin(&t->g->b, MTA_SETTING, 0);
	}
}

/*
 * All of them, as text: a role then has the same settings, whatever it was started with.  The first
 * has no name: lists begin anew.
 */
static void send_settings(struct gate *g, struct supervise_role *r)
{
	struct setting_target t = {g, r};

	wire_begin(&g->b, MTA_SETTING, 0);
	put_setting(&t, "", SPAN(""));
	settings_each(g->settings, put_setting, &t);
	ipc_send(&r->channel, &g->b, NULL, 0);
}

void gate_setup_config(struct gate *g)
{
	mta_ipc_put_text(&g->b, MTA_CONFIG, 0, span_str(g->name));
	ipc_send(&g->queue.channel, &g->b, &g->config, 1);
}

void gate_setup_again(struct gate *g, struct settings *s)
{
	const struct settings *old = g->settings;

	if (strcmp(s->queue, old->queue) != 0)
		log_warn("queue directory %s: only after a restart", s->queue);
	memcpy(s->queue, old->queue, sizeof s->queue);
	memcpy(s->pid_file, old->pid_file, sizeof s->pid_file);
	memcpy(s->listeners, old->listeners, sizeof s->listeners);
	s->listener_count = old->listener_count;
	*g->settings = *s;
	send_settings(g, &g->queue);
	send_settings(g, &g->smtpd);
	gate_setup_config(g);
}

void gate_setup_keys(struct gate *g)
{
	struct settings *s = g->settings;
	char dir[SETTINGS_PATH_MAX + 16];
	struct err e;

	if (s->no_tls)
		return;
	if (s->cert[0]) {
		if (!tlskeys_open(&g->keys, s->cert, s->key, &e))
			log_err("STARTTLS is not offered: %s", e.text);
		return;
	}
	snprintf(dir, sizeof dir, "%s/private", s->queue);
	if (!fs_mkdir(AT_FDCWD, dir, 0700, &e) ||
	    !tlskeys_open_made(&g->keys, dir, s->hostname, &e))
		log_err("STARTTLS is not offered: %s", e.text);
}

void gate_setup_chain(struct gate *g)
{
	int fd;

	if (!ipc_is_open(&g->smtpd.channel))
		return;
	fd = signer_chain_file(&g->keys);
	if (fd < 0)
		return;
	send_fd(g, &g->smtpd, MTA_CHAIN, tlskeys_generation(&g->keys), fd);
	close(fd);
}

static void send_signer(struct gate *g)
{
	int fd = signer_start(&g->signer, &g->loop, &g->keys);

	if (fd < 0)
		return;
	send_fd(g, &g->smtpd, MTA_SIGN_FD, 0, fd);
	close(fd);
}

/* A channel between the two: one end now, the other when its owner is there. */
static void send_peer(struct gate *g, struct supervise_role *to, struct supervise_role *other)
{
	struct err e;
	int fds[2];

	/* The queue role was down when smtpd got its end: the other one was kept. */
	if (to == &g->queue && g->peer >= 0) {
		send_fd(g, to, MTA_PEER, 0, g->peer);
		close(g->peer);
		g->peer = -1;
		return;
	}
	if (!ipc_pair(fds, &e)) {
		log_err("%s", e.text);
		return;
	}
	send_fd(g, to, MTA_PEER, 0, fds[0]);
	close(fds[0]);
	if (other->pid > 0 && ipc_is_open(&other->channel)) {
		send_fd(g, other, MTA_PEER, 0, fds[1]);
		close(fds[1]);
	} else {
		if (g->peer >= 0)
			close(g->peer);
		g->peer = fds[1];
	}
}

void gate_setup_peer(struct gate *g)
{
	if (g->queue.pid > 0 && ipc_is_open(&g->queue.channel))
		send_peer(g, &g->smtpd, &g->queue);
}

static void send_listener(struct gate *g, enum mta_listener kind, const char *name, int fd)
{
	wire_begin(&g->b, MTA_LISTENER, 0);
	wire_put_u8(&g->b, (uint8_t)kind);
	wire_put_span(&g->b, span_head(span_str(name), 15));
	ipc_send(&g->smtpd.channel, &g->b, &fd, 1);
}

void gate_setup_smtpd(struct supervise_role *r)
{
	struct gate *g = (struct gate *)((char *)r - offsetof(struct gate, smtpd));

	send_settings(g, r);
	/* Copies: gate keeps the sockets for the next smtpd, so none is ever closed to clients. */
	for (size_t i = 0; i < g->socket_count; i++)
		send_listener(g, g->settings->listeners[i].tls ? MTA_L_SMTPS : MTA_L_TCP,
			      g->settings->listeners[i].name, g->sockets[i]);
	if (g->local >= 0)
		send_listener(g, MTA_L_SUBMIT, "local", g->local);
	send_peer(g, r, &g->queue);
	gate_setup_chain(g);
	send_signer(g);
	/* START comes last; what follows is for the running role. */
	send_simple(g, r, MTA_START);
	if (g->session >= 0) {
		send_fd(g, r, MTA_SESSION, (uint32_t)getuid(), g->session);
		close(g->session);
		g->session = -1;
	}
}

void gate_setup_queue(struct supervise_role *r)
{
	struct gate *g = (struct gate *)((char *)r - offsetof(struct gate, queue));

	send_settings(g, r);
	gate_setup_config(g);
	if (g->smtpd.setup)
		send_peer(g, r, &g->smtpd);
	for (size_t i = 0; g->plan->select && i < g->plan->select->count; i++)
		send_text(g, r, MTA_SELECT, g->plan->select->rule[i]);
	if (g->plan->select && g->plan->select->none)
		send_text(g, r, MTA_SELECT, "L");
	if (g->plan->only)
		send_text(g, r, MTA_QUEUED, g->plan->only);
	if (g->plan->run_once || g->plan->interval_s)
		gate_setup_run(g, g->plan->run_once ? 0 : (uint32_t)g->plan->interval_s);
	send_simple(g, r, MTA_START);
}
