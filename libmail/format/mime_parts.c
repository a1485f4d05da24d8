/*
 * Finding the parts of a multipart body: RFC 2046 5.1; see format/mime.h.
 *
 * A line end is held back until the next line shows whether it belongs to a delimiter.  What
 * only begins like a delimiter ("--ab" with the boundary "a") is text.
 */
#include "base/ascii.h"
#include "format/mime.h"

bool mime_parts_init(struct mime_parts *p, struct span boundary)
{
	*p = (struct mime_parts){.place = MIME_AT_LINE};
	if (boundary.len == 0 || boundary.len > MIME_BOUNDARY_MAX)
		return false;
	memcpy(p->delimiter, "--", 2);
	memcpy(p->delimiter + 2, boundary.ptr, boundary.len);
	p->delimiter_len = boundary.len + 2;
	return true;
}

enum fit { FIT_NOT, FIT_MAYBE, FIT_DELIMITER };

/* Does the held line, with c behind it, still look like a delimiter? */
static enum fit fits(const struct mime_parts *p, char c)
{
	size_t at = p->held_len - p->eol_len, behind = at - p->delimiter_len;

	/* Still in the text that must match octet for octet. */
	if (at < p->delimiter_len)
		return p->delimiter[at] == c ? FIT_MAYBE : FIT_NOT;
	if (c == '\n')
		return behind == 1 && p->held[p->held_len - 1] == '-' ? FIT_NOT : FIT_DELIMITER;
	/* Padding is allowed behind it (RFC 2046 5.1.1), but not without end. */
	if (p->held_len == sizeof p->held)
		return FIT_NOT;
	char last = behind ? p->held[p->held_len - 1] : 0;
	if (c == '-')
		return behind == 0 || (behind == 1 && last == '-') ? FIT_MAYBE : FIT_NOT;
	if (behind == 1 && last == '-')
		return FIT_NOT;
	return ascii_is_blank(c) || c == '\r' ? FIT_MAYBE : FIT_NOT;
}

/* The held line is a delimiter. */
static enum mime_event take_delimiter(struct mime_parts *p)
{
	size_t behind = p->held_len - p->eol_len - p->delimiter_len;

	/* "--" behind it closes the multipart. */
	p->ended = behind >= 2 && p->held[p->held_len - behind] == '-';
	p->in_part = !p->ended;
	p->held_len = p->eol_len = 0;
	p->parts += p->in_part;
	return p->ended ? MIME_END : MIME_PART;
}

/* Hands out what was held back and is data after all; MIME_MORE when it is of no part. */
static enum mime_event release(struct mime_parts *p, struct span *data)
{
	*data = span_make(p->held, p->in_part ? p->held_len : 0);
	p->held_len = p->eol_len = 0;
	return data->len ? MIME_DATA : MIME_MORE;
}

static enum mime_event at_line(struct mime_parts *p, struct span *in, struct span *data)
{
	while (in->len) {
		char c = in->ptr[0];
		enum fit fit = fits(p, c);

		if (fit == FIT_NOT) {
			p->place = MIME_IN_LINE;
			return release(p, data);
		}
		*in = span_skip(*in, 1);
		if (fit == FIT_DELIMITER)
			return take_delimiter(p);
		p->held[p->held_len++] = c;
	}
	return MIME_MORE;
}

static enum mime_event in_line(struct mime_parts *p, struct span *in, struct span *data)
{
	size_t n = span_index(*in, '\n');
	bool whole = n < in->len, cr = n && in->ptr[n - 1] == '\r';

	/* Without the line end, which may belong to a delimiter. */
	*data = span_head(*in, n - cr);
	*in = span_skip(*in, n + whole);
	p->held_len = 0;
	if (cr)
		p->held[p->held_len++] = '\r';
	if (whole)
		p->held[p->held_len++] = '\n';
	p->eol_len = p->held_len;
	if (whole)
		p->place = MIME_AT_LINE;
	else if (cr)
		p->place = MIME_AT_CR;
	return p->in_part && data->len ? MIME_DATA : MIME_MORE;
}

static enum mime_event at_cr(struct mime_parts *p, struct span *in, struct span *data)
{
	if (in->ptr[0] != '\n') {
		p->place = MIME_IN_LINE;
		return release(p, data);
	}
	*in = span_skip(*in, 1);
	p->held[p->held_len++] = '\n';
	p->eol_len = p->held_len;
	p->place = MIME_AT_LINE;
	return MIME_MORE;
}

enum mime_event mime_parts_next(struct mime_parts *p, struct span *in, struct span *data)
{
	enum mime_event ev = MIME_MORE;

	while (ev == MIME_MORE && in->len && !p->ended && p->delimiter_len) {
		if (p->place == MIME_AT_LINE)
			ev = at_line(p, in, data);
		else if (p->place == MIME_IN_LINE)
			ev = in_line(p, in, data);
		else
			ev = at_cr(p, in, data);
	}
	if (ev == MIME_MORE)
		*in = span_skip(*in, in->len);
	if (ev != MIME_DATA)
		*data = span_make(NULL, 0);
	return ev;
}

enum mime_event mime_parts_finish(struct mime_parts *p, struct span *data)
{
	*data = span_make(NULL, 0);
	if (p->ended || p->delimiter_len == 0)
		return MIME_MORE;
	bool full = p->held_len >= p->eol_len + p->delimiter_len;
	if (p->place == MIME_AT_LINE && full && fits(p, '\n') == FIT_DELIMITER) {
		/* A part that begins where the input ends is none. */
		enum mime_event ev = take_delimiter(p);
		return ev == MIME_END ? ev : MIME_MORE;
	}
	return release(p, data);
}
