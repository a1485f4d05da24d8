/*
 * One inbound connection: reading, TLS, the protocol machine, writing, timeouts.
 * See service/smtpd.h.
 *
 * While an answer is awaited nothing is read, so a client cannot make us hold
 * more than one buffer.  Bodies are read through one buffer that all sessions
 * share; commands need their own, since the machine's spans point into it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/smtpd.h"
#include "sys/log.h"

struct smtpd_session *smtpd_session_find(struct smtpd *d, uint32_t id)
{
	size_t slot = id & 0xffff;

	if (slot >= d->slots || !d->sessions[slot] || d->sessions[slot]->id != id)
		return NULL;
	return d->sessions[slot];
}

void smtpd_session_free(struct smtpd_session *s)
{
	struct smtpd *d = s->d;

	smtpd_event_reset(s);
	/* Nobody else has the connection: closed, it has left the loop's set. */
	if (s->watch.fd >= 0) {
		close(s->watch.fd);
		loop_forget(&d->loop, &s->watch);
	}
	loop_timer_clear(&d->loop, &s->timer);
	if (s->tls) {
		tls_wipe(s->tls);
		free(s->tls);
		signer_chain_drop(s->chain);
	}
	smtpd_spare_keep_session(s);
	smtpd_check_idle(d);
}

