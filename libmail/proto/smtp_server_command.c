/*
 * The commands of the SMTP server machine; see proto/smtp_server_priv.h.
 *
 * RFC 5321 4.1 (commands), 4.1.4 (their order), 4.3.2 (codes); 2033, 2920, 3207,
 * 4954.  A table maps each verb to a handler; a handler returns the event that
 * the program must see, or SMTP_EV_NONE when the machine has answered by itself.
 * Must not look beyond the line it handles but for one question: is there input
 * where the client had to wait for us?
 */
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "proto/smtp_server_priv.h"

static unsigned wrong_echo(struct smtp_server *s, const struct smtp_server_turn *t, int code,
			   const char *what)
{
	struct smtp_server_fault f;
	char echo[SMTP_ECHO_MAX + 1];

	smtp_server_fault(&f, code, "5.5.1", "%s: \"%s\"", what, smtp_server_echo(t->line, echo));
	return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
}

/* The program's word on a command that no event of its own belongs to; false: it is in *event. */
static bool agreed(struct smtp_server *s, const struct smtp_server_turn *t, struct span digit,
		   unsigned *event)
{
	char other = s->other;

	s->other = 0;
	*event = SMTP_EV_NONE;
	if (!(s->flags & SMTP_ASK_OTHER) || other == 'y')
		return true;
	/* Refused: it comes once more only to be done with. */
	if (other == 'n')
		return false;
	s->again = true;
	s->text = t->line;
	s->mech = digit;
	*event = smtp_server_due(s, SMTP_EV_OTHER);
	return false;
}

/* Nothing that we do: the program is asked, unless it is the last that is looked at. */
static unsigned no_command(struct smtp_server *s, const struct smtp_server_turn *t, int code,
			   const char *what)
{
	unsigned event;

	if ((s->other || !smtp_server_is_last(s)) && !agreed(s, t, SPAN("5"), &event))
		return event;
	return wrong_echo(s, t, code, what);
}

/*
 * A command out of sequence.  Not counted as bad: when MAIL was refused, all that
 * a pipelining client sent behind it ends up here.
 */
static unsigned order(const struct smtp_server_turn *t, const char *status, const char *text)
{
	smtp_server_putf(t->out, 503, status, "%s", text);
	return SMTP_EV_NONE;
}

/* Input behind a command whose reply the client must wait for. */
static bool too_early(struct smtp_server *s, const struct smtp_server_turn *t, bool always)
{
	if (t->more && (always || !(s->flags & SMTP_EARLY_OK)))
		s->early = true;
	return s->early;
}

/* sendmail's notion of a name in HELO: letters, digits, address literals. */
static bool is_helo_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.ptr[i]) && !memchr("[].-_#:", s.ptr[i], 7))
			return false;
	return s.len > 0 && s.len <= SMTP_HELO_MAX;
}

static unsigned cmd_helo(struct smtp_server *s, const struct smtp_server_turn *t)
{
	char verb[5] = {0};

	for (size_t i = 0; i < 4; i++)
		verb[i] = ascii_upper(t->line.ptr[i]);
	if (((s->flags & SMTP_LMTP) != 0) != (verb[0] == 'L'))
		return no_command(s, t, 500, "Command unrecognized");
	if (t->arg.len == 0) {
		struct smtp_server_fault f;

		smtp_server_fault(&f, 501, "5.0.0", "%s requires domain address", verb);
		return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
	}
	if (!is_helo_name(t->arg))
		return smtp_server_wrong(s, t->out, 501, "5.0.0", "Invalid domain name");
	/* The program drops what it has before it hears of the new name. */
	s->again = s->in_mail;
	smtp_server_drop(s);
	if (s->again)
		return SMTP_EV_RSET;
	memcpy(s->helo, t->arg.ptr, t->arg.len);
	s->helo_len = (uint8_t)t->arg.len;
	s->esmtp = verb[0] != 'H';
	if (s->refusal.ptr) {
		smtp_server_put_helo(s, t->out);
		return SMTP_EV_NONE;
	}
	s->due = SMTP_EV_HELO;
	if (!too_early(s, t, false))
		return SMTP_EV_HELO;
	smtp_server_accept(s, t->out);
	return SMTP_EV_NONE;
}

