/*
 * The transactions of the SMTP client machine; see proto/smtp_client_priv.h.
 *
 * RFC 5321 3.3, 4.5.3.1.10; 2033 4.2; 2920 3.1.  The commands of a transaction are
 * numbered: MAIL is 0, the RCPTs follow, DATA is last.  With PIPELINING up to
 * SMTP_CLIENT_WINDOW of them are under way; `got` tells which one a reply is for.
 * Must report each recipient exactly once, whatever the server does and wherever
 * the connection breaks: a recipient forgotten here is mail lost.
 */
#include "proto/smtp_client_priv.h"

unsigned smtp_client_finish(struct smtp_client *c)
{
	/* Nobody may be told of a success that did not happen. */
	if (c->err.class == ERR_NONE)
		err_temp(&c->err, "4.4.2", "Connection lost");
	c->first = c->err;
	c->closing = true;
	if (c->msg) {
		c->state = SMTP_CL_REPORT;
		return SMTP_CLIENT_NONE;
	}
	c->state = SMTP_CL_CLOSED;
	return SMTP_CLIENT_CLOSED;
}

unsigned smtp_client_unexpected(struct smtp_client *c)
{
	err_temp(&c->err, "4.5.0", "Protocol error: unexpected reply %d", c->code);
	return smtp_client_finish(c);
}

/* The transaction is decided: those not reported yet get e. */
static unsigned report(struct smtp_client *c, struct err e)
{
	c->first = e;
	c->state = SMTP_CL_REPORT;
	return SMTP_CLIENT_NONE;
}

/* The next recipient without a result, or the end of the message. */
unsigned smtp_client_report_next(struct smtp_client *c)
{
	const struct smtp_client_message *m = c->msg;

	c->err = c->first;
	for (; c->next < m->rcpts; c->next++) {
		if (m->marks[c->next] == SMTP_MARK_REPORTED)
			continue;
		m->marks[c->next] = SMTP_MARK_REPORTED;
		c->index = c->next;
		return SMTP_CLIENT_RCPT;
	}
	c->msg = NULL;
	c->state = c->closing ? SMTP_CL_CLOSED : SMTP_CL_IDLE;
	return SMTP_CLIENT_DONE;
}

/* May command n of the transaction still go out? */
static bool may_send(const struct smtp_client *c, size_t n)
{
	if (c->got > 0 && !c->mail_ok)
		return false;
	/* DATA for nobody: known only when all RCPTs are answered */
	return n <= c->msg->rcpts || c->got < n || c->accepted > 0;
}

static void pump(struct smtp_client *c, struct buf *out)
{
	size_t window = c->keywords & SMTP_KW_PIPELINING ? SMTP_CLIENT_WINDOW : 1;

	while (c->sent < c->msg->rcpts + 2 && c->sent < c->got + window && may_send(c, c->sent))
		smtp_client_command(c, c->sent++, out);
}

void smtp_client_start(struct smtp_client *c, struct buf *out)
{
	c->state = SMTP_CL_TRANSACTION;
	c->dirty = true;
	pump(c, out);
}

static void set_status(struct err *e, const char *status)
{
	(void)span_to_cstr(span_str(status), e->status, sizeof e->status);
}

static unsigned on_rcpt(struct smtp_client *c, size_t n)
{
	if (c->err.class == ERR_NONE && c->mail_ok) {
		c->msg->marks[n] = SMTP_MARK_ACCEPTED;
		c->accepted++;
		return SMTP_CLIENT_NONE;
	}
	/* "Too many recipients" by its old code (RFC 5321 4.5.3.1.10) */
	if (c->code == 552 && c->default_status) {
		c->err.class = ERR_TEMP;
		set_status(&c->err, "4.5.3");
	}
	if (c->code == 550 && c->default_status)
		set_status(&c->err, "5.1.1");
	/* Without MAIL the reason is MAIL's. */
	if (!c->mail_ok) {
		c->err = c->first;
		c->code = c->first_code;
	}
	c->msg->marks[n] = SMTP_MARK_REPORTED;
	c->index = n;
	return SMTP_CLIENT_RCPT;
}

static unsigned on_data(struct smtp_client *c, struct buf *out)
{
	if (c->code != 354)
		return c->err.class == ERR_NONE ? smtp_client_unexpected(c) : report(c, c->err);
	if (c->accepted > 0) {
		c->state = SMTP_CL_BODY;
		c->body = (struct line_encoder){.limit = c->msg->line_limit};
		return SMTP_CLIENT_BODY;
	}
	/* DATA was under way when the last recipient was refused (RFC 2920 3.1). */
	if (c->cfg->lmtp) {
		err_temp(&c->err, "4.5.0", "Protocol error: DATA accepted without recipients");
		return smtp_client_finish(c);
	}
	smtp_client_say(c, ".\r\n", SMTP_CL_FINAL, out);
	return SMTP_CLIENT_NONE;
}

unsigned smtp_client_on_transaction(struct smtp_client *c, struct buf *out)
{
	size_t n = c->got++;
	unsigned event = SMTP_CLIENT_NONE;

	if (c->code >= 300 && c->code < 400 && n <= c->msg->rcpts)
		return smtp_client_unexpected(c);
	if (n > c->msg->rcpts)
		return on_data(c, out);
	if (n == 0) {
		c->mail_ok = c->err.class == ERR_NONE;
		c->first = c->err;
		c->first_code = c->code;
	} else {
		event = on_rcpt(c, n - 1);
	}
	pump(c, out);
	if (c->got == c->sent) {
		/* MAIL was refused, or every recipient, and each of those is reported. */
		struct err e = c->first;

		if (c->mail_ok)
			err_perm(&e, "5.5.0", "No recipient was accepted");
		report(c, e);
	}
	return event;
}

unsigned smtp_client_on_final(struct smtp_client *c)
{
	if (c->code >= 300 && c->code < 400)
		return smtp_client_unexpected(c);
	if (!c->cfg->lmtp) {
		c->dirty = false;
		return report(c, c->err);
	}
	/* One reply for each accepted recipient, in their order (RFC 2033 4.2). */
	while (c->next < c->msg->rcpts && c->msg->marks[c->next] != SMTP_MARK_ACCEPTED)
		c->next++;
	BUG_ON(c->next == c->msg->rcpts);
	c->msg->marks[c->next] = SMTP_MARK_REPORTED;
	c->index = c->next;
	if (--c->accepted == 0) {
		c->dirty = false;
		c->first = c->err;
		c->state = SMTP_CL_REPORT;
	}
	return SMTP_CLIENT_RCPT;
}

void smtp_client_send(struct smtp_client *c, const struct smtp_client_message *msg, struct buf *out)
{
	BUG_ON(c->state != SMTP_CL_IDLE);
	c->msg = msg;
	c->sent = c->got = c->accepted = c->next = 0;
	c->mail_ok = false;
	c->err = (struct err){0};
	if (msg->rcpts)
		memset(msg->marks, SMTP_MARK_NONE, msg->rcpts);
	if (msg->rcpts == 0 || smtp_client_command_refuses(c, msg, &c->err))
		report(c, c->err);
	else if (c->dirty)
		smtp_client_say(c, "RSET\r\n", SMTP_CL_RSET, out);
	else
		smtp_client_start(c, out);
}
