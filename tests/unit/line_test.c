/*
 * Line splitter, body decoder and encoder: tables of input and expected output, each
 * run whole, split at every octet, and octet by octet.
 */
#include "proto/line.h"
#include "test.h"

/* Feeds in to f in pieces: [0,a), [a,b), ... by the three ways of cutting. */
struct cut {
	size_t first; /* octets of the first piece, then all the rest */
	bool single;  /* octet by octet */
};

static size_t piece(const struct cut *c, size_t done, size_t all)
{
	if (c->single)
		return 1;
	return done < c->first ? c->first - done : all - done;
}

static void split_all(struct span in, size_t max, bool lenient, const struct cut *cut,
		      struct buf *log)
{
	struct line l = {.lenient = lenient};
	size_t start = 0, end = 0;

	while (end < in.len) {
		end += piece(cut, end, in.len);
		for (;;) {
			struct span text;
			size_t used;
			enum line_kind k = line_next(&l, span_make(in.ptr + start, end - start),
						     max, &used, &text);
			start += used;
			if (k == LINE_MORE)
				break;
			if (k == LINE_OK)
				buf_put(log, text);
			buf_puts(log, k == LINE_OK ? "|" : k == LINE_LONG ? "LONG|" : "BAD|");
		}
		CHECK(end - start < max);
	}
	buf_puts(log, start == in.len ? "" : "...");
}

