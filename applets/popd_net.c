/*
 * popd's net role: set-up, listeners, what gate says; see popd_net.h.  Certificates and
 * signatures are in popd_net_chain.c.
 *
 * Order: read everything from gate, close the box, then accept.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "popd_net.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/peer.h"
#include "sys/proc.h"

enum {
	SETUP_WAIT_MS = 10000,
	ACCEPTS_PER_TURN = 64, /* then those who are connected get their turn */
	SPARE_FILES = 64,      /* descriptors besides those of sessions */
};

void popd_net_login(struct popd_session *s)
{
	struct popd_login l = {
	    .tls = s->pop.is_tls, .user = span_str(s->pop.user), .password = s->pop.password};
	char mem[WIRE_MAX];
	struct buf b;

	memcpy(l.addr, s->addr, sizeof l.addr);
	buf_init_fixed(&b, mem, sizeof mem);
	popd_ipc_put_login(&b, s->id, &l);
	ipc_send(&s->net->gate, &b, NULL, 0);
	/* The password was in it. */
	explicit_bzero(mem, sizeof mem);
}

static void send_plain(struct popd_net *n, enum popd_type type)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, (uint16_t)type, 0);
	ipc_send(&n->gate, &b, NULL, 0);
}

void popd_net_check_idle(struct popd_net *n)
{
	if (n->open)
		return;
	if (n->stopping)
		loop_stop(&n->loop);
	else if (n->one_shot)
		send_plain(n, POPD_IDLE);
}

/* Sessions that have not logged in for long give way when there is no room for others. */
static bool make_room(struct popd_net *n)
{
	for (struct popd_session *s = n->first; s; s = s->next)
		if (s->store_fd < 0 && n->loop.now_ms - s->started_ms > POPD_STALE_MS) {
			popd_session_shut(s, POPD_TIMEOUT);
			return true;
		}
	return false;
}

static bool too_many(const struct popd_net *n, uint64_t source)
{
	uint32_t count = 0;

	for (const struct popd_session *s = n->first; s && n->settings.max_per_source; s = s->next)
		count += s->source == source;
	return n->settings.max_per_source && count >= n->settings.max_per_source;
}

