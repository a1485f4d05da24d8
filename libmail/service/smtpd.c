/*
 * The smtpd role: set-up by gate, listening sockets, the answers of other roles.
 * See service/smtpd.h.
 *
 * Order: read everything from gate, open the queue, close the box, then accept.
 */
#include "service/smtpd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/role.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/proc.h"
#include "sys/rand.h"

enum { COMMIT_THREADS = 4 };

static bool add_listener(struct smtpd *d, enum mta_listener kind, struct span name, int fd)
{
	struct smtpd_listener *l;

	if (d->listener_count == sizeof d->listeners / sizeof d->listeners[0])
		return false;
	l = &d->listeners[d->listener_count++];
	l->d = d;
	l->kind = kind;
	l->watch.fd = fd;
	l->watch.ready = smtpd_accept_ready;
	span_to_cstr(name, l->name, sizeof l->name);
	return true;
}

static void set_chain(struct smtpd *d, uint32_t generation, int fd)
{
	signer_chain_take(&d->chain, generation, fd, &d->sign_fd);
	if (d->chain)
		d->config[MTA_L_TCP].flags |= SMTP_OFFER_STARTTLS;
}

void smtpd_check_idle(struct smtpd *d)
{
	char mem[WIRE_MAX];
	struct buf b;

	if (d->open || agents_pending(&d->agents) || commit_pending(d->pool))
		return;
	if (d->stopping) {
		loop_stop(&d->loop);
	} else if (d->one_shot) {
		buf_init_fixed(&b, mem, sizeof mem);
		wire_begin(&b, MTA_IDLE, 0);
		ipc_send(&d->gate, &b, NULL, 0);
	}
}

static bool on_verdict(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct smtpd *d = (struct smtpd *)((char *)c - offsetof(struct smtpd, queue_role));
	struct smtpd_session *s;
	struct span answer = in->rest;
	struct mta_verdict v;

	(void)fds;
	if (in->type != MTA_VERDICT || !mta_ipc_get_verdict(in, &v))
		return false;
	s = smtpd_session_find(d, in->id);
	/* The session may have ended while its question was under way. */
	if (!s || !s->asked_open)
		return true;
	s->asked_open = false;
	smtpd_known_learn(s, answer, &v);
	smtpd_event_verdict(s, &v);
	smtpd_session_resume(s);
	return true;
}

/* When the queue role died gate does it unasked; a channel may also break without a death. */
static void ask_for_queue(struct loop_timer *t)
{
	struct smtpd *d = (struct smtpd *)((char *)t - offsetof(struct smtpd, alone));
	char mem[WIRE_MAX];
	struct buf b;

	if (ipc_is_open(&d->queue_role))
		return;
	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, MTA_PEER, 0);
	ipc_send(&d->gate, &b, NULL, 0);
	loop_timer_set(&d->loop, t, SMTPD_ALONE_MS);
}

static void on_queue_lost(struct ipc *c)
{
	struct smtpd *d = (struct smtpd *)((char *)c - offsetof(struct smtpd, queue_role));
	struct mta_verdict v = {0};

	loop_timer_set(&d->loop, &d->alone, SMTPD_ALONE_MS);
	/* Sessions that wait get a 4xx at once, and not when gate has a new peer. */
	err_temp(&v.err, "4.3.0", "address verification is not available now");
	for (size_t i = 0; i < d->slots; i++) {
		struct smtpd_session *s = d->sessions[i];

		if (!s || !s->asked_open)
			continue;
		s->asked_open = false;
		smtpd_known_learn(s, SPAN(""), &v);
		smtpd_event_verdict(s, &v);
		smtpd_session_resume(s);
	}
}

static void ask_agent(struct agents *a, uint32_t id, struct span user)
{
	struct smtpd *d = (struct smtpd *)((char *)a - offsetof(struct smtpd, agents));
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_AGENT, id, user);
	ipc_send(&d->gate, &b, NULL, 0);
}

static void stop(struct smtpd *d)
{
	/* Nothing new begins; how long the rest may take is gate's business. */
	d->stopping = true;
	for (size_t i = 0; i < d->listener_count; i++)
		loop_remove(&d->loop, &d->listeners[i].watch);
	for (size_t i = 0; i < d->slots; i++) {
		struct smtpd_session *s = d->sessions[i];

		/* A message under way is finished; sessions between messages are not. */
		if (s && !s->store)
			smtpd_session_shut(s, "4.3.2", "shutting down");
	}
	smtpd_check_idle(d);
}

static bool on_agent(struct smtpd *d, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct span text;
	struct err e;

	if (!mta_ipc_get_outcome(in, &e, &text))
		return false;
	agents_answer(&d->agents, in->id, fds[0], &e);
	fds[0] = -1;
	return true;
}

static bool on_session(struct smtpd *d, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	uint32_t uid;

	if (!mta_ipc_get_number(in, &uid) || fds[0] < 0)
		return false;
	d->one_shot = true;
	smtpd_session_open(d, fds[0], MTA_L_SUBMIT, NULL, "", uid, uid);
	fds[0] = -1;
	return true;
}

