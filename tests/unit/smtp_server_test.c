/*
 * The SMTP server machine: dialogues against a small program that accepts all but a few
 * addresses, each run whole, split at every octet, and octet by octet.  Replies are those
 * observed from sendmail 8.17.
 */
#include "proto/smtp_server.h"
#include "test.h"

#define GREETING "220 mail.example.com ESMTP letterbox; DATE\r\n"
#define HELO     "250 mail.example.com Hello root@localhost, pleased to meet you\r\n"
#define EHLO                                                                                    \
	"250-mail.example.com Hello root@localhost, pleased to meet you\r\n"                    \
	"250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-EXPN\r\n250-VERB\r\n250-8BITMIME\r\n" \
	"250-SIZE 5000\r\n250-DSN\r\n250-ETRN\r\n250 HELP\r\n"
#define MAILOK    "250 2.1.0 <a@b.c>... Sender ok\r\n"
#define RCPTOK    "250 2.1.5 <d@e.f>... Recipient ok\r\n"
#define GO        "354 End data with <CR><LF>.<CR><LF>\r\n"
#define DONE      "250 2.0.0 QID Message accepted for delivery\r\n"
#define SYNTAX(x) "501 5.5.2 Syntax error in parameters scanning \"" x "\"\r\n"
#define MAIL      "MAIL FROM:<a@b.c>"
#define RSET      "250 2.0.0 Reset state\r\n"

static const struct smtp_server_config usual = {
    .name = {"mail.example.com", 16},
    .product = {"ESMTP letterbox", 15},
    .version = {"letterbox 1.0", 13},
    .size_max = 5000,
    .flags = SMTP_OFFER_USUAL | SMTP_EARLY_OK,
};

/* One session with its program. */
struct session {
	struct smtp_server s;
	struct buf out, events, body;
	size_t eom_left;
	bool held; /* answers are given by the test */
};

static void session_start(struct session *t, const struct smtp_server_config *cfg)
{
	memset(t, 0, sizeof *t);
	buf_init(&t->out, 1 << 20);
	buf_init(&t->events, 1 << 20);
	buf_init(&t->body, 1 << 20);
	smtp_server_init(&t->s, cfg, SPAN("root@localhost"));
	smtp_server_greet(&t->s, SPAN("DATE"), &t->out);
}

static void session_end(struct session *t)
{
	buf_free(&t->out);
	buf_free(&t->events);
	buf_free(&t->body);
}

static void answer_address(struct session *t)
{
	struct err e;

	if (span_starts(t->s.addr, SPAN("no"))) {
		err_perm(&e, "5.1.1", "User unknown");
		smtp_server_reject(&t->s, &e, &t->out);
	} else if (span_starts(t->s.addr, SPAN("later"))) {
		err_temp(&e, "4.3.0", "Please try again later");
		smtp_server_reject(&t->s, &e, &t->out);
	} else if (span_starts(t->s.addr, SPAN("bye"))) {
		smtp_server_reply(&t->s, 421, "4.3.2", SPAN("Bye"), &t->out);
	} else {
		CHECK(smtp_server_accept(&t->s, &t->out));
	}
}

static void answer_eom(struct session *t)
{
	bool lmtp = t->s.cfg->flags & SMTP_LMTP;

	for (size_t i = 0, n = lmtp ? t->s.rcpts : 1; i < n; i++) {
		CHECK(smtp_server_waiting(&t->s));
		if (lmtp && i == 1)
			smtp_server_reply(&t->s, 452, "4.2.2", SPAN("Mailbox full"), &t->out);
		else
			smtp_server_accept_eom(&t->s, SPAN("QID"), &t->out);
	}
	CHECK(!smtp_server_waiting(&t->s));
}

static void answer_auth(struct session *t, bool first)
{
	if (first && !t->s.has_text)
		smtp_server_challenge(&t->s, SPAN("Q2g="), &t->out);
	else if (span_eq(t->s.text, SPAN("Z29vZA==")))
		CHECK(smtp_server_accept(&t->s, &t->out));
	else
		smtp_server_reply(&t->s, 535, "5.7.0", SPAN("authentication failed"), &t->out);
}

/* Logs an event with what it carries and answers it. */
static void session_event(struct session *t, enum smtp_server_event ev)
{
	static const char letters[] = "??HMRDBEXVPTGACZSKQ!O";
	struct smtp_server *s = &t->s;

	if (ev != SMTP_EV_BODY)
		buf_putc(&t->events, letters[ev]);
	if (t->held && smtp_server_waiting(s))
		return;
	switch (ev) {
	case SMTP_EV_BODY:
		buf_put(&t->body, s->text);
		break;
	case SMTP_EV_MAIL:
	case SMTP_EV_RCPT:
		answer_address(t);
		break;
	case SMTP_EV_EOM:
		answer_eom(t);
		break;
	case SMTP_EV_AUTH:
	case SMTP_EV_AUTH_LINE:
		answer_auth(t, ev == SMTP_EV_AUTH);
		break;
	case SMTP_EV_OTHER:
		buf_put(&t->events, s->mech);
		if (span_ends(s->text, SPAN("bad")))
			smtp_server_reply(s, 554, "5.7.1", SPAN("bad line"), &t->out);
		else
			CHECK(smtp_server_accept(s, &t->out));
		break;
	case SMTP_EV_EXPN:
		smtp_server_reply_more(s, 250, "2.1.5", SPAN("<one@x>"), &t->out);
		smtp_server_reply(s, 250, "2.1.5", SPAN("<two@x>"), &t->out);
		break;
	default:
		if (smtp_server_waiting(s))
			CHECK(smtp_server_accept(s, &t->out));
		if (ev == SMTP_EV_STARTTLS)
			smtp_server_tls_started(s);
	}
}

/* Feeds in, first octets of it in the first piece; first > in.len: one by one. */
static void session_feed(struct session *t, struct span in, size_t first)
{
	size_t start = 0, end = 0;

	while (end < in.len && !smtp_server_closed(&t->s)) {
		end = first > in.len ? end + 1 : end < first ? first : in.len;
		for (;;) {
			size_t used;
			char *copy = malloc(end - start + 1);
			memcpy(copy, in.ptr + start, end - start);
			enum smtp_server_event ev =
			    smtp_server_feed(&t->s, span_make(copy, end - start), &used, &t->out);
			CHECK(used <= end - start);
			start += used;
			if (ev != SMTP_EV_MORE && ev != SMTP_EV_WAIT)
				session_event(t, ev);
			free(copy);
			if (ev == SMTP_EV_MORE || ev == SMTP_EV_WAIT || smtp_server_closed(&t->s))
				break;
		}
	}
}

