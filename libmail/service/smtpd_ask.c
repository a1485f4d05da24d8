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
	smtpd_macros_put(s, &macros);
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
	unsigned bits =
	    1u << ROUTE_CHECK_RELAY | 1u << ROUTE_SRV_FEATURES | 1u << ROUTE_GREET_PAUSE;

	if (s->kind != MTA_L_TCP || !(s->d->settings.checks & bits) ||
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
	const struct submit *f = &s->store->filter;
	bool added = f->flags & SUBMIT_FIX;
	struct mta_verdict v = {0};
	char number[64];
	int fd;

	if (!(s->d->settings.checks & bits))
		return false;
	s->checking = true;
	fd = smtpd_store_file(s->store);
	snprintf(number, sizeof number, "%zu%s%s%s%s", s->store->own,
		 added && !f->has_from ? ",From" : "", added && !f->has_date ? ",Date" : "",
		 added && !f->has_message_id ? ",Message-ID" : "",
		 added && !f->has_to && f->has_bcc ? ",To" : "");
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
	s->named = v->macros.len > 0;
	if (v->address.len)
		snprintf(s->client, sizeof s->client, "%.*s [%s]%s", SPAN_ARG(v->address), s->addr,
			 bad ? " (may be forged)" : "");
}

/* From now on each command gets the words of e. */
static void note_refusal(struct smtpd_session *s, const char *ruleset, const char *arg1,
			 const char *arg2, const struct err *e)
{
	log_info("ruleset=%s, arg1=%s, arg2=%s, relay=%s, reject=%d %s %s", ruleset, arg1, arg2,
		 s->client, err_reply_code(e), e->status, e->text);
	buf_free(&s->refusal);
	buf_init(&s->refusal, ERR_TEXT_MAX + ERR_STATUS_MAX + 8);
	buf_printf(&s->refusal, "%d %s %s", err_reply_code(e), e->status, e->text);
}

void smtpd_ask_tls(struct smtpd_session *s)
{
	s->connecting = s->d->settings.checks & 1u << ROUTE_TLS_CLIENT;
	smtpd_ask_check(s, ROUTE_TLS_CLIENT, SPAN("NO"));
}

void smtpd_ask_connected(struct smtpd_session *s, const struct mta_verdict *v)
{
	s->connecting = false;
	if (s->asked == MTA_CHECK_OTHER) {
		if (v->err.class == ERR_NONE)
			return;
		note_refusal(s, "tls_client", "NO", "STARTTLS", &v->err);
		smtp_server_refuse(&s->smtp, buf_span(&s->refusal));
		return;
	}
	name_client(s, v);
	s->fate = v->fate;
	if (v->err.class != ERR_NONE)
		note_refusal(s, "check_relay", s->client, s->addr, &v->err);
	/* 421 ends the connection; after anything else each command is refused. */
	if (v->err.class != ERR_NONE && err_reply_code(&v->err) == 421) {
		buf_printf(&s->out, "421 %s %s\r\n", v->err.status, v->err.text);
		s->closing = true;
		return;
	}
	span_to_cstr(v->features, s->features, sizeof s->features);
	/* Where TLS comes first, its handshake is no early talk, and proof enough of patience. */
	if (v->pause_ms && v->err.class == ERR_NONE && !s->tls && s->watch.fd >= 0)
		smtpd_greet_pause(s, v->pause_ms);
	else
		smtpd_greet_client(s, false);
}
