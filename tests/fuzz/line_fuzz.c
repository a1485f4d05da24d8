/*
 * Lines, body decoder and encoder: the first octet chooses limits and policy, the second how
 * the rest is cut; the result must not depend on the cutting, and what was decoded or
 * encoded must hold no bare CR or LF.
 */
#include <stdint.h>
#include <stdlib.h>

#include "proto/line.h"

static void check(int ok)
{
	if (!ok)
		abort();
}

static size_t piece(size_t cut, size_t done, size_t all)
{
	return cut == 0 || all - done < cut ? all - done : cut;
}

static void split(struct span in, bool lenient, size_t max, size_t cut, struct buf *log)
{
	struct line l = {.lenient = lenient};
	size_t start = 0, end = 0;

	while (end < in.len) {
		enum line_kind kind;

		end += piece(cut, end, in.len);
		do {
			struct span text;
			size_t used;

			kind = line_next(&l, span_make(in.ptr + start, end - start), max, &used,
					 &text);
			check(used <= end - start && text.len <= max);
			start += used;
			if (kind != LINE_MORE)
				buf_putc(log, (char)kind);
			if (kind == LINE_OK)
				buf_put(log, text);
		} while (kind != LINE_MORE);
		check(end - start < max);
	}
	buf_putu(log, start);
}

static void decode(struct span in, enum line_policy policy, size_t cut, struct line_body *b,
		   struct buf *log)
{
	enum line_body_event ev = LINE_BODY_MORE;
	size_t start = 0, end = 0;

	line_body_init(b, policy);
	while (end < in.len && ev != LINE_BODY_END) {
		end += piece(cut, end, in.len);
		do {
			struct span out;
			size_t used;

			ev = line_body_next(b, span_make(in.ptr + start, end - start), &used, &out);
			check(used <= end - start);
			start += used;
			if (ev == LINE_BODY_DATA)
				buf_put(log, out);
		} while (ev == LINE_BODY_DATA);
	}
	for (size_t i = 0; i < log->len; i++) {
		check(log->ptr[i] != '\n' || (i > 0 && log->ptr[i - 1] == '\r'));
		check(log->ptr[i] != '\r' || i + 1 == log->len || log->ptr[i + 1] == '\n');
	}
	check(line_body_refused(b) || b->octets == log->len);
	buf_putu(log, ev == LINE_BODY_END ? start : 0);
}

static void encode(struct span in, size_t cut, struct buf *out)
{
	struct line_encoder e = {0};

	for (size_t n; in.len; in = span_skip(in, n)) {
		n = piece(cut, 0, in.len);
		line_encode(&e, span_head(in, n), out);
	}
	line_encode_end(&e, out);
}

/* The first end of a body in what the encoder made is its last octet. */
static void encoded_end(struct span text)
{
	enum line_body_event ev;
	struct line_body b;
	struct span out;
	size_t used;

	line_body_init(&b, LINE_REFUSE);
	while ((ev = line_body_next(&b, text, &used, &out)) == LINE_BODY_DATA)
		text = span_skip(text, used);
	check(ev == LINE_BODY_END && used == text.len && !line_body_refused(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf a, b;
	struct line_body one, two;

	if (size < 2)
		return 0;
	size_t max = 2 + data[0] / 4, cut = data[1] % 16;
	enum line_policy policy = (enum line_policy)(data[0] % 3);
	struct span in = span_make(data + 2, size - 2);

	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	split(in, data[0] & 1, max, 0, &a);
	split(in, data[0] & 1, max, cut, &b);
	check(span_eq(buf_span(&a), buf_span(&b)));
	buf_reset(&a);
	buf_reset(&b);
	decode(in, policy, 0, &one, &a);
	decode(in, policy, cut, &two, &b);
	check(span_eq(buf_span(&a), buf_span(&b)));
	check(one.flags == two.flags && one.octets == two.octets);
	buf_reset(&a);
	buf_reset(&b);
	encode(in, 0, &a);
	encode(in, cut, &b);
	check(span_eq(buf_span(&a), buf_span(&b)));
	encoded_end(buf_span(&a));
	buf_free(&a);
	buf_free(&b);
	return 0;
}
