/* See service/route_relay.h. */
#include "service/route_relay.h"

#include "base/ascii.h"

enum { SMTP_PORT = 25 };

bool route_relay(const struct settings *s, struct span domain, struct smarthost *url,
		 struct mta_target *out, struct err *e)
{
	*out = (struct mta_target){
	    .tls = MTA_TLS_MAY, .port = SMTP_PORT, .hosts = domain, .helo = span_str(s->hostname)};
	if (!s->relay[0])
		return true;
	if (!smarthost_parse(span_str(s->relay), url, e))
		return false;
	out->protocol = url->protocol;
	out->tls = url->tls;
	out->auth = url->user[0] != '\0';
	out->port = url->port;
	out->hosts = span_str(url->hosts);
	return true;
}

bool route_relay_has_paths(const struct settings *s)
{
	return ascii_starts_nocase(span_str(s->relay), SPAN("lmtp:/"));
}
