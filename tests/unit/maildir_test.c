/* Maildir names: made unique, taken apart, flags changed, sorted. */
#include "format/maildir.h"

#include "test.h"

TEST(unique_names)
{
	static const struct {
		const char *host, *want;
	} rows[] = {
	    {"mx.example", "mx.example"},
	    {"a/b:c", "a\\057b\\072c"},
	    {"", "localhost"},
	    {"a,b c\n\x80", "a_b_c__"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct maildir_seed seed = {.seconds = 1795490285,
					    .usec = 1234,
					    .pid = 42,
					    .counter = 7,
					    .random = 0xabc,
					    .host = span_str(rows[i].host)};
		struct maildir_name name;
		char mem[MAILDIR_NAME_MAX];
		struct buf b;
		buf_init_fixed(&b, mem, sizeof mem);
		maildir_put_unique(&b, &seed);
		struct span head = SPAN("1795490285.M001234P42Q7R0000000000000abc.");
		CHECK(span_starts(buf_span(&b), head));
		CHECK_SPAN(span_skip(buf_span(&b), head.len), span_str(rows[i].want));
		size_t unique = b.len;
		maildir_put_sizes(&b, 100, 105);
		CHECK(maildir_parse(buf_span(&b), &name));
		CHECK_INT(name.unique.len, unique);
		CHECK_SPAN(name.base, buf_span(&b));
		CHECK_INT(name.seconds, 1795490285);
		CHECK_INT(name.usec, 1234);
		CHECK(name.has_size && name.has_crlf_size);
		CHECK_INT(name.size, 100);
		CHECK_INT(name.crlf_size, 105);
	}
}

TEST(longest_name_fits)
{
	char slashes[300], mem[MAILDIR_NAME_MAX];
	struct maildir_seed seed = {.seconds = INT64_MIN,
				    .usec = UINT32_MAX,
				    .pid = UINT32_MAX,
				    .counter = UINT64_MAX,
				    .random = UINT64_MAX};
	struct buf b;
	memset(slashes, '/', sizeof slashes);
	seed.host = span_make(slashes, sizeof slashes);
	buf_init_fixed(&b, mem, sizeof mem - sizeof ":2,DFPRST");
	maildir_put_unique(&b, &seed);
	maildir_put_sizes(&b, UINT64_MAX, UINT64_MAX);
	CHECK(buf_ok(&b));
}

TEST(parse)
{
	static const struct {
		const char *in, *unique, *base, *flags;
		long long size, crlf, seconds, usec;
	} rows[] = {
	    {"1.M2P3.h:2,FS", "1.M2P3.h", "1.M2P3.h", "FS", -1, -1, 1, 2},
	    {"1.M2P3.h", "1.M2P3.h", "1.M2P3.h", "", -1, -1, 1, 2},
	    {"1.h,S=5:2,", "1.h", "1.h,S=5", "", 5, -1, 1, 0},
	    {"1.h,S=5,W=6:2,S", "1.h", "1.h,S=5,W=6", "S", 5, 6, 1, 0},
	    {"1.h,W=6,X=1,S=5", "1.h", "1.h,W=6,X=1,S=5", "", 5, 6, 1, 0},
	    {"1.h,S=x,W=-1", "1.h", "1.h,S=x,W=-1", "", -1, -1, 1, 0},
	    {"1.h,S=99999999999999999999999", "1.h", "1.h,S=99999999999999999999999", "", -1, -1, 1,
	     0},
	    {"foo", "foo", "foo", "", -1, -1, 0, 0},
	    {"1.h:1,S", "1.h", "1.h", "", -1, -1, 1, 0},
	    {"1.h:2,a:S", "1.h", "1.h", "a:S", -1, -1, 1, 0},
	    {"1.h:", "1.h", "1.h", "", -1, -1, 1, 0},
	    {"99999999999999999999.Mx", "99999999999999999999.Mx", "99999999999999999999.Mx", "",
	     -1, -1, 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct maildir_name n;
		CHECK(maildir_parse(span_str(rows[i].in), &n));
		CHECK_SPAN(n.unique, span_str(rows[i].unique));
		CHECK_SPAN(n.base, span_str(rows[i].base));
		CHECK_SPAN(n.flags, span_str(rows[i].flags));
		CHECK_INT(n.has_size ? (long long)n.size : -1, rows[i].size);
		CHECK_INT(n.has_crlf_size ? (long long)n.crlf_size : -1, rows[i].crlf);
		CHECK_INT(n.seconds, rows[i].seconds);
		CHECK_INT(n.usec, rows[i].usec);
	}
}

TEST(refused)
{
	static const struct span rows[] = {
	    {"", 0},     {".", 1},    {"..", 2},   {".x", 2},   {"a/b", 3},
	    {"a\nb", 3}, {"a\0b", 3}, {":2,S", 4}, {",S=1", 4},
	};
	struct maildir_name n;
	char big[256];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		CHECK(!maildir_parse(rows[i], &n));
	memset(big, 'x', sizeof big);
	CHECK(!maildir_parse(span_make(big, 256), &n));
	CHECK(maildir_parse(span_make(big, 255), &n));
}

TEST(flags)
{
	static const struct {
		const char *in, *add, *remove, *want;
	} rows[] = {
	    {"1.h", "S", "", "1.h:2,S"},        {"1.h:2,S", "RF", "", "1.h:2,FRS"},
	    {"1.h:2,SRF", "", "R", "1.h:2,FS"}, {"1.h:2,Sa", "S", "", "1.h:2,Sa"},
	    {"1.h:2,S", "", "S", "1.h:2,"},     {"1.h:2,SS", "", "", "1.h:2,S"},
	    {"1.h:2,S!?", "T", "", "1.h:2,ST"}, {"1.h,S=1:1,x", "T", "T", "1.h,S=1:2,"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct maildir_name n;
		char mem[64];
		struct buf b;
		buf_init_fixed(&b, mem, sizeof mem);
		CHECK(maildir_parse(span_str(rows[i].in), &n));
		maildir_put_flags(&b, &n, rows[i].add, rows[i].remove);
		CHECK_SPAN(buf_span(&b), span_str(rows[i].want));
	}
}

TEST(order)
{
	static const char *const sorted[] = {"a",         "b",        "1.M1P1.h", "1.M2P1.h",
					     "1.M2P1.hh", "2.M1P9.h", "10.h"};
	struct maildir_name a, b;
	for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++)
		for (size_t k = 0; k < sizeof sorted / sizeof *sorted; k++) {
			CHECK(maildir_parse(span_str(sorted[i]), &a));
			CHECK(maildir_parse(span_str(sorted[k]), &b));
			int c = maildir_compare(&a, &b);
			CHECK_INT((c > 0) - (c < 0), (i > k) - (i < k));
		}
	CHECK(maildir_parse(SPAN("1.h,S=1:2,S"), &a));
	CHECK(maildir_parse(SPAN("1.h"), &b));
	CHECK_INT(maildir_compare(&a, &b), 0);
	CHECK(maildir_has_flag(&a, 'S') && !maildir_has_flag(&a, 'T'));
}

TEST_MAIN
