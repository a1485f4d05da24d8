/*
 * format/submit: every case whole, split at every octet, and octet by octet.
 */
#include "format/submit.h"
#include "test.h"

struct row {
	unsigned flags;
	const char *in, *want;
	unsigned hops;
};

static const struct row rows[] = {
    {0, "A: b\r\n\r\nbody\r\n", "A: b\n\nbody\n", 0},
    {0, "Received: x\nReceived : y\nX-Received: z\n\nReceived: no\n",
     "Received: x\nReceived : y\nX-Received: z\n\nReceived: no\n", 2},
    {0, "A: b\r\r\n\r\n\r\rx\r\n", "A: b\n\n\r\rx\n", 0},
    {0, "no header at all", "no header at all\n", 0},
    {0, "", "", 0},
    {0, "A: b\n c\n\nx\ry\r\n", "A: b\n c\n\nx\ry\n", 0},
    {SUBMIT_FIX, "Subject: s\n\nhello\n", "Subject: s\nFrom: f\nDate: d\nMessage-ID: m\n\nhello\n",
     0},
    {SUBMIT_FIX, "From: x\nDate: y\nMessage-Id: z\n\n", "From: x\nDate: y\nMessage-Id: z\n\n", 0},
    {SUBMIT_FIX, "To: a\nBcc: b,\n c\nFROM : x\nDate: y\nMessage-Id: z\n\nq",
     "To: a\nFROM : x\nDate: y\nMessage-Id: z\n\nq\n", 0},
    {SUBMIT_FIX, "Bcc: b\nFrom: x\nDate: y\nMessage-Id: z\n\n",
     "From: x\nDate: y\nMessage-Id: z\nTo: u\n\n", 0},
    {SUBMIT_FIX | SUBMIT_KEEP_BCC, "Bcc: b\nFrom: x\nDate: y\nMessage-Id: z\n\n",
     "Bcc: b\nFrom: x\nDate: y\nMessage-Id: z\nTo: u\n\n", 0},
    {SUBMIT_FIX, "From alice Tue Nov 24 03:18:05 2026\nFrom: x\nDate: y\nMessage-Id: z\n\n",
     "From: x\nDate: y\nMessage-Id: z\n\n", 0},
    {SUBMIT_FIX, "hello world\n", "From: f\nDate: d\nMessage-ID: m\n\nhello world\n", 0},
    {SUBMIT_FIX, "", "From: f\nDate: d\nMessage-ID: m\n\n", 0},
    {SUBMIT_FIX, "Subject: x", "Subject: x\nFrom: f\nDate: d\nMessage-ID: m\n\n", 0},
    {SUBMIT_FIX, "X-A-Very-Long-Field-Name-Indeed: x\nFrom: x\nDate: y\nMessage-Id: z\n\n",
     "X-A-Very-Long-Field-Name-Indeed: x\nFrom: x\nDate: y\nMessage-Id: z\n\n", 0},
    {SUBMIT_MBOX,
     "Content-Length: 5\nA: b\nlines: 3\nSTATUS : RO\nX-Status: F\nX-Keywords:\n k\nX-UID: 1\n"
     "X-IMAP: 1 2\nX-IMAPbase: 1 2\nReceived: x\nContent-Length-X: y\nXLines: z\n\nStatus: RO\n",
     "A: b\nReceived: x\nContent-Length-X: y\nXLines: z\n\nStatus: RO\n", 0},
    {SUBMIT_MBOX, "Status: RO", "", 0},
    {SUBMIT_MBOX, "Status RO", "Status RO\n", 0},
    {SUBMIT_FIX, ": odd\n", "From: f\nDate: d\nMessage-ID: m\n\n: odd\n", 0},
};

static const struct submit_fields fields = {
    .from = {"From: f\n", 8},
    .date = {"Date: d\n", 8},
    .message_id = {"Message-ID: m\n", 14},
    .to = {"To: u\n", 6},
};

/* Feeds the octets before cut, then the others in pieces of step. */
static void run(const struct row *r, size_t cut, size_t step)
{
	struct span in = span_str(r->in);
	struct submit s;
	struct buf out;

	buf_init(&out, 4096);
	submit_init(&s, r->flags, &fields);
	submit_feed(&s, span_head(in, cut), &out);
	for (size_t at = cut; at < in.len; at += step)
		submit_feed(&s, span_head(span_skip(in, at), step), &out);
	submit_finish(&s, &out);
	CHECK_SPAN(buf_span(&out), span_str(r->want));
	CHECK_INT(s.hops, r->hops);
	buf_free(&out);
}

/* Line ends count as they came; the line that ends the header does not. */
TEST(submit_counts_the_header)
{
	static const struct {
		const char *in;
		size_t want;
	} sizes[] = {
	    {"A: b\r\n\r\nbody: no\r\n", 6},
	    {"A: b\nC: d\n e\n\nbody\n", 13},
	    {"A: b\r\nno field\r\nA: b\r\n", 6},
	    {"\r\nA: b\r\n", 0},
	    {"A-field-name-above-the-length-that-is-looked-at: x\r\n\r\n", 52},
	    {"A: cut off", 0},
	};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (size_t step = 1; step < 60; step++) {
			struct span in = span_str(sizes[i].in);
			struct submit s;
			struct buf out;

			buf_init(&out, 4096);
			submit_init(&s, 0, &fields);
			for (; in.len; in = span_skip(in, step))
				submit_feed(&s, span_head(in, step), &out);
			submit_finish(&s, &out);
			CHECK_INT(s.header, sizes[i].want);
			buf_free(&out);
		}
}

TEST(submit_rows)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t len = strlen(rows[i].in);

		run(&rows[i], len, 1);
		run(&rows[i], 0, 1);
		for (size_t cut = 0; cut <= len; cut++)
			run(&rows[i], cut, len + 1);
	}
}

TEST_MAIN
