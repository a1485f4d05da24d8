/*
 * Command and reply lines; see proto/line.h.
 *
 * RFC 5321 2.3.8 knows one line ending, CRLF.  A peer that disagrees about where
 * a line ends could make us run a command that the one before us took for text,
 * so a line with any other CR or LF is refused as a whole and nothing in it runs.
 * Must not copy: the input stays the caller's.
 */
#include "proto/line.h"

/* Swallows up to the end of a refused line; true when the end was found. */
static bool skip_line(struct line *l, struct span in, size_t *used)
{
	for (size_t at = 0; at < in.len; at++) {
		at += span_index(span_skip(in, at), '\n');
		if (at == in.len)
			break;
		if (l->lenient || (at > 0 && in.ptr[at - 1] == '\r')) {
			*used = at + 1;
			l->skipping = false;
			return true;
		}
	}
	/* A CR at the end may be half of the CRLF: it must come again. */
	*used = in.len && in.ptr[in.len - 1] == '\r' ? in.len - 1 : in.len;
	return false;
}

static enum line_kind refuse(struct line *l, enum line_kind kind, size_t n, size_t *used)
{
	*used += n;
	l->seen = 0;
	l->skipping = true;
	return kind;
}

enum line_kind line_next(struct line *l, struct span in, size_t max, size_t *used,
			 struct span *text)
{
	size_t skipped = 0, i, n;

	*used = 0;
	*text = (struct span){0};
	if (l->skipping && !skip_line(l, in, used))
		return LINE_MORE;
	skipped = *used;
	in = span_skip(in, skipped);
	n = in.len < max ? in.len : max;
	if (l->seen > n)
		l->seen = 0;
	for (i = l->seen; i < n; i++) {
		char c = in.ptr[i];
		bool after_cr = i > 0 && in.ptr[i - 1] == '\r';

		if (c == '\n' && (after_cr || l->lenient)) {
			*text = span_head(in, after_cr ? i - 1 : i);
			*used = skipped + i + 1;
			l->seen = 0;
			return LINE_OK;
		}
		if (after_cr)
			return refuse(l, LINE_BAD, i, used);
		if (c == '\n') {
			/* What is behind it belongs to the same refused line. */
			return refuse(l, LINE_BAD, i + 1, used);
		}
		if (c == '\0')
			return refuse(l, LINE_BAD, i + 1, used);
	}
	if (n == max)
		return refuse(l, LINE_LONG, in.ptr[n - 1] == '\r' ? n - 1 : n, used);
	l->seen = n;
	return LINE_MORE;
}
