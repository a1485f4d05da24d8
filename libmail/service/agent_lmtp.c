/*
 * LMTP with a program (RFC 2033); see service/agent_part.h.
 *
 * The program may be anything: what it says is bounded by the protocol's machine, how long it
 * takes by the deadline.  Only what it answers to the final dot is a delivery.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/smtp_client.h"
#include "service/agent_part.h"
#include "sys/clock.h"

enum { CHUNK = 4096, IN_MAX = 8192, OUT_MAX = 65536 };

struct talk {
	struct agent_lmtp *l;
	struct smtp_client c;
	struct buf in, out;
	int fd;
	uint64_t deadline_ms;
	struct err err; /* why it cannot go on */
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
		ssize_t n;

		if (!clock_wait(t->fd, POLLOUT, t->deadline_ms))
			return err_temp(&t->err, "4.4.2", "mailer does not answer");
		n = send(t->fd, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return err_errno(&t->err, errno, "mailer");
		s = span_skip(s, n > 0 ? (size_t)n : 0);
	}
	buf_reset(&t->out);
	return true;
}

static bool receive(struct talk *t)
{
	char *at = buf_reserve(&t->in, CHUNK);
	ssize_t n;

	if (!clock_wait(t->fd, POLLIN, t->deadline_ms))
		return err_temp(&t->err, "4.4.2", "mailer does not answer");
	n = at ? recv(t->fd, at, CHUNK, 0) : 0;
	if (n <= 0)
		return err_temp(&t->err, "4.3.0", "mailer ended without an answer");
	t->in.len += (size_t)n;
	return true;
}

/* False: there must be no final dot, or the program would take the half for all. */
static bool send_text(struct talk *t)
{
	char chunk[CHUNK];
	ssize_t n;

	while ((n = read(t->l->message, chunk, sizeof chunk)) > 0) {
		smtp_client_body(&t->c, span_make(chunk, (size_t)n), &t->out);
		if (!flush(t))
			return false;
	}
	if (n < 0)
		return err_errno(&t->err, errno, "mailer");
	smtp_client_body_end(&t->c, &t->out);
	return true;
}

void agent_lmtp_talk(void *arg, int fd, uint64_t deadline_ms)
{
	static const struct smtp_client_config config = {.name = {"localhost", 9}, .lmtp = true};
	struct talk t = {.l = arg, .fd = fd, .deadline_ms = deadline_ms};
	struct err *e = &t.l->err;
	uint8_t mark;
	struct smtp_client_message message = {.from = t.l->sender,
					      .eightbit = true,
					      .rcpts = 1,
					      .marks = &mark,
					      .rcpt = give_rcpt,
					      .arg = &t.l->rcpt};
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
	t.l->spoken = true;
	*e = ok ? t.c.err : t.err;
	if (ev == SMTP_CLIENT_RCPT) {
		/* Whether it takes leave changes nothing any more. */
		buf_puts(&t.out, "QUIT\r\n");
		flush(&t);
	} else {
		/* What it says before it has heard of the message is not final. */
		e->class = ERR_TEMP;
		e->status[0] = '4';
	}
	buf_free(&t.in);
	buf_free(&t.out);
}
