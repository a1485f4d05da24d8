/*
 * The roles' messages: what is put is got, a cut or longer one is refused.
 */
#include "service/mta_ipc.h"
#include "test.h"

static void refuse_others(const struct buf *b, bool (*get)(struct wire_in *in))
{
	char longer[WIRE_MAX + 1];
	struct wire_in in;

	for (size_t n = 0; n < b->len; n++)
		CHECK(!wire_open(&in, span_make(b->ptr, n)) || !get(&in));
	memcpy(longer, b->ptr, b->len);
	longer[b->len] = 'x';
	CHECK(wire_open(&in, span_make(longer, b->len + 1)) && !get(&in));
}

static bool get_check(struct wire_in *in)
{
	struct mta_check c;

	return mta_ipc_get_check(in, &c);
}

static bool get_verdict(struct wire_in *in)
{
	struct mta_verdict v;

	return mta_ipc_get_verdict(in, &v);
}

static bool get_deliver(struct wire_in *in)
{
	struct mta_deliver d;

	return mta_ipc_get_deliver(in, &d);
}

static bool get_send(struct wire_in *in)
{
	struct mta_send m;

	return mta_ipc_get_send(in, &m) && wire_end(in);
}

static bool get_send_to(struct wire_in *in)
{
	struct mta_send_to r;

	return mta_ipc_get_send_to(in, &r) && wire_end(in);
}

static bool get_sent(struct wire_in *in)
{
	struct mta_sent r;

	return mta_ipc_get_sent(in, &r);
}

TEST(mta_ipc_send)
{
	char mem[WIRE_MAX];
	struct mta_send m = {.target = {.protocol = MTA_LMTP,
					.tls = MTA_TLS_AT_ONCE,
					.auth = true,
					.port = 65535,
					.hosts = SPAN("[::1]:b"),
					.helo = SPAN("me"),
					.max_messages = 7},
			     .id = SPAN("id"),
			     .sender = SPAN("a@b"),
			     .envid = SPAN("e"),
			     .at = 1ULL << 40,
			     .size = 5,
			     .rcpts = MTA_SEND_RCPTS,
			     .line_limit = 990,
			     .ret = 'F',
			     .body = '8',
			     .first = true},
			got;
	struct wire_in in;
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_send(&b, 5, &m);
	CHECK(wire_open(&in, buf_span(&b)));
	CHECK_INT(in.type, MTA_SEND);
	CHECK(mta_ipc_get_send(&in, &got));
	CHECK_INT(got.target.protocol, MTA_LMTP);
	CHECK_INT(got.target.tls, MTA_TLS_AT_ONCE);
	CHECK(got.target.auth);
	CHECK_INT(got.target.port, 65535);
	CHECK_SPAN(got.target.hosts, m.target.hosts);
	CHECK_SPAN(got.target.helo, m.target.helo);
	CHECK_INT(got.target.max_messages, 7);
	CHECK_SPAN(got.sender, m.sender);
	CHECK_SPAN(got.envid, m.envid);
	CHECK(got.at == m.at);
	CHECK_INT(got.rcpts, MTA_SEND_RCPTS);
	CHECK_INT(got.ret, 'F');
	CHECK_INT(got.body, '8');
	CHECK(got.first);
	refuse_others(&b, get_send);
	/* No host, no recipient, too many, an offset that is none. */
	m.rcpts++;
	mta_ipc_put_send(&b, 5, &m);
	CHECK(wire_open(&in, buf_span(&b)) && !get_send(&in));
	m.rcpts = 0;
	mta_ipc_put_send(&b, 5, &m);
	CHECK(wire_open(&in, buf_span(&b)) && !get_send(&in));
	m.rcpts = 1;
	m.at = UINT64_MAX;
	mta_ipc_put_send(&b, 5, &m);
	CHECK(wire_open(&in, buf_span(&b)) && !get_send(&in));
	m.at = 0;
	m.target.hosts = SPAN("");
	mta_ipc_put_send(&b, 5, &m);
	CHECK(wire_open(&in, buf_span(&b)) && !get_send(&in));
}

