/* Reports: the exact text of a bounce, a warning and a receipt, and hostile input made harmless. */
#include "format/dsn.h"

#include "format/header.h"
#include "format/mime.h"
#include "test.h"

enum { NOW = 1795490285 };

static struct dsn_report report(const struct dsn_recipient *rcpts, size_t n)
{
	return (struct dsn_report){
	    .host = SPAN("mx.example.org"),
	    .daemon = SPAN("MAILER-DAEMON@mx.example.org"),
	    .to = SPAN("a@example.com"),
	    .boundary = SPAN("b123/mx"),
	    .message_id = SPAN("1.2@mx.example.org"),
	    .client = SPAN("client.example [192.0.2.1]"),
	    .queue_id = SPAN("Q1"),
	    .envid = SPAN("env 1"),
	    .arrival = NOW - 4 * 3600 - 59,
	    .now = NOW,
	    .expires = NOW + 5 * 86400 - 4 * 3600 - 59,
	    .eol = "\n",
	    .recipients = rcpts,
	    .nrecipients = n,
	};
}

TEST(bounce)
{
	struct dsn_recipient rcpts[] = {
	    {.final = SPAN("nobody@x.org"),
	     .original = SPAN("rfc822;nobody@y.org"),
	     .action = DSN_FAILED,
	     .status = SPAN("5.1.1"),
	     .diagnostic = SPAN("550 5.1.1 no such\r\n550 5.1.1 user"),
	     .smtp = true,
	     .remote = SPAN("mx.x.org"),
	     .attempt = NOW},
	    {.final = SPAN("local"),
	     .action = DSN_FAILED,
	     .status = SPAN("junk"),
	     .diagnostic = SPAN("disk")},
	};
	struct dsn_report r = report(rcpts, 2);
	struct buf out;
	buf_init(&out, 65536);
	dsn_put_head(&out, &r);
	buf_puts(&out, "Subject: hi\n");
	dsn_put_tail(&out, &r);
	CHECK_SPAN(buf_span(&out),
		   SPAN("Date: Tue, 24 Nov 2026 03:18:05 +0000\n"
			"From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>\n"
			"Message-ID: <1.2@mx.example.org>\n"
			"To: <a@example.com>\n"
			"MIME-Version: 1.0\n"
			"Content-Type: multipart/report; report-type=delivery-status;\n"
			"\tboundary=\"b123/mx\"\n"
			"Subject: Returned mail: see transcript for details\n"
			"Auto-Submitted: auto-generated (failure)\n"
			"\n"
			"This is a MIME-encapsulated message\n"
			"\n"
			"--b123/mx\n"
			"\n"
			"The original message was received at Mon, 23 Nov 2026 23:17:06 +0000\n"
			"from client.example [192.0.2.1]\n"
			"\n"
			"   ----- The following addresses had permanent fatal errors -----\n"
			"<nobody@x.org>\n"
			"    (reason: 550 5.1.1 no such 550 5.1.1 user)\n"
			"<local>\n"
			"    (reason: disk)\n"
			"\n"
			"   ----- Transcript of session follows -----\n"
			"... while talking to mx.x.org:\n"
			"<<< 550 5.1.1 no such 550 5.1.1 user\n"
			"disk\n"
			"\n"
			"--b123/mx\n"
			"Content-Type: message/delivery-status\n"
			"\n"
			"Original-Envelope-Id: env 1\n"
			"Reporting-MTA: dns; mx.example.org\n"
			"Received-From-MTA: DNS; client.example [192.0.2.1]\n"
			"Arrival-Date: Mon, 23 Nov 2026 23:17:06 +0000\n"
			"X-Queue-Id: Q1\n"
			"\n"
			"Original-Recipient: rfc822;nobody@y.org\n"
			"Final-Recipient: RFC822; nobody@x.org\n"
			"Action: failed\n"
			"Status: 5.1.1\n"
			"Remote-MTA: DNS; mx.x.org\n"
			"Diagnostic-Code: SMTP; 550 5.1.1 no such 550 5.1.1 user\n"
			"Last-Attempt-Date: Tue, 24 Nov 2026 03:18:05 +0000\n"
			"\n"
			"Final-Recipient: RFC822; local\n"
			"Action: failed\n"
			"Status: 5.0.0\n"
			"Diagnostic-Code: X-Unix; disk\n"
			"\n"
			"--b123/mx\n"
			"Content-Type: text/rfc822-headers\n"
			"\n"
			"Subject: hi\n"
			"\n"
			"--b123/mx--\n"));
	buf_free(&out);
}

/* Is text somewhere in the report? */
static bool has(const struct buf *b, const char *text)
{
	return memmem(b->ptr, b->len, text, strlen(text)) != NULL;
}