/* Every reply line is printable, bounded, and its enhanced status fits its code. */
static void check_replies(struct span out)
{
	while (out.len) {
		struct span line = span_cut(&out, '\n');

		CHECK(line.len >= 4 && line.len + 1 <= SMTP_REPLY_MAX);
		CHECK(line.len && line.ptr[line.len - 1] == '\r');
		for (size_t i = 0; i + 1 < line.len; i++)
			CHECK((unsigned char)line.ptr[i] >= 0x20 &&
			      (unsigned char)line.ptr[i] < 0x7f);
		if (line.len > 6 && line.ptr[5] == '.')
			CHECK(line.ptr[4] == line.ptr[0]);
	}
}

struct row {
	struct span in;
	const char *events;
	struct span out;
};

static void run_row(const struct smtp_server_config *cfg, const struct row *r)
{
	for (size_t k = 0; k <= r->in.len + 1; k++) {
		struct session t;
		size_t greet;

		session_start(&t, cfg);
		greet = t.out.len;
		session_feed(&t, r->in, k);
		CHECK_SPAN(span_skip(buf_span(&t.out), greet), r->out);
		if (r->events)
			CHECK_SPAN(buf_span(&t.events), span_str(r->events));
		check_replies(buf_span(&t.out));
		session_end(&t);
	}
}

#define ROWS(cfg, rows)                                                   \
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows)[0]; row++) \
	run_row(cfg, &(rows)[row])

TEST(greets)
{
	struct session t;

	session_start(&t, &usual);
	CHECK_SPAN(buf_span(&t.out), SPAN(GREETING));
	session_end(&t);
	CHECK(sizeof(struct smtp_server) <= 1228);
}

TEST(helo)
{
	static const struct row rows[] = {
	    {SPAN("HELO\r\n"), "", SPAN("501 5.0.0 HELO requires domain address\r\n")},
	    {SPAN("ehlo \r\n"), "", SPAN("501 5.0.0 EHLO requires domain address\r\n")},
	    {SPAN("HELO x\r\n"), "H", SPAN(HELO)},
	    {SPAN("helo  [IPv6:::1] \r\n"), "H", SPAN(HELO)},
	    {SPAN("EHLO foo_bar-1.x\r\n"), "H", SPAN(EHLO)},
	    {SPAN("EHLO foo bar\r\n"), "", SPAN("501 5.0.0 Invalid domain name\r\n")},
	    {SPAN("HELO a@b\r\n"), "", SPAN("501 5.0.0 Invalid domain name\r\n")},
	    {SPAN("HELO \xe9\r\n"), "", SPAN("501 5.0.0 Invalid domain name\r\n")},
	    {SPAN("LHLO x\r\n"), "", SPAN("500 5.5.1 Command unrecognized: \"LHLO x\"\r\n")},
	    {SPAN("EHLO x\r\n" MAIL "\r\nEHLO y\r\nRCPT TO:<d@e.f>\r\n"), "HMKH",
	     SPAN(EHLO MAILOK EHLO "503 5.0.0 Need MAIL before RCPT\r\n")},
	};

	ROWS(&usual, rows);
}

TEST(sequence)
{
	static const struct row rows[] = {
	    {SPAN("NOOP foo\r\nRSET foo\r\n noop\r\nQUIT foo\r\nNOOP\r\n"), "KQ",
	     SPAN("250 2.0.0 OK\r\n" RSET
		  "250 2.0.0 OK\r\n221 2.0.0 mail.example.com closing connection\r\n")},
	    {SPAN("RCPT TO:<x>\r\nDATA\r\n"), "",
	     SPAN("503 5.0.0 Need MAIL before RCPT\r\n503 5.0.0 Need MAIL command\r\n")},
	    {SPAN(MAIL "\r\n" MAIL "\r\nDATA\r\n"), "M",
	     SPAN(MAILOK
		  "503 5.5.0 Sender already specified\r\n503 5.0.0 Need RCPT (recipient)\r\n")},
	    {SPAN("\r\n"), "", SPAN("500 5.5.1 Command unrecognized: \"\"\r\n")},
	    {SPAN(" \r\n"), "", SPAN("500 5.5.1 Command unrecognized: \" \"\r\n")},
	    {SPAN("FOO\r\nONEX\r\n"), "",
	     SPAN("500 5.5.1 Command unrecognized: \"FOO\"\r\n"
		  "500 5.5.1 Command unrecognized: \"ONEX\"\r\n")},
	    {SPAN("FOO\x01\xe9\r\n"), "", SPAN("500 5.5.1 Command unrecognized: \"FOO??\"\r\n")},
	    {SPAN("SEND FROM:<a@b.c>\r\nTURN\r\n"), "",
	     SPAN("502 5.5.1 Command not implemented: \"SEND FROM:<a@b.c>\"\r\n"
		  "502 5.5.1 Command not implemented: \"TURN\"\r\n")},
	    {SPAN("HELP\r\nHELP MAIL\r\n"), "",
	     SPAN("502 5.3.0 letterbox 1.0 -- HELP not implemented\r\n"
		  "502 5.3.0 letterbox 1.0 -- HELP not implemented\r\n")},
	    {SPAN("VERB on\r\n"), "G", SPAN("250 2.0.0 Verbose mode\r\n")},
	    {SPAN("NO\nOP\r\nNOOP\r\n"), "",
	     SPAN("500 5.5.2 Bare CR, bare LF or NUL in command\r\n250 2.0.0 OK\r\n")},
	    {SPAN("EHLO x\nRSET\nNOOP\r\nNOOP\r\n"), "",
	     SPAN("500 5.5.2 Bare CR, bare LF or NUL in command\r\n250 2.0.0 OK\r\n")},
	    {SPAN("NO\rOP\r\nNO\0OP\r\n"), "",
	     SPAN("500 5.5.2 Bare CR, bare LF or NUL in command\r\n"
		  "500 5.5.2 Bare CR, bare LF or NUL in command\r\n")},
	    {SPAN(MAIL "\r\nRSET\r\n" MAIL "\r\n"), "MKM", SPAN(MAILOK RSET MAILOK)},
	};

	ROWS(&usual, rows);
}

