/*
 * The replies of the SMTP server machine; see proto/smtp_server.h.
 *
 * RFC 5321 4.2, 2034, 2033 4.2.  The only place where replies are written, so
 * that each command gets exactly one, with a code and an enhanced status of one
 * class, in lines that fit and hold nothing but printable ASCII whatever the
 * texts are made of.  Reply texts are sendmail's.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/ascii.h"
#include "proto/smtp_server_priv.h"

/* A line of a reply without its ending; text is cut to what SMTP_REPLY_MAX leaves. */
static void put_line(struct buf *out, int code, char sep, const char *status, struct span text)
{
	size_t start = out->len, room;

	buf_printf(out, "%03d%c", code, sep);
	if (status) {
		/*
		 * The class of the status is the code's, whatever the caller wrote (RFC
		 * 2034 section 4).
		 */
		buf_putc(out, (char)('0' + code / 100));
		buf_puts(out, status[0] ? status + 1 : ".0.0");
		if (text.len)
			buf_putc(out, ' ');
	}
	/* Two octets for the line end. */
	room = SMTP_REPLY_MAX - 2 - (out->len - start);
	text = span_head(text, room);
	for (size_t i = 0; i < text.len; i++)
		buf_putc(out, ascii_is_print(text.ptr[i]) ? text.ptr[i] : '?');
	buf_put(out, SPAN("\r\n"));
}

void smtp_server_put(struct buf *out, int code, const char *status, struct span text, bool more)
{
	char digits[ERR_STATUS_MAX] = "";
	bool last;

	/* A status too long to be one is dropped, not cut into another one. */
	if (status) {
		if (!span_to_cstr(span_str(status), digits, sizeof digits))
			digits[0] = '\0';
		status = digits;
	}
	do {
		last = span_index(text, '\n') == text.len;
		struct span line = span_cut(&text, '\n');

		if (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		put_line(out, code, more || !last ? '-' : ' ', status, line);
	} while (!last);
}

void smtp_server_putf(struct buf *out, int code, const char *status, const char *fmt, ...)
{
	char text[SMTP_REPLY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	smtp_server_put(out, code, status, span_str(text), false);
}

bool smtp_server_fault(struct smtp_server_fault *f, int code, const char *status, const char *fmt,
		       ...)
{
	va_list ap;

	f->code = code;
	f->status = status;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	return false;
}

/* Both ends of a long text: the beginning says what it was, the end why it was too long. */
const char *smtp_server_echo(struct span text, char echo[static SMTP_ECHO_MAX + 1])
{
	if (text.len <= SMTP_ECHO_MAX)
		snprintf(echo, SMTP_ECHO_MAX + 1, "%.*s", SPAN_ARG(text));
	else
		snprintf(echo, SMTP_ECHO_MAX + 1, "%.*s...%.*s", SMTP_ECHO_END, text.ptr,
			 SMTP_ECHO_END, text.ptr + text.len - SMTP_ECHO_END);
	return echo;
}

/* Other mechanisms before TLS than after: passwords in the clear are not offered. */
struct span smtp_server_mechs(const struct smtp_server *s)
{
	return s->tls ? s->cfg->auth_tls : s->cfg->auth;
}

/* What MAIL and RCPT brought is gone; HELO and AUTH stay (RFC 5321 section 4.1.1.5). */
void smtp_server_drop(struct smtp_server *s)
{
	s->in_mail = false;
	s->rcpts = 0;
	s->mail = (struct smtp_mail){0};
}

void smtp_server_put_helo(const struct smtp_server *s, struct buf *out)
{
	static const struct {
		struct span word;
		uint32_t flag;
	} keywords[] = {
	    {{"PIPELINING", 10}, SMTP_OFFER_PIPELINING},
	    {{"EXPN", 4}, SMTP_OFFER_EXPN},
	    {{"VERB", 4}, SMTP_OFFER_VERB},
	    {{"8BITMIME", 8}, SMTP_OFFER_8BITMIME},
	    {{"SMTPUTF8", 8}, SMTP_OFFER_SMTPUTF8},
	    {{"SIZE", 4}, SMTP_OFFER_SIZE},
	    {{"DSN", 3}, SMTP_OFFER_DSN},
	    {{"ETRN", 4}, SMTP_OFFER_ETRN},
	    {{"AUTH", 4}, 0},
	    {{"STARTTLS", 8}, SMTP_OFFER_STARTTLS},
	    {{"DELIVERBY", 9}, SMTP_OFFER_DELIVERBY},
	    {{"HELP", 4}, SMTP_OFFER_HELP},
	};
	struct span mechs = smtp_server_mechs(s);
	size_t last;

	/* No enhanced status in replies to HELO and EHLO (RFC 2034 4). */
	buf_printf(out, "250%c%.*s Hello %.*s, pleased to meet you\r\n", s->esmtp ? '-' : ' ',
		   SPAN_ARG(s->cfg->name), SPAN_ARG(s->client));
	if (!s->esmtp)
		return;
	last = out->len;
	buf_puts(out, "250-ENHANCEDSTATUSCODES\r\n");
	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0] && !s->refusal.ptr; i++) {
		bool auth = keywords[i].flag == 0;

		if (auth ? mechs.len == 0 : !(s->flags & keywords[i].flag))
			continue;
		/* RFC 3207 4.2: not offered twice */
		if (keywords[i].flag == SMTP_OFFER_STARTTLS && s->tls)
			continue;
		last = out->len;
		buf_puts(out, "250-");
		buf_put(out, keywords[i].word);
		if (auth)
			buf_printf(out, " %.*s", SPAN_ARG(mechs));
		if (keywords[i].flag == SMTP_OFFER_SIZE && s->cfg->size_max)
			buf_printf(out, " %llu", (unsigned long long)s->cfg->size_max);
		buf_puts(out, "\r\n");
	}
	/* Which keyword is the last is known only now. */
	if (buf_ok(out))
		out->ptr[last + 3] = ' ';
}

