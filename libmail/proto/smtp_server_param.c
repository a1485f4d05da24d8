/*
 * The arguments of MAIL and RCPT; see proto/smtp_server_priv.h.
 *
 * RFC 5321 4.1.1.2-3, 1870 (SIZE), 6152 (BODY), 3461 (RET, ENVID, NOTIFY, ORCPT),
 * 4954 (AUTH), 2852 (BY), 6531 (SMTPUTF8).  Reply texts are sendmail's.  A
 * parameter is checked whether or not it will be used, so that what is stored is
 * always well-formed; values stay as sent, xtext undecoded.
 * Must not decide about the address: that is the business of the rulesets.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "format/address.h"
#include "proto/smtp_server_priv.h"

/* RFC 2852 4: at most nine digits. */
enum { BY_SECONDS_MAX = 999999999 };

struct param {
	struct span key, value;
	bool has_value;
};

/* RFC 3461 4: printable ASCII but '+' and '=', and '+' with two upper-case hex digits. */
static bool is_xtext(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint64_t hex;

		if (!ascii_is_graph(s.ptr[i]) || s.ptr[i] == '=')
			return false;
		if (s.ptr[i] != '+')
			continue;
		if (s.len - i < 3 || !num_parse_base(span_make(s.ptr + i + 1, 2), 16, 255, &hex))
			return false;
		i += 2;
	}
	return true;
}

/* Cuts the next "KEY" or "KEY=value" off *rest. */
static bool next_param(struct span *rest, struct param *p)
{
	struct span word;
	size_t n = 0;

	*rest = span_trim(*rest);
	if (rest->len == 0)
		return false;
	while (n < rest->len && !ascii_is_blank(rest->ptr[n]))
		n++;
	word = span_head(*rest, n);
	*rest = span_skip(*rest, n);
	p->has_value = span_index(word, '=') < word.len;
	p->key = span_cut(&word, '=');
	p->value = word;
	return true;
}

static bool missing(struct smtp_server_fault *f, const char *key)
{
	return smtp_server_fault(f, 501, "5.5.2", "%s requires a value", key);
}

static bool duplicate(struct smtp_server_fault *f, const char *key)
{
	return smtp_server_fault(f, 501, "5.5.0", "Duplicate %s parameter", key);
}

static bool malformed(struct smtp_server_fault *f, const char *key)
{
	return smtp_server_fault(f, 501, "5.5.4", "Syntax error in %s parameter value", key);
}

static bool no_dsn(struct smtp_server_fault *f, const char *key)
{
	return smtp_server_fault(f, 504, "5.7.0", "Sorry, %s not supported, we do not allow DSN",
				 key);
}

static bool unknown(struct smtp_server_fault *f, struct span key)
{
	char echo[SMTP_ECHO_MAX + 1];

	return smtp_server_fault(f, 555, "5.5.4", "%s parameter unrecognized",
				 smtp_server_echo(key, echo));
}

static bool take_size(struct smtp_mail *m, const struct param *p, struct smtp_server_fault *f)
{
	char echo[SMTP_ECHO_MAX + 1];

	/* sendmail takes letters for 0; RFC 1870 3 has digits only. */
	if (p->value.len == 0)
		return missing(f, "SIZE");
	if (p->value.ptr[0] == '-')
		return smtp_server_fault(f, 552, "5.2.3", "Message size invalid");
	for (size_t i = 0; i < p->value.len; i++)
		if (!ascii_is_digit(p->value.ptr[i]))
			return smtp_server_fault(f, 501, "5.5.2", "Bad argument \"%s\" to SIZE",
						 smtp_server_echo(p->value, echo));
	if (!num_parse(p->value, INT64_MAX, &m->size))
		return smtp_server_fault(f, 552, "5.2.3", "Message size exceeds maximum value");
	return true;
}

