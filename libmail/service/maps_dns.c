/*
 * Maps that ask the domain name system: host, dns, bestmx, arpa; see service/maps.h.
 *
 * A failure for now is EXIT_TEMPFAIL and nothing else, since rulesets turn it into
 * 4xx replies.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "service/maps_part.h"

enum { SHOWN = 33 }; /* octets of a name in a message, its middle left out */

/* $[ name $]: the canonical name; [1.2.3.4] is looked up by address. */
static int ask_host(struct resolver *r, struct span key, struct buf *out)
{
	int status;

	if (key.len && key.ptr[0] == '[') {
		struct span in = span_skip(key, 1);

		status = resolver_reverse(r, span_head(in, span_index(in, ']')), out);
	} else {
		status = resolver_canon(r, key, true, out);
	}
	while (status == 0 && out->len && out->ptr[out->len - 1] == '.')
		buf_truncate(out, out->len - 1);
	return status;
}

/* The data of the first record, or with -z of all of them, joined by it. */
static int ask_type(struct resolver *r, const struct cf_map *map, struct span key, struct buf *out)
{
	uint16_t type = dns_type_of(map->R);
	struct dns_record rr;
	struct dns_answer a;
	int status = type && key.len ? resolver_ask(r, key, type, &a) : EXIT_NOHOST;
	bool found = false;

	while (status == 0 && dns_next_record(&a, &rr) && (!found || map->z.len)) {
		if (rr.type != type)
			continue;
		if (found)
			buf_put(out, span_head(map->z, 1));
		found = true;
		if (type != DNS_AAAA || rr.data.len != 16) {
			dns_put_data(&rr, out);
			continue;
		}
		buf_puts(out, "IPv6");
		for (int i = 0; i < 16; i += 2)
			buf_printf(out, ":%x",
				   (unsigned)((unsigned char)rr.data.ptr[i] << 8 |
					      (unsigned char)rr.data.ptr[i + 1]));
	}
	return status || found ? status : EXIT_NOHOST;
}

/* The first exchanger, or with -z all of them, joined by it. */
static int ask_bestmx(struct resolver *r, struct cf_map *map, struct span key, struct buf *out)
{
	struct resolver_mx mx[RESOLVER_MX];
	enum resolver_mx_kind kind;
	int n, status = EXIT_NOHOST;

	if (key.len && key.ptr[0] != '[')
		status = resolver_find_mx(r, key, mx, &n, &kind);
	if (key.len && (status == EXIT_NOHOST || (status == 0 && kind == RESOLVER_MX_SELF)))
		return resolver_put_self(r, key, out);
	if (status)
		return status;
	if (kind == RESOLVER_MX_NULL)
		return EXIT_UNAVAILABLE;
	for (int i = 0; i < n; i++) {
		if (i && !map->z.len)
			break;
		if (i)
			buf_put(out, span_head(map->z, 1));
		buf_puts(out, mx[i].name);
		buf_putc(out, '.');
	}
	return n ? 0 : EXIT_NOHOST;
}

int maps_ask(struct maps *m, struct cf_eval *ev, struct cf_map *map, struct span key,
	     struct buf *out)
{
	int status;

	if (!m->resolver)
		return EXIT_TEMPFAIL;
	switch (map->kind) {
	case CFM_HOST:
		status = ask_host(m->resolver, key, out);
		if (status == EXIT_TEMPFAIL)
			cf_report(ev, "", "%.*s%s%.*s: Name server timeout",
				  (int)(key.len >= SHOWN ? SHOWN / 2 - 1 : key.len), key.ptr,
				  key.len >= SHOWN ? "..." : "",
				  (int)(key.len >= SHOWN ? SHOWN / 2 - 1 : 0),
				  key.len >= SHOWN ? key.ptr + key.len - SHOWN / 2 + 1 : "");
		return status;
	case CFM_DNS:
		return ask_type(m->resolver, map, key, out);
	case CFM_BESTMX:
		return ask_bestmx(m->resolver, map, key, out);
	default:
		/* An IPv6 address has its tag here. */
		if (span_index(key, ':') < key.len && !ascii_starts_nocase(key, SPAN("IPv6:")))
			return EXIT_DATAERR;
		return resolver_put_reversed(key, out) ? 0 : EXIT_DATAERR;
	}
}
