/* Headers by a small configuration: what is added, left out, rewritten and folded. */
#include "cf/cf_header.h"

#include "test.h"

static const char config[] = "V10\n"
			     "DjMAIL.HERE\n"
			     "O OldStyleHeaders\n"
			     "O OperatorChars=.:%@!^/[]+\n"
			     "H?P?Return-Path: <$g>\n"
			     "HReceived: by $j\n"
			     "H?F?From: $?x$x <$g>$|$g$.\n"
			     "H?D?Date: NOW\n"
			     "H?x?Full-Name: $x\n"
			     "HSubject: $>CheckSubject\n"
			     "H*: $>+CheckAll\n"
			     "SCheckSubject\nR$*\t$@ OK\n"
			     "SCheckAll\nR$*\t$@ OK\n"
			     "S3\n"
			     "R$* < $* > $*\t$@ $2\n"
			     "S4\n"
			     "SFrom\nR$-\t$@ $1 @ masq\n"
			     "STo\nR$-\t$@ $1 @ here\n"
			     "S0\nR$+\t$#m $: $1\n"
			     "Mm, P=/x, F=lDFPC, S=From, R=To, A=x\n"
			     "Mbare, P=/x, F=c7x, L=40, A=x\n";

static struct cf cf;
static struct cf_eval ev;
static unsigned reports;

static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	(void)ctx;
	(void)line;
	(void)code;
	(void)text;
	reports++;
}

static const struct cf_host host = {.report = report};

static void load(void)
{
	cf_init(&cf);
	cf_eval_init(&ev, &cf, &host);
	reports = 0;
	CHECK(cf_load(&ev, span_str(config)));
	CHECK_INT(reports, 0);
}

static void unload(void)
{
	cf_eval_free(&ev);
	cf_free(&cf);
}

static void check(const char *mailer, const char *from, const char *in, const char *want)
{
	struct cf_sender s;
	struct buf out;

	buf_init(&out, 1 << 20);
	cf_header_sender(&ev, span_str(from), &s);
	cf_macro_set(&ev, 'g', SPAN("GGG"));
	CHECK_INT(cf_header_write(&ev, &s, cf_mailer_find(&cf, span_str(mailer)), span_str(in),
				  false, &out),
		  0);
	CHECK_SPAN(buf_span(&out), span_str(want));
	buf_free(&out);
}

TEST(adds_and_rewrites)
{
	load();
	check("m", "a@b", "To: x, Y Z <y>, z@d (c)\nBcc: s\nReturn-Path: <q>\nSubject: s\n t\n",
	      "Return-Path: <GGG>\nReceived: by MAIL.HERE\nFrom: a@b\nDate: NOW\n"
	      "To: x@b, Y Z <y@b>, z@d (c)\nSubject: s\n t\n");
	/* Lines end in LF whatever they ended in; a From like the envelope's is made anew. */
	check("m", "me", "From: me\r\nFull-Name: M E\r\nDate: d\r\n",
	      "Return-Path: <GGG>\nReceived: by MAIL.HERE\nFrom: M E <me@masq>\nDate: d\n");
	/* Octets that stand for operators inside the engine are text here. */
	check("m", "a@b", "From: \xc3\x89\x90 <q>\nDate: \x80\n",
	      "Return-Path: <GGG>\nReceived: by MAIL.HERE\nFrom: \xc3\x89\x90 <q@b>\nDate: \x80\n");
	check("m", "a@b", "From: \x91#x\nDate:\n",
	      "Return-Path: <GGG>\nReceived: by MAIL.HERE\nFrom: \x91#x\nDate:\n");
	unload();
}

TEST(fits_the_mailer)
{
	load();
	check(
	    "bare", "a@b",
	    "Full-Name: F\nTo: One Two <one@example.org> (c), two@example.org, three@example.org\n"
	    "X: 0123456789012345678901234567890123456789\xe9\n",
	    "Received: by MAIL.HERE\nFull-Name: F\nTo: one@example.org, two@example.org,\n"
	    "        three@example.org\nX: 012345678901234567890123456789012345!\n 6789i\n");
	unload();
}

TEST(checks_have_rulesets)
{
	bool comments;

	load();
	CHECK_INT(cf_header_ruleset(&ev, SPAN("subject"), &comments),
		  cf_ruleset_id(&ev, SPAN("CheckSubject"), false, NULL));
	CHECK(!comments);
	CHECK_INT(cf_header_ruleset(&ev, SPAN("X-Other"), &comments),
		  cf_ruleset_id(&ev, SPAN("CheckAll"), false, NULL));
	CHECK(comments);
	unload();
}

/* A list of many addresses takes time and memory in proportion. */
TEST(long_lists)
{
	struct cf_sender s;
	struct buf in, out;

	load();
	buf_init(&in, 1 << 22);
	buf_init(&out, 1 << 22);
	buf_puts(&in, "Date: d\nFrom: x@y\nTo: ");
	for (int i = 0; i < 12000; i++)
		buf_printf(&in, "%suser%d", i ? ", " : "", i);
	cf_header_sender(&ev, SPAN("a@b"), &s);
	cf_header_write(&ev, &s, cf_mailer_find(&cf, SPAN("m")), buf_span(&in), true, &out);
	CHECK(buf_ok(&out));
	CHECK(strstr(buf_cstr(&out), " user9000@b,") != NULL);
	CHECK(strstr(buf_cstr(&out), " user11999\n") != NULL);
	CHECK(ev.mem.total < 1 << 20);
	buf_free(&in);
	buf_free(&out);
	unload();
}

TEST_MAIN
