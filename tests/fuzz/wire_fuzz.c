/*
 * base/wire: a message read with getters in an order that the input chooses.  What was read is
 * written again and must come out as it was; a message that was read to its end well
 * must be reproduced octet for octet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GETTERS = 6 };

static void require(bool cond)
{
	if (!cond)
		abort();
}

static void get_text(struct wire_in *in, struct buf *out)
{
	char text[32];

	wire_get_cstr(in, text, sizeof text);
	require(memchr(text, '\0', sizeof text) != NULL);
	wire_put_span(out, span_str(text));
}

static void get_error(struct wire_in *in, struct buf *out)
{
	struct err e;

	wire_get_err(in, &e);
	require(e.class <= ERR_PERM);
	for (const char *p = e.text; *p; p++)
		require(*p >= 0x20 && *p <= 0x7e);
	wire_put_err(out, &e);
}

static void get_one(struct wire_in *in, unsigned which, struct buf *out)
{
	switch (which % GETTERS) {
	case 0:
		wire_put_u8(out, wire_get_u8(in));
		break;
	case 1:
		wire_put_u32(out, wire_get_u32(in));
		break;
	case 2:
		wire_put_u64(out, wire_get_u64(in));
		break;
	case 3:
		wire_put_span(out, wire_get_span(in, 64));
		break;
	case 4:
		get_text(in, out);
		break;
	default:
		get_error(in, out);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char mem[WIRE_MAX];
	struct span order, octets;
	struct wire_in in;
	struct buf out;
	bool error = false;

	if (size < 1 || size < 1 + (size_t)data[0])
		return 0;
	order = span_make(data + 1, data[0]);
	octets = span_make(data + 1 + data[0], size - 1 - data[0]);
	if (!wire_open(&in, octets)) {
		require(octets.len < WIRE_HEADER || octets.len > WIRE_MAX);
		return 0;
	}
	buf_init_fixed(&out, mem, sizeof mem);
	wire_begin(&out, in.type, in.id);
	for (size_t i = 0; i < order.len; i++) {
		size_t before = in.rest.len;

		get_one(&in, (unsigned char)order.ptr[i], &out);
		error = error || (unsigned char)order.ptr[i] % GETTERS == GETTERS - 1;
		require(in.rest.len <= before);
	}
	/* An error's text is made printable, so it need not be the same. */
	if (wire_end(&in) && buf_ok(&out))
		require(out.len == octets.len && (error || span_eq(buf_span(&out), octets)));
	return 0;
}
