/*
 * What rulesets may look at besides the addresses; see service/smtpd.h.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "service/route.h"
#include "service/smtpd.h"
#include "sys/peer.h"

static void put(struct smtpd_session *s, enum route_macro which, const char *value)
{
	if (s->d->settings.checks & 1u << (ROUTE_MACROS + which))
		route_put_macro(&s->macros, route_macros[which], span_str(value));
}

static void put_number(struct smtpd_session *s, enum route_macro which, unsigned value)
{
	char number[12];

	snprintf(number, sizeof number, "%u", value);
	put(s, which, number);
}

/* sendmail's form: letters apart, capitals twice. */
static void put_flags(struct smtpd_session *s, const char *modifiers)
{
	char mem[3 * sizeof((struct settings_listener *)0)->modifiers];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem - 1);
	for (const char *p = modifiers; *p; p++) {
		if (ascii_is_blank(*p))
			continue;
		if (b.len)
			buf_putc(&b, ' ');
		buf_putc(&b, *p);
		if (ascii_lower(*p) != *p)
			buf_putc(&b, *p);
	}
	buf_cstr(&b);
	put(s, ROUTE_M_DAEMON_FLAGS, mem);
}

/* One end of the connection; its port. */
static unsigned describe(const struct sockaddr_storage *ss, char *text, size_t cap)
{
	char plain[PEER_TEXT_MAX] = "";
	struct sockaddr_in in;

	/* The port stands in the same place for both families. */
	memcpy(&in, ss, sizeof in);
	peer_describe(ss, plain, sizeof plain);
	snprintf(text, cap, "%s%s", strchr(plain, ':') ? "IPv6:" : "", plain);
	return ntohs(in.sin_port);
}

void smtpd_macros_begin(struct smtpd_session *s, const struct smtpd_listener *l)
{
	const struct settings_listener *o;
	char text[PEER_TEXT_MAX + 8], any[sizeof o->addr + 8];
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;
	unsigned open, rate, port;
	bool six;

	if (!l || s->kind != MTA_L_TCP || !(s->d->settings.checks >> ROUTE_MACROS))
		return;
	/* gate sends the listeners in the order of the settings. */
	o = &s->d->settings.listeners[l - s->d->listeners];
	getpeername(s->watch.fd, (struct sockaddr *)&ss, &len);
	put_number(s, ROUTE_M_CLIENT_PORT, describe(&ss, text, sizeof text));
	smtpd_accept_count(s->d, s->source, &open, &rate);
	put_number(s, ROUTE_M_CONNECTIONS, open);
	put_number(s, ROUTE_M_RATE, rate);
	put_number(s, ROUTE_M_TOTAL_RATE, smtpd_accept_total(s->d));
	len = sizeof ss;
	getsockname(s->watch.fd, (struct sockaddr *)&ss, &len);
	port = describe(&ss, text, sizeof text);
	six = text[0] == 'I';
	snprintf(any, sizeof any, "%s%s", six ? "IPv6:" : "",
		 o->addr[0] ? o->addr
		 : six      ? "::"
			    : "0.0.0.0");
	put(s, ROUTE_M_DAEMON_ADDR, any);
	put_number(s, ROUTE_M_DAEMON_PORT, port);
	put(s, ROUTE_M_DAEMON_FAMILY, six ? "inet6" : "inet");
	put_flags(s, o->modifiers);
	/* As sendmail: of the loopback interface there is nothing to tell. */
	if (strncmp(text, "127.", 4) == 0 || strcmp(text, "IPv6:::1") == 0)
		return;
	put(s, ROUTE_M_IF_ADDR, text);
	put(s, ROUTE_M_IF_NAME, s->d->settings.hostname);
	put_number(s, ROUTE_M_IF_FAMILY, six ? AF_INET6 : AF_INET);
}

void smtpd_macros_put(const struct smtpd_session *s, struct buf *b)
{
	char number[24];

	if (s->kind == MTA_L_TCP && !s->named)
		route_put_macro(b, "{client_name}", span_str(s->client));
	buf_put(b, buf_span(&s->macros));
	buf_put(b, buf_span(&s->mail_macros));
	route_put_macro(b, "r", s->smtp.esmtp ? SPAN("ESMTP") : SPAN("SMTP"));
	route_put_macro(b, "_", span_str(s->client));
	route_put_macro(b, "{daemon_name}", span_str(s->listener));
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
		snprintf(number, sizeof number, "%u", tls_cipher_bits(s->tls));
		route_put_macro(b, "{cipher_bits}", span_str(number));
		route_put_macro(b, "{verify}", SPAN("NO"));
	}
}
