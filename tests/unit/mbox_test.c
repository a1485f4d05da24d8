/* mboxrd: what goes in comes out, in any chunking, and sizes are those of what comes out. */
#include "format/mbox.h"

#include "test.h"

#define FROM "From a@b Tue Nov 24 03:18:05 2026\n"
#define ROW(in, want)                \
	{                            \
		SPAN(in), SPAN(want) \
	}

typedef void feeder(void *machine, struct span in, struct buf *out);

static void feed_quote(void *m, struct span in, struct buf *out)
{
	mbox_quote_feed(m, in, out);
}

static void feed_unquote(void *m, struct span in, struct buf *out)
{
	mbox_unquote_feed(m, in, out);
}

/* Feeds first octets, then pieces of step, each an exact copy so that ASan sees too much. */
static void feed(feeder *f, void *m, struct span in, size_t first, size_t step, struct buf *out)
{
	for (size_t want = first; in.len; want = step) {
		struct span piece = span_head(in, want);
		char *copy = malloc(piece.len);
		memcpy(copy, piece.ptr, piece.len);
		f(m, span_make(copy, piece.len), out);
		free(copy);
		in = span_skip(in, piece.len);
	}
}

static void quote(struct span in, size_t first, size_t step, struct buf *out)
{
	struct mbox_quote q;
	mbox_quote_init(&q);
	feed(feed_quote, &q, in, first, step, out);
	mbox_quote_finish(&q, out);
}

static void unquote(struct span in, bool crlf, size_t first, size_t step, struct buf *out)
{
	struct mbox_unquote u;
	mbox_unquote_init(&u, crlf);
	feed(feed_unquote, &u, in, first, step, out);
	mbox_unquote_finish(&u, out);
}

static const struct {
	struct span in, want;
} quotes[] = {
    ROW("", "\n"),
    ROW("x", "x\n\n"),
    ROW("x\n", "x\n\n"),
    ROW("x\n\n", "x\n\n\n"),
    ROW("x\r\ny\r\n", "x\ny\n\n"),
    ROW("x\ry\r", "x\ry\r\n\n"),
    ROW("\r\r\n", "\r\n\n"),
    ROW("From x\n", ">From x\n\n"),
    ROW("a\nFrom x\n", "a\n>From x\n\n"),
    ROW("a\r\nFrom \r\n>From y\r\n", "a\n>From \n>>From y\n\n"),
    ROW(">>>From x", ">>>>From x\n\n"),
    ROW("From", "From\n\n"),
    ROW(">Fro", ">Fro\n\n"),
    ROW(">", ">\n\n"),
    ROW("Fro\nFrom\nFrom", "Fro\nFrom\nFrom\n\n"),
    ROW("FrFrom x", "FrFrom x\n\n"),
    ROW("F\rrom x\r", "F\rrom x\r\n\n"),
    ROW(">F>From x\n", ">F>From x\n\n"),
    ROW(" From x\n", " From x\n\n"),
    ROW("from x\nFROM x\n", "from x\nFROM x\n\n"),
    ROW("a\0\xff\nFrom \0", "a\0\xff\n>From \0\n\n"),
    ROW("From:\nFrom\tx\n", "From:\nFrom\tx\n\n"),
};

