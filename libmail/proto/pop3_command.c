/*
 * The commands of a POP3 session; see proto/pop3_priv.h.  RFC 1939 sections 4 to 7, RFC 2449
 * (CAPA), RFC 2595 section 4 (STLS), RFC 5034 (AUTH) and RFC 4616 (PLAIN).
 *
 * A table maps each word to the states that know it, the shape of its argument and what
 * becomes of it: a handler here, or a request to the mailbox.  A handler returns an event and
 * puts its reply; nothing about a mailbox is answered here.
 */
#include "proto/pop3_priv.h"

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

enum pop3_event pop3_say(struct buf *out, const char *text)
{
	buf_puts(out, text);
	buf_puts(out, "\r\n");
	return POP3_REPLIED;
}

enum pop3_event pop3_end(struct pop3 *p, struct buf *out, const char *text)
{
	pop3_say(out, text);
	p->state = POP3_ENDED;
	return POP3_CLOSE;
}

/*
 * Counted in a row only, so that a client with a bug lives and one that tries things out
 * does not.
 */
enum pop3_event pop3_bad(struct pop3 *p, struct buf *out, const char *text)
{
	if (++p->bad >= POP3_BAD_MAX)
		return pop3_end(p, out, "-ERR too many errors");
	return pop3_say(out, text);
}

/* Without TLS a password would be readable on the way, so nobody is asked for one. */
static bool may_log_in(const struct pop3 *p)
{
	return p->is_tls || p->config->plain;
}

static enum pop3_event no_login(struct pop3 *p, struct buf *out)
{
	return pop3_bad(p, out, "-ERR [AUTH] logging in takes encryption here: STLS first");
}

static enum pop3_event do_capa(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	buf_puts(out, "+OK\r\nTOP\r\nUIDL\r\n");
	/*
	 * USER and SASL are shown only where they work: a careful client then never sends
	 * a password in the clear (RFC 2449 section 6.3, RFC 2595 section 4).
	 */
	if (may_log_in(p))
		buf_puts(out, "USER\r\nSASL PLAIN\r\n");
	if (p->config->tls && !p->is_tls)
		buf_puts(out, "STLS\r\n");
	/*
	 * The session codes of RFC 2449 section 8.1 and RFC 3206, which tell a client
	 * whether asking the user for another password makes sense.
	 */
	return pop3_say(out, "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
			     "IMPLEMENTATION letterbox\r\n.");
}

static enum pop3_event do_user(struct pop3 *p, struct span arg, struct buf *out)
{
	arg = span_trim(arg);
	if (!may_log_in(p))
		return no_login(p, out);
	if (arg.len == 0 || !span_to_cstr(arg, p->user, sizeof p->user))
		return pop3_bad(p, out, "-ERR no such name is possible");
	p->state = POP3_NAMED;
	/* The same for every name, so that nothing is told about which there are. */
	return pop3_say(out, "+OK");
}

static enum pop3_event log_in(struct pop3 *p, struct span password)
{
	/* The answer comes later, from another process; meanwhile nothing more is read. */
	p->password = password;
	p->state = POP3_CHECKING;
	return POP3_LOGIN;
}

static enum pop3_event do_pass(struct pop3 *p, struct span arg, struct buf *out)
{
	/* Longer ones are refused unseen, since hashing them would be work for free. */
	if (arg.len > POP3_USER_MAX)
		return pop3_bad(p, out, "-ERR no such password is possible");
	return log_in(p, arg);
}

/* RFC 4616: authorization identity NUL name NUL password. */
enum pop3_event pop3_sasl_plain(struct pop3 *p, struct span text, struct buf *out)
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
		return pop3_bad(p, out, "-ERR [AUTH] not an answer to AUTH PLAIN");
	return log_in(p, buf_span(&p->line));
}

static enum pop3_event do_auth(struct pop3 *p, struct span arg, struct buf *out)
{
	/* AUTH alone lists the mechanisms, which is older than CAPA and still asked for. */
	struct span mechanism = span_cut(&arg, ' ');

	if (mechanism.len == 0)
		return pop3_say(out, may_log_in(p) ? "+OK\r\nPLAIN\r\n." : "+OK\r\n.");
	if (!ascii_eq_nocase(mechanism, SPAN("PLAIN")))
		return pop3_bad(p, out, "-ERR [AUTH] no such mechanism here");
	if (!may_log_in(p))
		return no_login(p, out);
	if (arg.len == 0) {
		p->state = POP3_SASL;
		return pop3_say(out, "+ ");
	}
	/* RFC 5034 section 4: the response may come with the command, "=" being an empty one. */
	return pop3_sasl_plain(p, span_eq(arg, SPAN("=")) ? span_make(NULL, 0) : arg, out);
}

/* Nothing is forgotten yet: that is for when the handshake has ended. */
static enum pop3_event do_stls(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	if (!p->config->tls)
		return pop3_bad(p, out, "-ERR [SYS/PERM] no encryption here");
	if (p->is_tls)
		return pop3_bad(p, out, "-ERR encrypted already");
	pop3_say(out, "+OK begin TLS");
	return POP3_STLS;
}

static enum pop3_event do_quit(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)arg;
	return pop3_end(p, out, "+OK bye");
}

static enum pop3_event do_noop(struct pop3 *p, struct span arg, struct buf *out)
{
	(void)p, (void)arg;
	return pop3_say(out, "+OK");
}

enum {
	BEFORE = POP3_NEW | POP3_NAMED,
	AFTER = POP3_TRANSACTION,
};

/*
 * handle NULL: the mailbox is asked op. QUIT stands twice, since only after login it has
 * deletions to apply.
 */
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
	/* ARG_TEXT keeps its blanks, which a password may begin or end with. */
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

/* The reply will come in turn. Which request it belongs to is known by its place alone. */
enum pop3_event pop3_ask(struct pop3 *p)
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
bool pop3_command_is_asked(const struct pop3 *p, struct span line)
{
	bool elsewhere;
	struct pop3_request r = {0};
	struct span name = span_cut(&line, ' ');
	const struct command *c = find(p, name, &elsewhere);

	return c && !c->handle && take_arg(&r, c->arg, line);
}

enum pop3_event pop3_command(struct pop3 *p, struct span line, struct buf *out)
{
	struct span arg = line, name = span_cut(&arg, ' ');
	bool elsewhere;
	const struct command *c = find(p, name, &elsewhere);

	if (!c)
		return pop3_bad(p, out,
				elsewhere ? "-ERR not in this state" : "-ERR unknown command");
	p->request = (struct pop3_request){.op = c->op};
	if (!take_arg(&p->request, c->arg, arg))
		return pop3_bad(p, out, "-ERR wrong argument");
	p->bad = 0;
	return c->handle ? c->handle(p, arg, out) : pop3_ask(p);
}