static unsigned cmd_mail(struct smtp_server *s, const struct smtp_server_turn *t)
{
	struct smtp_server_fault f;

	if ((s->flags & (SMTP_NEED_HELO | SMTP_LMTP)) && !s->greeted)
		return order(t, "5.0.0", "Polite people say HELO first");
	if (s->in_mail)
		return order(t, "5.5.0", "Sender already specified");
	if ((s->flags & SMTP_NEED_AUTH) && !s->authenticated)
		return smtp_server_wrong(s, t->out, 530, "5.7.0", "Authentication required");
	if (!smtp_server_param_mail(s, t->arg, &f))
		return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
	return smtp_server_due(s, SMTP_EV_MAIL);
}

static unsigned cmd_rcpt(struct smtp_server *s, const struct smtp_server_turn *t)
{
	struct smtp_server_fault f;

	if (!s->in_mail)
		return order(t, "5.0.0", "Need MAIL before RCPT");
	if (!smtp_server_param_rcpt(s, t->arg, &f))
		return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
	return smtp_server_due(s, SMTP_EV_RCPT);
}

static unsigned cmd_data(struct smtp_server *s, const struct smtp_server_turn *t)
{
	if (!s->in_mail)
		return order(t, "5.0.0", "Need MAIL command");
	if (s->rcpts == 0)
		return order(t, "5.0.0", "Need RCPT (recipient)");
	s->due = SMTP_EV_DATA;
	if (!too_early(s, t, false))
		return SMTP_EV_DATA;
	smtp_server_accept(s, t->out);
	s->text = SPAN("transaction stuffing");
	return SMTP_EV_ABORT;
}

static unsigned cmd_rset(struct smtp_server *s, const struct smtp_server_turn *t)
{
	smtp_server_drop(s);
	smtp_server_putf(t->out, 250, "2.0.0", "Reset state");
	return SMTP_EV_RSET;
}

static unsigned cmd_noop(struct smtp_server *s, const struct smtp_server_turn *t)
{
	unsigned event;

	if (!agreed(s, t, SPAN("2"), &event))
		return event;
	smtp_server_putf(t->out, 250, "2.0.0", "OK");
	return SMTP_EV_NONE;
}

static unsigned cmd_quit(struct smtp_server *s, const struct smtp_server_turn *t)
{
	smtp_server_putf(t->out, 221, "2.0.0", "%.*s closing connection", SPAN_ARG(s->cfg->name));
	s->state = SMTP_ST_CLOSED;
	return SMTP_EV_QUIT;
}

static unsigned cmd_help(struct smtp_server *s, const struct smtp_server_turn *t)
{
	smtp_server_putf(t->out, 502, "5.3.0", "%.*s -- HELP not implemented",
			 SPAN_ARG(s->cfg->version));
	return SMTP_EV_NONE;
}

static unsigned cmd_verb(struct smtp_server *s, const struct smtp_server_turn *t)
{
	unsigned event;

	if (!(s->flags & SMTP_OFFER_VERB))
		return smtp_server_wrong(s, t->out, 502, "5.7.0", "Verbose unavailable");
	if (!agreed(s, t, SPAN("2"), &event))
		return event;
	smtp_server_putf(t->out, 250, "2.0.0", "Verbose mode");
	return SMTP_EV_VERB;
}

static unsigned denied(struct smtp_server *s, const struct smtp_server_turn *t)
{
	return smtp_server_wrong(s, t->out, 502, "5.7.0", "Sorry, we do not allow this operation");
}

/* VRFY and EXPN. */
static unsigned ask(struct smtp_server *s, const struct smtp_server_turn *t, uint32_t need_helo,
		    unsigned event)
{
	if ((s->flags & need_helo) && !s->greeted)
		return order(t, "5.0.0", "I demand that you introduce yourself first");
	if (t->arg.len == 0)
		return smtp_server_wrong(s, t->out, 501, "5.5.2", "Argument required");
	if (!smtp_server_keep(s, t->arg))
		return smtp_server_wrong(s, t->out, 553, "5.1.1", "Address too long");
	return smtp_server_due(s, event);
}

