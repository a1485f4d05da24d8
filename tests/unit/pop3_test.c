/*
 * proto/pop3: dialogues, each run whole, divided at every octet, and octet by octet.
 *
 * A mailbox stands behind the machine that answers every request with what was asked; its
 * answers come late, so that the order of replies is tested, too.
 */
#include "proto/pop3.h"
#include "proto/pop3_reply.h"
#include "unit/test.h"

static const struct pop3_config open_config = {.host = "h.example", .tls = true, .plain = true};
static const struct pop3_config strict_config = {.host = "h.example", .tls = true};
static const struct pop3_config bare_config = {.host = "h.example", .plain = true};

struct world {
	struct pop3 pop;
	struct buf out;
	struct pop3_request asked[POP3_OUTSTANDING];
	size_t n;
	bool closed;
};

/* The mailbox: the answer names the request.  RETR 9 fails. */
static void answer_all(struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct pop3_request *r = &w->asked[i];
		bool ok = !(r->op == POP3_RETR && r->msg == 9);
		enum pop3_op op;

		buf_printf(&w->out, "%s(%d %u %u)\r\n", ok ? "+" : "-", r->op, r->msg, r->lines);
		CHECK(pop3_answered(&w->pop, ok, &op));
		CHECK_INT(op, r->op);
	}
	w->n = 0;
}

/* One login is right: "joe" with "se cret". */
static void check_login(struct world *w)
{
	buf_printf(&w->out, "[login %s ", w->pop.user);
	buf_put(&w->out, w->pop.password);
	buf_puts(&w->out, "]\r\n");
	if (strcmp(w->pop.user, "joe") == 0 && span_eq(w->pop.password, SPAN("se cret"))) {
		pop3_login_right(&w->pop);
		w->asked[w->n++] = (struct pop3_request){.op = POP3_OPEN};
	} else {
		pop3_login_wrong(&w->pop, POP3_WRONG, &w->out);
	}
}

static void take(struct world *w, struct span in)
{
	while (!w->closed) {
		switch (pop3_next(&w->pop, &in, &w->out)) {
		case POP3_MORE:
			return;
		case POP3_REPLIED:
			break;
		case POP3_WAIT:
			CHECK(w->n > 0);
			answer_all(w);
			break;
		case POP3_LOGIN:
			check_login(w);
			break;
		case POP3_ASK:
			CHECK(w->n < POP3_OUTSTANDING);
			w->asked[w->n++] = w->pop.request;
			break;
		case POP3_STLS:
			buf_puts(&w->out, "[tls]\r\n");
			pop3_tls_started(&w->pop);
			break;
		case POP3_CLOSE:
			w->closed = true;
			break;
		}
	}
}

struct row {
	const struct pop3_config *config;
	const char *in, *out;
	bool tls_split; /* STLS is at a border of reads: not run whole */
};

#define LOGIN    "USER joe\r\nPASS se cret\r\n"
#define LOGIN_OK "+OK\r\n[login joe se cret]\r\n+(0 0 0)\r\n"
#define UNKNOWN  "-ERR unknown command\r\n"
#define STATE    "-ERR not in this state\r\n"
#define WRONG    "-ERR wrong argument\r\n"

