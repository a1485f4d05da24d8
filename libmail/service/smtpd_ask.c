/*
 * Questions to the queue role, which decides by the configuration; see service/smtpd.h.
 *
 * One question is open at a time: the machine takes no further command until it is answered.
 */
#include <stdio.h>
#include <string.h>

#include "service/route.h"
#include "service/smtpd.h"
#include "sys/log.h"

/* What rulesets may want to know besides the addresses. */
static void put_macros(const struct smtpd_session *s, struct buf *b)
{
	char number[24];

	buf_put(b, buf_span(&s->macros));
	buf_put(b, buf_span(&s->mail_macros));
	route_put_macro(b, "r", s->smtp.esmtp ? SPAN("ESMTP") : SPAN("SMTP"));
	route_put_macro(b, "_", span_str(s->client));
	route_put_macro(b, "{daemon_name}", span_str(s->listener));
	if (s->kind == MTA_L_TCP && s->macros.len == 0)
		route_put_macro(b, "{client_name}", span_str(s->client));
	snprintf(number, sizeof number, "%u", s->nrcpts);
	route_put_macro(b, "{nrcpts}", span_str(number));
	snprintf(number, sizeof number, "%u", s->bad_rcpts);
	route_put_macro(b, "{nbadrcpts}", span_str(number));
	if (s->smtp.mail.size) {
		snprintf(number, sizeof number, "%llu", (unsigned long long)s->smtp.mail.size);
		route_put_macro(b, "{msg_size}", span_str(number));
	}
	if (s->tls) {
		route_put_macro(b, "{tls_version}", span_str(tls_version_name(s->tls)));
		route_put_macro(b, "{cipher}", span_str(tls_cipher_name(s->tls)));
		route_put_macro(b, "{verify}", SPAN("NO"));
	}
}

static bool ask(struct smtpd_session *s, enum mta_type type, struct span arg, int fd)
{
	char mem[WIRE_MAX], list[MTA_MACROS_MAX];
	struct buf b, macros;
	struct mta_check c = {
	    .origin = {.addr = span_str(s->addr),
		       .helo = smtp_server_helo(&s->smtp),
		       .uid = s->uid,
		       .tls = s->smtp.tls},
	    .sender = type == MTA_CHECK_MAIL ? s->smtp.addr : buf_span(&s->sender),
	    .rcpt = arg,
	};
	struct mta_verdict v;

	buf_init_fixed(&macros, list, sizeof list);
	put_macros(s, &macros);
	/* Without room for all of them none is sent: rulesets must not be fooled by length. */
	c.macros = buf_span(&macros);
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_check(&b, type, s->id, &c);
	if (!buf_ok(&b) || !buf_ok(&macros) || !ipc_is_open(&s->d->queue_role))
		return false;
	s->asked = type;
	/* What else there is to ask depends on more than the question holds. */
	if ((type == MTA_CHECK_MAIL || type == MTA_CHECK_RCPT) && smtpd_known_verdict(s, &b, &v)) {
		smtpd_event_verdict(s, &v);
		return true;
	}
	s->asked_open = true;
	/* The answer finds the session by its id, or nothing if it has gone meanwhile. */
	ipc_send(&s->d->queue_role, &b, &fd, fd >= 0);
	return true;
}

void smtpd_ask(struct smtpd_session *s, enum mta_type type, struct span arg)
{
	struct mta_verdict v = {0};

	if (ask(s, type, arg, -1))
		return;
	s->asked = type;
	err_temp(&v.err, "4.3.0", "address verification is not available now");
	smtpd_event_verdict(s, &v);
}

bool smtpd_ask_connect(struct smtpd_session *s)
{
	if (s->kind != MTA_L_TCP || !(s->d->settings.checks & 1u << ROUTE_CHECK_RELAY) ||
	    !ask(s, MTA_CHECK_CONNECT, SPAN(""), -1))
		return false;
	s->connecting = true;
	return true;
}

bool smtpd_ask_check(struct smtpd_session *s, unsigned which, struct span arg)
{
	char mem[MTA_ADDR_MAX];
	struct buf b;

	if (!(s->d->settings.checks & 1u << which))
		return false;
	buf_init_fixed(&b, mem, sizeof mem);
	buf_putc(&b, (char)which);
	buf_put(&b, arg);
	smtpd_ask(s, MTA_CHECK_OTHER, buf_span(&b));
	return true;
}

bool smtpd_ask_message(struct smtpd_session *s)
{
	unsigned bits = 1u << ROUTE_CHECK_EOH | 1u << ROUTE_CHECK_HEADER;
	struct mta_verdict v = {0};
	char number[24];
	int fd;

	if (!(s->d->settings.checks & bits))
		return false;
	s->checking = true;
	fd = smtpd_store_file(s->store);
	snprintf(number, sizeof number, "%zu", s->store->own);
	if (fd >= 0 && ask(s, MTA_CHECK_EOM, span_str(number), fd))
		return true;
	s->asked = MTA_CHECK_EOM;
	err_temp(&v.err, "4.3.0", "the message cannot be checked now");
	smtpd_event_verdict(s, &v);
	return true;
}

/* The name goes where the client reads it, too. */
static void name_client(struct smtpd_session *s, const struct mta_verdict *v)
{
	static const char forged[] = "{client_resolve}\0FORGED";
	bool bad =
	    v->macros.len && memmem(v->macros.ptr, v->macros.len, forged, sizeof forged) != NULL;

	buf_put(&s->macros, v->macros);
	if (v->address.len)
		snprintf(s->client, sizeof s->client, "%.*s [%s]%s", SPAN_ARG(v->address), s->addr,
			 bad ? " (may be forged)" : "");
}

void smtpd_ask_connected(struct smtpd_session *s, const struct mta_verdict *v)
{
	s->connecting = false;
	name_client(s, v);
	s->fate = v->fate;
	if (v->err.class == ERR_NONE) {
		smtpd_session_greet(s);
		return;
	}
	log_info("ruleset=check_relay, arg1=%s, arg2=%s, relay=%s, reject=%d %s %s", s->client,
		 s->addr, s->client, err_reply_code(&v->err), v->err.status, v->err.text);
	/* 421 ends the connection; after anything else each command is refused. */
	if (err_reply_code(&v->err) == 421) {
		buf_printf(&s->out, "421 %s %s\r\n", v->err.status, v->err.text);
		s->closing = true;
		return;
	}
	buf_init(&s->refusal, ERR_TEXT_MAX + ERR_STATUS_MAX + 8);
	buf_printf(&s->refusal, "%d %s %s", err_reply_code(&v->err), v->err.status, v->err.text);
	smtpd_session_greet(s);
}
