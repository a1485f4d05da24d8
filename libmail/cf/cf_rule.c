/*
 * Rulesets: their names and numbers, and R lines made into arrays of tokens; see
 * cf/cf.h.
 *
 * A broken rule is reported as sendmail reports it and what can be used of it is.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

/* Numbers in a configuration end here; named rulesets have those above. */
enum { RS_MAX = CF_RULESETS / 2 };

static size_t skip_space(struct span s, size_t at)
{
	while (at < s.len && ascii_is_space(s.ptr[at]))
		at++;
	return at;
}

/* strtol as far as digits go, and no further than tells too large. */
static size_t parse_number(struct span s, size_t at, long *v)
{
	for (*v = 0; at < s.len && ascii_is_digit(s.ptr[at]); at++)
		if (*v < 100000000)
			*v = *v * 10 + (s.ptr[at] - '0');
	return at;
}

static int find_named(const struct cf *cf, struct span name)
{
	for (int i = 0; i < CF_RULESETS; i++)
		if (cf->rs[i].name.len && span_eq(cf->rs[i].name, name))
			return i;
	return -1;
}

/* "name=number": the number given, or -1 after a report. */
static long given_number(struct cf_eval *ev, struct span s, size_t at, size_t *used)
{
	long v;

	at = skip_space(s, at);
	if (at == s.len || !ascii_is_digit(s.ptr[at])) {
		cf_report(ev, "", "bad ruleset definition \"%.*s\" (number required after `=')",
			  SPAN_ARG(s));
		return -1;
	}
	*used = parse_number(s, at, &v);
	/* Numbers from RS_MAX on belong to named rulesets, which count down from the end. */
	if (v >= RS_MAX) {
		cf_report(ev, "", "bad ruleset number %ld in \"%.*s\" (%d max)", v, SPAN_ARG(s),
			  RS_MAX);
		return -1;
	}
	return v;
}

static int named_ruleset(struct cf_eval *ev, struct span s, size_t at, bool create, size_t *used)
{
	struct cf *cf = ev->cf;
	size_t end = at;
	struct span name;
	int old;
	long rs;

	while (end < s.len && (ascii_is_alnum(s.ptr[end]) || s.ptr[end] == '_'))
		end++;
	if (end == at || !ascii_is_alpha(s.ptr[at])) {
		struct span shown = span_head(span_skip(s, at), 20);

		cf_report(ev, "", "invalid ruleset name: \"%.*s\"", SPAN_ARG(shown));
		return -1;
	}
	/* Case matters in ruleset names. */
	name = span_make(s.ptr + at, end - at);
	old = find_named(cf, name);
	*used = end = skip_space(s, end);
	/* At run time nothing is created: an unknown name is the caller's error. */
	if (!create)
		return old;
	if (end < s.len && s.ptr[end] == '=') {
		rs = given_number(ev, s, end + 1, used);
	} else if (old >= 0) {
		rs = old;
	} else if (cf->next_named <= RS_MAX) {
		cf_report(ev, "", "%.*s: too many named rulesets (%d max)", SPAN_ARG(name), RS_MAX);
		rs = -1;
	} else {
		rs = --cf->next_named;
	}
	/* Rules may refer to the old number already, so that one stays. */
	if (old >= 0 && rs >= 0 && rs != old) {
		cf_report(ev, "", "%.*s: ruleset changed value (old %d, new %ld)", SPAN_ARG(s), old,
			  rs);
		rs = old;
	}
	if (rs >= 0)
		cf->rs[rs].name = arena_dup(&cf->mem, name);
	return (int)rs;
}

int cf_ruleset_id(struct cf_eval *ev, struct span s, bool create, size_t *used)
{
	size_t at = skip_space(s, 0), dummy;
	long v;

	if (!used)
		used = &dummy;
	*used = at;
	if (at < s.len && ascii_is_digit(s.ptr[at])) {
		*used = parse_number(s, at, &v);
		if (v >= RS_MAX) {
			cf_report(ev, "", "bad ruleset %ld (%d max)", v, RS_MAX);
			return -1;
		}
		return (int)v;
	}
	return named_ruleset(ev, s, at, create, used);
}

void cf_ruleset_name(const struct cf *cf, int rs, struct buf *out)
{
	if (rs >= 0 && rs < CF_RULESETS && cf->rs[rs].name.len)
		buf_put(out, cf->rs[rs].name);
	else
		buf_putu(out, (uint64_t)(rs < 0 ? 0 : rs));
}

/* Tokens that live as long as the configuration, those that the splitter made do not. */
static const struct cf_tok *copy_tokens(struct cf *cf, const struct cf_tok *tok, size_t n)
{
	struct cf_tok *p = arena_alloc(&cf->mem, n * sizeof *p);

	if (!p)
		return NULL;
	memcpy(p, tok, n * sizeof *p);
	for (size_t i = 0; i < n; i++) {
		/* Literals point into the word table, unless their case differs. */
		const struct cf_word *w = p[i].id ? &cf->words[p[i].id] : NULL;

		if (w && memcmp(w->p, p[i].p, p[i].len) == 0)
			p[i].p = w->p;
		else if (!p[i].op)
			p[i].p = arena_dup(&cf->mem, span_make(p[i].p, p[i].len)).ptr;
	}
	return p;
}

