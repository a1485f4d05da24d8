/* See service/smarthost.h. */
#include "service/smarthost.h"

#include "base/ascii.h"
#include "base/num.h"

/* Without the URL itself: somebody may have put a password into it. */
static bool wrong(const char *what, struct err *e)
{
	return err_perm(e, "5.3.5",
			"%s; expected smtps://USER@HOST:PORT, smtp://USER@HOST:PORT, "
			"smtp+plain://HOST:PORT or lmtp:/PATH",
			what);
}

static int hex(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_user(struct span s, char out[SMARTHOST_USER_MAX])
{
	size_t n = 0;

	while (s.len && n < SMARTHOST_USER_MAX - 1) {
		int high = s.len > 2 ? hex(s.ptr[1]) : -1;
		int low = s.len > 2 ? hex(s.ptr[2]) : -1;
		bool coded = s.ptr[0] == '%' && high >= 0 && low >= 0;

		out[n++] = coded ? (char)(high << 4 | low) : s.ptr[0];
		if (!ascii_is_print(out[n - 1]))
			return false;
		s = span_skip(s, coded ? 3 : 1);
	}
	out[n] = '\0';
	return s.len == 0;
}

/* "host", "host:port", "[2001:db8::1]:port". */
static bool take_host(struct span s, struct smarthost *out, struct err *e)
{
	size_t close = s.len && s.ptr[0] == '[' ? span_index(s, ']') : 0;
	size_t colon = close + span_index(span_skip(s, close), ':');
	struct span host = span_head(s, colon), port = span_skip(s, colon + 1);
	uint64_t number;
	struct buf b;

	if (s.len && s.ptr[0] == '[' && close == s.len)
		return wrong("a bracket is open", e);
	if (colon < s.len) {
		if (!num_parse(port, UINT16_MAX, &number) || number == 0)
			return wrong("the port is no number", e);
		out->port = (uint16_t)number;
	}
	if (host.len && host.ptr[0] == '[')
		host = span_head(span_skip(host, 1), close ? close - 1 : 0);
	for (size_t i = 0; i < host.len; i++)
		if (!ascii_is_alnum(host.ptr[i]) && !memchr(".-_:", host.ptr[i], 4))
			return wrong("the host's name is none", e);
	if (host.len == 0)
		return wrong("there is no host", e);
	/* Brackets: this very host, and not its mail exchangers. */
	buf_init_fixed(&b, out->hosts, sizeof out->hosts);
	buf_puts(&b, span_index(host, ':') < host.len ? "[IPv6:" : "[");
	buf_put(&b, host);
	buf_putc(&b, ']');
	buf_cstr(&b);
	return buf_ok(&b) || wrong("the host's name is too long", e);
}

bool smarthost_parse(struct span url, struct smarthost *out, struct err *e)
{
	static const struct {
		struct span prefix;
		enum mta_protocol protocol;
		enum mta_tls tls;
		uint16_t port;
	} schemes[] = {
	    {{"smtps://", 8}, MTA_SMTP, MTA_TLS_AT_ONCE, 465},
	    {{"smtp://", 7}, MTA_SMTP, MTA_TLS_VERIFIED, 587},
	    {{"smtp+plain://", 13}, MTA_SMTP, MTA_TLS_MAY, 25},
	    {{"lmtp://", 7}, MTA_LMTP, MTA_TLS_MAY, 24},
	};
	struct span rest;
	size_t at;

	*out = (struct smarthost){0};
	if (ascii_starts_nocase(url, SPAN("lmtp:/")) &&
	    !ascii_starts_nocase(url, SPAN("lmtp://"))) {
		out->protocol = MTA_LMTP;
		return span_to_cstr(span_skip(url, 5), out->hosts, sizeof out->hosts) ||
		       wrong("the path is too long", e);
	}
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (!ascii_starts_nocase(url, schemes[i].prefix))
			continue;
		out->protocol = schemes[i].protocol;
		out->tls = schemes[i].tls;
		out->port = schemes[i].port;
		rest = span_skip(url, schemes[i].prefix.len);
		while (rest.len && rest.ptr[rest.len - 1] == '/')
			rest.len--;
		/* The last '@': a user name may have one of its own. */
		for (at = rest.len; at > 0 && rest.ptr[at - 1] != '@'; at--)
			;
		if (at > 0 && !decode_user(span_head(rest, at - 1), out->user))
			return wrong("the user's name is too long or has a bad octet", e);
		return take_host(span_skip(rest, at), out, e);
	}
	return wrong("the scheme is not known", e);
}