TEST(line_splits)
{
	static const struct {
		struct span in;
		size_t max;
		bool lenient;
		struct span want;
	} rows[] = {
	    {SPAN(""), 9, 0, SPAN("")},
	    {SPAN("a\r\nb\r\n"), 9, 0, SPAN("a|b|")},
	    {SPAN("\r\n\r\n"), 9, 0, SPAN("||")},
	    {SPAN("a"), 9, 0, SPAN("...")},
	    {SPAN("a\r"), 9, 0, SPAN("...")},
	    {SPAN("1234567\r\nx\r\n"), 9, 0, SPAN("1234567|x|")},
	    {SPAN("12345678\r\nx\r\n"), 9, 0, SPAN("LONG|x|")},
	    {SPAN("123456789\r\nx\r\n"), 9, 0, SPAN("LONG|x|")},
	    {SPAN("123456789012345678901234567890\r\nx\r\n"), 9, 0, SPAN("LONG|x|")},
	    {SPAN("1234567890123\r4567890\n123\r\nx\r\n"), 9, 0, SPAN("LONG|x|")},
	    {SPAN("a\nb\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("a\nb\nc\nd"), 9, 0, SPAN("BAD|")},
	    {SPAN("a\n\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("a\rb\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("a\r\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("a\r\0\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("a\0b\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("\0\r\n\r\n"), 9, 0, SPAN("BAD||")},
	    {SPAN("\n\r\nx\r\n"), 9, 0, SPAN("BAD|x|")},
	    {SPAN("\xc3\xa9\x01\r\n"), 9, 0, SPAN("\xc3\xa9\x01|")},
	    {SPAN("a\nb\r\n\nc\n"), 9, 1, SPAN("a|b||c|")},
	    {SPAN("a\rb\nc\n"), 9, 1, SPAN("BAD|c|")},
	    {SPAN("12345678901234\nc\n"), 9, 1, SPAN("LONG|c|")},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t k = 0; k <= rows[i].in.len + 1; k++) {
			struct cut cut = {k, k > rows[i].in.len};
			struct buf log;

			buf_init(&log, 4096);
			split_all(rows[i].in, rows[i].max, rows[i].lenient, &cut, &log);
			CHECK_SPAN(buf_span(&log), rows[i].want);
			buf_free(&log);
		}
}

/* The decoder's output, then "#" at the end of the body and what it left over. */
static void decode(struct span in, enum line_policy policy, const struct cut *cut, struct buf *log,
		   struct line_body *b)
{
	size_t start = 0, end = 0;

	line_body_init(b, policy);
	while (end < in.len) {
		end += piece(cut, end, in.len);
		while (start < end) {
			struct span out;
			size_t used;
			enum line_body_event ev =
			    line_body_next(b, span_make(in.ptr + start, end - start), &used, &out);
			start += used;
			if (ev == LINE_BODY_DATA) {
				CHECK(out.len > 0);
				buf_put(log, out);
			}
			if (ev == LINE_BODY_END) {
				buf_puts(log, "#");
				buf_put(log, span_skip(in, start));
				return;
			}
		}
	}
}

static void check_body(struct span in, enum line_policy policy, struct span want, unsigned flags)
{
	for (size_t k = 0; k <= in.len + 1; k++) {
		struct cut cut = {k, k > in.len};
		struct line_body b;
		struct buf log;

		buf_init(&log, 1 << 16);
		decode(in, policy, &cut, &log, &b);
		CHECK_SPAN(buf_span(&log), want);
		CHECK_INT(b.flags, flags);
		CHECK_INT(line_body_refused(&b), policy == LINE_REFUSE && (flags & 3));
		if (!line_body_refused(&b))
			CHECK_INT(b.octets, span_index(want, '#'));
		buf_free(&log);
	}
}

#define CR LINE_HAS_BARE_CR
#define LF LINE_HAS_BARE_LF

TEST(body_decodes)
{
	static const struct {
		struct span in, want;
		unsigned flags;
	} rows[] = {
	    {SPAN(".\r\nNOOP"), SPAN("#NOOP"), 0},
	    {SPAN("a\r\n.\r\nNOOP\r\n"), SPAN("a\r\n#NOOP\r\n"), 0},
	    {SPAN("..\r\n.\r\n"), SPAN(".\r\n#"), 0},
	    {SPAN("..a\r\n...\r\nb.\r\n.\r\n"), SPAN(".a\r\n..\r\nb.\r\n#"), 0},
	    {SPAN(".a\r\n.\r\n"), SPAN("a\r\n#"), 0},
	    {SPAN("\r\n\r\n.\r\n"), SPAN("\r\n\r\n#"), 0},
	    {SPAN("a\0b\r\n.\r\n"), SPAN("a\0b\r\n#"), LINE_HAS_NUL},
	    {SPAN("\0.\r\n.\r\n"), SPAN("\0.\r\n#"), LINE_HAS_NUL},
	    {SPAN("\xc3\xa9\r\n.\r\n"), SPAN("\xc3\xa9\r\n#"), LINE_HAS_8BIT},
	    {SPAN("a"), SPAN("a"), 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int p = LINE_REFUSE; p <= LINE_LENIENT; p++)
			check_body(rows[i].in, (enum line_policy)p, rows[i].want, rows[i].flags);
}

/* "a", a line ending, a dot, a line ending, "b", then the true end. */
TEST(body_smuggling_matrix)
{
	static const struct span ends[] = {SPAN("\n"),   SPAN("\r"),     SPAN("\r\n"),
					   SPAN("\0"),   SPAN("\r\r"),   SPAN("\n\r"),
					   SPAN("\n\n"), SPAN("\r\0\n"), SPAN("\r\r\n")};
	size_t n = sizeof ends / sizeof ends[0];

	for (size_t i = 0; i < n * n; i++)
		for (size_t k = 0; k < 100; k++) {
			struct span before = ends[i / n], after = ends[i % n];
			bool real = i / n == 2 && i % n == 2, tail = i / n == 8 && i % n == 2;
			struct cut cut = {k, k == 99};
			struct line_body b;
			struct buf in, log;

			buf_init(&in, 100);
			buf_init(&log, 100);
			buf_puts(&in, "a");
			buf_put(&in, before);
			buf_puts(&in, ".");
			buf_put(&in, after);
			buf_puts(&in, "b\r\n.\r\nQ");
			if (k > in.len && k != 99)
				goto next;
			decode(buf_span(&in), LINE_REFUSE, &cut, &log, &b);
			if (real)
				CHECK_SPAN(buf_span(&log), SPAN("a\r\n#b\r\n.\r\nQ"));
			else if (tail)
				CHECK(line_body_refused(&b));
			else
				CHECK(span_ends(buf_span(&log), SPAN("#Q")));
			CHECK_INT(line_body_refused(&b),
				  !((i / n == 2 || i / n == 3) && (i % n == 2 || i % n == 3)));
			buf_reset(&log);
			decode(buf_span(&in), LINE_REPAIR, &cut, &log, &b);
			for (size_t j = 0; j < log.len && log.ptr[j] != '#'; j++) {
				CHECK(log.ptr[j] != '\n' || (j > 0 && log.ptr[j - 1] == '\r'));
				CHECK(log.ptr[j] != '\r' || log.ptr[j + 1] == '\n');
			}
			if (!real && !tail)
				CHECK(span_ends(buf_span(&log), SPAN("#Q")));
		next:
			buf_free(&in);
			buf_free(&log);
		}
}

TEST(body_repairs)
{
	static const struct {
		struct span in, want;
		enum line_policy policy;
		unsigned flags;
	} rows[] = {
	    {SPAN("a\nb\r\n.\r\n"), SPAN("a b\r\n#"), LINE_REPAIR, LF},
	    {SPAN("a\rb\r\n.\r\n"), SPAN("a b\r\n#"), LINE_REPAIR, CR},
	    {SPAN("a\r\r\n.\r\n"), SPAN("a \r\n#"), LINE_REPAIR, CR},
	    {SPAN("a\n.\r\n.\r\n"), SPAN("a .\r\n#"), LINE_REPAIR, LF},
	    {SPAN("a\r\n.\n.\r\n.\r\n"), SPAN("a\r\n .\r\n#"), LINE_REPAIR, LF},
	    {SPAN("a\r\n.\r.\r\n.\r\n"), SPAN("a\r\n .\r\n#"), LINE_REPAIR, CR},
	    {SPAN("\n\r\n.\r\n"), SPAN(" \r\n#"), LINE_REPAIR, LF},
	    {SPAN("a\nb\r\n.\r\nQ"), SPAN("a#Q"), LINE_REFUSE, LF},
	    {SPAN("a\r\nb\rc\r\nd\r\n.\r\nQ"), SPAN("a\r\nb#Q"), LINE_REFUSE, CR},
	    {SPAN("a\n.\nQ"), SPAN("a\r\n#Q"), LINE_LENIENT, LF},
	    {SPAN("a\n..b\n\nc\r\n.\r\nQ"), SPAN("a\r\n.b\r\n\r\nc\r\n#Q"), LINE_LENIENT, LF},
	    {SPAN("a\rb\n.\n"), SPAN("a b\r\n#"), LINE_LENIENT, LF | CR},
	    {SPAN("a\n.\r\nQ"), SPAN("a\r\n#Q"), LINE_LENIENT, LF},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_body(rows[i].in, rows[i].policy, rows[i].want, rows[i].flags);
}

TEST(body_long_lines_pass)
{
	for (size_t n = LINE_TEXT_MAX - 1; n <= LINE_TEXT_MAX + 2; n++) {
		char in[LINE_TEXT_MAX + 20], want[LINE_TEXT_MAX + 20];

		memset(in, 'x', n);
		memcpy(in + n, "\r\n.\r\n", 5);
		memset(want, 'x', n);
		memcpy(want + n, "\r\n#", 3);
		check_body(span_make(in, n + 5), LINE_REFUSE, span_make(want, n + 3),
			   n > LINE_TEXT_MAX ? LINE_HAS_LONG : 0);
	}
}

TEST(encoder)
{
	static const struct {
		struct span in, want;
		uint32_t limit;
	} rows[] = {
	    {SPAN("abcd\n.bcd\nabcd"), SPAN("abcd\r\n..bcd\r\nabcd\r\n.\r\n"), 4},
	    {SPAN("abcde\nabcdefgh\na"), SPAN("abcd!\r\n e\r\nabcd!\r\n efg!\r\n h\r\na\r\n.\r\n"),
	     4},
	    {SPAN(""), SPAN(".\r\n"), 0},
	    {SPAN("a"), SPAN("a\r\n.\r\n"), 0},
	    {SPAN("a\n"), SPAN("a\r\n.\r\n"), 0},
	    {SPAN("a\r\n"), SPAN("a\r\n.\r\n"), 0},
	    {SPAN(".\n..\r\n.a\nb."), SPAN("..\r\n...\r\n..a\r\nb.\r\n.\r\n"), 0},
	    {SPAN("a\r.\r\n"), SPAN("a .\r\n.\r\n"), 0},
	    {SPAN("\r.\n"), SPAN(" .\r\n.\r\n"), 0},
	    {SPAN("a\r\r\n"), SPAN("a \r\n.\r\n"), 0},
	    {SPAN("a\r"), SPAN("a\r\n.\r\n"), 0},
	    {SPAN("a\n\n.\n"), SPAN("a\r\n\r\n..\r\n.\r\n"), 0},
	    {SPAN("a\0\xff\n"), SPAN("a\0\xff\r\n.\r\n"), 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t k = 0; k <= rows[i].in.len + 1; k++) {
			struct cut cut = {k, k > rows[i].in.len};
			struct line_encoder e = {.limit = rows[i].limit};
			struct buf out;
			size_t done = 0;

			buf_init(&out, 4096);
			while (done < rows[i].in.len) {
				size_t n = piece(&cut, done, rows[i].in.len);

				line_encode(&e, span_make(rows[i].in.ptr + done, n), &out);
				done += n;
			}
			line_encode_end(&e, &out);
			CHECK_SPAN(buf_span(&out), rows[i].want);
			buf_free(&out);
		}
}

TEST_MAIN