static bool take_body(struct smtp_mail *m, const struct param *p, struct smtp_server_fault *f)
{
	char echo[SMTP_ECHO_MAX + 1];

	if (!p->has_value)
		return missing(f, "BODY");
	if (ascii_eq_nocase(p->value, SPAN("7BIT")))
		m->body = SMTP_BODY_7BIT;
	else if (ascii_eq_nocase(p->value, SPAN("8BITMIME")))
		m->body = SMTP_BODY_8BITMIME;
	else
		return smtp_server_fault(f, 501, "5.5.4", "Unknown BODY type %s",
					 smtp_server_echo(p->value, echo));
	return true;
}

static bool take_ret(struct smtp_mail *m, const struct param *p, struct smtp_server_fault *f)
{
	char echo[SMTP_ECHO_MAX + 1];

	if (m->ret != SMTP_RET_NONE)
		return duplicate(f, "RET");
	if (!p->has_value)
		return missing(f, "RET");
	if (ascii_eq_nocase(p->value, SPAN("FULL")))
		m->ret = SMTP_RET_FULL;
	else if (ascii_eq_nocase(p->value, SPAN("HDRS")))
		m->ret = SMTP_RET_HDRS;
	else
		return smtp_server_fault(f, 501, "5.5.2", "Bad argument \"%s\" to RET",
					 smtp_server_echo(p->value, echo));
	return true;
}

static bool take_xtext(struct span *to, const struct param *p, const char *key, size_t max,
		       struct smtp_server_fault *f)
{
	if (to->ptr)
		return duplicate(f, key);
	if (!p->has_value)
		return missing(f, key[0] == 'A' ? "AUTH=" : key);
	if (p->value.len > max || !is_xtext(p->value))
		return malformed(f, key);
	*to = p->value;
	return true;
}

static bool take_by(struct smtp_mail *m, const struct param *p, struct smtp_server_fault *f)
{
	struct span mode = p->value, time;
	char echo[SMTP_ECHO_MAX + 1];
	uint64_t n;
	bool minus;

	if (p->value.len == 0)
		return missing(f, "BY=");
	if (span_index(mode, ';') == mode.len)
		return smtp_server_fault(f, 501, "5.5.2", "BY= missing ';'");
	time = span_cut(&mode, ';');
	minus = span_starts(time, SPAN("-"));
	if (!num_parse(span_skip(time, minus || span_starts(time, SPAN("+"))), BY_SECONDS_MAX, &n))
		return smtp_server_fault(f, 501, "5.5.2", "BY=%s out of range",
					 smtp_server_echo(p->value, echo));
	m->by_seconds = minus ? -(int64_t)n : (int64_t)n;
	m->by_mode = mode.len ? ascii_upper(mode.ptr[0]) : '\0';
	if (m->by_mode != 'N' && m->by_mode != 'R')
		return smtp_server_fault(f, 501, "5.5.2", "illegal by-mode '%c'",
					 m->by_mode ? m->by_mode : ' ');
	m->by_trace = mode.len == 2 && ascii_upper(mode.ptr[1]) == 'T';
	if (mode.len > 1 && !m->by_trace)
		return smtp_server_fault(f, 501, "5.5.2", "illegal by-trace '%c'", mode.ptr[1]);
	if (m->by_mode == 'R' && m->by_seconds <= 0)
		return smtp_server_fault(f, 501, "5.5.4", "mode R requires BY time > 0");
	return true;
}

static bool take_mail_param(struct smtp_server *s, const struct param *p,
			    struct smtp_server_fault *f)
{
	struct smtp_mail *m = &s->mail;
	uint32_t offer = s->flags;

