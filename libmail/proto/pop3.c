/*
 * POP3 sessions; see proto/pop3.h.  RFC 1939, 2449 (CAPA), 2595 (STLS), 5034 (AUTH).
 *
 * A handler returns an event and puts its reply; nothing is sent from here, and nothing
 * about a mailbox is answered here.  A password is wiped before the next command is read.
 */
#include "proto/pop3.h"

#include <string.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "base/num.h"

enum arg {
	ARG_NONE,
	ARG_TEXT,      /* anything, as it stands */
	ARG_MAYBE_MSG, /* a message number or nothing */
	ARG_MSG,
	ARG_MSG_LINES,
	ARG_MAYBE_TEXT,
};

static enum pop3_event say(struct buf *out, const char *text)
{
	buf_puts(out, text);
	buf_puts(out, "\r\n");
	return POP3_REPLIED;
}

static enum pop3_event end(struct pop3 *p, struct buf *out, const char *text)
{
	say(out, text);
	p->state = POP3_ENDED;
	return POP3_CLOSE;
}

static enum pop3_event bad(struct pop3 *p, struct buf *out, const char *text)
{
	if (++p->bad >= POP3_BAD_MAX)
		return end(p, out, "-ERR too many errors");
	return say(out, text);
}

static bool may_log_in(const struct pop3 *p)
{
	return p->is_tls || p->config->plain;
}

static enum pop3_event no_login(struct pop3 *p, struct buf *out)
{
	return bad(p, out, "-ERR [AUTH] logging in takes encryption here: STLS first");
}

static enum pop3_event do_capa(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	buf_puts(out, "+OK\r\nTOP\r\nUIDL\r\n");
	if (may_log_in(p))
		buf_puts(out, "USER\r\nSASL PLAIN\r\n");
	if (p->config->tls && !p->is_tls)
		buf_puts(out, "STLS\r\n");
	return say(out, "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
			"IMPLEMENTATION letterbox\r\n.");
}

static enum pop3_event do_user(struct pop3 *p, struct span arg, struct buf *out)
{
	arg = span_trim(arg);
	if (!may_log_in(p))
		return no_login(p, out);
	if (arg.len == 0 || !span_to_cstr(arg, p->user, sizeof p->user))
		return bad(p, out, "-ERR no such name is possible");
	p->state = POP3_NAMED;
	/* The same for every name, so that nothing is told about which there are. */
	return say(out, "+OK");
}

static enum pop3_event log_in(struct pop3 *p, struct span password)
{
	p->password = password;
	p->state = POP3_CHECKING;
	return POP3_LOGIN;
}

static enum pop3_event do_pass(struct pop3 *p, struct span arg, struct buf *out)
{
	if (arg.len > POP3_USER_MAX)
		return bad(p, out, "-ERR no such password is possible");
	return log_in(p, arg);
}

/* RFC 4616: authorization identity NUL name NUL password. */
static enum pop3_event sasl_plain(struct pop3 *p, struct span text, struct buf *out)
{
	struct buf plain;
	struct span rest, other, name;
	bool ok;

	buf_init(&plain, POP3_LINE_MAX);
	ok = base64_decode(text, &plain) && buf_ok(&plain);
	rest = buf_span(&plain);
	ok = ok && span_index(rest, '\0') < rest.len;
	other = span_cut(&rest, '\0');
	ok = ok && span_index(rest, '\0') < rest.len;
	name = span_cut(&rest, '\0');
	/* Nobody may act as another here. */
	ok = ok && (other.len == 0 || span_eq(other, name)) && name.len &&
	     rest.len <= POP3_USER_MAX && span_to_cstr(name, p->user, sizeof p->user);
	p->state = POP3_NEW;
	/* The line's memory takes over: it outlives this call and is wiped with it. */
	buf_wipe(&p->line);
	if (ok)
		buf_put(&p->line, rest);
	buf_wipe(&plain);
	if (!ok || !buf_ok(&p->line))
		return bad(p, out, "-ERR [AUTH] not an answer to AUTH PLAIN");
	return log_in(p, buf_span(&p->line));
}

static enum pop3_event do_auth(struct pop3 *p, struct span arg, struct buf *out)
{
	struct span mechanism = span_cut(&arg, ' ');

	if (mechanism.len == 0)
		return say(out, may_log_in(p) ? "+OK\r\nPLAIN\r\n." : "+OK\r\n.");
	if (!ascii_eq_nocase(mechanism, SPAN("PLAIN")))
		return bad(p, out, "-ERR [AUTH] no such mechanism here");
	if (!may_log_in(p))
		return no_login(p, out);
	if (arg.len == 0) {
		p->state = POP3_SASL;
		return say(out, "+ ");
	}
	return sasl_plain(p, span_eq(arg, SPAN("=")) ? span_make(NULL, 0) : arg, out);
}