static unsigned cmd_vrfy(struct smtp_server *s, const struct smtp_server_turn *t)
{
	if (s->flags & SMTP_OFFER_VRFY)
		return ask(s, t, SMTP_NEED_VRFY_HELO, SMTP_EV_VRFY);
	smtp_server_putf(t->out, 252, "2.5.2",
			 "Cannot VRFY user; try RCPT to attempt delivery (or try finger)");
	return SMTP_EV_NONE;
}

static unsigned cmd_expn(struct smtp_server *s, const struct smtp_server_turn *t)
{
	if (!(s->flags & SMTP_OFFER_EXPN))
		return denied(s, t);
	return ask(s, t, SMTP_NEED_EXPN_HELO, SMTP_EV_EXPN);
}

static unsigned cmd_etrn(struct smtp_server *s, const struct smtp_server_turn *t)
{
	if (!(s->flags & SMTP_OFFER_ETRN))
		return denied(s, t);
	if (t->arg.len == 0)
		return smtp_server_wrong(s, t->out, 500, "5.5.2", "Parameter required");
	if (!smtp_server_keep(s, t->arg))
		return smtp_server_wrong(s, t->out, 501, "5.5.4", "Parameter too long");
	return smtp_server_due(s, SMTP_EV_ETRN);
}

static unsigned cmd_starttls(struct smtp_server *s, const struct smtp_server_turn *t)
{
	/* It runs already, or this client alone is not offered it. */
	if (s->tls || s->cfg->flags & ~s->flags & SMTP_OFFER_STARTTLS)
		return order(t, "5.5.0", "TLS not available");
	if (t->arg.len)
		return smtp_server_wrong(s, t->out, 501, "5.5.2",
					 "Syntax error (no parameters allowed)");
	if (!(s->flags & SMTP_OFFER_STARTTLS))
		return smtp_server_wrong(s, t->out, 454, "4.3.3", "TLS not available after start");
	if (s->in_mail)
		return order(t, "5.5.0", "TLS not permitted during a mail transaction");
	s->due = SMTP_EV_STARTTLS;
	if (!too_early(s, t, true))
		return SMTP_EV_STARTTLS;
	/* What stands behind the command was sent in the clear, perhaps by somebody else. */
	smtp_server_accept(s, t->out);
	s->text = SPAN("plaintext behind STARTTLS");
	return SMTP_EV_ABORT;
}

static bool is_offered(struct span mechs, struct span mech)
{
	while (mechs.len)
		if (ascii_eq_nocase(span_cut(&mechs, ' '), mech))
			return mech.len > 0;
	return false;
}

static unsigned cmd_auth(struct smtp_server *s, const struct smtp_server_turn *t)
{
	struct span rest = t->arg, mechs = smtp_server_mechs(s);
	struct smtp_server_fault f;

	if (mechs.len == 0)
		return smtp_server_wrong(s, t->out, 503, "5.3.3", "AUTH not available");
	if (s->authenticated)
		return order(t, "5.5.0", "Already Authenticated");
	if (s->in_mail)
		return order(t, "5.5.0", "AUTH not permitted during a mail transaction");
	if (t->arg.len == 0)
		return smtp_server_wrong(s, t->out, 501, "5.5.2",
					 "AUTH mechanism must be specified");
	s->mech = span_cut(&rest, ' ');
	s->text = span_trim(rest);
	s->has_text = s->text.len > 0;
	if (!is_offered(mechs, s->mech)) {
		smtp_server_fault(&f, 504, "5.3.3", "AUTH mechanism %.*s not available",
				  SPAN_ARG(span_head(s->mech, 32)));
		return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
	}
	return smtp_server_due(s, SMTP_EV_AUTH);
}

static unsigned cmd_none(struct smtp_server *s, const struct smtp_server_turn *t)
{
	return no_command(s, t, 502, "Command not implemented");
}

