/*
 * service/route: who is trusted, who may relay, where an address goes.
 */
#include "service/policy.h"
#include "service/route.h"
#include "test.h"

static void set(struct settings *s)
{
	struct err e;

	CHECK(settings_init(s, &e));
	CHECK(settings_set(s, SPAN("Hostname"), SPAN("mx.example.test"), &e));
	CHECK(settings_set(s, SPAN("LocalDomains"), SPAN("example.test"), &e));
	CHECK(settings_set(s, SPAN("TrustedUsers"), SPAN("www,list"), &e));
}

/* A caller without a name once kept the list from ending, which stopped the queue role. */
TEST(route_trust)
{
	static struct settings s;

	set(&s);
	CHECK(route_is_trusted(NULL, &s, 0, 8, ""));
	CHECK(route_is_trusted(NULL, &s, 8, 8, ""));
	CHECK(!route_is_trusted(NULL, &s, 54321, 8, ""));
	CHECK(!route_is_trusted(NULL, &s, 54321, 8, "ww"));
	CHECK(route_is_trusted(NULL, &s, 54321, 8, "www"));
	CHECK(route_is_trusted(NULL, &s, 54321, 8, "list"));
}

/* The built-in configuration. */
static struct config *load(const struct settings *s)
{
	struct config_text t = {0};
	struct config *c;
	struct err e;

	buf_init(&t.text, CONFIG_TEXT_MAX);
	CHECK(policy_write(s, &t.text, &e));
	c = config_load(buf_span(&t.text), "test", NULL, s, &e);
	CHECK(c != NULL);
	CHECK_INT(config_errors(c), 0);
	buf_free(&t.text);
	return c;
}

static bool may_relay(struct config *c, struct mta_check *m, struct err *e)
{
	struct span none = {NULL, 0};

	CHECK(route_begin(c, m));
	return route_check(c, ROUTE_CHECK_RCPT, SPAN("<a@other.test>"), none, e) == ROUTE_OK;
}

TEST(route_relay_permission)
{
	struct mta_check m = {.origin = {.addr = SPAN("192.0.2.1"), .uid = UINT32_MAX}};
	static struct settings s;
	struct config *c;
	struct err e = {0};

	set(&s);
	c = load(&s);
	CHECK(!may_relay(c, &m, &e));
	CHECK_INT(e.class, ERR_PERM);
	CHECK_INT(err_reply_code(&e), 550);
	CHECK_SPAN(span_str(e.status), SPAN("5.7.1"));
	CHECK_SPAN(span_str(e.text), SPAN("Relaying denied"));
	m.origin.addr = SPAN("127.0.0.1");
	CHECK(may_relay(c, &m, &e));
	m.origin.addr = SPAN("IPv6:::1");
	CHECK(may_relay(c, &m, &e));
	m.origin.addr = SPAN("IPv6:::10");
	CHECK(!may_relay(c, &m, &e));
	m.macros = SPAN("{auth_type}\0PLAIN\0");
	CHECK(may_relay(c, &m, &e));
	m.macros = m.origin.addr = SPAN("");
	CHECK(may_relay(c, &m, &e));
	config_free(c);
}

/* A client whose address finds no room is not one that has none, which may relay. */
TEST(route_without_memory)
{
	struct mta_check m = {.origin = {.addr = SPAN("192.0.2.1"), .uid = UINT32_MAX}};
	static struct settings s;
	struct err e = {0};
	struct config *c;
	struct route r;
	struct buf b;

	set(&s);
	c = load(&s);
	CHECK(route_begin(c, &m));
	c->ev->kept.max = 0;
	CHECK(!may_relay(c, &m, &e));
	CHECK_INT(e.class, ERR_TEMP);
	/* The next one has another chance. */
	CHECK(!may_relay(c, &m, &e));
	CHECK_INT(e.class, ERR_PERM);
	c->ev->mem.max = 0;
	CHECK(!may_relay(c, &m, &e));
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(route_begin(c, &m));
	CHECK(!route_recipient(c, &s, SPAN("bob@other.test"), &r, &e));
	CHECK_INT(e.class, ERR_TEMP);
	buf_init(&b, 1000);
	CHECK(route_begin(c, &m));
	CHECK(!route_parse_sender(c, SPAN("bob@other.test"), &b, &e));
	CHECK_INT(e.class, ERR_TEMP);
	buf_free(&b);
	config_free(c);
}

