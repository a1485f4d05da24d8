/*
 * A client's name, and what rulesets grant it; see service/schedule.h.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "service/schedule.h"

/* Does name have this address?  A sysexits status, or pending. */
static int confirm(struct resolver *r, struct span name, struct span addr, bool six)
{
	unsigned char want[16];
	size_t len = six ? 16 : 4;
	struct dns_record rr;
	struct dns_answer a;
	char text[64];
	int status;

	if (!span_to_cstr(addr, text, sizeof text) ||
	    inet_pton(six ? AF_INET6 : AF_INET, text, want) != 1)
		return EXIT_NOHOST;
	status = resolver_ask(r, name, six ? DNS_AAAA : DNS_A, &a);
	while (status == 0 && dns_next_record(&a, &rr))
		if (rr.data.len == len && memcmp(rr.data.ptr, want, len) == 0 &&
		    rr.type == (six ? DNS_AAAA : DNS_A))
			return 0;
	return status ? status : EXIT_NOHOST;
}

bool schedule_client_name(struct schedule *q, struct span addr, struct buf *name, const char **how)
{
	struct resolver *r = &q->config->resolver;
	bool six = span_starts(addr, SPAN("IPv6:"));
	struct span plain = span_skip(addr, six ? 5 : 0);
	int status = q->may_ask ? resolver_reverse(r, plain, name) : EXIT_NOHOST;

	*how = status == EXIT_TEMPFAIL ? "TEMP" : "FAIL";
	if (status == 0 && resolver_hosts_line(r, plain).len == 0) {
		status = confirm(r, buf_span(name), plain, six);
		*how = status == EXIT_NOHOST ? "FORGED" : "TEMP";
	}
	if (status == 0)
		*how = "OK";
	return status != RESOLVER_PENDING;
}

void schedule_client_service(struct schedule *q, struct span name, struct buf *letters,
			     struct mta_verdict *v)
{
	struct span words[MTA_FEATURES_MAX];
	size_t n = MTA_FEATURES_MAX;
	uint64_t pause;
	bool later;

	later =
	    route_words(q->config, ROUTE_SRV_FEATURES, name, SPAN(""), words, &n) == EXIT_TEMPFAIL;
	for (size_t i = 0; i < n; i++) {
		later |= span_eq(words[i], SPAN("temp"));
		buf_put(letters, span_head(words[i], 1));
	}
	v->features = buf_span(letters);
	if (later) {
		err_temp(&v->err, "4.3.0", "Please try again later.");
		v->err.reply = 450;
		return;
	}
	n = 1;
	route_words(q->config, ROUTE_GREET_PAUSE, name, route_client_addr(q->config), words, &n);
	if (n && num_parse(words[0], UINT32_MAX, &pause))
		v->pause_ms = pause < MTA_PAUSE_MAX ? (uint32_t)pause : MTA_PAUSE_MAX;
}