TEST(quoting)
{
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
		for (size_t first = 1; first <= quotes[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf out;
				buf_init(&out, 4096);
				quote(quotes[i].in, first, step, &out);
				CHECK_SPAN(buf_span(&out), quotes[i].want);
				buf_free(&out);
			}
}

static const struct {
	struct span in, lf, crlf;
} unquotes[] = {
    {SPAN(""), SPAN(""), SPAN("")},
    {SPAN("x\n"), SPAN("x\n"), SPAN("x\r\n")},
    {SPAN("x"), SPAN("x"), SPAN("x\r\n")},
    {SPAN("x\r"), SPAN("x\r"), SPAN("x\r\n")},
    {SPAN("x\r\ny\n"), SPAN("x\r\ny\n"), SPAN("x\r\ny\r\n")},
    {SPAN("\n\r\n\r\r\n"), SPAN("\n\r\n\r\r\n"), SPAN("\r\n\r\n\r\r\n")},
    {SPAN(">From x\n"), SPAN("From x\n"), SPAN("From x\r\n")},
    {SPAN(">>From x\n"), SPAN(">From x\n"), SPAN(">From x\r\n")},
    {SPAN("From x\n"), SPAN("From x\n"), SPAN("From x\r\n")},
    {SPAN(">Fro"), SPAN(">Fro"), SPAN(">Fro\r\n")},
    {SPAN(">>"), SPAN(">>"), SPAN(">>\r\n")},
    {SPAN(">\n>F\n>From\n"), SPAN(">\n>F\n>From\n"), SPAN(">\r\n>F\r\n>From\r\n")},
    {SPAN(">F>From x"), SPAN(">F>From x"), SPAN(">F>From x\r\n")},
    {SPAN(">F\rrom \r"), SPAN(">F\rrom \r"), SPAN(">F\rrom \r\n")},
    {SPAN(" >From x"), SPAN(" >From x"), SPAN(" >From x\r\n")},
};

TEST(unquoting)
{
	for (size_t i = 0; i < sizeof unquotes / sizeof *unquotes; i++)
		for (size_t first = 1; first <= unquotes[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf lf, crlf;
				buf_init(&lf, 4096);
				buf_init(&crlf, 4096);
				unquote(unquotes[i].in, false, first, step, &lf);
				unquote(unquotes[i].in, true, first, step, &crlf);
				CHECK_SPAN(buf_span(&lf), unquotes[i].lf);
				CHECK_SPAN(buf_span(&crlf), unquotes[i].crlf);
				buf_free(&lf);
				buf_free(&crlf);
			}
}

TEST(from_lines)
{
	char mem[200];
	struct buf b;
	struct span sender;
	int64_t t = 0;

	buf_init_fixed(&b, mem, sizeof mem);
	mbox_put_from(&b, SPAN("a@b"), 1795490285, 0);
	CHECK_SPAN(buf_span(&b), SPAN(FROM));
	buf_reset(&b);
	mbox_put_from(&b, SPAN(""), 1795490285, 60);
	CHECK_SPAN(buf_span(&b), SPAN("From MAILER-DAEMON Tue Nov 24 04:18:05 2026\n"));
	buf_reset(&b);
	mbox_put_from(&b, SPAN("\"a b\n\tc\"@d"), 1795490285, 0);
	CHECK_SPAN(buf_span(&b), SPAN("From \"a_b__c\"@d Tue Nov 24 03:18:05 2026\n"));
	CHECK(mbox_parse_from(buf_span(&b), &sender, &t));
	CHECK_SPAN(sender, SPAN("\"a_b__c\"@d"));
	CHECK_INT(t, 1795490285);
	CHECK(mbox_parse_from(SPAN("From \"a b\"@c Tue Nov 24 03:18 2026"), &sender, NULL));
	CHECK_SPAN(sender, SPAN("\"a b\"@c"));
	CHECK(mbox_parse_from(SPAN("From Tue Nov 24 03:18:05 2026"), &sender, NULL));
	CHECK_INT(sender.len, 0);
	CHECK(mbox_parse_from(SPAN("From x  Tue Nov 24 03:18:05 EST 2026\r\n"), &sender, NULL));
	CHECK_SPAN(sender, SPAN("x"));
	CHECK(mbox_parse_from(SPAN("From - Tue, 24 Nov 2026 03:18:05 +0100"), &sender, NULL));
	CHECK(!mbox_parse_from(SPAN("From here on, it is text"), NULL, NULL));
	CHECK(!mbox_parse_from(SPAN("From Sunday on"), NULL, NULL));
	CHECK(!mbox_parse_from(SPAN("From: a@b Tue Nov 24 03:18:05 2026"), NULL, NULL));
	CHECK(!mbox_parse_from(SPAN(">" FROM), NULL, NULL));
	CHECK(!mbox_parse_from(SPAN(""), NULL, NULL));
}

/* Prints every message as "from start body end next size crlf lines;". */
static void scan(struct span in, uint64_t offset, size_t first, size_t step, struct buf *out)
{
	struct mbox_scan s;
	struct mbox_message m;
	bool more = true;

	mbox_scan_init(&s, offset);
	for (size_t want = first; more; want = step) {
		struct span piece = span_head(in, want);
		char *copy = malloc(piece.len + 1);
		struct span rest = {copy, piece.len};
		memcpy(copy, piece.ptr, piece.len);
		more = piece.len > 0;
		while (more ? mbox_scan_feed(&s, &rest, &m) : mbox_scan_finish(&s, &m))
			buf_printf(out, "%d %d %d %d %d %d %d %d;", (int)m.from, (int)m.start,
				   (int)m.body, (int)m.end, (int)m.next, (int)m.size, (int)m.crlf,
				   (int)m.lines);
		CHECK_INT(rest.len, 0);
		free(copy);
		in = span_skip(in, piece.len);
	}
	if (mbox_scan_is_junk(&s))
		buf_puts(out, "junk");
}

/* FROM is 34 octets long. */
static const struct {
	struct span in, want;
} scans[] = {
    ROW("", ""),
    ROW("x\n", "junk"),
    ROW("\n", ""),
    ROW("From x\n", "junk"),
    ROW("From a@b Tue Nov 24 03:18:05 2026", "junk"),
    ROW(FROM, "0 34 34 34 34 0 0 0;"),
    ROW(FROM "\n", "0 34 34 34 35 0 0 0;"),
    ROW(FROM "\n\n", "0 34 35 35 36 1 2 1;"),
    ROW(FROM "A: b\n", "0 34 39 39 39 5 6 1;"),
    ROW(FROM "A: b\n\n", "0 34 39 39 40 5 6 1;"),
    ROW(FROM "A: b\n\nx\n\n", "0 34 40 42 43 8 11 3;"),
    ROW(FROM "A: b\n\nx\n", "0 34 40 42 42 8 11 3;"),
    ROW(FROM "A: b\n\nx", "0 34 40 41 41 7 11 3;"),
    ROW(FROM "A: b\n\nx\r", "0 34 40 42 42 8 11 3;"),
    ROW(FROM "A: b\r\n\r\nx\r\n\r\n", "0 34 42 45 47 11 11 3;"),
    ROW(FROM "A: b\n\nx\n\n" FROM "C: d\n\ny\n\n", "0 34 40 42 43 8 11 3;43 77 83 85 86 8 11 3;"),
    ROW(FROM "\n" FROM "\n", "0 34 34 34 35 0 0 0;35 69 69 69 70 0 0 0;"),
    ROW(FROM FROM, "0 34 68 68 68 34 35 1;"),
    ROW(FROM "\nFrom here on\n\n", "0 34 35 48 49 14 16 2;"),
    ROW(FROM "\n>From x\n\n", "0 34 35 43 44 8 10 2;"),
    ROW(FROM "\n>>>From x", "0 34 35 44 44 9 12 2;"),
    ROW(FROM "\n>From", "0 34 35 40 40 6 9 2;"),
    ROW(FROM "\n>\n>F\n", "0 34 35 40 40 6 9 3;"),
    ROW(FROM "\nx\n\n\n\n", "0 34 35 39 40 5 9 4;"),
    ROW(FROM "\nx\n" FROM "\n", "0 34 35 71 72 37 40 3;"),
    ROW("junk\n\n" FROM "\nx\n", "6 40 41 43 43 3 5 2;junk"),
    ROW("\n" FROM "\nx\n", "1 35 36 38 38 3 5 2;"),
    ROW(FROM "Content-Length: 999\n\nx\n\n" FROM "\n",
	"0 34 55 57 58 23 26 3;58 92 92 92 93 0 0 0;"),
};

TEST(scanning)
{
	for (size_t i = 0; i < sizeof scans / sizeof *scans; i++)
		for (size_t first = 1; first <= scans[i].in.len + 1; first++)
			for (size_t step = 1; step < 1000; step += 998) {
				struct buf out;
				buf_init(&out, 4096);
				scan(scans[i].in, 0, first, step, &out);
				if (!span_eq(buf_span(&out), scans[i].want))
					TEST_FAIL("row %zu first %zu: %s, not %s", i, first,
						  buf_cstr(&out), scans[i].want.ptr);
				buf_free(&out);
			}
}

TEST(scan_from_an_offset)
{
	struct buf out;
	buf_init(&out, 4096);
	scan(SPAN(FROM "\nx\n"), 1000, 5, 5, &out);
	CHECK_SPAN(buf_span(&out), SPAN("1000 1034 1035 1037 1037 3 5 2;"));
	buf_free(&out);
}

TEST(overlong_from_line_is_text)
{
	struct buf in, out;
	buf_init(&in, 4096);
	buf_init(&out, 4096);
	buf_puts(&in, FROM "\n\nFrom ");
	for (int i = 0; i < MBOX_FROM_MAX; i++)
		buf_putc(&in, 'a');
	buf_puts(&in, " Tue Nov 24 03:18:05 2026\n");
	scan(buf_span(&in), 0, 100, 100, &out);
	CHECK_INT(buf_span(&out).len && memchr(buf_span(&out).ptr, ';', out.len - 1), 0);
	buf_free(&in);
	buf_free(&out);
}

/* Writes three messages, scans the file, reads them back: sizes and octets must agree. */
static void round_trip(const struct span *msg, size_t n, size_t step)
{
	struct buf file, back;
	struct mbox_scan s;
	struct mbox_message m;
	size_t at = 0, i = 0;

	buf_init(&file, 1 << 20);
	for (size_t k = 0; k < n; k++) {
		mbox_put_from(&file, SPAN("a@b"), 1795490285, 0);
		quote(msg[k], step, step, &file);
	}
	mbox_scan_init(&s, 0);
	for (bool more = true; more && i <= n;) {
		struct span in = span_head(span_skip(buf_span(&file), at), step), rest = in;
		more = in.len ? true : mbox_scan_finish(&s, &m);
		if (in.len && !mbox_scan_feed(&s, &rest, &m)) {
			at += in.len - rest.len;
			continue;
		}
		at += in.len - rest.len;
		if (!more)
			break;
		struct span raw = span_head(span_skip(buf_span(&file), (size_t)m.start),
					    (size_t)(m.end - m.start));
		buf_init(&back, 1 << 20);
		unquote(raw, false, step, step, &back);
		if (msg[i].len && msg[i].ptr[msg[i].len - 1] != '\n') {
			CHECK_INT(back.len, msg[i].len + 1);
			buf_truncate(&back, msg[i].len);
			m.size--;
		}
		CHECK_SPAN(buf_span(&back), msg[i]);
		CHECK_INT(m.size, back.len);
		buf_reset(&back);
		unquote(raw, true, step, step, &back);
		CHECK_INT(m.crlf, back.len);
		buf_free(&back);
		i++;
	}
	CHECK_INT(i, n);
	buf_free(&file);
}

TEST(round_trips)
{
	static const char alphabet[] = "From >\n\nFrom \n>x";
	static const struct span fixed[] = {
	    {"", 0}, {"\n", 1}, {"A: b\n\n" FROM FROM "\n\n", 6 + 68 + 2}, {"x", 1}, {"\n\n\n", 3},
	};
	for (size_t step = 1; step < 100; step += 7)
		round_trip(fixed, sizeof fixed / sizeof *fixed, step);
	uint32_t v = 1;
	for (int k = 0; k < 500; k++) {
		char text[3][60];
		struct span msg[3];
		for (int i = 0; i < 3; i++) {
			v = v * 1103515245 + 12345;
			msg[i] = span_make(text[i], v >> 16 & 31);
			for (size_t c = 0; c < msg[i].len; c++) {
				v = v * 1103515245 + 12345;
				/* Mostly the next letter of "From ", so that it comes about. */
				text[i][c] = alphabet[v >> 28 < 12 && c ? (c % 5) : v >> 20 & 15];
			}
		}
		round_trip(msg, 3, 1 + (v >> 16 & 15));
	}
}

static void note_field(void *ctx, const struct header_field *f)
{
	buf_put(ctx, f->name);
	buf_putc(ctx, '=');
	buf_put(ctx, f->value);
	buf_putc(ctx, ';');
}

TEST(header_fields_while_scanning)
{
	struct span in = SPAN(FROM "Status: RO\nMessage-ID:\n <x@y>\n\nNo: field\n\n" FROM
				   "X-Status: A\n\n" FROM "text\n");
	for (size_t step = 1; step <= in.len; step++) {
		struct header_reader r;
		struct mbox_scan s;
		struct mbox_message m;
		struct buf got;
		buf_init(&got, 4096);
		header_reader_init(&r, 4096, 0);
		mbox_scan_init(&s, 0);
		mbox_scan_fields(&s, &r, note_field, &got);
		for (size_t at = 0; at < in.len; at += step) {
			struct span piece = span_head(span_skip(in, at), step);
			while (mbox_scan_feed(&s, &piece, &m))
				buf_putc(&got, '|');
		}
		CHECK(mbox_scan_finish(&s, &m));
		CHECK_SPAN(buf_span(&got), SPAN("Status=RO;Message-ID=<x@y>;|X-Status=A;|"));
		header_reader_free(&r);
		buf_free(&got);
	}
}

TEST_MAIN
