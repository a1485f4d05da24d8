/*
 * Issuer and subject of a certificate; see proto/tls_names.h.
 *
 * BearSSL's decoder shows no issuer, and of the subject only the elements that were asked for.
 */
#include "proto/tls_names.h"

#include <string.h>

#include "base/buf.h"

/* Cuts the first element (X.690 section 8.1) off in; one that is cut short only if it may be. */
static bool next(struct span *in, struct span *body, bool may_be_cut)
{
	const unsigned char *p = (const unsigned char *)in->ptr;
	size_t head = 2, len = in->len < 2 ? 0x80 : p[1];

	if (len == 0x81 || len == 0x82) {
		size_t more = len & 3;

		if (in->len < head + more)
			return false;
		for (len = 0; more; more--)
			len = len << 8 | p[head++];
	} else if (len >= 0x80) {
		return false;
	}
	if (!may_be_cut && in->len - head < len)
		return false;
	*body = span_head(span_skip(*in, head), len);
	*in = span_skip(*in, head + len);
	return true;
}

static const char *label(struct span oid)
{
	/* The last octet of 2.5.4.n and of two others, and what it is called. */
	static const char table[][14] = {"\x03"
					 "CN",
					 "\x04"
					 "SN",
					 "\x05"
					 "serialNumber",
					 "\x06"
					 "C",
					 "\x07"
					 "L",
					 "\x08"
					 "ST",
					 "\x0a"
					 "O",
					 "\x0b"
					 "OU",
					 "\x01"
					 "emailAddress",
					 "\x19"
					 "DC"};
	bool usual = oid.len == 3 && oid.ptr[0] == 0x55 && oid.ptr[1] == 4;

	for (size_t i = usual ? 0 : 8; oid.len > 2 && i < (usual ? 8 : 10); i++)
		if (table[i][0] == oid.ptr[oid.len - 1] && (usual || oid.len == i + 1))
			return table[i] + 1;
	return "?";
}

static void put_text(struct buf *out, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c <= ' ' || c > '~' || strchr("<>()\"+", c))
			buf_printf(out, "+%02X", c);
		else
			buf_putc(out, (char)c);
	}
}

static void read_name(struct span name, struct tls_name *out)
{
	struct buf text, cn;
	struct span set, pair, oid, value;
	bool whole = true;

	buf_init_fixed(&text, out->text, sizeof out->text - 1);
	buf_init_fixed(&cn, out->cn, sizeof out->cn - 1);
	while (whole && name.len && (whole = next(&name, &set, false)))
		while (whole && set.len) {
			whole = next(&set, &pair, false) && next(&pair, &oid, false) &&
				next(&pair, &value, false);
			if (!whole)
				break;
			buf_printf(&text, "/%s=", label(oid));
			put_text(&text, value);
			if (cn.len == 0 && strcmp(label(oid), "CN") == 0)
				put_text(&cn, value);
		}
	/* Half a name might be somebody else's. */
	out->text[whole && buf_ok(&text) ? text.len : 0] = '\0';
	out->cn[whole && buf_ok(&cn) ? cn.len : 0] = '\0';
}

void tls_names_read(struct span der, struct tls_names *out)
{
	/* Serial number, algorithm, issuer, dates, subject; the first one may be without [0]. */
	struct span cert, body, part[5] = {{0}};
	size_t n = 0;

	if (next(&der, &cert, true) && next(&cert, &body, true)) {
		if (body.len && (unsigned char)body.ptr[0] == 0xa0)
			next(&body, &part[0], false);
		while (n < 5 && next(&body, &part[n], false))
			n++;
	}
	read_name(n > 2 ? part[2] : SPAN(""), &out->issuer);
	read_name(n > 4 ? part[4] : SPAN(""), &out->subject);
}
