/*
 * The session of the SMTP client machine; see proto/smtp_client.h.
 *
 * RFC 5321 3.1, 3.2, 3.8, 4.5.3.2; 3207, 4954.  Greeting, EHLO, TLS, AUTH, and the
 * ways out.  Must not let anything learnt or received in the clear survive the
 * start of TLS.
 */
#include "proto/smtp_client.h"

#include "proto/smtp_client_priv.h"

/* EHLO was answered: TLS first, then AUTH, then work. */
static unsigned greeted(struct smtp_client *c, bool try_tls, struct buf *out)
{
	bool offered = c->keywords & SMTP_KW_STARTTLS;
	enum smtp_client_tls tls = c->cfg->tls;

	if (!c->tls && try_tls && offered && (tls == SMTP_TLS_MAY || tls == SMTP_TLS_MUST)) {
		smtp_client_say(c, "STARTTLS\r\n", SMTP_CL_STARTTLS, out);
		return SMTP_CLIENT_NONE;
	}
	if (!c->tls && tls == SMTP_TLS_MUST) {
		buf_puts(out, "QUIT\r\n");
		err_temp(&c->err, "4.7.0", "TLS is required, and the server does not offer it");
		return smtp_client_finish(c);
	}
	/*
	 * Offered or not, a message may go unauthenticated; the server refuses it where it
	 * minds.
	 */
	c->state =
	    c->cfg->auth && (c->keywords & SMTP_KW_AUTH) ? SMTP_CL_AUTH_ASK : SMTP_CL_GREETED;
	return SMTP_CLIENT_NONE;
}

static unsigned on_starttls(struct smtp_client *c, bool more, struct buf *out)
{
	if (c->code == 220) {
		/* Text that came with the reply is somebody's who wants it taken for TLS's. */
		if (more) {
			err_temp(&c->err, "4.7.0", "Plaintext behind the reply to STARTTLS");
			return smtp_client_finish(c);
		}
		c->state = SMTP_CL_TLS;
		return SMTP_CLIENT_STARTTLS;
	}
	if (c->err.class == ERR_NONE)
		return smtp_client_unexpected(c);
	if (c->cfg->tls == SMTP_TLS_MAY)
		return greeted(c, false, out);
	/* However final the server is about it, the next host or day may have TLS. */
	buf_puts(out, "QUIT\r\n");
	c->err.class = ERR_TEMP;
	(void)span_to_cstr(SPAN("4.7.0"), c->err.status, sizeof c->err.status);
	err_prefix(&c->err, "STARTTLS refused");
	return smtp_client_finish(c);
}

/* RFC 4954 section 4: 334 asks for more, 235 accepts, all else refuses this mechanism. */
static unsigned on_auth(struct smtp_client *c)
{
	if (c->code == 334) {
		c->state = SMTP_CL_CHALLENGE;
		return SMTP_CLIENT_CHALLENGE;
	}
	if (c->code == 235) {
		c->authenticated = true;
		c->state = SMTP_CL_GREETED;
		return SMTP_CLIENT_NONE;
	}
	if (c->err.class == ERR_NONE)
		return smtp_client_unexpected(c);
	/* The caller may know another mechanism, or skip AUTH. */
	c->state = SMTP_CL_AUTH_ASK;
	return SMTP_CLIENT_NONE;
}

static unsigned on_helo(struct smtp_client *c, struct buf *out)
{
	if (c->code == 250)
		return greeted(c, true, out);
	/* RFC 5321 3.2: a server that does not know EHLO gets HELO; LMTP has no such past. */
	if (c->state == SMTP_CL_EHLO && c->err.class == ERR_PERM && !c->cfg->lmtp) {
		smtp_client_command_helo(c, false, out);
		return SMTP_CLIENT_NONE;
	}
	return c->err.class == ERR_NONE ? smtp_client_unexpected(c) : smtp_client_finish(c);
}

