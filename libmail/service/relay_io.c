/*
 * Octets of outgoing connections: sockets, TLS, the text of messages.  See
 * service/relay_part.h.
 *
 * Nothing here knows what the octets mean.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "service/relay_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

enum { CLOCK_LEAST = 1767225600 }; /* 2026: a clock before it was not set */

void relay_io_error(const struct relay_session *s, int sys, struct err *e)
{
	const char *name = s->at < s->dest->count ? s->dest->addrs[s->at].name : "server";
	bool by = sys == ECONNREFUSED || sys == ECONNRESET || sys == EPIPE;

	err_temp(e, sys == ETIMEDOUT || sys == ECONNREFUSED ? "4.4.1" : "4.4.2", "%s %s %.120s",
		 sys == EPIPE ? "Connection closed" : strerror(sys), by ? "by" : "with", name);
	e->sys = sys;
}

static bool fail(struct relay_session *s, int sys)
{
	relay_io_error(s, sys, &s->why);
	return false;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct relay_session *s =
	    (struct relay_session *)((char *)w - offsetof(struct relay_session, watch));
	int sys = 0;
	socklen_t len = sizeof sys;

	if (s->state == RELAY_CONNECTING) {
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0 || sys)
			fail(s, sys ? sys : errno);
	} else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		relay_io_read(s);
	}
	relay_session_run(s);
}

bool relay_io_connect(struct relay_session *s, const struct relay_addr *addr, struct err *e)
{
	socklen_t len = addr->sa.sa_family == AF_UNIX   ? sizeof addr->un
			: addr->sa.sa_family == AF_INET ? sizeof addr->in
							: sizeof addr->in6;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0) {
		relay_io_error(s, errno, e);
		return false;
	}
	if (addr->sa.sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	s->watch.ready = on_ready;
	/* A Unix socket whose queue is full says EAGAIN, and cannot be waited for. */
	if (connect(fd, &addr->sa, len) != 0 && errno != EINPROGRESS)
		relay_io_error(s, errno, e);
	else if (loop_add(&s->dest->relay->loop, &s->watch, fd, EPOLLOUT, e))
		return true;
	close(fd);
	return false;
}

void relay_io_read(struct relay_session *s)
{
	struct buf *to = s->tls ? &s->cipher : &s->in;
	char *room = to->len < RELAY_IN_MAX - RELAY_CHUNK ? buf_reserve(to, RELAY_CHUNK) : NULL;
	ssize_t n;

	if (!room)
		return;
	n = recv(s->watch.fd, room, RELAY_CHUNK, 0);
	if (n > 0)
		to->len += (size_t)n;
	else if (n == 0)
		s->gone = true;
	else if (errno != EAGAIN && errno != EINTR)
		fail(s, errno);
}

