/*
 * RFC 3461 section 4 xtext; see format/xtext.h.
 *
 * Decoded values are data for reports, and must never be put into a protocol line undecoded
 * of their CR and LF: whoever writes them encodes them again or makes them printable.
 */
#include "format/xtext.h"

#include "base/ascii.h"
#include "base/num.h"

void xtext_encode(struct span raw, struct buf *out)
{
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];
		if (ascii_is_graph(c) && c != '+' && c != '=')
			buf_putc(out, c);
		else
			buf_printf(out, "+%02X", (unsigned)(unsigned char)c);
	}
}

/* The octet at the front of s in *c; returns octets used, 0 when there is none. */
static size_t take_octet(struct span s, char *c)
{
	uint64_t v;

	if (s.len == 0 || !ascii_is_graph(s.ptr[0]) || s.ptr[0] == '=')
		return 0;
	*c = s.ptr[0];
	if (*c != '+')
		return 1;
	if (s.len < 3 || !num_parse_base(span_make(s.ptr + 1, 2), 16, 0xff, &v))
		return 0;
	*c = (char)v;
	return 3;
}

bool xtext_is_valid(struct span s)
{
	size_t n = 1;
	char c;

	while (s.len && (n = take_octet(s, &c)) > 0)
		s = span_skip(s, n);
	return n > 0;
}

bool xtext_decode(struct span xtext, struct buf *out)
{
	if (!xtext_is_valid(xtext))
		return false;
	while (xtext.len) {
		char c = 0;
		xtext = span_skip(xtext, take_octet(xtext, &c));
		buf_putc(out, c);
	}
	return true;
}
