/* Dates: written and read, the lenient forms, and what is no date. */
#include "format/date.h"

#include "test.h"

TEST(put)
{
	static const struct {
		int64_t t;
		int offset;
		const char *mail, *ctime;
	} rows[] = {
	    {1795490285, 0, "Tue, 24 Nov 2026 03:18:05 +0000", "Tue Nov 24 03:18:05 2026"},
	    {1795490285, 60, "Tue, 24 Nov 2026 04:18:05 +0100", "Tue Nov 24 04:18:05 2026"},
	    {1795490285, -570, "Mon, 23 Nov 2026 17:48:05 -0930", "Mon Nov 23 17:48:05 2026"},
	    {0, 0, "Thu, 1 Jan 1970 00:00:00 +0000", "Thu Jan  1 00:00:00 1970"},
	    {-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000", "Wed Dec 31 23:59:59 1969"},
	    {951782400, 0, "Tue, 29 Feb 2000 00:00:00 +0000", "Tue Feb 29 00:00:00 2000"},
	    {4107542400, 0, "Mon, 1 Mar 2100 00:00:00 +0000", "Mon Mar  1 00:00:00 2100"},
	    {INT64_MAX, 0, "Fri, 31 Dec 9999 23:59:59 +0000", "Fri Dec 31 23:59:59 9999"},
	    {INT64_MIN, 0, "Mon, 1 Jan 0001 00:00:00 +0000", "Mon Jan  1 00:00:00 0001"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char m1[64], m2[64];
		struct buf a, b;
		buf_init_fixed(&a, m1, sizeof m1);
		buf_init_fixed(&b, m2, sizeof m2);
		date_put(&a, rows[i].t, rows[i].offset);
		date_put_ctime(&b, rows[i].t, rows[i].offset);
		CHECK_SPAN(buf_span(&a), span_str(rows[i].mail));
		CHECK_SPAN(buf_span(&b), span_str(rows[i].ctime));
	}
}

TEST(parse)
{
	enum { T = 1795490285 };
	static const struct {
		const char *in;
		int64_t t;
		int offset;
	} rows[] = {
	    {"Tue, 24 Nov 2026 03:18:05 +0000", T, 0},
	    {"24 Nov 2026 03:18:05 +0000", T, 0},
	    {"Tue, 24 Nov 2026 03:18:05 +0000 (UTC)", T, 0},
	    {"Tue, 24 Nov 2026 04:18:05 +0100 (CET)", T, 60},
	    {"Tue,24 Nov 2026 03:18:05 GMT", T, 0},
	    {"Mon, 23 Nov 2026 22:18:05 EST", T, -300},
	    {"Mon, 23 Nov 2026 20:18:05 pdt", T, -420},
	    {"24 nov 26 03:18:05 Z", T, 0},
	    {"24 Nov 126 03:18:05", T, 0},
	    {"24 Nov 2026 03:18:05 +9999", T, 0},
	    {"Tue, 24\r\n Nov (a (b) \\) c) 2026 03:18:05 -0000", T, 0},
	    {"Tue Nov 24 03:18:05 2026", T, 0},
	    {"Tue Nov 24 03:18:05 EST 2026", T + 5 * 3600, -300},
	    {"Tue Nov 24 03:18:05 2026 +0100", T - 3600, 60},
	    {"Tue Nov 24 03:18 2026", T - 5, 0},
	    {"Tue Nov 24 03:18:05 2026 remote from host", T, 0},
	    {"24-Nov-2026 03:18:05 +0000", T, 0},
	    {"November 24, 2026 3:18:05", T, 0},
	    {"31 Dec 99 23:59:60 +0000", 946684800, 0},
	    {"1 Jan 1970 0:00", 0, 0},
	    {"Tue, 24 Nov 2026 03:18:05 +0000;", T, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t t = -7;
		int offset = -7;
		if (!date_parse(span_str(rows[i].in), &t, &offset))
			TEST_FAIL("refused: %s", rows[i].in);
		else if (t != rows[i].t || offset != rows[i].offset)
			TEST_FAIL("%s: %lld %d", rows[i].in, (long long)t, offset);
		CHECK(date_parse(span_str(rows[i].in), &t, NULL));
	}
}

TEST(refuse)
{
	static const char *const rows[] = {
	    "",
	    " ",
	    "Tue",
	    "Tue, 24 Nov 2026",
	    "24 Nov 03:18:05",
	    "Nov 2026 03:18",
	    "03:18:05",
	    "32 Nov 2026 03:18",
	    "31 Nov 2026 03:18",
	    "29 Feb 2026 03:18",
	    "0 Nov 2026 03:18",
	    "24 Nov 2026 24:00",
	    "24 Nov 2026 03:60",
	    "24 Nov 2026 03:18:61",
	    "24 Nov 0000 03:18",
	    "24 Foo 2026 03:18",
	    "24 Nov 99999 03:18",
	    "24 Nov 2026 03:",
	    "24 Nov 2026 :18",
	    "((((((((",
	    "\\",
	    "24 Nov 2026 3",
	    "!24 Nov 2026 03:18",
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t t = -7;
		int offset = -7;
		if (date_parse(span_str(rows[i]), &t, &offset))
			TEST_FAIL("taken: %s", rows[i]);
		CHECK(t == -7 && offset == -7);
	}
}

TEST(ctime_needs_a_weekday)
{
	int64_t t = 0;
	CHECK(date_parse_ctime(SPAN("Tue Nov 24 03:18:05 2026"), &t));
	CHECK_INT(t, 1795490285);
	CHECK(!date_parse_ctime(SPAN("Nov 24 03:18:05 2026"), &t));
	CHECK(!date_parse_ctime(SPAN("is the Nov 24 03:18:05 2026"), &t));
	CHECK(!date_parse_ctime(SPAN(""), &t));
}

TEST(written_is_read_back)
{
	for (int64_t t = -62135596800; t < 253402300799; t += 86400LL * 997 + 12345) {
		char mem[64];
		struct buf b;
		int64_t back = 0;
		int offset = 0, want = (int)(t % 1440) / 2;
		if (t + want * 60 < -62135596800 || t + want * 60 > 253402300799)
			continue;
		buf_init_fixed(&b, mem, sizeof mem);
		date_put(&b, t, want);
		CHECK(date_parse(buf_span(&b), &back, &offset));
		CHECK_INT(back, t);
		CHECK_INT(offset, want);
		buf_reset(&b);
		date_put_ctime(&b, t, 0);
		CHECK(date_parse_ctime(buf_span(&b), &back));
		CHECK_INT(back, t);
	}
}

TEST_MAIN
