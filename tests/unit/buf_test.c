/* base/buf: growth, the hard maximum, and overflow that sticks. */
#include "unit/test.h"

TEST(buf_appends_and_grows)
{
	struct buf b;
	size_t want = 0;

	buf_init(&b, 100000);
	CHECK(b.ptr == NULL);
	for (int i = 0; i < 5000; i++) {
		buf_puts(&b, "ab");
		buf_putc(&b, '\0');
		want += 3;
	}
	CHECK(buf_ok(&b));
	CHECK_INT(b.len, want);
	CHECK_SPAN(span_skip(buf_span(&b), want - 3), SPAN("ab\0"));
	buf_free(&b);
	CHECK_INT(b.len, 0);
	buf_puts(&b, "again");
	CHECK_SPAN(buf_span(&b), SPAN("again"));
	buf_free(&b);
}

TEST(buf_holds_exactly_its_maximum)
{
	struct buf b;

	buf_init(&b, 4);
	buf_puts(&b, "abcd");
	CHECK(buf_ok(&b));
	CHECK_SPAN(buf_span(&b), SPAN("abcd"));
	buf_putc(&b, 'e');
	CHECK(!buf_ok(&b));
	buf_free(&b);
}

TEST(buf_overflow_sticks_until_reset)
{
	struct buf b;

	buf_init(&b, 4);
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	CHECK(!buf_ok(&b));
	CHECK_SPAN(buf_span(&b), SPAN("abc"));
	buf_putc(&b, 'd');
	CHECK_SPAN(buf_span(&b), SPAN("abc"));
	CHECK(buf_reserve(&b, 1) == NULL);
	CHECK_SPAN(span_str(buf_cstr(&b)), SPAN(""));
	buf_reset(&b);
	CHECK(buf_ok(&b));
	CHECK_INT(b.len, 0);
	buf_puts(&b, "wxyz");
	CHECK(buf_ok(&b));
	CHECK_SPAN(buf_span(&b), SPAN("wxyz"));
	buf_free(&b);
}

TEST(buf_fixed_never_allocates)
{
	struct buf b;
	char mem[4];

	buf_init_fixed(&b, mem, sizeof mem);
	buf_puts(&b, "abcd");
	CHECK(buf_ok(&b));
	CHECK(b.ptr == mem);
	CHECK_SPAN(span_make(mem, 4), SPAN("abcd"));
	buf_putc(&b, 'e');
	CHECK(!buf_ok(&b));
	buf_free(&b);
}

TEST(buf_prints_numbers)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};
	struct buf b;

	buf_init(&b, 64);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&b);
		buf_putu(&b, rows[i].value);
		CHECK_SPAN(buf_span(&b), span_str(rows[i].text));
	}
	buf_free(&b);
}

/* Around the size of the buffer on the stack that short output goes through. */
TEST(buf_printf_of_any_length)
{
	static const int lengths[] = {0, 1, 254, 255, 256, 257, 1000};
	struct buf b;

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		buf_init(&b, 1000);
		buf_printf(&b, "%*s", lengths[i], "");
		CHECK(buf_ok(&b));
		CHECK_INT(b.len, lengths[i]);
		buf_free(&b);
	}
	buf_init(&b, 399);
	buf_printf(&b, "%400s", "");
	CHECK(!buf_ok(&b));
	CHECK_INT(b.len, 0);
	buf_free(&b);
}

TEST(buf_consumes_and_truncates)
{
	struct buf b;

	buf_init(&b, 64);
	buf_puts(&b, "abcdef");
	buf_consume(&b, 0);
	buf_consume(&b, 2);
	CHECK_SPAN(buf_span(&b), SPAN("cdef"));
	buf_truncate(&b, 9);
	CHECK_SPAN(buf_span(&b), SPAN("cdef"));
	buf_truncate(&b, 1);
	CHECK_SPAN(buf_span(&b), SPAN("c"));
	buf_consume(&b, 99);
	CHECK_SPAN(buf_span(&b), SPAN(""));
	buf_free(&b);
}

TEST(buf_as_c_string)
{
	struct buf b;
	char mem[3];

	buf_init(&b, 3);
	CHECK_SPAN(span_str(buf_cstr(&b)), SPAN(""));
	buf_puts(&b, "ab");
	CHECK_SPAN(span_str(buf_cstr(&b)), SPAN("ab"));
	CHECK_INT(b.len, 2);
	buf_free(&b);

	buf_init_fixed(&b, mem, sizeof mem);
	buf_puts(&b, "abc");
	CHECK_SPAN(span_str(buf_cstr(&b)), SPAN(""));
}

TEST(buf_wipe_leaves_nothing)
{
	struct buf b;
	char mem[8] = "xxxxxxx";

	buf_init_fixed(&b, mem, sizeof mem);
	buf_puts(&b, "secret");
	buf_wipe(&b);
	CHECK(memcmp(mem, "\0\0\0\0\0\0", 6) == 0);
}

TEST_MAIN
