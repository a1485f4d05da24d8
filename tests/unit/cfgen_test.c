/*
 * cfgen: reading definition files, what is refused in them, and that what comes out
 * routes as it should, by the engine itself.
 */
#include "base/err.h"
#include "cf/cf_addr.h"
#include "cf/cfgen.h"
#include "service/policy.h"
#include "test.h"

struct world {
	struct cfgen g;
	struct cfgen_host host;
	struct buf said, out;
	struct cf cf;
	struct cf_eval ev;
	struct cf_host cf_host;
};

static void report(void *ctx, const struct cfgen_message *m)
{
	struct world *w = ctx;

	buf_printf(&w->said, "%u:%u: %s: %s (%s)\n", (unsigned)m->line, (unsigned)m->column,
		   m->error ? "error" : "warning", m->text, m->hint);
}

static bool read_file(void *ctx, struct span path, struct buf *out)
{
	(void)ctx;
	if (span_eq(path, SPAN("/routes")))
		buf_puts(out, "# a comment\nGW smtp:[gw.example]\nDOM one.example .two.example\n");
	else if (span_eq(path, SPAN("/bad-routes")))
		buf_puts(out, "DOM one.example\n");
	else if (span_eq(path, SPAN("./Master/ostype/plan9")))
		buf_puts(out, "LOCAL_MAILER_PATH=/bin/upas\n");
	else
		return false;
	return true;
}

static struct world *start(void)
{
	struct world *w = calloc(1, sizeof *w);

	CHECK(w);
	w->host = (struct cfgen_host){w, report, read_file};
	buf_init(&w->said, 100000);
	buf_init(&w->out, CFGEN_OUT_MAX);
	cfgen_init(&w->g, &w->host);
	return w;
}

static void end(struct world *w)
{
	cfgen_free(&w->g);
	buf_free(&w->said);
	buf_free(&w->out);
	free(w);
}

static void said(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct world *w = ctx;

	(void)code;
	buf_printf(&w->said, "cf %u: %.*s\n", (unsigned)line, SPAN_ARG(text));
}

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	(void)ctx, (void)ev, (void)m, (void)key, (void)args, (void)out;
	return EXIT_UNAVAILABLE;
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	(void)ctx, (void)ev, (void)m;
	return true;
}

static int no_file(void *ctx, struct span path, struct buf *out)
{
	(void)ctx, (void)path, (void)out;
	return 2;
}

/* "mailer host user" of an address by the configuration in w->out, or what was said. */
static void route(struct world *w, const char *address, struct buf *out)
{
	struct cf_addr a;

	w->cf_host = (struct cf_host){w, said, NULL, lookup, open_map, no_file};
	cf_init(&w->cf);
	cf_eval_init(&w->ev, &w->cf, &w->cf_host);
	CHECK(cf_load(&w->ev, buf_span(&w->out)));
	CHECK_INT(w->cf.errors, 0);
	if (!cf_addr_parse(&w->ev, span_str(address), 0, &a))
		buf_put(out, buf_span(&w->said));
	else
		buf_printf(out, "%.*s %.*s %.*s", SPAN_ARG(a.mailer->name), SPAN_ARG(a.host),
			   SPAN_ARG(a.user));
	cf_eval_free(&w->ev);
	cf_free(&w->cf);
}

static void check_route(struct world *w, const char *address, const char *want)
{
	struct buf got;

	buf_init(&got, 4096);
	route(w, address, &got);
	CHECK_SPAN(buf_span(&got), span_str(want));
	buf_free(&got);
}