/* Before DATA or STARTTLS is answered the machine must know whether more came than may. */
static void look_ahead(struct smtpd_session *s, struct span rest)
{
	char octet;
	size_t used;

	if (rest.len == 0 && !s->tls && s->watch.fd >= 0 &&
	    recv(s->watch.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		rest = span_make(&octet, 1);
	if (rest.len)
		smtp_server_feed(&s->smtp, rest, &used, &s->out);
}

/* When the session, or the message that is coming in, has taken all the time it may; 0: never. */
static uint64_t last_ms(const struct smtpd_session *s)
{
	const struct settings *o = &s->d->settings;
	uint64_t limit = s->in_body ? o->timeout_message_s : o->timeout_session_s;

	return limit ? (s->in_body ? s->message_ms : s->started_ms) + limit * 1000 : 0;
}

/*
 * RFC 5321 section 4.5.3.2.7 asks five minutes of a server.  Set anew when a command was read
 * whole or text came: one that sends its command octet by octet gets no more than that.
 */
static void set_timer(struct smtpd_session *s)
{
	const struct settings *o = &s->d->settings;
	uint64_t limit = s->in_body ? o->timeout_data_s : o->timeout_command_s;
	uint64_t now = s->d->loop.now_ms, due = now + limit * 1000, last = last_ms(s);

	if (s->pause_ms) {
		loop_timer_set(&s->d->loop, &s->timer, s->pause_ms);
		return;
	}
	if (last && (!limit || due > last))
		due = last;
	if (limit || last)
		loop_timer_set(&s->d->loop, &s->timer, due > now ? due - now : 0);
	else
		loop_timer_clear(&s->d->loop, &s->timer);
}

/*
 * Feeds the machine from in until it needs more, an answer is due, or, for the shared
 * buffer, a body is over.  Returns how many octets were consumed.
 */
static size_t run(struct smtpd_session *s, struct span in)
{
	size_t done = 0;
	bool body = s->in_body;

	/* Ends when the body begins or is over, since then another buffer has the next octets. */
	while (!s->closing && !s->want_tls && s->in_body == body && s->out.len < SMTPD_OUT_STEP) {
		size_t used = 0;
		enum smtp_server_event ev =
		    smtp_server_feed(&s->smtp, span_skip(in, done), &used, &s->out);

		done += used;
		if (ev == SMTP_EV_DATA || ev == SMTP_EV_STARTTLS)
			look_ahead(s, span_skip(in, done));
		if (ev == SMTP_EV_MORE || ev == SMTP_EV_WAIT || !smtpd_event(s, ev))
			break;
	}
	if (s->store)
		smtpd_store_flush(s->store);
	if (done)
		set_timer(s);
	return done;
}

static bool waiting(const struct smtpd_session *s)
{
	return s->connecting || smtp_server_waiting(&s->smtp);
}

/* The session's own input buffer; spans into it live until the answer, so no moving before. */
static bool run_own(struct smtpd_session *s)
{
	size_t used = run(s, buf_span(&s->in));

	if (!waiting(s)) {
		buf_consume(&s->in, used);
		s->consumed = 0;
	} else {
		s->consumed = used;
	}
	if (s->in.len == 0 && !waiting(s))
		smtpd_spare_keep_input(s);
	return used > 0;
}

/*
 * While an answer is awaited the watch stays as it is: most clients wait, too, and the answer
 * comes soon.  One that does not is not watched from its first octet on (on_ready).
 */
static uint32_t wanted(const struct smtpd_session *s, bool flushed)
{
	if (!flushed)
		return EPOLLOUT;
	if (s->gone)
		return 0;
	return waiting(s) ? s->watch.events & EPOLLIN : EPOLLIN;
}

/* After anything happened: run, write, decide what to wait for; may free s. */
static void settle(struct smtpd_session *s)
{
	bool flushed = true;

	/* A verdict may have closed it. */
	if (smtp_server_closed(&s->smtp) && !s->closing)
		smtpd_event(s, SMTP_EV_ABORT);
	while (!s->broken && !s->closing && !waiting(s)) {
		bool moved = false;

		if (s->in.len)
			moved = run_own(s);
		flushed = smtpd_io_flush(s);
		if (s->want_tls && flushed)
			smtpd_io_start_tls(s);
		if (s->tls && !waiting(s))
			moved |= smtpd_io_tls(s);
		if (!moved || !flushed)
			break;
	}
	flushed = smtpd_io_flush(s);
	if (s->broken || (s->gone && !waiting(s))) {
		smtpd_session_free(s);
		return;
	}
	if (s->closing && flushed && !waiting(s)) {
		if (s->tls) {
			tls_close(s->tls);
			smtpd_io_flush(s);
		}
		smtpd_session_free(s);
		return;
	}
	if (s->watch.fd >= 0)
		loop_events(&s->d->loop, &s->watch, wanted(s, flushed));
}

/* An answer came: the spans into the input are done with. */
void smtpd_session_resume(struct smtpd_session *s)
{
	if (!waiting(s) && s->consumed) {
		buf_consume(&s->in, s->consumed);
		s->consumed = 0;
	}
	if (s->d->stopping && !s->store && !waiting(s)) {
		smtpd_session_shut(s, "4.3.2", "shutting down");
		return;
	}
	set_timer(s);
	settle(s);
}

/* One read; the octets go where they are needed. */
static void read_plain(struct smtpd_session *s)
{
	/* Only with nothing in the session's own buffer, which comes first. */
	bool shared = s->in_body && s->in.len == 0;
	char *at;
	ssize_t n;

	if (shared && !s->d->chunk)
		s->d->chunk = malloc(SMTPD_CHUNK);
	if (!shared)
		smtpd_spare_input(s);
	at = shared ? s->d->chunk : buf_reserve(&s->in, SMTPD_IN_STEP);
	if (!at) {
		s->broken = true;
		return;
	}
	n = recv(s->watch.fd, at, shared ? SMTPD_CHUNK : SMTPD_IN_STEP, 0);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			s->broken = true;
	} else if (n == 0) {
		s->gone = true;
	} else if (shared) {
		size_t used = run(s, span_make(at, (size_t)n));

		if (used < (size_t)n)
			buf_put(&s->in, span_make(at + used, (size_t)n - used));
	} else {
		s->in.len += (size_t)n;
	}
}

static void read_tls(struct smtpd_session *s)
{
	char *at = buf_reserve(&s->cipher, SMTPD_CHUNK / 2);
	ssize_t n;

	if (!at) {
		s->broken = true;
		return;
	}
	n = recv(s->watch.fd, at, SMTPD_CHUNK / 2, 0);
	if (n > 0)
		s->cipher.len += (size_t)n;
	else if (n == 0)
		s->gone = true;
	else if (errno != EAGAIN && errno != EINTR)
		s->broken = true;
	smtpd_io_tls(s);
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct smtpd_session *s =
	    (struct smtpd_session *)((char *)w - offsetof(struct smtpd_session, watch));

	if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) {
		/* The client is gone; a message that is being stored is finished all the same. */
		int fd = s->watch.fd;

		loop_remove(&s->d->loop, &s->watch);
		close(fd);
		s->gone = true;
		if (!waiting(s))
			s->broken = true;
	} else if (events & EPOLLIN && s->pause_ms) {
		if (smtpd_greet_early(s))
			set_timer(s);
	} else if (events & EPOLLIN && waiting(s)) {
		loop_events(&s->d->loop, &s->watch, s->watch.events & ~(uint32_t)EPOLLIN);
	} else if (events & EPOLLIN) {
		if (s->tls)
			read_tls(s);
		else
			read_plain(s);
	}
	settle(s);
}

