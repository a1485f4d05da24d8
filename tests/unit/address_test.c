/* Addresses: RFC 5321 paths and RFC 5322 address lists, right, odd and hostile. */
#include "format/address.h"

#include "test.h"

#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const struct {
	const char *in;
	enum address_error error;
	const char *mailbox, *local, *domain, *rest;
} paths[] = {
    {"<a@b>", ADDRESS_OK, "a@b", "a", "b", ""},
    {" <a@b> ", ADDRESS_OK, "a@b", "a", "b", ""},
    {"< a@b >", ADDRESS_OK, "a@b", "a", "b", ""},
    {"<a@b> SIZE=1 BODY=8BITMIME", ADDRESS_OK, "a@b", "a", "b", "SIZE=1 BODY=8BITMIME"},
    {"a@b SIZE=1", ADDRESS_OK, "a@b", "a", "b", "SIZE=1"},
    {"a@b", ADDRESS_OK, "a@b", "a", "b", ""},
    {"root", ADDRESS_OK, "root", "root", "", ""},
    {"<postmaster>", ADDRESS_OK, "postmaster", "postmaster", "", ""},
    {"<>", ADDRESS_OK, "", "", "", ""},
    {"<> RET=HDRS", ADDRESS_OK, "", "", "", "RET=HDRS"},
    {"< >", ADDRESS_OK, "", "", "", ""},
    {"<@x.org,@y.org:a@b>", ADDRESS_OK, "a@b", "a", "b", ""},
    {"<@x.org:a@b>", ADDRESS_OK, "a@b", "a", "b", ""},
    {"<@[10.0.0.1]:a@b>", ADDRESS_OK, "a@b", "a", "b", ""},
    {"<\"a b\"@c>", ADDRESS_OK, "\"a b\"@c", "\"a b\"", "c", ""},
    {"<\"a@b\"@c>", ADDRESS_OK, "\"a@b\"@c", "\"a@b\"", "c", ""},
    {"<\"a\\\"b>\"@c>", ADDRESS_OK, "\"a\\\"b>\"@c", "\"a\\\"b>\"", "c", ""},
    {"<\"\"@c>", ADDRESS_OK, "\"\"@c", "\"\"", "c", ""},
    {"<a.\"b\".c@d>", ADDRESS_OK, "a.\"b\".c@d", "a.\"b\".c", "d", ""},
    {"<\\user>", ADDRESS_OK, "\\user", "\\user", "", ""},
    {"<a..b.@c>", ADDRESS_OK, "a..b.@c", "a..b.", "c", ""},
    {"<a!b%c@d>", ADDRESS_OK, "a!b%c@d", "a!b%c", "d", ""},
    {"<a@b.>", ADDRESS_OK, "a@b", "a", "b", ""},
    {"<a@b_c.d>", ADDRESS_OK, "a@b_c.d", "a", "b_c.d", ""},
    {"<a@[1.2.3.4]>", ADDRESS_OK, "a@[1.2.3.4]", "a", "[1.2.3.4]", ""},
    {"<a@[IPv6:::1]>", ADDRESS_OK, "a@[IPv6:::1]", "a", "[IPv6:::1]", ""},
    {"<a@[IPv6:2001:db8::1.2.3.4]>", ADDRESS_OK, "a@[IPv6:2001:db8::1.2.3.4]", "a",
     "[IPv6:2001:db8::1.2.3.4]", ""},
    {"<a@[ipv6:1:2:3:4:5:6:7:8]>", ADDRESS_OK, "a@[ipv6:1:2:3:4:5:6:7:8]", "a",
     "[ipv6:1:2:3:4:5:6:7:8]", ""},
    {"<a@[mail.example]>", ADDRESS_OK, "a@[mail.example]", "a", "[mail.example]", ""},
    {"<\xc3\xa4@\xc3\xb6.de>", ADDRESS_OK, "\xc3\xa4@\xc3\xb6.de", "\xc3\xa4", "\xc3\xb6.de", ""},
    {"<" L50 L50 "@b>", ADDRESS_OK, L50 L50 "@b", L50 L50, "b", ""},
    {"<a@b>>", ADDRESS_UNBALANCED, "", "", "", ""},
    {"<a@b>SIZE=1", ADDRESS_UNBALANCED, "", "", "", ""},
    {"", ADDRESS_MISSING, "", "", "", ""},
    {" \t", ADDRESS_MISSING, "", "", "", ""},
    {"<a@b", ADDRESS_UNBALANCED, "", "", "", ""},
    {"<", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"a@b>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<\"a@b>", ADDRESS_UNBALANCED, "", "", "", ""},
    {"<\"a\\", ADDRESS_UNBALANCED, "", "", "", ""},
    {"<@b>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<@x:>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<@x a@b>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"@x", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<a@>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@.b>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@b..c>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@b@c>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@-b>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@b;id>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<;id;>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<a b@c>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<a(x)@c>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<a\x01@c>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<\"a\nb\"@c>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<\"a\\\rb\"@c>", ADDRESS_BAD_LOCAL, "", "", "", ""},
    {"<a@[1.2.3]>", ADDRESS_OK, "a@[1.2.3]", "a", "[1.2.3]", ""},
    {"<a@[1.2.3.4>", ADDRESS_UNBALANCED, "", "", "", ""},
    {"<a@[]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[IPv6:1:2]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[IPv6:::1::]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[IPv6::::1]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[IPv6:1:2:3:4:5:6:7:8:9]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[IPv6:12345::]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<a@[x y]>", ADDRESS_BAD_DOMAIN, "", "", "", ""},
    {"<" L50 L50 L50 L50 L50 "abcd@b>", ADDRESS_TOO_LONG, "", "", "", ""},
};

