/*
 * The SMTP server machine: six octets of choices (features, policy, cutting, answers), then
 * the client's input.  Every reply must be whole, printable and of one class, one reply must
 * follow each answer, and text handed over must hold no bare CR or LF.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "proto/smtp_server.h"

struct fuzz {
	struct smtp_server s;
	struct buf out;
	uint8_t choice;
	unsigned turn;
	bool last_cr;
};

static void check(int ok)
{
	if (!ok)
		abort();
}

static void check_replies(struct span out)
{
	while (out.len) {
		struct span line = span_cut(&out, '\n');

		check(line.len >= 4 && line.ptr[line.len - 1] == '\r');
		line.len--;
		check(line.len < SMTP_REPLY_MAX);
		check(line.ptr[0] >= '2' && line.ptr[0] <= '5');
		for (size_t i = 0; i < line.len; i++)
			check(ascii_is_print(line.ptr[i]));
		if (line.len > 5 && line.ptr[5] == '.' && ascii_is_digit(line.ptr[4]))
			check(line.ptr[4] == line.ptr[0]);
	}
}

static void answer(struct fuzz *f, enum smtp_server_event ev)
{
	unsigned how = (f->choice >> (f->turn++ % 7)) & 3;
	bool auth = ev == SMTP_EV_AUTH || ev == SMTP_EV_AUTH_LINE;
	struct err e;

	while (smtp_server_waiting(&f->s)) {
		size_t before = f->out.len;

		if (how == 0 && f->turn > 1)
			err_perm(&e, "5.1.1", "User unknown"),
			    smtp_server_reject(&f->s, &e, &f->out);
		else if (how == 1 && auth && f->turn % 4)
			smtp_server_challenge(&f->s, SPAN("Q2g="), &f->out);
		else if (how == 1)
			smtp_server_reply(&f->s, 250, "2.0.0", f->s.path, &f->out);
		else if (ev == SMTP_EV_EOM)
			smtp_server_accept_eom(&f->s, SPAN("QID"), &f->out);
		else
			smtp_server_accept(&f->s, &f->out);
		/* A line that check_other lets pass is answered when it comes again. */
		check(f->out.len > before || ev == SMTP_EV_OTHER);
		if (smtp_server_closed(&f->s))
			break;
	}
	if (ev == SMTP_EV_STARTTLS && !smtp_server_closed(&f->s) && how > 0)
		smtp_server_tls_started(&f->s);
}

/* Touches all that an event hands over, so that a dangling span is found. */
static unsigned touch(struct span s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum += (unsigned char)s.ptr[i];
	return sum;
}

static volatile unsigned touched;

static void event(struct fuzz *f, enum smtp_server_event ev)
{
	struct smtp_server *s = &f->s;
	unsigned sum = 0;

	switch (ev) {
	case SMTP_EV_DATA:
		f->last_cr = false;
		break;
	case SMTP_EV_BODY:
		check(s->text.len > 0);
		for (size_t i = 0; i < s->text.len; i++) {
			check((s->text.ptr[i] == '\n') == f->last_cr);
			f->last_cr = s->text.ptr[i] == '\r';
		}
		check(!f->last_cr);
		break;
	case SMTP_EV_MAIL:
		sum += touch(s->mail.envid) + touch(s->mail.auth);
		/* fall through */
	case SMTP_EV_RCPT:
		sum += touch(s->path) + touch(s->addr) + touch(s->local) + touch(s->domain);
		sum += touch(s->rcpt.orcpt);
		check(s->path.len > 0 && s->path.len <= SMTP_PATH_MAX + 2);
		break;
	case SMTP_EV_AUTH:
		sum += touch(s->mech);
		/* fall through */
	default:
		sum += touch(s->text);
	}
	touched = sum;
	if (smtp_server_waiting(s))
		answer(f, ev);
}

static void feed(struct fuzz *f, struct span in, size_t cut)
{
	size_t start = 0, end = 0;

	while (end < in.len && !smtp_server_closed(&f->s)) {
		enum smtp_server_event ev;

		end += cut == 0 || in.len - end < cut ? in.len - end : cut;
		do {
			size_t used, n = end - start;
			char *copy = malloc(n ? n : 1);

			check(copy != NULL);
			if (n)
				memcpy(copy, in.ptr + start, n);
			ev = smtp_server_feed(&f->s, span_make(copy, n), &used, &f->out);
			check(used <= n);
			start += used;
			if (ev != SMTP_EV_MORE && ev != SMTP_EV_WAIT)
				event(f, ev);
			free(copy);
		} while (ev != SMTP_EV_MORE && ev != SMTP_EV_WAIT && !smtp_server_closed(&f->s));
		check(end - start < LINE_AUTH_MAX || ev == SMTP_EV_WAIT ||
		      smtp_server_closed(&f->s));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = {0};
	struct smtp_server_config cfg = {.name = SPAN("mail.example.com"),
					 .product = SPAN("ESMTP letterbox"),
					 .version = SPAN("letterbox")};

	if (size < 6)
		return 0;
	cfg.flags = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
	cfg.bare = (enum line_policy)(data[3] % 3);
	cfg.size_max = data[3] & 4 ? 20 : 0;
	cfg.auth = data[3] & 8 ? SPAN("PLAIN LOGIN") : SPAN("");
	cfg.auth_tls = data[3] & 16 ? SPAN("PLAIN") : SPAN("");
	cfg.bad_max = data[3] & 32 ? 2 : 0;
	cfg.bad_rcpts = data[3] & 128 ? 2 : 0;
	f.choice = data[5];
	buf_init(&f.out, 1 << 24);
	smtp_server_init(&f.s, &cfg, SPAN("client.example [192.0.2.1]"));
	if (data[3] & 64)
		smtp_server_greet_refuse(&f.s, 554, SPAN("no"), SPAN("5.7.1 Access denied"),
					 &f.out);
	else
		smtp_server_greet(&f.s, SPAN("DATE"), &f.out);
	feed(&f, span_make(data + 6, size - 6), data[4] % 64);
	check_replies(buf_span(&f.out));
	buf_free(&f.out);
	return 0;
}
