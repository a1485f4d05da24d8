/*
 * Reading a configuration: lines, continuation, comments, and what each kind of
 * line does; see cf/cf.h.
 *
 * Reading never stops at a mistake; the messages are those of sendmail.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

enum {
	SCRATCH_KEEP = 8 << 10,  /* memory that is used again is cheaper than more of it */
	OLDEST_COMMENT_LEVEL = 3 /* "#" inside a line starts a comment from this level on */
};

/*
 * What the splitter does with each octet: operators are tokens of one octet, all others
 * stick together. The fixed set cannot be turned off: the address syntax depends on it.
 */
void cf_set_operators(struct cf *cf, struct span chars)
{
	enum { OPR, ATM, QST, SPC };
	static const char always[] = "()<>,;\r\n";

	if (cf->split)
		return;
	memset(cf->types, ATM, sizeof cf->types);
	for (const char *p = " \t\n\v\f\r\377"; *p; p++)
		cf->types[(unsigned char)*p] = SPC;
	cf->types['"'] = QST;
	for (size_t i = 0; i < chars.len; i++)
		if (cf->types[(unsigned char)chars.ptr[i]] == ATM)
			cf->types[(unsigned char)chars.ptr[i]] = OPR;
	for (const char *p = always; *p; p++)
		if (cf->types[(unsigned char)*p] == ATM)
			cf->types[(unsigned char)*p] = OPR;
}

/*
 * sendmail's munchstring: quotes and backslashes go, "\n" and its like become octets, and
 * delim ends the field outside of quotes.
 */
struct span cf_munch(struct cf *cf, struct span *s, char delim)
{
	char *p = arena_alloc(&cf->mem, s->len);
	bool quoted = false, escape = false;
	size_t i = 0, n = 0;

	for (; p && i < s->len; i++) {
		char c = s->ptr[i];

		if (escape) {
			escape = false;
			p[n++] = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c;
		} else if (c == '\\') {
			escape = true;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == delim && delim) {
			break;
		} else {
			p[n++] = c;
		}
	}
	*s = span_skip(*s, i);
	return span_make(p, n);
}

bool cf_queue_known(const struct cf *cf, struct span name)
{
	for (const struct cf_line *l = cf->lines; l; l = l->next) {
		struct span t = l->text;

		if (l->kind == 'Q' && ascii_eq_nocase(span_trim(span_cut(&t, ',')), name))
			return true;
	}
	return ascii_eq_nocase(name, SPAN("mqueue")); /* the group that always exists */
}

size_t cf_strip_comment(char *p, size_t len)
{
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		/* "$#" is an operator: the octet behind "$" is never a comment's start. */
		if (p[i] == '$' && i + 1 < len && p[i + 1] != '\n') {
			p[to++] = p[i++];
			p[to++] = p[i];
		} else if (p[i] != '#' || i == 0) {
			p[to++] = p[i];
		} else if (to && p[to - 1] == '\\') {
			/* "\#" is an octet, and the backslash goes. */
			p[to - 1] = '#';
		} else {
			/*
			 * The blanks before a comment go as well, or they would end up in
			 * a value.
			 */
			while (to > 1 && ascii_is_space(p[to - 1]))
				to--;
			while (i + 1 < len && p[i + 1] != '\n')
				i++;
		}
	}
	return to;
}

static void keep_line(struct cf_eval *ev, char kind, struct span text)
{
	struct cf *cf = ev->cf;
	struct cf_line *l = arena_alloc(&cf->mem, sizeof *l);

	if (!l)
		return;
	*l = (struct cf_line){NULL, kind, ev->line, arena_dup(&cf->mem, text)};
	*cf->lines_tail = l;
	cf->lines_tail = &l->next;
}

/* Classes, rulesets and maps are expanded while reading; $& is how a rule gets a later value. */
static struct span expanded(struct cf_eval *ev, struct span text, struct buf *b)
{
	cf_expand(ev, text, b);
	return buf_span(b);
}

static void add_to_class(struct cf_eval *ev, int id, struct span text)
{
	struct cf *cf = ev->cf;

	for (struct span word = ascii_cut_word(&text); word.len; word = ascii_cut_word(&text))
		/* $=y in a class line: all members that y has by now. */
		if (word.len > 1 && (unsigned char)word.ptr[0] == CF_CLASS) {
			const struct cf_member *m = cf->members[(unsigned char)word.ptr[1]];

			for (; m; m = m->next)
				cf_class_add(cf, id, m->text);
		} else {
			cf_class_add(cf, id, word);
		}
}

void cf_class_line(struct cf_eval *ev, int id, struct span text)
{
	char mem[CF_LINE];
	struct buf b;

	/* A line that no expansion touches may be of any length. */
	if (cf_has_macro(text)) {
		buf_init_fixed(&b, mem, sizeof mem);
		text = expanded(ev, text, &b);
	}
	add_to_class(ev, id, text);
}

/* Before level 7 $o was what OperatorChars is now. */
static void define_macro(struct cf_eval *ev, int id, struct span text)
{
	cf_macro_define(ev->cf, id, cf_munch(ev->cf, &text, '\0'));
	if (id == 'o' && ev->cf->level < 7)
		cf_set_operators(ev->cf, ev->cf->macro['o']);
}

/* D, C and F lines name a macro or class. */
static void named_line(struct cf_eval *ev, char kind, struct span text)
{
	size_t used;
	int id = cf_macro_id(ev, text, &used);

	if (id == 0)
		return;
	text = span_skip(text, used);
	if (kind == 'D')
		define_macro(ev, id, text);
	else if (kind == 'C')
		cf_class_line(ev, id, text);
	else
		cf_class_file(ev, id, text);
}