TEST(paths)
{
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct address_path p;
		enum address_error e = address_parse_path(span_str(paths[i].in), &p);

		if (e != paths[i].error)
			TEST_FAIL("%s: error %d, not %d", paths[i].in, e, paths[i].error);
		if (e != ADDRESS_OK || paths[i].error != ADDRESS_OK)
			continue;
		CHECK_SPAN(p.mailbox, span_str(paths[i].mailbox));
		CHECK_SPAN(p.local, span_str(paths[i].local));
		CHECK_SPAN(p.domain, span_str(paths[i].domain));
		CHECK_SPAN(p.rest, span_str(paths[i].rest));
		CHECK(p.null == (p.mailbox.len == 0));
	}
}

TEST(path_marks)
{
	struct address_path p;

	CHECK_INT(address_parse_path(SPAN("<" L50 L50 "@b>"), &p), ADDRESS_OK);
	CHECK(p.long_local && !p.eightbit);
	CHECK_INT(address_parse_path(SPAN("<a@\xc3\xb6.de>"), &p), ADDRESS_OK);
	CHECK(!p.long_local && p.eightbit);
	CHECK_INT(address_parse_path(SPAN("<a\0b@c>"), &p), ADDRESS_BAD_LOCAL);
	/* 254 octets between the brackets fit, 255 do not (RFC 5321 4.5.3.1.3). */
	char big[300] = "<";
	memset(big + 1, 'a', 252);
	memcpy(big + 253, "@b>", 4);
	CHECK_INT(address_parse_path(span_str(big), &p), ADDRESS_OK);
	memcpy(big + 253, "a@b>", 5);
	CHECK_INT(address_parse_path(span_str(big), &p), ADDRESS_TOO_LONG);
	for (int e = ADDRESS_MISSING; e <= ADDRESS_TOO_LONG; e++)
		CHECK(address_error_text(e)[0]);
}

TEST(every_prefix_of_a_path_is_read_in_bounds)
{
	const char *in = "<@a.b,@[IPv6:1::2]:\"q\\\"x\".y@[IPv6:1:2:3:4:5:6:1.2.3.4]> X";
	for (size_t n = 0; n <= strlen(in); n++) {
		/* An exact copy, so that ASan sees an octet too far. */
		char *copy = malloc(n ? n : 1);
		struct address_path p;
		memcpy(copy, in, n);
		enum address_error e = address_parse_path(span_make(copy, n), &p);
		CHECK((e == ADDRESS_OK) == (n >= strlen(in) - 2));
		free(copy);
	}
}

