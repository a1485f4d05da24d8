/*
 * The smtpd role: set-up by gate, listening sockets, the answers of other roles.
 * See service/smtpd.h.
 *
 * Order: read everything from gate, open the queue, close the box, then accept.
 */
#include "service/smtpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/tls_chain.h"
#include "proto/tls_key.h"
#include "service/role.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/proc.h"

enum { ACCEPTS_PER_TURN = 16, COMMIT_THREADS = 4, SIGN_WAIT_MS = 10000 };

static uint64_t hash_source(const void *octets, size_t n)
{
	const unsigned char *p = octets;
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

/* Text and hash of a peer's address; an IPv4 address in IPv6 clothes is IPv4. */
static uint64_t describe(const struct sockaddr_storage *ss, char *text, size_t cap)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)ss;
	const void *v4 = &in4->sin_addr;

	if (ss->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		size_t n = (size_t)snprintf(text, cap, "IPv6:");

		inet_ntop(AF_INET6, &in6->sin6_addr, text + n, (socklen_t)(cap - n));
		/* One customer has a /64: count them together. */
		return hash_source(&in6->sin6_addr, 8);
	}
	if (ss->ss_family == AF_INET6)
		v4 = (const char *)&in6->sin6_addr + 12;
	inet_ntop(AF_INET, v4, text, (socklen_t)cap);
	return hash_source(v4, 4);
}

static bool too_fast(struct smtpd *d, uint64_t source)
{
	struct smtpd_rate *r;
	uint64_t minute = d->loop.now_ms / 60000;

	if (!d->settings.max_rate)
		return false;
	if (!d->rates)
		d->rates = calloc(SMTPD_RATES, sizeof *d->rates);
	if (!d->rates)
		return false;
	r = &d->rates[source % SMTPD_RATES];
	if (r->source != source || r->minute != minute)
		*r = (struct smtpd_rate){.source = source, .minute = minute};
	return ++r->count > d->settings.max_rate;
}

static bool too_many(const struct smtpd *d, uint64_t source)
{
	uint64_t n = 0;

	if (!d->settings.max_per_source)
		return false;
	for (size_t i = 0; i < d->slots; i++)
		n += d->sessions[i] && d->sessions[i]->source == source;
	return n >= d->settings.max_per_source;
}

static void refuse(const struct smtpd *d, int fd, const char *addr, const char *why)
{
	char text[512];
	int n = snprintf(text, sizeof text, "421 4.7.0 %s %s\r\n", d->settings.hostname, why);

	log_info("rejecting connection from %s: %s", addr, why);
	(void)!send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void admit_tcp(struct smtpd_listener *l, int fd, const struct sockaddr_storage *ss)
{
	struct smtpd *d = l->d;
	char addr[64] = "";
	uint64_t source = describe(ss, addr, sizeof addr);
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (d->open >= d->settings.max_sessions)
		refuse(d, fd, addr, "Too many connections, try again later");
	else if (too_many(d, source))
		refuse(d, fd, addr, "Too many open connections from your address");
	else if (too_fast(d, source))
		refuse(d, fd, addr, "Connection rate limit exceeded");
	else
		smtpd_session_open(d, fd, MTA_L_TCP, addr, source, UINT32_MAX);
}

static void admit_local(struct smtpd_listener *l, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		close(fd);
	else if (l->d->open >= l->d->settings.max_sessions)
		refuse(l->d, fd, "local socket", "Too many connections, try again later");
	else
		smtpd_session_open(l->d, fd, MTA_L_SUBMIT, "", who.uid, who.uid);
}

static void on_connection(struct loop_watch *w, uint32_t events)
{
	struct smtpd_listener *l =
	    (struct smtpd_listener *)((char *)w - offsetof(struct smtpd_listener, watch));

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage ss = {0};
		socklen_t len = sizeof ss;
		int fd = accept4(w->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				log_err("cannot accept a connection: %s", strerror(errno));
			return;
		}
		if (l->kind == MTA_L_SUBMIT)
			admit_local(l, fd);
		else
			admit_tcp(l, fd, &ss);
	}
}

static bool add_listener(struct smtpd *d, enum mta_listener kind, struct span name, int fd)
{
	struct smtpd_listener *l;

	if (d->listener_count == sizeof d->listeners / sizeof d->listeners[0])
		return false;
	l = &d->listeners[d->listener_count++];
	l->d = d;
	l->kind = kind;
	l->watch.fd = fd;
	l->watch.ready = on_connection;
	span_to_cstr(name, l->name, sizeof l->name);
	return true;
}

/* Asks gate, which holds the key; blocks for the time a signature takes. */
static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	struct smtpd *d = ctx;
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	struct span text;
	struct buf b;
	struct err e;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_SIGN, 0, span_make(req, sizeof *req));
	if (!ipc_send_now(d->sign_fd, &b, NULL, 0, &e) ||
	    ipc_receive(d->sign_fd, SIGN_WAIT_MS, mem, &in, fds, &e) <= 0 ||
	    in.type != MTA_SIGNED || !mta_ipc_get_text(&in, &text) || text.len == 0 ||
	    text.len > TLS_SIG_MAX)
		return false;
	memcpy(sig, text.ptr, text.len);
	*len = text.len;
	return true;
}

