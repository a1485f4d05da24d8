/* Header blocks: the same events whole and in pieces; what is written reads back. */
#include <stdint.h>
#include <stdlib.h>

#include "format/header.h"

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void show(struct span in, size_t step, struct buf *out)
{
	struct header_reader r;
	struct header_field f;
	enum header_event ev = HEADER_MORE;
	struct span rest = in;

	header_reader_init(&r, 2000, 20000);
	while (ev < HEADER_BODY) {
		struct span piece = span_head(rest, step), left = piece;
		ev = piece.len ? header_reader_next(&r, &left, &f) : header_reader_finish(&r, &f);
		rest = span_skip(rest, piece.len - left.len);
		demand(ev != HEADER_MORE || left.len == 0);
		if (ev != HEADER_FIELD && ev != HEADER_FROM)
			continue;
		buf_putc(out, f.cut ? '!' : '.');
		buf_put(out, f.raw);
		buf_put(out, f.name);
		buf_put(out, f.value);
	}
	buf_putc(out, (char)ev);
	if (ev == HEADER_BODY) {
		buf_put(out, r.pending);
		buf_put(out, rest);
	}
	header_reader_free(&r);
}

static void check_writer(struct span value)
{
	struct buf out, flat, back;
	struct header_field f;

	buf_init(&out, 1 << 20);
	buf_init(&flat, 1 << 20);
	buf_init(&back, 1 << 20);
	header_unfold(span_trim(value), &flat);
	header_put_field(&out, SPAN("Name"), value, "\r\n");
	demand(buf_ok(&out));
	struct span block = buf_span(&out);
	demand(header_next(&block, &f) && block.len == 0);
	header_unfold(f.value, &back);
	for (struct span s = buf_span(&out); s.len;)
		demand(span_cut(&s, '\n').len <= HEADER_LINE_MAX + 1);
	buf_free(&out);
	buf_free(&flat);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), block = in;
	struct header_field f;
	struct buf whole, pieces;

	buf_init(&whole, 1 << 22);
	buf_init(&pieces, 1 << 22);
	show(in, size + 1, &whole);
	show(in, 1, &pieces);
	demand(span_eq(buf_span(&whole), buf_span(&pieces)));
	buf_reset(&pieces);
	show(in, size % 13 + 2, &pieces);
	demand(span_eq(buf_span(&whole), buf_span(&pieces)));
	header_skip_from(&block);
	while (header_next(&block, &f))
		demand(header_name_length(f.raw) == f.name.len);
	check_writer(in);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