TEST(all_ascii_in_local_part)
{
	for (int c = 0; c < 256; c++) {
		char in[] = {'<', 'a', (char)c, 'b', '@', 'd', '>'};
		struct address_path p;
		bool want = c > 0x7f || c == '.' || c == '\\' ||
			    (c > 0x20 && c < 0x7f && !strchr("()<>[]:;@\\,\"", c));
		bool got = address_parse_path(span_make(in, sizeof in), &p) == ADDRESS_OK;
		if (got != want)
			TEST_FAIL("octet 0x%02x: %d, not %d", (unsigned)c, got, want);
	}
}

TEST(parse_bare)
{
	struct address_path p;
	CHECK_INT(address_parse(SPAN("a@b"), &p), ADDRESS_OK);
	CHECK_SPAN(p.domain, SPAN("b"));
	CHECK_INT(address_parse(SPAN("a"), &p), ADDRESS_OK);
	CHECK_INT(address_parse(SPAN(""), &p), ADDRESS_MISSING);
	CHECK_INT(address_parse(SPAN("<a@b>"), &p), ADDRESS_BAD_LOCAL);
	CHECK_INT(address_parse(SPAN("a@b c"), &p), ADDRESS_BAD_DOMAIN);
	CHECK_INT(address_parse(SPAN("a b"), &p), ADDRESS_BAD_LOCAL);
}

TEST(split_and_detail)
{
	struct span l, d;
	address_split(SPAN("\"a@b\\\"@\"@c@d"), &l, &d);
	CHECK_SPAN(l, SPAN("\"a@b\\\"@\"@c"));
	CHECK_SPAN(d, SPAN("d"));
	address_split(SPAN("abc"), &l, &d);
	CHECK_SPAN(l, SPAN("abc"));
	CHECK_INT(d.len, 0);
	CHECK(address_split_detail(SPAN("joe+lists+x"), &l, &d));
	CHECK_SPAN(l, SPAN("joe"));
	CHECK_SPAN(d, SPAN("lists+x"));
	CHECK(address_split_detail(SPAN("joe+"), &l, &d));
	CHECK_INT(d.len, 0);
	CHECK(!address_split_detail(SPAN("joe"), &l, &d));
	CHECK_SPAN(l, SPAN("joe"));
	CHECK(!address_split_detail(SPAN("+joe"), &l, &d));
	CHECK(!address_split_detail(SPAN("\"a+b\""), &l, &d));
	CHECK(!address_split_detail(SPAN(""), &l, &d));
}

TEST(equality)
{
	CHECK(address_eq(SPAN("a@B.org"), SPAN("a@b.ORG.")));
	CHECK(address_key(SPAN("a@B.org")) == address_key(SPAN("a@b.ORG.")));
	CHECK(address_eq(SPAN("a"), SPAN("a@.")) &&
	      address_key(SPAN("a")) == address_key(SPAN("a@.")));
	CHECK(address_key(SPAN("a@b.org")) != address_key(SPAN("b@a.org")));
	CHECK(!address_eq(SPAN("A@b.org"), SPAN("a@b.org")));
	CHECK(!address_eq(SPAN("a"), SPAN("a@b")));
	CHECK(address_is_postmaster(SPAN("PostMaster")));
	CHECK(!address_is_postmaster(SPAN("postmaster2")));
}