static const struct row rows[] = {
    {&open_config, "QUIT\r\n", "+OK bye\r\n", false},
    {&open_config, "quit\n", "+OK bye\r\n", false},
    {&open_config, "PASS x\r\nSTAT\r\nNOOP\r\nXYZZY\r\n\r\n", STATE STATE STATE UNKNOWN UNKNOWN,
     false},
    {&open_config,
     LOGIN "STAT\r\nLIST\r\nList 2\r\nUIDL\r\nUIDL 3\r\nRETR 4\r\nTOP 5 6\r\nDELE 7\r\n"
	   "NOOP\r\nRSET\r\nQUIT\r\nSTAT\r\n",
     LOGIN_OK "+(1 0 0)\r\n+(2 0 0)\r\n+(2 2 0)\r\n+(3 0 0)\r\n+(3 3 0)\r\n+(4 4 0)\r\n+(5 5 6)\r\n"
	      "+(6 7 0)\r\n+OK\r\n+(7 0 0)\r\n+(8 0 0)\r\n",
     false},
    {&open_config,
     LOGIN
     "RETR\r\nRETR x\r\nRETR 0\r\nRETR -1\r\nRETR 1 2\r\nTOP 1\r\nTOP 1 x\r\nRETR 9\r\nSTAT 1\r\n",
     LOGIN_OK WRONG WRONG WRONG WRONG WRONG WRONG WRONG "-(4 9 0)\r\n" WRONG, false},
    {&open_config, LOGIN "LIST 4294967295\r\nLIST 4294967296\r\nLIST \r\nTOP 1  2\r\n",
     LOGIN_OK "+(2 4294967295 0)\r\n" WRONG "+(2 0 0)\r\n+(5 1 2)\r\n", false},
    {&open_config, LOGIN "USER x\r\nPASS x\r\nAUTH PLAIN\r\nSTLS\r\n",
     LOGIN_OK STATE STATE STATE STATE, false},
    {&open_config,
     "USER joe\r\nPASS  se cret\r\nUSER joe\r\nPASS se cret \r\nUSER a\r\nPASS b\r\nNOOP\r\n",
     "+OK\r\n[login joe  se cret]\r\n-ERR [AUTH] wrong name or password\r\n"
     "+OK\r\n[login joe se cret ]\r\n-ERR [AUTH] wrong name or password\r\n"
     "+OK\r\n[login a b]\r\n-ERR [AUTH] wrong name or password\r\n",
     false},
    {&open_config, "CAPA\r\n" LOGIN "CAPA\r\n",
     "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\nSTLS\r\nPIPELINING\r\nRESP-CODES\r\n"
     "AUTH-RESP-CODE\r\nEXPIRE NEVER\r\nIMPLEMENTATION letterbox\r\n.\r\n" LOGIN_OK
     "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nSASL PLAIN\r\nSTLS\r\nPIPELINING\r\nRESP-CODES\r\n"
     "AUTH-RESP-CODE\r\nEXPIRE NEVER\r\nIMPLEMENTATION letterbox\r\n.\r\n",
     false},
    {&strict_config, "USER joe\r\nAUTH PLAIN\r\nCAPA\r\n",
     "-ERR [AUTH] logging in takes encryption here: STLS first\r\n"
     "-ERR [AUTH] logging in takes encryption here: STLS first\r\n"
     "+OK\r\nTOP\r\nUIDL\r\nSTLS\r\nPIPELINING\r\nRESP-CODES\r\n"
     "AUTH-RESP-CODE\r\nEXPIRE NEVER\r\nIMPLEMENTATION letterbox\r\n.\r\n",
     false},
    {&bare_config, "STLS\r\n", "-ERR [SYS/PERM] no encryption here\r\n", false},
    {&strict_config, "STLS\r\n" LOGIN "STLS\r\n", "+OK begin TLS\r\n[tls]\r\n" LOGIN_OK STATE,
     true},
    {&open_config, "USER joe\r\nSTLS\r\nPASS se cret\r\nSTLS\r\n",
     "+OK\r\n+OK begin TLS\r\n[tls]\r\n" STATE "-ERR encrypted already\r\n", true},
    {&open_config, "AUTH PLAIN AGpvZQBzZSBjcmV0\r\nSTAT\r\n",
     "[login joe se cret]\r\n+(0 0 0)\r\n+(1 0 0)\r\n", false},
    {&open_config, "AUTH plain\r\nam9lAGpvZQBzZSBjcmV0\r\nSTAT\r\n",
     "+ \r\n[login joe se cret]\r\n+(0 0 0)\r\n+(1 0 0)\r\n", false},
    {&open_config, "AUTH PLAIN\r\n*\r\nAUTH PLAIN =\r\nAUTH PLAIN ???\r\nAUTH X\r\nAUTH\r\n",
     "+ \r\n-ERR [AUTH] given up\r\n-ERR [AUTH] not an answer to AUTH PLAIN\r\n"
     "-ERR [AUTH] not an answer to AUTH PLAIN\r\n-ERR [AUTH] no such mechanism here\r\n"
     "+OK\r\nPLAIN\r\n.\r\n",
     false},
    /* authorization as another */
    {&open_config, "AUTH PLAIN YW5uAGpvZQBzZSBjcmV0\r\n",
     "-ERR [AUTH] not an answer to AUTH PLAIN\r\n", false},
    {&open_config, "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n10\r\nQUIT\r\n",
     UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN
     "-ERR too many errors\r\n",
     false},
};

static void run(const struct row *row, size_t split, bool single)
{
	struct span in = span_str(row->in);
	struct world w = {.n = 0};

	buf_init(&w.out, 1 << 16);
	pop3_init(&w.pop, row->config, false);
	if (single)
		for (size_t i = 0; i < in.len; i++)
			take(&w, span_make(in.ptr + i, 1));
	else
		take(&w, span_head(in, split)), take(&w, span_skip(in, split));
	answer_all(&w);
	CHECK_SPAN(buf_span(&w.out), span_str(row->out));
	pop3_free(&w.pop);
	buf_free(&w.out);
}

TEST(dialogues)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t len = strlen(rows[i].in);

		run(&rows[i], 0, true);
		for (size_t split = 0; split <= len && !rows[i].tls_split; split++)
			run(&rows[i], split, false);
	}
}

