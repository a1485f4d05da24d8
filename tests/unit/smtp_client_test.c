/*
 * The SMTP client machine against scripted servers; each dialogue runs with the server's
 * octets whole, split at every place, and one by one.
 */
#include "proto/smtp_client.h"
#include "test.h"

/* A script alternates: what the client must have said, what the server answers to it. */
struct dialogue {
	const char *script[24]; /* client, server, client, ..., NULL */
	const char *events;     /* see note() */
	const char *rcpts[4];   /* of each message */
	unsigned messages;
	struct smtp_client_message msg; /* the rest of its fields */
	struct smtp_client_config cfg;
	const char *body;
	bool codes; /* note those, too */
};

struct caller {
	const struct dialogue *d;
	struct smtp_client c;
	struct smtp_client_message msg;
	uint8_t marks[200];
	struct buf out, events;
	unsigned sent;
	bool tls_tried, auth_tried;
};

static void rcpt(void *arg, size_t n, struct smtp_client_rcpt *r)
{
	const struct dialogue *d = arg;

	r->addr = span_str(d->rcpts[n]);
	r->notify = SPAN("NEVER");
}

/* "0+ " recipient 0 has it, "1-5.1.1 " refused, "2~4.2.0 " later; D done, X closed, ... */
static void note(struct caller *t, enum smtp_client_event ev)
{
	static const char letters[] = " TACRB?DX";
	const struct err *e = &t->c.err;

	if (ev == SMTP_CLIENT_RCPT && t->d->codes)
		buf_printf(&t->events, "%d:", t->c.code);
	if (ev == SMTP_CLIENT_RCPT)
		buf_printf(&t->events, "%zu%s%s ", t->c.index,
			   e->class == ERR_NONE   ? "+"
			   : e->class == ERR_TEMP ? "~"
						  : "-",
			   e->class == ERR_NONE ? "" : e->status);
	else
		buf_putc(&t->events, letters[ev]);
	if (ev == SMTP_CLIENT_CLOSED && e->class != ERR_NONE)
		buf_printf(&t->events, "%s", e->status);
}

static void next_message(struct caller *t)
{
	if (t->sent++ >= t->d->messages) {
		smtp_client_quit(&t->c, &t->out);
		return;
	}
	t->msg = t->d->msg;
	while (t->msg.rcpts < 4 && t->d->rcpts[t->msg.rcpts])
		t->msg.rcpts++;
	if (t->msg.from.ptr == NULL)
		t->msg.from = SPAN("a@b");
	t->msg.marks = t->marks;
	t->msg.rcpt = rcpt;
	t->msg.arg = (void *)(uintptr_t)t->d;
	smtp_client_send(&t->c, &t->msg, &t->out);
}

/* Reacts as a caller would; false once the connection is closed. */
static bool react(struct caller *t, enum smtp_client_event ev)
{
	note(t, ev);
	switch (ev) {
	case SMTP_CLIENT_STARTTLS:
		smtp_client_tls_started(&t->c, &t->out);
		break;
	case SMTP_CLIENT_AUTH:
		if (t->auth_tried) {
			smtp_client_quit(&t->c, &t->out);
			break;
		}
		t->auth_tried = true;
		smtp_client_auth(&t->c, SPAN("LOGIN"), SPAN(""), &t->out);
		break;
	case SMTP_CLIENT_CHALLENGE:
		CHECK_SPAN(t->c.text, SPAN("Q2g="));
		smtp_client_auth_line(&t->c, SPAN("Zm9v"), &t->out);
		break;
	case SMTP_CLIENT_DONE:
		if (t->c.closing)
			break;
		/* fall through */
	case SMTP_CLIENT_READY:
		next_message(t);
		break;
	case SMTP_CLIENT_BODY:
		smtp_client_body(&t->c, span_str(t->d->body ? t->d->body : "hi\n"), &t->out);
		smtp_client_body_end(&t->c, &t->out);
		break;
	case SMTP_CLIENT_CLOSED:
		return false;
	default:
		break;
	}
	return true;
}

