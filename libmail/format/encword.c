/*
 * RFC 2047 encoded words; see format/encword.h.
 *
 * Decoding joins neighbours of one charset before it converts them, since other programs do
 * split characters (RFC 2047 5 (3) forbids it).  Must not loop or grow on malformed words: each
 * step consumes input and a word never decodes to more than three times its length.
 */
#include "format/encword.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "format/address.h"
#include "format/charset.h"

struct word {
	struct span charset, text, all;
	char encoding; /* 'q' or 'b' */
};

bool encword_is_needed(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!ascii_is_print(text.ptr[i]) && text.ptr[i] != '\t')
			return true;
		/* Left as it is, a reader would decode it to something else. */
		if (span_starts(span_skip(text, i), SPAN("=?")))
			return true;
	}
	return false;
}

/* The octets that stand for themselves in a phrase: RFC 2047 5 (3). */
static bool is_plain(char c)
{
	return ascii_is_alnum(c) || (c && memchr("!*+-/", c, 5));
}

/* Octets of the next piece that fits in one word, and whether Q or B. */
static struct span take_piece(struct span s, bool b64)
{
	enum { ROOM = ENCWORD_MAX - 12 }; /* =?utf-8?q? ?= */
	size_t used = 0, at = 0;

	/* Whole groups of three, so that only the last word needs padding. */
	if (b64)
		return charset_head(s, ROOM / 4 * 3);
	while (at < s.len) {
		size_t n = charset_utf8_next(span_skip(s, at), NULL), cost = 0;
		for (size_t i = at; i < at + n; i++)
			cost += is_plain(s.ptr[i]) || s.ptr[i] == ' ' ? 1 : 3;
		if (used + cost > ROOM)
			break;
		used += cost;
		at += n;
	}
	return span_head(s, at);
}

static void put_word(struct buf *out, struct span piece, bool b64)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_puts(out, b64 ? "=?utf-8?b?" : "=?utf-8?q?");
	if (b64) {
		base64_encode(piece, out);
	} else {
		for (size_t i = 0; i < piece.len; i++) {
			char c = piece.ptr[i];
			if (is_plain(c) || c == ' ') {
				buf_putc(out, c == ' ' ? '_' : c);
				continue;
			}
			buf_putc(out, '=');
			buf_putc(out, hex[(unsigned char)c >> 4]);
			buf_putc(out, hex[c & 0xf]);
		}
	}
	buf_puts(out, "?=");
}

/* Narrows *from, *to to whole words (between blanks) that hold all that needs encoding. */
static void find_range(struct span s, size_t *from, size_t *to)
{
	size_t word = 0;

	*from = *to = s.len;
	while (word < s.len) {
		size_t end = word;
		while (end < s.len && s.ptr[end] != ' ')
			end++;
		if (encword_is_needed(span_make(s.ptr + word, end - word))) {
			/* From the first such word to the last: blanks between encoded words would
			 * be lost. */
			if (*from == s.len)
				*from = word;
			*to = end;
		}
		word = end + 1;
	}
}

/* Encodes what stands between from and to; s is well-formed UTF-8. */
static void encode_range(struct span s, size_t from, size_t to, struct buf *out)
{
	struct span middle = span_make(s.ptr + from, to - from);
	size_t costly = 0;

	for (size_t i = 0; i < middle.len; i++)
		costly += !is_plain(middle.ptr[i]) && middle.ptr[i] != ' ';
	/* Q takes two octets more for each of these, B a third more for all. */
	bool b64 = costly * 2 > middle.len / 3;
	buf_put(out, span_head(s, from));
	for (bool first = true; middle.len; first = false) {
		struct span piece = take_piece(middle, b64);
		if (!first)
			buf_putc(out, ' ');
		put_word(out, piece, b64);
		middle = span_skip(middle, piece.len);
	}
	buf_put(out, span_skip(s, to));
}

static void encode(struct span text, bool whole, struct buf *out)
{
	struct buf utf8;
	size_t from = 0, to;

	buf_init(&utf8, text.len * CHARSET_CHAR_MAX);
	/* Octets of some other charset; this one is the best guess and loses nothing. */
	if (!charset_is_utf8(text)) {
		charset_to_utf8(SPAN("windows-1252"), text, &utf8);
		text = buf_span(&utf8);
	}
	to = text.len;
	if (!whole)
		find_range(text, &from, &to);
	encode_range(text, from, to, out);
	if (!buf_ok(&utf8))
		out->overflow = true;
	buf_free(&utf8);
}