/* What the answer to the event that is due means for the session. */
static void settle(struct smtp_server *s, bool ok)
{
	unsigned due = s->due;

	/* LMTP: the other recipients still wait for theirs. */
	if (due == SMTP_EV_EOM && --s->answers > 0)
		return;
	s->due = 0;
	switch (due) {
	case SMTP_EV_HELO:
		s->greeted = ok;
		if (!ok) {
			s->helo_len = 0;
			s->esmtp = false;
		}
		break;
	case SMTP_EV_MAIL:
		s->in_mail = ok;
		break;
	case SMTP_EV_RCPT:
		s->rcpts += ok;
		break;
	case SMTP_EV_DATA:
		if (ok) {
			s->state = SMTP_ST_BODY;
			line_body_init(&s->body, s->cfg->bare);
		} else {
			/* A client may go on with RSET or with MAIL: both must work. */
			smtp_server_drop(s);
		}
		break;
	case SMTP_EV_EOM:
		smtp_server_drop(s);
		break;
	case SMTP_EV_AUTH:
	case SMTP_EV_AUTH_LINE:
		s->authenticated = ok;
		s->state = SMTP_ST_COMMAND;
		break;
	case SMTP_EV_STARTTLS:
		if (ok)
			s->state = SMTP_ST_TLS;
		break;
	case SMTP_EV_OTHER:
		s->other = ok ? 'y' : 'n';
		s->bad += !ok;
		break;
	}
}

/* The client talked where it had to wait for us: RFC 2920 3.1, 3207 4.2. */
static void refuse_early(struct smtp_server *s, struct buf *out)
{
	smtp_server_putf(out, 554, "5.5.0", "SMTP protocol error");
	/* As sendmail: one that talks through HELO may still quit in peace; what stands behind
	   DATA would be taken for commands, and behind STARTTLS for encrypted. */
	if (s->due == SMTP_EV_HELO)
		s->refusal = SPAN("5.0.0 Command rejected");
	else
		s->state = SMTP_ST_CLOSED;
	settle(s, false);
}

