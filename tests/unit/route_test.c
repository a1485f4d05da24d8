/*
 * service/route: who is trusted, who may relay, where an address goes.
 */
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
	CHECK(route_is_trusted(&s, 0, 8, ""));
	CHECK(route_is_trusted(&s, 8, 8, ""));
	CHECK(!route_is_trusted(&s, 54321, 8, ""));
	CHECK(!route_is_trusted(&s, 54321, 8, "ww"));
	CHECK(route_is_trusted(&s, 54321, 8, "www"));
	CHECK(route_is_trusted(&s, 54321, 8, "list"));
}

TEST(route_relay_permission)
{
	struct mta_origin o = {.addr = SPAN("192.0.2.1"), .uid = UINT32_MAX};
	struct err e = {0};

	CHECK(!route_may_relay(&o, &e));
	CHECK_INT(e.class, ERR_PERM);
	CHECK_SPAN(span_str(e.status), SPAN("5.7.1"));
	o.addr = SPAN("127.0.0.1");
	CHECK(route_may_relay(&o, &e));
	o.addr = SPAN("IPv6:::1");
	CHECK(route_may_relay(&o, &e));
	o.addr = SPAN("IPv6:::10");
	CHECK(!route_may_relay(&o, &e));
	o.uid = 54321;
	CHECK(route_may_relay(&o, &e));
}

TEST(route_recipients)
{
	static const struct {
		const char *rcpt, *user, *address;
		enum route_mailer mailer;
	} rows[] = {
	    {"alice", "alice", "alice@mx.example.test", ROUTE_LOCAL},
	    {"alice@EXAMPLE.test", "alice", "alice@EXAMPLE.test", ROUTE_LOCAL},
	    {"\"a b\"@example.test", "a b", "\"a b\"@example.test", ROUTE_LOCAL},
	    {"bob@other.test", "", "bob@other.test", ROUTE_RELAY},
	};
	static struct settings s;
	struct route r;
	struct err e;

	set(&s);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CHECK(route_recipient(&s, span_str(rows[i].rcpt), &r, &e));
		CHECK_INT(r.mailer, rows[i].mailer);
		CHECK_SPAN(span_str(r.user), span_str(rows[i].user));
		CHECK_SPAN(span_str(r.address), span_str(rows[i].address));
	}
	CHECK(!route_recipient(&s, SPAN("a@b@"), &r, &e));
	CHECK_SPAN(span_str(e.status), SPAN("5.1.3"));
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
