/*
 * The queue file's envelope; see format/qfile.h.
 *
 * Fixed-width heads let a recipient be marked done by one small write in place:
 * the file is never copied, and a torn mark can only lose its explanation.
 */
#include "format/qfile.h"

#include <stdio.h>

#include "base/num.h"

/*
 * What may stand unescaped: xtext of RFC 3461 section 4, so fields hold neither blank nor
 * line end and are split at those.
 */
static bool plain(char c)
{
	return c > 0x20 && c < 0x7f && c != '+' && c != '=';
}

static void put_value(struct buf *out, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	/* Empty is "-", and a value that is a dash alone is escaped to tell it from that. */
	if (s.len == 0)
		buf_putc(out, '-');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char code[3] = {'+', hex[c >> 4], hex[c & 15]};

		if (plain((char)c) && !(s.len == 1 && c == '-'))
			buf_putc(out, (char)c);
		else
			buf_put(out, span_make(code, 3));
	}
}

/*
 * Exactly width octets: printable text, padded with blanks. The width may not depend on
 * the text, or marking a recipient would move what follows.
 */
static void put_fixed(struct buf *out, const char *text, size_t width)
{
	size_t n = strnlen(text, width);

	for (size_t i = 0; i < width; i++) {
		char c = i < n ? text[i] : ' ';

		buf_putc(out, c >= 0x20 && c < 0x7f ? c : '?');
	}
}

static void put_number(struct buf *out, int64_t v, int width)
{
	char digits[24];
	int64_t limit = 1;

	for (int i = 0; i < width; i++)
		limit *= 10;
	/* A clock out of range must not widen the line; it is pulled to the nearest value. */
	if (v < 0 || v >= limit)
		v = v < 0 ? 0 : limit - 1;
	snprintf(digits, sizeof digits, "%0*lld", width, (long long)v);
	buf_puts(out, digits);
}

void qfile_put_state(struct buf *out, const struct qfile_state *s)
{
	/* The format and its version: files of another one are left alone, not guessed at. */
	buf_puts(out, "LBQ1 ");
	put_number(out, s->created, 10);
	buf_putc(out, ' ');
	put_number(out, s->next, 10);
	buf_putc(out, ' ');
	put_number(out, s->tries, 5);
	buf_putc(out, ' ');
	buf_putc(out, "0123456789ABCDEF"[s->flags & 15]);
	buf_putc(out, ' ');
	put_fixed(out, s->text, QFILE_TEXT_MAX);
	buf_putc(out, '\n');
}

void qfile_put_head(struct buf *out, const struct qfile_head *h)
{
	qfile_put_state(out, &h->state);
	buf_puts(out, "F ");
	put_value(out, h->sender);
	buf_puts(out, "\nI ");
	put_value(out, h->info);
	buf_puts(out, "\nO ");
	buf_putc(out, h->ret ? h->ret : '-');
	buf_putc(out, ' ');
	put_value(out, h->envid);
	buf_putc(out, ' ');
	buf_putc(out, h->body ? h->body : '-');
	buf_putc(out, ' ');
	put_value(out, h->submitter);
	buf_putc(out, '\n');
}

void qfile_put_rcpt_head(struct buf *out, const struct qfile_rcpt *r)
{
	buf_puts(out, "R ");
	buf_putc(out, r->state);
	buf_putc(out, ' ');
	buf_putc(out, "0123456789ABCDEF"[r->notify & 15]); /* a bit set, one digit */
	buf_putc(out, ' ');
	put_fixed(out, r->status, 8);
	buf_putc(out, ' ');
	put_fixed(out, r->text, QFILE_TEXT_MAX);
	buf_putc(out, ' ');
}

void qfile_put_rcpt(struct buf *out, const struct qfile_rcpt *r)
{
	qfile_put_rcpt_head(out, r);
	put_value(out, r->addr);
	buf_putc(out, ' ');
	put_value(out, r->orcpt);
	if (r->owner.len) {
		buf_putc(out, ' ');
		put_value(out, r->owner);
	}
	buf_putc(out, '\n');
}

void qfile_put_end(struct buf *out)
{
	buf_puts(out, ".\n");
}

void qfile_reader_init(struct qfile_reader *r, struct span octets, struct buf *text)
{
	*r = (struct qfile_reader){.rest = octets, .text = text};
}

/* A damaged envelope stays damaged: permanent, and the file is kept for a human to look at. */
static bool damaged(struct err *e, const char *what)
{
	return err_perm(e, "5.6.0", "queue file: %s", what);
}

static bool get_value(struct qfile_reader *r, struct span word, struct span *out)
{
	/*
	 * Decoded values are appended to one buf; a span into it stays good only as long
	 * as the buf need not move, which is why the caller gives one with room for all.
	 */
	size_t start = r->text->len;

	*out = span_make(NULL, 0);
	if (span_eq(word, SPAN("-")))
		return true;
	if (word.len == 0)
		return false;
	/* Strict: what put_value would not have written was not written by us. */
	for (size_t i = 0; i < word.len; i++) {
		uint64_t octet = (unsigned char)word.ptr[i];

		if (octet == '+') {
			struct span hex = span_head(span_skip(word, i + 1), 2);

			if (hex.len != 2 || !num_parse_base(hex, 16, 255, &octet))
				return false;
			i += 2;
		} else if (!plain((char)octet)) {
			return false;
		}
		buf_putc(r->text, (char)octet);
	}
	*out = span_make(r->text->ptr + start, r->text->len - start);
	return buf_ok(r->text) && out->len <= QFILE_FIELD_MAX;
}

