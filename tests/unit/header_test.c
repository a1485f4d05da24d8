/* Header blocks: any chunking gives the same fields; the folding writer reads back. */
#include "format/header.h"

#include "test.h"

/* Prints the events of in, fed in pieces: "name=value;" ..., then "BODY:" and the body. */
static void show(struct span in, size_t first, size_t step, size_t max_field, size_t max_total,
		 struct buf *out)
{
	struct header_reader r;
	struct header_field f;
	enum header_event ev = HEADER_MORE;
	size_t at = 0, want = first;

	header_reader_init(&r, max_field, max_total);
	while (ev < HEADER_BODY) {
		struct span piece = span_head(span_skip(in, at), want);
		if (piece.len == 0) {
			ev = header_reader_finish(&r, &f);
		} else {
			/* An exact copy, so that ASan sees an octet too far. */
			char *copy = malloc(piece.len);
			struct span rest = {copy, piece.len};
			memcpy(copy, piece.ptr, piece.len);
			ev = header_reader_next(&r, &rest, &f);
			at += piece.len - rest.len;
			if (ev == HEADER_MORE)
				CHECK_INT(rest.len, 0);
			free(copy);
		}
		if (ev == HEADER_MORE)
			want = step;
		if (ev == HEADER_FIELD || ev == HEADER_FROM) {
			buf_puts(out, ev == HEADER_FROM ? "FROM" : "");
			buf_put(out, f.name);
			buf_putc(out, '=');
			buf_put(out, f.value);
			buf_puts(out, f.cut ? "...;" : ";");
		}
	}
	if (ev == HEADER_BODY) {
		buf_puts(out, "BODY:");
		buf_put(out, r.pending);
		buf_put(out, span_skip(in, at));
	} else {
		buf_puts(out, "BIG");
	}
	header_reader_free(&r);
}

#define ROW(in, want)                \
	{                            \
		SPAN(in), SPAN(want) \
	}
static const struct {
	struct span in, want;
} rows[] = {
    ROW("", "BODY:"),
    ROW("\n", "BODY:"),
    ROW("\r\n", "BODY:"),
    ROW("\r\nx", "BODY:x"),
    ROW("\nA: b\n", "BODY:A: b\n"),
    ROW("A: b", "A=b;BODY:"),
    ROW("A: b\n", "A=b;BODY:"),
    ROW("A: b\r\n\r\nbody\r\n", "A=b;BODY:body\r\n"),
    ROW("A: b\n\nbody\n", "A=b;BODY:body\n"),
    ROW("A:b\nC:d\n\n", "A=b;C=d;BODY:"),
    ROW("A:\nC: \r\n\r\n\r\n", "A=;C=;BODY:\r\n"),
    ROW("A: b\r\n c\r\n\td\r\nE: f\r\n\r\n", "A=b\r\n c\r\n\td;E=f;BODY:"),
    ROW("A: b\n \nC: d\n\nx", "A=b;C=d;BODY:x"),
    ROW("A  : b\nC\t:d\n\n", "A=b;C=d;BODY:"),
    ROW("A: b\nno field here\n\nx", "A=b;BODY:no field here\n\nx"),
    ROW("A: b\nnocolon", "A=b;BODY:nocolon"),
    ROW("just text\n", "BODY:just text\n"),
    ROW(" leading blank: x\n", "BODY: leading blank: x\n"),
    ROW(": empty name\n", "BODY:: empty name\n"),
    ROW("A\x80: x\n", "BODY:A\x80: x\n"),
    ROW("A: \x80\0x\n\n", "A=\x80\0x;BODY:"),
    ROW("From a@b Tue Nov 24 03:18:05 2026\nA: b\n\nx",
	"FROM=From a@b Tue Nov 24 03:18:05 2026;A=b;BODY:x"),
    ROW("From a\n\tb\n", "FROM=From a;BODY:\tb\n"),
    ROW("From: a\nFrom b\n\n", "From=a;BODY:From b\n\n"),
    ROW("From : a\n\n", "From=a;BODY:"),
    ROW("From", "BODY:From"),
    ROW("From ", "FROM=From;BODY:"),
    ROW("From \n\n", "FROM=From;BODY:"),
    ROW("From\tx\n", "BODY:From\tx\n"),
    ROW(">From a\n\n", "BODY:>From a\n\n"),
    ROW("A: b\r\rc\n\n", "A=b\r\rc;BODY:"),
    ROW("A: b\n\rx\n", "A=b;BODY:\rx\n"),
    ROW("A: b\n\r", "A=b;BODY:\r"),
    ROW("A: b\n\r\n", "A=b;BODY:"),
    ROW("A", "BODY:A"),
    ROW("A ", "BODY:A "),
    ROW("A:", "A=;BODY:"),
    ROW("http://x.org/ y\n\n", "http=//x.org/ y;BODY:"),
};

