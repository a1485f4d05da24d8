/*
 * The gate process; see service/gate.h, gate_listen.h for its sockets and gate_agent.h
 * for delivery agents.
 *
 * Requests of the roles are read with care: they come from processes that meet
 * strangers.  Each does one small thing and blocks on nothing but a local file.
 */
#include "service/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/account.h"
#include "service/gate_agent.h"
#include "service/gate_listen.h"
#include "service/mta_ipc.h"
#include "service/settings_part.h"
#include "service/supervise.h"
#include "service/tlskeys.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { RELOAD_MS = 60000, SOCKETS_MAX = SETTINGS_LISTENERS_MAX + 1 };

struct gate {
	struct loop loop;
	struct supervise supervise;
	struct supervise_role smtpd, queue;
	struct settings *settings;
	const struct gate_plan *plan;
	struct account_source accounts;
	struct tlskeys keys;
	struct ipc signer; /* smtpd's synchronous channel */
	struct loop_timer reload;
	int sockets[SOCKETS_MAX];
	size_t socket_count;
	int local;   /* the submission socket, or -1 */
	int peer;    /* an end for the queue role that is not started yet, or -1 */
	int session; /* -bs: to be handed to smtpd, or -1 */
	int ready_fd;
	unsigned ready; /* roles at work */
	int status;     /* exit status */
	struct buf b;   /* for one message */
	char mem[WIRE_MAX];
};

bool gate_make_queue(const struct settings *s, struct err *e)
{
	static const char *const mine[] = {"tmp", "queue"};
	struct queue_ids {
		uid_t uid;
		gid_t gid;
	} ids;
	char path[SETTINGS_PATH_MAX + 16];
	bool root = box_account(&ids.uid, &ids.gid);

	if (!fs_mkdirs(s->queue, 0711, e))
		return false;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", s->queue, mine[i]);
		if (!fs_mkdir(AT_FDCWD, path, 0700, e))
			return false;
		if (root && lchown(path, ids.uid, ids.gid) != 0)
			return err_errno(e, errno, "%s", path);
	}
	return true;
}

static void send_simple(struct gate *g, struct supervise_role *r, enum mta_type type)
{
	wire_begin(&g->b, (uint16_t)type, 0);
	ipc_send(&r->channel, &g->b, NULL, 0);
}

static void send_run(struct gate *g, uint32_t number)
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

static void send_setting(void *arg, const char *name, struct span value)
{
	struct setting_target *t = arg;

	mta_ipc_put_pair(&t->g->b, MTA_SETTING, span_str(name), value);
	ipc_send(&t->r->channel, &t->g->b, NULL, 0);
}

static void send_settings(struct gate *g, struct supervise_role *r)
{
	struct setting_target t = {g, r};

	settings_each(g->settings, send_setting, &t);
}

/* The chain may be larger than a message: it goes as a file in memory. */
static void send_chain(struct gate *g)
{
	struct span der = tlskeys_chain(&g->keys);
	int fd;

	if (der.len == 0 || !ipc_is_open(&g->smtpd.channel))
		return;
	fd = memfd_create("chain", MFD_CLOEXEC);
	if (fd < 0 || !fs_write(fd, der))
		log_err("cannot hand the certificate to smtpd: %s", strerror(errno));
	else
		send_fd(g, &g->smtpd, MTA_CHAIN, tlskeys_generation(&g->keys), fd);
	if (fd >= 0)
		close(fd);
}

static bool on_sign(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct gate *g = (struct gate *)((char *)c - offsetof(struct gate, signer));
	unsigned char sig[TLS_SIG_MAX];
	struct tls_sign_request req;
	struct span text;
	size_t len = sizeof sig;

	(void)fds;
	if (in->type != MTA_SIGN || !mta_ipc_get_text(in, &text) || text.len != sizeof req)
		return false;
	memcpy(&req, text.ptr, sizeof req);
	if (!tlskeys_sign(&g->keys, &req, sig, &len))
		len = 0;
	mta_ipc_put_text(&g->b, MTA_SIGNED, 0, span_make(sig, len));
	ipc_send(c, &g->b, NULL, 0);
	return true;
}

static void on_signer_lost(struct ipc *c)
{
	(void)c; /* smtpd's end: a new one comes with a new smtpd */
}

static void send_signer(struct gate *g)
{
	struct err e;
	int fds[2];

	ipc_close(&g->signer);
	g->signer.on_message = on_sign;
	g->signer.on_close = on_signer_lost;
	if (!ipc_pair(fds, &e)) {
		log_err("%s", e.text);
		return;
	}
	if (ipc_open(&g->signer, &g->loop, fds[0], &e))
		send_fd(g, &g->smtpd, MTA_SIGN_FD, 0, fds[1]);
	else
		close(fds[0]);
	close(fds[1]);
}