	if (ascii_eq_nocase(p->key, SPAN("SIZE")) && (offer & SMTP_OFFER_SIZE))
		return take_size(m, p, f);
	if (ascii_eq_nocase(p->key, SPAN("BODY")) && (offer & SMTP_OFFER_8BITMIME))
		return take_body(m, p, f);
	if (ascii_eq_nocase(p->key, SPAN("RET")))
		return offer & SMTP_OFFER_DSN ? take_ret(m, p, f) : no_dsn(f, "RET");
	if (ascii_eq_nocase(p->key, SPAN("ENVID")))
		return offer & SMTP_OFFER_DSN ? take_xtext(&m->envid, p, "ENVID", SMTP_ENVID_MAX, f)
					      : no_dsn(f, "ENVID");
	if (ascii_eq_nocase(p->key, SPAN("AUTH")) && smtp_server_mechs(s).len)
		return take_xtext(&m->auth, p, "AUTH", SMTP_ORCPT_MAX, f);
	if (ascii_eq_nocase(p->key, SPAN("BY")) && (offer & SMTP_OFFER_DELIVERBY))
		return take_by(m, p, f);
	if (ascii_eq_nocase(p->key, SPAN("SMTPUTF8")) && (offer & SMTP_OFFER_SMTPUTF8) &&
	    !p->has_value) {
		m->utf8 = true;
		return true;
	}
	return unknown(f, p->key);
}

static bool take_notify(unsigned *notify, const struct param *p, struct smtp_server_fault *f)
{
	static const struct {
		struct span name;
		unsigned bit;
	} words[] = {
	    {{"NEVER", 5}, SMTP_NOTIFY_NEVER},
	    {{"SUCCESS", 7}, SMTP_NOTIFY_SUCCESS},
	    {{"FAILURE", 7}, SMTP_NOTIFY_FAILURE},
	    {{"DELAY", 5}, SMTP_NOTIFY_DELAY},
	};
	struct span list = p->value;
	char echo[SMTP_ECHO_MAX + 1];
	bool last;

	if (*notify)
		return duplicate(f, "NOTIFY");
	if (!p->has_value)
		return missing(f, "NOTIFY");
	do {
		unsigned bit = 0;

		last = span_index(list, ',') == list.len;
		struct span word = span_cut(&list, ',');
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (ascii_eq_nocase(word, words[i].name))
				bit = words[i].bit;
		/* NEVER stands alone (RFC 3461 4.1) */
		if (bit == 0 || (bit == SMTP_NOTIFY_NEVER && !(last && *notify == 0)) ||
		    (*notify & SMTP_NOTIFY_NEVER))
			return smtp_server_fault(f, 501, "5.5.4", "Bad argument \"%s\"  to NOTIFY",
						 smtp_server_echo(word, echo));
		*notify |= bit;
	} while (!last);
	return true;
}

/* "type;xtext" with a type of letters, digits and '-' (RFC 3461 4.2). */
static bool take_orcpt(struct span *to, const struct param *p, struct smtp_server_fault *f)
{
	struct span addr = p->value, type;

	if (to->ptr)
		return duplicate(f, "ORCPT");
	if (!p->has_value)
		return missing(f, "ORCPT");
	type = span_cut(&addr, ';');
	if (p->value.len > SMTP_ORCPT_MAX || type.len == 0 || addr.len == 0 || !is_xtext(addr))
		return malformed(f, "ORCPT");
	for (size_t i = 0; i < type.len; i++)
		if (!ascii_is_alnum(type.ptr[i]) && type.ptr[i] != '-')
			return malformed(f, "ORCPT");
	*to = p->value;
	return true;
}

/* Behind "FROM:" or "TO:"; a blank before or after the colon is tolerated. */
static bool take_keyword(struct span keyword, struct span *arg, struct smtp_server_fault *f)
{
	struct span rest = *arg, word = span_trim(span_cut(&rest, ':'));
	char echo[SMTP_ECHO_MAX + 1];

	rest = span_trim(rest);
	if (!ascii_eq_nocase(word, keyword) || rest.len == 0)
		return smtp_server_fault(f, 501, "5.5.2",
					 "Syntax error in parameters scanning \"%s\"",
					 smtp_server_echo(word, echo));
	*arg = rest;
	return true;
}

/* The bracket or quote that has no partner, in sendmail's order of finding it; 0: none. */
static char unbalanced(struct span s)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '<' || c == '>'))
			depth += c == '<' ? 1 : -1;
		if (depth < 0)
			return '>';
	}
	return quoted ? '"' : depth ? '<' : '\0';
}

