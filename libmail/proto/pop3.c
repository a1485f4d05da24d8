/*
 * POP3 sessions; see proto/pop3.h.  RFC 1939, 2449 (CAPA), 2595 (STLS), 5034 (AUTH).
 *
 * A handler returns an event and puts its reply; nothing is sent from here, and nothing
 * about a mailbox is answered here.  A password is wiped before the next command is read.
 */
#include "proto/pop3_priv.h"

static enum pop3_event handle_line(struct pop3 *p, struct span line, struct buf *out)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	/* RFC 5034 section 4: "*" cancels; no such line can be base 64. */
	if (p->state == POP3_SASL) {
		if (!span_eq(line, SPAN("*")))
			return pop3_sasl_plain(p, line, out);
		p->state = POP3_NEW;
		return pop3_say(out, "-ERR [AUTH] given up");
	}
	/* No command has a NUL, and it would cut what is compared or logged. */
	if (span_index(line, '\0') < line.len)
		return pop3_bad(p, out, "-ERR unknown command");
	return pop3_command(p, line, out);
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
	pop3_say(out, "-ERR [SYS/TEMP] too many connections, try later");
}

void pop3_put_timeout(struct buf *out)
{
	pop3_say(out, "-ERR nothing came for too long");
}

void pop3_put_shutdown(struct buf *out)
{
	pop3_say(out, "-ERR [SYS/TEMP] shutting down, nothing was deleted");
}

/*
 * The next whole line, from what was held and the input; false when it is not complete.  A
 * line that lies whole in the input is not copied.
 */
static bool take_line(struct pop3 *p, struct span *in, struct span *line, bool *too_long)
{
	size_t n = span_index(*in, '\n');
	bool whole = n < in->len;

	*too_long = p->skipping || p->line.len + n > POP3_LINE_MAX;
	if (*too_long) {
		/* What was held may be the start of a password. */
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
	/* Behind a login nothing is asked before it is known that there is somebody to answer. */
	if (p->waiting == POP3_OUTSTANDING || p->ops[p->first] == POP3_OPEN)
		return true;
	if (n == in.len)
		return false;
	/* A line in two pieces comes so seldom that it may wait. */
	if (p->line.len || p->skipping)
		return true;
	if (n && in.ptr[n - 1] == '\r')
		n--;
	return !pop3_command_is_asked(p, span_head(in, n));
}

enum pop3_event pop3_next(struct pop3 *p, struct span *in, struct buf *out)
{
	struct span line;
	enum pop3_event event;
	bool too_long;

	/* After QUIT only answers are awaited; whatever else the client sends is not read. */
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
		return pop3_bad(p, out, "-ERR line too long");
	event = handle_line(p, line, out);
	/* A password may lie in the line, where the caller reads it until the outcome is known. */
	if (event != POP3_LOGIN)
		buf_wipe(&p->line);
	/*
	 * RFC 2595 section 4, and every injection since 2011 (CVE-2011-0411): what was sent
	 * before the handshake would be read as if it came encrypted.
	 */
	if (event == POP3_STLS && in->len) {
		buf_reset(out);
		return pop3_end(p, out, "-ERR cleartext behind STLS");
	}
	return event;
}

/* The answer to OPEN is the reply to PASS or AUTH: a mailbox in use is told there. */
void pop3_login_right(struct pop3 *p)
{
	pop3_free(p);
	p->state = POP3_TRANSACTION;
	p->request = (struct pop3_request){.op = POP3_OPEN};
	pop3_ask(p);
}

void pop3_login_wrong(struct pop3 *p, enum pop3_refusal why, struct buf *out)
{
	static const char *const texts[] = {
	    [POP3_WRONG] = "-ERR [AUTH] wrong name or password",
	    [POP3_TEMPORARY] = "-ERR [SYS/TEMP] cannot be checked now",
	    [POP3_BUSY] = "-ERR [LOGIN-DELAY] too many logins at once, try later",
	};

	pop3_free(p);
	pop3_say(out, texts[why]);
	/* Guessing costs a connection for every few passwords. */
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
	/* RSET takes all marks back, so there is nothing left that QUIT would delete. */
	if (ok && *op == POP3_RSET)
		p->deleted = 0;
	/* The password was right but the mailbox cannot be used: another try is allowed. */
	if (!ok && *op == POP3_OPEN)
		p->state = ++p->failed >= POP3_FAILED_MAX ? POP3_ENDED : POP3_NEW;
	return true;
}

void pop3_tls_started(struct pop3 *p)
{
	/* Failures stay counted, or each STLS would give a guesser new tries. */
	const struct pop3_config *config = p->config;
	uint8_t failed = p->failed;

	pop3_free(p);
	pop3_init(p, config, true);
	p->failed = failed;
}