static void on_timeout(struct loop_timer *t)
{
	struct smtpd_session *s =
	    (struct smtpd_session *)((char *)t - offsetof(struct smtpd_session, timer));

	if (s->pause_ms) {
		smtpd_greet_client(s, false);
		set_timer(s);
		settle(s);
		return;
	}
	if (waiting(s) && !s->gone) {
		/* Our own answer is late (a slow disk), not the client: set anew when it comes. */
		return;
	}
	if (last_ms(s) && last_ms(s) <= s->d->loop.now_ms) {
		log_info("%s of %s takes too long", s->in_body ? "message" : "session", s->client);
		smtpd_session_shut(s, "4.4.2", "this takes too long; closing connection");
		return;
	}
	log_info("timeout waiting for input from %s", s->client);
	smtpd_session_shut(s, "4.4.2", "timeout waiting for input");
}

void smtpd_session_shut(struct smtpd_session *s, const char *status, const char *text)
{
	smtp_server_close(&s->smtp, status, span_str(text), &s->out);
	s->closing = true;
	smtpd_io_flush(s);
	if (s->store && s->in_body) {
		smtpd_store_drop(s->store);
		s->store = NULL;
	}
	/* What is still being stored goes on without us. */
	smtpd_session_free(s);
}

void smtpd_session_open(struct smtpd *d, int fd, enum mta_listener kind,
			const struct smtpd_listener *l, const char *addr, uint64_t source,
			uint32_t uid)
{
	struct smtpd_session *s = smtpd_spare_session(d);
	bool tls = kind == MTA_L_SMTPS;
	struct err e;

	if (!s) {
		close(fd);
		return;
	}
	if (tls)
		kind = MTA_L_TCP;
	s->watch.ready = on_ready;
	s->timer.fire = on_timeout;
	s->kind = kind;
	s->uid = uid;
	s->source = source;
	s->started_ms = d->loop.now_ms;
	snprintf(s->addr, sizeof s->addr, "%s", addr);
	snprintf(s->listener, sizeof s->listener, "%s", l ? l->name : "local");
	if (kind == MTA_L_SUBMIT)
		snprintf(s->client, sizeof s->client, "uid%u@localhost", (unsigned)uid);
	else
		snprintf(s->client, sizeof s->client, "[%s]", addr);
	s->watch.fd = fd;
	smtpd_macros_begin(s, l);
	smtp_server_init(&s->smtp, &d->config[kind], span_str(s->client));
	/* The greeting waits for the handshake. */
	if (tls)
		smtpd_io_start_tls(s);
	if (!smtpd_ask_connect(s))
		smtpd_greet_client(s, false);
	if (!loop_add(&d->loop, &s->watch, fd, EPOLLIN, &e)) {
		close(fd);
		s->watch.fd = -1;
		smtpd_session_free(s);
		return;
	}
	set_timer(s);
	settle(s);
}
