/*
 * One POP3 session in the net role: the order of things, and its ends; see popd_net.h.
 *
 * Whatever happens to a session happens in pump, which goes on as long as something moves,
 * and ends in settle, which decides what is waited for, or frees the session.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "popd_net.h"
#include "sys/log.h"

enum { TEXTS = 32 /* frames of a store handed on at once */ };

static const char *const end_names[] = {
    [POPD_OPEN] = "closed",     [POPD_QUIT] = "quit",     [POPD_HANGUP] = "closed",
    [POPD_TIMEOUT] = "timeout", [POPD_BROKEN] = "broken", [POPD_SHUTDOWN] = "shutdown",
};

static void drop_store(struct popd_session *s)
{
	loop_remove(&s->net->loop, &s->store);
	if (s->store_fd >= 0)
		close(s->store_fd);
	s->store_fd = -1;
	buf_free(&s->asked);
	s->answers = (struct pop3_answers){.held = 0};
}

static void free_session(struct popd_session *s)
{
	struct popd_net *n = s->net;

	if (s->logged_in)
		log_info("logout: ip=%s, retrieved=%u, deleted=%u, octets=%llu, end=%s, user=%s",
			 s->addr, (unsigned)s->pop.retrieved,
			 s->end == POPD_QUIT ? (unsigned)s->pop.deleted : 0,
			 (unsigned long long)s->octets, end_names[s->end], s->pop.user);
	drop_store(s);
	loop_timer_clear(&n->loop, &s->timer);
	loop_remove(&n->loop, &s->client);
	close(s->client_fd);
	if (s->tls) {
		tls_wipe(s->tls);
		free(s->tls);
	}
	signer_chain_drop(s->chain);
	pop3_free(&s->pop);
	buf_wipe(&s->in);
	buf_free(&s->cipher);
	buf_wipe(&s->out);
	*(s->prev ? &s->prev->next : &n->first) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		n->last = s->prev;
	free(s);
	n->open--;
	popd_net_check_idle(n);
}

/* Watches fd for events; not at all for none, since a hang-up would be told again and again. */
static bool watch(struct popd_session *s, struct loop_watch *w, int fd, uint32_t events)
{
	struct err e;

	if (events == 0 || fd < 0) {
		loop_remove(&s->net->loop, w);
		return true;
	}
	if (w->fd >= 0) {
		loop_events(&s->net->loop, w, events);
		return true;
	}
	return loop_add(&s->net->loop, w, fd, events, &e);
}

static bool wants_input(const struct popd_session *s)
{
	return !s->eof && !s->closing && !s->delayed && s->in.len == 0 && s->cipher.len == 0 &&
	       !popd_io_pending(s) && s->pop.state != POP3_CHECKING;
}

/* Decides what is waited for next; false when the session is over. */
static bool settle(struct popd_session *s)
{
	bool pending = popd_io_pending(s);
	uint32_t client = (wants_input(s) ? EPOLLIN : 0) | (pending ? EPOLLOUT : 0);
	uint32_t store = (pending ? 0 : EPOLLIN) | (s->asked.len ? EPOLLOUT : 0);

	if (!pending &&
	    (s->closing || (s->eof && s->in.len == 0 && s->cipher.len == 0 && s->pop.waiting == 0 &&
			    !s->delayed && s->pop.state != POP3_CHECKING)))
		return false;
	return watch(s, &s->client, s->client_fd, client) &&
	       watch(s, &s->store, s->store_fd, store);
}

/* Requests to the store, as far as it takes them. */
static enum popd_io send_requests(struct popd_session *s)
{
	ssize_t n;

