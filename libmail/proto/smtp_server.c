/*
 * The loop of the SMTP server machine; see proto/smtp_server.h.
 *
 * RFC 5321 2.3.8, 4.5.3.1; 2920 3.2; 4954 4.  Cuts the input into command lines,
 * responses to AUTH challenges and message text, and decides about a message
 * what needs no storage: bare CR and LF, size, NUL.
 * Must not consume input while an answer is due: what it means depends on it.
 */
#include "proto/smtp_server.h"

#include "base/ascii.h"
#include "proto/smtp_server_priv.h"

/* One wrong command more would be too many. */
bool smtp_server_is_last(const struct smtp_server *s)
{
	return s->bad >= (s->cfg->bad_max ? s->cfg->bad_max : SMTP_BAD_COMMANDS_MAX);
}

static unsigned closing(struct smtp_server *s, const char *status, struct span text,
			struct buf *out)
{
	smtp_server_close(s, status, text, out);
	s->text = text;
	return SMTP_EV_ABORT;
}

/* A reply to a wrong command; too many of them end the session. */
unsigned smtp_server_wrong(struct smtp_server *s, struct buf *out, int code, const char *status,
			   const char *text)
{
	bool last = smtp_server_is_last(s);

	s->bad++;
	if (last)
		return closing(s, "4.7.0", SPAN("Too many bad commands; closing connection"), out);
	smtp_server_put(out, code, status, span_str(text), false);
	return SMTP_EV_NONE;
}

unsigned smtp_server_due(struct smtp_server *s, unsigned event)
{
	s->due = (uint8_t)event;
	return event;
}

/* Keeps text for the program and for the reply; false when it is too long. */
bool smtp_server_keep(struct smtp_server *s, struct span text)
{
	if (text.len > sizeof s->arg)
		return false;
	if (text.len)
		memcpy(s->arg, text.ptr, text.len);
	s->text = span_make(s->arg, text.len);
	return true;
}

static unsigned auth_abort(struct smtp_server *s, struct buf *out)
{
	s->state = SMTP_ST_COMMAND;
	if (smtp_server_wrong(s, out, 501, "5.0.0", "AUTH aborted") == SMTP_EV_ABORT)
		return SMTP_EV_ABORT;
	return SMTP_EV_AUTH_ABORT;
}

static unsigned feed_line(struct smtp_server *s, struct span in, size_t *used, struct buf *out)
{
	size_t max = s->cfg->line_max ? s->cfg->line_max : LINE_SENDMAIL_MAX;
	bool auth = s->state == SMTP_ST_AUTH;
	struct smtp_server_turn t = {.out = out};
	enum line_kind kind;
	unsigned event;

	/* An initial response may be as long as other responses (RFC 4954 4). */
	if (auth || (smtp_server_mechs(s).len && ascii_starts_nocase(in, SPAN("AUTH "))))
		max = LINE_AUTH_MAX;
	/* Spans into input that is gone: nobody shall find them again. */
	s->text = s->mech = s->mail.envid = s->mail.auth = (struct span){0};
	s->rcpt = (struct smtp_rcpt){0};
	s->line.lenient = (s->flags & SMTP_LENIENT) != 0;
	kind = line_next(&s->line, in, max, used, &t.line);
	t.more = *used < in.len;
	if (kind == LINE_MORE)
		return SMTP_EV_MORE;
	if (auth) {
		if (kind != LINE_OK || span_eq(t.line, SPAN("*")))
			return auth_abort(s, out);
		s->text = t.line;
		s->has_text = true;
		return smtp_server_due(s, SMTP_EV_AUTH_LINE);
	}
	if (kind == LINE_OK) {
		size_t start = (size_t)(t.line.ptr - in.ptr);

		event = smtp_server_command(s, &t);
		if (s->again)
			*used = start;
		s->again = false;
		return event;
	}
	/* A line that was refused still counts as the client's first word. */
	s->first = false;
	if (kind == LINE_BAD)
		return smtp_server_wrong(s, out, 500, "5.5.2",
					 "Bare CR, bare LF or NUL in command");
	smtp_server_putf(out, 421, "4.7.0", "%.*s Command too long, possible attack %.*s",
			 SPAN_ARG(s->cfg->name), SPAN_ARG(s->client));
	s->state = SMTP_ST_CLOSED;
	s->text = SPAN("command too long");
	return SMTP_EV_ABORT;
}

/* Why the machine itself refuses the message that ended, or NULL. */
static const char *verdict(const struct smtp_server *s, struct smtp_server_fault *f)
{
	uint64_t max = s->cfg->size_max;

	if (line_body_refused(&s->body))
		smtp_server_fault(f, 550, "5.6.11", "Bare %s not allowed",
				  s->body.flags & LINE_HAS_BARE_CR ? "carriage return (CR)"
								   : "linefeed (LF)");
	else if (max && s->body.octets > max)
		smtp_server_fault(f, 552, "5.2.3", "Message exceeds maximum fixed size (%llu)",
				  (unsigned long long)max);
	else if ((s->flags & SMTP_NUL_REFUSED) && (s->body.flags & LINE_HAS_NUL))
		smtp_server_fault(f, 550, "5.6.0", "NUL byte not allowed");
	else
		return NULL;
	return f->text;
}