TEST(injection_behind_stls)
{
	static const struct row row = {&open_config, "STLS\r\nUSER joe\r\n",
				       "-ERR cleartext behind STLS\r\n", false};

	for (size_t split = 0; split < 6; split++)
		run(&row, split, false);
}

static void put_times(struct buf *b, char c, size_t n)
{
	while (n--)
		buf_putc(b, c);
}

TEST(long_lines)
{
	static const struct {
		size_t len;
		const char *out;
	} lens[] = {{POP3_LINE_MAX - 1, UNKNOWN "+OK bye\r\n"},
		    {POP3_LINE_MAX, UNKNOWN "+OK bye\r\n"},
		    {POP3_LINE_MAX + 1, "-ERR line too long\r\n+OK bye\r\n"},
		    {POP3_LINE_MAX * 10, "-ERR line too long\r\n+OK bye\r\n"}};

	for (size_t i = 0; i < 4; i++) {
		struct buf in;
		struct row row = {&open_config, NULL, lens[i].out, false};

		buf_init(&in, 1 << 16);
		put_times(&in, 'x', lens[i].len);
		buf_puts(&in, "\nQUIT\r\n");
		row.in = buf_cstr(&in);
		run(&row, 0, true);
		run(&row, 0, false);
		run(&row, lens[i].len / 2, false);
		run(&row, lens[i].len, false);
		buf_free(&in);
	}
}

TEST(nul_is_refused)
{
	struct world w = {.n = 0};

	buf_init(&w.out, 1 << 12);
	pop3_init(&w.pop, &open_config, false);
	take(&w, SPAN("USER joe\0x\r\n"));
	CHECK_SPAN(buf_span(&w.out), SPAN(UNKNOWN));
	pop3_free(&w.pop);
	buf_free(&w.out);
}

TEST(pipeline_is_bounded)
{
	struct world w = {.n = 0};
	struct buf in;

	buf_init(&in, 1 << 16);
	buf_init(&w.out, 1 << 16);
	for (unsigned i = 1; i <= 3 * POP3_OUTSTANDING; i++)
		buf_printf(&in, "DELE %u\r\n", i);
	pop3_init(&w.pop, &open_config, false);
	take(&w, SPAN(LOGIN));
	take(&w, buf_span(&in));
	answer_all(&w);
	CHECK_INT(w.pop.deleted, 3 * POP3_OUTSTANDING);
	CHECK_INT(w.pop.waiting, 0);
	take(&w, SPAN("RSET\r\nNOOP\r\n"));
	CHECK_INT(w.pop.deleted, 0);
	pop3_free(&w.pop);
	buf_free(&w.out);
	buf_free(&in);
}

TEST(failed_open_leads_back)
{
	struct world w = {.n = 0};
	enum pop3_op op;

	buf_init(&w.out, 1 << 12);
	pop3_init(&w.pop, &open_config, false);
	take(&w, SPAN(LOGIN));
	CHECK_INT(w.n, 1);
	w.n = 0;
	CHECK(pop3_answered(&w.pop, false, &op));
	CHECK(!pop3_answered(&w.pop, false, &op));
	buf_reset(&w.out);
	take(&w, SPAN("STAT\r\nUSER joe\r\n"));
	CHECK_SPAN(buf_span(&w.out), SPAN(STATE "+OK\r\n"));
	pop3_free(&w.pop);
	buf_free(&w.out);
}

/* A mailbox that could not be opened answers nothing more: nothing else may have been asked. */
TEST(pipelined_behind_failed_open)
{
	struct span in = SPAN(LOGIN "LIST\r\nNOOP\r\n");
	enum pop3_op op;
	struct pop3 p;
	struct buf out;

	buf_init(&out, 1 << 12);
	pop3_init(&p, &open_config, false);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_REPLIED);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_LOGIN);
	pop3_login_right(&p);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_WAIT);
	CHECK(pop3_answered(&p, false, &op));
	buf_reset(&out);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_REPLIED);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_REPLIED);
	CHECK_INT(pop3_next(&p, &in, &out), POP3_MORE);
	CHECK_SPAN(buf_span(&out), SPAN(STATE STATE));
	CHECK_INT(p.waiting, 0);
	pop3_free(&p);
	buf_free(&out);
}