	if (s->asked.len == 0 || s->store_fd < 0)
		return POPD_IO_IDLE;
	n = send(s->store_fd, s->asked.ptr, s->asked.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return POPD_IO_BROKEN;
	if (n <= 0)
		return POPD_IO_IDLE;
	buf_consume(&s->asked, (size_t)n);
	return POPD_IO_MOVED;
}

/* One event of the protocol machine; false: it waits. */
static bool step(struct popd_session *s, struct span *in)
{
	switch (pop3_next(&s->pop, in, &s->out)) {
	case POP3_REPLIED:
		return true;
	case POP3_ASK:
		pop3_put_request(&s->asked, &s->pop.request);
		return true;
	case POP3_LOGIN:
		popd_net_login(s);
		return true;
	case POP3_STLS:
		/* The reply goes out in the clear, before anything else. */
		if (popd_io_flush(s) == POPD_IO_BROKEN || popd_io_pending(s) ||
		    !popd_io_start_tls(s))
			s->closing = true;
		return false;
	case POP3_CLOSE:
		s->closing = true;
		return false;
	case POP3_MORE:
	case POP3_WAIT:
		break;
	}
	return false;
}

/* Not while a refusal waits for the same timer. */
static void set_idle(struct popd_session *s)
{
	if (!s->delayed)
		loop_timer_set(&s->net->loop, &s->timer, s->net->settings.idle_s * 1000ull);
}

/* All that can be done with the input there is; a whole command is what keeps a session alive. */
static bool consume(struct popd_session *s)
{
	struct span in = buf_span(&s->in);
	size_t len = in.len;
	bool moved = false, encrypted = s->tls != NULL;

	while (!s->closing && !s->delayed && s->out.len < POPD_READ && step(s, &in))
		moved = true;
	if (moved)
		set_idle(s);
	/* After STLS the old input is gone with its memory. */
	if (s->tls && !encrypted)
		return true;
	buf_consume(&s->in, len - in.len);
	if (s->in.len == 0 && s->in.ptr)
		buf_wipe(&s->in);
	return moved || in.len < len;
}

static void end_session(struct popd_session *s, enum popd_end why)
{
	if (s->end == POPD_OPEN)
		s->end = why;
	free_session(s);
}

/* Goes on until nothing moves any more; frees the session at its end. */
static void pump(struct popd_session *s)
{
	bool moved = true;

	while (moved) {
		enum popd_io io = POPD_IO_IDLE;

		if (s->tls_first && !s->tls && s->cipher.len && !popd_io_start_tls(s))
			io = POPD_IO_BROKEN;
		if (s->tls)
			io = popd_io_decrypt(s);
		moved = io == POPD_IO_MOVED;
		if (io != POPD_IO_BROKEN)
			moved = consume(s) || moved;
		if (io != POPD_IO_BROKEN)
			io = send_requests(s);
		moved = moved || io == POPD_IO_MOVED;
		if (io != POPD_IO_BROKEN)
			io = popd_io_flush(s);
		moved = moved || io == POPD_IO_MOVED;
		if (io == POPD_IO_BROKEN) {
			end_session(s, POPD_BROKEN);
			return;
		}
		/* All is said: close_notify is the last of it. */
		if (!moved && s->closing && s->tls && tls_state(s->tls) == TLS_OPEN &&
		    !popd_io_pending(s)) {
			tls_close(s->tls);
			moved = true;
		}
	}
	if (!settle(s))
		end_session(s, POPD_HANGUP);
}

static void client_ready(struct loop_watch *w, uint32_t events)
{
	struct popd_session *s =
	    (struct popd_session *)((char *)w - offsetof(struct popd_session, client));

	/* It takes what it asked for, however slowly. */
	if (events & EPOLLOUT)
		set_idle(s);
	if (events & EPOLLIN && popd_io_receive(s) == POPD_IO_BROKEN) {
		end_session(s, POPD_HANGUP);
		return;
	}
	/* Both directions are shut: nothing that is said arrives. */
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		end_session(s, POPD_HANGUP);
		return;
	}
	pump(s);
}

/* An answer ended. */
static void note_answer(struct popd_session *s, bool ok)
{
	enum pop3_op op;

	if (!pop3_answered(&s->pop, ok, &op)) {
		s->closing = true;
		return;
	}
	if (op == POP3_OPEN && ok) {
		s->logged_in = true;
		log_info("login: ip=%s, tls=%s, user=%s", s->addr, s->pop.is_tls ? "yes" : "no",
			 s->pop.user);
	} else if (op == POP3_OPEN) {
		drop_store(s);
	} else if (op == POP3_QUIT) {
		s->end = POPD_QUIT;
		s->closing = true;
	}
}

/* Hands on what the store said; false when it said nonsense. */
static bool take_answers(struct popd_session *s, struct span in)
{
	struct span texts[TEXTS];
	size_t n = 0;
	bool ok = true;

	for (;;) {
		enum pop3_answer a = pop3_get_answer(&s->answers, &in, &texts[n]);

		if (a == POP3_A_TEXT) {
			s->octets += texts[n].len;
			if (++n == TEXTS) {
				ok = popd_io_send(s, texts, n) && ok;
				n = 0;
			}
		} else if (a == POP3_A_OK || a == POP3_A_ERR) {
			note_answer(s, a == POP3_A_OK);
		} else {
			ok = ok && a == POP3_A_MORE;
			break;
		}
	}
	return popd_io_send(s, texts, n) && ok;
}

