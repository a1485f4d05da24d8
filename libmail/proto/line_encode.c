/*
 * The DATA body encoder; see proto/line.h.
 *
 * RFC 5321 2.3.8, 4.5.2.  The inverse of line_body, for text whose line endings
 * nobody vouches for: whatever comes in, the wire sees CRLF lines only, and no
 * line of the message can be taken for its end.
 */
#include "proto/line.h"

enum { ENCODE_BOL, ENCODE_TEXT, ENCODE_CR };

/* Text of a line; *in is cut off. */
static void put_text(struct line_encoder *e, struct span *in, struct buf *out)
{
	size_t n = 0, room = in->len;

	if (e->limit && e->column == e->limit) {
		buf_puts(out, "!\r\n ");
		e->column = 1;
	}
	if (e->limit && room > e->limit - e->column)
		room = e->limit - e->column;
	while (n < room && in->ptr[n] != '\r' && in->ptr[n] != '\n')
		n++;
	buf_put(out, span_head(*in, n));
	*in = span_skip(*in, n);
	e->column += (uint32_t)n;
}

void line_encode(struct line_encoder *e, struct span in, struct buf *out)
{
	while (in.len) {
		char c = in.ptr[0];

		if (e->state == ENCODE_CR && c != '\n')
			buf_putc(out, ' ');
		if (c == '\n') {
			buf_put(out, SPAN("\r\n"));
			e->state = ENCODE_BOL;
			e->column = 0;
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
		put_text(e, &in, out);
		e->state = ENCODE_TEXT;
	}
}

void line_encode_end(struct line_encoder *e, struct buf *out)
{
	if (e->state != ENCODE_BOL)
		buf_put(out, SPAN("\r\n"));
	buf_put(out, SPAN(".\r\n"));
	e->state = ENCODE_BOL;
}
