/* RFC 3461 xtext both ways. */
#include "format/xtext.h"

#include "test.h"

TEST(rows)
{
	static const struct {
		struct span raw, xtext;
	} rows[] = {
	    {SPAN(""), SPAN("")},
	    {SPAN("abc@d.e"), SPAN("abc@d.e")},
	    {SPAN("a+b=c"), SPAN("a+2Bb+3Dc")},
	    {SPAN(" \0\r\n\x7f\xff"), SPAN("+20+00+0D+0A+7F+FF")},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char m1[64], m2[64];
		struct buf enc, dec;
		buf_init_fixed(&enc, m1, sizeof m1);
		buf_init_fixed(&dec, m2, sizeof m2);
		xtext_encode(rows[i].raw, &enc);
		CHECK_SPAN(buf_span(&enc), rows[i].xtext);
		CHECK(xtext_decode(rows[i].xtext, &dec));
		CHECK_SPAN(buf_span(&dec), rows[i].raw);
	}
}

TEST(refused)
{
	static const struct span bad[] = {
	    {"a=b", 3}, {"a b", 3},  {"+", 1},   {"+2", 2},  {"a+2", 3},
	    {"+2G", 3}, {"\x80", 1}, {"a\0", 2}, {"+-1", 3}, {"\n", 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char mem[16];
		struct buf out;
		buf_init_fixed(&out, mem, sizeof mem);
		CHECK(!xtext_decode(bad[i], &out));
		CHECK(!xtext_is_valid(bad[i]));
		CHECK_INT(out.len, 0);
	}
	CHECK(xtext_is_valid(SPAN("+2b")) && xtext_is_valid(SPAN("")));
}

TEST_MAIN
