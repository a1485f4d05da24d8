/*
 * Unfolding and folding of header fields: RFC 5322 2.2.3 and 2.1.1; see format/header.h.
 *
 * What is written must read back as one field whatever the value holds: no line but the first may
 * begin with anything but a blank, and none may consist of blanks alone, which old readers
 * (RFC 5322 3.2.2 on folding) take for the end of the header.
 */
#include "base/ascii.h"
#include "format/header.h"

void header_unfold(struct span value, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\r' || c == '\n') {
			size_t end = i;
			while (end < value.len &&
			       (value.ptr[end] == '\r' || value.ptr[end] == '\n'))
				end++;
			/* The blank of a fold stays; where there is none, the words must not be
			 * joined. */
			if (end < value.len && !ascii_is_blank(value.ptr[end]))
				buf_putc(out, ' ');
			i = end - 1;
			continue;
		}
		buf_putc(out, c ? c : ' ');
	}
}

/* Where to end a line that has room octets left: behind text, before a blank. */
static size_t fold_point(struct span s, size_t room)
{
	size_t best = 0, i = 0;

	while (i < s.len && ascii_is_blank(s.ptr[i]))
		i++;
	/* The last blank that fits, or the first one at all if a word is too long. */
	for (; i < s.len && (i <= room || best == 0); i++)
		if (i && ascii_is_blank(s.ptr[i]) && !ascii_is_blank(s.ptr[i - 1]))
			best = i;
	return s.len <= room || best == 0 ? s.len : best;
}

/* Breaks inside a word, not inside a UTF-8 character if there is one. */
static size_t break_point(struct span s, size_t n)
{
	for (size_t back = 0; back < 3 && n - back > 1; back++)
		if (((unsigned char)s.ptr[n - back] & 0xc0) != 0x80)
			return n - back;
	return n;
}

static void put_folded(struct buf *out, struct span s, size_t col, const char *eol)
{
	while (s.len) {
		/* Past the mark there is no room: fold at the next blank there is. */
		size_t room = col < HEADER_FOLD_AT ? HEADER_FOLD_AT - col : 1;
		size_t most = col < HEADER_LINE_MAX ? HEADER_LINE_MAX - col : 1;
		size_t n = fold_point(s, room);
		bool broken = n > most;

		/* A line of blanks alone would be taken for the end of the header. */
		size_t blanks = 0;
		while (blanks < n && ascii_is_blank(s.ptr[blanks]))
			blanks++;
		if (blanks > HEADER_FOLD_AT) {
			s = span_skip(s, blanks - 1);
			continue;
		}
		if (broken)
			n = break_point(s, most);
		buf_put(out, span_head(s, n));
		s = span_skip(s, n);
		if (s.len)
			buf_puts(out, eol);
		/* Otherwise the blank of the fold is the first octet of what follows. */
		if (broken)
			buf_putc(out, ' ');
		col = broken ? 1 : 0;
	}
}

void header_put_field(struct buf *out, struct span name, struct span value, const char *eol)
{
	struct buf flat;

	buf_init(&flat, value.len);
	header_unfold(span_trim(value), &flat);
	struct span s = span_trim(buf_span(&flat));
	buf_put(out, name);
	buf_puts(out, s.len ? ": " : ":");
	put_folded(out, s, name.len + 2, eol);
	buf_puts(out, eol);
	/* A field cut short could say something else; better none. */
	if (!buf_ok(&flat))
		out->overflow = true;
	buf_free(&flat);
}
