/*
 * The DATA body encoder; see proto/line.h.
 *
 * RFC 5321 2.3.8, 4.5.2.  The inverse of line_body, for text whose line endings
 * nobody vouches for: whatever comes in, the wire sees CRLF lines only, and no
 * line of the message can be taken for its end.
 */
#include "proto/line.h"

enum { ENCODE_BOL, ENCODE_TEXT, ENCODE_CR };

void line_encode(struct line_encoder *e, struct span in, struct buf *out)
{
	while (in.len) {
		size_t n = 0;
		char c = in.ptr[0];

		if (e->state == ENCODE_CR && c != '\n')
			buf_putc(out, ' ');
		if (c == '\n') {
			buf_put(out, SPAN("\r\n"));
			e->state = ENCODE_BOL;
			in = span_skip(in, 1);
			continue;
		}
		if (c == '\r') {
			e->state = ENCODE_CR;
			in = span_skip(in, 1);
			continue;
		}
		if (c == '.' && e->state == ENCODE_BOL)
			buf_putc(out, '.');
		while (n < in.len && in.ptr[n] != '\r' && in.ptr[n] != '\n')
			n++;
		buf_put(out, span_head(in, n));
		e->state = ENCODE_TEXT;
		in = span_skip(in, n);
	}
}

void line_encode_end(struct line_encoder *e, struct buf *out)
{
	if (e->state != ENCODE_BOL)
		buf_put(out, SPAN("\r\n"));
	buf_put(out, SPAN(".\r\n"));
	e->state = ENCODE_BOL;
}