TEST(requests_round_trip)
{
	static const struct {
		struct pop3_request r;
		bool ok;
	} reqs[] = {
	    {{POP3_STAT, 0, 0}, true},  {{POP3_STAT, 1, 0}, false}, {{POP3_LIST, 0, 0}, true},
	    {{POP3_LIST, 5, 0}, true},  {{POP3_RETR, 0, 0}, false}, {{POP3_RETR, 77, 0}, true},
	    {{POP3_RETR, 1, 1}, false}, {{POP3_TOP, 3, 0}, true},   {{POP3_TOP, 3, 99}, true},
	    {{POP3_DELE, 1, 0}, true},  {{POP3_RSET, 0, 0}, true},  {{POP3_QUIT, 0, 0}, true},
	    {{POP3_OPEN, 0, 0}, false}, {{POP3_OPS, 0, 0}, false}};
	struct pop3_request got;

	for (size_t i = 0; i < sizeof reqs / sizeof reqs[0]; i++) {
		struct buf b;

		buf_init(&b, 100);
		pop3_put_request(&b, &reqs[i].r);
		CHECK_INT(b.len, POP3_FRAME);
		CHECK_INT(pop3_get_request(b.ptr, &got), reqs[i].ok);
		CHECK(!reqs[i].ok || memcmp(&got, &reqs[i].r, sizeof got) == 0);
		buf_free(&b);
	}
}

static void put_frame(struct buf *b, enum pop3_kind kind, const char *text)
{
	unsigned char head[POP3_HEAD];

	pop3_put_head(head, kind, strlen(text));
	buf_put(b, span_make(head, sizeof head));
	buf_puts(b, text);
}

static void read_frames(struct pop3_answers *a, struct span in, struct buf *out)
{
	struct span text;

	for (;;) {
		switch (pop3_get_answer(a, &in, &text)) {
		case POP3_A_MORE:
			return;
		case POP3_A_TEXT:
			buf_put(out, text);
			break;
		case POP3_A_OK:
			buf_puts(out, "<ok>");
			break;
		case POP3_A_ERR:
			buf_puts(out, "<err>");
			break;
		case POP3_A_BAD:
			buf_puts(out, "<bad>");
			return;
		}
	}
}

TEST(answers_in_any_chunking)
{
	struct buf in, out;

	buf_init(&in, 1000);
	buf_init(&out, 1000);
	put_frame(&in, POP3_PART, "one");
	put_frame(&in, POP3_PART, "two");
	put_frame(&in, POP3_OK, "three");
	put_frame(&in, POP3_OK, "");
	put_frame(&in, POP3_ERR, "no");
	for (size_t split = 0; split <= in.len + 1; split++) {
		struct pop3_answers a = {0};

		buf_reset(&out);
		if (split > in.len)
			for (size_t i = 0; i < in.len; i++)
				read_frames(&a, span_make(in.ptr + i, 1), &out);
		else
			read_frames(&a, span_head(buf_span(&in), split), &out);
		if (split < in.len)
			read_frames(&a, span_skip(buf_span(&in), split), &out);
		CHECK_SPAN(buf_span(&out), SPAN("onetwothree<ok><ok>no<err>"));
	}
	buf_free(&in);
	buf_free(&out);
}

TEST(bad_answers)
{
	static const char *const heads[] = {"\0\0\0\0", "\1\0\0\4", "\1\0\0\377", "\1\0\1\1",
					    "\0\0\0\1"};
	struct buf out;

	buf_init(&out, 100);
	for (size_t i = 0; i < 5; i++) {
		struct pop3_answers a = {0};

		buf_reset(&out);
		read_frames(&a, span_make(heads[i], 4), &out);
		CHECK_SPAN(buf_span(&out), SPAN("<bad>"));
	}
	buf_free(&out);
}

TEST(replies)
{
	struct buf b;
	struct err e = {.class = ERR_TEMP, .text = "/var/mail/joe: full"};

	buf_init(&b, 2000);
	pop3_reply_open(&b, 1);
	pop3_reply_stat(&b, 2, 320);
	pop3_reply_list(&b, 1, 120);
	pop3_reply_all(&b, 2);
	pop3_put_list(&b, 1, 120);
	pop3_put_uidl(&b, 2, "abc");
	pop3_put_dot(&b);
	pop3_reply_uidl(&b, 2, "abc");
	pop3_reply_retr(&b, 120);
	pop3_reply_dele(&b, 1);
	pop3_reply_quit(&b, 1, 0);
	pop3_reply_missing(&b, 3, false);
	pop3_reply_missing(&b, 3, true);
	pop3_reply_error(&b, &e, true);
	pop3_reply_error(&b, &e, false);
	CHECK_SPAN(buf_span(&b),
		   SPAN("+OK 1 message\r\n+OK 2 320\r\n+OK 1 120\r\n+OK 2 messages\r\n1 120\r\n2 "
			"abc\r\n.\r\n"
			"+OK 2 abc\r\n+OK 120 octets\r\n+OK message 1 will be deleted\r\n"
			"+OK 1 message deleted, 0 left\r\n-ERR message 3 is not there\r\n"
			"-ERR message 3 is marked deleted\r\n"
			"-ERR [IN-USE] another session has this mailbox\r\n"
			"-ERR [SYS/TEMP] this mailbox cannot be used now\r\n"));
	buf_free(&b);
}

TEST_MAIN