TEST(mta_ipc_send_to_and_sent)
{
	char mem[WIRE_MAX];
	struct mta_send_to to = {.addr = SPAN("a@b"), .orcpt = SPAN("rfc822;x"), .notify = 6}, to2;
	size_t n;
	struct mta_sent sent = {.index = 3, .code = 550, .remote = SPAN("mx [192.0.2.1]")}, sent2;
	struct wire_in in;
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, MTA_SEND_TO, 9);
	CHECK(mta_ipc_put_send_to(&b, &to));
	CHECK(wire_open(&in, buf_span(&b)) && mta_ipc_get_send_to(&in, &to2));
	CHECK_SPAN(to2.addr, to.addr);
	CHECK_SPAN(to2.orcpt, to.orcpt);
	CHECK_INT(to2.notify, 6);
	refuse_others(&b, get_send_to);
	/* As many as there is room for, each as it was. */
	for (n = 1; mta_ipc_put_send_to(&b, &to); n++)
		to.notify = (uint8_t)(n % 8);
	CHECK(b.len <= WIRE_MAX && WIRE_MAX - b.len < 3 + 8 + 5 && wire_open(&in, buf_span(&b)));
	for (size_t i = 0; i < n; i++) {
		CHECK(mta_ipc_get_send_to(&in, &to2));
		CHECK_SPAN(to2.orcpt, to.orcpt);
		CHECK_INT(to2.notify, i < 2 ? 6 : (i - 1) % 8);
	}
	CHECK(wire_end(&in));
	err_perm(&sent.err, "5.1.1", "User unknown");
	mta_ipc_put_sent(&b, 9, &sent);
	CHECK(wire_open(&in, buf_span(&b)) && mta_ipc_get_sent(&in, &sent2));
	CHECK_INT(sent2.index, 3);
	CHECK_INT(sent2.code, 550);
	CHECK_SPAN(sent2.remote, sent.remote);
	CHECK_SPAN(span_str(sent2.err.text), SPAN("User unknown"));
	refuse_others(&b, get_sent);
	sent.code = 1000;
	mta_ipc_put_sent(&b, 9, &sent);
	CHECK(wire_open(&in, buf_span(&b)) && !get_sent(&in));
}

TEST(mta_ipc_check)
{
	char mem[WIRE_MAX];
	struct mta_check c = {.origin = {.addr = SPAN("192.0.2.1"), .uid = 7, .tls = true},
			      .sender = SPAN("a@b"),
			      .rcpt = SPAN("c\0d")},
			 got;
	struct wire_in in;
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_check(&b, MTA_CHECK_RCPT, 99, &c);
	CHECK(wire_open(&in, buf_span(&b)));
	CHECK_INT(in.type, MTA_CHECK_RCPT);
	CHECK_INT(in.id, 99);
	CHECK(mta_ipc_get_check(&in, &got));
	CHECK_SPAN(got.origin.addr, c.origin.addr);
	CHECK_SPAN(got.sender, c.sender);
	CHECK_SPAN(got.rcpt, c.rcpt);
	CHECK_INT(got.origin.uid, 7);
	CHECK(got.origin.tls);
	refuse_others(&b, get_check);
}

TEST(mta_ipc_verdict)
{
	char mem[WIRE_MAX];
	struct mta_verdict v = {.address = SPAN("a@b"),
				.route = MTA_TO_LOCAL,
				.user = SPAN("a"),
				.features = SPAN("SP"),
				.pause_ms = 700},
			   got;
	struct wire_in in;
	struct buf b;

	err_perm(&v.err, "5.1.1", "User unknown");
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_verdict(&b, 5, &v);
	CHECK(wire_open(&in, buf_span(&b)) && mta_ipc_get_verdict(&in, &got));
	CHECK_INT(got.err.class, ERR_PERM);
	CHECK_SPAN(span_str(got.err.text), SPAN("User unknown"));
	CHECK_INT(got.route, MTA_TO_LOCAL);
	CHECK_SPAN(got.user, SPAN("a"));
	CHECK_SPAN(got.features, SPAN("SP"));
	CHECK_INT(got.pause_ms, 700);
	refuse_others(&b, get_verdict);
}