void encword_encode(struct span text, struct buf *out)
{
	if (encword_is_needed(text))
		encode(text, false, out);
	else
		buf_put(out, text);
}

void encword_put_phrase(struct span text, struct buf *out)
{
	if (encword_is_needed(text))
		encode(text, true, out);
	else
		address_put_phrase(text, out);
}

/* The encoded word at the front of s. */
static bool parse_word(struct span s, struct word *w)
{
	struct span rest = span_skip(s, 2);

	if (!span_starts(s, SPAN("=?")))
		return false;
	w->charset = span_cut(&rest, '?');
	/* RFC 2231 5: a language may follow the charset. */
	w->charset = span_head(w->charset, span_index(w->charset, '*'));
	if (rest.len < 2 || rest.ptr[1] != '?' || w->charset.len == 0)
		return false;
	w->encoding = ascii_lower(rest.ptr[0]);
	if (w->encoding != 'q' && w->encoding != 'b')
		return false;
	w->text = span_skip(rest, 2);
	size_t n = span_index(w->text, '?');
	if (n + 1 >= w->text.len || w->text.ptr[n + 1] != '=')
		return false;
	w->text.len = n;
	for (size_t i = 0; i < n; i++)
		if (ascii_is_fold(w->text.ptr[i]))
			return false;
	w->all = span_head(s, (size_t)(w->text.ptr + n + 2 - s.ptr));
	for (size_t i = 0; i < w->charset.len; i++)
		if (!ascii_is_graph(w->charset.ptr[i]))
			return false;
	return true;
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends the word's octets, in its charset. */
static bool decode_word(const struct word *w, struct buf *out)
{
	struct span t = w->text;

	if (w->encoding == 'b') {
		size_t mark = out->len;
		/* Half a word decoded would be worse than the word as it stands. */
		if (base64_decode(t, out))
			return true;
		buf_truncate(out, mark);
		return false;
	}
	for (size_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];
		int hi = i + 2 < t.len ? hex_value(t.ptr[i + 1]) : -1;
		int lo = i + 2 < t.len ? hex_value(t.ptr[i + 2]) : -1;
		if (c == '=' && hi >= 0 && lo >= 0) {
			buf_putc(out, (char)(hi << 4 | lo));
			i += 2;
		} else {
			buf_putc(out, c == '_' ? ' ' : c);
		}
	}
	return true;
}

/* Decodes the run of encoded words at the front of s; returns octets used, 0 for none. */
static size_t decode_run(struct span s, struct buf *out)
{
	struct word w, first;
	struct buf raw;
	size_t used = 0;

	if (!parse_word(s, &first))
		return 0;
	buf_init(&raw, s.len);
	for (size_t at = 0; parse_word(span_skip(s, at), &w);) {
		/* Another charset ends the run; the next run begins there. */
		if (!ascii_eq_nocase(w.charset, first.charset) || !decode_word(&w, &raw))
			break;
		used = at + w.all.len;
		at = used;
		while (at < s.len && ascii_is_fold(s.ptr[at]))
			at++;
	}
	if (used && !charset_to_utf8(first.charset, buf_span(&raw), out))
		used = 0;
	/* Out of memory: shown undecoded rather than cut. */
	if (!buf_ok(&raw))
		used = 0;
	buf_free(&raw);
	return used;
}

/* Octets of text that begin no encoded word, at least one. */
static size_t plain_run(struct span s)
{
	size_t n = 1;

	while (n < s.len && !ascii_is_fold(s.ptr[n]) && s.ptr[n] != '=')
		n++;
	return n;
}

void encword_decode(struct span value, struct buf *out)
{
	struct buf text;
	bool after_word = false;

	buf_init(&text, value.len * CHARSET_CHAR_MAX);
	while (value.len) {
		size_t gap = 0;
		while (gap < value.len && ascii_is_fold(value.ptr[gap]))
			gap++;
		struct span rest = span_skip(value, gap);
		buf_reset(&text);
		size_t used = decode_run(rest, &text);
		bool word = used > 0;
		if (!word && rest.len) {
			buf_reset(&text);
			used = plain_run(rest);
			buf_put(&text, span_head(rest, used));
		}
		/* RFC 2047 6.2: blanks between encoded words are not shown. */
		for (size_t i = 0; i < gap && !(word && after_word); i++)
			if (value.ptr[i] != '\r' && value.ptr[i] != '\n')
				buf_putc(out, value.ptr[i]);
		buf_put(out, buf_span(&text));
		out->overflow |= text.overflow;
		after_word = word;
		value = span_skip(rest, used);
	}
	buf_free(&text);
}