TEST(reader_rows_in_any_chunking)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t first = 1; first <= rows[i].in.len + 1; first++) {
			struct buf whole, bytes;
			buf_init(&whole, 4096);
			buf_init(&bytes, 4096);
			show(rows[i].in, first, 4096, 1000, 0, &whole);
			show(rows[i].in, first, 1, 1000, 0, &bytes);
			CHECK_SPAN(buf_span(&whole), rows[i].want);
			CHECK_SPAN(buf_span(&bytes), rows[i].want);
			buf_free(&whole);
			buf_free(&bytes);
		}
	}
}

TEST(block_iterator_agrees_with_reader)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct span block = rows[i].in, want = rows[i].want;
		struct header_field f;
		struct buf got;
		buf_init(&got, 4096);
		header_skip_from(&block);
		while (header_next(&block, &f)) {
			buf_put(&got, f.name);
			buf_putc(&got, '=');
			buf_put(&got, f.value);
			buf_putc(&got, ';');
		}
		buf_puts(&got, "BODY:");
		buf_put(&got, block);
		if (span_starts(want, SPAN("FROM=")))
			span_cut(&want, ';');
		CHECK_SPAN(buf_span(&got), want);
		buf_free(&got);
	}
}

TEST(limits)
{
	struct buf in, got;

	buf_init(&in, 1 << 20);
	buf_init(&got, 1 << 20);
	buf_puts(&in, "Long: ");
	for (int i = 0; i < 500; i++)
		buf_puts(&in, "0123456789");
	buf_puts(&in, "\nB: c\n\nx");
	show(buf_span(&in), 100, 7, 2000, 0, &got);
	CHECK(span_starts(buf_span(&got), SPAN("Long=0123456789")));
	CHECK(span_ends(buf_span(&got), SPAN("...;B=c;BODY:x")));
	CHECK_INT(got.len, 2000 - 1 + 4 + 10);
	buf_reset(&got);
	show(buf_span(&in), 4096, 4096, 2000, 3000, &got);
	CHECK_SPAN(buf_span(&got), SPAN("BIG"));
	buf_reset(&got);
	show(buf_span(&in), 1, 1, 8000, in.len - 1, &got);
	CHECK(span_ends(buf_span(&got), SPAN(";B=c;BODY:x")));
	buf_free(&in);
	buf_free(&got);
}

TEST(text_without_colon_is_kept_whole)
{
	struct buf in, got;

	for (int blanks = 0; blanks < 2; blanks++) {
		buf_init(&in, 1 << 20);
		buf_init(&got, 1 << 20);
		for (int i = 0; i < 3000; i++)
			buf_putc(&in, blanks && i ? ' ' : 'x');
		buf_puts(&in, ": y\n");
		for (size_t first = 990; first < 1010; first++) {
			buf_reset(&got);
			show(buf_span(&in), first, 4096, 10, 0, &got);
			CHECK_SPAN(span_skip(buf_span(&got), 5), buf_span(&in));
		}
		buf_free(&in);
		buf_free(&got);
	}
}

TEST(raw_spans_add_up)
{
	struct span in = SPAN("A: b\r\n c\r\nD :\r\n e\r\nF:g");
	struct header_reader r;
	struct header_field f;
	struct buf got;

	buf_init(&got, 100);
	header_reader_init(&r, 100, 0);
	while (header_reader_next(&r, &in, &f) == HEADER_FIELD)
		buf_put(&got, f.raw);
	while (header_reader_finish(&r, &f) == HEADER_FIELD)
		buf_put(&got, f.raw);
	CHECK_SPAN(buf_span(&got), SPAN("A: b\r\n c\r\nD :\r\n e\r\nF:g"));
	header_reader_reset(&r);
	in = SPAN("X: y\n\n");
	CHECK_INT(header_reader_next(&r, &in, &f), HEADER_FIELD);
	CHECK_SPAN(f.name, SPAN("X"));
	CHECK_INT(header_reader_next(&r, &in, &f), HEADER_BODY);
	CHECK_INT(r.fields, 1);
	CHECK(r.empty_line);
	header_reader_free(&r);
	buf_free(&got);
}

TEST(find_field)
{
	struct header_field f;
	CHECK(header_find(SPAN("From x\nA: 1\nSUBJECT: hi\nSubject: no\n\nTo: x"), SPAN("Subject"),
			  &f));
	CHECK_SPAN(f.value, SPAN("hi"));
	CHECK(!header_find(SPAN("A: 1\n\nTo: x\n"), SPAN("To"), &f));
	CHECK(!header_find(SPAN(""), SPAN("To"), &f));
}