void smtpd_chain_drop(struct smtpd_chain *c)
{
	if (!c || --c->users)
		return;
	buf_free(&c->der);
	free(c);
}

/* A new certificate chain from gate; a bad one leaves the old one in force. */
static bool set_chain(struct smtpd *d, uint32_t generation, int fd)
{
	struct smtpd_chain *c = calloc(1, sizeof *c);
	struct stat st;
	struct err e;
	char *at;

	if (!c)
		return true;
	c->users = 1;
	buf_init(&c->der, TLS_CHAIN_OCTETS);
	if (fstat(fd, &st) != 0 || st.st_size > TLS_CHAIN_OCTETS ||
	    !(at = buf_reserve(&c->der, (size_t)st.st_size)) ||
	    fs_pread(fd, at, (size_t)st.st_size, 0) != st.st_size) {
		smtpd_chain_drop(c);
		return false;
	}
	c->der.len = (size_t)st.st_size;
	if (!tls_chain_split(buf_span(&c->der), &c->config.chain, &e)) {
		log_err("certificate: %s", e.text);
		smtpd_chain_drop(c);
		return true;
	}
	c->config.generation = generation;
	c->config.sign = sign;
	c->config.ctx = d;
	smtpd_chain_drop(d->chain);
	d->chain = c;
	d->config[MTA_L_TCP].flags |= SMTP_OFFER_STARTTLS;
	return true;
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
	struct mta_verdict v;

	(void)fds;
	if (in->type != MTA_VERDICT || !mta_ipc_get_verdict(in, &v))
		return false;
	s = smtpd_session_find(d, in->id);
	if (!s || !s->asked_open)
		return true;
	s->asked_open = false;
	smtpd_event_verdict(s, &v);
	smtpd_session_resume(s);
	return true;
}

static void on_queue_lost(struct ipc *c)
{
	struct smtpd *d = (struct smtpd *)((char *)c - offsetof(struct smtpd, queue_role));
	struct mta_verdict v = {0};

	err_temp(&v.err, "4.3.0", "address verification is not available now");
	for (size_t i = 0; i < d->slots; i++) {
		struct smtpd_session *s = d->sessions[i];

		if (!s || !s->asked_open)
			continue;
		s->asked_open = false;
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
	smtpd_session_open(d, fds[0], MTA_L_SUBMIT, "", uid, uid);
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
		ipc_close(&d->queue_role);
		on_queue_lost(&d->queue_role);
		if (!ipc_open(&d->queue_role, &d->loop, fds[0], &e))
			return false;
		fds[0] = -1;
		return true;
	case MTA_CHAIN:
		return mta_ipc_get_number(in, &number) && fds[0] >= 0 && set_chain(d, number, fds[0]);
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
		if (!wire_end(in) || fds[0] < 0 ||
		    !add_listener(d, number == MTA_L_SUBMIT ? MTA_L_SUBMIT : MTA_L_TCP, name,
				  fds[0]))
			return false;
		break;
	case MTA_PEER:
		d->queue_role.watch.fd = fds[0];
		break;
	case MTA_CHAIN:
		return mta_ipc_get_number(in, &number) && fds[0] >= 0 && set_chain(d, number, fds[0]);
	case MTA_SIGN_FD:
		d->sign_fd = fds[0];
		break;
	default:
		return false;
	}
	fds[0] = -1;
	return true;
}

static void configure(struct smtpd *d)
{
	for (int i = 0; i < 2; i++) {
		struct smtp_server_config *c = &d->config[i];

		*c = (struct smtp_server_config){
		    .name = span_str(d->settings.hostname),
		    .product = SPAN("ESMTP letterbox"),
		    .version = SPAN("letterbox"),
		    .size_max = d->settings.max_message,
		    .flags = SMTP_OFFER_PIPELINING | SMTP_OFFER_8BITMIME | SMTP_OFFER_SIZE |
			     SMTP_OFFER_HELP,
		    .bare = LINE_REFUSE,
		};
		if (i == MTA_L_SUBMIT) {
			c->flags |= SMTP_EARLY_OK | SMTP_OFFER_DSN;
			c->bare = LINE_REPAIR;
		} else if (d->chain) {
			c->flags |= SMTP_OFFER_STARTTLS;
		}
		if (strstr(d->settings.privacy, "needmailhelo"))
			c->flags |= SMTP_NEED_HELO;
	}
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
	snprintf(tmp, sizeof tmp, "%s/tmp", d->settings.queue);
	snprintf(dir, sizeof dir, "%s/queue", d->settings.queue);
	box.paths[0] = (struct box_path){tmp, true};
	box.paths[1] = (struct box_path){dir, true};
	box.drop = box_account(&box.uid, &box.gid);
	return box_enter(&box, e);
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
	d->pool = commit_pool_new(&d->loop, d->queue.tmp, d->queue.dir, COMMIT_THREADS, e);
	if (!d->pool)
		return false;
	configure(d);
	buf_init(&d->text, SMTPD_CHUNK * 4);
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
	return 0;
}