/* Commands without an event of their own, where the program wants to hear of them. */
TEST(other_commands_are_asked_about)
{
	static const struct smtp_server_config cfg = {
	    .name = {"mail.example.com", 16},
	    .flags = SMTP_OFFER_USUAL | SMTP_EARLY_OK | SMTP_ASK_OTHER,
	    .bad_max = 2,
	};
	static const struct row rows[] = {
	    {SPAN("NOOP\r\nNOOP bad\r\nVERB\r\nRSET\r\n"), "O2O2O2GK",
	     SPAN("250 2.0.0 OK\r\n554 5.7.1 bad line\r\n250 2.0.0 Verbose mode\r\n" RSET)},
	    {SPAN("FOO bad\r\nFOO\r\nFOO bad\r\nNOOP\r\n"), "O5O5!",
	     SPAN("554 5.7.1 bad line\r\n500 5.5.1 Command unrecognized: \"FOO\"\r\n"
		  "421 4.7.0 mail.example.com Too many bad commands; closing connection\r\n")},
	};

	ROWS(&cfg, rows);
}

TEST(mail_arguments)
{
	static const struct row rows[] = {
	    {SPAN("MAIL\r\n"), "", SPAN(SYNTAX(""))},
	    {SPAN("MAIL FROM\r\n"), "", SPAN(SYNTAX("FROM"))},
	    {SPAN("MAIL FROM: \r\n"), "", SPAN(SYNTAX("FROM"))},
	    {SPAN("MAIL TO:<a@b.c>\r\n"), "", SPAN(SYNTAX("TO"))},
	    {SPAN("MAIL <a@b.c>\r\n"), "", SPAN(SYNTAX("<a@b.c>"))},
	    {SPAN("mail  from : <a@b.c> \r\n"), "M", SPAN(MAILOK)},
	    {SPAN("MAIL FROM:a@b.c SIZE=5\r\n"), "M", SPAN("250 2.1.0 a@b.c... Sender ok\r\n")},
	    {SPAN("MAIL FROM:<>\r\n"), "M", SPAN("250 2.1.0 <>... Sender ok\r\n")},
	    {SPAN("MAIL FROM:<@x,@y:a@b.c>\r\n"), "M",
	     SPAN("250 2.1.0 <@x,@y:a@b.c>... Sender ok\r\n")},
	    {SPAN("MAIL FROM:<\"a b\"@c.d>\r\n"), "M",
	     SPAN("250 2.1.0 <\"a b\"@c.d>... Sender ok\r\n")},
	    {SPAN("MAIL FROM:<a@b.c\r\n"), "", SPAN("553 5.0.0 <a@b.c... Unbalanced '<'\r\n")},
	    {SPAN("MAIL FROM:<\r\n"), "", SPAN("553 5.0.0 <... Unbalanced '<'\r\n")},
	    {SPAN("MAIL FROM:a@b.c>\r\n"), "", SPAN("553 5.0.0 a@b.c>... Unbalanced '>'\r\n")},
	    {SPAN("MAIL FROM:Foo Bar <a@b.c>\r\n"), "",
	     SPAN("555 5.5.4 Bar parameter unrecognized\r\n")},
	    {SPAN("MAIL FROM:<\xc3\xa9@b.c>\r\n"), "",
	     SPAN("501 5.1.7 8-bit character in mailbox address \"<\?\?@b.c>\"\r\n")},
	    {SPAN(MAIL " SIZE\r\n"), "", SPAN("501 5.5.2 SIZE requires a value\r\n")},
	    {SPAN(MAIL " SIZE=x\r\n"), "", SPAN("501 5.5.2 Bad argument \"x\" to SIZE\r\n")},
	    {SPAN(MAIL " SIZE=-1\r\n"), "", SPAN("552 5.2.3 Message size invalid\r\n")},
	    {SPAN(MAIL " SIZE=99999999999999999999999\r\n"), "",
	     SPAN("552 5.2.3 Message size exceeds maximum value\r\n")},
	    {SPAN(MAIL " SIZE=5000\r\n"), "M", SPAN(MAILOK)},
	    {SPAN(MAIL " SIZE=5001\r\n"), "",
	     SPAN("552 5.2.3 Message size exceeds fixed maximum message size (5000)\r\n")},
	    {SPAN(MAIL " SIZE=6000 FOO\r\n"), "", SPAN("555 5.5.4 FOO parameter unrecognized\r\n")},
	    {SPAN(MAIL " BODY=foo\r\n"), "", SPAN("501 5.5.4 Unknown BODY type foo\r\n")},
	    {SPAN(MAIL " BODY\r\n"), "", SPAN("501 5.5.2 BODY requires a value\r\n")},
	    {SPAN(MAIL " \tbody=8bitmime\r\n"), "M", SPAN(MAILOK)},
	    {SPAN(MAIL " FOO=bar\r\n"), "", SPAN("555 5.5.4 FOO parameter unrecognized\r\n")},
	    {SPAN(MAIL " =\r\n"), "", SPAN("555 5.5.4  parameter unrecognized\r\n")},
	    {SPAN(MAIL " RET=x\r\n"), "", SPAN("501 5.5.2 Bad argument \"x\" to RET\r\n")},
	    {SPAN(MAIL " RET\r\n"), "", SPAN("501 5.5.2 RET requires a value\r\n")},
	    {SPAN(MAIL " RET=full RET=hdrs\r\n"), "",
	     SPAN("501 5.5.0 Duplicate RET parameter\r\n")},
	    {SPAN(MAIL " ENVID=a+zz\r\n"), "",
	     SPAN("501 5.5.4 Syntax error in ENVID parameter value\r\n")},
	    {SPAN(MAIL " ENVID=a ENVID=b\r\n"), "",
	     SPAN("501 5.5.0 Duplicate ENVID parameter\r\n")},
	    {SPAN(MAIL " ENVID\r\n"), "", SPAN("501 5.5.2 ENVID requires a value\r\n")},
	    {SPAN(MAIL " ENVID=QQ+2Bx RET=HDRS\r\n"), "M", SPAN(MAILOK)},
	    {SPAN(MAIL " AUTH=<>\r\n"), "", SPAN("555 5.5.4 AUTH parameter unrecognized\r\n")},
	    {SPAN(MAIL " BY=5;R\r\n"), "", SPAN("555 5.5.4 BY parameter unrecognized\r\n")},
	    {SPAN("MAIL FROM:<no@b.c>\r\n" MAIL "\r\n"), "MM",
	     SPAN("550 5.1.1 <no@b.c>... User unknown\r\n" MAILOK)},
	    {SPAN("MAIL FROM:<bye@b.c>\r\nNOOP\r\n"), "M", SPAN("421 4.3.2 Bye\r\n")},
	};

	ROWS(&usual, rows);
}