static unsigned on_reply(struct smtp_client *c, bool more, struct buf *out)
{
	/* 421 ends the session whatever it answers (RFC 5321 3.8). */
	if (c->code == 421 && c->state != SMTP_CL_QUIT)
		return smtp_client_finish(c);
	switch (c->state) {
	case SMTP_CL_GREETING:
		if (c->code == 220) {
			smtp_client_command_helo(c, true, out);
			return SMTP_CLIENT_NONE;
		}
		return c->err.class == ERR_NONE ? smtp_client_unexpected(c) : smtp_client_finish(c);
	case SMTP_CL_EHLO:
	case SMTP_CL_HELO:
		return on_helo(c, out);
	case SMTP_CL_STARTTLS:
		return on_starttls(c, more, out);
	case SMTP_CL_AUTH:
		return on_auth(c);
	case SMTP_CL_RSET:
		/* Even a 5xx says nothing about the message: TEMP, on a new connection. */
		if (c->code != 250)
			return smtp_client_unexpected(c);
		smtp_client_start(c, out);
		return SMTP_CLIENT_NONE;
	case SMTP_CL_TRANSACTION:
		return smtp_client_on_transaction(c, out);
	case SMTP_CL_FINAL:
		return smtp_client_on_final(c);
	/* The answer to QUIT is of no interest, whatever it is. */
	case SMTP_CL_QUIT:
		c->err = (struct err){0};
		c->state = SMTP_CL_CLOSED;
		return SMTP_CLIENT_CLOSED;
	case SMTP_CL_BODY:
		/* A refusal in the middle of the text; the server may not read the rest. */
		return c->err.class == ERR_NONE ? smtp_client_unexpected(c) : smtp_client_finish(c);
	default:
		return smtp_client_unexpected(c);
	}
}

/* Moves on where no input is needed. */
static unsigned step(struct smtp_client *c)
{
	switch (c->state) {
	case SMTP_CL_GREETED:
		c->state = SMTP_CL_IDLE;
		return SMTP_CLIENT_READY;
	case SMTP_CL_AUTH_ASK:
		return SMTP_CLIENT_AUTH;
	case SMTP_CL_REPORT:
		return smtp_client_report_next(c);
	case SMTP_CL_CLOSED:
		return SMTP_CLIENT_CLOSED;
	default:
		return SMTP_CLIENT_NONE;
	}
}

/* One event at a time; the loop ends where input is used up or the caller has to act. */
enum smtp_client_event smtp_client_feed(struct smtp_client *c, struct span in, size_t *used,
					struct buf *out)
{
	unsigned event;

	*used = 0;
	while ((event = step(c)) == SMTP_CLIENT_NONE) {
		struct span line;
		size_t n;
		enum line_kind kind =
		    line_next(&c->line, span_skip(in, *used), SMTP_CLIENT_LINE_MAX, &n, &line);

		*used += n;
		if (kind == LINE_MORE)
			return SMTP_CLIENT_MORE;
		if (kind != LINE_OK) {
			err_temp(&c->err, "4.5.0", "Protocol error: %s",
				 kind == LINE_LONG ? "reply line too long" : "control in a reply");
			event = smtp_client_finish(c);
		} else {
			switch (smtp_client_reply_line(c, line)) {
			case SMTP_REPLY_WHOLE:
				/*
				 * Octets behind the reply are looked at only where they
				 * must not be there (STARTTLS).
				 */
				event = on_reply(c, *used < in.len, out);
				break;
			case SMTP_REPLY_BAD:
				event = smtp_client_finish(c);
				break;
			default:
				break;
			}
		}
		if (event != SMTP_CLIENT_NONE)
			break;
	}
	return (enum smtp_client_event)event;
}

void smtp_client_init(struct smtp_client *c, const struct smtp_client_config *cfg)
{
	*c = (struct smtp_client){.cfg = cfg, .tls = cfg->tls == SMTP_TLS_ON};
	/* Servers that end lines with LF exist, and nothing is lost by reading them. */
	c->line.lenient = true;
}

