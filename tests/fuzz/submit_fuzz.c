/*
 * format/submit: any text in any chunking comes out the same, and never with a CR LF pair.
 * The first octet is the flags, the second half is fed octet by octet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/submit.h"

static size_t filter(unsigned flags, struct span text, size_t step, struct buf *out)
{
	static const struct submit_fields fields = {.from = {"From: f\n", 8},
						    .date = {"Date: d\n", 8},
						    .message_id = {"Message-ID: m\n", 14}};
	struct submit s;

	submit_init(&s, flags, &fields);
	while (text.len) {
		submit_feed(&s, span_head(text, step), out);
		text = span_skip(text, step);
	}
	submit_finish(&s, out);
	return s.header;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, bits;
	size_t header;

	if (size == 0)
		return 0;
	buf_init(&whole, 2 * size + 256);
	buf_init(&bits, 2 * size + 256);
	header = filter(data[0] & 3, span_make(data + 1, size - 1), size, &whole);
	if (filter(data[0] & 3, span_make(data + 1, size - 1), 1, &bits) != header || header > size)
		abort();
	if (!span_eq(buf_span(&whole), buf_span(&bits)))
		abort();
	if (whole.len && memmem(whole.ptr, whole.len, "\r\n", 2))
		abort();
	buf_free(&whole);
	buf_free(&bits);
	return 0;
}