enum {
	CMD_PLAIN = 1,   /* allowed before TLS where TLS is needed */
	CMD_REFUSED = 2, /* allowed to a client that was refused in the greeting */
};

static const struct command {
	char verb[9];
	uint8_t flags;
	unsigned (*run)(struct smtp_server *s, const struct smtp_server_turn *t);
} commands[] = {
    {"RCPT", 0, cmd_rcpt},
    {"MAIL", 0, cmd_mail},
    {"DATA", 0, cmd_data},
    {"EHLO", CMD_PLAIN | CMD_REFUSED, cmd_helo},
    {"HELO", CMD_PLAIN | CMD_REFUSED, cmd_helo},
    {"LHLO", CMD_PLAIN | CMD_REFUSED, cmd_helo},
    {"QUIT", CMD_PLAIN | CMD_REFUSED, cmd_quit},
    {"RSET", CMD_PLAIN | CMD_REFUSED, cmd_rset},
    {"NOOP", CMD_PLAIN | CMD_REFUSED, cmd_noop},
    {"STARTTLS", CMD_PLAIN, cmd_starttls},
    {"AUTH", 0, cmd_auth},
    {"VRFY", 0, cmd_vrfy},
    {"EXPN", 0, cmd_expn},
    {"ETRN", 0, cmd_etrn},
    {"HELP", 0, cmd_help},
    {"VERB", 0, cmd_verb},
    {"SEND", 0, cmd_none},
    {"SOML", 0, cmd_none},
    {"SAML", 0, cmd_none},
    {"TURN", 0, cmd_none},
};

/* A web browser, or somebody who makes one talk to us (RFC 5321 7.7 leaves it open). */
static bool is_other_protocol(struct span verb)
{
	static const char *const words[] = {"GET", "POST", "CONNECT", "USER"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (ascii_eq_nocase(verb, span_str(words[i])))
			return true;
	return false;
}

static unsigned rejected(struct smtp_server *s, const struct smtp_server_turn *t)
{
	struct span text = s->refusal, status;
	struct smtp_server_fault f;
	char digits[ERR_STATUS_MAX];
	uint64_t code = 550;

	/* "450 4.7.1 why" instead of "5.7.1 why". */
	if (text.len > 3 && text.ptr[3] == ' ')
		num_parse(span_cut(&text, ' '), 599, &code);
	status = span_cut(&text, ' ');
	if (!span_to_cstr(status, digits, sizeof digits))
		digits[0] = '\0';
	smtp_server_fault(&f, (int)code, digits, "%.*s", SPAN_ARG(text));
	return smtp_server_wrong(s, t->out, f.code, f.status, f.text);
}

unsigned smtp_server_command(struct smtp_server *s, struct smtp_server_turn *t)
{
	struct span verb;
	size_t n = 0;
	bool first = s->first;

	s->first = false;
	t->arg = span_trim(t->line);
	while (n < t->arg.len && !ascii_is_blank(t->arg.ptr[n]))
		n++;
	verb = span_head(t->arg, n);
	if (n)
		t->line = span_make(verb.ptr, (size_t)(t->line.ptr + t->line.len - verb.ptr));
	t->arg = span_trim(span_skip(t->arg, n));
	if (first && is_other_protocol(verb)) {
		smtp_server_putf(t->out, 421, "4.7.0", "%.*s Rejecting open proxy %.*s",
				 SPAN_ARG(s->cfg->name), SPAN_ARG(s->client));
		s->state = SMTP_ST_CLOSED;
		s->text = SPAN("another protocol");
		return SMTP_EV_ABORT;
	}
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (!ascii_eq_nocase(verb, span_str(commands[i].verb)))
			continue;
		if (s->refusal.ptr && !(commands[i].flags & CMD_REFUSED))
			return rejected(s, t);
		if ((s->flags & SMTP_NEED_TLS) && !s->tls && !(commands[i].flags & CMD_PLAIN))
			return smtp_server_wrong(s, t->out, 530, "5.7.0",
						 "Must issue a STARTTLS command first");
		return commands[i].run(s, t);
	}
	return no_command(s, t, 500, "Command unrecognized");
}
