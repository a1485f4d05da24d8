/* See service/route_relay.h. */
#include "service/route_relay.h"

#include "base/ascii.h"
#include "base/num.h"

enum { SMTP_PORT = 25, LMTP_PORT = 24, SUBMISSION_PORT = 587 };

static uint16_t port_of(struct span word, bool lmtp)
{
	uint64_t n;

	if (num_parse(word, UINT16_MAX, &n) && n)
		return (uint16_t)n;
	/* Names of services that such lines have; there may be no file of them. */
	if (ascii_eq_nocase(word, SPAN("lmtp")))
		return LMTP_PORT;
	if (ascii_eq_nocase(word, SPAN("submission")))
		return SUBMISSION_PORT;
	return lmtp && word.len == 0 ? LMTP_PORT : SMTP_PORT;
}

/* The smart host's URL says more than a mailer's line can. */
static void apply_smarthost(const struct settings *s, struct smarthost *smart,
			    struct mta_target *out)
{
	struct err e;

	if (!s->relay[0] || !smarthost_parse(span_str(s->relay), smart, &e) ||
	    !ascii_eq_nocase(span_str(smart->hosts), out->hosts))
		return;
	/* Another port of that host is not safer: it only may not speak TLS at once. */
	out->tls = smart->tls == MTA_TLS_AT_ONCE && smart->port != out->port ? MTA_TLS_VERIFIED
									     : smart->tls;
	out->auth |= smart->user[0] != '\0';
}

bool route_relay(const struct settings *s, const struct route *r, struct smarthost *smart,
		 struct mta_target *out, struct err *e)
{
	const struct cf_mailer *m = r->mailer;
	struct span rest = m->argv, kind = span_cut(&rest, ' '), host = span_cut(&rest, ' ');
	bool lmtp = m->flags['z' / 64] >> 'z' % 64 & 1;

	*out = (struct mta_target){.protocol = lmtp ? MTA_LMTP : MTA_SMTP,
				   .tls = MTA_TLS_MAY,
				   .hosts = span_str(r->host),
				   .helo = span_str(s->hostname),
				   .max_messages = m->max_msgs > 0 ? (uint32_t)m->max_msgs : 0};
	if (span_eq(kind, SPAN("FILE")) && host.len && host.ptr[0] == '/') {
		out->hosts = host;
	} else if (span_eq(kind, SPAN("TCP")) || span_eq(kind, SPAN("IPC"))) {
		/* Most say $h; some name a host of their own. */
		if (host.len && ascii_is_print(host.ptr[0]) && host.ptr[0] != '$')
			out->hosts = host;
		out->port = port_of(rest, lmtp);
	} else {
		return err_temp(e, "4.3.5", "mailer %.*s: A= begins neither with TCP nor with FILE",
				SPAN_ARG(m->name));
	}
	if (out->hosts.len == 0)
		return err_temp(e, "4.3.5", "mailer %.*s: no host", SPAN_ARG(m->name));
	out->auth = !lmtp && s->checks & 1u << ROUTE_AUTHINFO;
	apply_smarthost(s, smart, out);
	return true;
}
