/*
 * AUTH towards the smart host (RFC 4954): PLAIN or LOGIN, over TLS only.  See
 * service/relay_part.h.
 */
#include "base/ascii.h"
#include "base/base64.h"
#include "service/relay_part.h"
#include "sys/log.h"

enum { SECRET_MAX = 1024 };

/* Where the exchange stands; the first is that of a new connection. */
enum { AUTH_NONE, AUTH_PLAIN, AUTH_LOGIN, AUTH_LOGIN_USER };

/* The words of the list, one after the other. */
static bool has_word(struct span list, struct span word)
{
	while (list.len)
		if (ascii_eq_nocase(span_cut(&list, ' '), word))
			return true;
	return false;
}

static void say_base64(struct relay_session *s, struct span mech, struct span secret)
{
	char mem[SECRET_MAX * 2];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	base64_encode(secret, &b);
	if (mech.len)
		smtp_client_auth(&s->smtp, mech, buf_span(&b), &s->out);
	else
		smtp_client_auth_line(&s->smtp, buf_span(&b), &s->out);
	buf_wipe(&b);
}

void relay_auth_begin(struct relay_session *s)
{
	const struct relay *r = s->dest->relay;
	char mem[SECRET_MAX];
	struct buf b;

	if (s->auth_step != AUTH_NONE) {
		/* The password may be mended: whatever the server says, it is for now. */
		s->why = s->smtp.err;
		s->why.class = ERR_TEMP;
		memcpy(s->why.status, "4.7.8", 6);
		err_prefix(&s->why, "authentication refused");
		return;
	}
	if (!s->smtp.tls) {
		log_warn("relay=%s: no AUTH without TLS", s->name);
		smtp_client_auth_skip(&s->smtp);
		return;
	}
	if (has_word(span_str(s->smtp.auth), SPAN("PLAIN"))) {
		s->auth_step = AUTH_PLAIN;
		/* RFC 4616: authorization identity, none; user; password. */
		buf_init_fixed(&b, mem, sizeof mem);
		buf_putc(&b, '\0');
		buf_puts(&b, r->url.user);
		buf_putc(&b, '\0');
		buf_put(&b, buf_span(&r->password));
		say_base64(s, SPAN("PLAIN"), buf_span(&b));
		buf_wipe(&b);
	} else if (has_word(span_str(s->smtp.auth), SPAN("LOGIN"))) {
		s->auth_step = AUTH_LOGIN;
		smtp_client_auth(&s->smtp, SPAN("LOGIN"), SPAN(""), &s->out);
	} else {
		log_warn("relay=%s: no mechanism of AUTH that we know", s->name);
		smtp_client_auth_skip(&s->smtp);
	}
}

void relay_auth_answer(struct relay_session *s)
{
	const struct relay *r = s->dest->relay;

	/* LOGIN asks for the name and then for the password, whatever its words for them. */
	if (s->auth_step == AUTH_LOGIN) {
		s->auth_step = AUTH_LOGIN_USER;
		say_base64(s, SPAN(""), span_str(r->url.user));
	} else if (s->auth_step == AUTH_LOGIN_USER) {
		s->auth_step = AUTH_PLAIN;
		say_base64(s, SPAN(""), buf_span(&r->password));
	} else {
		smtp_client_auth_line(&s->smtp, SPAN("*"), &s->out);
	}
}