static enum pop3_event do_stls(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	if (!p->config->tls)
		return bad(p, out, "-ERR [SYS/PERM] no encryption here");
	if (p->is_tls)
		return bad(p, out, "-ERR encrypted already");
	say(out, "+OK begin TLS");
	return POP3_STLS;
}

static enum pop3_event do_quit(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	return end(p, out, "+OK bye");
}

static enum pop3_event do_noop(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)p, (void)arg;
	return say(out, "+OK");
}

enum {
	BEFORE = POP3_NEW | POP3_NAMED,
	AFTER = POP3_TRANSACTION,
};

/* handle NULL: the mailbox is asked op. */
static const struct command {
	char name[5];
	uint8_t states, arg, op;
	enum pop3_event (*handle)(struct pop3 *p, struct span arg, struct buf *out);
} commands[] = {
    {"USER", BEFORE, ARG_TEXT, 0, do_user},
    {"PASS", POP3_NAMED, ARG_TEXT, 0, do_pass},
    {"AUTH", BEFORE, ARG_MAYBE_TEXT, 0, do_auth},
    {"STLS", BEFORE, ARG_NONE, 0, do_stls},
    {"QUIT", BEFORE, ARG_NONE, 0, do_quit},
    {"CAPA", BEFORE | AFTER, ARG_NONE, 0, do_capa},
    {"NOOP", AFTER, ARG_NONE, 0, do_noop},
    {"STAT", AFTER, ARG_NONE, POP3_STAT, NULL},
    {"LIST", AFTER, ARG_MAYBE_MSG, POP3_LIST, NULL},
    {"UIDL", AFTER, ARG_MAYBE_MSG, POP3_UIDL, NULL},
    {"RETR", AFTER, ARG_MSG, POP3_RETR, NULL},
    {"TOP", AFTER, ARG_MSG_LINES, POP3_TOP, NULL},
    {"DELE", AFTER, ARG_MSG, POP3_DELE, NULL},
    {"RSET", AFTER, ARG_NONE, POP3_RSET, NULL},
    {"QUIT", AFTER, ARG_NONE, POP3_QUIT, NULL},
};