/* A line without its end is a torn write and counts as missing. */
static bool next_line(struct qfile_reader *r, struct span *line)
{
	size_t end = span_index(r->rest, '\n');

	if (end == r->rest.len)
		return false;
	*line = span_head(r->rest, end);
	r->rest = span_skip(r->rest, end + 1);
	r->at += end + 1;
	return true;
}

static void get_fixed(struct span s, char *dst, size_t cap)
{
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	if (!span_to_cstr(s, dst, cap))
		dst[0] = '\0';
}

static bool read_state(struct qfile_reader *r, struct qfile_state *s, struct err *e)
{
	struct span line, rest;
	uint64_t created, next, tries, flags;

	*s = (struct qfile_state){0};
	/* The length first: everything below indexes into the line. */
	if (!next_line(r, &line) || line.len != QFILE_STATE_LEN - 1 ||
	    !span_starts(line, SPAN("LBQ1 ")))
		return damaged(e, "not in the LBQ1 format");
	rest = span_skip(line, 5);
	if (!num_parse(span_head(rest, 10), UINT64_MAX, &created) ||
	    !num_parse(span_head(span_skip(rest, 11), 10), UINT64_MAX, &next) ||
	    !num_parse(span_head(span_skip(rest, 22), 5), UINT64_MAX, &tries) ||
	    !num_parse_base(span_head(span_skip(rest, 28), 1), 16, 15, &flags))
		return damaged(e, "bad state line");
	s->created = (int64_t)created;
	s->next = (int64_t)next;
	s->tries = (uint32_t)tries;
	s->flags = (unsigned)flags;
	get_fixed(span_skip(rest, 30), s->text, sizeof s->text);
	return true;
}

static bool read_options(struct qfile_reader *r, struct span line, struct qfile_head *h)
{
	struct span rest = span_skip(line, 2), ret, body;

	if (!span_starts(line, SPAN("O ")))
		return false;
	ret = span_cut(&rest, ' ');
	if (ret.len != 1 || !get_value(r, span_cut(&rest, ' '), &h->envid))
		return false;
	body = span_cut(&rest, ' ');
	if (body.len != 1)
		return false;
	h->ret = ret.ptr[0];
	h->body = body.ptr[0];
	return get_value(r, rest, &h->submitter);
}

bool qfile_read_head(struct qfile_reader *r, struct qfile_head *h, struct err *e)
{
	struct span line;

	*h = (struct qfile_head){0};
	if (!read_state(r, &h->state, e))
		return false;
	if (!next_line(r, &line) || !span_starts(line, SPAN("F ")) ||
	    !get_value(r, span_skip(line, 2), &h->sender))
		return damaged(e, "bad sender record");
	if (!next_line(r, &line) || !span_starts(line, SPAN("I ")) ||
	    !get_value(r, span_skip(line, 2), &h->info))
		return damaged(e, "bad origin record");
	if (!next_line(r, &line) || !read_options(r, line, h))
		return damaged(e, "bad option record");
	return true;
}

static bool valid_state(char c)
{
	return c == QFILE_PENDING || c == QFILE_DONE || c == QFILE_FAILED || c == QFILE_BOUNCED;
}

int qfile_read_rcpt(struct qfile_reader *r, struct qfile_rcpt *rcpt, struct err *e)
{
	/* Where the record starts in the file, for marking it later. */
	size_t at = r->at;
	struct span line, rest;
	uint64_t notify;

	*rcpt = (struct qfile_rcpt){.at = at};
	if (!next_line(r, &line)) {
		damaged(e, "the envelope does not end");
		return -1;
	}
	if (span_eq(line, SPAN(".")))
		return 0;
	/* All fixed fields lie within the head, whose length was just checked. */
	if (line.len <= QFILE_RCPT_HEAD || !span_starts(line, SPAN("R ")) ||
	    !valid_state(line.ptr[2]) ||
	    !num_parse_base(span_make(line.ptr + 4, 1), 16, 15, &notify)) {
		damaged(e, "bad recipient record");
		return -1;
	}
	rcpt->state = line.ptr[2];
	rcpt->notify = (unsigned)notify;
	get_fixed(span_make(line.ptr + 6, 8), rcpt->status, sizeof rcpt->status);
	get_fixed(span_make(line.ptr + 15, QFILE_TEXT_MAX), rcpt->text, sizeof rcpt->text);
	rest = span_skip(line, QFILE_RCPT_HEAD);
	if (!get_value(r, span_cut(&rest, ' '), &rcpt->addr) ||
	    !get_value(r, span_cut(&rest, ' '), &rcpt->orcpt) ||
	    (rest.len && !get_value(r, rest, &rcpt->owner))) {
		damaged(e, "bad recipient address");
		return -1;
	}
	return 1;
}
