/* base/wire: fields come back as they went in; every cut and surplus is noticed. */
#include "base/wire.h"

#include "unit/test.h"

static void build(struct buf *b)
{
	struct err e = {0};

	err_temp(&e, "4.3.1", "disk full");
	wire_begin(b, 0x1234, 0xdeadbeef);
	wire_put_u8(b, 200);
	wire_put_u32(b, 0x80000001);
	wire_put_u64(b, UINT64_MAX);
	wire_put_span(b, SPAN("a\0b"));
	wire_put_span(b, SPAN("user"));
	wire_put_err(b, &e);
}

/* Reads everything; true when the message was whole and well formed. */
static bool take(struct span octets, bool check)
{
	struct wire_in in;
	struct err e = {0};
	char user[8] = "";

	if (!wire_open(&in, octets))
		return false;
	uint8_t a = wire_get_u8(&in);
	uint32_t b = wire_get_u32(&in);
	uint64_t c = wire_get_u64(&in);
	struct span s = wire_get_span(&in, 3);

	wire_get_cstr(&in, user, sizeof user);
	wire_get_err(&in, &e);
	if (check) {
		CHECK_INT(in.type, 0x1234);
		CHECK_INT(in.id, 0xdeadbeef);
		CHECK_INT(a, 200);
		CHECK_INT(b, 0x80000001);
		CHECK(c == UINT64_MAX);
		CHECK_SPAN(s, SPAN("a\0b"));
		CHECK_SPAN(span_str(user), SPAN("user"));
		CHECK_INT(e.class, ERR_TEMP);
		CHECK_SPAN(span_str(e.status), SPAN("4.3.1"));
		CHECK_SPAN(span_str(e.text), SPAN("disk full"));
	}
	return wire_end(&in);
}

TEST(wire_round_trip)
{
	struct buf b;

	buf_init(&b, WIRE_MAX);
	build(&b);
	CHECK(buf_ok(&b));
	CHECK(take(buf_span(&b), true));
	buf_free(&b);
}

TEST(wire_notices_every_cut)
{
	struct buf b;

	buf_init(&b, WIRE_MAX);
	build(&b);
	for (size_t n = 0; n < b.len; n++) {
		/* A copy of exactly this size, so that a read behind it is seen. */
		char *copy = malloc(n ? n : 1);

		if (!copy)
			abort();
		memcpy(copy, b.ptr, n);
		if (take(span_make(copy, n), false))
			TEST_FAIL("cut at %zu accepted", n);
		free(copy);
	}
	buf_putc(&b, 0);
	CHECK(!take(buf_span(&b), false));
	buf_free(&b);
}

TEST(wire_bounds)
{
	struct wire_in in;
	struct buf b;
	char room[4];

	buf_init(&b, WIRE_MAX);
	wire_begin(&b, 1, 2);
	wire_put_span(&b, SPAN("abcd"));
	CHECK(wire_open(&in, buf_span(&b)));
	CHECK_SPAN(wire_get_span(&in, 3), SPAN(""));
	CHECK(!wire_end(&in));

	CHECK(wire_open(&in, buf_span(&b)));
	wire_get_cstr(&in, room, sizeof room);
	CHECK_SPAN(span_str(room), SPAN(""));
	CHECK(!wire_end(&in));

	wire_begin(&b, 1, 2);
	wire_put_span(&b, SPAN("a\0"));
	CHECK(wire_open(&in, buf_span(&b)));
	wire_get_cstr(&in, room, sizeof room);
	CHECK(!wire_end(&in));

	wire_begin(&b, 1, 2);
	while (buf_ok(&b))
		wire_put_u64(&b, 0);
	CHECK(b.len <= WIRE_MAX);
	buf_free(&b);
}

TEST_MAIN