TEST(rcpt_arguments)
{
#define R(arg, events, text)                                                        \
	{                                                                           \
		SPAN(MAIL "\r\nRCPT " arg "\r\n"), events, SPAN(MAILOK text "\r\n") \
	}
	static const struct row rows[] = {
	    R("TO:<alice>", "MR", "250 2.1.5 <alice>... Recipient ok"),
	    R("TO: a@b.c", "MR", "250 2.1.5 a@b.c... Recipient ok"),
	    R("to:<Postmaster>", "MR", "250 2.1.5 <Postmaster>... Recipient ok"),
	    R("TO:<nosuchuser>", "MR", "550 5.1.1 <nosuchuser>... User unknown"),
	    R("TO:<later@x>", "MR", "451 4.3.0 <later@x>... Please try again later"),
	    R("", "M", "501 5.5.2 Syntax error in parameters scanning \"\""),
	    R("TO:", "M", "501 5.5.2 Syntax error in parameters scanning \"TO\""),
	    R("FROM:<x>", "M", "501 5.5.2 Syntax error in parameters scanning \"FROM\""),
	    R("TO:foo bar", "M", "555 5.5.4 bar parameter unrecognized"),
	    R("TO:<>", "M", "553 5.0.0 <>... User address required"),
	    R("TO:<a@b> SIZE=3", "M", "555 5.5.4 SIZE parameter unrecognized"),
	    R("TO:<a@b> NOTIFY=", "M", "501 5.5.4 Bad argument \"\"  to NOTIFY"),
	    R("TO:<a@b> NOTIFY", "M", "501 5.5.2 NOTIFY requires a value"),
	    R("TO:<a@b> NOTIFY=NEVER,SUCCESS", "M", "501 5.5.4 Bad argument \"NEVER\"  to NOTIFY"),
	    R("TO:<a@b> NOTIFY=SUCCESS,NEVER", "M", "501 5.5.4 Bad argument \"NEVER\"  to NOTIFY"),
	    R("TO:<a@b> NOTIFY=DELAY,foo", "M", "501 5.5.4 Bad argument \"foo\"  to NOTIFY"),
	    R("TO:<a@b> NOTIFY=SUCCESS,", "M", "501 5.5.4 Bad argument \"\"  to NOTIFY"),
	    R("TO:<a@b> NOTIFY=never", "MR", "250 2.1.5 <a@b>... Recipient ok"),
	    R("TO:<a@b> ORCPT=foo", "M", "501 5.5.4 Syntax error in ORCPT parameter value"),
	    R("TO:<a@b> ORCPT=rfc822;foo+z", "M",
	      "501 5.5.4 Syntax error in ORCPT parameter value"),
	    R("TO:<a@b> ORCPT=rfc822;a ORCPT=rfc822;b", "M", "501 5.5.0 Duplicate ORCPT parameter"),
	    R("TO:<a@b> orcpt=rfc822;a+2Bb@c NOTIFY=FAILURE,DELAY", "MR",
	      "250 2.1.5 <a@b>... Recipient ok"),
	};

	ROWS(&usual, rows);
}