/* Feeds one answer in pieces; false once the connection is closed. */
static bool feed(struct caller *t, struct span in, size_t first)
{
	size_t start = 0, end = 0;

	do {
		end = first > in.len ? end + 1 : end < first ? first : in.len;
		if (end > in.len)
			end = in.len;
		for (;;) {
			size_t used;
			char *copy = malloc(end - start + 1);
			memcpy(copy, in.ptr + start, end - start);
			enum smtp_client_event ev =
			    smtp_client_feed(&t->c, span_make(copy, end - start), &used, &t->out);
			CHECK(used <= end - start);
			start += used;
			bool open = ev == SMTP_CLIENT_MORE || react(t, ev);
			free(copy);
			if (!open)
				return false;
			if (ev == SMTP_CLIENT_MORE)
				break;
		}
	} while (end < in.len);
	CHECK_INT(start, in.len);
	return true;
}

static void run(const struct dialogue *d)
{
	size_t longest = 0;

	for (size_t i = 1; i < 24 && d->script[i]; i += 2)
		if (strlen(d->script[i]) > longest)
			longest = strlen(d->script[i]);
	for (size_t k = 0; k <= longest + 1; k++) {
		struct caller t = {.d = d};
		bool open = true;
		size_t i;

		buf_init(&t.out, 1 << 20);
		buf_init(&t.events, 1 << 20);
		smtp_client_init(&t.c, &d->cfg);
		for (i = 0; i < 24 && d->script[i]; i++) {
			if (i % 2 == 0) {
				CHECK_SPAN(buf_span(&t.out), span_str(d->script[i]));
				buf_reset(&t.out);
			} else if (strcmp(d->script[i], "EOF") == 0) {
				struct err e;

				err_temp(&e, "4.4.2", "lost");
				smtp_client_lost(&t.c, &e);
				open = feed(&t, SPAN(""), 0);
			} else {
				CHECK(open);
				open = feed(&t, span_str(d->script[i]), k);
			}
		}
		CHECK(!open);
		CHECK_SPAN(buf_span(&t.events), span_str(d->events));
		buf_free(&t.out);
		buf_free(&t.events);
	}
}

#define NAME .cfg = {.name = {"me", 2}}
#define RUN(rows)                                                         \
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows)[0]; row++) \
	run(&(rows)[row])
#define BYE "QUIT\r\n", "221 2.0.0 bye\r\n"

TEST(plain_session)
{
	static const struct dialogue rows[] = {
	    {NAME,
	     .script = {"", "220-hello\r\n220 there\r\n", "EHLO me\r\n", "250 srv\r\n",
			"MAIL FROM:<a@b>\r\n", "250 2.1.0 ok\r\n", "RCPT TO:<x>\r\n",
			"250 2.1.5 ok\r\n", "DATA\r\n", "354 go\r\n", "hi\r\n.\r\n",
			"250 2.0.0 taken\r\n", BYE},
	     .rcpts = {"x"}, .messages = 1, .events = "RB0+ DX"},
	    {NAME,
	     .script = {"", "220 x\n", "EHLO me\r\n", "500 what\n", "HELO me\r\n", "250 ok\n",
			"MAIL FROM:<a@b>\r\n", "250 ok\n", "RCPT TO:<x>\r\n", "550 no\n",
			"RCPT TO:<y>\r\n", "251 yes\n", "RCPT TO:<z>\r\n", "450 4.2.1 wait\n",
			"DATA\r\n", "354\n", "..a\r\nb\r\n.\r\n", "250 ok\n", BYE},
	     .rcpts = {"x", "y", "z"}, .messages = 1, .body = ".a\nb",
	     .events = "R0-5.1.1 2~4.2.1 B1+ DX"},
	    {NAME, .script = {"", "554 no service\r\n"}, .events = "X5.0.0"},
	    {NAME, .script = {"", "421 4.3.2 busy\r\n"}, .events = "X4.3.2"},
	    {NAME, .script = {"", "EOF"}, .events = "X4.4.2"},
	    {NAME, .script = {"", "220 x\r\n", "EHLO me\r\n", "450 no\r\n"}, .events = "X4.2.0"},
	    {NAME,
	     .script = {"", "220 x\r\n", "EHLO me\r\n", "502 no\r\n", "HELO me\r\n",
			"550 5.7.1 never\r\n"},
	     .events = "X5.7.1"},
	};

	RUN(rows);
}

#define OPEN "", "220 x\r\n", "EHLO me\r\n"
#define PIPE \
	"250-srv\r\n250-PIPELINING\r\n250-8bitmime\r\n250-SIZE 100\r\n250-DSN\r\n250 SMTPUTF8\r\n"

