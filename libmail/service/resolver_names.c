/*
 * Canonical names, names of addresses and mail exchangers; see service/resolver.h.
 *
 * The order of questions is that of sendmail, since $[ $] must find what it finds:
 * AAAA, A and then MX, for the name and for each suffix of the search list.
 */
#include "service/resolver.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/err.h"
#include "format/address.h"

enum { CNAME_MAX = 10 }; /* MAXCNAMEDEPTH: links that are followed */

/* What one question of resolver_canon found. */
enum found {
	FOUND_NOTHING,
	FOUND_ADDRESS,
	FOUND_MX,
	FOUND_ALIAS,
	FOUND_NO_NAME,
	FOUND_ERROR,
	FOUND_PENDING,
};

static enum found look(struct resolver *r, struct span name, uint16_t type,
		       char alias[DNS_NAME_MAX])
{
	struct dns_record rr;
	struct dns_answer a;
	int status = resolver_ask(r, name, type, &a);
	bool is_alias = false;

	if (status == RESOLVER_PENDING)
		return FOUND_PENDING;
	if (status)
		return status == EXIT_NOHOST ? FOUND_NO_NAME : FOUND_ERROR;
	while (dns_next_record(&a, &rr)) {
		/* An alias in front of the records means that they are another name's. */
		if (rr.type == type && !is_alias)
			return type == DNS_MX ? FOUND_MX : FOUND_ADDRESS;
		if (rr.type == DNS_CNAME) {
			memcpy(alias, rr.target, DNS_NAME_MAX);
			is_alias = true;
		}
	}
	return is_alias ? FOUND_ALIAS : FOUND_NOTHING;
}

/* The whole name, or base.suffix, asked for in each type of interest. */
static enum found look_all(struct resolver *r, struct span full, bool mx_too,
			   char alias[DNS_NAME_MAX])
{
	static const uint16_t types[] = {DNS_AAAA, DNS_A, DNS_MX};
	enum found best = FOUND_NOTHING;

	for (int i = 0; i < (mx_too ? 3 : 2); i++) {
		enum found f = look(r, full, types[i], alias);

		/* The first that says anything decides; no records of a type say nothing. */
		if (f != FOUND_NOTHING)
			return f;
	}
	return best;
}

static int canon_dns(struct resolver *r, struct span name, bool use_mx, struct buf *out, int depth)
{
	char alias[DNS_NAME_MAX], full[DNS_NAME_MAX * 2];
	bool absolute = name.len && name.ptr[name.len - 1] == '.', dotted, saved = false;
	int status = EXIT_NOHOST;
	struct buf b;

	if (absolute)
		name.len--;
	dotted = absolute || span_index(name, '.') < name.len;
	/* With a dot the name is tried as it is, then with the suffixes; without only with them. */
	for (int i = dotted ? -1 : 0; i < (absolute ? 0 : r->searches); i++) {
		enum found f;

		buf_init_fixed(&b, full, sizeof full);
		buf_put(&b, name);
		if (i >= 0) {
			buf_putc(&b, '.');
			buf_puts(&b, r->search[i]);
		}
		/* An MX is as good as an address for a name that was written in full. */
		f = look_all(r, buf_span(&b), use_mx || i < 0, alias);
		/* A suffix that cannot be asked about is passed over, the name itself is not. */
		if (f == FOUND_ERROR && i < 0)
			return EXIT_TEMPFAIL;
		if (f == FOUND_PENDING)
			return RESOLVER_PENDING;
		if (f == FOUND_ALIAS)
			return depth < CNAME_MAX
				   ? canon_dns(r, span_str(alias), use_mx, out, depth + 1)
				   : EXIT_NOHOST;
		/* An MX is remembered, but an address under a later suffix is better. */
		if (f == FOUND_ADDRESS || (f == FOUND_MX && !saved)) {
			buf_reset(out);
			buf_put(out, buf_span(&b));
			saved = true;
			status = 0;
		}
		if (f == FOUND_ADDRESS)
			break;
	}
	return status;
}

/* No name of the DNS (RFC 1035 3.1): a label is empty, other than the root's at the end. */
static bool has_empty_label(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == '.' && (i == 0 || name.ptr[i - 1] == '.'))
			return true;
	return name.len == 0;
}

/*
 * The names of the hosts file's line that has name.  Our own domain, or with no dot at its end
 * the first labels of it, may be missing there.
 */
static struct span hosts_line(const struct resolver *r, struct span name)
{
	struct span own = span_str(r->own_domain), line, address, domain;
	bool absolute = false;

