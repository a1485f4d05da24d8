/*
 * The gate process; see service/gate.h, gate_listen.h for its sockets and gate_agent.h
 * for delivery agents.
 *
 * Requests of the roles are read with care: they come from processes that meet
 * strangers.  Each does one small thing and blocks on nothing but a local file.
 */
#include "service/gate_part.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/forward.h"
#include "service/gate_agent.h"
#include "service/gate_listen.h"
#include "service/gate_relay.h"
#include "service/queue.h"
#include "service/settings_part.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/proc.h"

enum { RELOAD_MS = 60000 };

/*
 * Made by root and given to the roles' account: smtpd and queue must write there, nobody
 * else may look. The directory above can be passed through, for the socket.
 */
bool gate_make_queue(const struct settings *s, struct err *e)
{
	static const char *const mine[] = {"tmp", "queue"};
	char path[SETTINGS_PATH_MAX + 16];
	struct queue q;
	bool root, ok;
	uid_t uid;
	gid_t gid;

	if (!box_account(&uid, &gid, &root, e) || !fs_mkdirs(s->queue, 0711, e))
		return false;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", s->queue, mine[i]);
		if (!fs_mkdir(AT_FDCWD, path, 0700, e))
			return false;
	}
	if (!root)
		return true;
	ok = queue_open(&q, s->queue, false, e) && queue_adopt(&q, uid, gid, e);
	queue_close(&q);
	return ok;
}

/* When all roles are ready, the starter is told that the daemon runs, and can exit 0. */
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
	struct span name, detail;
	struct err e = {0};
	char mem[ACCOUNT_PATH_MAX];
	struct buf paths;
	bool forwards = false;

	if (!mta_ipc_get_text(in, &detail))
		return false;
	name = span_cut(&detail, '\0');
	if (name.len > MTA_NAME_MAX)
		return false;
	buf_init_fixed(&paths, mem, sizeof mem);
	if (!account_find(&g->accounts, name, &a, &e))
		a.name[0] = '\0';
	else
		forwards = !forward_put_paths(g->settings, &a, detail, &paths) ||
			   forward_is_there(buf_span(&paths));
	/* A role gets a name only: uid, home and mailbox are not its business. */
	mta_ipc_put_outcome(&g->b, forwards ? MTA_ACCOUNT_FORWARDS : MTA_ACCOUNT_IS, in->id, &e,
			    span_str(a.name));
	ipc_send(&r->channel, &g->b, NULL, 0);
	return true;
}

static bool on_agent(struct gate *g, struct supervise_role *r, struct wire_in *in)
{
	struct span key;
	struct err e = {0};
	int fd;

	if (!mta_ipc_get_text(in, &key) || key.len > MTA_NAME_MAX)
		return false;
	/* Who meets strangers has no business with programs and users' files, which other keys
	 * cannot name.
	 */
	if (r != &g->queue && key.len &&
	    (strchr("|:", key.ptr[0]) || memchr(key.ptr, '/', key.len)))
		return false;
	/* The agent has dropped to the user before it reads anything; the role gets its socket. */
	fd = gate_agent_start(g->settings, &g->accounts, key, &e);
	mta_ipc_put_outcome(&g->b, MTA_AGENT_IS, in->id, &e, SPAN(""));
	ipc_send(&r->channel, &g->b, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	return true;
}

static bool on_relay(struct gate *g, struct supervise_role *r, const struct wire_in *in)
{
	struct err e = {0};
	int fd;

	if (r != &g->queue || !wire_end(in))
		return false;
	fd = gate_relay_start(g->settings, g->name, g->config, &e);
	mta_ipc_put_outcome(&g->b, MTA_RELAY_IS, in->id, &e, SPAN(""));
	ipc_send(&r->channel, &g->b, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	return true;
}

/* The one session is over: what it queued gets one run. */
static void on_idle(struct gate *g, struct supervise_role *r)
{
	if (r == &g->smtpd)
		gate_setup_run(g, 0);
	else
		supervise_stop(&g->supervise, SUPERVISE_GRACE_MS);
}

/* -v: the caller's standard output is ours for as long as the run lasts. */
static bool on_tell(const struct gate *g, struct wire_in *in)
{
	char line[MTA_ADDR_MAX + 1];
	struct span text;

	if (!mta_ipc_get_text(in, &text) || !span_to_cstr(text, line, sizeof line - 1))
		return false;
	err_printable(line);
	line[text.len] = '\n';
	if (g->settings->verbose)
		fs_write(STDOUT_FILENO, span_make(line, text.len + 1));
	return true;
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
	case MTA_TELL:
		return on_tell(g, in);
	case MTA_RELAY:
		return on_relay(g, r, in);
	case MTA_PEER:
		if (r == &g->smtpd)
			gate_setup_peer(g);
		return r == &g->smtpd;
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
		gate_setup_chain(g);
}

/* Certificates are renewed by programs that know nothing of us. */
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
		if (g->plan->again)
			gate_reload(g);
		break;
	case SIGUSR1:
		gate_setup_run(g, 1);
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
	/* A delivery may end in a user's program. */
	struct box box = {.role = "sendmail", .allow = BOX_FORK | BOX_PROGRAMS};

	if (!loop_init(&g->loop, e) || !loop_signals(&g->loop, signals, on_signal, e) ||
	    !gate_make_queue(g->settings, e) ||
	    !account_source_init(&g->accounts, g->settings->users, g->settings->mailbox, e))
		return false;
	supervise_init(&g->supervise, &g->loop, NULL, on_stopped);
	proc_close_inherited();
	if (g->plan->listen) {
		/* Before the roles: they must not run when a port is taken. */
		if (!bind_all(g, e))
			return false;
		account_source_warn(&g->accounts);
		gate_setup_keys(g);
	}
	if (g->plan->listen || g->plan->daemon)
		write_pid(g->settings);
	/* Ports, key and queue are had; roles started later need no more than the first. */
	if (!box_enter(&box, e))
		return false;
	if (g->plan->listen || g->session >= 0) {
		g->smtpd = (struct supervise_role){.name = "smtpd",
						   .setup = gate_setup_smtpd,
						   .on_message = on_message,
						   .on_down = on_down};
		supervise_add(&g->supervise, &g->smtpd);
	}
	g->queue = (struct supervise_role){.name = "queue",
					   .setup = gate_setup_queue,
					   .on_message = on_message,
					   .on_down = on_down};
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
	g->local = g->peer = g->signer.channel.watch.fd = -1;
	g->session = plan->session;
	g->ready_fd = ready_fd;
	g->config = plan->config;
	snprintf(g->name, sizeof g->name, "%s", plan->name);
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
	if ((plan->listen || plan->daemon) && s->pid_file[0])
		unlink(s->pid_file);
	tlskeys_close(&g->keys);
	account_source_free(&g->accounts);
	loop_close(&g->loop);
	status = g->status;
	free(g);
	return status;
}