TEST(refusals)
{
	static const struct dialogue rows[] = {
	    {NAME, .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "550 5.7.1 no\r\n", BYE},
	     .rcpts = {"x", "y"}, .messages = 1, .events = "R0-5.7.1 1-5.7.1 DX"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"550 5.1.1 no\r\n", "RSET\r\n", "250 ok\r\n", "MAIL FROM:<a@b>\r\n",
			"452 4.3.1 full\r\n", "QUIT\r\n", "221 bye\r\n"},
	     .rcpts = {"x"}, .messages = 2, .events = "R0-5.1.1 D0~4.3.1 DX"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"552 too many\r\n", "RCPT TO:<y>\r\n", "552 5.2.2 full\r\n", BYE},
	     .rcpts = {"x", "y"}, .messages = 1, .events = "R0~4.5.3 1-5.2.2 DX"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"250 ok\r\n", "DATA\r\n", "451 4.3.0 no\r\n", BYE},
	     .rcpts = {"x"}, .messages = 1, .events = "R0~4.3.0 DX"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"250 ok\r\n", "DATA\r\n", "354 go\r\n", "hi\r\n.\r\n", "554 5.6.0-bad\r\n",
			BYE},
	     .rcpts = {"x"}, .messages = 1, .events = "RB0-5.0.0 DX"},
	    {NAME, .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "421 4.3.2 bye\r\n"},
	     .rcpts = {"x", "y"}, .messages = 1, .events = "R0~4.3.2 1~4.3.2 DX4.3.2"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"250 ok\r\n", "RCPT TO:<y>\r\n", "EOF"},
	     .rcpts = {"x", "y"}, .messages = 1, .events = "R0~4.4.2 1~4.4.2 DX4.4.2"},
	    {NAME,
	     .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "250 ok\r\n", "RCPT TO:<x>\r\n",
			"250 ok\r\n", "DATA\r\n", "354 go\r\n", "hi\r\n.\r\n", "EOF"},
	     .rcpts = {"x"}, .messages = 1, .events = "RB0~4.4.2 DX4.4.2"},
	    {NAME, .script = {OPEN, "250 x\r\n", "MAIL FROM:<a@b>\r\n", "354 what\r\n"},
	     .rcpts = {"x"}, .messages = 1, .events = "R0~4.5.0 DX4.5.0"},
	    {NAME, .script = {OPEN, "250 x\r\n", "QUIT\r\n", "EOF"}, .messages = 0, .events = "RX"},
	};

	RUN(rows);
}

TEST(pipelining)
{
	static const struct dialogue rows[] = {
	    {NAME,
	     .script = {OPEN, PIPE,
			"MAIL FROM:<> SIZE=99 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e\r\n"
			"RCPT TO:<x> NOTIFY=NEVER\r\nRCPT TO:<y?> NOTIFY=NEVER\r\nDATA\r\n",
			"250 ok\r\n250 ok\r\n553 no\r\n354 go\r\n", "hi\r\n.\r\n", "250 ok\r\n",
			BYE},
	     .rcpts = {"x", "y\n"}, .messages = 1,
	     .msg = {.from = {"", 0},
		     .size = 99,
		     .eightbit = true,
		     .utf8 = true,
		     .ret = {"HDRS", 4},
		     .envid = {"e", 1},
		     .auth = {"q", 1}},
	     .events = "R1-5.1.3 B0+ DX"},
	    /* MAIL refused: the rest was under way, and has MAIL's result */
	    {NAME,
	     .script = {OPEN, PIPE,
			"MAIL FROM:<a@b>\r\nRCPT TO:<x> NOTIFY=NEVER\r\n"
			"RCPT TO:<y> NOTIFY=NEVER\r\nDATA\r\n",
			"450 4.7.1 wait\r\n503 no\r\n503 no\r\n503 no\r\n", BYE},
	     .rcpts = {"x", "y"}, .messages = 1, .codes = true,
	     .events = "R450:0~4.7.1 450:1~4.7.1 DX"},
	    /* nobody accepted, and DATA is all the same */
	    {NAME,
	     .script = {OPEN, PIPE, "MAIL FROM:<a@b>\r\nRCPT TO:<x> NOTIFY=NEVER\r\nDATA\r\n",
			"250 ok\r\n550 5.1.1 no\r\n354 go\r\n", ".\r\n", "554 none\r\n", BYE},
	     .rcpts = {"x"}, .messages = 1, .events = "R0-5.1.1 DX"},
	    {NAME,
	     .script = {OPEN, PIPE,
			"MAIL FROM:<a@b>\r\nRCPT TO:<x> NOTIFY=NEVER\r\n"
			"RCPT TO:<y> NOTIFY=NEVER\r\nDATA\r\n",
			"250 ok\r\n250 ok\r\n421 4.3.2 bye\r\n"},
	     .rcpts = {"x", "y"}, .messages = 1, .events = "R0~4.3.2 1~4.3.2 DX4.3.2"},
	};

	RUN(rows);
}