/* Whatever can be sent now is; true when nothing is left. */
static bool send_some(struct relay_session *s, struct span *rest)
{
	while (rest->len) {
		ssize_t n = send(s->watch.fd, rest->ptr, rest->len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		/* What it said before it closed may still be there: the better reason. */
		if (n < 0 && errno != EAGAIN) {
			relay_io_read(s);
			s->gone = true;
		}
		if (n <= 0)
			return false;
		*rest = span_skip(*rest, (size_t)n);
	}
	return true;
}

/* One record of ciphertext at a time; false: no more can be sent now. */
static bool flush_tls(struct relay_session *s)
{
	for (;;) {
		struct span rest = tls_output(s->tls);
		size_t len = rest.len, n;

		if (len) {
			bool all = send_some(s, &rest);

			tls_output_ack(s->tls, len - rest.len);
			if (!all)
				return false;
			continue;
		}
		if (s->out.len == 0)
			return true;
		n = tls_write(s->tls, buf_span(&s->out));
		buf_consume(&s->out, n);
		tls_flush(s->tls);
		if (n == 0 && tls_output(s->tls).len == 0)
			return true;
	}
}

bool relay_io_flush(struct relay_session *s)
{
	struct span rest = buf_span(&s->out);
	bool all;

	if (s->watch.fd < 0 || s->gone)
		return true;
	if (!buf_ok(&s->out))
		fail(s, ENOMEM);
	if (s->tls)
		return flush_tls(s);
	all = send_some(s, &rest);
	buf_consume(&s->out, s->out.len - rest.len);
	return all;
}

bool relay_io_start_tls(struct relay_session *s)
{
	struct relay *r = s->dest->relay;
	bool judged = s->dest->target.tls >= MTA_TLS_VERIFIED;
	unsigned char seed[TLS_SEED];
	void *mem = malloc(tls_session_size());

	if (!mem)
		return fail(s, ENOMEM);
	s->tls_config = (struct tls_client_config){.require = judged, .any_name = !judged};
	if (judged || relay_tls_judged(r)) {
		s->tls_config.anchors = &r->roots.anchors;
		s->tls_config.names = &s->names;
	}
	rand_fill(seed, sizeof seed);
	s->tls = tls_client_start(mem, &s->tls_config, s->dest->addrs[s->at].name,
				  span_make(seed, sizeof seed),
				  tls_clock((uint64_t)clock_wall().s, CLOCK_LEAST));
	explicit_bzero(seed, sizeof seed);
	/* What came in the clear stays there. */
	buf_reset(&s->in);
	return true;
}

static void tls_opened(struct relay_session *s)
{
	relay_tls_note(s);
	if (s->spoken)
		smtp_client_tls_started(&s->smtp, &s->out);
}

bool relay_io_tls(struct relay_session *s)
{
	bool shaking = tls_state(s->tls) == TLS_HANDSHAKE;
	size_t taken = tls_feed(s->tls, buf_span(&s->cipher));
	struct span plain = tls_read(s->tls);
	enum tls_state state = tls_state(s->tls);
	bool moved = taken > 0;

	buf_consume(&s->cipher, taken);
	if (shaking && state == TLS_OPEN) {
		tls_opened(s);
		moved = true;
	}
	/* Taken only if all of it fits; TLS keeps it else, and the server has to wait. */
	if (plain.len && s->in.len + plain.len <= RELAY_IN_MAX) {
		buf_put(&s->in, plain);
		tls_read_ack(s->tls, plain.len);
		moved = true;
	}
	if (state == TLS_FAILED && s->why.class == ERR_NONE) {
		/* The alert that says why. */
		relay_io_flush(s);
		s->tls_bad = shaking;
		err_temp(&s->why, "4.7.5", "TLS with %.100s: %.120s", s->dest->addrs[s->at].name,
			 tls_peer_text(s->tls)[0] ? tls_peer_text(s->tls) : tls_error_text(s->tls));
	}
	/* A server that hangs up in the middle of a handshake has none that we could use. */
	if (shaking && state == TLS_HANDSHAKE && s->gone)
		s->tls_bad = true;
	if (state == TLS_CLOSED || state == TLS_CLOSING)
		s->gone = true;
	return moved;
}

/* The file that is to be read now: the header, and behind its end the message. */
static ssize_t read_text(struct relay_session *s, char *mem)
{
	const struct relay_job *job = s->job;
	size_t most = s->left < RELAY_CHUNK ? (size_t)s->left : RELAY_CHUNK;
	ssize_t n = fs_pread(s->source, mem, most, (off_t)s->offset);

	if (n == 0 && s->source == job->header) {
		s->source = job->fd;
		s->offset = job->send.at;
		n = fs_pread(s->source, mem, most, (off_t)s->offset);
	}
	if (n > 0) {
		s->offset += (uint64_t)n;
		s->left -= (uint64_t)n;
	} else if (n == 0 && s->left) {
		/* It ends before it should. */
		errno = EIO;
		n = -1;
	}
	return n;
}

/* A piece of the text, or its end, as the server can take it. */
static void put_text(struct relay_session *s, struct span text, bool end)
{
	struct buf out;

	if (!s->seven) {
		smtp_client_body(&s->smtp, text, &s->out);
		return;
	}
	buf_init(&out, RELAY_OUT_MAX);
	mime_seven_feed(s->seven, text, &out);
	if (end)
		mime_seven_finish(s->seven, &out);
	smtp_client_body(&s->smtp, buf_span(&out), &s->out);
	/* A part that is lost must not be taken for none. */
	if (!buf_ok(&out))
		fail(s, ENOMEM);
	buf_free(&out);
}

void relay_io_end_body(struct relay_session *s)
{
	struct buf none;

	if (!s->seven)
		return;
	buf_init(&none, 0);
	mime_seven_finish(s->seven, &none);
	buf_free(&none);
	free(s->seven);
	s->seven = NULL;
}

void relay_io_body(struct relay_session *s)
{
	char mem[RELAY_CHUNK];

	while (s->body && s->out.len < RELAY_OUT_LOW) {
		ssize_t n = read_text(s, mem);
		struct err e;

		if (n < 0) {
			/* No final dot: the server must not take the half for the whole. */
			err_errno(&e, errno, "cannot read the message");
			s->body = false;
			s->told = true;
			smtp_client_body_abort(&s->smtp, &e);
		} else if (n == 0) {
			s->body = false;
			put_text(s, SPAN(""), true);
			if (s->why.class == ERR_NONE)
				smtp_client_body_end(&s->smtp, &s->out);
		} else {
			put_text(s, span_make(mem, (size_t)n), false);
		}
	}
}

void relay_io_close(struct relay_session *s)
{
	int fd = s->watch.fd;

	/* Plaintext and keys do not stay in freed memory. */
	loop_timer_clear(&s->dest->relay->loop, &s->timer);
	if (s->tls) {
		tls_wipe(s->tls);
		free(s->tls);
		s->tls = NULL;
	}
	relay_io_end_body(s);
	buf_free(&s->in);
	buf_free(&s->out);
	buf_free(&s->cipher);
	if (fd < 0)
		return;
	loop_remove(&s->dest->relay->loop, &s->watch);
	close(fd);
}
