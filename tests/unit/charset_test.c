/* UTF-8 well-formedness, conversion of old charsets, terminal-safe text. */
#include "format/charset.h"

#include "test.h"

#define BOX "\xef\xbf\xbd"

TEST(utf8)
{
	static const struct {
		struct span in;
		size_t len;
		uint32_t cp;
	} rows[] = {
	    {SPAN("a"), 1, 'a'},
	    {SPAN("\0"), 1, 0},
	    {SPAN("\xc3\xa4x"), 2, 0xe4},
	    {SPAN("\xe2\x82\xac"), 3, 0x20ac},
	    {SPAN("\xf0\x9f\x93\xac"), 4, 0x1f4ec},
	    {SPAN("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
	    {SPAN(""), 0, 0},
	    {SPAN("\x80"), 0, 0},
	    {SPAN("\xc0\x80"), 0, 0},
	    {SPAN("\xc1\xbf"), 0, 0},
	    {SPAN("\xe0\x9f\xbf"), 0, 0},
	    {SPAN("\xed\xa0\x80"), 0, 0},
	    {SPAN("\xf0\x8f\xbf\xbf"), 0, 0},
	    {SPAN("\xf4\x90\x80\x80"), 0, 0},
	    {SPAN("\xf8\x88\x80\x80\x80"), 0, 0},
	    {SPAN("\xff"), 0, 0},
	    {SPAN("\xc3"), 0, 0},
	    {SPAN("\xe2\x82"), 0, 0},
	    {SPAN("\xe2\x28\xa1"), 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t cp = 0;
		CHECK_INT(charset_utf8_next(rows[i].in, &cp), rows[i].len);
		CHECK_INT(cp, rows[i].cp);
	}
	for (uint32_t cp = 0; cp < 0x110000; cp += 7) {
		char mem[4];
		struct buf b;
		uint32_t back = 0;
		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		buf_init_fixed(&b, mem, sizeof mem);
		charset_put_utf8(&b, cp);
		CHECK_INT(charset_utf8_next(buf_span(&b), &back), b.len);
		CHECK_INT(back, cp);
	}
	CHECK(charset_is_utf8(SPAN("a\xc3\xa4")) && !charset_is_utf8(SPAN("a\xc3")));
	CHECK(charset_is_ascii(SPAN("a\0b")) && !charset_is_ascii(SPAN("\x80")));
}

TEST(conversion)
{
	static const struct {
		const char *charset, *in, *want;
	} rows[] = {
	    {"utf-8", "\xc3\xa4\xff", "\xc3\xa4" BOX},
	    {"UTF-8", "x", "x"},
	    {"us-ascii", "a", "a"},
	    {"iso-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac"},
	    {"ISO-8859-15", "\xa4\xa6\xbe\xe4", "\xe2\x82\xac\xc5\xa0\xc5\xb8\xc3\xa4"},
	    {"windows-1252", "\x80\x81\x9f", "\xe2\x82\xac" BOX "\xc5\xb8"},
	    {"koi8-r", "\xc1", NULL},
	    {"", "a", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char mem[64];
		struct buf b;
		buf_init_fixed(&b, mem, sizeof mem);
		bool ok = charset_to_utf8(span_str(rows[i].charset), span_str(rows[i].in), &b);
		CHECK_INT(ok, rows[i].want != NULL);
		CHECK_SPAN(buf_span(&b), span_str(rows[i].want));
	}
	for (int c = 0; c < 256; c++) {
		static const char *const names[] = {"iso-8859-1", "iso-8859-15", "windows-1252"};
		for (int k = 0; k < 3; k++) {
			char in = (char)c, mem[4];
			struct buf b;
			buf_init_fixed(&b, mem, sizeof mem);
			CHECK(charset_to_utf8(span_str(names[k]), span_make(&in, 1), &b));
			CHECK(charset_is_utf8(buf_span(&b)));
		}
	}
}

TEST(printable)
{
	static const struct {
		struct span in, want;
		bool multiline;
	} rows[] = {
	    {SPAN("a\xc3\xa4\t"), SPAN("a\xc3\xa4\t"), false},
	    {SPAN("a\x1b[2J\x07"), SPAN("a?[2J?"), false},
	    {SPAN("a\r\nb\nc\rd"), SPAN("a\nb\nc?d"), true},
	    {SPAN("a\r\nb"), SPAN("a?b"), false},
	    {SPAN("\xc2\x9b"
		  "31m\x7f\0"),
	     SPAN("?31m??"), false},
	    {SPAN("\xe2\x80\xae"
		  "abc\xe2\x81\xa6"),
	     SPAN(BOX "abc" BOX), false},
	    {SPAN("\xff\x9b"), SPAN(BOX BOX), false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char mem[64];
		struct buf b;
		buf_init_fixed(&b, mem, sizeof mem);
		charset_put_printable(&b, rows[i].in, rows[i].multiline);
		CHECK_SPAN(buf_span(&b), rows[i].want);
	}
}

TEST(head)
{
	CHECK_SPAN(charset_head(SPAN("a\xc3\xa4"), 2), SPAN("a"));
	CHECK_SPAN(charset_head(SPAN("a\xc3\xa4"), 3), SPAN("a\xc3\xa4"));
	CHECK_SPAN(charset_head(SPAN("a\xc3\xa4"), 9), SPAN("a\xc3\xa4"));
	CHECK_SPAN(charset_head(SPAN("\xf0\x9f\x93\xac"), 3), SPAN("\xf0\x9f\x93"));
	CHECK_SPAN(charset_head(SPAN("\x80\x80\x80\x80\x80\x80"), 5), SPAN("\x80\x80\x80\x80\x80"));
	CHECK_SPAN(charset_head(SPAN("abc"), 0), SPAN(""));
}

TEST_MAIN
