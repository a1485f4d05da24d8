/*
 * popd's gate: sockets, the TLS key, the net role; see popd.h.
 *
 * What net sends is read with care: it comes from a process that meets strangers.  Nothing
 * here blocks for longer than starting a process takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "popd.h"
#include "sys/box.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/proc.h"

/*
 * A renewed certificate is in use within a minute, without a signal from the tool that renews it.
 */
enum { RELOAD_MS = 60000 };

static struct popd_gate *of_role(struct supervise_role *r)
{
	return (struct popd_gate *)((char *)r - offsetof(struct popd_gate, net));
}

static void send_number(struct popd_gate *g, enum popd_type type, uint32_t v, int fd)
{
	popd_ipc_put_number(&g->b, type, 0, v);
	ipc_send(&g->net.channel, &g->b, &fd, fd >= 0);
}

static void send_chain(struct popd_gate *g)
{
	int fd = signer_chain_file(&g->keys);

	if (fd < 0)
		return;
	send_number(g, POPD_CHAIN, tlskeys_generation(&g->keys), fd);
	close(fd);
}

/* A new net gets a new channel. */
static void send_signer(struct popd_gate *g)
{
	int fd = signer_start(&g->signer, &g->loop, &g->keys);

	if (fd < 0)
		return;
	send_number(g, POPD_SIGN_FD, 0, fd);
	close(fd);
}

/*
 * Also for a net that was restarted: it must be told everything again. The listeners stay open
 * here, so that connections queue in the kernel meanwhile.
 */
static void setup_net(struct supervise_role *r)
{
	struct popd_gate *g = of_role(r);
	struct popd_plan *p = g->plan;

	popd_ipc_put_config(&g->b, &p->config);
	ipc_send(&r->channel, &g->b, NULL, 0);
	for (size_t i = 0; i < p->listener_count; i++)
		send_number(g, POPD_LISTENER, p->listeners[i].tls, p->listeners[i].fd);
	send_chain(g);
	send_signer(g);
	wire_begin(&g->b, POPD_START, 0);
	ipc_send(&r->channel, &g->b, NULL, 0);
	if (p->session < 0)
		return;
	popd_ipc_put_text(&g->b, POPD_SESSION, span_str(p->peer));
	ipc_send(&r->channel, &g->b, &p->session, 1);
	close(p->session);
	p->session = -1;
}

/* One octet wakes the parent that waits in run_in_background; only the first net sends it. */
static void on_ready(struct popd_gate *g)
{
	if (g->plan->ready_fd < 0)
		return;
	(void)!write(g->plan->ready_fd, "", 1);
	close(g->plan->ready_fd);
	g->plan->ready_fd = -1;
}

/* False ends the channel and with it this net: one that sends nonsense may be taken over. */
static bool on_message(struct supervise_role *r, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct popd_gate *g = of_role(r);

	(void)fds;
	switch (in->type) {
	case POPD_READY:
		on_ready(g);
		return wire_end(in);
	case POPD_IDLE:
		/* With nobody left to serve; a daemon's net never says so. */
		if (g->plan->listener_count == 0)
			supervise_stop(&g->supervise, POPD_STOP_MS);
		return wire_end(in);
	case POPD_LOGIN:
		return popd_login(g, in);
	default:
		return false;
	}
}

static void on_down(struct supervise_role *r)
{
	struct popd_gate *g = of_role(r);

	popd_login_drop(g);
	/* One that cannot even start tells of a wrong set-up; and a session has no second net. */
	if (!g->supervise.stopping && (g->plan->ready_fd >= 0 || g->plan->listener_count == 0)) {
		g->status = EXIT_OSERR;
		supervise_stop(&g->supervise, POPD_STOP_MS);
	}
}

/* Stores that are committing die with the gate: the last one to go turns off the light. */
static void check_stopped(struct popd_gate *g)
{
	if (g->net_gone && g->children == 0)
		loop_stop(&g->loop);
}

/* Checks and stores alike: supervise knows the roles it started, the rest is counted here. */
static void on_child(struct supervise *s, pid_t pid, int status)
{
	struct popd_gate *g =
	    (struct popd_gate *)((char *)s - offsetof(struct popd_gate, supervise));
	char how[64];

	g->children -= g->children > 0;
	supervise_describe(status, how, sizeof how);
	if (status != 0)
		log_warn("process %ld: %s", (long)pid, how);
	check_stopped(g);
}

/*
 * Net is gone, so that no store can get new work; each has time to commit its deletions (RFC 1939
 * section 6).
 */
static void on_stopped(struct supervise *s)
{
	struct popd_gate *g =
	    (struct popd_gate *)((char *)s - offsetof(struct popd_gate, supervise));

	g->net_gone = true;
	loop_timer_set(&g->loop, &g->stopped, POPD_STOP_MS);
	check_stopped(g);
}