TEST(limits_of_the_server)
{
	static const struct dialogue rows[] = {
	    {NAME, .script = {OPEN, PIPE, BYE}, .rcpts = {"x", "y"}, .messages = 1,
	     .msg = {.size = 101}, .events = "R0-5.3.4 1-5.3.4 DX"},
	    {NAME, .script = {OPEN, "250 x\r\n", BYE}, .rcpts = {"x"}, .messages = 1,
	     .msg = {.utf8 = true}, .events = "R0-5.6.7 DX"},
	    {NAME, .script = {OPEN, "250 x\r\n", BYE}, .rcpts = {"x"}, .messages = 1,
	     .msg = {.eightbit = true, .eightbit_strict = true}, .events = "R0-5.6.3 DX"},
	};

	RUN(rows);
}

TEST(lmtp)
{
	static const struct dialogue rows[] = {
	    {.cfg = {.name = {"me", 2}, .lmtp = true},
	     .script = {"", "220 x\r\n", "LHLO me\r\n", "250-x\r\n250 PIPELINING\r\n",
			"MAIL FROM:<a@b>\r\nRCPT TO:<x>\r\nRCPT TO:<no>\r\nRCPT TO:<y>\r\n"
			"RCPT TO:<z>\r\nDATA\r\n",
			"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n250 ok\r\n354 go\r\n",
			"hi\r\n.\r\n", "250 2.0.0 ok\r\n452 4.2.2 full\r\n554 5.0.0 broken\r\n",
			BYE},
	     .rcpts = {"x", "no", "y", "z"},
	     .messages = 1,
	     .events = "R1-5.1.1 B0+ 2~4.2.2 3-5.0.0 DX"},
	    {.cfg = {.name = {"me", 2}, .lmtp = true},
	     .script = {"", "220 x\r\n", "LHLO me\r\n", "250 x\r\n", "MAIL FROM:<a@b>\r\n",
			"250 ok\r\n", "RCPT TO:<x>\r\n", "250 ok\r\n", "RCPT TO:<y>\r\n",
			"250 ok\r\n", "DATA\r\n", "354 go\r\n", "hi\r\n.\r\n", "250 ok\r\n", "",
			"EOF"},
	     .rcpts = {"x", "y"},
	     .messages = 1,
	     .events = "RB0+ 1~4.4.2 DX4.4.2"},
	    {.cfg = {.name = {"me", 2}, .lmtp = true},
	     .script = {"", "220 x\r\n", "LHLO me\r\n", "500 5.5.1 not lmtp\r\n"},
	     .events = "X5.5.1"},
	};

	RUN(rows);
}

TEST(starttls)
{
#define TLS(how) .cfg = {.name = {"me", 2}, .tls = SMTP_TLS_##how }
#define OFFER    "250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
	static const struct dialogue rows[] = {
	    {TLS(MUST),
	     .script = {OPEN, OFFER, "STARTTLS\r\n", "220 go\r\n", "EHLO me\r\n", "250 x\r\n",
			"MAIL FROM:<a@b>\r\n", "550 5.1.0 no\r\n", BYE},
	     .rcpts = {"x"}, .messages = 1, .events = "TR0-5.1.0 DX"},
	    {TLS(MUST), .script = {OPEN, "250 x\r\n", "QUIT\r\n"}, .events = "X4.7.0"},
	    {TLS(MUST), .script = {OPEN, OFFER, "STARTTLS\r\n", "554 5.7.0 no\r\n", "QUIT\r\n"},
	     .events = "X4.7.0"},
	    {TLS(MAY), .script = {OPEN, "250 x\r\n", BYE}, .events = "RX"},
	    {TLS(MAY), .script = {OPEN, OFFER, "STARTTLS\r\n", "454 no\r\n", BYE}, .events = "RX"},
	    {TLS(ON), .script = {OPEN, OFFER, BYE}, .events = "RX"},
	};
	struct smtp_client c;
	struct buf out;
	size_t used;

	RUN(rows);
	/* a reply injected behind the one to STARTTLS */
	buf_init(&out, 4096);
	smtp_client_init(&c, &rows[0].cfg);
	CHECK_INT(smtp_client_feed(&c, SPAN("220 x\r\n"), &used, &out), SMTP_CLIENT_MORE);
	CHECK_INT(smtp_client_feed(&c, SPAN(OFFER), &used, &out), SMTP_CLIENT_MORE);
	CHECK_INT(smtp_client_feed(&c, SPAN("220 go\r\n250 x\r\n"), &used, &out),
		  SMTP_CLIENT_CLOSED);
	CHECK_SPAN(span_str(c.err.status), SPAN("4.7.0"));
	buf_free(&out);
}

