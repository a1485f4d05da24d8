/*
 * A blocking session on standard input; see service/stdio_session.h.
 *
 * For "sendmail -bs" without a daemon and for LMTP on a pipe: one session, one process, no
 * loop.  The text goes to an unnamed file first, then each recipient gets it from there;
 * nothing is queued, so whoever is on the other end keeps what was not accepted.
 */
#include "service/stdio_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/date.h"
#include "format/submit.h"
#include "proto/smtp_server.h"
#include "service/direct.h"
#include "service/mta_ipc.h"
#include "service/route.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { IN_MAX = 16384, TEXT_MAX = 65536 };

/* The account is looked up at RCPT, where a wrong name can be refused. */
struct rcpt {
	char address[MTA_ADDR_MAX];
	struct account account;
};

struct session {
	const struct settings *settings;
	struct config *config;
	struct account_source *accounts;
	bool lmtp;
	struct smtp_server smtp;
	struct buf out, text, sender;
	struct rcpt *rcpts; /* STDIO_SESSION_RCPTS_MAX, made with the first */
	size_t count;
	struct submit filter;
	struct err failure; /* of storing the message */
	int fd;             /* the message, -1 between messages */
	bool over;
};

static void reset(struct session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->count = 0;
	s->failure = (struct err){0};
	buf_reset(&s->sender);
	buf_reset(&s->text);
}

static void answer(struct session *s, const struct err *e)
{
	if (e->class != ERR_NONE)
		smtp_server_reject(&s->smtp, e, &s->out);
	else if (!smtp_server_accept(&s->smtp, &s->out))
		s->over = true;
}

static bool find_route(const struct session *s, struct route *r, struct err *e)
{
	if (!route_begin(s->config, NULL))
		return err_temp(e, "4.3.0", "out of memory");
	return route_recipient(s->config, s->settings, s->smtp.addr, r, e);
}

static void on_rcpt(struct session *s)
{
	struct err e = {0};
	struct route r;
	struct rcpt *at;

	/* Large, and many sessions end before the first recipient. */
	if (!s->rcpts)
		s->rcpts = calloc(STDIO_SESSION_RCPTS_MAX, sizeof *s->rcpts);
	at = s->rcpts ? &s->rcpts[s->count] : NULL;
	if (!at) {
		err_temp(&e, "4.3.0", "out of memory");
	} else if (s->count == STDIO_SESSION_RCPTS_MAX) {
		err_temp(&e, "4.5.3", "Too many recipients");
	} else if (s->lmtp) {
		/* Whose mail it is was decided by the mailer that sends it here. */
		if (direct_find(s->accounts, s->smtp.addr, &at->account, &e) &&
		    span_to_cstr(s->smtp.addr, at->address, sizeof at->address))
			s->count++;
	} else if (find_route(s, &r, &e)) {
		/* No queue here, so what has to go elsewhere cannot be taken. */
		if (r.kind != ROUTE_LOCAL)
			err_perm(&e, "5.7.1", "only local recipients here");
		else if (route_account(s->accounts, &r, &at->account, &e) &&
			 direct_may(s->settings, &at->account, span_str(r.host), &e)) {
			memcpy(at->address, r.address, sizeof at->address);
			s->count++;
		}
	}
	/* To strangers all unknown users are the same, whatever the reason. */
	if (e.class == ERR_PERM && strcmp(e.status, "5.1.1") == 0)
		err_perm(&e, "5.1.1", "User unknown");
	answer(s, &e);
}

static void on_data(struct session *s)
{
	static const struct submit_fields none;
	struct err e = {0};

	s->fd = direct_spool(&e);
	/* Filters nothing but line ends: the submitter's header is not ours to mend. */
	submit_init(&s->filter, 0, &none);
	answer(s, &e);
}

/* Errors are kept for the end: the client goes on sending whatever we say in between. */
static void write_text(struct session *s)
{
	if (s->failure.class == ERR_NONE &&
	    (!buf_ok(&s->text) || !fs_write(s->fd, buf_span(&s->text))))
		err_errno(&s->failure, errno, "cannot store the message");
	buf_reset(&s->text);
}

