/* mbox: any message comes back from a file, any file is scanned alike in any chunking. */
#include <stdint.h>
#include <stdlib.h>

#include "format/mbox.h"

enum { OUT_MAX = 1 << 22 };

static void demand(bool ok)
{
	if (!ok)
		abort();
}

static void scan(struct span in, size_t step, struct buf *out)
{
	struct mbox_scan s;
	struct mbox_message m;
	uint64_t last = 0;

	mbox_scan_init(&s, 0);
	for (bool more = true; more;) {
		struct span piece = span_head(in, step), left = piece;
		more = piece.len > 0;
		while (more ? mbox_scan_feed(&s, &left, &m) : mbox_scan_finish(&s, &m)) {
			demand(m.from >= last && m.from < m.start && m.start <= m.body);
			demand(m.body <= m.end && m.end <= m.next && m.size <= m.end - m.start);
			last = m.next;
			buf_put(out, span_make(&m, sizeof m));
		}
		demand(left.len == 0);
		in = span_skip(in, piece.len);
	}
}

static void unquote(struct span raw, bool crlf, size_t step, struct buf *out)
{
	struct mbox_unquote u;

	mbox_unquote_init(&u, crlf);
	for (; raw.len; raw = span_skip(raw, step))
		mbox_unquote_feed(&u, span_head(raw, step), out);
	mbox_unquote_finish(&u, out);
}

/* The sizes of each message are those of what is read. */
static void check_sizes(struct span file, struct span found)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	for (; found.len; found = span_skip(found, sizeof(struct mbox_message))) {
		struct mbox_message m;
		memcpy(&m, found.ptr, sizeof m);
		struct span raw =
		    span_head(span_skip(file, (size_t)m.start), (size_t)(m.end - m.start));
		buf_reset(&out);
		unquote(raw, false, 3, &out);
		demand(out.len == m.size);
		buf_reset(&out);
		unquote(raw, true, raw.len + 1, &out);
		demand(out.len == m.crlf);
	}
	buf_free(&out);
}

/* Writes in as a message behind another one, and reads it. */
static void check_round_trip(struct span in, size_t step)
{
	struct mbox_quote q;
	struct mbox_scan s;
	struct mbox_message m;
	struct buf file, back, want;

	buf_init(&file, OUT_MAX);
	buf_init(&back, OUT_MAX);
	buf_init(&want, OUT_MAX);
	mbox_put_from(&file, SPAN("a@b"), 0, 0);
	mbox_quote_init(&q);
	for (struct span rest = in; rest.len; rest = span_skip(rest, step))
		mbox_quote_feed(&q, span_head(rest, step), &file);
	mbox_quote_finish(&q, &file);
	size_t end = file.len;
	mbox_put_from(&file, SPAN("c@d"), 0, 0);
	mbox_scan_init(&s, 0);
	struct span rest = buf_span(&file);
	demand(mbox_scan_feed(&s, &rest, &m));
	demand(m.next == end && m.end == end - 1);
	unquote(span_head(span_skip(buf_span(&file), (size_t)m.start), (size_t)(m.end - m.start)),
		false, step, &back);
	for (size_t i = 0; i < in.len; i++)
		if (in.ptr[i] != '\r' || i + 1 == in.len || in.ptr[i + 1] != '\n')
			buf_putc(&want, in.ptr[i]);
	if (want.len && want.ptr[want.len - 1] != '\n')
		buf_putc(&want, '\n');
	demand(span_eq(buf_span(&want), buf_span(&back)));
	buf_free(&file);
	buf_free(&back);
	buf_free(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make(data, size), sender;
	struct buf whole, pieces;
	int64_t t;

	buf_init(&whole, OUT_MAX);
	buf_init(&pieces, OUT_MAX);
	scan(in, size + 1, &whole);
	scan(in, 1, &pieces);
	demand(span_eq(buf_span(&whole), buf_span(&pieces)));
	check_sizes(in, buf_span(&whole));
	check_round_trip(in, size % 7 + 1);
	mbox_parse_from(in, &sender, &t);
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