TEST(params_reach_the_program)
{
	static const struct smtp_server_config cfg = {
	    .name = {"mail.example.com", 16},
	    .auth = {"PLAIN", 5},
	    .flags = SMTP_OFFER_USUAL | SMTP_OFFER_DELIVERBY | SMTP_OFFER_SMTPUTF8 | SMTP_EARLY_OK,
	};
	struct span in =
	    SPAN("MAIL FROM:<@r:\xc3\xa9@b.c> SIZE=77 BODY=8BITMIME RET=FULL ENVID=e+2B "
		 "AUTH=<> BY=-9;NT SMTPUTF8\r\n");
	struct session t;
	size_t used;

	session_start(&t, &cfg);
	CHECK_INT(smtp_server_feed(&t.s, in, &used, &t.out), SMTP_EV_MAIL);
	CHECK_INT(used, in.len);
	CHECK_SPAN(t.s.path, SPAN("<@r:\xc3\xa9@b.c>"));
	CHECK_SPAN(t.s.addr, SPAN("\xc3\xa9@b.c"));
	CHECK_SPAN(t.s.local, SPAN("\xc3\xa9"));
	CHECK_SPAN(t.s.domain, SPAN("b.c"));
	CHECK_INT(t.s.mail.size, 77);
	CHECK_INT(t.s.mail.body, SMTP_BODY_8BITMIME);
	CHECK_INT(t.s.mail.ret, SMTP_RET_FULL);
	CHECK_SPAN(t.s.mail.envid, SPAN("e+2B"));
	CHECK_SPAN(t.s.mail.auth, SPAN("<>"));
	CHECK_INT(t.s.mail.by_seconds, -9);
	CHECK_INT(t.s.mail.by_mode, 'N');
	CHECK(t.s.mail.by_trace && t.s.mail.utf8);
	CHECK_INT(smtp_server_feed(&t.s, in, &used, &t.out), SMTP_EV_WAIT);
	CHECK_INT(used, 0);
	CHECK(smtp_server_accept(&t.s, &t.out));
	in = SPAN("RCPT TO:<x@y> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;q@r\r\n");
	CHECK_INT(smtp_server_feed(&t.s, in, &used, &t.out), SMTP_EV_RCPT);
	CHECK_INT(t.s.rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
	CHECK_SPAN(t.s.rcpt.orcpt, SPAN("rfc822;q@r"));
	CHECK_SPAN(t.s.addr, SPAN("x@y"));
	session_end(&t);
}

TEST(deliver_by)
{
	static const struct smtp_server_config cfg = {
	    .name = {"mail.example.com", 16},
	    .auth = {"PLAIN", 5},
	    .flags = SMTP_OFFER_DELIVERBY,
	};
	static const struct row rows[] = {
	    {SPAN(MAIL " BY\r\n"), "", SPAN("501 5.5.2 BY= requires a value\r\n")},
	    {SPAN(MAIL " BY=5\r\n"), "", SPAN("501 5.5.2 BY= missing ';'\r\n")},
	    {SPAN(MAIL " BY=5;X\r\n"), "", SPAN("501 5.5.2 illegal by-mode 'X'\r\n")},
	    {SPAN(MAIL " BY=0;R\r\n"), "", SPAN("501 5.5.4 mode R requires BY time > 0\r\n")},
	    {SPAN(MAIL " BY=99999999999;R\r\n"), "",
	     SPAN("501 5.5.2 BY=99999999999;R out of range\r\n")},
	    {SPAN(MAIL " BY=5;RX\r\n"), "", SPAN("501 5.5.2 illegal by-trace 'X'\r\n")},
	    {SPAN(MAIL " BY=+5;RT\r\n"), "M", SPAN(MAILOK)},
	    {SPAN(MAIL " AUTH\r\n"), "", SPAN("501 5.5.2 AUTH= requires a value\r\n")},
	    {SPAN(MAIL " AUTH=+zz\r\n"), "",
	     SPAN("501 5.5.4 Syntax error in AUTH parameter value\r\n")},
	    {SPAN(MAIL " AUTH=a AUTH=b\r\n"), "", SPAN("501 5.5.0 Duplicate AUTH parameter\r\n")},
	    {SPAN(MAIL " SIZE=3\r\n"), "", SPAN("555 5.5.4 SIZE parameter unrecognized\r\n")},
	    {SPAN(MAIL " BODY=7BIT\r\n"), "", SPAN("555 5.5.4 BODY parameter unrecognized\r\n")},
	    {SPAN(MAIL " RET=FULL\r\n"), "",
	     SPAN("504 5.7.0 Sorry, RET not supported, we do not allow DSN\r\n")},
	    {SPAN(MAIL "\r\nRCPT TO:<a@b> NOTIFY=NEVER\r\n"), "M",
	     SPAN(MAILOK "504 5.7.0 Sorry, NOTIFY not supported, we do not allow DSN\r\n")},
	};

	ROWS(&cfg, rows);
}

#define TWO MAIL "\r\nRCPT TO:<d@e.f>\r\nDATA\r\n"

TEST(messages)
{
	static const struct row rows[] = {
	    {SPAN("EHLO x\r\n" TWO "hi\r\n.\r\nQUIT\r\n"), "HMRDEQ",
	     SPAN(EHLO MAILOK RCPTOK GO DONE "221 2.0.0 mail.example.com closing connection\r\n")},
	    {SPAN(TWO ".\r\n" TWO "..\r\n.\r\n"), "MRDEMRDE",
	     SPAN(MAILOK RCPTOK GO DONE MAILOK RCPTOK GO DONE)},
	    {SPAN(MAIL "\r\nRCPT TO:<no>\r\nRCPT TO:<d@e.f>\r\nDATA foo\r\nx\r\n.\r\nDATA\r\n"),
	     "MRRDE",
	     SPAN(MAILOK "550 5.1.1 <no>... User unknown\r\n" RCPTOK GO DONE
			 "503 5.0.0 Need MAIL command\r\n")},
	    {SPAN(TWO "a\nb\r\n.\r\n" MAIL "\r\n"), "MRDXM",
	     SPAN(MAILOK RCPTOK GO "550 5.6.11 Bare linefeed (LF) not allowed\r\n" MAILOK)},
	    {SPAN(TWO "a\n.\nNOOP\r\n.\r\nNOOP\r\n"), "MRDX",
	     SPAN(MAILOK RCPTOK GO
		  "550 5.6.11 Bare linefeed (LF) not allowed\r\n250 2.0.0 OK\r\n")},
	    {SPAN(TWO "a\r.\r\n.\r\n"), "MRDX",
	     SPAN(MAILOK RCPTOK GO "550 5.6.11 Bare carriage return (CR) not allowed\r\n")},
	};
	struct session t;

	ROWS(&usual, rows);
	for (size_t k = 0; k < 80; k++) {
		session_start(&t, &usual);
		session_feed(&t, SPAN(TWO "a\r\n..b\r\n\r\n.c\0\xff\r\n.\r\n"), k);
		CHECK_SPAN(buf_span(&t.body), SPAN("a\r\n.b\r\n\r\nc\0\xff\r\n"));
		CHECK_INT(t.s.body.flags, LINE_HAS_NUL | LINE_HAS_8BIT);
		CHECK_INT(t.s.body.octets, t.body.len);
		session_end(&t);
	}
}

TEST(too_big)
{
	struct smtp_server_config cfg = usual;

	cfg.size_max = 10;
	cfg.flags |= SMTP_NUL_REFUSED;
	for (size_t k = 0; k < 99; k++) {
		struct session t;

		session_start(&t, &cfg);
		session_feed(
		    &t, SPAN(TWO "12345678\r\n.\r\n" TWO "123456789\r\n.\r\n" TWO "\0\r\n.\r\n"),
		    k);
		CHECK_SPAN(buf_span(&t.events), SPAN("MRDEMRDXMRDX"));
		CHECK(span_ends(buf_span(&t.out), SPAN("550 5.6.0 NUL byte not allowed\r\n")));
		CHECK(memmem(t.out.ptr, t.out.len,
			     "552 5.2.3 Message exceeds maximum fixed size (10)\r\n", 51) != NULL);
		CHECK(t.body.len <= 10 + 10 + 3);
		session_end(&t);
	}
}

TEST(lmtp)
{
	struct smtp_server_config cfg = usual;
	static const struct row rows[] = {
	    {SPAN("EHLO x\r\nMAIL FROM:<a@b.c>\r\n"), "",
	     SPAN("500 5.5.1 Command unrecognized: \"EHLO x\"\r\n"
		  "503 5.0.0 Polite people say HELO first\r\n")},
	    {SPAN("LHLO x\r\n" MAIL "\r\nRCPT TO:<no>\r\nDATA\r\n"), "HMR",
	     SPAN(EHLO MAILOK
		  "550 5.1.1 <no>... User unknown\r\n503 5.0.0 Need RCPT (recipient)\r\n")},
	    {SPAN("LHLO x\r\n" MAIL "\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<d@e.f>\r\n"
		  "DATA\r\nx\r\n.\r\nNOOP\r\n"),
	     "HMRRRDE",
	     SPAN(EHLO MAILOK RCPTOK RCPTOK RCPTOK GO DONE "452 4.2.2 Mailbox full\r\n" DONE
							   "250 2.0.0 OK\r\n")},
	    {SPAN("LHLO x\r\n" MAIL
		  "\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nx\r.\r\n.\r\n"),
	     "HMRRDX",
	     SPAN(EHLO MAILOK RCPTOK RCPTOK GO
		  "550 5.6.11 Bare carriage return (CR) not allowed\r\n"
		  "550 5.6.11 Bare carriage return (CR) not allowed\r\n")},
	};

	cfg.flags |= SMTP_LMTP;
	ROWS(&cfg, rows);
}

TEST(questions)
{
	struct smtp_server_config cfg = usual;
	static const struct row rows
	    [] =
		{
		    {SPAN("VRFY\r\nEXPN \r\nETRN\r\n"), "",
		     SPAN("501 5.5.2 Argument required\r\n501 5.5.2 Argument required\r\n"
			  "500 5.5.2 Parameter required\r\n")},
		    {SPAN("VRFY alice\r\n"), "V",
		     SPAN("252 2.5.2 Cannot VRFY user; try RCPT to attempt delivery (or try "
			  "finger)\r\n")},
		    {SPAN("EXPN list\r\n"), "P",
		     SPAN("250-2.1.5 <one@x>\r\n250 2.1.5 <two@x>\r\n")},
		    {SPAN("ETRN remote.net\r\nETRN #q\r\n"), "TT",
		     SPAN("250 2.0.0 Queuing for node remote.net started\r\n"
			  "250 2.0.0 Queuing for queue group q started\r\n")},
		},
	off[] =
	    {
		{SPAN("VRFY a\r\nEXPN a\r\nETRN a\r\nVERB\r\n"), "",
		 SPAN("252 2.5.2 Cannot VRFY user; try RCPT to attempt delivery (or try finger)\r\n"
		      "502 5.7.0 Sorry, we do not allow this operation\r\n"
		      "502 5.7.0 Sorry, we do not allow this operation\r\n"
		      "502 5.7.0 Verbose unavailable\r\n")},
	    },
	need[] =
	    {
		{SPAN("VRFY a\r\nEXPN a\r\n" MAIL "\r\nHELO x\r\n" MAIL "\r\n"), "H",
		 SPAN("503 5.0.0 I demand that you introduce yourself first\r\n"
		      "503 5.0.0 I demand that you introduce yourself first\r\n"
		      "503 5.0.0 Polite people say HELO first\r\n" HELO
		      "530 5.7.0 Authentication required\r\n")},
	    },
	tls[] = {
	    {SPAN("NOOP\r\nHELO x\r\n" MAIL "\r\nQUIT\r\n"), "HQ",
	     SPAN("250 2.0.0 OK\r\n" HELO "530 5.7.0 Must issue a STARTTLS command first\r\n"
		  "221 2.0.0 mail.example.com closing connection\r\n")},
	};

	ROWS(&usual, rows);
	cfg.flags = SMTP_EARLY_OK;
	ROWS(&cfg, off);
	cfg.flags = SMTP_OFFER_USUAL | SMTP_EARLY_OK | SMTP_NEED_AUTH | SMTP_NEED_HELO |
		    SMTP_NEED_VRFY_HELO | SMTP_NEED_EXPN_HELO;
	ROWS(&cfg, need);
	cfg.flags = SMTP_EARLY_OK | SMTP_NEED_TLS | SMTP_OFFER_STARTTLS;
	ROWS(&cfg, tls);
}

TEST(auth)
{
	struct smtp_server_config cfg = usual;
	static const struct row rows[] =
	    {
		{SPAN("AUTH\r\nAUTH FOO\r\n"), "",
		 SPAN("501 5.5.2 AUTH mechanism must be specified\r\n"
		      "504 5.3.3 AUTH mechanism FOO not available\r\n")},
		{SPAN("AUTH plain Z29vZA==\r\nAUTH PLAIN x\r\n"), "A",
		 SPAN("235 2.0.0 OK Authenticated\r\n503 5.5.0 Already Authenticated\r\n")},
		{SPAN("AUTH LOGIN\r\nZ29vZA==\r\n"), "AC",
		 SPAN("334 Q2g=\r\n235 2.0.0 OK Authenticated\r\n")},
		{SPAN("AUTH LOGIN\r\nYmFk\r\nNOOP\r\n"), "AC",
		 SPAN("334 Q2g=\r\n535 5.7.0 authentication failed\r\n250 2.0.0 OK\r\n")},
		{SPAN("AUTH LOGIN\r\n*\r\nNOOP\r\n"), "AZ",
		 SPAN("334 Q2g=\r\n501 5.0.0 AUTH aborted\r\n250 2.0.0 OK\r\n")},
		{SPAN("AUTH LOGIN\r\nQU\0IT\r\nNOOP\r\n"), "AZ",
		 SPAN("334 Q2g=\r\n501 5.0.0 AUTH aborted\r\n250 2.0.0 OK\r\n")},
		{SPAN(MAIL "\r\nAUTH PLAIN x\r\n"), "M",
		 SPAN(MAILOK "503 5.5.0 AUTH not permitted during a mail transaction\r\n")},
	    },
				none[] = {
				    {SPAN("AUTH PLAIN x\r\n"), "",
				     SPAN("503 5.3.3 AUTH not available\r\n")},
				};
	char big[LINE_AUTH_MAX + 40];
	struct session t;

	ROWS(&usual, none);
	cfg.auth = SPAN("PLAIN LOGIN");
	ROWS(&cfg, rows);
	memset(big, 'x', sizeof big);
	memcpy(big, "AUTH PLAIN ", 11);
	memcpy(big + LINE_AUTH_MAX - 2, "\r\n", 2);
	session_start(&t, &cfg);
	session_feed(&t, span_make(big, LINE_AUTH_MAX), 5000);
	CHECK_SPAN(buf_span(&t.events), SPAN("A"));
	session_end(&t);
}

TEST(limits)
{
	char line[3000];
	struct session t;

	memset(line, 'x', sizeof line);
	memcpy(line, "NOOP ", 5);
	memcpy(line + LINE_SENDMAIL_MAX - 2, "\r\n", 2);
	session_start(&t, &usual);
	session_feed(&t, span_make(line, LINE_SENDMAIL_MAX), 100);
	CHECK_SPAN(buf_span(&t.out), SPAN(GREETING "250 2.0.0 OK\r\n"));
	memset(line + 5, 'x', sizeof line - 5);
	session_feed(&t, span_make(line, sizeof line), 100);
	CHECK_SPAN(buf_span(&t.events), SPAN("!"));
	CHECK(span_ends(buf_span(&t.out),
			SPAN("421 4.7.0 mail.example.com Command too long, possible "
			     "attack root@localhost\r\n")));
	session_end(&t);

	session_start(&t, &usual);
	for (int i = 0; i < SMTP_BAD_COMMANDS_MAX + 1; i++)
		session_feed(&t, SPAN("FOO\r\n"), 3);
	CHECK(smtp_server_closed(&t.s));
	CHECK(span_ends(
	    buf_span(&t.out),
	    SPAN("421 4.7.0 mail.example.com Too many bad commands; closing connection\r\n")));
	CHECK_INT(t.out.len, 44 + 25 * 39 + 70);
	session_end(&t);

	/* the echo of a long command is cut in the middle */
	session_start(&t, &usual);
	memset(line, 'y', 400);
	memcpy(line + 400, "\r\n", 2);
	session_feed(&t, span_make(line, 402), 7);
	CHECK_INT(t.out.len, 44 + 33 + 203 + 3);
	check_replies(buf_span(&t.out));
	/* paths above 256 octets, names above 255 */
	memcpy(line, "RCPT TO:<", 9);
	session_feed(&t, SPAN(MAIL "\r\n"), 0);
	buf_reset(&t.out);
	session_feed(&t, span_make(line, 402), 0);
	CHECK(span_starts(buf_span(&t.out), SPAN("553 5.1.0 Address \"<yyyy")));
	CHECK(span_ends(buf_span(&t.out), SPAN("yyy\" too long (256 bytes max)\r\n")));
	buf_reset(&t.out);
	memcpy(line, "EHLO yyyy", 9);
	session_feed(&t, span_make(line, 402), 0);
	CHECK_SPAN(buf_span(&t.out), SPAN("501 5.0.0 Invalid domain name\r\n"));
	session_end(&t);
}

/* What the program refuses for good counts over all messages of a session; 4xx do not. */
TEST(bad_recipients)
{
	struct smtp_server_config cfg = usual;
	struct session t;

	cfg.bad_rcpts = 2;
	for (size_t cut = 0; cut < 9; cut++) {
		session_start(&t, &cfg);
		session_feed(&t, SPAN(MAIL "\r\nRCPT TO:<no@x>\r\nRCPT TO:<later@x>\r\nRSET\r\n"),
			     cut);
		session_feed(&t, SPAN(MAIL "\r\nRCPT TO:<no@x>\r\nRCPT TO:<later@x>\r\n"), cut);
		CHECK(!smtp_server_closed(&t.s));
		CHECK_INT(t.s.bad_rcpts, 2);
		buf_reset(&t.out);
		session_feed(&t, SPAN("RCPT TO:<no@x>\r\nNOOP\r\n"), cut);
		CHECK(smtp_server_closed(&t.s));
		CHECK_SPAN(buf_span(&t.out), SPAN("421 4.7.0 mail.example.com Too many bad "
						  "recipients; closing connection\r\n"));
		session_end(&t);
	}
}

TEST(other_protocols)
{
	static const struct row rows[] = {
	    {SPAN("GET / HTTP/1.0\r\n\r\n"), "!",
	     SPAN("421 4.7.0 mail.example.com Rejecting open proxy root@localhost\r\n")},
	    {SPAN("user x\r\n"), "!",
	     SPAN("421 4.7.0 mail.example.com Rejecting open proxy root@localhost\r\n")},
	    {SPAN("RSET\r\nGET /\r\n"), "K",
	     SPAN(RSET "500 5.5.1 Command unrecognized: \"GET /\"\r\n")},
	};

	ROWS(&usual, rows);
}

TEST(early_input)
{
	struct smtp_server_config cfg = usual;
	struct session t;

	cfg.flags = SMTP_OFFER_USUAL | SMTP_OFFER_STARTTLS;
	session_start(&t, &cfg);
	session_feed(&t, SPAN("EHLO x\r\n" MAIL "\r\nNOOP\r\nRSET\r\n"), 0);
	session_feed(&t, SPAN("EHLO x\r\nFOO\r\nQUIT\r\n"), 0);
	CHECK_SPAN(buf_span(&t.out),
		   SPAN(GREETING
			"554 5.5.0 SMTP protocol error\r\n550 5.0.0 Command rejected\r\n"
			"250 2.0.0 OK\r\n" RSET
			"250-mail.example.com Hello root@localhost, pleased to meet you\r\n"
			"250 ENHANCEDSTATUSCODES\r\n"
			"500 5.5.1 Command unrecognized: \"FOO\"\r\n"
			"221 2.0.0 mail.example.com closing connection\r\n"));
	CHECK_SPAN(buf_span(&t.events), SPAN("KQ"));
	session_end(&t);

	/* DATA may end a group (RFC 2920 3.1), but nothing may stand behind it */
	session_start(&t, &cfg);
	session_feed(&t, SPAN("EHLO x\r\n"), 0);
	session_feed(&t, SPAN(TWO), 0);
	session_feed(&t, SPAN("x\r\n.\r\n" TWO), 0);
	session_feed(&t, SPAN("x\r\n.\r\n" TWO "x\r\n.\r\n"), 0);
	CHECK_SPAN(buf_span(&t.events), SPAN("HMRDEMRDEMR!"));
	CHECK(span_ends(buf_span(&t.out), SPAN(RCPTOK "554 5.5.0 SMTP protocol error\r\n")));
	CHECK(smtp_server_closed(&t.s));
	session_end(&t);

	/* input that arrives while the program thinks */
	session_start(&t, &cfg);
	session_feed(&t, SPAN(TWO), 0);
	CHECK_SPAN(buf_span(&t.events), SPAN("MRD"));
	session_end(&t);
	session_start(&t, &cfg);
	session_feed(&t, SPAN("EHLO x\r\n"), 0);
	session_feed(&t, SPAN(MAIL "\r\nRCPT TO:<d@e.f>\r\n"), 0);
	t.held = true;
	session_feed(&t, SPAN("DATA\r\n"), 0);
	session_feed(&t, SPAN("x\r\n.\r\n"), 0);
	CHECK(!smtp_server_accept(&t.s, &t.out));
	CHECK(smtp_server_closed(&t.s));
	CHECK(span_ends(buf_span(&t.out), SPAN("554 5.5.0 SMTP protocol error\r\n")));
	session_end(&t);
}

TEST(starttls)
{
	struct smtp_server_config cfg = usual;
	struct session t;

	cfg.flags = SMTP_OFFER_USUAL | SMTP_OFFER_STARTTLS;
	cfg.auth_tls = SPAN("PLAIN");
	session_start(&t, &cfg);
	session_feed(&t, SPAN("EHLO x\r\n"), 0);
	CHECK(memmem(t.out.ptr, t.out.len, "250-STARTTLS\r\n", 14) != NULL);
	CHECK(memmem(t.out.ptr, t.out.len, "AUTH", 4) == NULL);
	session_feed(&t, SPAN("STARTTLS x\r\n" MAIL "\r\nSTARTTLS\r\nRSET\r\n"), 0);
	CHECK(span_ends(buf_span(&t.out),
			SPAN("501 5.5.2 Syntax error (no parameters allowed)\r\n" MAILOK
			     "503 5.5.0 TLS not permitted during a mail transaction\r\n" RSET)));
	buf_reset(&t.out);
	session_feed(&t, SPAN("STARTTLS\r\n"), 3);
	CHECK_SPAN(buf_span(&t.out), SPAN("220 2.0.0 Ready to start TLS\r\n"));
	CHECK(t.s.tls && !t.s.esmtp && smtp_server_helo(&t.s).len == 0);
	buf_reset(&t.out);
	session_feed(&t, SPAN("EHLO y\r\n"), 0);
	CHECK(memmem(t.out.ptr, t.out.len, "STARTTLS", 8) == NULL);
	CHECK(memmem(t.out.ptr, t.out.len, "250-AUTH PLAIN\r\n", 16) != NULL);
	CHECK_SPAN(smtp_server_helo(&t.s), SPAN("y"));
	buf_reset(&t.out);
	session_feed(&t, SPAN("STARTTLS\r\n"), 0);
	CHECK_SPAN(buf_span(&t.out), SPAN("503 5.5.0 TLS not available\r\n"));
	session_end(&t);

	session_start(&t, &cfg);
	session_feed(&t, SPAN("EHLO x\r\n"), 0);
	buf_reset(&t.out);
	session_feed(&t, SPAN("STARTTLS\r\nRSET\r\n"), 0);
	CHECK_SPAN(buf_span(&t.out), SPAN("554 5.5.0 SMTP protocol error\r\n"));
	CHECK_SPAN(buf_span(&t.events), SPAN("H!"));
	CHECK(!t.s.tls && smtp_server_closed(&t.s));
	session_end(&t);

	session_start(&t, &usual);
	session_feed(&t, SPAN("STARTTLS\r\n"), 0);
	CHECK_SPAN(buf_span(&t.out), SPAN(GREETING "454 4.3.3 TLS not available after start\r\n"));
	session_end(&t);
}

TEST(refused_and_closed)
{
	struct smtp_server s;
	struct buf out;
	size_t used;

	buf_init(&out, 4096);
	smtp_server_init(&s, &usual, SPAN("x"));
	smtp_server_greet_refuse(&s, 554, SPAN("ESMTP not accepting messages"),
				 SPAN("5.7.1 Access denied"), &out);
	CHECK_INT(smtp_server_feed(&s, SPAN("HELO x\r\n" MAIL "\r\n"), &used, &out), SMTP_EV_MORE);
	smtp_server_close(&s, "4.4.2", SPAN("timed out"), &out);
	CHECK_SPAN(buf_span(&out),
		   SPAN("554 mail.example.com ESMTP not accepting messages\r\n"
			"250 mail.example.com Hello x, pleased to meet you\r\n"
			"550 5.7.1 Access denied\r\n421 4.4.2 mail.example.com timed out\r\n"));
	CHECK_INT(smtp_server_feed(&s, SPAN("NOOP\r\n"), &used, &out), SMTP_EV_ABORT);
	CHECK_INT(used, 0);
	buf_free(&out);
}

TEST(replies_of_the_program)
{
	char text[700];
	struct session t;

	memset(text, 'z', sizeof text);
	session_start(&t, &usual);
	t.held = true;
	session_feed(&t, SPAN("VRFY x\r\n"), 0);
	buf_reset(&t.out);
	smtp_server_reply(&t.s, 550, "4.1.1", SPAN("one\r\ntw\xf6\0\n\nend"), &t.out);
	CHECK_SPAN(buf_span(&t.out),
		   SPAN("550-5.1.1 one\r\n550-5.1.1 tw?\?\r\n550-5.1.1\r\n550 5.1.1 end\r\n"));
	session_feed(&t, SPAN("VRFY x\r\n"), 0);
	smtp_server_reply(&t.s, 250, NULL, span_make(text, sizeof text), &t.out);
	check_replies(buf_span(&t.out));
	CHECK(span_ends(buf_span(&t.out), SPAN("zz\r\n")));
	session_end(&t);
}

/* Letters of srv_features: what is not offered any more, and what comes back. */
TEST(features_of_a_client)
{
	static const char *const letters[] = {"P", "PXEBDS", "PXp", "s", "LAaz?"};
	static const char *const gone[] = {"PIPELINING", "PIPELINING EXPN ETRN VERB DSN", "EXPN",
					   "", ""};

	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
		struct span all = SPAN("PIPELINING EXPN ETRN VERB DSN STARTTLS");
		struct session t;

		session_start(&t, &usual);
		for (const char *p = letters[i]; *p; p++)
			smtp_server_feature(&t.s, *p);
		session_feed(&t, SPAN("EHLO x\r\n"), 0);
		while (all.len) {
			struct span word = span_cut(&all, ' ');
			bool offered = memmem(t.out.ptr, t.out.len, word.ptr, word.len) != NULL;
			bool lacks = memmem(gone[i], strlen(gone[i]), word.ptr, word.len) != NULL;

			/* There is no certificate. */
			CHECK_INT(offered, !lacks && !span_eq(word, SPAN("STARTTLS")));
		}
		session_end(&t);
	}
}