static void admit(struct popd_listener *l, int fd, const struct sockaddr_storage *ss)
{
	struct popd_net *n = l->net;
	char addr[POPD_ADDR_MAX] = "";
	uint64_t source = peer_describe(ss, addr, sizeof addr);
	bool full = n->open >= n->settings.max_sessions && !make_room(n);
	char mem[POP3_REPLY_MAX];
	struct buf b;
	int on = 1;

	/* Replies are written whole, so there is nothing for Nagle's algorithm to gather. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!full && !too_many(n, source)) {
		popd_session_open(n, fd, l->tls, addr, source);
		return;
	}
	log_info("refused: ip=%s, reason=%s", addr,
		 full ? "too many sessions" : "too many sessions of this address");
	buf_init_fixed(&b, mem, sizeof mem);
	pop3_refuse(&b);
	/* One try and no wait; a TLS client would not understand it. */
	if (!l->tls)
		(void)!send(fd, b.ptr, b.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void on_again(struct loop_timer *t)
{
	struct popd_listener *l =
	    (struct popd_listener *)((char *)t - offsetof(struct popd_listener, again));

	loop_events(&l->net->loop, &l->watch, EPOLLIN);
}

/* Who waits in the kernel's queue would be told of again and again, and nothing be done. */
static void pause_accepting(struct popd_listener *l)
{
	log_err("cannot accept a connection: %s", strerror(errno));
	l->again.fire = on_again;
	loop_events(&l->net->loop, &l->watch, 0);
	loop_timer_set(&l->net->loop, &l->again, POPD_PAUSE_MS);
}

static void on_accept(struct loop_watch *w, uint32_t events)
{
	struct popd_listener *l =
	    (struct popd_listener *)((char *)w - offsetof(struct popd_listener, watch));

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage ss = {.ss_family = AF_INET};
		socklen_t len = sizeof ss;
		int fd = accept4(w->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			admit(l, fd, &ss);
			continue;
		}
		/* Of other errors the connection has died before it was accepted. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			pause_accepting(l);
		return;
	}
}

static void stop(struct popd_net *n)
{
	struct popd_session *next;

	n->stopping = true;
	for (size_t i = 0; i < n->listener_count; i++)
		loop_remove(&n->loop, &n->listeners[i].watch);
	for (struct popd_session *s = n->first; s; s = next) {
		next = s->next;
		/* A commit under way is waited for: the client must hear how it ended. */
		if (s->pop.state != POP3_ENDED || !s->pop.waiting)
			popd_session_shut(s, POPD_SHUTDOWN);
	}
	popd_net_check_idle(n);
}

/* Gate answers when it is done with the password, which may take long: by number of session. */
static void on_login_is(struct popd_net *n, uint32_t id, uint32_t verdict, int fd)
{
	struct popd_session *s = n->first;

	while (s && s->id != id)
		s = s->next;
	/* The client went away meanwhile; a store whose socket closes just ends. */
	if (s && s->pop.state == POP3_CHECKING)
		popd_session_login(s, verdict, fd);
	else if (fd >= 0)
		close(fd);
}

static void set_chain(struct popd_net *n, uint32_t generation, int fd)
{
	signer_chain_take(&n->chain, generation, fd, &n->sign_fd);
	n->config.tls = n->chain != NULL;
}

static bool on_gate(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct popd_net *n = (struct popd_net *)((char *)c - offsetof(struct popd_net, gate));
	uint32_t number, id = in->id;
	struct span addr;
	char text[POPD_ADDR_MAX];
	int fd = fds[0];

	switch (in->type) {
	case POPD_LOGIN_IS:
		if (!popd_ipc_get_number(in, &number))
			return false;
		fds[0] = -1;
		on_login_is(n, id, number, fd);
		return true;
	case POPD_CHAIN:
		if (!popd_ipc_get_number(in, &number) || fd < 0)
			return false;
		set_chain(n, number, fd);
		return true;
	case POPD_SESSION:
		if (!popd_ipc_get_text(in, &addr) || fd < 0 ||
		    !span_to_cstr(addr, text, sizeof text))
			return false;
		fds[0] = -1;
		n->one_shot = true;
		popd_session_open(n, fd, false, text, 0);
		return true;
	default:
		return false;
	}
}

/* Without gate there are no logins and no signatures: sessions are told and the role ends. */
static void on_gate_lost(struct ipc *c)
{
	struct popd_net *n = (struct popd_net *)((char *)c - offsetof(struct popd_net, gate));

	stop(n);
	loop_stop(&n->loop);
}

static void on_signal(struct loop *l, int signo)
{
	struct popd_net *n = (struct popd_net *)((char *)l - offsetof(struct popd_net, loop));

	if (signo == SIGTERM && !n->stopping)
		stop(n);
}

static bool add_listener(struct popd_net *n, bool tls, int fd)
{
	struct popd_listener *l = &n->listeners[n->listener_count];

	if (n->listener_count == POPD_LISTENERS_MAX || fd < 0)
		return false;
	n->listener_count++;
	*l = (struct popd_listener){.net = n, .tls = tls};
	l->watch.fd = fd;
	l->watch.ready = on_accept;
	return true;
}

static bool on_setup(struct popd_net *n, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	uint32_t number = 0;

	/* All other messages carry one number and perhaps a descriptor. */
	if (in->type == POPD_CONFIG)
		return popd_ipc_get_config(in, &n->settings);
	if (!popd_ipc_get_number(in, &number))
		return false;
	switch (in->type) {
	case POPD_LISTENER:
		if (!add_listener(n, number, fds[0]))
			return false;
		break;
	case POPD_SIGN_FD:
		n->sign_fd = fds[0];
		break;
	case POPD_CHAIN:
		if (fds[0] < 0)
			return false;
		set_chain(n, number, fds[0]);
		return true;
	default:
		return false;
	}
	fds[0] = -1;
	return true;
}

/* Reads gate's messages up to START. */
static bool setup(struct popd_net *n, struct err *e)
{
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;

	for (;;) {
		int got = ipc_receive(PROC_CONTROL_FD, SETUP_WAIT_MS, mem, &in, fds, e);
		bool ok;

		if (got == 0)
			return err_temp(e, "4.3.0", "gate ended during set-up");
		if (got < 0)
			return false;
		if (in.type == POPD_START)
			return true;
		ok = on_setup(n, &in, fds);
		for (int i = 0; i < IPC_FDS_MAX; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (!ok)
			return err_temp(e, "4.3.0", "malformed set-up message %u", in.type);
	}
}

static bool enter(struct popd_net *n, struct err *e)
{
	/* Descriptors: one for the client and one for its store, for each session. */
	struct box box = {.role = "popd-net",
			  .allow = BOX_ACCEPT,
			  .chroot_dir = box_empty_dir(),
			  .max_files = n->settings.max_sessions * 2 + SPARE_FILES};

	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

static bool start(struct popd_net *n, struct err *e)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGINT, 0};

	n->gate.watch.fd = n->sign_fd = -1;
	n->chunk = malloc(POPD_CHUNK);
	if (!n->chunk)
		return err_errno(e, ENOMEM, "popd-net");
	/* The box is closed before the first connection is accepted. */
	if (!setup(n, e) || !enter(n, e) || !loop_init(&n->loop, e) ||
	    !loop_signals(&n->loop, signals, on_signal, e))
		return false;
	n->config.host = n->settings.host;
	n->config.plain = !n->settings.require_tls;
	n->gate.on_message = on_gate;
	n->gate.on_close = on_gate_lost;
	if (!ipc_open(&n->gate, &n->loop, PROC_CONTROL_FD, e))
		return false;
	for (size_t i = 0; i < n->listener_count; i++) {
		int fd = n->listeners[i].watch.fd;

		if (!loop_add(&n->loop, &n->listeners[i].watch, fd, EPOLLIN, e))
			return false;
	}
	return true;
}

int popd_net_main(int argc, char **argv)
{
	struct popd_net *n = calloc(1, sizeof *n);
	struct err e = {.class = ERR_NONE};

	(void)argc;
	(void)argv;
	proc_enter_role("popd-net");
	log_init("popd", LOG_T_AUTO);
	clock_init();
	if (!n || !start(n, &e)) {
		log_err("popd-net: %s", n ? e.text : "out of memory");
		free(n);
		return EXIT_OSERR;
	}
	send_plain(n, POPD_READY);
	loop_run(&n->loop);
	free(n);
	return 0;
}
