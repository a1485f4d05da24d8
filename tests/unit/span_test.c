/* base/span and base/ascii: bounds, NULs, the empty span, and case in ASCII only. */
#include "base/ascii.h"

#include "unit/test.h"

static const struct span none = {NULL, 0};

TEST(span_equality_counts_octets)
{
	CHECK(span_eq(SPAN("a\0b"), SPAN("a\0b")));
	CHECK(!span_eq(SPAN("a\0b"), SPAN("a\0c")));
	CHECK(!span_eq(SPAN("a"), SPAN("ab")));
	CHECK(span_eq(none, SPAN("")));
	CHECK(span_eq(span_str(NULL), none));
}

TEST(span_parts_stay_inside)
{
	CHECK_SPAN(span_skip(SPAN("abc"), 1), SPAN("bc"));
	CHECK_SPAN(span_skip(SPAN("abc"), 9), SPAN(""));
	CHECK_SPAN(span_skip(none, 9), SPAN(""));
	CHECK_SPAN(span_head(SPAN("abc"), 2), SPAN("ab"));
	CHECK_SPAN(span_head(SPAN("abc"), 9), SPAN("abc"));
	CHECK(span_starts(SPAN("abc"), SPAN("ab")) && span_starts(SPAN("abc"), none));
	CHECK(!span_starts(SPAN("ab"), SPAN("abc")));
	CHECK(span_ends(SPAN("abc"), SPAN("bc")) && span_ends(SPAN("abc"), none));
	CHECK(!span_ends(SPAN("bc"), SPAN("abc")));
	CHECK_INT(span_index(SPAN("a\0b"), '\0'), 1);
	CHECK_INT(span_index(SPAN("abc"), 'x'), 3);
	CHECK_INT(span_index(none, 'x'), 0);
}

TEST(span_cuts)
{
	struct span s = SPAN("a,,b");

	CHECK_SPAN(span_cut(&s, ','), SPAN("a"));
	CHECK_SPAN(span_cut(&s, ','), SPAN(""));
	CHECK_SPAN(span_cut(&s, ','), SPAN("b"));
	CHECK_SPAN(s, SPAN(""));
	CHECK_SPAN(span_cut(&s, ','), SPAN(""));
}

TEST(ascii_folds_letters_only)
{
	char all[256];

	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';

		all[i] = c;
		CHECK_INT((unsigned char)ascii_lower(c), upper ? i + 32 : i);
		CHECK_INT((unsigned char)ascii_upper(c), lower ? i - 32 : i);
		CHECK(ascii_is_alpha(c) == (upper || lower));
		CHECK(ascii_is_print(c) == (i >= 0x20 && i <= 0x7e));
		CHECK(ascii_is_graph(c) == (i > 0x20 && i <= 0x7e));
		CHECK(ascii_is_space(c) == (i == ' ' || (i >= 9 && i <= 13)));
	}
	ascii_fold(all, sizeof all);
	CHECK_INT(all['Q'], 'q');
	CHECK_INT(all['@'], '@');
	CHECK_INT((unsigned char)all[0xc4], 0xc4);
}

TEST(ascii_compares_without_case)
{
	CHECK(ascii_eq_nocase(SPAN("MAIL from"), SPAN("mail FROM")));
	CHECK(!ascii_eq_nocase(SPAN("mail"), SPAN("mails")));
	CHECK(!ascii_eq_nocase(SPAN("@"), SPAN("`")));
	CHECK(!ascii_eq_nocase(SPAN("\xc4"), SPAN("\xe4")));
	CHECK(ascii_eq_nocase(none, SPAN("")));
	CHECK(ascii_starts_nocase(SPAN("RCPT TO:x"), SPAN("rcpt to:")));
	CHECK(!ascii_starts_nocase(SPAN("RCPT"), SPAN("rcpt to:")));
}

TEST(ascii_cuts_words)
{
	struct span s = SPAN("\f one\0 two\r\n \t");

	CHECK_SPAN(ascii_skip_space(s), SPAN("one\0 two\r\n \t"));
	CHECK_SPAN(ascii_trim_space(s), SPAN("\f one\0 two"));
	CHECK_SPAN(ascii_cut_word(&s), SPAN("one\0"));
	CHECK_SPAN(s, SPAN(" two\r\n \t"));
	CHECK_SPAN(ascii_cut_word(&s), SPAN("two"));
	CHECK_SPAN(ascii_cut_word(&s), SPAN(""));
	CHECK(s.len == 0 && ascii_cut_word(&s).len == 0);
	CHECK(ascii_skip_space(none).len == 0 && ascii_trim_space(none).len == 0);
}

TEST_MAIN