TEST(mta_ipc_deliver)
{
	char mem[WIRE_MAX];
	struct mta_deliver d = {.id = SPAN("6AO3IdBp020773"),
				.rcpt = SPAN("r"),
				.at = 1ull << 40,
				.program = {SPAN("a\0b\0"), 40, 7, 5, MTA_FORM_CRLF}},
			   got;
	struct wire_in in;
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_deliver(&b, 1, &d);
	CHECK(wire_open(&in, buf_span(&b)) && mta_ipc_get_deliver(&in, &got));
	CHECK_INT(got.at, 1ull << 40);
	CHECK_SPAN(got.id, d.id);
	CHECK_INT(got.text.len, 0);
	CHECK_SPAN(got.program.words, SPAN("a\0b\0"));
	CHECK_INT(got.program.limit, 40);
	CHECK_INT(got.program.seconds, 7);
	CHECK_INT(got.program.nice, 5);
	CHECK_INT(got.program.form, MTA_FORM_CRLF);
	refuse_others(&b, get_deliver);
}

TEST(mta_ipc_deliver_text)
{
	static char mem[WIRE_LARGE_MAX], text[MTA_TEXT_MAX + 1];
	struct mta_deliver d = {.id = SPAN("6AO3IdBp020773"), .rcpt = SPAN("r")}, got;
	struct wire_in in;
	struct buf b;

	static const size_t sizes[] = {1, MTA_TEXT_MAX, MTA_TEXT_MAX + 1};

	memset(text, 'm', sizeof text);
	for (size_t i = 0; i < 3; i++) {
		size_t n = sizes[i];

		d.text = span_make(text, n);
		buf_init_fixed(&b, mem, WIRE_MAX);
		mta_ipc_put_deliver(&b, 1, &d);
		CHECK(buf_ok(&b));
		memcpy(mem + b.len, text, n);
		CHECK(wire_open_large(&in, span_make(mem, b.len + n)));
		CHECK_INT(mta_ipc_get_deliver(&in, &got), n <= MTA_TEXT_MAX);
		CHECK_INT(got.text.len, n <= MTA_TEXT_MAX ? n : 0);
		CHECK(wire_open_large(&in, span_make(mem, b.len + n - 1)));
		CHECK(!mta_ipc_get_deliver(&in, &got));
	}
}

/* Many settings are a few messages, each full; one that is cut off is malformed, and nothing more.
 */
TEST(settings_share_messages)
{
	enum { COUNT = 100, LONG = 200 };
	char mem[WIRE_MAX], text[LONG];
	struct span name, value;
	struct wire_in in;
	unsigned got = 0, messages = 0;
	struct buf b;

	memset(text, 'v', sizeof text);
	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, MTA_SETTING, 0);
	for (unsigned i = 0; i <= COUNT; i++) {
		if (i < COUNT && mta_ipc_put_setting(&b, SPAN("Name"), span_make(text, LONG)))
			continue;
		CHECK(buf_ok(&b) && b.len <= WIRE_MAX && wire_open(&in, buf_span(&b)));
		CHECK(i == COUNT || b.len + LONG > WIRE_MAX - 8);
		messages++;
		while (mta_ipc_get_setting(&in, &name, &value)) {
			CHECK(span_eq(name, SPAN("Name")) && value.len == LONG);
			got++;
		}
		CHECK(!in.bad);
		wire_begin(&b, MTA_SETTING, 0);
		i -= i < COUNT;
	}
	CHECK_INT(got, COUNT);
	CHECK_INT(messages, 6);
	CHECK(mta_ipc_put_setting(&b, SPAN("A"), SPAN("1")));
	CHECK(mta_ipc_put_setting(&b, SPAN("B"), SPAN("2")));
	CHECK(wire_open(&in, span_head(buf_span(&b), b.len - 1)));
	CHECK(mta_ipc_get_setting(&in, &name, &value) && span_eq(value, SPAN("1")));
	CHECK(!mta_ipc_get_setting(&in, &name, &value) && in.bad);
}

TEST_MAIN
