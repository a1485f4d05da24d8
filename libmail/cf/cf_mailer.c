/*
 * Mailers: M lines; see cf/cf.h.
 *
 * Fields are kept as they are written, with macros unexpanded; what is needed to
 * show or to choose a mailer is checked here, users and queue groups by those
 * who know them.
 */
#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

enum {
	SMTP_LINE = 990, /* F=L without L=: sendmail's SMTPLINELIM, below RFC 5321's 1000 */
	RCPT_MAX = 100   /* recipients in one transaction, which RFC 5321 4.5.3.1.8 guarantees */
};

/* Flags are a bit set over the 128 ASCII characters. */
bool cf_mailer_flag(const struct cf_mailer *m, char letter)
{
	unsigned char c = (unsigned char)letter & 127;

	return m->flags[c / 64] >> c % 64 & 1;
}

struct cf_mailer *cf_mailer_find(const struct cf *cf, struct span name)
{
	for (int i = 0; i < cf->nmailers; i++)
		if (ascii_eq_nocase(cf->mailers[i]->name, name))
			return cf->mailers[i];
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span skip_space(struct span s)
{
	while (s.len && is_space(s.ptr[0]))
		s = span_skip(s, 1);
	return s;
}

/* atol, but a value that is too large stays large instead of wrapping. */
static long number(struct span s)
{
	bool minus = s.len && s.ptr[0] == '-';
	long v = 0;

	for (s = span_skip(s, minus); s.len && ascii_is_digit(s.ptr[0]); s = span_skip(s, 1))
		if (v < 100000000000000)
			v = v * 10 + (s.ptr[0] - '0');
	return minus ? -v : v;
}

/* "envelope/header", or one for both; false when a name is no ruleset. */
static bool set_rulesets(struct cf_eval *ev, struct span v, int *envelope, int *header)
{
	size_t used = 0;
	int rs = cf_ruleset_id(ev, v, true, &used);

	if (rs < 0)
		return false;
	*envelope = *header = rs;
	v = span_skip(v, used);
	if (v.len == 0 || v.ptr[0] != '/')
		return true;
	*header = cf_ruleset_id(ev, span_skip(v, 1), true, &used);
	return *header >= 0;
}

static void set_types(struct cf_mailer *m, struct span v)
{
	/*
	 * T=mta-type/address-type/diagnostic-type, for the fields of a DSN (RFC 3464
	 * section 2.3).
	 */
	for (int i = 0; i < 3 && v.len; i++) {
		struct span t = skip_space(span_cut(&v, '/'));

		if (t.len)
			m->type[i] = t;
	}
}

/* U=user:group; names are looked up by who starts the mailer, -1 stands for them. */
static void set_user(struct cf_mailer *m, struct span v)
{
	struct span user = span_cut(&v, ':');

	m->uid = user.len && ascii_is_digit(user.ptr[0]) ? number(user) : -1;
	m->gid = v.len && ascii_is_digit(v.ptr[0]) ? number(v) : -1;
	m->user = user;
	m->group = v;
}

/* Blanks part the words of A=, one is enough. */
static struct span squeeze(struct cf *cf, struct span v)
{
	char *p = (char *)arena_dup(&cf->mem, v).ptr;
	size_t n = 0;