TEST(cfgen_grammar)
{
	struct world *w = start();

	CHECK(cfgen_parse(
		  &w->g,
		  SPAN("\xef\xbb\xbf# a comment\n\n  MY_NAME=main # why\n"
		       "MY_DOMAIN='hoge'.\"co\".jp\n##MY_ALIAS=no\nDEF_ID=\"\\$w.\\$m \\\\x\"\n"
		       "FROM_ADDRESS='$m'\nMY_ALIAS='localhost \\\n  mail'\n"
		       "ACCEPT_ADDRS=\"a.example \\\\\nb.example\"\nLOCAL_VERSION=\n"
		       "VERSION=1\nVERSION=2\nLOCAL_HOST_IPADDR=/a\\ b"),
		  "x.def") == false);
	CHECK_SPAN(buf_span(&w->said),
		   SPAN("15:19: error: LOCAL_HOST_IPADDR is more than one word ()\n"));
	CHECK_SPAN(cfgen_get(&w->g, "MY_NAME"), SPAN("main"));
	CHECK_SPAN(cfgen_get(&w->g, "MY_DOMAIN"), SPAN("hoge.co.jp"));
	CHECK_SPAN(cfgen_get(&w->g, "DEF_ID"), SPAN("$w.$m \\x"));
	CHECK_SPAN(cfgen_get(&w->g, "MY_ALIAS"), SPAN("localhost \\\n  mail"));
	CHECK_SPAN(cfgen_get(&w->g, "ACCEPT_ADDRS"), SPAN("a.example \\\nb.example"));
	CHECK_SPAN(cfgen_get(&w->g, "LOCAL_VERSION"), SPAN(""));
	CHECK_SPAN(cfgen_get(&w->g, "VERSION"), SPAN("2"));
	end(w);
}

