/*
 * RFC 4648 base 64; see base/base64.h.
 */
#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct span in, struct buf *out)
{
	while (in.len) {
		const unsigned char *p = (const unsigned char *)in.ptr;
		size_t n = in.len < 3 ? in.len : 3;
		uint32_t v = (uint32_t)p[0] << 16;
		char q[4];

		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		q[0] = alphabet[v >> 18];
		q[1] = alphabet[v >> 12 & 63];
		q[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
		q[3] = n > 2 ? alphabet[v & 63] : '=';
		buf_put(out, span_make(q, 4));
		in = span_skip(in, n);
	}
}

static int value_of(char c)
{
	/* 64: the NUL behind the alphabet is no digit. */
	const char *at = c ? memchr(alphabet, c, 64) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* One group of four; pad is how many '=' it ends in. */
static bool decode_group(const char *q, unsigned pad, struct buf *out)
{
	uint32_t v = 0;
	char octets[3];

	for (unsigned i = 0; i < 4 - pad; i++) {
		int d = value_of(q[i]);

		if (d < 0)
			return false;
		v |= (uint32_t)d << (18 - 6 * i);
	}
	/* Bits behind the data must be zero, or two texts would mean the same. */
	if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
		return false;
	octets[0] = (char)(v >> 16);
	octets[1] = (char)(v >> 8);
	octets[2] = (char)v;
	buf_put(out, span_make(octets, 3 - pad));
	return true;
}

bool base64_decode(struct span in, struct buf *out)
{
	if (in.len % 4)
		return false;
	/*
	 * Padding is looked for in the last group only: "=" inside the text is not in the
	 * alphabet and so fails there (RFC 4648 section 3.3 asks to refuse what is
	 * foreign).
	 */
	for (; in.len; in = span_skip(in, 4)) {
		unsigned pad = 0;

		if (in.len == 4 && in.ptr[3] == '=')
			pad = in.ptr[2] == '=' ? 2 : 1;
		if (!decode_group(in.ptr, pad, out))
			return false;
	}
	return buf_ok(out);
}
