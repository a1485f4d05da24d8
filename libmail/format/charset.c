/*
 * UTF-8 and the charsets that old mail is written in; see format/charset.h.
 *
 * Whatever is in a message, charset_put_printable lets no octet through that a terminal obeys:
 * everything shown to a person goes through it (RFC 3629 10 on overlong forms).
 */
#include "format/charset.h"

#include "base/ascii.h"

enum { REPLACEMENT = 0xfffd }; /* U+FFFD, for what cannot be decoded */

size_t charset_utf8_next(struct span s, uint32_t *cp)
{
	/* The least code point that needs so many octets, by their number. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s.ptr;

	if (s.len == 0)
		return 0;
	uint32_t v = p[0];
	/* The length by the first octet; wrong ones are caught below. */
	size_t n = v < 0x80 ? 1 : v >= 0xf0 ? 4 : v >= 0xe0 ? 3 : 2;
	if (n > 1) {
		if (v < 0xc0 || v > 0xf7 || s.len < n)
			return 0;
		v &= 0x7fU >> n;
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			v = v << 6 | (p[i] & 0x3f);
		}
		/*
		 * Overlong forms hide octets from those who check before they decode, and
		 * surrogates are no characters.
		 */
		if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
			return 0;
	}
	if (cp)
		*cp = v;
	return n;
}

bool charset_is_utf8(struct span s)
{
	while (s.len) {
		size_t n = charset_utf8_next(s, NULL);
		if (n == 0)
			return false;
		s = span_skip(s, n);
	}
	return true;
}

bool charset_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] > 0x7f)
			return false;
	return true;
}

/* Callers pass code points below 0x110000 only, so four octets are always enough. */
void charset_put_utf8(struct buf *out, uint32_t cp)
{
	if (cp < 0x80) {
		buf_putc(out, (char)cp);
		return;
	}
	if (cp >= 0x10000) {
		buf_putc(out, (char)(0xf0 | cp >> 18));
		buf_putc(out, (char)(0x80 | (cp >> 12 & 0x3f)));
	} else if (cp >= 0x800) {
		buf_putc(out, (char)(0xe0 | cp >> 12));
	}
	buf_putc(out, (char)(cp >= 0x800 ? 0x80 | (cp >> 6 & 0x3f) : 0xc0 | cp >> 6));
	buf_putc(out, (char)(0x80 | (cp & 0x3f)));
}

/* 0x80 to 0x9f of windows-1252; 0 where nothing is assigned. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

/*
 * 0x80 to 0x9f are controls in ISO 8859-1, but mail labelled so has Windows quotes there:
 * the WHATWG reads it as windows-1252, and so do most mail programs.
 */
static uint32_t from_windows_1252(unsigned char c)
{
	if (c < 0x80 || c >= 0xa0)
		return c;
	return windows_1252[c - 0x80] ? windows_1252[c - 0x80] : REPLACEMENT;
}

/* ISO 8859-15 is ISO 8859-1 but for eight places. */
static uint32_t from_latin_9(unsigned char c)
{
	switch (c) {
	case 0xa4:
		return 0x20ac;
	case 0xa6:
		return 0x160;
	case 0xa8:
		return 0x161;
	case 0xb4:
		return 0x17d;
	case 0xb8:
		return 0x17e;
	case 0xbc:
		return 0x152;
	case 0xbd:
		return 0x153;
	case 0xbe:
		return 0x178;
	default:
		return c;
	}
}

/* One replacement for each wrong octet, so that the length of the damage shows. */
static void put_repaired(struct buf *out, struct span in)
{
	while (in.len) {
		size_t n = charset_utf8_next(in, NULL);
		if (n)
			buf_put(out, span_head(in, n));
		else
			charset_put_utf8(out, REPLACEMENT);
		in = span_skip(in, n ? n : 1);
	}
}

bool charset_to_utf8(struct span name, struct span in, struct buf *out)
{
	static const struct {
		struct span name;
		uint32_t (*map)(unsigned char);
	} known[] = {
	    {{"utf-8", 5}, NULL},
	    {{"utf8", 4}, NULL},
	    /* What claims to be ASCII and is not, is UTF-8 more often than anything else. */
	    {{"us-ascii", 8}, NULL},
	    {{"ascii", 5}, NULL},
	    {{"iso-8859-1", 10}, from_windows_1252},
	    {{"iso8859-1", 9}, from_windows_1252},
	    {{"latin1", 6}, from_windows_1252},
	    {{"windows-1252", 12}, from_windows_1252},
	    {{"cp1252", 6}, from_windows_1252},
	    {{"iso-8859-15", 11}, from_latin_9},
	    {{"iso8859-15", 10}, from_latin_9},
	    {{"latin-9", 7}, from_latin_9},
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!ascii_eq_nocase(name, known[i].name))
			continue;
		/* What is UTF-8 already is only checked. */
		if (!known[i].map) {
			put_repaired(out, in);
			return true;
		}
		for (size_t k = 0; k < in.len; k++)
			charset_put_utf8(out, known[i].map((unsigned char)in.ptr[k]));
		return true;
	}
	return false;
}

/*
 * Marks that reorder what stands around them, U+202A-202E, 2066-2069, 200E, 200F, 061C:
 * with them a file name or an address is shown as another one.
 */
static bool is_bidi(uint32_t cp)
{
	return (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e ||
	       cp == 0x200f || cp == 0x61c;
}

void charset_put_printable(struct buf *out, struct span in, bool multiline)
{
	while (in.len) {
		uint32_t cp = 0;
		size_t n = charset_utf8_next(in, &cp);
		/* An ill-formed octet is passed over alone: the next may begin a character. */
		struct span c = span_head(in, n);

		in = span_skip(in, n ? n : 1);
		/* 0x80 to 0x9f are controls of terminals that take 8 bits (ISO 6429). */
		bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
		if (cp == '\t' || (cp == '\n' && multiline))
			control = false;
		if (n == 0 || is_bidi(cp))
			charset_put_utf8(out, REPLACEMENT);
		else if (!control)
			buf_put(out, c);
		/*
		 * A CR before LF is part of the line end and vanishes; alone it would let
		 * text overwrite the start of its line.
		 */
		else if (cp != '\r' || !span_starts(in, SPAN("\n")))
			buf_putc(out, '?');
	}
}

/* For columns of a table: a character is never cut in two, if it is one. */
struct span charset_head(struct span s, size_t n)
{
	if (s.len <= n)
		return s;
	/* Back to an octet that begins a character. */
	for (size_t back = 0; back < CHARSET_CHAR_MAX && back < n; back++)
		if (((unsigned char)s.ptr[n - back] & 0xc0) != 0x80)
			return span_head(s, n - back);
	return span_head(s, n);
}
