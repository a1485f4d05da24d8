/* MIME: parameters in bounds, codecs there and back, parts alike in any chunking. */
#include <stdint.h>
#include <stdlib.h>

#include "format/mime.h"
#include "format/mime_seven.h"

enum { OUT_MAX = 1 << 22 };

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void decode(enum mime_encoding kind, struct span in, size_t step, struct buf *out)
{
	struct mime_decoder d;

	mime_decoder_init(&d, kind);
	for (; in.len; in = span_skip(in, step))
		mime_decode(&d, span_head(in, step), out);
	mime_decode_finish(&d, out);
}

static void check_codec(enum mime_encoding kind, struct span in)
{
	struct mime_encoder e;
	struct buf enc, dec, want;

	buf_init(&enc, OUT_MAX);
	buf_init(&dec, OUT_MAX);
	buf_init(&want, OUT_MAX);
	mime_encoder_init(&e, kind, "\n");
	for (struct span s = in; s.len; s = span_skip(s, 5))
		mime_encode(&e, span_head(s, 5), &enc);
	mime_encode_finish(&e, &enc);
	for (struct span s = buf_span(&enc); s.len;)
		demand(span_cut(&s, '\n').len <= MIME_LINE_MAX);
	decode(kind, buf_span(&enc), 3, &dec);
	for (size_t i = 0; i < in.len; i++)
		if (kind != MIME_QP || in.ptr[i] != '\r' || i + 1 == in.len ||
		    in.ptr[i + 1] != '\n')
			buf_putc(&want, in.ptr[i]);
	demand(span_eq(buf_span(&dec), buf_span(&want)));
	buf_reset(&dec);
	buf_reset(&want);
	decode(kind, in, 1, &dec);
	decode(kind, in, in.len + 1, &want);
	demand(span_eq(buf_span(&dec), buf_span(&want)));
	buf_free(&enc);
	buf_free(&dec);
	buf_free(&want);
}

static void show(struct span boundary, struct span in, size_t step, struct buf *out)
{
	struct mime_parts p;
	struct span data;
	enum mime_event ev;

	mime_parts_init(&p, boundary);
	for (; in.len; in = span_skip(in, step)) {
		struct span left = span_head(in, step);
		while ((ev = mime_parts_next(&p, &left, &data)) != MIME_MORE) {
			buf_puts(out, ev == MIME_PART ? "<PART>" : ev == MIME_END ? "<END>" : "");
			buf_put(out, data);
		}
		demand(left.len == 0);
	}
	while ((ev = mime_parts_finish(&p, &data)) != MIME_MORE) {
		buf_puts(out, ev == MIME_END ? "<END>" : "");
		buf_put(out, data);
	}
}

static void to_seven(struct span in, size_t step, struct buf *out)
{
	struct mime_seven m;

	mime_seven_init(&m);
	for (; in.len; in = span_skip(in, step < in.len ? step : in.len))
		mime_seven_feed(&m, span_head(in, step), out);
	mime_seven_finish(&m, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), rest = in, head = span_cut(&rest, '\n');
	struct mime_survey survey = {0};
	struct mime_type t;
	struct buf a, b;

	buf_init(&a, OUT_MAX);
	buf_init(&b, OUT_MAX);
	mime_parse_type(head, &t);
	mime_parse_encoding(head);
	if (mime_param(t.params, SPAN("boundary"), &a)) {
		mime_put_param(&b, SPAN("boundary"), buf_span(&a));
		struct buf back;
		buf_init(&back, OUT_MAX);
		demand(mime_param(buf_span(&b), SPAN("boundary"), &back));
		buf_free(&back);
		buf_reset(&b);
	}
	struct span boundary = buf_ok(&a) && a.len ? buf_span(&a) : SPAN("b");
	struct buf whole;
	buf_init(&whole, OUT_MAX);
	show(boundary, rest, rest.len + 1, &whole);
	show(boundary, rest, 1, &b);
	demand(span_eq(buf_span(&whole), buf_span(&b)));
	buf_reset(&whole);
	buf_reset(&b);
	to_seven(in, in.len + 1, &whole);
	to_seven(in, 1, &b);
	demand(buf_ok(&whole) && span_eq(buf_span(&whole), buf_span(&b)));
	buf_free(&whole);
	mime_survey_feed(&survey, in);
	mime_survey_choose(&survey, false);
	check_codec(MIME_QP, in);
	check_codec(MIME_BASE64, in);
	buf_free(&a);
	buf_free(&b);
	return 0;
}
