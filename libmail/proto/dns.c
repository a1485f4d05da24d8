/*
 * DNS messages (RFC 1035 section 4, RFC 3596 for AAAA); see proto/dns.h.
 *
 * Must not trust a length or pointer of a message, and must not loop: a
 * pointer is followed only to a smaller offset.
 */
#include "proto/dns.h"

#include "base/ascii.h"

/* HEADER and LABEL_MAX in octets; a pointer is told by both high bits. */
enum { HEADER = 12, LABEL_MAX = 63, CLASS_IN = 1, POINTER = 0xc0 };
enum { FLAG_RD = 0x01, FLAG_TC = 0x02, FLAG_QR = 0x80 };

static const struct {
	const char *name;
	uint16_t type;
} types[] = {
    {"A", DNS_A},     {"AAAA", DNS_AAAA}, {"CNAME", DNS_CNAME}, {"MX", DNS_MX},     {"NS", DNS_NS},
    {"PTR", DNS_PTR}, {"SRV", DNS_SRV},   {"TXT", DNS_TXT},     {"TLSA", DNS_TLSA},
};

uint16_t dns_type_of(struct span name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (ascii_eq_nocase(span_str(types[i].name), name))
			return types[i].type;
	return 0;
}

static void put16(struct buf *out, unsigned v)
{
	buf_putc(out, (char)(v >> 8));
	buf_putc(out, (char)v);
}

static unsigned get16(struct span s, size_t at)
{
	return (unsigned)(unsigned char)s.ptr[at] << 8 | (unsigned char)s.ptr[at + 1];
}

/*
 * One question, recursion wanted, no EDNS: answers beyond 512 octets come truncated and
 * are asked for again over TCP.
 */
bool dns_put_query(struct buf *out, uint16_t id, struct span name, uint16_t type)
{
	size_t total = 0;

	put16(out, id);
	buf_putc(out, FLAG_RD);
	buf_putc(out, '\0');
	put16(out, 1);
	for (int i = 0; i < 3; i++)
		put16(out, 0);
	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	while (name.len) {
		struct span label = span_cut(&name, '.');

		/* The name on the wire: a length octet before each label and a zero at the end. */
		total += label.len + 1;
		if (label.len == 0 || label.len > LABEL_MAX || total >= DNS_NAME_MAX - 1)
			return false;
		buf_putc(out, (char)label.len);
		buf_put(out, label);
	}
	buf_putc(out, '\0');
	put16(out, type);
	put16(out, CLASS_IN);
	return buf_ok(out);
}

/*
 * A label may hold any octet: dots in it are escaped, and what a terminal would obey is
 * hidden, since the text ends up in logs and in the rulesets.
 */
static bool put_label(struct buf *out, struct span label)
{
	if (out->len)
		buf_putc(out, '.');
	for (; label.len; label = span_skip(label, 1)) {
		if (label.ptr[0] == '.' || label.ptr[0] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, ascii_is_print(label.ptr[0]) ? label.ptr[0] : '?');
	}
	return buf_ok(out);
}

/* The name at *at, as text; *at goes behind it. */
static bool get_name(struct span msg, size_t *at, char name[DNS_NAME_MAX])
{
	/* The lowest offset seen so far: each pointer must go below it, so a chain of them ends. */
	size_t i = *at, lowest = *at;
	bool jumped = false;
	struct buf b;

	buf_init_fixed(&b, name, DNS_NAME_MAX - 1);
	for (;;) {
		unsigned n;

		if (i >= msg.len)
			return false;
		n = (unsigned char)msg.ptr[i++];
		/*
		 * RFC 1035 section 4.1.4; 0x40 and 0x80 are no labels and are refused by
		 * LABEL_MAX.
		 */
		if ((n & POINTER) == POINTER) {
			size_t to;

			if (i >= msg.len)
				return false;
			to = (n & 0x3f) << 8 | (unsigned char)msg.ptr[i++];
			/* Reading goes on behind the first pointer, wherever the others lead. */
			if (!jumped)
				*at = i;
			if (to >= lowest)
				return false;
			jumped = true;
			i = lowest = to;
			continue;
		}
		if (n == 0)
			break;
		if (n > LABEL_MAX || n > msg.len - i || !put_label(&b, span_make(msg.ptr + i, n)))
			return false;
		i += n;
	}
	if (!jumped)
		*at = i;
	name[b.len] = '\0';
	return true;
}