TEST(quoting)
{
	static const struct {
		const char *plain, *quoted;
	} rows[] = {
	    {"a.b", "a.b"}, {"", "\"\""}, {"a b", "\"a b\""}, {"a\"\\", "\"a\\\"\\\\\""},
	    {"@", "\"@\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char m1[64], m2[64];
		struct buf q, u;
		buf_init_fixed(&q, m1, sizeof m1);
		buf_init_fixed(&u, m2, sizeof m2);
		address_put_quoted(span_str(rows[i].plain), &q);
		CHECK_SPAN(buf_span(&q), span_str(rows[i].quoted));
		address_put_unquoted(buf_span(&q), &u);
		CHECK_SPAN(buf_span(&u), span_str(rows[i].plain));
	}
}

TEST(safety)
{
	CHECK(address_is_safe(SPAN("a.b+c=d@e-f.org")));
	CHECK(address_is_safe(SPAN("root")));
	static const char *const bad[] = {"",     "-f",    ".a",  "a..b", "a/b",   "|id",
					  "a b",  "a;b",   "a$b", "a`b",  "a@b@c", "\"a\"",
					  "a\nb", "a\x80", "a'b", "a\\b", "../x",  "a:b",
					  "a*b",  "a?b",   "a!b", "a&b",  "<a>"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (address_is_safe(span_str(bad[i])))
			TEST_FAIL("safe: %s", bad[i]);
	CHECK(!address_is_safe(SPAN("a\0")));
}

/* Prints a list as "name|address|group|marks" lines. */
static void show(struct span in, struct buf *out)
{
	struct address_list l;
	struct address_item it;

	address_list_init(&l, in);
	while (address_list_next(&l, &it)) {
		address_put_name(it.name.len ? it.name : it.comment, out);
		buf_putc(out, '|');
		if (address_put_clean(it.addr, out) != ADDRESS_OK)
			buf_puts(out, "?");
		buf_putc(out, '|');
		if (it.in_group) {
			buf_putc(out, ':');
			address_put_name(it.group, out);
		}
		buf_puts(out, it.bad ? "!\n" : "\n");
	}
}

static const struct {
	const char *in, *want;
} lists[] = {
    {"a@b", "|a@b|\n"},
    {"a@b, c@d", "|a@b|\n|c@d|\n"},
    {"a@b,c@d;e@f", "|a@b|\n|c@d|\n|e@f|\n"},
    {",, a@b ,,", "|a@b|\n"},
    {"", ""},
    {" \r\n ", ""},
    {"Joe <a@b>", "Joe|a@b|\n"},
    {"Joe Q. Public <a@b>, <c@d>", "Joe Q. Public|a@b|\n|c@d|\n"},
    {"\"Last, First\" <a@b>", "Last, First|a@b|\n"},
    {"\"A \\\"B\\\" C\" <a@b>", "A \"B\" C|a@b|\n"},
    {"\"a<b>,\" <c@d>", "a<b>,|c@d|\n"},
    {"a@b (Joe, the <first>)", "Joe, the <first>|a@b|\n"},
    {"a@b (x (y) \\) z), c@d", "x (y) \\) z|a@b|\n|c@d|\n"},
    {"(lead) a@b", "lead|a@b|\n"},
    {"john . doe (x) @ (y) b . org", "y|john.doe@b.org|\n"},
    {"=?utf-8?q?J=C3=B6rg=2C_X?= <a@b>", "=?utf-8?q?J=C3=B6rg=2C_X?=|a@b|\n"},
    {"Joe\r\n  Public\r\n\t<a@b>,\r\n c@d", "Joe Public|a@b|\n|c@d|\n"},
    {"undisclosed-recipients:;", ""},
    {"undisclosed-recipients: ;", ""},
    {"undisclosed recipients:;, a@b", "|a@b|\n"},
    {"g: a@b, Joe <c@d>;, e@f", "|a@b|:g\nJoe|c@d|:g\n|e@f|\n"},
    {"A Group (c):a@b", "|a@b|:A Group (c)\n"},
    {":a@b;", "|a@b|:\n"},
    {"g: h: a@b;", "|?|:g!\n"},
    {"<@x,@y:a@b>", "|a@b|\n"},
    {"Joe <@x (c:d),@[IPv6:1::2] : a@b>", "Joe|a@b|\n"},
    {"@x:a@b", "|a@b|\n"},
    {"\"a,b\"@c", "|\"a,b\"@c|\n"},
    {"\"a\\\"b\" . c@d", "|\"a\\\"b\".c@d|\n"},
    {"a@[IPv6:1::2], b@[1.2.3.4]", "|a@[IPv6:1::2]|\n|b@[1.2.3.4]|\n"},
    {"root, postmaster", "|root|\n|postmaster|\n"},
    {"foo bar", "|?|\n"},
    {"foo bar@baz", "|?|\n"},
    {"<a@b> trailing", "|a@b|\n"},
    {"[List] <a@b>", "[List]|a@b|\n"},
    {"Joe <>", "Joe|?|\n"},
    {"a@b.", "|a@b|\n"},
    {"\"unclosed <a@b>, c@d", "|?|!\n"},
    {"a@b (unclosed, c@d", "unclosed, c@d|?|!\n"},
    {"Joe <a@b", "Joe|a@b|!\n"},
    {"Joe <a@b, c@d", "Joe|?|!\n"},
    {"a@b>, c@d", "|?|!\n|c@d|\n"},
    {"<<a@b>>", "|?|!\n"},
    {"a@[x, b@c", "|?|\n|b@c|\n"},
    {"\\", "|?|\n"},
    {"\"", "|?|!\n"},
    {"(", "|?|!\n"},
    {"<", "|?|!\n"},
    {"|/bin/sh", "||/bin/sh|\n"},
};

TEST(address_lists)
{
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct buf got;
		buf_init(&got, 4096);
		show(span_str(lists[i].in), &got);
		if (!span_eq(buf_span(&got), span_str(lists[i].want)))
			TEST_FAIL("%s gives %s, not %s", lists[i].in, buf_cstr(&got),
				  lists[i].want);
		buf_free(&got);
	}
}

TEST(every_prefix_of_a_list_is_read_in_bounds)
{
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		for (size_t n = 0; n <= strlen(lists[i].in); n++) {
			char *copy = malloc(n ? n : 1);
			struct buf got;
			memcpy(copy, lists[i].in, n);
			buf_init(&got, 4096);
			show(span_make(copy, n), &got);
			buf_free(&got);
			free(copy);
		}
	}
}