static void on_grace_over(struct loop_timer *t)
{
	struct popd_gate *g = (struct popd_gate *)((char *)t - offsetof(struct popd_gate, stopped));

	log_warn("%zu mailboxes did not close in time", g->children);
	loop_stop(&g->loop);
}

/*
 * Files that cannot be read leave the old pair in use: a service with a stale certificate is
 * better than one without.
 */
static void on_reload(struct loop_timer *t)
{
	struct popd_gate *g = (struct popd_gate *)((char *)t - offsetof(struct popd_gate, reload));

	if (tlskeys_reload(&g->keys))
		send_chain(g);
	loop_timer_set(&g->loop, &g->reload, RELOAD_MS);
}

/* From signalfd, thus in the loop: everything may be called here. */
static void on_signal(struct loop *l, int signo)
{
	struct popd_gate *g = (struct popd_gate *)((char *)l - offsetof(struct popd_gate, loop));

	if (signo == SIGCHLD) {
		supervise_reap(&g->supervise);
	} else if (signo == SIGHUP) {
		on_reload(&g->reload);
	} else {
		log_info("stopping on signal %d", signo);
		supervise_stop(&g->supervise, POPD_STOP_MS);
	}
}

/*
 * No TLS is no reason not to start: mail on the local host does not need it, and -r refuses the
 * rest.
 */
static void open_keys(struct popd_gate *g)
{
	const struct settings *s = &g->plan->settings;
	char dir[SETTINGS_PATH_MAX + 16];
	struct err e;
	bool ok;

	if (s->cert[0]) {
		ok = tlskeys_open(&g->keys, s->cert, s->key, &e);
	} else {
		/* The same pair as sendmail's, where this process may get at it. */
		snprintf(dir, sizeof dir, "%s/private", s->queue);
		ok = fs_mkdirs(dir, 0700, &e) && tlskeys_open_made(&g->keys, dir, s->hostname, &e);
		if (!ok) {
			log_info("a certificate is made for this run only: %s", e.text);
			ok = tlskeys_open_made(&g->keys, NULL, s->hostname, &e);
		}
	}
	if (!ok)
		log_err("there is no TLS: %s", e.text);
}

/* Sessions take descriptors: as many as are allowed. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Replaced as a whole: who reads it never sees half a number. */
static bool write_pid(const struct popd_plan *p, struct err *e)
{
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());

	return !p->pid_file[0] ||
	       fs_replace(AT_FDCWD, p->pid_file, 0644, span_make(text, (size_t)n), e);
}

/* Keys and accounts are opened before the box: they may need more than it allows later. */
static bool start(struct popd_gate *g, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, 0};
	const struct settings *s = &g->plan->settings;
	struct box box = {.role = "popd", .allow = BOX_FORK};

	proc_close_inherited();
	raise_limit();
	if (!loop_init(&g->loop, e) || !loop_signals(&g->loop, signals, on_signal, e) ||
	    !account_source_init(&g->accounts, s->users, s->mailbox, e) || !write_pid(g->plan, e))
		return false;
	account_source_warn(&g->accounts);
	supervise_init(&g->supervise, &g->loop, on_child, on_stopped);
	open_keys(g);
	if (!box_enter(&box, e))
		return false;
	g->net = (struct supervise_role){
	    .name = "popd-net", .setup = setup_net, .on_message = on_message, .on_down = on_down};
	supervise_add(&g->supervise, &g->net);
	g->reload.fire = on_reload;
	g->stopped.fire = on_grace_over;
	loop_timer_set(&g->loop, &g->reload, RELOAD_MS);
	return supervise_start(&g->supervise, e);
}

/* All of the gate is in one object: the handlers find it from the member they are given. */
int popd_gate(struct popd_plan *plan)
{
	struct popd_gate *g = calloc(1, sizeof *g);
	struct err e = {.class = ERR_NONE};
	int status;

	if (!g)
		return EXIT_OSERR;
	g->plan = plan;
	g->signer.channel.watch.fd = -1;
	g->last = &g->waiting;
	buf_init_fixed(&g->b, g->mem, sizeof g->mem);
	if (!start(g, &e)) {
		log_err("%s", e.text);
		status = e.class == ERR_PERM ? EXIT_CONFIG : EXIT_OSERR;
		free(g);
		return status;
	}
	if (plan->listener_count)
		log_info("started: %zu listeners, mailboxes %s, users %s%s", plan->listener_count,
			 g->accounts.template,
			 g->accounts.users[0] ? g->accounts.users : "of the system",
			 geteuid() ? " (not root: all processes run under one uid)" : "");
	loop_run(&g->loop);
	if (plan->pid_file[0])
		unlink(plan->pid_file);
	tlskeys_close(&g->keys);
	account_source_free(&g->accounts);
	status = g->status;
	free(g);
	return status;
}