TEST(warning_and_receipt)
{
	struct dsn_recipient rcpts[] = {
	    {.final = SPAN("a@x.org"), .action = DSN_DELAYED, .status = SPAN("4.4.1")},
	    {.final = SPAN("b@x.org"), .action = DSN_RELAYED, .status = SPAN("2.6.0")},
	    {.final = SPAN("c@x.org"), .action = DSN_DELIVERED, .status = SPAN("2.1.5")},
	    {.final = SPAN("d@x.org"), .action = DSN_EXPANDED, .status = SPAN("2.1.5")},
	};
	struct dsn_report r = report(rcpts, 4);
	struct buf out;
	buf_init(&out, 65536);
	r.eightbit = r.whole = true;
	dsn_put_head(&out, &r);
	CHECK(has(&out, "Subject: Warning: could not send message for past 4 hours\n"));
	CHECK(has(&out, "Auto-Submitted: auto-generated (warning-timeout)\n"));
	CHECK(has(&out, "**      THIS IS A WARNING MESSAGE ONLY      **\n"));
	CHECK(has(
	    &out,
	    "   ----- The following addresses had transient non-fatal errors -----\n<a@x.org>\n"));
	CHECK(has(&out, "Warning: message still undelivered after 4 hours\n"
			"Will keep trying until message is 5 days old\n"));
	CHECK(has(
	    &out,
	    "Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: Sat, 28 Nov 2026 23:17:06 +0000\n"));
	CHECK(has(&out, "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"));
	buf_reset(&out);
	r = report(rcpts + 1, 3);
	dsn_put_head(&out, &r);
	CHECK(has(&out, "Subject: Return receipt\n"));
	CHECK(has(&out, "<b@x.org>  (relayed to non-DSN-aware mailer)\n"));
	CHECK(has(&out, "<c@x.org>  (successfully delivered)\n"));
	CHECK(has(&out, "<d@x.org>  (expanded by mailing list)\n"));
	CHECK(has(&out, "Action: expanded\n"));
	buf_free(&out);
}

TEST(hostile_input_stays_in_its_place)
{
	char evil[3000];
	struct buf clean, out;
	for (size_t i = 0; i < sizeof evil; i++)
		evil[i] = "\r\n\r\n--b123/mx--\r\nBcc: x\n\0\xff\x1b."[i % 29];
	struct span e = span_make(evil, sizeof evil);
	struct dsn_recipient plain = {.final = SPAN("f"),
				      .original = SPAN("o"),
				      .status = SPAN("5.1.1"),
				      .diagnostic = SPAN("d"),
				      .smtp = true,
				      .remote = SPAN("r")};
	struct dsn_recipient hostile = {
	    .final = e, .original = e, .status = e, .diagnostic = e, .smtp = true, .remote = e};
	struct dsn_report p = report(&plain, 1), h = report(&hostile, 1);
	h.host = h.daemon = h.to = h.message_id = h.client = h.queue_id = h.envid = e;
	p.eol = h.eol = "\r\n";
	buf_init(&clean, 1 << 20);
	buf_init(&out, 1 << 20);
	dsn_put_head(&clean, &p);
	dsn_put_tail(&clean, &p);
	dsn_put_head(&out, &h);
	dsn_put_tail(&out, &h);
	CHECK(buf_ok(&out));
	/* The same lines but for folds: no line more, none that begins otherwise. */
	struct span a = buf_span(&clean), b = buf_span(&out);
	while (a.len || b.len) {
		struct span la = span_cut(&a, '\n'), lb = span_cut(&b, '\n');
		while (b.len && (b.ptr[0] == ' ' || b.ptr[0] == '\t') &&
		       !span_starts(b, SPAN("    (")) && !span_starts(b, SPAN("   -----")) &&
		       !span_starts(b, SPAN("\tboundary")))
			CHECK(span_cut(&b, '\n').len <= 999);
		CHECK(lb.len <= 999);
		size_t n = span_index(la, ' ');
		n = n < la.len ? n : la.len > 0;
		CHECK_SPAN(span_head(lb, n), span_head(la, n));
		for (size_t i = span_starts(lb, SPAN("\t")); i + 1 < lb.len; i++)
			CHECK((unsigned char)lb.ptr[i] >= 0x20 && (unsigned char)lb.ptr[i] < 0x7f);
	}
	buf_free(&clean);
	buf_free(&out);
}

TEST(status_codes)
{
	static const char *const good[] = {"5.1.1", "4.0.0", "2.999.123"};
	static const char *const bad[] = {"",       "5",       "5.1",      "5.1.",
					  "3.1.1",  "5.1.1.1", "5.1.1234", "5..1",
					  "5.1.1 ", "55.1.1",  "5.x.1",    "5.1.-1"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(dsn_is_status(span_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!dsn_is_status(span_str(bad[i])));
}

TEST(report_parses_as_multipart)
{
	struct dsn_recipient rcpt = {.final = SPAN("a@b"), .status = SPAN("5.1.1")};
	struct dsn_report r = report(&rcpt, 1);
	struct buf out, boundary;
	struct header_field f;
	struct mime_type t;
	struct mime_parts p;
	struct span data;
	enum mime_event ev;
	unsigned ends = 0;

	buf_init(&out, 65536);
	buf_init(&boundary, 100);
	dsn_put_head(&out, &r);
	dsn_put_tail(&out, &r);
	CHECK(header_find(buf_span(&out), SPAN("content-type"), &f));
	CHECK(mime_parse_type(f.value, &t));
	CHECK(mime_type_is(&t, "multipart", "report"));
	CHECK(mime_param(t.params, SPAN("boundary"), &boundary));
	CHECK(mime_parts_init(&p, buf_span(&boundary)));
	struct span in = buf_span(&out);
	while ((ev = mime_parts_next(&p, &in, &data)) != MIME_MORE)
		ends += ev == MIME_END;
	CHECK_INT(p.parts, 3);
	CHECK_INT(ends, 1);
	buf_free(&out);
	buf_free(&boundary);
}

TEST_MAIN