TEST(auth)
{
#define AUTH .cfg = {.name = {"me", 2}, .auth = true }
	static const struct dialogue rows[] = {
	    {AUTH,
	     .script = {OPEN, "250-x\r\n250 AUTH PLAIN LOGIN\r\n", "AUTH LOGIN\r\n", "334 Q2g=\r\n",
			"Zm9v\r\n", "235 2.7.0 ok\r\n", "MAIL FROM:<a@b> AUTH=q\r\n", "550 no\r\n",
			BYE},
	     .rcpts = {"x"}, .messages = 1, .msg = {.auth = {"q", 1}}, .events = "ACR0-5.0.0 DX"},
	    {AUTH,
	     .script = {OPEN, "250-x\r\n250 AUTH=LOGIN\r\n", "AUTH LOGIN\r\n", "535 5.7.8 no\r\n",
			BYE},
	     .events = "AAX"},
	    {AUTH, .script = {OPEN, "250 x\r\n", BYE}, .events = "RX"},
	};
	struct smtp_client c;
	struct buf out;
	size_t used;

	RUN(rows);
	buf_init(&out, 4096);
	smtp_client_init(&c, &rows[0].cfg);
	(void)smtp_client_feed(&c, SPAN("220 x\r\n"), &used, &out);
	CHECK_INT(smtp_client_feed(&c, SPAN("250-x\r\n250 AUTH PLAIN LOGIN\r\n"), &used, &out),
		  SMTP_CLIENT_AUTH);
	CHECK_SPAN(span_str(c.auth), SPAN("PLAIN LOGIN"));
	smtp_client_auth_skip(&c);
	CHECK_INT(smtp_client_feed(&c, SPAN(""), &used, &out), SMTP_CLIENT_READY);
	buf_free(&out);
}