static void version_line(struct cf_eval *ev, struct span text)
{
	struct cf *cf = ev->cf;
	struct span w = cf->macro['w'];
	size_t n = 0;

	/* A file without V line is level 0. */
	cf->level = 0;
	text = ascii_skip_space(text);
	for (; n < text.len && ascii_is_digit(text.ptr[n]); n++)
		if (cf->level < 100000)
			cf->level = cf->level * 10 + text.ptr[n] - '0';
	text = span_trim(span_skip(text, n));
	if (n == 0) {
		struct span shown = span_head(text, 20); /* enough to recognize it by */

		cf_report(ev, "", "invalid argument to V line: \"%.*s\"", SPAN_ARG(shown));
	}
	if (text.len && text.ptr[0] == '/') {
		cf->vendor = arena_dup(&cf->mem, span_skip(text, 1));
		/* Another vendor's file may mean something else by the same lines. */
		if (!ascii_eq_nocase(cf->vendor, SPAN("Berkeley")) &&
		    !ascii_eq_nocase(cf->vendor, SPAN("Debian")))
			cf_report(ev, "", "invalid V line vendor code: \"%.*s\"",
				  SPAN_ARG(cf->vendor));
	}
	/* From level 5 on $w is the short name. */
	if (cf->level >= 5)
		cf->macro['w'].len = span_index(w, '.');
}

/* Blanks instead of tabs are the classic mistake. */
static void rule_line(struct cf_eval *ev, int rs, struct span line)
{
	if (rs < 0)
		cf_report_line(ev, "missing valid ruleset for \"%.*s\"", line);
	else if (span_index(line, '\t') == line.len)
		cf_report_line(ev, "invalid rewrite line \"%.*s\" (tab expected)", line);
	else
		cf_rule_add(ev, rs, span_skip(line, 1));
}

static int ruleset_line(struct cf_eval *ev, struct span text)
{
	char mem[CF_LINE];
	struct buf b;
	int rs;

	buf_init_fixed(&b, mem, sizeof mem);
	rs = cf_ruleset_id(ev, expanded(ev, text, &b), true, NULL);
	/* Rules are appended, as sendmail does: a feature may add to a ruleset of the main file. */
	if (rs >= 0 && ev->cf->rs[rs].first)
		cf_note(ev, "WARNING: Ruleset %.*s has multiple definitions", SPAN_ARG(text));
	return rs;
}

static void config_line(struct cf_eval *ev, int *rs, struct span line)
{
	struct span rest = span_skip(line, 1);
	char mem[CF_LINE];
	struct buf b;

	switch (line.ptr[0]) {
	case 'R':
		rule_line(ev, *rs, line);
		break;
	case 'S':
		*rs = ruleset_line(ev, rest);
		break;
	case 'D':
	case 'C':
	case 'F':
		named_line(ev, line.ptr[0], rest);
		break;
	case 'K':
		buf_init_fixed(&b, mem, sizeof mem);
		cf_map_add(ev, expanded(ev, rest, &b));
		break;
	case 'M':
		cf_mailer_add(ev, rest);
		break;
	case 'O':
		cf_option_set(ev, rest.len ? rest.ptr[0] : '\0', span_skip(rest, 1));
		break;
	case 'T':
		add_to_class(ev, 't', rest);
		break;
	case 'V':
		version_line(ev, rest);
		break;
	case 'H':
	case 'P':
	case 'E':
	case 'X':
	case 'Q':
		if (cf_line_check(ev, line))
			keep_line(ev, line.ptr[0], rest);
		break;
	default:
		cf_report_line(ev, "unknown configuration line \"%.*s\"", line);
	}
}

/*
 * The next line with its continuation lines, which start with a blank; *lines counts them.
 * The line feeds inside stay, since a comment ends at one.
 */
static struct span folded_line(struct span *text, uint32_t *lines)
{
	size_t n = 0;
	struct span line;

	for (;;) {
		n += span_index(span_skip(*text, n), '\n');
		++*lines;
		if (n + 1 >= text->len || !ascii_is_blank(text->ptr[n + 1]))
			break;
		n++;
	}
	line = span_head(*text, n);
	*text = span_skip(*text, n + 1);
	return line;
}

bool cf_load(struct cf_eval *ev, struct span text)
{
	uint32_t line_no = 0;
	int rs = -1; /* a rule before any S line has no ruleset */

	ev->building = true;
	while (text.len) {
		struct span line;
		char *p;
		size_t n;

		line = folded_line(&text, &line_no);
		ev->line = line_no;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		/* Scratch memory is kept for the next lines until there is much of it. */
		if (ev->mem.total > SCRATCH_KEEP && arena_ok(&ev->mem))
			cf_eval_reset(ev);
		/* A copy, since comments and $ notation are turned into internal text in place. */
		p = (char *)arena_dup(&ev->mem, line).ptr;
		if (!p)
			return false;
		n = line.len;
		if (ev->cf->level >= OLDEST_COMMENT_LEVEL)
			n = cf_strip_comment(p, n);
		while (n > 1 && ascii_is_space(p[n - 1]))
			n--;
		n = cf_translate(ev, p, n);
		config_line(ev, &rs, span_make(p, n));
	}
	cf_mailers_complete(ev->cf);
	ev->line = 0;
	ev->building = false;
	/* A rule that there was no room to read would be missing. */
	return arena_ok(&ev->cf->mem) && arena_ok(&ev->mem) && arena_ok(&ev->kept);
}
