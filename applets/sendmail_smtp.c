/*
 * Submission through the daemon: SMTP over its unix socket, the message streamed from
 * standard input.  The daemon sees who we are by the socket.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/smtp_client.h"
#include "sendmail.h"
#include "sys/clock.h"
#include "sys/fs.h"

/*
 * Replies are lines of 512 octets (RFC 5321 section 4.5.3.1.5), several in one read; what goes
 * out is bounded by the piece of the body that is read at a time.
 */
enum { IN_MAX = 8192, OUT_MAX = 1 << 20 };

/* lost: the connection is gone, and the machine only tells the events that are left. */
struct dialogue {
	struct sendmail *m;
	int fd;
	struct smtp_client c;
	struct buf in, out, text;
	size_t *index; /* recipient numbers of the machine to ours */
	bool sent, lost, in_body;
	struct err err;
	size_t accepted;
};

/*
 * One static text is enough: NOTIFY (RFC 3461 section 4.1) is the same for all recipients of a
 * command line.
 */
static void give_rcpt(void *arg, size_t n, struct smtp_client_rcpt *r)
{
	static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
	static char notify[40];
	struct dialogue *d = arg;

	*r = (struct smtp_client_rcpt){.addr = span_str(d->m->rcpts[d->index[n]].addr)};
	if (!d->m->notify)
		return;
	notify[0] = '\0';
	for (unsigned i = 0; i < 4; i++)
		if (d->m->notify & 1u << i)
			snprintf(notify + strlen(notify), sizeof notify - strlen(notify), "%s%s",
				 notify[0] ? "," : "", words[i]);
	r->notify = span_str(notify);
}

/* Blocks, which is right here: a program waits for the outcome, there is nothing else to do. */
static bool flush(struct dialogue *d)
{
	bool ok = fs_write(d->fd, buf_span(&d->out));

	sendmail_traffic(d->m, SENDMAIL_OUT, buf_span(&d->out));
	if (!d->in_body)
		sendmail_show(d->m, ">>> ", buf_span(&d->out));
	if (!ok)
		err_errno(&d->err, errno, "connection to the mail daemon");
	buf_reset(&d->out);
	return ok;
}

/*
 * Time limits by phase, as RFC 5321 section 4.5.3.2 wants them, though the daemon is near: it may
 * be waiting for the disk.
 */
static bool receive(struct dialogue *d)
{
	unsigned limit = smtp_client_timeout(smtp_client_phase(&d->c));
	char *at = buf_reserve(&d->in, 2048);
	ssize_t n;

	if (!at)
		return err_temp(&d->err, "4.3.0", "out of memory");
	if (!clock_wait(d->fd, POLLIN, clock_ms() + limit * 1000))
		return err_temp(&d->err, "4.4.2", "the mail daemon does not answer");
	do
		n = read(d->fd, at, 2048);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return err_temp(&d->err, "4.4.2", "the mail daemon closed the connection");
	sendmail_traffic(d->m, SENDMAIL_IN, span_make(at, (size_t)n));
	sendmail_show(d->m, "", span_make(at, (size_t)n));
	d->in.len += (size_t)n;
	return true;
}

/* The body as it comes from standard input. */
static bool send_body(struct dialogue *d)
{
	bool done = false;

	d->in_body = true;
	while (!done) {
		buf_reset(&d->text);
		/*
		 * Not ended with a dot: the daemon must not take the part that was read for a
		 * message.
		 */
		if (!sendmail_read_text(d->m, &d->text, &done, &d->err)) {
			smtp_client_body_abort(&d->c, &d->err);
			return true;
		}
		smtp_client_body(&d->c, buf_span(&d->text), &d->out);
		if (!flush(d))
			return false;
	}
	d->in_body = false;
	smtp_client_body_end(&d->c, &d->out);
	return flush(d);
}

