/*
 * Octets to the client, and TLS in both directions.  See service/smtpd.h.
 *
 * Nothing here knows what the octets mean.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/smtpd.h"
#include "sys/log.h"
#include "sys/rand.h"

/* Whatever can be sent now is; true when nothing is left. */
static bool send_some(struct smtpd_session *s, struct span *rest)
{
	while (rest->len) {
		ssize_t n = send(s->watch.fd, rest->ptr, rest->len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			s->broken = true;
		if (n <= 0)
			return false;
		*rest = span_skip(*rest, (size_t)n);
	}
	return true;
}

static bool flush_plain(struct smtpd_session *s)
{
	struct span rest = buf_span(&s->out);
	bool all = send_some(s, &rest);

	buf_consume(&s->out, s->out.len - rest.len);
	/* Sessions that wait hold nothing. */
	if (all)
		buf_free(&s->out);
	return all;
}

static bool flush_tls(struct smtpd_session *s)
{
	for (;;) {
		struct span rest = tls_output(s->tls);
		size_t len = rest.len;

		if (len) {
			bool all = send_some(s, &rest);

			tls_output_ack(s->tls, len - rest.len);
			if (!all)
				return false;
			continue;
		}
		if (s->out.len) {
			size_t n = tls_write(s->tls, buf_span(&s->out));

			buf_consume(&s->out, n);
			tls_flush(s->tls);
			/*
			 * Plaintext waits for the handshake: nothing can be sent now, and
			 * nothing is wrong.
			 */
			if (n == 0 && tls_output(s->tls).len == 0)
				return tls_state(s->tls) == TLS_HANDSHAKE;
			continue;
		}
		return true;
	}
}

bool smtpd_io_flush(struct smtpd_session *s)
{
	/* The client is gone; what was for it is dropped with the session. */
	if (s->watch.fd < 0)
		return true;
	if (!buf_ok(&s->out))
		s->broken = true;
	return s->tls ? flush_tls(s) : flush_plain(s);
}

void smtpd_io_start_tls(struct smtpd_session *s)
{
	unsigned char seed[TLS_SEED];
	void *mem = malloc(tls_session_size());

	s->want_tls = false;
	/* Octets behind STARTTLS were refused by the machine; none is carried over. */
	buf_reset(&s->in);
	if (!mem) {
		s->broken = true;
		return;
	}
	rand_fill(seed, sizeof seed);
	s->chain = s->d->chain;
	s->chain->users++;
	s->tls = tls_server_start(mem, &s->chain->config, span_make(seed, sizeof seed));
	explicit_bzero(seed, sizeof seed);
}

/* Ciphertext that waits, as far as it is taken, and the plaintext it gives. */
bool smtpd_io_tls(struct smtpd_session *s)
{
	size_t taken = tls_feed(s->tls, buf_span(&s->cipher));
	struct span plain = tls_read(s->tls);
	bool moved = taken > 0;

	buf_consume(&s->cipher, taken);
	if (s->cipher.len == 0)
		buf_free(&s->cipher);
	/* Once, when the handshake is done: only then does the session count as encrypted. */
	if (tls_state(s->tls) == TLS_OPEN && !s->smtp.tls) {
		smtp_server_tls_started(&s->smtp);
		log_info("STARTTLS=server, relay=%s, version=%s, cipher=%s, bits=%u", s->client,
			 tls_version_name(s->tls), tls_cipher_name(s->tls),
			 tls_cipher_bits(s->tls));
		smtpd_ask_tls(s);
	}
	/* Taken only if all of it fits; TLS keeps it else, and the client has to wait. */
	if (plain.len && s->in.len + plain.len <= SMTPD_IN_MAX) {
		buf_put(&s->in, plain);
		tls_read_ack(s->tls, plain.len);
		moved = true;
	}
	if (tls_state(s->tls) == TLS_FAILED && !s->broken) {
		log_info("STARTTLS=server, relay=%s, error=%s", s->client, tls_error_text(s->tls));
		/* The alert that says why. */
		smtpd_io_flush(s);
		s->broken = true;
	}
	if (tls_state(s->tls) == TLS_CLOSED || tls_state(s->tls) == TLS_CLOSING)
		s->gone = true;
	return moved;
}