TEST(features_that_refuse)
{
	struct smtp_server_config cfg = usual;
	struct session t;

	cfg.flags |= SMTP_OFFER_STARTTLS;
	session_start(&t, &cfg);
	smtp_server_feature(&t.s, 'S');
	smtp_server_feature(&t.s, 'l');
	buf_reset(&t.out);
	session_feed(&t, SPAN("STARTTLS\r\n" MAIL "\r\n"), 0);
	CHECK_SPAN(buf_span(&t.out), SPAN("503 5.5.0 TLS not available\r\n"
					  "530 5.7.0 Authentication required\r\n"));
	smtp_server_feature(&t.s, 'L');
	session_feed(&t, SPAN(MAIL "\r\n"), 0);
	CHECK(t.s.in_mail);
	session_end(&t);
}

TEST(lenient)
{
	struct smtp_server_config cfg = usual;
	static const struct row rows[] = {
	    {SPAN("EHLO x\n" MAIL "\nRCPT TO:<d@e.f>\nDATA\nhi\n.\nQUIT\n"), "HMRDEQ",
	     SPAN(EHLO MAILOK RCPTOK GO DONE "221 2.0.0 mail.example.com closing connection\r\n")},
	};

	cfg.flags |= SMTP_LENIENT;
	cfg.bare = LINE_LENIENT;
	ROWS(&cfg, rows);
}

TEST_MAIN
