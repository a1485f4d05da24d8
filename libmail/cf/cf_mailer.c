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
	RCPT_MAX = 100,  /* recipients in one transaction, which RFC 5321 4.5.3.1.8 guarantees */
	ACCOUNTS_MAX = 16 << 20 /* octets of a file of users */
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

static void set_flags(struct cf_mailer *m, struct span letters)
{
	for (; letters.len; letters = span_skip(letters, 1)) {
		unsigned char c = (unsigned char)letters.ptr[0] & 127;

		if (!ascii_is_space((char)c))
			m->flags[c / 64] |= (uint64_t)1 << c % 64;
	}
}

void cf_mailers_complete(struct cf *cf)
{
	static const char *const names[] = {"local", "prog", "*file*"};

	for (int i = 0; i < 3; i++) {
		struct cf_mailer *m = cf_mailer_find(cf, span_str(names[i]));

		/* Programs and files are for one recipient at a time. */
		if (m && i)
			m->flags['m' / 64] &= ~((uint64_t)1 << 'm' % 64);
		if (!m || cf->level >= 7)
			continue;
		set_flags(m, SPAN("q"));
		if (cf->level < 6)
			set_flags(m, i ? SPAN("o") : SPAN("Aw5:|/@"));
	}
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

/* T=mta-type/address-type/diagnostic-type, for the fields of a DSN (RFC 3464 section 2.3). */
static void set_types(struct cf_mailer *m, struct span v)
{
	static const struct span types[] = {{"dns", 3}, {"rfc822", 6}, {"smtp", 4}};

	for (int i = 0; i < 3; i++) {
		struct span t = ascii_skip_space(i < 2 ? span_cut(&v, '/') : v);

		if (t.len || !m->type[i].len)
			m->type[i] = t.len ? t : types[i];
	}
}

long cf_account_id(struct cf_eval *ev, const char *file, struct span name, int col)
{
	struct buf b;
	long id = -1;

	buf_init(&b, ACCOUNTS_MAX);
	if (ev->host->read_file)
		ev->host->read_file(ev->host->ctx, span_str(file), &b);
	for (struct span s = buf_span(&b); s.len && id < 0;) {
		struct span line = span_cut(&s, '\n'), v = span_cut(&line, ':');

		if (!span_eq(v, name))
			continue;
		for (int i = 0; i < col; i++)
			v = span_cut(&line, ':');
		id = number(v);
	}
	buf_free(&b);
	return id;
}

/* U=user:group, names or numbers; without a group a user's own. */
static void set_user(struct cf_eval *ev, struct cf_mailer *m, struct span v)
{
	struct span user = span_trim(span_cut(&v, ':')), group = span_trim(v);

	if (!user.len) {
		cf_report(ev, "", "mailer %.*s: null user name", SPAN_ARG(m->name));
		return;
	}
	if (ascii_is_digit(user.ptr[0])) {
		m->uid = number(user);
	} else {
		m->uid = cf_account_id(ev, "/etc/passwd", user, 2);
		m->gid = cf_account_id(ev, "/etc/passwd", user, 3);
		if (m->uid < 0)
			cf_report(ev, "", "readcf: mailer U= flag: unknown user %.*s",
				  SPAN_ARG(user));
	}
	if (group.len && m->uid >= 0) {
		m->gid = ascii_is_digit(group.ptr[0]) ? number(group)
						      : cf_account_id(ev, "/etc/group", group, 2);
		if (m->gid < 0)
			cf_report(ev, "", "readcf: mailer U= flag: unknown group %.*s",
				  SPAN_ARG(group));
	}
	m->user = user;
	m->group = group;
}

/* Blanks part the words of A=, one is enough. */
static struct span squeeze(struct cf *cf, struct span v)
{
	char *p = (char *)arena_dup(&cf->mem, v).ptr;
	size_t n = 0;

	for (v = ascii_skip_space(v); p && v.len; v = span_skip(v, 1)) {
		if (!ascii_is_space(v.ptr[0]))
			p[n++] = v.ptr[0];
		else if (span_skip(v, 1).len && !ascii_is_space(v.ptr[1]))
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
		if (code == 'W')
			cf_check_time(ev, v);
		return true;
	}
	switch (code) {
	case 'P':
		m->path = v;
		break;
	case 'F':
		set_flags(m, v);
		break;
	case 'S':
		return set_rulesets(ev, v, &m->se, &m->sh);
	case 'R':
		return set_rulesets(ev, v, &m->re, &m->rh);
	case 'E':
		if (!v.len)
			cf_report(ev, "", "mailer %.*s: null end-of-line string",
				  SPAN_ARG(m->name));
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
		set_user(ev, m, v);
		break;
	default:
		cf_report(ev, "", "M%.*s: unknown mailer equate %c=", SPAN_ARG(m->name), code);
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

/* A mailer of the network names host or socket in A=; only its old name differs in meaning. */
static bool check_network(struct cf_eval *ev, const struct cf_mailer *m)
{
	struct span rest = m->argv, first = span_cut(&rest, ' ');

	if (span_eq(m->path, SPAN("[TCP]"))) {
		cf_report(ev, "", "M%.*s: P=[TCP] must be replaced by P=[IPC]", SPAN_ARG(m->name));
		return false;
	}
	if (!span_eq(m->path, SPAN("[IPC]")) && !span_eq(m->path, SPAN("[FILE]")))
		return true;
	if (!rest.len) {
		cf_report(ev, "", "M%.*s: too few parameters for %.*s mailer", SPAN_ARG(m->name),
			  SPAN_ARG(m->path));
		return false;
	}
	if (span_eq(first, SPAN("FILE")))
		return true;
	if (m->path.ptr[1] == 'F') {
		cf_report(ev, "", "M%.*s: first argument in [FILE] mailer must be FILE",
			  SPAN_ARG(m->name));
		return false;
	}
	if (!span_eq(first, SPAN("TCP")))
		cf_note(ev, "M%.*s: Warning: first argument in [IPC] mailer must be TCP or FILE",
			SPAN_ARG(m->name));
	return true;
}

static void set_defaults(struct cf_mailer *m)
{
	if (cf_mailer_flag(m, 'L') && m->line_limit == 0)
		m->line_limit = SMTP_LINE;
	if (m->max_rcpt <= 0)
		m->max_rcpt = RCPT_MAX;
	if (span_eq(m->path, SPAN("[IPC]")))
		set_types(m, span_starts(m->argv, SPAN("FILE")) && !m->type[2].len
				 ? SPAN("//x-unix")
				 : SPAN(""));
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
	struct span v;
	size_t n = 0;
	int code;

	if (!m)
		return;
	/* -1: no user or group named, so the caller's default applies. */
	*m = (struct cf_mailer){.uid = -1, .gid = -1, .max_rcpt = RCPT_MAX};
	while (n < line.len && line.ptr[n] != ',' && !ascii_is_space(line.ptr[n]))
		n++;
	if (n == 0) {
		cf_report(ev, "", "name required for mailer");
		return;
	}
	m->name = arena_dup(&ev->cf->mem, span_head(line, n));
	line = span_skip(line, n + 1);
	while ((code = cf_equate(ev, "mailer ", m->name, &line, &v)) > 0)
		if (!set_field(ev, m, (char)code, v))
			return;
	if (code < 0)
		return;
	/* Without A= nothing could be started: such a mailer is not entered at all. */
	if (!m->argv.len) {
		cf_report(ev, "", "M%.*s: A= argument required", SPAN_ARG(m->name));
		return;
	}
	if (!m->path.len) {
		cf_report(ev, "", "M%.*s: P= argument required", SPAN_ARG(m->name));
		return;
	}
	if (!check_network(ev, m))
		return;
	set_defaults(m);
	enter_mailer(ev, m);
}
