/*
 * Commands as the SMTP client machine writes them; see proto/smtp_client_priv.h.
 *
 * RFC 5321 4.1.1, 1870, 3461, 4954 5, 6152, 6531.  An extension's parameter is
 * written only when the server offered the extension.  Nothing that comes from
 * an envelope can end a line: controls are written as '?', which no server takes.
 */
#include "proto/smtp_client_priv.h"

static void put_clean(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		buf_putc(out, c < 0x20 || c == 0x7f ? '?' : s.ptr[i]);
	}
}

/* " KEY=value", or nothing when there is no value. */
static void put_param(struct buf *out, const char *key, struct span value)
{
	if (value.len == 0)
		return;
	buf_printf(out, " %s=", key);
	put_clean(out, value);
}

void smtp_client_command_helo(struct smtp_client *c, bool extended, struct buf *out)
{
	c->keywords = 0;
	c->size_max = 0;
	c->auth[0] = '\0';
	c->esmtp = extended;
	c->state = extended ? SMTP_CL_EHLO : SMTP_CL_HELO;
	buf_puts(out, c->cfg->lmtp ? "LHLO " : extended ? "EHLO " : "HELO ");
	put_clean(out, c->cfg->name);
	buf_puts(out, "\r\n");
}

static void put_mail(const struct smtp_client *c, struct buf *out)
{
	const struct smtp_client_message *m = c->msg;

	buf_puts(out, "MAIL FROM:<");
	put_clean(out, m->from);
	buf_putc(out, '>');
	if (m->size && (c->keywords & SMTP_KW_SIZE)) {
		buf_puts(out, " SIZE=");
		buf_putu(out, m->size);
	}
	if (m->eightbit && (c->keywords & SMTP_KW_8BITMIME))
		buf_puts(out, " BODY=8BITMIME");
	if (m->utf8)
		buf_puts(out, " SMTPUTF8");
	if (c->keywords & SMTP_KW_DSN) {
		put_param(out, "RET", m->ret);
		put_param(out, "ENVID", m->envid);
	}
	/* RFC 4954 5: means something only in an authenticated session */
	if (c->authenticated)
		put_param(out, "AUTH", m->auth);
	buf_puts(out, "\r\n");
}

void smtp_client_command(const struct smtp_client *c, size_t n, struct buf *out)
{
	struct smtp_client_rcpt r = {0};

	if (n == 0) {
		put_mail(c, out);
		return;
	}
	if (n > c->msg->rcpts) {
		buf_puts(out, "DATA\r\n");
		return;
	}
	c->msg->rcpt(c->msg->arg, n - 1, &r);
	buf_puts(out, "RCPT TO:<");
	put_clean(out, r.addr);
	buf_putc(out, '>');
	if (c->keywords & SMTP_KW_DSN) {
		put_param(out, "NOTIFY", r.notify);
		put_param(out, "ORCPT", r.orcpt);
	}
	buf_puts(out, "\r\n");
}

bool smtp_client_command_refuses(const struct smtp_client *c, const struct smtp_client_message *msg,
				 struct err *e)
{
	if (msg->utf8 && !(c->keywords & SMTP_KW_SMTPUTF8))
		return !err_perm(e, "5.6.7", "The next host does not take internationalized mail");
	if (msg->eightbit && msg->eightbit_strict && !(c->keywords & SMTP_KW_8BITMIME))
		return !err_perm(e, "5.6.3", "Cannot send 8-bit data to 7-bit destination");
	if ((c->keywords & SMTP_KW_SIZE) && c->size_max && msg->size > c->size_max)
		return !err_perm(e, "5.3.4", "Message is too large; %llu bytes max",
				 (unsigned long long)c->size_max);
	return false;
}

void smtp_client_say(struct smtp_client *c, const char *line, unsigned state, struct buf *out)
{
	buf_puts(out, line);
	c->state = (uint8_t)state;
}