TEST(hostile_replies)
{
	static const struct dialogue rows[] = {
	    {NAME, .script = {"", "HTTP/1.0 400\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "22\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "220x\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "199 x\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "999 x\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "220-a\r\n250 b\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "220 a\rb\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {"", "250 a\r\n"}, .events = "X4.5.0"},
	    {NAME, .script = {OPEN, "250 x\r\n250 y\r\n", "QUIT\r\n"}, .events = "RX"},
	};
	struct smtp_client c;
	struct buf out, in;
	size_t used;

	RUN(rows);
	buf_init(&out, 4096);
	buf_init(&in, 1 << 20);
	smtp_client_init(&c, &rows[0].cfg);
	for (int i = 0; i < 1000; i++)
		buf_puts(&in, "554-5.7.1 go \x1b[31m\xff away\r\n");
	CHECK_INT(smtp_client_feed(&c, buf_span(&in), &used, &out), SMTP_CLIENT_CLOSED);
	CHECK_INT(c.err.class, ERR_TEMP);
	smtp_client_init(&c, &rows[0].cfg);
	buf_truncate(&in, 99 * 26);
	buf_puts(&in, "554 end\r\n");
	CHECK_INT(smtp_client_feed(&c, buf_span(&in), &used, &out), SMTP_CLIENT_CLOSED);
	CHECK_INT(c.err.class, ERR_PERM);
	CHECK(strlen(c.err.text) == ERR_TEXT_MAX - 1);
	CHECK(strncmp(c.err.text, "go ?[31m? away go ?[31m? away", 29) == 0);
	buf_free(&out);
	buf_free(&in);
}

static void many(void *arg, size_t n, struct smtp_client_rcpt *r)
{
	(void)n;
	r->addr = span_str(arg);
}

TEST(window)
{
	static const struct smtp_client_config cfg = {.name = {"me", 2}};
	uint8_t marks[1000];
	struct smtp_client_message msg = {.rcpts = 1000, .marks = marks, .rcpt = many, .arg = "x"};
	struct smtp_client c;
	struct buf out;
	size_t used, lines, all = 0;
	enum smtp_client_event ev = SMTP_CLIENT_MORE;

	buf_init(&out, 1 << 16);
	smtp_client_init(&c, &cfg);
	(void)smtp_client_feed(&c, SPAN("220 x\r\n"), &used, &out);
	CHECK_INT(smtp_client_feed(&c, SPAN("250-x\r\n250 PIPELINING\r\n"), &used, &out),
		  SMTP_CLIENT_READY);
	buf_reset(&out);
	smtp_client_send(&c, &msg, &out);
	CHECK_INT(smtp_client_phase(&c), SMTP_PHASE_MAIL);
	while (ev == SMTP_CLIENT_MORE && out.len) {
		lines = 0;
		for (size_t i = 0; i < out.len; i++)
			lines += out.ptr[i] == '\n';
		CHECK(lines <= SMTP_CLIENT_WINDOW);
		buf_reset(&out);
		while (lines-- > 0 && ev == SMTP_CLIENT_MORE)
			ev = smtp_client_feed(
			    &c, ++all == 1002 ? SPAN("354 go\r\n") : SPAN("250 ok\r\n"), &used,
			    &out);
	}
	CHECK_INT(ev, SMTP_CLIENT_BODY);
	CHECK_INT(all, 1002);
	CHECK_INT(smtp_client_phase(&c), SMTP_PHASE_DATABLOCK);
	smtp_client_body_end(&c, &out);
	CHECK_INT(smtp_client_timeout(smtp_client_phase(&c)), 600);
	for (size_t i = 0; i < 1000; i++) {
		CHECK_INT(smtp_client_feed(&c, i ? SPAN("") : SPAN("250 ok\r\n"), &used, &out),
			  SMTP_CLIENT_RCPT);
		CHECK_INT(c.index, i);
	}
	CHECK_INT(smtp_client_feed(&c, SPAN(""), &used, &out), SMTP_CLIENT_DONE);
	CHECK_INT(smtp_client_feed(&c, SPAN("421 idle\r\n"), &used, &out), SMTP_CLIENT_CLOSED);
	buf_free(&out);
}

TEST(body_is_interrupted)
{
	static const struct smtp_client_config cfg = {.name = {"me", 2}};
	uint8_t marks[2];
	struct smtp_client_message msg = {.rcpts = 2, .marks = marks, .rcpt = many, .arg = "x"};

	for (int by_server = 0; by_server < 2; by_server++) {
		struct span in = SPAN("220 x\r\n250 x\r\n");
		struct smtp_client c;
		struct buf out;
		struct err e;
		size_t used, used2;

		buf_init(&out, 4096);
		smtp_client_init(&c, &cfg);
		CHECK_INT(smtp_client_feed(&c, in, &used, &out), SMTP_CLIENT_READY);
		smtp_client_send(&c, &msg, &out);
		in = SPAN("250 m\r\n250 r\r\n250 r\r\n354 d\r\n");
		CHECK_INT(smtp_client_feed(&c, in, &used, &out), SMTP_CLIENT_BODY);
		smtp_client_body(&c, SPAN("some"), &out);
		buf_reset(&out);
		err_temp(&e, "4.3.0", "read error");
		if (by_server)
			used2 = 0;
		else
			smtp_client_body_abort(&c, &e);
		for (size_t i = 0; i < 2; i++) {
			in = by_server && i == 0 ? SPAN("452 4.3.1 full\r\n") : SPAN("");
			CHECK_INT(smtp_client_feed(&c, in, &used2, &out), SMTP_CLIENT_RCPT);
			CHECK_SPAN(span_str(c.err.status),
				   by_server ? SPAN("4.3.1") : SPAN("4.3.0"));
		}
		smtp_client_body(&c, SPAN("more\n"), &out);
		smtp_client_body_end(&c, &out);
		CHECK_INT(out.len, 0);
		CHECK_INT(smtp_client_feed(&c, SPAN(""), &used, &out), SMTP_CLIENT_DONE);
		CHECK(c.closing);
		CHECK_INT(smtp_client_feed(&c, SPAN(""), &used, &out), SMTP_CLIENT_CLOSED);
		buf_free(&out);
	}
}

TEST_MAIN