/* Addresses of IPv6 are spelled as sendmail does, whichever macro they are in. */
TEST(route_spelling)
{
	struct mta_check m = {.origin = {.addr = SPAN("IPv6:2001:db8::7"), .uid = UINT32_MAX},
			      .macros = SPAN("{if_addr}\0IPv6:::1\0")};
	static const struct {
		struct span cf, shown;
	} rows[] = {
	    {SPAN("V10\nScheck_rcpt\nR$*\t$#error $: $&{client_addr} on $&{if_addr}\n"),
	     SPAN("IPv6:2001:db8:0:0:0:0:0:7 on IPv6:0:0:0:0:0:0:0:1")},
	    {SPAN("V10\nO UseCompressedIPv6Addresses=true\nScheck_rcpt\n"
		  "R$*\t$#error $: $&{client_addr} on $&{if_addr}\n"),
	     SPAN("IPv6:2001:db8::7 on IPv6:::1")},
	};
	static struct settings s;
	struct err e = {0};

	set(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct config *c = config_load(rows[i].cf, "test", NULL, &s, &e);

		CHECK(c && !may_relay(c, &m, &e));
		CHECK_SPAN(span_str(e.text), rows[i].shown);
		config_free(c);
	}
}

TEST(route_recipients)
{
	static const struct {
		const char *rcpt, *user, *host, *address;
		enum route_kind kind;
	} rows[] = {
	    {"alice", "alice", "", "alice@mx.example.test", ROUTE_LOCAL},
	    {"alice@EXAMPLE.test", "alice", "", "alice@EXAMPLE.test", ROUTE_LOCAL},
	    {"alice@example.test.", "alice", "", "alice@example.test.", ROUTE_LOCAL},
	    {"\"a b\"@example.test", "a b", "", "\"a b\"@example.test", ROUTE_LOCAL},
	    {"bob@other.test", "bob@other.test", "other.test", "bob@other.test", ROUTE_RELAY},
	    {"bob@[192.0.2.1]", "bob@[192.0.2.1]", "[192.0.2.1]", "bob@[192.0.2.1]", ROUTE_RELAY},
	};
	static struct settings s;
	struct config *c;
	struct route r;
	struct err e;
	bool changed;

	set(&s);
	c = load(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(route_begin(c, NULL));
		CHECK(route_recipient(c, &s, span_str(rows[i].rcpt), &r, &e));
		CHECK_INT(r.kind, rows[i].kind);
		CHECK_SPAN(span_str(r.user), span_str(rows[i].user));
		CHECK_SPAN(span_str(r.host), span_str(rows[i].host));
		CHECK_SPAN(span_str(r.address), span_str(rows[i].address));
	}
	CHECK(route_begin(c, NULL));
	CHECK(!route_recipient(c, &s, SPAN("a\x94@b"), &r, &e));
	CHECK_SPAN(span_str(e.status), SPAN("5.1.3"));
	CHECK_INT(err_reply_code(&e), 501);
	/* Ruleset 5 leaves the name without its detail. */
	CHECK(route_begin(c, NULL));
	CHECK(route_recipient(c, &s, SPAN("alice+list"), &r, &e));
	CHECK_SPAN(span_str(r.user), SPAN("alice+list"));
	CHECK(route_local(c, &r, &changed, &e) && changed);
	CHECK_SPAN(span_str(r.user), SPAN("alice"));
	CHECK(route_local(c, &r, &changed, &e) && !changed);
	config_free(c);
}

TEST(route_senders)
{
	struct mta_origin local = {.uid = 54321},
			  net = {.addr = SPAN("192.0.2.1"), .uid = UINT32_MAX};
	static struct settings s;
	struct buf out;
	struct err e;

	set(&s);
	buf_init(&out, MTA_ADDR_MAX);
	CHECK(route_sender(&s, &local, SPAN("ceo@bank.test"), "joe", false, &out, &e));
	CHECK_SPAN(buf_span(&out), SPAN("joe@mx.example.test"));
	CHECK(route_sender(&s, &local, SPAN("ceo@bank.test"), "", false, &out, &e));
	CHECK_SPAN(buf_span(&out), SPAN("uid54321@mx.example.test"));
	CHECK(route_sender(&s, &local, SPAN("ceo@bank.test"), "www", true, &out, &e));
	CHECK_SPAN(buf_span(&out), SPAN("ceo@bank.test"));
	CHECK(route_sender(&s, &net, SPAN("joe"), "", false, &out, &e));
	CHECK_SPAN(buf_span(&out), SPAN("joe@mx.example.test"));
	CHECK(route_sender(&s, &net, SPAN(""), "", false, &out, &e));
	CHECK_INT(out.len, 0);
	buf_free(&out);
}

TEST_MAIN