static bool get_number(struct span word, uint64_t max, uint32_t *out)
{
	uint64_t v;

	if (!num_parse(word, max, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* Checks the argument; numbers go to the request. */
static bool take_arg(struct pop3_request *r, enum arg kind, struct span arg)
{
	struct span word;

	if (kind == ARG_TEXT || kind == ARG_MAYBE_TEXT)
		return kind == ARG_MAYBE_TEXT || arg.len > 0;
	arg = span_trim(arg);
	if (kind == ARG_NONE)
		return arg.len == 0;
	if (kind == ARG_MAYBE_MSG && arg.len == 0)
		return true;
	word = span_cut(&arg, ' ');
	if (!get_number(word, UINT32_MAX, &r->msg) || r->msg == 0)
		return false;
	arg = span_trim(arg);
	if (kind == ARG_MSG_LINES)
		return get_number(arg, UINT32_MAX, &r->lines);
	return arg.len == 0;
}

static enum pop3_event ask(struct pop3 *p)
{
	p->ops[(p->first + p->waiting++) % POP3_OUTSTANDING] = (uint8_t)p->request.op;
	if (p->request.op == POP3_QUIT)
		p->state = POP3_ENDED;
	return POP3_ASK;
}

static const struct command *find(const struct pop3 *p, struct span name, bool *elsewhere)
{
	*elsewhere = false;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *c = &commands[i];

		if (!ascii_eq_nocase(name, span_str(c->name)))
			continue;
		if (c->states & p->state)
			return c;
		*elsewhere = true;
	}
	return NULL;
}

/* Can this line be answered while requests are outstanding, by the mailbox in its turn? */
static bool is_asked(const struct pop3 *p, struct span line)
{
	bool elsewhere;
	struct pop3_request r = {0};
	struct span name = span_cut(&line, ' ');
	const struct command *c = find(p, name, &elsewhere);

	return c && !c->handle && take_arg(&r, c->arg, line);
}

static enum pop3_event command(struct pop3 *p, struct span line, struct buf *out)
{
	struct span arg = line, name = span_cut(&arg, ' ');
	bool elsewhere;
	const struct command *c = find(p, name, &elsewhere);

	if (!c)
		return bad(p, out, elsewhere ? "-ERR not in this state" : "-ERR unknown command");
	p->request = (struct pop3_request){.op = c->op};
	if (!take_arg(&p->request, c->arg, arg))
		return bad(p, out, "-ERR wrong argument");
	p->bad = 0;
	return c->handle ? c->handle(p, arg, out) : ask(p);
}

static enum pop3_event handle_line(struct pop3 *p, struct span line, struct buf *out)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (p->state == POP3_SASL) {
		if (!span_eq(line, SPAN("*")))
			return sasl_plain(p, line, out);
		p->state = POP3_NEW;
		return say(out, "-ERR [AUTH] given up");
	}
	if (span_index(line, '\0') < line.len)
		return bad(p, out, "-ERR unknown command");
	return command(p, line, out);
}

void pop3_init(struct pop3 *p, const struct pop3_config *config, bool is_tls)
{
	*p = (struct pop3){.config = config, .state = POP3_NEW, .is_tls = is_tls};
	buf_init(&p->line, POP3_LINE_MAX);
}

void pop3_free(struct pop3 *p)
{
	buf_wipe(&p->line);
	p->password = span_make(NULL, 0);
}

void pop3_greet(const struct pop3 *p, struct buf *out)
{
	buf_printf(out, "+OK %.255s POP3 ready\r\n", p->config->host);
}

void pop3_refuse(struct buf *out)
{
	say(out, "-ERR [SYS/TEMP] too many connections, try later");
}

void pop3_put_timeout(struct buf *out)
{
	say(out, "-ERR nothing came for too long");
}

void pop3_put_shutdown(struct buf *out)
{
	say(out, "-ERR [SYS/TEMP] shutting down, nothing was deleted");
}

/* The next whole line, from what was held and the input; false when it is not complete. */
static bool take_line(struct pop3 *p, struct span *in, struct span *line, bool *too_long)
{
	size_t n = span_index(*in, '\n');
	bool whole = n < in->len;

	*too_long = p->skipping || p->line.len + n > POP3_LINE_MAX;
	if (*too_long) {
		p->skipping = !whole;
		buf_wipe(&p->line);
	} else if (p->line.len || !whole) {
		buf_put(&p->line, span_head(*in, n));
		*line = buf_span(&p->line);
	} else {
		*line = span_head(*in, n);
	}
	*in = span_skip(*in, n + whole);
	return whole;
}

/* With requests outstanding only lines that the mailbox answers may be taken. */
static bool must_wait(const struct pop3 *p, struct span in)
{
	size_t n = span_index(in, '\n');

	if (p->waiting == 0)
		return false;
	if (p->waiting == POP3_OUTSTANDING)
		return true;
	if (n == in.len)
		return false;
	/* A line in two pieces comes so seldom that it may wait. */
	if (p->line.len || p->skipping)
		return true;
	if (n && in.ptr[n - 1] == '\r')
		n--;
	return !is_asked(p, span_head(in, n));
}

enum pop3_event pop3_next(struct pop3 *p, struct span *in, struct buf *out)
{
	struct span line;
	enum pop3_event event;
	bool too_long;

	if (p->state == POP3_ENDED)
		return p->waiting ? POP3_WAIT : POP3_CLOSE;
	if (p->state == POP3_CHECKING)
		return POP3_WAIT;
	if (in->len == 0)
		return POP3_MORE;
	if (must_wait(p, *in))
		return POP3_WAIT;
	if (!take_line(p, in, &line, &too_long))
		return POP3_MORE;
	if (too_long)
		return bad(p, out, "-ERR line too long");
	event = handle_line(p, line, out);
	if (event != POP3_LOGIN)
		buf_wipe(&p->line);
	/* RFC 2595 section 4, and every injection since 2011. */
	if (event == POP3_STLS && in->len) {
		buf_reset(out);
		return end(p, out, "-ERR cleartext behind STLS");
	}
	return event;
}

static void forget_login(struct pop3 *p)
{
	buf_wipe(&p->line);
	p->password = span_make(NULL, 0);
}

void pop3_login_right(struct pop3 *p)
{
	forget_login(p);
	p->state = POP3_TRANSACTION;
	p->request = (struct pop3_request){.op = POP3_OPEN};
	ask(p);
}

void pop3_login_wrong(struct pop3 *p, enum pop3_refusal why, struct buf *out)
{
	static const char *const texts[] = {
	    [POP3_WRONG] = "-ERR [AUTH] wrong name or password",
	    [POP3_TEMPORARY] = "-ERR [SYS/TEMP] cannot be checked now",
	    [POP3_BUSY] = "-ERR [LOGIN-DELAY] too many logins at once, try later",
	};

	forget_login(p);
	say(out, texts[why]);
	p->state = ++p->failed >= POP3_FAILED_MAX ? POP3_ENDED : POP3_NEW;
}

bool pop3_answered(struct pop3 *p, bool ok, enum pop3_op *op)
{
	if (p->waiting == 0)
		return false;
	*op = (enum pop3_op)p->ops[p->first];
	p->first = (uint8_t)((p->first + 1) % POP3_OUTSTANDING);
	p->waiting--;
	p->retrieved += ok && *op == POP3_RETR;
	p->deleted += ok && *op == POP3_DELE;
	if (ok && *op == POP3_RSET)
		p->deleted = 0;
	if (!ok && *op == POP3_OPEN)
		p->state = ++p->failed >= POP3_FAILED_MAX ? POP3_ENDED : POP3_NEW;
	return true;
}

void pop3_tls_started(struct pop3 *p)
{
	const struct pop3_config *config = p->config;
	uint8_t failed = p->failed;

	pop3_free(p);
	pop3_init(p, config, true);
	p->failed = failed;
}