static unsigned end_of_body(struct smtp_server *s, struct buf *out)
{
	struct smtp_server_fault f;

	s->state = SMTP_ST_COMMAND;
	s->answers = s->flags & SMTP_LMTP ? s->rcpts : 1;
	if (!verdict(s, &f))
		return smtp_server_due(s, SMTP_EV_EOM);
	for (size_t i = 0; i < s->answers; i++)
		smtp_server_put(out, f.code, f.status, span_str(f.text), false);
	smtp_server_keep(s, span_head(span_str(f.text), sizeof s->arg));
	smtp_server_drop(s);
	return SMTP_EV_REFUSED;
}

static unsigned feed_body(struct smtp_server *s, struct span in, size_t *used, struct buf *out)
{
	switch (line_body_next(&s->body, in, used, &s->text)) {
	case LINE_BODY_END:
		return end_of_body(s, out);
	case LINE_BODY_DATA:
		/* Read on to the end, but store nothing more: the refusal comes there. */
		if (s->cfg->size_max && s->body.octets > s->cfg->size_max)
			return SMTP_EV_NONE;
		return SMTP_EV_BODY;
	default:
		return SMTP_EV_MORE;
	}
}

enum smtp_server_event smtp_server_feed(struct smtp_server *s, struct span in, size_t *used,
					struct buf *out)
{
	unsigned event = SMTP_EV_NONE;

	*used = 0;
	BUG_ON(s->state == SMTP_ST_NEW);
	if (s->state == SMTP_ST_CLOSED)
		return SMTP_EV_ABORT;
	if (s->due || s->state == SMTP_ST_TLS) {
		/* RFC 2920 3.1 has the client wait for exactly these replies. */
		bool waits = s->due == SMTP_EV_HELO || s->due == SMTP_EV_DATA;

		if (in.len &&
		    (s->due == SMTP_EV_STARTTLS || (waits && !(s->flags & SMTP_EARLY_OK))))
			s->early = true;
		return SMTP_EV_WAIT;
	}
	while (event == SMTP_EV_NONE) {
		struct span rest = span_skip(in, *used);
		size_t n;

		event = s->state == SMTP_ST_BODY ? feed_body(s, rest, &n, out)
						 : feed_line(s, rest, &n, out);
		*used += n;
	}
	return (enum smtp_server_event)event;
}

void smtp_server_init(struct smtp_server *s, const struct smtp_server_config *cfg,
		      struct span client)
{
	*s = (struct smtp_server){.cfg = cfg, .flags = cfg->flags, .client = client, .first = true};
}

void smtp_server_feature(struct smtp_server *s, char letter)
{
	static const char letters[] = "BDEPSX";
	static const uint32_t flags[] = {SMTP_OFFER_VERB,     SMTP_OFFER_DSN,
					 SMTP_OFFER_ETRN,     SMTP_OFFER_PIPELINING,
					 SMTP_OFFER_STARTTLS, SMTP_OFFER_EXPN};
	const char *at = strchr(letters, ascii_upper(letter));

	if (ascii_upper(letter) == 'L')
		s->flags = letter == 'l' ? s->flags | SMTP_NEED_AUTH
					 : s->flags & ~(uint32_t)SMTP_NEED_AUTH;
	if (!at || !*at)
		return;
	s->flags &= ~flags[at - letters];
	if (letter != *at)
		s->flags |= s->cfg->flags & flags[at - letters];
}

void smtp_server_greet(struct smtp_server *s, struct span date, struct buf *out)
{
	BUG_ON(s->state != SMTP_ST_NEW);
	smtp_server_putf(out, 220, NULL, "%.*s %.*s; %.*s", SPAN_ARG(s->cfg->name),
			 SPAN_ARG(s->cfg->product), SPAN_ARG(date));
	s->state = SMTP_ST_COMMAND;
}

void smtp_server_greet_refuse(struct smtp_server *s, int code, struct span text, struct span reason,
			      struct buf *out)
{
	BUG_ON(s->state != SMTP_ST_NEW);
	smtp_server_putf(out, code, NULL, "%.*s %.*s", SPAN_ARG(s->cfg->name), SPAN_ARG(text));
	s->refusal = reason;
	s->state = code == 421 ? SMTP_ST_CLOSED : SMTP_ST_COMMAND;
}

void smtp_server_refuse(struct smtp_server *s, struct span reason)
{
	s->refusal = reason;
}

void smtp_server_tls_started(struct smtp_server *s)
{
	smtp_server_drop(s);
	s->tls = true;
	s->first = true;
	s->esmtp = false;
	s->greeted = false;
	s->authenticated = false;
	s->helo_len = 0;
	s->line = (struct line){0};
	/* Implicit TLS: the handshake came before the greeting. */
	if (s->state != SMTP_ST_NEW)
		s->state = SMTP_ST_COMMAND;
}

struct span smtp_server_helo(const struct smtp_server *s)
{
	return span_make(s->helo, s->helo_len);
}

bool smtp_server_waiting(const struct smtp_server *s)
{
	return s->due != 0;
}

bool smtp_server_closed(const struct smtp_server *s)
{
	return s->state == SMTP_ST_CLOSED;
}
