/*
 * The SMTP client machine: four octets of choices (TLS, LMTP, recipients, cutting), then the
 * server's input.  Whatever it is, each recipient of each message must be reported exactly
 * once, and what we say must be lines that end in CRLF and hold no control.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "proto/smtp_client.h"

enum { RCPTS_MAX = 120, MESSAGES = 3 };

struct fuzz {
	struct smtp_client c;
	struct smtp_client_message msg;
	struct buf out;
	uint8_t marks[RCPTS_MAX];
	unsigned reported[RCPTS_MAX];
	unsigned messages, auths;
	uint8_t choice;
};

static void check(int ok)
{
	if (!ok)
		abort();
}

static void rcpt(void *arg, size_t n, struct smtp_client_rcpt *r)
{
	check(n < ((struct fuzz *)arg)->msg.rcpts);
	r->addr = n % 2 ? SPAN("user@example.net") : SPAN("x\r\nQUIT\0\xff");
	r->notify = SPAN("SUCCESS,FAILURE");
	r->orcpt = SPAN("rfc822;x");
}

static void check_said(struct span out)
{
	check(out.len == 0 || span_ends(out, SPAN("\r\n")));
	while (out.len) {
		struct span line = span_cut(&out, '\n');

		check(line.len > 0 && line.ptr[line.len - 1] == '\r');
		for (size_t i = 0; i + 1 < line.len; i++)
			check(line.ptr[i] != '\r' && line.ptr[i] != '\0');
	}
}

static void next_message(struct fuzz *f)
{
	if (f->messages++ == MESSAGES) {
		smtp_client_quit(&f->c, &f->out);
		return;
	}
	memset(f->reported, 0, sizeof f->reported);
	f->msg = (struct smtp_client_message){.from = SPAN("a\n@b"),
					      .size = f->choice,
					      .eightbit = f->choice & 1,
					      .eightbit_strict = f->choice & 2,
					      .utf8 = f->choice & 4,
					      .ret = SPAN("HDRS"),
					      .envid = SPAN("id"),
					      .rcpts = f->choice % RCPTS_MAX,
					      .marks = f->marks,
					      .rcpt = rcpt,
					      .arg = f};
	smtp_client_send(&f->c, &f->msg, &f->out);
}

static void react(struct fuzz *f, enum smtp_client_event ev)
{
	struct smtp_client *c = &f->c;
	struct err e;

	switch (ev) {
	case SMTP_CLIENT_STARTTLS:
		smtp_client_tls_started(c, &f->out);
		break;
	case SMTP_CLIENT_AUTH:
		if (f->auths++ % 3 == 2)
			smtp_client_auth_skip(c);
		else
			smtp_client_auth(c, SPAN("PLAIN"), f->auths % 2 ? SPAN("AA==") : SPAN(""),
					 &f->out);
		break;
	case SMTP_CLIENT_CHALLENGE:
		smtp_client_auth_line(c, SPAN("*"), &f->out);
		break;
	case SMTP_CLIENT_READY:
		next_message(f);
		break;
	case SMTP_CLIENT_BODY:
		smtp_client_body(c, SPAN("a\n.\r\nb\r"), &f->out);
		if (f->choice & 8) {
			buf_reset(&f->out);
			err_temp(&e, "4.3.0", "read error");
			smtp_client_body_abort(c, &e);
		} else {
			smtp_client_body_end(c, &f->out);
		}
		break;
	case SMTP_CLIENT_RCPT:
		check(c->index < f->msg.rcpts && f->reported[c->index]++ == 0);
		check(c->err.class != ERR_NONE || c->code / 100 == 2);
		break;
	case SMTP_CLIENT_DONE:
		for (size_t i = 0; i < f->msg.rcpts; i++)
			check(f->reported[i] == 1);
		if (!c->closing)
			next_message(f);
		break;
	default:
		break;
	}
}

static bool feed(struct fuzz *f, struct span in, size_t cut)
{
	size_t start = 0, end = 0;

	do {
		enum smtp_client_event ev;

		end += cut == 0 || in.len - end < cut ? in.len - end : cut;
		do {
			size_t used, n = end - start;
			char *copy = malloc(n ? n : 1);

			check(copy != NULL);
			if (n)
				memcpy(copy, in.ptr + start, n);
			ev = smtp_client_feed(&f->c, span_make(copy, n), &used, &f->out);
			check(used <= n);
			start += used;
			react(f, ev);
			free(copy);
			check_said(buf_span(&f->out));
			buf_reset(&f->out);
			(void)smtp_client_timeout(smtp_client_phase(&f->c));
			if (ev == SMTP_CLIENT_CLOSED)
				return false;
		} while (ev != SMTP_CLIENT_MORE);
		check(end - start < SMTP_CLIENT_LINE_MAX);
	} while (end < in.len);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {0};
	struct smtp_client_config cfg = {.name = SPAN("client.example")};
	struct err e;

	if (size < 3)
		return 0;
	cfg.tls = (enum smtp_client_tls)(data[0] % 4);
	cfg.lmtp = data[0] & 4;
	cfg.auth = data[0] & 8;
	f.choice = data[1];
	buf_init(&f.out, 1 << 20);
	smtp_client_init(&f.c, &cfg);
	if (feed(&f, span_make(data + 3, size - 3), data[2] % 32)) {
		err_temp(&e, "4.4.2", "Connection lost");
		smtp_client_lost(&f.c, &e);
		check(!feed(&f, SPAN(""), 0));
	}
	buf_free(&f.out);
	return 0;
}
