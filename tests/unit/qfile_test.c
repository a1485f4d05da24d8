/*
 * format/qfile: what is written is read again, whatever the addresses hold; damage is noticed.
 */
#include "format/qfile.h"
#include "test.h"

static const struct qfile_rcpt rcpts[] = {
    {.state = QFILE_PENDING, .addr = {"a@b", 3}},
    {.state = QFILE_DONE,
     .notify = 15,
     .status = "2.0.0",
     .text = "Sent",
     .addr = {"\"x y\"@b", 7}},
    {.state = QFILE_FAILED,
     .status = "5.1.1",
     .text = "User unknown",
     .addr = {"-", 1},
     .orcpt = {"rfc822;a+2Bb@c", 14}},
    {.state = QFILE_BOUNCED, .addr = {"a\nR - 0@b\0c", 11}},
    {.state = QFILE_PENDING, .addr = {"\"|x y\"", 6}, .owner = {"alice b", 7}},
};

enum { RCPTS = sizeof rcpts / sizeof rcpts[0] };

static void write_all(struct buf *out)
{
	struct qfile_head h = {.state = {.created = 1795499352,
					 .next = 1795499999,
					 .tries = 7,
					 .flags = QFILE_WARNED,
					 .text = "Deferred: x"},
			       .sender = {"s=+ \377@d", 7},
			       .info = {"[192.0.2.1]", 11},
			       .ret = 'H',
			       .envid = {"id", 2},
			       .body = QFILE_BODY_8BIT};

	qfile_put_head(out, &h);
	for (size_t i = 0; i < RCPTS; i++)
		qfile_put_rcpt(out, &rcpts[i]);
	qfile_put_end(out);
	buf_puts(out, "Subject: x\n\nbody\n");
}

static void check_rcpts(struct qfile_reader *r)
{
	struct qfile_rcpt got;
	struct err e;

	for (size_t i = 0; i < RCPTS; i++) {
		CHECK_INT(qfile_read_rcpt(r, &got, &e), 1);
		CHECK_INT(got.state, rcpts[i].state);
		CHECK_INT(got.notify, rcpts[i].notify);
		CHECK_SPAN(span_str(got.status), span_str(rcpts[i].status));
		CHECK_SPAN(span_str(got.text), span_str(rcpts[i].text));
		CHECK_SPAN(got.addr, rcpts[i].addr);
		CHECK_SPAN(got.orcpt, rcpts[i].orcpt);
		CHECK_SPAN(got.owner, rcpts[i].owner);
	}
	CHECK_INT(qfile_read_rcpt(r, &got, &e), 0);
}

TEST(qfile_written_is_read)
{
	char mem[4096];
	struct buf out, text;
	struct qfile_reader r;
	struct qfile_head h;
	struct err e;

	buf_init(&out, 65536);
	buf_init_fixed(&text, mem, sizeof mem);
	write_all(&out);
	qfile_reader_init(&r, buf_span(&out), &text);
	CHECK(qfile_read_head(&r, &h, &e));
	CHECK_INT(h.state.created, 1795499352);
	CHECK_INT(h.state.next, 1795499999);
	CHECK_INT(h.state.tries, 7);
	CHECK_INT(h.state.flags, QFILE_WARNED);
	CHECK_SPAN(span_str(h.state.text), SPAN("Deferred: x"));
	CHECK_SPAN(h.sender, SPAN("s=+ \377@d"));
	CHECK_SPAN(h.info, SPAN("[192.0.2.1]"));
	CHECK_SPAN(h.envid, SPAN("id"));
	CHECK_SPAN(h.submitter, SPAN(""));
	CHECK_INT(h.ret, 'H');
	CHECK_INT(h.body, QFILE_BODY_8BIT);
	check_rcpts(&r);
	CHECK_SPAN(span_skip(buf_span(&out), r.at), SPAN("Subject: x\n\nbody\n"));
	buf_free(&out);
}

TEST(qfile_marks_in_place)
{
	char mem[4096], head[QFILE_RCPT_HEAD], state[QFILE_STATE_LEN];
	struct buf out, text, b;
	struct qfile_reader r;
	struct qfile_head h;
	struct qfile_rcpt got;
	struct err e;

	buf_init(&out, 65536);
	buf_init_fixed(&text, mem, sizeof mem);
	write_all(&out);
	qfile_reader_init(&r, buf_span(&out), &text);
	CHECK(qfile_read_head(&r, &h, &e));
	CHECK_INT(qfile_read_rcpt(&r, &got, &e), 1);
	got.state = QFILE_DONE;
	buf_init_fixed(&b, head, sizeof head);
	qfile_put_rcpt_head(&b, &got);
	CHECK(buf_ok(&b));
	CHECK_INT(b.len, QFILE_RCPT_HEAD);
	memcpy(out.ptr + got.at, b.ptr, b.len);
	h.state.tries = 100000; /* does not fit: kept in its width */
	buf_init_fixed(&b, state, sizeof state);
	qfile_put_state(&b, &h.state);
	CHECK_INT(b.len, QFILE_STATE_LEN);
	memcpy(out.ptr, b.ptr, b.len);
	buf_init_fixed(&text, mem, sizeof mem);
	qfile_reader_init(&r, buf_span(&out), &text);
	CHECK(qfile_read_head(&r, &h, &e));
	CHECK_INT(h.state.tries, 99999);
	CHECK_INT(qfile_read_rcpt(&r, &got, &e), 1);
	CHECK_INT(got.state, QFILE_DONE);
	CHECK_SPAN(got.addr, SPAN("a@b"));
	buf_free(&out);
}

/* Cut anywhere before its end, an envelope is not taken for a whole one. */
TEST(qfile_cut_is_noticed)
{
	struct buf out;
	size_t whole;

	buf_init(&out, 65536);
	write_all(&out);
	whole = out.len - strlen("Subject: x\n\nbody\n");
	for (size_t n = 0; n < whole; n++) {
		char mem[4096];
		struct buf text;
		struct qfile_reader r;
		struct qfile_head h;
		struct qfile_rcpt got;
		struct err e = {0};
		int more = 1;

		buf_init_fixed(&text, mem, sizeof mem);
		qfile_reader_init(&r, span_make(out.ptr, n), &text);
		if (!qfile_read_head(&r, &h, &e))
			continue;
		while ((more = qfile_read_rcpt(&r, &got, &e)) > 0)
			;
		CHECK_INT(more, -1);
		CHECK_INT(e.class, ERR_PERM);
	}
	buf_free(&out);
}

TEST_MAIN
