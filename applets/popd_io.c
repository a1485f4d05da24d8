/*
 * Octets between a POP3 session and its client, through TLS or not; see popd_net.h.
 *
 * Nothing here knows what the octets mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "popd_net.h"
#include "sys/log.h"
#include "sys/rand.h"

enum { TEXTS_MAX = 64 };

bool popd_io_start_tls(struct popd_session *s)
{
	unsigned char seed[TLS_SEED];
	void *mem = malloc(tls_session_size());

	if (!mem || !s->net->chain) {
		free(mem);
		return false;
	}
	rand_fill(seed, sizeof seed);
	s->chain = s->net->chain;
	s->chain->users++;
	/* The chain is counted: gate may send another one while this session uses it. */
	s->tls = tls_server_start(mem, &s->chain->config, span_make(seed, sizeof seed));
	explicit_bzero(seed, sizeof seed);
	/* Cleartext behind STLS was refused by the machine; nothing of it may be read again. */
	buf_free(&s->in);
	return true;
}

enum popd_io popd_io_receive(struct popd_session *s)
{
	struct buf *to = s->tls || s->tls_first ? &s->cipher : &s->in;
	char mem[POPD_READ];
	ssize_t got = recv(s->client_fd, mem, sizeof mem, 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? POPD_IO_IDLE : POPD_IO_BROKEN;
	s->eof = got == 0;
	buf_put(to, span_make(mem, (size_t)got));
	/* It may have been a password. */
	explicit_bzero(mem, (size_t)got);
	return buf_ok(to) ? POPD_IO_MOVED : POPD_IO_BROKEN;
}

/*
 * Only now is the client's side known to be encrypted, so what it said before is forgotten
 * (RFC 2595 section 4), and with TLS from the start the greeting is due.
 */
static void note_open(struct popd_session *s)
{
	if (s->pop.is_tls)
		return;
	pop3_tls_started(&s->pop);
	log_debug("tls: ip=%s, version=%s, cipher=%s", s->addr, tls_version_name(s->tls),
		  tls_cipher_name(s->tls));
	if (s->tls_first)
		pop3_greet(&s->pop, &s->out);
	s->tls_first = false;
}

enum popd_io popd_io_decrypt(struct popd_session *s)
{
	/*
	 * Plaintext is taken only as far as there is room: TLS holds the rest, and so the
	 * client.
	 */
	size_t taken = tls_feed(s->tls, buf_span(&s->cipher));
	struct span plain = tls_read(s->tls);
	enum tls_state state = tls_state(s->tls);
	bool moved = taken > 0;

	buf_consume(&s->cipher, taken);
	if (s->cipher.len == 0)
		buf_free(&s->cipher);
	if (state == TLS_OPEN)
		note_open(s);
	if (plain.len && s->in.len + plain.len <= POPD_IN_MAX) {
		buf_put(&s->in, plain);
		tls_read_ack(s->tls, plain.len);
		moved = true;
	}
	/* The alert that says why goes out before the connection is closed. */
	if (state == TLS_FAILED) {
		log_info("tls failed: ip=%s, reason=%s", s->addr, tls_error_text(s->tls));
		popd_io_flush(s);
		return POPD_IO_BROKEN;
	}
	/* What comes behind close_notify is nobody's: kept, it would be waited for. */
	if (state == TLS_CLOSED || state == TLS_CLOSING) {
		s->eof = true;
		buf_free(&s->cipher);
	}
	return moved ? POPD_IO_MOVED : POPD_IO_IDLE;
}

/* Sends from the front of *rest; false when the connection is broken. */
static bool send_some(struct popd_session *s, struct span *rest)
{
	ssize_t n;

	do
		n = send(s->client_fd, rest->ptr, rest->len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	*rest = span_skip(*rest, (size_t)n);
	return true;
}

static enum popd_io flush_plain(struct popd_session *s)
{
	struct span rest = buf_span(&s->out);
	size_t len = rest.len;

	if (!send_some(s, &rest))
		return POPD_IO_BROKEN;
	buf_consume(&s->out, len - rest.len);
	return rest.len < len ? POPD_IO_MOVED : POPD_IO_IDLE;
}

/* One step: ciphertext out, or plaintext in. */
static enum popd_io step_tls(struct popd_session *s)
{
	struct span rest = tls_output(s->tls);
	size_t len = rest.len, n;

	if (len) {
		if (!send_some(s, &rest))
			return POPD_IO_BROKEN;
		tls_output_ack(s->tls, len - rest.len);
		return rest.len < len ? POPD_IO_MOVED : POPD_IO_IDLE;
	}
	/* Nothing can be said any more behind close_notify: what is kept would be waited for. */
	if (tls_state(s->tls) > TLS_OPEN)
		buf_free(&s->out);
	if (s->out.len == 0)
		return POPD_IO_IDLE;
	n = tls_write(s->tls, buf_span(&s->out));
	buf_consume(&s->out, n);
	tls_flush(s->tls);
	return n || tls_output(s->tls).len ? POPD_IO_MOVED : POPD_IO_IDLE;
}

enum popd_io popd_io_flush(struct popd_session *s)
{
	enum popd_io one = POPD_IO_IDLE, all = POPD_IO_IDLE;

	if (!buf_ok(&s->out))
		return POPD_IO_BROKEN;
	if (s->tls) {
		while ((one = step_tls(s)) == POPD_IO_MOVED)
			all = one;
		all = one == POPD_IO_BROKEN ? one : all;
	} else if (s->out.len) {
		all = flush_plain(s);
	}
	if (s->out.len == 0)
		buf_free(&s->out);
	return all;
}

/*
 * While anything is pending no more input is read: a client that does not take its replies
 * gets no new ones.
 */
bool popd_io_pending(const struct popd_session *s)
{
	return s->out.len > 0 || (s->tls && tls_output(s->tls).len > 0);
}

/* Hands plaintext to TLS piece by piece, sending as it goes; returns what was not taken. */
static size_t send_tls(struct popd_session *s, struct span text)
{
	while (text.len) {
		size_t n = tls_write(s->tls, text);

		text = span_skip(text, n);
		if (n)
			continue;
		if (step_tls(s) != POPD_IO_MOVED)
			break;
	}
	return text.len;
}

/* Everything in one call, or as much as the socket takes. */
static size_t send_plain(struct popd_session *s, const struct span *texts, size_t n)
{
	struct iovec iov[TEXTS_MAX];
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		iov[i] = (struct iovec){(void *)texts[i].ptr, texts[i].len};
	do
		sent = sendmsg(s->client_fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	/* A broken connection shows when what is kept is sent. */
	return sent < 0 ? 0 : (size_t)sent;
}

bool popd_io_send(struct popd_session *s, const struct span *texts, size_t n)
{
	size_t done = 0;

	/*
	 * Nothing is copied as long as the socket takes it all; what it does not take is
	 * kept in out, which bounds what one session can hold.
	 */
	BUG_ON(n > TEXTS_MAX);
	if (n && !popd_io_pending(s) && !s->tls)
		done = send_plain(s, texts, n);
	for (size_t i = 0; i < n; i++) {
		struct span text = span_skip(texts[i], done);

		done -= texts[i].len - text.len;
		if (s->tls && s->out.len == 0)
			text = span_skip(text, text.len - send_tls(s, text));
		buf_put(&s->out, text);
	}
	if (s->tls && s->out.len == 0)
		tls_flush(s->tls);
	return buf_ok(&s->out);
}