static void on_end(struct session *s)
{
	/*
	 * SMTP has one answer for all recipients: a failure that may pass wins, so that
	 * the sender comes again. LMTP (RFC 2033 section 4.2) has one each.
	 */
	struct err worst = {0};

	submit_finish(&s->filter, &s->text);
	write_text(s);
	for (size_t i = 0; i < s->count; i++) {
		struct local_job job = {.fd = s->fd,
					.sender = buf_span(&s->sender),
					.rcpt = span_str(s->rcpts[i].address),
					.err = s->failure};

		if (job.err.class == ERR_NONE)
			direct_deliver(&s->rcpts[i].account, NULL, &job);
		log_info("to=<%s>, mailer=local, stat=%s", s->rcpts[i].address,
			 job.err.class ? job.err.text : "Sent");
		if (job.err.class != ERR_NONE &&
		    (worst.class == ERR_NONE || job.err.class == ERR_TEMP))
			worst = job.err;
		if (s->lmtp && job.err.class == ERR_NONE)
			smtp_server_accept_eom(&s->smtp, SPAN("-"), &s->out);
		else if (s->lmtp)
			smtp_server_reject(&s->smtp, &job.err, &s->out);
	}
	if (!s->lmtp && worst.class == ERR_NONE)
		smtp_server_accept_eom(&s->smtp, SPAN("-"), &s->out);
	else if (!s->lmtp)
		smtp_server_reject(&s->smtp, &worst, &s->out);
	reset(s);
}

static void on_event(struct session *s, enum smtp_server_event ev)
{
	static const struct err none;

	switch (ev) {
	case SMTP_EV_MAIL:
		buf_put(&s->sender, s->smtp.addr);
		answer(s, &none);
		break;
	case SMTP_EV_RCPT:
		on_rcpt(s);
		break;
	case SMTP_EV_DATA:
		on_data(s);
		break;
	case SMTP_EV_BODY:
		submit_feed(&s->filter, s->smtp.text, &s->text);
		/* Written in pieces of some size; the rest waits for the next one. */
		if (s->text.len > TEXT_MAX / 2)
			write_text(s);
		break;
	case SMTP_EV_EOM:
		on_end(s);
		break;
	case SMTP_EV_REFUSED:
	case SMTP_EV_RSET:
		reset(s);
		break;
	case SMTP_EV_QUIT:
	case SMTP_EV_ABORT:
		s->over = true;
		break;
	default:
		if (smtp_server_waiting(&s->smtp))
			answer(s, &none);
		break;
	}
}

static void greet(struct session *s)
{
	char mem[64];
	struct buf date;
	int64_t now = clock_wall().s;

	buf_init_fixed(&date, mem, sizeof mem);
	date_put(&date, now, clock_zone(now));
	smtp_server_greet(&s->smtp, buf_span(&date), &s->out);
}

/*
 * Runs the machine over what was read; false when the output cannot be written. Replies
 * leave once per read, which keeps pipelined commands cheap (RFC 2920 section 3.2).
 */
static bool run(struct session *s, struct buf *in)
{
	size_t done = 0;

	while (!s->over) {
		size_t used = 0;
		enum smtp_server_event ev =
		    smtp_server_feed(&s->smtp, span_skip(buf_span(in), done), &used, &s->out);

		done += used;
		if (ev == SMTP_EV_MORE)
			break;
		on_event(s, ev);
	}
	buf_consume(in, done);
	if (!fs_write(STDOUT_FILENO, buf_span(&s->out)))
		return false;
	buf_reset(&s->out);
	return true;
}

int stdio_session_run(const struct settings *settings, struct config *config,
		      struct account_source *accounts, bool lmtp)
{
	struct smtp_server_config cfg = {
	    .name = span_str(settings->hostname),
	    .product = lmtp ? SPAN("LMTP letterbox") : SPAN("ESMTP letterbox"),
	    .version = SPAN("letterbox"),
	    .size_max = settings->max_message,
	    .flags = SMTP_OFFER_PIPELINING | SMTP_OFFER_8BITMIME | SMTP_OFFER_SIZE | SMTP_EARLY_OK |
		     SMTP_LENIENT | (lmtp ? SMTP_LMTP : 0) |
		     (settings->privacy & PRIVACY_NEEDMAILHELO ? SMTP_NEED_HELO : 0),
	    /* On a pipe the line ends are those of the local system. */
	    .bare = LINE_LENIENT,
	};
	struct session *s = calloc(1, sizeof *s);
	struct buf in;
	int status = 0;

	if (!s)
		return EXIT_TEMPFAIL;
	*s = (struct session){
	    .settings = settings, .config = config, .accounts = accounts, .lmtp = lmtp, .fd = -1};
	buf_init(&in, IN_MAX);
	buf_init(&s->out, TEXT_MAX);
	buf_init(&s->text, 2 * TEXT_MAX);
	buf_init(&s->sender, MTA_ADDR_MAX);
	smtp_server_init(&s->smtp, &cfg, SPAN("localhost"));
	greet(s);
	while (run(s, &in) && !s->over) {
		char *at = buf_reserve(&in, 4096);
		ssize_t n = at ? read(STDIN_FILENO, at, 4096) : -1;

		if (n <= 0) {
			status = n < 0 ? EXIT_TEMPFAIL : 0;
			break;
		}
		in.len += (size_t)n;
	}
	reset(s);
	buf_free(&in);
	buf_free(&s->out);
	buf_free(&s->text);
	buf_free(&s->sender);
	free(s->rcpts);
	free(s);
	return status;
}