static bool on_gate(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct smtpd *d = (struct smtpd *)((char *)c - offsetof(struct smtpd, gate));
	uint32_t number;
	struct err e;

	switch (in->type) {
	case MTA_AGENT_IS:
		return on_agent(d, in, fds);
	case MTA_SESSION:
		return on_session(d, in, fds);
	case MTA_PEER:
		/* The queue role was started anew and knows none of the old questions. */
		ipc_close(&d->queue_role);
		smtpd_known_forget(d);
		on_queue_lost(&d->queue_role);
		if (!ipc_open(&d->queue_role, &d->loop, fds[0], &e))
			return false;
		fds[0] = -1;
		/* The one before may have been told of what this one did not find. */
		smtpd_store_tell(&d->tell);
		return true;
	case MTA_CHAIN:
		if (!mta_ipc_get_number(in, &number) || fds[0] < 0)
			return false;
		set_chain(d, number, fds[0]);
		return true;
	case MTA_SETTING:
		if (!role_setting(&d->settings, in, &e))
			return false;
		smtpd_configure(d);
		return true;
	default:
		return false;
	}
}

static void on_gate_lost(struct ipc *c)
{
	struct smtpd *d = (struct smtpd *)((char *)c - offsetof(struct smtpd, gate));

	agents_gate_lost(&d->agents);
	stop(d);
	loop_stop(&d->loop);
}

static void on_signal(struct loop *l, int signo)
{
	struct smtpd *d = (struct smtpd *)((char *)l - offsetof(struct smtpd, loop));

	if (signo == SIGTERM && !d->stopping)
		stop(d);
}

/* What gate sends before START. */
static bool on_setup(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct smtpd *d = arg;
	struct span name;
	uint32_t number;

	switch (in->type) {
	case MTA_LISTENER:
		number = wire_get_u8(in);
		name = wire_get_span(in, 16);
		if (!wire_end(in) || fds[0] < 0 || number > MTA_L_SMTPS ||
		    !add_listener(d, (enum mta_listener)number, name, fds[0]))
			return false;
		break;
	case MTA_PEER:
		d->queue_role.watch.fd = fds[0];
		break;
	case MTA_CHAIN:
		if (!mta_ipc_get_number(in, &number) || fds[0] < 0)
			return false;
		set_chain(d, number, fds[0]);
		return true;
	case MTA_SIGN_FD:
		d->sign_fd = fds[0];
		break;
	default:
		return false;
	}
	fds[0] = -1;
	return true;
}

static bool enter(struct smtpd *d, struct err *e)
{
	char tmp[QUEUE_PATH_MAX + 8], dir[QUEUE_PATH_MAX + 8];
	struct box box = {.role = "smtpd",
			  .allow = BOX_ACCEPT | BOX_FILES | BOX_THREADS,
			  .chroot_dir = d->settings.queue,
			  .max_files = 8192};

	if (!queue_open(&d->queue, d->settings.queue, false, e))
		return false;
	/* Before the change of root, which hides what it looks at. */
	d->pool = commit_pool_new(&d->loop, d->queue.tmp, d->queue.dir, COMMIT_THREADS, e);
	if (!d->pool)
		return false;
	snprintf(tmp, sizeof tmp, "%s/tmp", d->settings.queue);
	snprintf(dir, sizeof dir, "%s/queue", d->settings.queue);
	box.paths[0] = (struct box_path){tmp, true};
	box.paths[1] = (struct box_path){dir, true};
	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

static bool start(struct smtpd *d, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGUSR1, SIGINT, 0};
	int peer;

	if (!loop_init(&d->loop, e))
		return false;
	d->gate.watch.fd = d->queue_role.watch.fd = -1;
	d->sign_fd = -1;
	if (!settings_init(&d->settings, e) || !role_setup(&d->settings, on_setup, d, e) ||
	    !enter(d, e) || !loop_signals(&d->loop, signals, on_signal, e))
		return false;
	d->gate.on_message = on_gate;
	d->gate.on_close = on_gate_lost;
	d->queue_role.on_message = on_verdict;
	d->queue_role.on_close = on_queue_lost;
	peer = d->queue_role.watch.fd;
	if (!ipc_open(&d->gate, &d->loop, PROC_CONTROL_FD, e) ||
	    !ipc_open(&d->queue_role, &d->loop, peer, e))
		return false;
	smtpd_configure(d);
	buf_init(&d->text, SMTPD_CHUNK * 4);
	buf_init_fixed(&d->told, d->told_mem, sizeof d->told_mem);
	d->tell.fire = smtpd_store_tell;
	d->alone.fire = ask_for_queue;
	d->unique = rand_u64();
	d->spare.timer.fire = smtpd_spare_trim;
	agents_init(&d->agents, &d->loop, ask_agent);
	for (size_t i = 0; i < d->listener_count; i++) {
		int fd = d->listeners[i].watch.fd;

		if (!loop_add(&d->loop, &d->listeners[i].watch, fd, EPOLLIN, e))
			return false;
	}
	return true;
}

int smtpd_main(int argc, char **argv)
{
	struct smtpd *d = calloc(1, sizeof *d);
	char mem[WIRE_MAX];
	struct err e = {0};
	struct buf b;

	(void)argc;
	(void)argv;
	proc_enter_role("smtpd");
	log_init("sendmail", LOG_T_AUTO);
	clock_init();
	if (!d || !start(d, &e)) {
		log_err("smtpd: %s", e.text);
		return EXIT_OSERR;
	}
	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, MTA_READY, 0);
	ipc_send(&d->gate, &b, NULL, 0);
	loop_run(&d->loop);
	commit_pool_free(d->pool);
	smtpd_store_tell(&d->tell);
	signer_chain_drop(d->chain);
	smtpd_spare_trim(&d->spare.timer);
	free(d->sessions);
	free(d->rates);
	free(d);
	return 0;
}