/* Recipients that were refused here already are left out: index finds ours from the machine's. */
static void start_message(struct dialogue *d, struct smtp_client_message *msg)
{
	struct sendmail *m = d->m;

	for (size_t i = 0; i < m->count; i++)
		if (m->rcpts[i].err.class == ERR_NONE)
			d->index[msg->rcpts++] = i;
	msg->marks = calloc(msg->rcpts ? msg->rcpts : 1, 1);
	smtp_client_send(&d->c, msg, &d->out);
	d->sent = true;
}

/* READY comes again after the message; sent keeps from sending it twice. */
static bool on_event(struct dialogue *d, enum smtp_client_event ev, struct smtp_client_message *msg)
{
	switch (ev) {
	case SMTP_CLIENT_READY:
		if (!d->sent)
			start_message(d, msg);
		return true;
	case SMTP_CLIENT_BODY:
		return send_body(d);
	case SMTP_CLIENT_RCPT:
		d->m->rcpts[d->index[d->c.index]].err = d->c.err;
		d->accepted += d->c.err.class == ERR_NONE;
		return true;
	case SMTP_CLIENT_DONE:
		smtp_client_quit(&d->c, &d->out);
		return true;
	default:
		return true;
	}
}

/*
 * Goes on after a loss until the machine says CLOSED, since it first gives each recipient an
 * outcome.
 */
static void talk(struct dialogue *d, struct smtp_client_message *msg)
{
	for (;;) {
		size_t used = 0;
		enum smtp_client_event ev =
		    smtp_client_feed(&d->c, buf_span(&d->in), &used, &d->out);
		bool ok = true;

		if (ev == SMTP_CLIENT_CLOSED) {
			flush(d);
			return;
		}
		if (ev == SMTP_CLIENT_MORE) {
			buf_consume(&d->in, used);
			ok = d->lost || (flush(d) && receive(d));
		} else {
			ok = on_event(d, ev, msg);
			buf_consume(&d->in, used);
		}
		if (!ok && !d->lost) {
			d->lost = true;
			smtp_client_lost(&d->c, &d->err);
		}
	}
}

bool sendmail_smtp(struct sendmail *m, int fd, struct err *e)
{
	struct smtp_client_config cfg = {
	    .name = span_str(m->host[0] ? m->host : m->settings.hostname), .tls = SMTP_TLS_NEVER};
	struct smtp_client_message msg = {
	    .from = span_str(m->sender),
	    .eightbit = m->body == '8',
	    .ret = m->ret == 'F'   ? SPAN("FULL")
		   : m->ret == 'H' ? SPAN("HDRS")
				   : SPAN(""),
	    .envid = span_str(m->envid),
	    .rcpt = give_rcpt,
	};
	struct dialogue d = {.m = m, .fd = fd};

	buf_init(&d.in, IN_MAX);
	buf_init(&d.out, OUT_MAX * 4);
	buf_init(&d.text, OUT_MAX * 2);
	d.index = calloc(m->count ? m->count : 1, sizeof *d.index);
	msg.arg = &d;
	smtp_client_init(&d.c, &cfg);
	if (m->verbose)
		printf("%s... Connecting to %s/socket via submit...\n", m->rcpts[0].addr,
		       m->settings.queue);
	if (d.index)
		talk(&d, &msg);
	for (size_t i = 0; m->verbose && i < m->count; i++)
		if (m->rcpts[i].err.class == ERR_NONE && d.accepted)
			printf("%s... Sent\n", m->rcpts[i].addr);
	/*
	 * With some recipients accepted the message is the daemon's, and each refusal is told by
	 * itself.
	 */
	if (d.accepted == 0)
		*e = d.err.class != ERR_NONE ? d.err : d.c.err;
	if (d.accepted == 0 && e->class == ERR_NONE && m->count)
		*e = m->rcpts[0].err;
	free(msg.marks);
	free(d.index);
	buf_free(&d.in);
	buf_free(&d.out);
	buf_free(&d.text);
	close(fd);
	return d.accepted > 0;
}