	/* A hosts file knows no absolute names. */
	for (; name.len && name.ptr[name.len - 1] == '.'; name.len--)
		absolute = true;
	domain = name;
	span_cut(&domain, '.');
	line = resolver_hosts_line(r, name);
	if (!line.len && domain.len && ascii_starts_nocase(own, domain) &&
	    (own.len == domain.len || (!absolute && own.ptr[domain.len] == '.')))
		line = resolver_hosts_line(r, span_head(name, span_index(name, '.')));
	/* An address is no name. */
	address = line;
	for (struct span w = resolver_word(&address); w.len; w = resolver_word(&address))
		if (ascii_eq_nocase(w, name) ||
		    ascii_eq_nocase(w, span_head(name, span_index(name, '.'))))
			return line;
	return (struct span){NULL, 0};
}

int resolver_canon(struct resolver *r, struct span name, bool use_mx, struct buf *out)
{
	struct span first = {NULL, 0}, line = hosts_line(r, name), w;

	for (w = resolver_word(&line); w.len; w = resolver_word(&line)) {
		if (!first.len)
			first = w;
		/* The first name with a dot is the canonical one in a hosts file. */
		if (span_index(w, '.') < w.len) {
			buf_put(out, w);
			return 0;
		}
	}
	if (first.len) {
		buf_put(out, first);
		if (r->own_domain[0]) {
			buf_putc(out, '.');
			buf_puts(out, r->own_domain);
		}
		return 0;
	}
	/* Nobody needs to be asked, and no answer could be waited for. */
	if (has_empty_label(name))
		return EXIT_NOHOST;
	return canon_dns(r, name, use_mx, out, 0);
}

bool resolver_put_reversed(struct span address, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char a[16];

	if (ascii_starts_nocase(address, SPAN("IPv6:")))
		address = span_skip(address, 5);
	if (!span_to_cstr(address, text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, a) == 1) {
		buf_printf(out, "%u.%u.%u.%u", a[3], a[2], a[1], a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, text, a) != 1)
		return false;
	for (int i = 15; i >= 0; i--)
		buf_printf(out, "%x.%x%s", a[i] & 15u, a[i] >> 4u, i ? "." : "");
	return true;
}

int resolver_reverse(struct resolver *r, struct span address, struct buf *out)
{
	struct span line = resolver_hosts_line(r, address);
	char mem[DNS_NAME_MAX];
	struct dns_record rr;
	struct dns_answer a;
	struct buf b;
	int status;

	if (line.len) {
		buf_put(out, resolver_word(&line));
		return 0;
	}
	buf_init_fixed(&b, mem, sizeof mem);
	if (!resolver_put_reversed(address, &b))
		return EXIT_NOHOST;
	/* RFC 1035 3.5, RFC 3596 2.5 */
	buf_puts(&b, span_index(address, ':') < address.len ? ".ip6.arpa" : ".in-addr.arpa");
	status = resolver_ask(r, buf_span(&b), DNS_PTR, &a);
	while (status == 0 && dns_next_record(&a, &rr)) {
		if (rr.type == DNS_PTR) {
			buf_puts(out, rr.target);
			return 0;
		}
	}
	return status ? status : EXIT_NOHOST;
}

int resolver_find_mx(struct resolver *r, struct span name, struct resolver_mx mx[RESOLVER_MX],
		     int *n, enum resolver_mx_kind *kind)
{
	struct dns_record rr;
	struct dns_answer a;
	int status = resolver_ask(r, name, DNS_MX, &a);

	*n = 0;
	*kind = RESOLVER_MX_SELF;
	if (status)
		return status;
	while (*n < RESOLVER_MX && dns_next_record(&a, &rr)) {
		int i = *n;

		if (rr.type == DNS_CNAME && i == 0)
			*kind = RESOLVER_MX_ALIAS;
		if (rr.type != DNS_MX)
			continue;
		*kind = RESOLVER_MX_FOUND;
		/* Sorted as they come; equal ones stay in the order of the answer. */
		while (i > 0 && mx[i - 1].preference > rr.preference) {
			mx[i] = mx[i - 1];
			i--;
		}
		memcpy(mx[i].name, rr.target, DNS_NAME_MAX);
		mx[i].preference = rr.preference;
		++*n;
	}
	/* RFC 7505: "." as the only exchanger means that the domain takes no mail. */
	if (*n == 1 && mx[0].name[0] == '\0') {
		*n = 0;
		*kind = RESOLVER_MX_NULL;
	}
	return 0;
}

int resolver_put_self(struct resolver *r, struct span host, struct buf *out)
{
	struct span name = host;
	bool literal = host.len && host.ptr[0] == '[';
	int status;

	if (literal && address_literal_kind(host, &name) != ADDRESS_LITERAL_NAME &&
	    name.ptr != host.ptr) {
		buf_put(out, host);
		return 0;
	}
	status = resolver_canon(r, name, false, out);
	if (status == 0)
		buf_putc(out, '.');
	return status;
}
