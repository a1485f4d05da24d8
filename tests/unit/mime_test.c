/* MIME: fields, encodings there and back, parts found in any chunking. */
#include "format/mime.h"

#include "test.h"

TEST(types)
{
	static const struct {
		const char *in, *type, *subtype;
		bool ok;
	} rows[] = {
	    {"text/html; charset=x", "text", "html", true},
	    {" TEXT / (c) Plain (d) ;x=y", "TEXT", "Plain", true},
	    {"multipart/mixed;boundary=a", "multipart", "mixed", true},
	    {"application/x-foo+bar", "application", "x-foo+bar", true},
	    {"text", "text", "plain", false},
	    {"", "text", "plain", false},
	    {"/", "text", "plain", false},
	    {"text/", "text", "plain", false},
	    {"(((", "text", "plain", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mime_type t;
		CHECK_INT(mime_parse_type(span_str(rows[i].in), &t), rows[i].ok);
		CHECK_SPAN(t.type, span_str(rows[i].type));
		CHECK_SPAN(t.subtype, span_str(rows[i].subtype));
	}
	struct mime_type t;
	CHECK(mime_parse_type(SPAN("Text/HTML"), &t));
	CHECK(mime_type_is(&t, "text", "html") && mime_type_is(&t, "text", NULL));
	CHECK(!mime_type_is(&t, "text", "plain") && !mime_type_is(&t, "image", NULL));
}

TEST(params)
{
	static const struct {
		const char *in, *name, *want;
	} rows[] = {
	    {"; charset=utf-8", "charset", "utf-8"},
	    {"; Charset = \"utf-8\" (c)", "charset", "utf-8"},
	    {";a=b;charset=x;c=d", "charset", "x"},
	    {";;; charset=x;;", "charset", "x"},
	    {"; boundary=\"a b\\\"c;d\"; x=y", "boundary", "a b\"c;d"},
	    {"; boundary=\"a b\\\"c;d\"; x=y", "x", "y"},
	    {"; boundary=unquoted=?/:x; x=y", "boundary", "unquoted=?/:x"},
	    {"; boundary=\"open", "boundary", "open"},
	    {"; boundary=\"open\\", "boundary", "open\\"},
	    {"; junk; x=y", "x", "y"},
	    {"; =z; x=y", "x", "y"},
	    {"; x=", "x", ""},
	    {"; x=\"a\r\n b\"", "x", "a b"},
	    {"; name=\"=?utf-8?q?=C3=A4?=.txt\"", "name", "\xc3\xa4.txt"},
	    {"; filename*=utf-8''%c3%a4.txt", "filename", "\xc3\xa4.txt"},
	    {"; filename*=iso-8859-1'de'%E4%zz%", "filename", "\xc3\xa4%zz%"},
	    {"; filename*=plain%20x", "filename", "plain x"},
	    {"; title*0*=us-ascii'en'a%20b; title*1=\"c*\"; title*2*=%21", "title", "a bc*!"},
	    {"; url*1=\"b\"; URL*0=\"a\"; url*3=\"no\"", "url", "ab"},
	    {"; x=1; x*=utf-8''2", "x", "2"},
	    {"; xy*0=a", "x", NULL},
	    {"; charset=x", "chars", NULL},
	    {"", "x", NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out;
		buf_init(&out, 4096);
		CHECK_INT(mime_param(span_str(rows[i].in), span_str(rows[i].name), &out),
			  rows[i].want != NULL);
		CHECK_SPAN(buf_span(&out), span_str(rows[i].want));
		buf_free(&out);
	}
}

TEST(put_param_reads_back)
{
	static const char *const values[] = {
	    "a.txt",  "a \"b\\\".txt", "\xc3\xa4 b'%.txt", "",
	    "x\r\ny", "../x",          "=?utf-8?q?x",      "a;b=c"};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct buf out, back;
		buf_init(&out, 4096);
		buf_init(&back, 4096);
		mime_put_param(&out, SPAN("filename"), span_str(values[i]));
		CHECK(span_index(buf_span(&out), '\n') == out.len);
		CHECK(mime_param(buf_span(&out), SPAN("filename"), &back));
		CHECK_SPAN(buf_span(&back), span_str(values[i]));
		buf_free(&out);
		buf_free(&back);
	}
}

TEST(encoding_names)
{
	struct span word, params;
	CHECK_INT(mime_parse_encoding(SPAN("")), MIME_7BIT);
	CHECK_INT(mime_parse_encoding(SPAN(" Base64 (x)")), MIME_BASE64);
	CHECK_INT(mime_parse_encoding(SPAN("Quoted-Printable")), MIME_QP);
	CHECK_INT(mime_parse_encoding(SPAN("8bit;")), MIME_8BIT);
	CHECK_INT(mime_parse_encoding(SPAN("x-uuencode")), MIME_UNKNOWN);
	CHECK_INT(mime_parse_encoding(SPAN("\"base64\"")), MIME_UNKNOWN);
	for (int e = MIME_7BIT; e < MIME_UNKNOWN; e++)
		CHECK_INT(mime_parse_encoding(span_str(mime_encoding_name(e))), e);
	mime_parse_value(SPAN(" attachment (x); filename=y"), &word, &params);
	CHECK_SPAN(word, SPAN("attachment"));
	CHECK_SPAN(params, SPAN("; filename=y"));
}

TEST(choice)
{
	static const struct {
		struct span in;
		enum mime_encoding with, without;
	} rows[] = {
	    {SPAN(""), MIME_7BIT, MIME_7BIT},
	    {SPAN("abc\r\ndef\n"), MIME_7BIT, MIME_7BIT},
	    {SPAN("mostly ascii \xc3\xa4 text"), MIME_8BIT, MIME_QP},
	    {SPAN("\xc3\xa4\xc3\xb6\xc3\xbc"), MIME_8BIT, MIME_BASE64},
	    {SPAN("a\0b"), MIME_BASE64, MIME_BASE64},
	    {SPAN("a\rb"), MIME_BASE64, MIME_BASE64},
	    {SPAN("a\r"), MIME_BASE64, MIME_BASE64},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t step = 1; step < 100; step += 98) {
			struct mime_survey s = {0};
			for (size_t at = 0; at < rows[i].in.len; at += step)
				mime_survey_feed(&s, span_head(span_skip(rows[i].in, at), step));
			CHECK_INT(mime_survey_choose(&s, true), rows[i].with);
			CHECK_INT(mime_survey_choose(&s, false), rows[i].without);
		}
	struct mime_survey s = {0};
	for (int i = 0; i < 998; i++)
		mime_survey_feed(&s, SPAN("x"));
	CHECK_INT(mime_survey_choose(&s, true), MIME_7BIT);
	mime_survey_feed(&s, SPAN("x\n"));
	CHECK_INT(mime_survey_choose(&s, true), MIME_QP);
}

static void encode(enum mime_encoding kind, struct span in, size_t first, size_t step,
		   struct buf *out)
{
	struct mime_encoder e;
	mime_encoder_init(&e, kind, "\n");
	for (size_t want = first; in.len; want = step) {
		mime_encode(&e, span_head(in, want), out);
		in = span_skip(in, want);
	}
	mime_encode_finish(&e, out);
}

static void decode(enum mime_encoding kind, struct span in, size_t first, size_t step,
		   struct buf *out)
{
	struct mime_decoder d;
	mime_decoder_init(&d, kind);
	for (size_t want = first; in.len; want = step) {
		mime_decode(&d, span_head(in, want), out);
		in = span_skip(in, want);
	}
	mime_decode_finish(&d, out);
}

static const struct {
	enum mime_encoding kind;
	struct span in, want;
} codes[] = {
    {MIME_QP, SPAN(""), SPAN("")},
    {MIME_QP, SPAN("a\n"), SPAN("a\n")},
    {MIME_QP, SPAN("a"), SPAN("a=\n")},
    {MIME_QP, SPAN("a=b\xc3\xa4\n"), SPAN("a=3Db=C3=A4\n")},
    {MIME_QP, SPAN("a \nb\t\r\n"), SPAN("a=20\nb=09\n")},
    {MIME_QP, SPAN("a b\tc\n"), SPAN("a b\tc\n")},
    {MIME_QP, SPAN("a  "), SPAN("a =20=\n")},
    {MIME_QP, SPAN("From x\n.\n..\nF\n"), SPAN("=46rom x\n=2E\n=2E.\n=46\n")},
    {MIME_QP, SPAN("a\rb\0\n"), SPAN("a=0Db=00\n")},
    {MIME_QP, SPAN("a\r"), SPAN("a=0D=\n")},
    {MIME_BASE64, SPAN(""), SPAN("")},
    {MIME_BASE64, SPAN("f"), SPAN("Zg==\n")},
    {MIME_BASE64, SPAN("fo"), SPAN("Zm8=\n")},
    {MIME_BASE64, SPAN("foo"), SPAN("Zm9v\n")},
    {MIME_BASE64, SPAN("foob"), SPAN("Zm9vYg==\n")},
    {MIME_BASE64, SPAN("\xff\xfe\xfd"), SPAN("//79\n")},
    {MIME_8BIT, SPAN("=\xc3\n"), SPAN("=\xc3\n")},
};

TEST(encoders)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		for (size_t first = 1; first <= codes[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf out;
				buf_init(&out, 4096);
				encode(codes[i].kind, codes[i].in, first, step, &out);
				CHECK_SPAN(buf_span(&out), codes[i].want);
				buf_free(&out);
			}
}

static const struct {
	enum mime_encoding kind;
	struct span in, want;
} decodes[] = {
    {MIME_QP, SPAN("a=3Db=c3=A4"), SPAN("a=b\xc3\xa4")},
    {MIME_QP, SPAN("a=\nb=\r\nc= \t\r\nd"), SPAN("abcd")},
    {MIME_QP, SPAN("a \t\nb  \r\nc  d \n"), SPAN("a\nb\r\nc  d\n")},
    {MIME_QP, SPAN("a=zb=3"), SPAN("a=zb=3")},
    {MIME_QP, SPAN("a==3D="), SPAN("a==")},
    {MIME_QP, SPAN("a=3\nb=3\r\n=\rx"), SPAN("a=3\nb=3\r\n=\rx")},
    {MIME_QP, SPAN("a\rb\r\rc\r"), SPAN("a\rb\r\rc\r")},
    {MIME_QP, SPAN("a = b"), SPAN("a = b")},
    {MIME_QP, SPAN("\0\xff"), SPAN("\0\xff")},
    {MIME_BASE64, SPAN("Zm9v\r\nYg=="), SPAN("foob")},
    {MIME_BASE64, SPAN("Z m*9\nv"), SPAN("foo")},
    {MIME_BASE64, SPAN("Zm8=Zm8="), SPAN("fo")},
    {MIME_BASE64, SPAN("Zm8"), SPAN("fo")},
    {MIME_BASE64, SPAN("Z\0m9v"), SPAN("foo")},
    {MIME_BASE64, SPAN("===="), SPAN("")},
};

TEST(decoders)
{
	for (size_t i = 0; i < sizeof decodes / sizeof *decodes; i++)
		for (size_t first = 1; first <= decodes[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf out;
				buf_init(&out, 4096);
				decode(decodes[i].kind, decodes[i].in, first, step, &out);
				CHECK_SPAN(buf_span(&out), decodes[i].want);
				buf_free(&out);
			}
}

TEST(encoded_text_is_narrow_and_comes_back)
{
	uint32_t v = 1;
	for (int k = 0; k < 600; k++) {
		enum mime_encoding kind = k & 1 ? MIME_QP : MIME_BASE64;
		struct buf text, enc, dec;
		buf_init(&text, 65536);
		buf_init(&enc, 65536);
		buf_init(&dec, 65536);
		for (int n = k * 3; n; n--) {
			v = v * 1103515245 + 12345;
			char c = "abcdefgh F. \t=\xc3\xa4\n"[v >> 16 & 15];
			if (k % 3 == 0)
				c = (char)(v >> 20);
			if (kind == MIME_QP && c == '\n' && text.len &&
			    text.ptr[text.len - 1] == '\r')
				c = 'x';
			buf_putc(&text, c);
		}
		encode(kind, buf_span(&text), 1 + v % 100, 1 + v % 77, &enc);
		decode(kind, buf_span(&enc), 1 + v % 50, 1 + v % 7, &dec);
		CHECK_SPAN(buf_span(&dec), buf_span(&text));
		for (struct span s = buf_span(&enc); s.len;) {
			struct span line = span_cut(&s, '\n');
			CHECK(line.len <= MIME_LINE_MAX);
			CHECK(line.len == 0 || !memchr(" \t.", line.ptr[line.len - 1], 2));
			CHECK(!span_starts(line, SPAN("From ")) && !span_starts(line, SPAN(".")));
		}
		buf_free(&text);
		buf_free(&enc);
		buf_free(&dec);
	}
}

TEST(qp_of_endless_blanks_stays_bounded)
{
	struct mime_decoder d;
	struct buf out;
	buf_init(&out, 1 << 20);
	mime_decoder_init(&d, MIME_QP);
	for (int i = 0; i < 10000; i++)
		mime_decode(&d, i ? SPAN(" ") : SPAN("="), &out);
	mime_decode(&d, SPAN("x"), &out);
	mime_decode_finish(&d, &out);
	CHECK_INT(out.len, 10001);
	buf_free(&out);
}

/* Prints the parts as "[text][text]" and "END". */
static void show(const char *boundary, struct span in, size_t first, size_t step, struct buf *out)
{
	struct mime_parts p;
	struct span data;
	enum mime_event ev;
	size_t want = first;

	mime_parts_init(&p, span_str(boundary));
	while (in.len) {
		struct span piece = span_head(in, want), rest = piece;
		char *copy = malloc(piece.len);
		memcpy(copy, piece.ptr, piece.len);
		rest.ptr = copy;
		while ((ev = mime_parts_next(&p, &rest, &data)) != MIME_MORE) {
			buf_puts(out, ev == MIME_PART ? "[" : ev == MIME_END ? "END" : "");
			buf_put(out, data);
		}
		CHECK_INT(rest.len, 0);
		free(copy);
		in = span_skip(in, piece.len);
		want = step;
	}
	while ((ev = mime_parts_finish(&p, &data)) != MIME_MORE) {
		buf_puts(out, ev == MIME_END ? "END" : "");
		buf_put(out, data);
	}
}

static const struct {
	struct span in, want;
} parts[] = {
    {SPAN(""), SPAN("")},
    {SPAN("preamble\r\n--b\r\nA: b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n--b\r\nx"),
     SPAN("[A: b\r\n\r\none[\r\ntwoEND")},
    {SPAN("--b\none\n--b--"), SPAN("[oneEND")},
    {SPAN("--b\n--b\n--b--\n"), SPAN("[[END")},
    {SPAN("--b\none\n"), SPAN("[one\n")},
    {SPAN("--b\none\r"), SPAN("[one\r")},
    {SPAN("--b\none\n--b"), SPAN("[one")},
    {SPAN("--b\none\n--b-"), SPAN("[one\n--b-")},
    {SPAN("--b \t\r\none\n--b-- \n"), SPAN("[oneEND")},
    {SPAN("--b\none\n--bc\n--b-\n--b-x\n-- b\n--B\n --b\n--b--x\n--b--\n"),
     SPAN("[one\n--bc\n--b-\n--b-x\n-- b\n--B\n --b\n--b--xEND")},
    {SPAN("--b\none\r\n\r\n--b--"), SPAN("[one\r\nEND")},
    {SPAN("--b\none\r--b--\n"), SPAN("[one\r--b--\n")},
    {SPAN("--b\n\r\r\n--b--\n"), SPAN("[\rEND")},
    {SPAN("x--b\n--b\n--\n-\n\n--b--\n"), SPAN("[--\n-\nEND")},
    {SPAN("--b\na\0\xff\n--b--\n"), SPAN("[a\0\xff"
					 "END")},
    {SPAN("no parts here\n"), SPAN("")},
};

TEST(multiparts)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (size_t first = 1; first <= parts[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf out;
				buf_init(&out, 4096);
				show("b", parts[i].in, first, step, &out);
				CHECK_SPAN(buf_span(&out), parts[i].want);
				buf_free(&out);
			}
}

TEST(boundaries)
{
	struct mime_parts p;
	struct span in = SPAN("--\n--\nx"), data;
	char big[80];
	memset(big, 'b', sizeof big);
	CHECK(!mime_parts_init(&p, SPAN("")));
	CHECK_INT(mime_parts_next(&p, &in, &data), MIME_MORE);
	CHECK_INT(in.len, 0);
	CHECK_INT(mime_parts_finish(&p, &data), MIME_MORE);
	CHECK(!mime_parts_init(&p, span_make(big, 71)));
	CHECK(mime_parts_init(&p, span_make(big, 70)));
	struct buf text, out;
	buf_init(&text, 4096);
	buf_init(&out, 4096);
	big[70] = 0;
	buf_printf(&text, "--%s%200s\r\nx\r\n--%s\t  \r\ny\r\n--%s--", big, "", big, big);
	show(big, buf_span(&text), 3, 5, &out);
	CHECK_SPAN(buf_span(&out), SPAN("[yEND"));
	buf_free(&text);
	buf_free(&out);
}

TEST_MAIN