TEST(long_nesting_is_linear)
{
	static const char fill[] = "(<\",\\:[@";
	for (size_t k = 0; fill[k]; k++) {
		size_t n = 1000000;
		char *big = malloc(n);
		struct address_list l;
		struct address_item it;
		memset(big, fill[k], n);
		address_list_init(&l, span_make(big, n));
		while (address_list_next(&l, &it))
			;
		CHECK_INT(l.at, n);
		free(big);
	}
}

TEST(clean_leaves_out_untouched_on_error)
{
	char mem[64];
	struct buf out;
	buf_init_fixed(&out, mem, sizeof mem);
	buf_puts(&out, "x");
	CHECK_INT(address_put_clean(SPAN("a b@c"), &out), ADDRESS_BAD_LOCAL);
	CHECK_SPAN(buf_span(&out), SPAN("x"));
	CHECK_INT(address_put_clean(SPAN(""), &out), ADDRESS_MISSING);
	CHECK_INT(address_put_clean(SPAN("(c)"), &out), ADDRESS_MISSING);
	CHECK_INT(address_put_clean(SPAN("a\0@c"), &out), ADDRESS_BAD_LOCAL);
	CHECK_SPAN(buf_span(&out), SPAN("x"));
}

TEST(phrases)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
	    {"Joe Public", "Joe Public"},
	    {"Joe Q. Public", "\"Joe Q. Public\""},
	    {"a\"b\\c", "\"a\\\"b\\\\c\""},
	    {"x\r\nBcc: y", "\"x  Bcc: y\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char mem[64];
		struct buf out;
		buf_init_fixed(&out, mem, sizeof mem);
		address_put_phrase(span_str(rows[i].in), &out);
		CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
	}
}

TEST_MAIN