/* What a shell would run, expand or split: place and hint. */
TEST(cfgen_refusals)
{
	static const struct {
		const char *text, *where, *word;
	} rows[] = {
	    {"MY_NAME = main\n", "1:8: error", "no blank around"},
	    {"MY_NAME= main\n", "1:10: error", "ended at the blank"},
	    {"\nX=`date`\n", "2:3: error", "command substitution"},
	    {"X=$(date)\n", "1:3: error", "command substitution"},
	    {"X=\"a$(date)\"\n", "1:5: error", "command substitution"},
	    {"X=\"a`date`\"\n", "1:5: error", "command substitution"},
	    {"X=$m\n", "1:3: error", "single quotes"},
	    {"X=\"$m\"\n", "1:4: error", "single quotes"},
	    {"MY_NAME='main\nX=1\n", "1:9: error", "not closed"},
	    {"MY_NAME=\"main\n", "1:9: error", "not closed"},
	    {"MY_NAME=\xe2\x80\x98main\xe2\x80\x99\n", "1:9: error", "typographic"},
	    {"X=main\xe2\x80\x9d\n", "1:7: error", "typographic"},
	    {". other\n", "1:1: error", "no assignment"},
	    {"export X=1\n", "1:7: error", "no assignment"},
	    {"1X=1\n", "1:3: error", "no assignment"},
	    {"X=a;Y=b\n", "1:4: error", "single quotes"},
	    {"X=a b\n", "1:5: error", "into quotes"},
	    {"X=a\r\n", "1:4: error", "CR LF"},
	    {"X=\xc3\xa9\n", "1:3: error", "not ASCII"},
	    {"MX_SENDMAIL=perhaps\n", "1:13: error", "yes|no"},
	    {"MAX_RECIPIENTS=many\n", "1:16: error", "not a number"},
	    {"MY_NAME='a\x01'\n", "1:9: error", "control character"},
	    {"CF_TYPE=R5\n", "1:9: error", "R8V10|R8V8"},
	    {"MY_DOMIAN=x\n", "1:1: warning", "did you mean MY_DOMAIN?"},
	    {"USE_CW_FILECLAS=x\n", "1:1: warning", "USE_cw_FILECLASS"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct world *w = start();
		bool ok = cfgen_parse(&w->g, span_str(rows[i].text), "x.def");

		CHECK(ok == (strstr(rows[i].where, "warning") != NULL));
		CHECK(span_starts(buf_span(&w->said), span_str(rows[i].where)));
		if (!strstr(buf_cstr(&w->said), rows[i].word))
			TEST_FAIL("%s: no \"%s\" in %s", rows[i].text, rows[i].word,
				  buf_cstr(&w->said));
		end(w);
	}
}

/* No value can end its rule or start a line of its own, but LOCAL_CONFIG, which is lines. */
TEST(cfgen_lines)
{
	struct world *w = start();

	CHECK(cfgen_parse(
	    &w->g, SPAN("ACCEPT_ADDRS='a.example \\\nR$*'\nLOCAL_CONFIG='SMine\\\nR$*\t$1\\\n'\n"),
	    "x.def"));
	CHECK(cfgen_write(&w->g, &w->out));
	CHECK(strstr(buf_cstr(&w->out), "\nCAa.example\nCAR$*\n"));
	CHECK(strstr(buf_cstr(&w->out), "\nSMine\nR$*\t$1\n"));
	end(w);
}

TEST(cfgen_routes)
{
	struct world *w = start();

	CHECK(
	    cfgen_parse(&w->g,
			SPAN("OS_TYPE=plan9\nMY_NAME=host\nMY_DOMAIN=dom.example\nMY_ALIAS=other\n"
			     "ACCEPT_ADDRS='$m'\nSPOOL_HOST=relay:spool.dom.example\n"
			     "STATIC_ROUTE_FILE=/routes\nFAX_RELAY=smtp:fax.example\n"),
			"x.def"));
	CHECK(cfgen_write(&w->g, &w->out));
	CHECK(strstr(buf_cstr(&w->out), "P=/bin/upas,"));
	check_route(w, "bob", "local  bob");
	check_route(w, "bob@host", "local  bob");
	check_route(w, "bob@other.dom.example", "local  bob");
	check_route(w, "Bob <bob@localhost>", "local  bob");
	check_route(w, "bob@dom.example", "relay spool.dom.example bob@dom.example");
	check_route(w, "bob@third", "smtp third.dom.example bob@third.dom.example");
	check_route(w, "bob@one.example", "smtp [gw.example] bob@one.example");
	check_route(w, "bob@x.one.example", "smtp x.one.example bob@x.one.example");
	check_route(w, "bob@x.two.example", "smtp [gw.example] bob@x.two.example");
	check_route(w, "1@2.FAX", "smtp fax.example 1@2.FAX");
	check_route(w, "x@h.bitnet", "cf 0: There is no way to BITNET from here\n");
	end(w);
	w = start();
	CHECK(cfgen_parse(&w->g, SPAN("STATIC_ROUTE_FILE=/bad-routes\n"), "x.def"));
	CHECK(!cfgen_write(&w->g, &w->out));
	CHECK(strstr(buf_cstr(&w->said), "1:1: error: not a GW or DOM line"));
	end(w);
}

/* Where there is no configuration: own domains local, all else by MX, or by the relay. */
TEST(cfgen_policy)
{
	static struct settings s;
	struct world *w = start();
	struct err e = {.sys = 0};

	CHECK(settings_init(&s, &e));
	CHECK(settings_set(&s, SPAN("Hostname"), SPAN("mx.example.test"), &e));
	CHECK(settings_set(&s, SPAN("LocalDomains"), SPAN("example.test two.test"), &e));
	CHECK(policy_write(&s, &w->out, &e));
	CHECK(w->out.len < 4096);
	check_route(w, "bob", "local  bob");
	check_route(w, "bob@MX.example.test", "local  bob");
	check_route(w, "bob@two.test.", "local  bob");
	check_route(w, "bob@[192.0.2.1]", "smtp [192.0.2.1] bob@[192.0.2.1]");
	check_route(w, "bob@elsewhere.test", "smtp elsewhere.test bob@elsewhere.test");
	buf_reset(&w->out);
	CHECK(settings_set(&s, SPAN("Relay"), SPAN("smtps://me@relay.test:2465"), &e));
	CHECK(policy_write(&s, &w->out, &e));
	CHECK(strstr(buf_cstr(&w->out), "A=TCP $h 2465\n"));
	check_route(w, "bob@two.test", "local  bob");
	check_route(w, "bob@elsewhere.test", "relay [relay.test] bob@elsewhere.test");
	CHECK(settings_set(&s, SPAN("Relay"), SPAN("http://relay"), &e));
	CHECK(!policy_write(&s, &w->out, &e));
	CHECK_INT(e.class, ERR_PERM);
	end(w);
}

TEST_MAIN