static void store_ready(struct loop_watch *w, uint32_t events)
{
	struct popd_session *s =
	    (struct popd_session *)((char *)w - offsetof(struct popd_session, store));
	struct popd_net *n = s->net;
	ssize_t got = -1;

	errno = EAGAIN;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !popd_io_pending(s))
		got = recv(s->store_fd, n->chunk, POPD_CHUNK, MSG_DONTWAIT);
	else if (events & (EPOLLHUP | EPOLLERR))
		errno = ECONNRESET;
	if (got > 0) {
		set_idle(s);
		if (!take_answers(s, span_make(n->chunk, (size_t)got)))
			got = 0;
	}
	/* A store that is gone has said all; what it owed cannot be had any more. */
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		drop_store(s);
		s->closing = true;
		if (s->end == POPD_OPEN)
			s->end = POPD_BROKEN;
	}
	pump(s);
}

static void on_timer(struct loop_timer *t)
{
	struct popd_session *s =
	    (struct popd_session *)((char *)t - offsetof(struct popd_session, timer));

	if (s->delayed) {
		s->delayed = false;
		pop3_login_wrong(&s->pop, (enum pop3_refusal)s->refusal, &s->out);
		set_idle(s);
		pump(s);
		return;
	}
	/* It is not the client who lets us wait. */
	if ((s->pop.waiting || s->pop.state == POP3_CHECKING) && !popd_io_pending(s)) {
		set_idle(s);
		return;
	}
	popd_session_shut(s, POPD_TIMEOUT);
}

static void init_session(struct popd_session *s, struct popd_net *n, int fd)
{
	s->net = n;
	s->client_fd = fd;
	s->store_fd = s->client.fd = s->store.fd = -1;
	s->client.ready = client_ready;
	s->store.ready = store_ready;
	s->timer.fire = on_timer;
	s->started_ms = n->loop.now_ms;
	s->id = ++n->next_id;
	buf_init(&s->in, POPD_IN_MAX + POPD_READ);
	buf_init(&s->cipher, POPD_IN_MAX + POPD_READ);
	buf_init(&s->out, POPD_OUT_MAX);
	buf_init(&s->asked, POP3_OUTSTANDING * POP3_FRAME);
	s->prev = n->last;
	*(n->last ? &n->last->next : &n->first) = s;
	n->last = s;
	n->open++;
}

void popd_session_open(struct popd_net *n, int fd, bool tls_first, const char *addr,
		       uint64_t source)
{
	struct popd_session *s = calloc(1, sizeof *s);

	if (!s) {
		close(fd);
		return;
	}
	init_session(s, n, fd);
	s->tls_first = tls_first;
	s->source = source;
	memcpy(s->addr, addr, strlen(addr) + 1);
	pop3_init(&s->pop, &n->config, false);
	if (!tls_first)
		pop3_greet(&s->pop, &s->out);
	set_idle(s);
	pump(s);
}

void popd_session_login(struct popd_session *s, uint32_t verdict, int fd)
{
	if (verdict == POPD_RIGHT && fd >= 0) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		s->store_fd = fd;
		pop3_login_right(&s->pop);
		pump(s);
		return;
	}
	if (fd >= 0)
		close(fd);
	s->refusal = verdict <= POPD_REFUSALS ? (uint8_t)verdict : POP3_TEMPORARY;
	s->delayed = true;
	loop_timer_set(&s->net->loop, &s->timer, POPD_DELAY_MS);
	pump(s);
}

void popd_session_shut(struct popd_session *s, enum popd_end why)
{
	/* Behind a part of an answer it would be a part of a message. */
	if (!popd_io_pending(s) && s->pop.waiting == 0 && (!s->tls_first || s->pop.is_tls)) {
		(why == POPD_TIMEOUT ? pop3_put_timeout : pop3_put_shutdown)(&s->out);
		popd_io_flush(s);
		if (s->tls) {
			tls_close(s->tls);
			popd_io_flush(s);
		}
	}
	end_session(s, why);
}