	for (v = skip_space(v); p && v.len; v = span_skip(v, 1)) {
		if (!is_space(v.ptr[0]))
			p[n++] = v.ptr[0];
		else if (span_skip(v, 1).len && !is_space(v.ptr[1]))
			p[n++] = ' ';
	}
	return span_make(p, n);
}

/* Where a field that is a number goes. */
static long *number_field(struct cf_mailer *m, char code)
{
	switch (code) {
	case 'M':
		return &m->max_size;
	case 'm':
		return &m->max_msgs;
	case 'r':
		return &m->max_rcpt;
	case 'L':
		return &m->line_limit;
	case 'N':
		return &m->nice;
	case 'W':
		return &m->wait;
	default:
		return NULL;
	}
}

static bool set_field(struct cf_eval *ev, struct cf_mailer *m, char code, struct span v)
{
	long *n = number_field(m, code);

	if (n) {
		*n = number(v);
		return true;
	}
	switch (code) {
	case 'P':
		m->path = v;
		break;
	case 'F':
		for (; v.len; v = span_skip(v, 1))
			if (!is_space(v.ptr[0]))
				m->flags[(v.ptr[0] & 127) / 64] |= (uint64_t)1
								   << (v.ptr[0] & 127) % 64;
		break;
	case 'S':
		return set_rulesets(ev, v, &m->se, &m->sh);
	case 'R':
		return set_rulesets(ev, v, &m->re, &m->rh);
	case 'E':
		m->eol = v;
		break;
	case 'A':
		m->argv = squeeze(ev->cf, v);
		break;
	case 'D':
		m->dir = v;
		break;
	case 'C':
		m->charset = v;
		break;
	case '/':
		m->root = v;
		break;
	case 'Q':
		m->queue = v;
		if (!cf_queue_known(ev->cf, v)) {
			cf_report(ev, "", "mailer %.*s: unknown queue %.*s", SPAN_ARG(m->name),
				  SPAN_ARG(v));
		}
		break;
	case 'T':
		set_types(m, v);
		break;
	case 'U':
		set_user(m, v);
		break;
	default:
		cf_report(ev, "", "M%.*s: unknown mailer equate %c=", SPAN_ARG(m->name), code);
		return false;
	}
	return true;
}

static bool uses(struct span argv, char macro)
{
	for (size_t i = 0; i + 1 < argv.len; i++)
		if ((unsigned char)argv.ptr[i] == CF_MACRO && argv.ptr[i + 1] == macro)
			return true;
	return false;
}

static void set_defaults(struct cf_mailer *m)
{
	if (cf_mailer_flag(m, 'L') && m->line_limit == 0)
		m->line_limit = SMTP_LINE;
	if (span_eq(m->path, SPAN("[IPC]"))) {
		if (!m->type[0].len)
			m->type[0] = SPAN("DNS");
		if (!m->type[1].len)
			m->type[1] = SPAN("RFC822");
		if (!m->type[2].len)
			m->type[2] = SPAN("SMTP");
	}
	/*
	 * Who gets the user on the command line is a program or a local mailer, and those
	 * want bare line feeds; SMTP has $h there.
	 */
	if (!m->eol.len)
		m->eol = uses(m->argv, 'u') ? SPAN("\n") : SPAN("\r\n");
}

/* The last definition wins, in the place of the first: rules refer to mailers by name. */
static void enter_mailer(struct cf_eval *ev, struct cf_mailer *m)
{
	struct cf *cf = ev->cf;

	for (int i = 0; i < cf->nmailers; i++) {
		if (ascii_eq_nocase(cf->mailers[i]->name, m->name)) {
			cf->mailers[i] = m;
			return;
		}
	}
	if (cf->nmailers == CF_MAILERS)
		cf_report(ev, "", "too many mailers defined (%d max)", CF_MAILERS);
	else
		cf->mailers[cf->nmailers++] = m;
}

void cf_mailer_add(struct cf_eval *ev, struct span line)
{
	struct cf_mailer *m = arena_alloc(&ev->cf->mem, sizeof *m);
	size_t n = 0;

	if (!m)
		return;
	/* -1: no user or group named, so the caller's default applies. */
	*m = (struct cf_mailer){.uid = -1, .gid = -1, .max_rcpt = RCPT_MAX};
	while (n < line.len && line.ptr[n] != ',' && !is_space(line.ptr[n]))
		n++;
	if (n == 0) {
		cf_report(ev, "", "name required for mailer");
		return;
	}
	m->name = arena_dup(&ev->cf->mem, span_head(line, n));
	line = span_skip(line, n + 1);
	for (;;) {
		char code;
		struct span v;

		while (line.len && (line.ptr[0] == ',' || is_space(line.ptr[0])))
			line = span_skip(line, 1);
		if (line.len == 0)
			break;
		/* Only the first letter of an equate counts: "Path=" is "P=". */
		code = line.ptr[0];
		while (line.len && line.ptr[0] != '=' && line.ptr[0] != ',')
			line = span_skip(line, 1);
		if (line.len == 0 || line.ptr[0] != '=') {
			cf_report(ev, "", "mailer %.*s: `=' expected", SPAN_ARG(m->name));
			return;
		}
		line = skip_space(span_skip(line, 1));
		/*
		 * cf_munch handles \n, \r, \t, quotes and backslashes, so E=\r\n comes out
		 * as octets.
		 */
		v = cf_munch(ev->cf, &line, ',');
		if (!set_field(ev, m, code, v))
			return;
	}
	/* Without A= nothing could be started: such a mailer is not entered at all. */
	if (!m->argv.len) {
		cf_report(ev, "", "M%.*s: A= argument required", SPAN_ARG(m->name));
		return;
	}
	if (!m->path.len) {
		cf_report(ev, "", "M%.*s: P= argument required", SPAN_ARG(m->name));
		return;
	}
	set_defaults(m);
	enter_mailer(ev, m);
}