bool dns_open_answer(struct dns_answer *a, struct span msg, uint16_t id, struct span name,
		     uint16_t type)
{
	char mem[HEADER + DNS_NAME_MAX + 4];
	struct buf q;

	buf_init_fixed(&q, mem, sizeof mem);
	/*
	 * Identifier, response bit and the question must be ours: together with the port
	 * they are what an attacker off the path has to guess (RFC 5452).  The question is
	 * compared as octets, since the text of a name may be less than its octets.
	 */
	if (!dns_put_query(&q, id, name, type) || msg.len < q.len || get16(msg, 0) != id ||
	    !((unsigned char)msg.ptr[2] & FLAG_QR) || get16(msg, 4) != 1 ||
	    !ascii_eq_nocase(span_make(msg.ptr + HEADER, q.len - HEADER),
			     span_skip(buf_span(&q), HEADER)))
		return false;
	*a = (struct dns_answer){.msg = msg, .at = q.len, .left = get16(msg, 6)};
	a->others = get16(msg, 8);
	a->rcode = (unsigned char)msg.ptr[3] & 0x0f;
	a->truncated = (unsigned char)msg.ptr[2] & FLAG_TC;
	/* Bounds the work of one answer, whatever its header says. */
	if (a->left > DNS_RECORDS_MAX)
		a->left = DNS_RECORDS_MAX;
	return true;
}

bool dns_next_record(struct dns_answer *a, struct dns_record *r)
{
	size_t len, at;

	if (a->left == 0 || !get_name(a->msg, &a->at, r->name) || a->msg.len - a->at < 10)
		return false;
	/* Owner, then type, class, TTL and length: 10 octets. */
	a->left--;
	at = a->at;
	r->type = (uint16_t)get16(a->msg, at);
	r->ttl = get16(a->msg, at + 4) << 16 | get16(a->msg, at + 6);
	len = get16(a->msg, at + 8);
	at += 10;
	if (len > a->msg.len - at)
		return false;
	r->data = span_make(a->msg.ptr + at, len);
	a->at = at + len;
	r->target[0] = '\0';
	r->preference = 0;
	if (r->type == DNS_MX) {
		if (len < 3)
			return false;
		r->preference = (uint16_t)get16(a->msg, at);
		at += 2;
	}
	/*
	 * A name inside the data may be compressed: it can point outside of it, but not be
	 * longer.
	 */
	if (r->type == DNS_MX || r->type == DNS_CNAME || r->type == DNS_PTR || r->type == DNS_NS)
		return get_name(a->msg, &at, r->target);
	return true;
}

void dns_read_ttl(const struct dns_answer *a, uint32_t *ttl)
{
	struct dns_answer all = *a;
	struct dns_record r;
	unsigned own = all.left;

	/* An authority section follows the answer's, and speaks where the answer is empty. */
	if (own == 0)
		all.left = a->others < DNS_RECORDS_MAX ? a->others : DNS_RECORDS_MAX;
	for (bool first = true; dns_next_record(&all, &r);) {
		uint32_t v = r.ttl;

		if (own == 0 && (r.type != DNS_SOA || r.data.len < 4))
			continue;
		/* Two names of any length, and the minimum as the last of five numbers. */
		if (own == 0) {
			size_t at = r.data.len - 4;
			uint32_t minimum =
			    (uint32_t)get16(r.data, at) << 16 | get16(r.data, at + 2);

			v = minimum < v ? minimum : v;
		}
		if (first || v < *ttl)
			*ttl = v;
		first = false;
	}
}

/* Eight groups of two octets each. */
static void put_address6(struct span d, struct buf *out)
{
	int best = -1, best_len = 1;

	/* RFC 5952: the longest run of zeros, the first of equals, becomes "::". */
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && get16(d, (size_t)(i + n) * 2) == 0)
			n++;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			buf_puts(out, "::");
			i += best_len - 1;
			continue;
		}
		/* No colon behind the "::", which brings both of its own. */
		if (i && i != best + best_len)
			buf_putc(out, ':');
		buf_printf(out, "%x", get16(d, (size_t)i * 2));
	}
}

void dns_put_data(const struct dns_record *r, struct buf *out)
{
	struct span d = r->data;

	if (r->type == DNS_A && d.len == 4) {
		for (size_t i = 0; i < 4; i++) {
			if (i)
				buf_putc(out, '.');
			buf_putu(out, (unsigned char)d.ptr[i]);
		}
	} else if (r->type == DNS_AAAA && d.len == 16) {
		put_address6(d, out);
	} else if (r->type == DNS_TXT) {
		/* Strings of up to 255 octets, joined without a blank (RFC 7208 section 3.3). */
		while (d.len) {
			size_t n = (unsigned char)d.ptr[0];

			buf_put(out, span_head(span_skip(d, 1), n));
			d = span_skip(d, n + 1);
		}
	} else {
		buf_puts(out, r->target);
	}
}
