/* RFC 2047: examples of the RFC, what other programs write, and round trips. */
#include "format/encword.h"

#include "format/charset.h"
#include "test.h"

static void check(void (*f)(struct span, struct buf *), const char *in, const char *want)
{
	struct buf out;
	buf_init(&out, 65536);
	f(span_str(in), &out);
	if (!span_eq(buf_span(&out), span_str(want)))
		TEST_FAIL("%s gives %s, not %s", in, buf_cstr(&out), want);
	buf_free(&out);
}

TEST(decode)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
	    {"plain text", "plain text"},
	    {"", ""},
	    {"=?iso-8859-1?q?this=20is=20some=20text?=", "this is some text"},
	    {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard"},
	    {"=?ISO-8859-1?Q?a?= b", "a b"},
	    {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
	    {"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"},
	    {"=?ISO-8859-1?Q?a_b?=", "a b"},
	    {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a =?ISO-8859-2?Q?_b?="},
	    {"=?utf-8?B?w6Q=?= =?utf-8?q?=C3=A4?=", "\xc3\xa4\xc3\xa4"},
	    {"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4"},
	    {"=?utf-8?q?a?= =?iso-8859-15?q?=A4?= x", "a\xe2\x82\xac x"},
	    {"=?utf-8*en?q?a?=", "a"},
	    {"x=?utf-8?q?a?=y", "xay"},
	    {"(=?utf-8?q?a?=)", "(a)"},
	    {"=?utf-8?q?a?", "=?utf-8?q?a?"},
	    {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
	    {"=?utf-8?b?###?=", "=?utf-8?b?###?="},
	    {"=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
	    {"=?"
	     "?q?a?=",
	     "=?"
	     "?q?a?="},
	    {"=?utf-8?q?"
	     "?=",
	     ""},
	    {"=?utf-8?q?a=zz=?=", "a=zz="},
	    {"=?utf-8?q?a=3?=", "a=3"},
	    {"=?", "=?"},
	    {"=", "="},
	    {"a =?koi8-r?q?=C1?= =?koi8-r?q?=C2?= b", "a =?koi8-r?q?=C1?= =?koi8-r?q?=C2?= b"},
	    {"a\r\n b", "a b"},
	    {" a ", " a "},
	    {"=?utf-8?q?a?= ", "a "},
	    {"=?utf-8?q?=0D=0ABcc:_x?=", "\r\nBcc: x"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(encword_decode, rows[i].in, rows[i].want);
}

TEST(encode)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
	    {"plain text", "plain text"},
	    {"", ""},
	    {"Gr\xc3\xbc\xc3\x9f"
	     "e an alle Freunde",
	     "=?utf-8?b?R3LDvMOfZQ==?= an alle Freunde"},
	    {"Here is J\xc3\xb6rgensenhausen today",
	     "Here is =?utf-8?q?J=C3=B6rgensenhausen?= today"},
	    {"a =?b", "a =?utf-8?b?PT9i?="},
	    {"\xe4", "=?utf-8?b?w6Q=?="},
	    {"a\nb", "=?utf-8?b?YQpi?="},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(encword_encode, rows[i].in, rows[i].want);
	check(encword_put_phrase, "Joe Public", "Joe Public");
	check(encword_put_phrase, "Public, Joe", "\"Public, Joe\"");
	check(encword_put_phrase, "J\xc3\xb6rgensen, Joe Public",
	      "=?utf-8?q?J=C3=B6rgensen=2C_Joe_Public?=");
}

TEST(encoded_words_are_well_formed_and_come_back)
{
	static const char *const pieces[] = {
	    "word ", "\xc3\xa4", "\xf0\x9f\x93\xac", "=?x", "\xe2\x82\xac ", "long-ascii-word",
	    "_",     "  "};
	uint32_t v = 1;
	for (int k = 0; k < 2000; k++) {
		struct buf text, enc, dec;
		buf_init(&text, 65536);
		buf_init(&enc, 65536);
		buf_init(&dec, 65536);
		for (unsigned n = k % 60; n; n--) {
			v = v * 1103515245 + 12345;
			buf_puts(&text, pieces[v >> 20 & 7]);
		}
		if (k & 1)
			encword_encode(buf_span(&text), &enc);
		else if (encword_is_needed(buf_span(&text)))
			encword_put_phrase(buf_span(&text), &enc);
		else
			buf_put(&enc, buf_span(&text));
		encword_decode(buf_span(&enc), &dec);
		CHECK_SPAN(buf_span(&dec), buf_span(&text));
		for (struct span s = buf_span(&enc); s.len;) {
			struct span word = span_cut(&s, ' ');
			CHECK(!span_starts(word, SPAN("=?")) || word.len <= ENCWORD_MAX);
			CHECK(charset_is_ascii(word));
			/* Each word on its own is whole characters. */
			struct buf one;
			buf_init(&one, 4096);
			encword_decode(word, &one);
			CHECK(!memmem(one.ptr ? one.ptr : "", one.len, "\xef\xbf\xbd", 3));
			buf_free(&one);
		}
		buf_free(&text);
		buf_free(&enc);
		buf_free(&dec);
	}
}

TEST_MAIN