TEST(unfold)
{
	static const struct {
		struct span in, want;
	} t[] = {
	    ROW("a\r\n b", "a b"), ROW("a\n\tb", "a\tb"), ROW("a\nb", "a b"),
	    ROW("a\rb", "a b"),    ROW("a\0b", "a b"),    ROW("a\r\n\r\n b", "a b"),
	    ROW("", ""),           ROW("a\r\n", "a"),     ROW("\r\nBcc: x", " Bcc: x"),
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char mem[64];
		struct buf out;
		buf_init_fixed(&out, mem, sizeof mem);
		header_unfold(t[i].in, &out);
		CHECK_SPAN(buf_span(&out), t[i].want);
	}
}

static void check_folded(struct span out)
{
	struct span s = out;
	bool first = true;
	while (s.len) {
		struct span line = span_cut(&s, '\n');
		CHECK(line.len <= HEADER_LINE_MAX);
		CHECK(first || line.ptr[0] == ' ' || line.ptr[0] == '\t');
		CHECK(span_trim(line).len > 0);
		first = false;
	}
}

TEST(put_field_folds_and_reads_back)
{
	static const char *const words[] = {"x", "word", "longer-word,",
					    "0123456789012345678901234567890"};
	struct buf value, out, back;

	for (unsigned seed = 0; seed < 300; seed++) {
		unsigned v = seed * 2654435761u;
		buf_init(&value, 1 << 16);
		buf_init(&out, 1 << 16);
		buf_init(&back, 1 << 16);
		for (unsigned n = v >> 24; n; n--) {
			v = v * 1103515245 + 12345;
			buf_puts(&value, words[v >> 16 & 3]);
			if (n > 1)
				buf_puts(&value, v & 0x8000 ? " " : v & 0x4000 ? "  " : "\t");
		}
		header_put_field(&out, SPAN("Subject"), buf_span(&value), "\n");
		check_folded(buf_span(&out));
		struct span block = buf_span(&out);
		struct header_field f;
		bool any = header_next(&block, &f);
		CHECK(any && block.len == 0);
		if (any)
			header_unfold(f.value, &back);
		CHECK_SPAN(buf_span(&back), buf_span(&value));
		for (struct span s = buf_span(&out); s.len;)
			CHECK(span_cut(&s, '\n').len <= HEADER_FOLD_AT);
		buf_free(&value);
		buf_free(&out);
		buf_free(&back);
	}
}

TEST(put_field_oddities)
{
	static const struct {
		struct span in, want;
	} t[] = {
	    ROW("x", "N: x\r\n"),
	    ROW("", "N:\r\n"),
	    ROW("  \r\n ", "N:\r\n"),
	    ROW("a\r\nBcc: evil", "N: a Bcc: evil\r\n"),
	    ROW("a\r\n\r\nbody", "N: a body\r\n"),
	    ROW("a\r\n b", "N: a b\r\n"),
	};
	char mem[8192], big[5000];
	struct buf out;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_init_fixed(&out, mem, sizeof mem);
		header_put_field(&out, SPAN("N"), t[i].in, "\r\n");
		CHECK_SPAN(buf_span(&out), t[i].want);
	}
	static const char fill[] = "x \xa4";
	for (size_t k = 0; fill[k]; k++) {
		memset(big, fill[k], sizeof big);
		big[0] = 'a';
		big[sizeof big - 1] = 'z';
		buf_init_fixed(&out, mem, sizeof mem);
		header_put_field(&out, SPAN("N"), span_make(big, sizeof big), "\n");
		CHECK(buf_ok(&out));
		check_folded(buf_span(&out));
	}
	for (size_t i = 0; i + 1 < sizeof big; i += 2)
		memcpy(big + i, "\xc3\xa4", 2);
	buf_init_fixed(&out, mem, sizeof mem);
	header_put_field(&out, SPAN("NN"), span_make(big, sizeof big), "\n");
	for (struct span s = buf_span(&out); s.len;) {
		struct span line = span_trim(span_cut(&s, '\n'));
		CHECK(line.len == 0 || ((unsigned char)line.ptr[0] & 0xc0) != 0x80);
	}
}

TEST(name_length)
{
	CHECK_INT(header_name_length(SPAN("Subject: x")), 7);
	CHECK_INT(header_name_length(SPAN("Subject :")), 7);
	CHECK_INT(header_name_length(SPAN("Subject")), 0);
	CHECK_INT(header_name_length(SPAN("a b: c")), 0);
	CHECK_INT(header_name_length(SPAN(":")), 0);
	CHECK_INT(header_name_length(SPAN("")), 0);
}

TEST_MAIN