/* A channel between the two: one end now, the other when its owner is there. */
static void send_peer(struct gate *g, struct supervise_role *to, struct supervise_role *other)
{
	struct err e;
	int fds[2];

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

static void send_listener(struct gate *g, enum mta_listener kind, const char *name, int fd)
{
	wire_begin(&g->b, MTA_LISTENER, 0);
	wire_put_u8(&g->b, (uint8_t)kind);
	wire_put_span(&g->b, span_head(span_str(name), 15));
	ipc_send(&g->smtpd.channel, &g->b, &fd, 1);
}

static void setup_smtpd(struct supervise_role *r)
{
	struct gate *g = (struct gate *)((char *)r - offsetof(struct gate, smtpd));

	send_settings(g, r);
	for (size_t i = 0; i < g->socket_count; i++)
		send_listener(g, MTA_L_TCP, g->settings->listeners[i].name, g->sockets[i]);
	if (g->local >= 0)
		send_listener(g, MTA_L_SUBMIT, "local", g->local);
	send_peer(g, r, &g->queue);
	send_chain(g);
	send_signer(g);
	send_simple(g, r, MTA_START);
	if (g->session >= 0) {
		send_fd(g, r, MTA_SESSION, (uint32_t)getuid(), g->session);
		close(g->session);
		g->session = -1;
	}
}

static void setup_queue(struct supervise_role *r)
{
	struct gate *g = (struct gate *)((char *)r - offsetof(struct gate, queue));

	send_settings(g, r);
	if (g->smtpd.setup)
		send_peer(g, r, &g->smtpd);
	if (g->plan->run_once || g->plan->interval_s)
		send_run(g, g->plan->run_once ? 0 : (uint32_t)g->plan->interval_s);
	send_simple(g, r, MTA_START);
}

static void on_ready(struct gate *g)
{
	unsigned wanted = g->smtpd.setup ? 2 : 1;

	if (++g->ready != wanted || g->ready_fd < 0)
		return;
	(void)!write(g->ready_fd, "", 1);
	close(g->ready_fd);
	g->ready_fd = -1;
}

static bool on_account(struct gate *g, struct supervise_role *r, struct wire_in *in)
{
	struct account a;
	struct span name;
	struct err e = {0};

	if (!mta_ipc_get_text(in, &name) || name.len > MTA_NAME_MAX)
		return false;
	if (!account_find(&g->accounts, name, &a, &e))
		a.name[0] = '\0';
	mta_ipc_put_outcome(&g->b, MTA_ACCOUNT_IS, in->id, &e, span_str(a.name));
	ipc_send(&r->channel, &g->b, NULL, 0);
	return true;
}

static bool on_agent(struct gate *g, struct supervise_role *r, struct wire_in *in)
{
	struct account a;
	struct span name;
	struct err e = {0};
	int fd = -1;

	if (!mta_ipc_get_text(in, &name) || name.len > MTA_NAME_MAX)
		return false;
	if (account_find(&g->accounts, name, &a, &e))
		fd = gate_agent_start(&a, &e);
	mta_ipc_put_outcome(&g->b, MTA_AGENT_IS, in->id, &e, SPAN(""));
	ipc_send(&r->channel, &g->b, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	return true;
}

/* The one session is over: what it queued gets one run. */
static void on_idle(struct gate *g, struct supervise_role *r)
{
	if (r == &g->smtpd)
		send_run(g, 0);
	else
		supervise_stop(&g->supervise, SUPERVISE_GRACE_MS);
}

static bool on_message(struct supervise_role *r, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct gate *g = (struct gate *)((char *)r->supervise - offsetof(struct gate, supervise));

	(void)fds;
	switch (in->type) {
	case MTA_READY:
		on_ready(g);
		return true;
	case MTA_ACCOUNT:
		return on_account(g, r, in);
	case MTA_AGENT:
		return on_agent(g, r, in);
	case MTA_IDLE:
		if (g->plan->session >= 0 || g->plan->run_once)
			on_idle(g, r);
		return true;
	default:
		return false;
	}
}

static void on_down(struct supervise_role *r)
{
	struct gate *g = (struct gate *)((char *)r->supervise - offsetof(struct gate, supervise));

	/* A role that cannot even start tells of a wrong set-up: say so at once. */
	if (g->ready_fd >= 0 || (g->ready == 0 && !g->supervise.stopping)) {
		g->status = EXIT_OSERR;
		supervise_stop(&g->supervise, SUPERVISE_GRACE_MS);
	}
}

static void on_stopped(struct supervise *s)
{
	struct gate *g = (struct gate *)((char *)s - offsetof(struct gate, supervise));

	loop_stop(&g->loop);
}

static void reload(struct gate *g)
{
	if (tlskeys_reload(&g->keys))
		send_chain(g);
}

static void on_reload(struct loop_timer *t)
{
	struct gate *g = (struct gate *)((char *)t - offsetof(struct gate, reload));

	reload(g);
	loop_timer_set(&g->loop, &g->reload, RELOAD_MS);
}

static void on_signal(struct loop *l, int signo)
{
	struct gate *g = (struct gate *)((char *)l - offsetof(struct gate, loop));

	switch (signo) {
	case SIGCHLD:
		supervise_reap(&g->supervise);
		break;
	case SIGTERM:
	case SIGINT:
		log_info("stopping on signal %d", signo);
		supervise_stop(&g->supervise, SUPERVISE_GRACE_MS);
		break;
	case SIGHUP:
		reload(g);
		break;
	case SIGUSR1:
		send_run(g, 1);
		break;
	default:
		break;
	}
}

/* Zero configuration: mail from this host only. */
static void default_listeners(struct settings *s)
{
	struct err e;

	if (s->listener_count)
		return;
	settings_add_listener(s, SPAN("Addr=127.0.0.1,Port=25,Name=MTA"), &e);
	settings_add_listener(s, SPAN("Addr=::1,Port=25,Name=MTA6,Family=inet6"), &e);
}

static bool bind_all(struct gate *g, struct err *e)
{
	struct settings *s = g->settings;
	bool by_default = s->listener_count == 0;

	default_listeners(s);
	g->local = gate_listen_local(s->queue, e);
	if (g->local < 0)
		return false;
	for (uint32_t i = 0; i < s->listener_count; i++) {
		int fd = gate_listen_tcp(&s->listeners[i], e);

		/* A host without IPv6 has no ::1 to listen on; nobody asked for it. */
		if (fd < 0 && by_default && i > 0)
			break;
		if (fd < 0)
			return false;
		g->sockets[g->socket_count++] = fd;
	}
	return true;
}

static void open_keys(struct gate *g)
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

static void write_pid(const struct settings *s)
{
	char text[64];
	struct err e;
	int n = snprintf(text, sizeof text, "%d\nsendmail -bd\n", (int)getpid());

	if (s->pid_file[0] &&
	    !fs_replace(AT_FDCWD, s->pid_file, 0644, span_make(text, (size_t)n), &e))
		log_warn("pid file: %s", e.text);
}

static bool start(struct gate *g, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, 0};

	if (!loop_init(&g->loop, e) || !loop_signals(&g->loop, signals, on_signal, e) ||
	    !gate_make_queue(g->settings, e) ||
	    !account_source_init(&g->accounts, g->settings->users, g->settings->mailbox, e))
		return false;
	supervise_init(&g->supervise, &g->loop, NULL, on_stopped);
	if (g->plan->listen) {
		if (!bind_all(g, e))
			return false;
		open_keys(g);
		write_pid(g->settings);
	}
	if (g->plan->listen || g->session >= 0) {
		g->smtpd = (struct supervise_role){.name = "smtpd",
						   .setup = setup_smtpd,
						   .on_message = on_message,
						   .on_down = on_down};
		supervise_add(&g->supervise, &g->smtpd);
	}
	g->queue = (struct supervise_role){
	    .name = "queue", .setup = setup_queue, .on_message = on_message, .on_down = on_down};
	supervise_add(&g->supervise, &g->queue);
	g->reload.fire = on_reload;
	if (g->plan->listen)
		loop_timer_set(&g->loop, &g->reload, RELOAD_MS);
	return supervise_start(&g->supervise, e);
}

int gate_run(struct settings *s, const struct gate_plan *plan, int ready_fd)
{
	struct gate *g = calloc(1, sizeof *g);
	struct err e = {0};
	int status;

	if (!g)
		return EXIT_OSERR;
	g->settings = s;
	g->plan = plan;
	g->local = g->peer = g->signer.watch.fd = -1;
	g->session = plan->session;
	g->ready_fd = ready_fd;
	buf_init_fixed(&g->b, g->mem, sizeof g->mem);
	if (!start(g, &e)) {
		log_err("%s", e.text);
		status = e.class == ERR_PERM ? EXIT_CONFIG : EXIT_OSERR;
		free(g);
		return status;
	}
	if (plan->listen)
		log_info("starting daemon: %u listeners, queue %s%s", (unsigned)g->socket_count,
			 s->queue, geteuid() ? " (not root: all roles run under one uid)" : "");
	loop_run(&g->loop);
	if (plan->listen && s->pid_file[0])
		unlink(s->pid_file);
	tlskeys_close(&g->keys);
	status = g->status;
	free(g);
	return status;
}
