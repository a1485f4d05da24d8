/*
 * LMTP with a program (RFC 2033); see service/agent_part.h.
 *
 * The program may be anything: what it says is bounded by the protocol's machine, how long it
 * takes by the deadline.  Only what it answers to the final dot is a delivery.
 */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/smtp_client.h"
#include "service/agent_part.h"
#include "sys/clock.h"

enum { CHUNK = 4096, IN_MAX = 8192, OUT_MAX = 65536 };

struct talk {
	struct smtp_client c;
	struct buf in, out;
	int fd, message;
	uint64_t deadline_ms;
};

static void give_rcpt(void *arg, size_t n, struct smtp_client_rcpt *r)
{
	(void)n;
	*r = (struct smtp_client_rcpt){.addr = *(const struct span *)arg};
}

static bool flush(struct talk *t)
{
	struct span s = buf_span(&t->out);

	while (s.len) {
		ssize_t n = clock_wait(t->fd, POLLOUT, t->deadline_ms)
				? send(t->fd, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL)
				: -1;

		if (n < 0)
			return false;
		s = span_skip(s, (size_t)n);
	}
	buf_reset(&t->out);
	return true;
}

static bool receive(struct talk *t)
{
	char *at = buf_reserve(&t->in, CHUNK);
	ssize_t n = at && clock_wait(t->fd, POLLIN, t->deadline_ms) ? recv(t->fd, at, CHUNK, 0) : 0;

	t->in.len += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* False: there must be no final dot, or the program would take the half for all. */
static bool send_text(struct talk *t)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(t->message, chunk, sizeof chunk)) > 0) {
		smtp_client_body(&t->c, span_make(chunk, (size_t)n), &t->out);
		if (!flush(t))
			return false;
	}
	if (n == 0)
		smtp_client_body_end(&t->c, &t->out);
	return n == 0;
}

void agent_lmtp_talk(void *arg, int fd, uint64_t deadline_ms)
{
	static const struct smtp_client_config config = {.name = {"localhost", 9}, .lmtp = true};
	struct agent_lmtp *l = arg;
	struct talk t = {.fd = fd, .message = l->message, .deadline_ms = deadline_ms};
	uint8_t mark;
	struct smtp_client_message message = {.from = l->sender,
					      .eightbit = true,
					      .rcpts = 1,
					      .marks = &mark,
					      .rcpt = give_rcpt,
					      .arg = &l->rcpt};
	enum smtp_client_event ev;
	bool ok = true;
	size_t used;

	buf_init(&t.in, IN_MAX);
	buf_init(&t.out, OUT_MAX);
	smtp_client_init(&t.c, &config);
	do {
		ev = smtp_client_feed(&t.c, buf_span(&t.in), &used, &t.out);
		buf_consume(&t.in, used);
		if (ev == SMTP_CLIENT_READY)
			smtp_client_send(&t.c, &message, &t.out);
		else if (ev == SMTP_CLIENT_BODY)
			ok = send_text(&t);
		else if (ev == SMTP_CLIENT_MORE)
			ok = flush(&t) && receive(&t);
	} while (ok && ev != SMTP_CLIENT_RCPT && ev != SMTP_CLIENT_CLOSED);
	l->spoken = true;
	l->err = t.c.err;
	if (ev == SMTP_CLIENT_RCPT) {
		/* Whether it takes leave changes nothing any more. */
		buf_puts(&t.out, "QUIT\r\n");
		flush(&t);
	} else if (!ok) {
		err_temp(&l->err, "4.4.2",
			 clock_ms() < deadline_ms ? "mailer ended without an answer"
						  : "mailer does not answer");
	} else {
		/* What it says before it has heard of the message is not final. */
		l->err.class = ERR_TEMP;
		l->err.status[0] = '4';
	}
	buf_free(&t.in);
	buf_free(&t.out);
}