bool smtp_server_accept(struct smtp_server *s, struct buf *out)
{
	struct span arg = s->text;

	BUG_ON(s->due == 0);
	if (s->early) {
		refuse_early(s, out);
		return false;
	}
	switch (s->due) {
	case SMTP_EV_HELO:
		smtp_server_put_helo(s, out);
		break;
	case SMTP_EV_MAIL:
		smtp_server_putf(out, 250, "2.1.0", "%.*s... Sender ok", SPAN_ARG(s->path));
		break;
	case SMTP_EV_RCPT:
		smtp_server_putf(out, 250, "2.1.5", "%.*s... Recipient ok", SPAN_ARG(s->path));
		break;
	case SMTP_EV_DATA:
		smtp_server_putf(out, 354, NULL, "End data with <CR><LF>.<CR><LF>");
		break;
	case SMTP_EV_EOM:
		smtp_server_putf(out, 250, "2.0.0", "Message accepted for delivery");
		break;
	case SMTP_EV_ETRN:
		smtp_server_putf(out, 250, "2.0.0", "Queuing for %s%.*s started",
				 span_starts(arg, SPAN("#")) ? "queue group " : "node ",
				 SPAN_ARG(span_skip(arg, span_starts(arg, SPAN("#")))));
		break;
	case SMTP_EV_AUTH:
	case SMTP_EV_AUTH_LINE:
		smtp_server_putf(out, 235, "2.0.0", "OK Authenticated");
		break;
	/* The line itself is answered when it comes again. */
	case SMTP_EV_OTHER:
		break;
	case SMTP_EV_STARTTLS:
		smtp_server_putf(out, 220, "2.0.0", "Ready to start TLS");
		break;
	default:
		smtp_server_putf(out, 252, "2.5.2",
				 "Cannot VRFY user; try RCPT to attempt delivery (or try finger)");
	}
	settle(s, true);
	return true;
}

void smtp_server_accept_eom(struct smtp_server *s, struct span qid, struct buf *out)
{
	BUG_ON(s->due != SMTP_EV_EOM);
	smtp_server_putf(out, 250, "2.0.0", "%.*s Message accepted for delivery", SPAN_ARG(qid));
	settle(s, true);
}

bool smtp_server_reply(struct smtp_server *s, int code, const char *status, struct span text,
		       struct buf *out)
{
	/* 3xx is an acceptance, too: DATA's 354 among them. */
	bool ok = code < 400;

	BUG_ON(s->due == 0);
	if (s->early) {
		refuse_early(s, out);
		return false;
	}
	/* Somebody who guesses names: RFC 5321 7.3 has no other defence than not to answer. */
	if (s->due == SMTP_EV_RCPT && code >= 500 && s->cfg->bad_rcpts &&
	    ++s->bad_rcpts > s->cfg->bad_rcpts) {
		s->text = SPAN("Too many bad recipients; closing connection");
		smtp_server_close(s, "4.7.0", s->text, out);
		return true;
	}
	smtp_server_put(out, code, status, text, false);
	settle(s, ok);
	if (code == 421)
		s->state = SMTP_ST_CLOSED;
	return true;
}

void smtp_server_reject(struct smtp_server *s, const struct err *e, struct buf *out)
{
	char text[SMTP_REPLY_MAX], echo[SMTP_ECHO_MAX + 1];
	struct span of = {0};
	int code = err_reply_code(e);

	/* RFC 4954 6, 3207 4.1 */
	if (s->due == SMTP_EV_AUTH || s->due == SMTP_EV_AUTH_LINE || s->due == SMTP_EV_STARTTLS)
		code = e->class == ERR_PERM && s->due != SMTP_EV_STARTTLS ? 535 : 454;
	if (s->due == SMTP_EV_MAIL || s->due == SMTP_EV_RCPT)
		of = s->path;
	else if (s->due == SMTP_EV_VRFY || s->due == SMTP_EV_EXPN)
		of = s->text;
	/* The address in front, as sendmail has it: not with every code that policy may choose. */
	if (e->reply && e->reply != 450 && e->reply != 550 && e->reply != 553)
		of.len = 0;
	snprintf(text, sizeof text, "%s%s%s", of.len ? smtp_server_echo(of, echo) : "",
		 of.len ? "... " : "", e->text);
	smtp_server_reply(s, code, e->status, span_str(text), out);
}

void smtp_server_reply_more(struct smtp_server *s, int code, const char *status, struct span text,
			    struct buf *out)
{
	BUG_ON(s->due == 0);
	smtp_server_put(out, code, status, text, true);
}

void smtp_server_challenge(struct smtp_server *s, struct span text, struct buf *out)
{
	BUG_ON(s->due != SMTP_EV_AUTH && s->due != SMTP_EV_AUTH_LINE);
	/* A challenge may be longer than other replies: RFC 4954 4 allows LINE_AUTH_MAX. */
	buf_puts(out, "334 ");
	buf_put(out, text);
	buf_puts(out, "\r\n");
	s->due = 0;
	s->state = SMTP_ST_AUTH;
}

void smtp_server_close(struct smtp_server *s, const char *status, struct span text, struct buf *out)
{
	smtp_server_putf(out, 421, status, "%.*s %.*s", SPAN_ARG(s->cfg->name), SPAN_ARG(text));
	s->due = 0;
	s->state = SMTP_ST_CLOSED;
}