/* One field of the line, expanded and split. */
static bool scan_side(struct cf_eval *ev, struct span text, struct cf_tok *tok, size_t *n)
{
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	cf_expand(ev, text, &b);
	return cf_scan(ev, buf_span(&b), '\t', CF_SCAN_RULE, tok, n, NULL);
}

/*
 * Bit of a literal in a rule's need and a workspace's have. Words share bits, so an absent
 * bit proves that a rule cannot match, and a present one only that it may: most rules are
 * passed over by one AND.
 */
static uint64_t word_bit(uint32_t id)
{
	return id ? (uint64_t)1 << id % 64 : 0;
}

/* Operators that make no sense on a side are reported and kept, as sendmail does. */
static const char *wrong_left(int op)
{
	switch (op) {
	case CF_REPL:
		return "$1-$9";
	case CF_USER:
		return "$:";
	case CF_CALL:
		return "$>";
	case CF_IF:
		return "$?";
	case CF_FI:
		return "$.";
	case CF_CANON:
		return "$[";
	case CF_CANONEND:
		return "$]";
	case CF_LOOKUP:
		return "$(";
	case CF_LOOKUPEND:
		return "$)";
	default:
		return NULL;
	}
}

static const char *wrong_right(int op)
{
	switch (op) {
	case CF_ANY0:
		return "$*";
	case CF_ANY1:
		return "$+";
	case CF_ONE:
		return "$-";
	case CF_CLASS:
		return "$=";
	case CF_NCLASS:
		return "$~";
	default:
		return NULL;
	}
}

static int check_left(struct cf_eval *ev, struct cf_rule *r)
{
	int fuzzy = 0;

	for (size_t i = 0; i < r->nlhs; i++) {
		const struct cf_tok *t = &r->lhs[i];
		const char *botch = wrong_left(t->op);

		if (botch)
			cf_report(ev, "", "Inappropriate use of %s on LHS", botch);
		/* CF_ANY0 to CF_NCLASS are the wildcards. */
		if (t->op >= CF_ANY0 && t->op <= CF_NCLASS && t->op)
			fuzzy++;
		/*
		 * The fewest tokens that the left side can match: $* and $@ match none,
		 * and the length of $&x is known only at run time.
		 */
		if (t->op == 0) {
			r->need |= word_bit(t->id);
			r->least++;
		} else if (t->op != CF_ANY0 && t->op != CF_HOST && t->op != CF_DEFER) {
			r->least++;
		}
	}
	return fuzzy;
}

static bool is_lookup(int op)
{
	return op == CF_CANON || op == CF_LOOKUP;
}

/* $1 to $9 count the wildcards of the left side; cf_rewrite checks again at run time. */
static void check_right(struct cf_eval *ev, const struct cf_rule *r, int fuzzy)
{
	for (size_t i = 0; i < r->nrhs; i++) {
		const struct cf_tok *t = &r->rhs[i];
		const char *botch = wrong_right(t->op);

		if (botch)
			cf_report(ev, "", "Inappropriate use of %s on RHS", botch);
		if (is_lookup(t->op)) {
			int op = 0, close = t->op == CF_CANON ? CF_CANONEND : CF_LOOKUPEND;

			for (size_t k = i + 1; k < r->nrhs && op != close && !is_lookup(op); k++)
				op = r->rhs[k].op;
			if (is_lookup(op))
				cf_report(ev, "", "cannot nest map lookups");
			else if (op != close)
				cf_report(ev, "", "missing map closing token");
		}
		if (t->op == CF_REPL && (t->arg <= '0' || t->arg > '0' + fuzzy))
			cf_report(ev, "", "replacement $%c out of bounds", t->arg);
	}
}

void cf_rule_add(struct cf_eval *ev, int rs, struct span line)
{
	struct cf_ruleset *set = &ev->cf->rs[rs];
	struct cf_tok *tok = cf_scratch(ev);
	struct cf_rule *r = arena_alloc(&ev->cf->mem, sizeof *r);
	struct span left = span_cut(&line, '\t');
	size_t n;
	int fuzzy = 0;

	/*
	 * A rule that could not be stored is dropped whole; one with a broken side is kept
	 * with that side empty, as sendmail keeps it, so rule numbers in messages agree.
	 */
	if (!tok || !r)
		return;
	/*
	 * The tokens are shared by both sides: the left one is copied before the right one
	 * is split.
	 */
	r->line = ev->line;
	ev->cf->split = true;
	if (scan_side(ev, left, tok, &n) && n) {
		r->nlhs = (uint16_t)n;
		r->lhs = copy_tokens(ev->cf, tok, n);
		fuzzy = check_left(ev, r);
		if (fuzzy > CF_FUZZY) {
			cf_report(ev, "", "R line: too many wildcards");
			r->nlhs = 0;
		}
	} else {
		cf_report(ev, "", "R line: null LHS");
	}
	/* Any number of tabs parts the sides; a third field is a remark. */
	while (line.len && line.ptr[0] == '\t')
		line = span_skip(line, 1);
	if (scan_side(ev, span_cut(&line, '\t'), tok, &n) && n) {
		r->nrhs = (uint16_t)n;
		r->rhs = copy_tokens(ev->cf, tok, n);
		check_right(ev, r, fuzzy);
	} else {
		cf_report(ev, "", "R line: null RHS");
	}
	if (!r->lhs)
		r->nlhs = 0;
	if (!r->rhs)
		r->nrhs = 0;
	if (set->last)
		set->last->next = r;
	else
		set->first = r;
	set->last = r;
}
