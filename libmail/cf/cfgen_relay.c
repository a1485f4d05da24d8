/*
 * The relay's address: "smtps://user@host:465", "mailer:host" or "host"; see cf/cfgen.h.
 */
#include "base/ascii.h"
#include "base/base64.h"
#include "base/num.h"
#include "cf/cfgen_part.h"

struct relay {
	struct span mailer, host, user, port; /* host as it is to stand behind $@ */
	struct span socket;                   /* of lmtp:/path */
	bool tls, lmtp, url;
};

static const struct {
	const char *scheme, *port;
	bool tls, lmtp;
} schemes[] = {
    {"smtp://", "587", true, false},
    {"smtps://", "465", true, false},
    {"smtp+plain://", "25", false, false},
    {"lmtp://", "24", false, true},
};

/* The port stands behind the last colon that no bracket follows. */
static void cut_port(struct span *host, struct span *port)
{
	size_t at = host->len;

	while (at > 0 && host->ptr[at - 1] != ':' && host->ptr[at - 1] != ']')
		at--;
	if (at == 0 || host->ptr[at - 1] != ':')
		return;
	*port = span_skip(*host, at);
	*host = span_head(*host, at - 1);
}

static bool parse_url(struct relay *r, struct span value)
{
	size_t at, slash;

	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		struct span scheme = span_str(schemes[i].scheme);

		if (!ascii_starts_nocase(value, scheme))
			continue;
		r->url = true;
		r->tls = schemes[i].tls;
		r->lmtp = schemes[i].lmtp;
		r->port = span_str(schemes[i].port);
		value = span_skip(value, scheme.len);
		slash = span_index(value, '/');
		if (slash + 1 < value.len)
			return false;
		value = span_head(value, slash);
		/* The user's name may hold an @: the last one divides. */
		for (at = value.len; at > 0 && value.ptr[at - 1] != '@';)
			at--;
		if (at) {
			r->user = span_head(value, at - 1);
			value = span_skip(value, at);
		}
		cut_port(&value, &r->port);
		r->host = value;
		return value.len > 0;
	}
	return false;
}

/* "mailer:host" has a colon that no port stands behind, and that is in no bracket. */
static bool parse(struct relay *r, struct span value)
{
	struct span rest = value, first;
	uint64_t number;

	*r = (struct relay){.mailer = SPAN("relay"), .port = {NULL, 0}};
	if (span_starts(value, SPAN("lmtp:/"))) {
		r->socket = span_skip(value, 5);
		r->host = SPAN("localhost");
		return true;
	}
	if (span_index(value, '/') < value.len)
		return parse_url(r, value) && num_parse(r->port, 65535, &number) && number > 0;
	first = span_cut(&rest, ':');
	if (rest.len && value.ptr[0] != '[' && !num_parse(rest, 65535, &number)) {
		r->mailer = first;
		value = rest;
	}
	cut_port(&value, &r->port);
	r->host = value;
	return value.len > 0 && (r->port.len == 0 || num_parse(r->port, 65535, &number));
}

/* The brackets of a URL's IPv6 address are not those of sendmail. */
static void put_relay_host(const struct relay *r, struct buf *out)
{
	struct span host = r->host;

	buf_put(out, r->mailer);
	buf_putc(out, ':');
	if (r->url && host.ptr[0] == '[') {
		host = span_skip(host, 1);
		buf_puts(out,
			 span_index(host, ':') < host.len && host.ptr[0] != 'I' ? "[IPv6:" : "[");
		buf_put(out, host);
	} else if (r->url) {
		buf_printf(out, "[%.*s]", SPAN_ARG(host));
	} else {
		buf_put(out, host);
	}
}

static struct span inner_host(struct span host)
{
	if (host.len > 1 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = span_make(host.ptr + 1, host.len - 2);
	return host;
}

/* relay is the mailer with the port of the relay's; the others use the usual one. */
static void mailer_lines(struct cfgen *g, const struct relay *r, struct buf *b)
{
	buf_puts(b, g->full ? "smtp=:TCP $h\nesmtp=:TCP $h\n" : "smtp=:TCP $h\n");
	if (r->socket.len)
		buf_printf(b, "relay=z:FILE %.*s\n", SPAN_ARG(r->socket));
	else if (r->host.len || g->full)
		buf_printf(b, "relay=%s:TCP $h%s%.*s\n", r->lmtp ? "z" : "", r->port.len ? " " : "",
			   SPAN_ARG(r->port));
	cfgen_derive(g, "mailers", buf_span(b), NULL);
	buf_reset(b);
}

static void spool_name(struct cfgen *g)
{
	struct span host = cfgen_get(g, "SPOOL_HOST");
	size_t colon = span_index(host, ':');

	if (colon < span_index(host, '['))
		host = span_skip(host, colon < host.len ? colon + 1 : 0);
	cfgen_derive(g, "spool_name", inner_host(host), "SPOOL_HOST");
}

/* In base64: a rule would not take every octet for what it is. */
static void encode_password(struct cfgen *g, struct buf *b)
{
	struct span s = cfgen_get(g, "RELAY_PASSWORD");

	base64_encode(s, b);
	cfgen_derive(g, "relay_secret", buf_span(b), "RELAY_PASSWORD");
	if (s.len || cfgen_get(g, "RELAY_AUTH_MAP").len)
		cfgen_derive(g, "relay_auth", SPAN("yes"), NULL);
	buf_reset(b);
}

bool cfgen_prepare_relay(struct cfgen *g)
{
	struct span value = cfgen_get(g, "DEFAULT_RELAY");
	struct relay r = {.tls = false};
	struct buf b;

	if (value.len && !parse(&r, value)) {
		cfgen_report(g, true, NULL, 0, 0,
			     "as mail.example.org, smtp:[192.0.2.1] or "
			     "smtps://user@mail.example.org:465",
			     "DEFAULT_RELAY: no relay's address");
		return false;
	}
	if (value.len == 0 && span_eq(cfgen_get(g, "output"), SPAN("null"))) {
		cfgen_report(g, true, NULL, 0, 0, "", "a null client needs a DEFAULT_RELAY");
		return false;
	}
	buf_init(&b, CFGEN_VALUE_MAX);
	mailer_lines(g, &r, &b);
	encode_password(g, &b);
	if (value.len) {
		put_relay_host(&r, &b);
		cfgen_derive(g, "relay_host", buf_span(&b), "DEFAULT_RELAY");
	}
	g->mem.failed |= !buf_ok(&b);
	buf_free(&b);
	if (r.url || r.socket.len)
		cfgen_derive(g, "relay_url", SPAN("yes"), "DEFAULT_RELAY");
	cfgen_derive(g, "relay_name", inner_host(r.host), "DEFAULT_RELAY");
	if (r.user.len)
		cfgen_derive(g, "RELAY_USER", r.user, "DEFAULT_RELAY");
	/* In memory the relay's own role sees to TLS and AUTH. */
	if (r.tls && g->full)
		cfgen_derive(g, "relay_tls", SPAN("yes"), NULL);
	spool_name(g);
	return true;
}