enum smtp_client_phase smtp_client_phase(const struct smtp_client *c)
{
	switch (c->state) {
	case SMTP_CL_GREETING:
		return SMTP_PHASE_INITIAL;
	case SMTP_CL_EHLO:
	case SMTP_CL_HELO:
		return SMTP_PHASE_HELO;
	case SMTP_CL_STARTTLS:
	case SMTP_CL_TLS:
		return SMTP_PHASE_STARTTLS;
	case SMTP_CL_AUTH_ASK:
	case SMTP_CL_AUTH:
	case SMTP_CL_CHALLENGE:
		return SMTP_PHASE_AUTH;
	/* got counts replies of a pipelined transaction: MAIL is the first, then the RCPTs. */
	case SMTP_CL_TRANSACTION:
		return c->got == 0               ? SMTP_PHASE_MAIL
		       : c->got <= c->msg->rcpts ? SMTP_PHASE_RCPT
						 : SMTP_PHASE_DATAINIT;
	case SMTP_CL_BODY:
		return SMTP_PHASE_DATABLOCK;
	case SMTP_CL_FINAL:
	case SMTP_CL_REPORT:
		return SMTP_PHASE_DATAFINAL;
	case SMTP_CL_RSET:
		return SMTP_PHASE_RSET;
	default:
		return SMTP_PHASE_QUIT;
	}
}

/* Seconds, the least that RFC 5321 section 4.5.3.2 allows; QUIT has no bound there. */
unsigned smtp_client_timeout(enum smtp_client_phase phase)
{
	switch (phase) {
	case SMTP_PHASE_DATAINIT:
	case SMTP_PHASE_QUIT:
		return 120;
	case SMTP_PHASE_DATABLOCK:
		return 180;
	case SMTP_PHASE_DATAFINAL:
		return 600;
	default:
		return 300;
	}
}

void smtp_client_body(struct smtp_client *c, struct span text, struct buf *out)
{
	if (c->state == SMTP_CL_BODY)
		line_encode(&c->body, text, out);
}

void smtp_client_body_end(struct smtp_client *c, struct buf *out)
{
	if (c->state != SMTP_CL_BODY)
		return;
	line_encode_end(&c->body, out);
	c->state = SMTP_CL_FINAL;
}

/* The text cannot be had any more: no final dot, or the server would take the half for all. */
void smtp_client_body_abort(struct smtp_client *c, const struct err *e)
{
	smtp_client_lost(c, e);
}

void smtp_client_tls_started(struct smtp_client *c, struct buf *out)
{
	BUG_ON(c->state != SMTP_CL_TLS);
	/*
	 * EHLO again: what was offered in the clear may have been an attacker's (RFC 3207
	 * section 4.2).
	 */
	c->tls = true;
	smtp_client_command_helo(c, true, out);
}

void smtp_client_auth(struct smtp_client *c, struct span mech, struct span initial, struct buf *out)
{
	BUG_ON(c->state != SMTP_CL_AUTH_ASK);
	buf_printf(out, "AUTH %.*s%s%.*s", SPAN_ARG(mech), initial.len ? " " : "",
		   SPAN_ARG(initial));
	smtp_client_say(c, "\r\n", SMTP_CL_AUTH, out);
}

void smtp_client_auth_line(struct smtp_client *c, struct span text, struct buf *out)
{
	BUG_ON(c->state != SMTP_CL_CHALLENGE);
	buf_put(out, text);
	smtp_client_say(c, "\r\n", SMTP_CL_AUTH, out);
}

void smtp_client_auth_skip(struct smtp_client *c)
{
	BUG_ON(c->state != SMTP_CL_AUTH_ASK);
	c->state = SMTP_CL_GREETED;
}

void smtp_client_quit(struct smtp_client *c, struct buf *out)
{
	BUG_ON(c->msg != NULL);
	if (c->state != SMTP_CL_CLOSED)
		smtp_client_say(c, "QUIT\r\n", SMTP_CL_QUIT, out);
}

void smtp_client_lost(struct smtp_client *c, const struct err *e)
{
	switch (c->state) {
	case SMTP_CL_CLOSED:
		return;
	case SMTP_CL_REPORT:
		/* All is decided already; what was accepted stays so. */
		c->closing = true;
		return;
	case SMTP_CL_QUIT:
		c->err = (struct err){0};
		c->state = SMTP_CL_CLOSED;
		return;
	default:
		c->err = *e;
		smtp_client_finish(c);
	}
}