/* The path at the start of *arg; leaves the parameters there. */
static bool take_path(struct smtp_server *s, struct span *arg, const char *status,
		      struct smtp_server_fault *f)
{
	struct address_path a;
	enum address_error e = address_parse_path(*arg, &a);
	char echo[SMTP_ECHO_MAX + 1];
	struct span path = *arg;

	if (e == ADDRESS_OK) {
		if (a.rest.len)
			path.len = (size_t)(a.rest.ptr - arg->ptr);
		path = span_trim(path);
	}
	if (e == ADDRESS_TOO_LONG || (e == ADDRESS_OK && path.len > sizeof s->arg))
		return smtp_server_fault(f, 553, "5.1.0", "Address \"%s\" too long (%d bytes max)",
					 smtp_server_echo(path, echo), SMTP_PATH_MAX);
	if (e != ADDRESS_OK && unbalanced(path))
		return smtp_server_fault(f, 553, "5.0.0", "%s... Unbalanced '%c'",
					 smtp_server_echo(path, echo), unbalanced(path));
	if (e != ADDRESS_OK)
		return smtp_server_fault(f, 553, status, "%s... %s", smtp_server_echo(path, echo),
					 address_error_text(e));
	if (a.eightbit && !s->mail.utf8)
		return smtp_server_fault(f, 501, status,
					 "8-bit character in mailbox address \"%s\"",
					 smtp_server_echo(path, echo));
	*arg = a.rest;
	memcpy(s->arg, path.ptr, path.len);
	/* Parsed again where it will stay: the input may move before the answer. */
	s->path = span_make(s->arg, path.len);
	(void)address_parse_path(s->path, &a);
	s->addr = a.mailbox;
	s->local = a.local;
	s->domain = a.domain;
	return true;
}

bool smtp_server_param_mail(struct smtp_server *s, struct span arg, struct smtp_server_fault *f)
{
	struct span rest;
	struct param p;

	s->mail = (struct smtp_mail){0};
	if (!take_keyword(SPAN("FROM"), &arg, f))
		return false;
	/* SMTPUTF8 stands behind the address that it permits. */
	s->mail.utf8 = (s->flags & SMTP_OFFER_SMTPUTF8) != 0;
	if (!take_path(s, &arg, "5.1.7", f))
		return false;
	s->mail.utf8 = false;
	for (rest = arg; next_param(&rest, &p);)
		if (!take_mail_param(s, &p, f))
			return false;
	for (size_t i = 0; i < s->path.len; i++)
		if ((s->path.ptr[i] & 0x80) && !s->mail.utf8)
			return smtp_server_fault(f, 501, "5.1.7",
						 "8-bit character in mailbox address \"%.*s\"",
						 SPAN_ARG(s->path));
	/* Last, as sendmail does: a parameter that is unknown is the graver mistake. */
	if (s->cfg->size_max && s->mail.size > s->cfg->size_max)
		return smtp_server_fault(f, 552, "5.2.3",
					 "Message size exceeds fixed maximum message size (%llu)",
					 (unsigned long long)s->cfg->size_max);
	return true;
}

bool smtp_server_param_rcpt(struct smtp_server *s, struct span arg, struct smtp_server_fault *f)
{
	struct param p;

	s->rcpt = (struct smtp_rcpt){0};
	if (!take_keyword(SPAN("TO"), &arg, f) || !take_path(s, &arg, "5.1.3", f))
		return false;
	if (s->addr.len == 0)
		return smtp_server_fault(f, 553, "5.0.0", "%.*s... User address required",
					 SPAN_ARG(s->path));
	while (next_param(&arg, &p)) {
		bool notify = ascii_eq_nocase(p.key, SPAN("NOTIFY"));

		if (!notify && !ascii_eq_nocase(p.key, SPAN("ORCPT")))
			return unknown(f, p.key);
		if (!(s->flags & SMTP_OFFER_DSN))
			return no_dsn(f, notify ? "NOTIFY" : "ORCPT");
		if (notify ? !take_notify(&s->rcpt.notify, &p, f)
			   : !take_orcpt(&s->rcpt.orcpt, &p, f))
			return false;
	}
	return true;
}
