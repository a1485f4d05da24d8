/*
 * Rewriting: rulesets applied to tokens; see cf/cf.h.
 *
 * A right side is done in sendmail's order: substitution of $1 and $&x, then
 * lookups from left to right, then $> calls from right to left.  Recursion and
 * loops are stopped where sendmail stops them; beyond that the number of rulesets
 * that one call enters is bounded.
 */
#include "base/err.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

enum { SCRATCH_TEXT = CF_DEPTH + 3, SCRATCH_LOOKUP };

enum { KEY_MAX = 1024 }; /* MAXKEY: of a lookup's key and default */

struct work {
	struct cf_eval *ev;
	struct cf_tok *tok; /* the workspace */
	size_t n;
	size_t max;             /* tokens that fit */
	int rs, depth, rule_no; /* rule_no counts from 1 */
	const struct cf_rule *rule;
};

static struct span ruleset_name(const struct work *w, struct buf *b)
{
	cf_ruleset_name(w->ev->cf, w->rs, b);
	return buf_span(b);
}

void cf_trace_ruleset(const struct cf_eval *ev, enum cf_step step, int rs,
		      const struct cf_rule *rule, const struct cf_tok *tok, size_t n)
{
	char mem[CF_NAME];
	struct cf_trace t = {.step = step, .tok = tok, .n = n, .rule = rule};
	struct buf b;

	if (!ev->host->trace)
		return;
	buf_init_fixed(&b, mem, sizeof mem);
	cf_ruleset_name(ev->cf, rs, &b);
	t.name = buf_span(&b);
	ev->host->trace(ev->host->ctx, &t);
}

static void trace(const struct work *w, enum cf_step step, const struct cf_tok *tok, size_t n)
{
	cf_trace_ruleset(w->ev, step, w->rs, w->rule, tok, n);
}

static int too_long(const struct work *w)
{
	cf_report(w->ev, "554 5.3.0", "rewrite: expansion too long");
	return EXIT_DATAERR;
}

static bool append(struct cf_tok *out, size_t *n, size_t max, const struct cf_tok *from, size_t k)
{
	if (k > max - *n)
		return false;
	memcpy(out + *n, from, k * sizeof *out);
	*n += k;
	return true;
}

/* Text that came at run time, split; 0 or a status. */
static int append_text(const struct work *w, struct span text, struct cf_tok *out, size_t *n)
{
	struct cf_tok *tmp = w->ev->level[SCRATCH_TEXT];
	size_t k;

	if (!cf_scan(w->ev, text, '\0', CF_SCAN_ADDRESS, tmp, &k, NULL))
		return EXIT_DATAERR;
	return append(out, n, w->max, tmp, k) ? 0 : too_long(w);
}

/* $&x: the value as it would be written, so that operators in it are none. */
static int append_macro(const struct work *w, int id, struct cf_tok *out, size_t *n)
{
	char mem[CF_LINE];
	struct span v = cf_macro_get(w->ev, id);
	struct buf b;

	if (w->ev->debug >= 2 && w->ev->host->trace) {
		struct cf_trace t = {.step = CF_STEP_MACRO_RIGHT, .status = id, .text = v};

		w->ev->host->trace(w->ev->host->ctx, &t);
	}
	buf_init_fixed(&b, mem, sizeof mem);
	cf_show_plain(w->ev->cf, v, &b);
	return append_text(w, buf_span(&b), out, n);
}

/* Which later steps a right side needs. */
enum { HAS_LOOKUP = 1, HAS_CALL = 2 };

static unsigned step_of(uint8_t op)
{
	return op == CF_CANON || op == CF_LOOKUP ? HAS_LOOKUP : op == CF_CALL ? HAS_CALL : 0;
}

static int substitute(const struct work *w, size_t skip, const uint16_t *from, const uint16_t *to,
		      int fuzzy, struct cf_tok *out, size_t *n, unsigned *steps)
{
	const struct cf_rule *r = w->rule;
	char mem[CF_NAME];
	struct buf b;
	int status;

	for (size_t i = skip; i < r->nrhs; i++) {
		const struct cf_tok *t = &r->rhs[i];
		int k = t->arg - '1';

		if (t->op == CF_DEFER) {
			status = append_macro(w, t->arg, out, n);
			if (status)
				return status;
		} else if (t->op != CF_REPL) {
			if (!append(out, n, w->max, t, 1))
				return too_long(w);
			*steps |= step_of(t->op);
		} else if (k < 0 || k >= fuzzy) {
			buf_init_fixed(&b, mem, sizeof mem);
			ruleset_name(w, &b);
			cf_report(w->ev, "554 5.3.5",
				  "rewrite: ruleset %s: replacement $%c out of bounds",
				  buf_cstr(&b), t->arg);
			return EXIT_CONFIG;
		} else {
			for (size_t j = from[k]; j < to[k]; j++)
				*steps |= step_of(w->tok[j].op);
			if (!append(out, n, w->max, w->tok + from[k], (size_t)(to[k] - from[k])))
				return too_long(w);
		}
	}
	return 0;
}

static struct cf_map *map_of(const struct work *w, const struct cf_tok *name)
{
	const struct cf *cf = w->ev->cf;
	int i = name->id ? cf->words[name->id].map : -1;

	return i < 0 ? NULL : cf->maps[i];
}

/* Runs the lookup and appends what it gives. */
static int run_lookup(const struct work *w, struct cf_map *m, struct cf_lookup *l,
		      struct cf_tok *out, size_t *n, int *rstat)
{
	char mem[CF_LINE];
	struct buf b;
	int status = 0;
	bool found;

	l->arg[0] = cf_join_kept(w->ev, l->key, l->nkey, m ? m->space : '\0', KEY_MAX);
	buf_init_fixed(&b, mem, sizeof mem);
	found = m && cf_map_lookup(w->ev, m, l->arg[0], l->arg, &b, &status);
	if (m && status == EXIT_TEMPFAIL && !cf_map_flag(m, 't'))
		*rstat = EXIT_TEMPFAIL;
	if (!found) {
		if (!l->has_dflt)
			return append(out, n, w->max, l->key, l->nkey) ? 0 : too_long(w);
		buf_reset(&b);
		cf_join(w->ev->cf, l->dflt, l->ndflt, '\0', KEY_MAX, &b);
	}
	return append_text(w, buf_span(&b), out, n);
}

/* All lookups of the tokens in, into out. */
static int do_lookups(const struct work *w, struct cf_tok *tok, size_t *n, int *rstat)
{
	struct cf_tok *in = w->ev->level[SCRATCH_LOOKUP];
	size_t nin = *n, i = 0;
	int status;

	memcpy(in, tok, nin * sizeof *in);
	*n = 0;
	while (i < nin) {
		bool canon = in[i].op == CF_CANON;
		struct cf_map *m = canon ? cf_map_find(w->ev->cf, SPAN("host")) : NULL;
		size_t start = i + 1, end;
		struct cf_lookup l;

		if (!canon && in[i].op != CF_LOOKUP) {
			if (!append(tok, n, w->max, &in[i++], 1))
				return too_long(w);
			continue;
		}
		if (!canon) {
			if (start == nin) {
				cf_report(w->ev, "554 5.3.0", "rewrite: missing mapname");
				return EXIT_CONFIG;
			}
			m = map_of(w, &in[start]);
			if (!m)
				cf_report(w->ev, "554 5.3.0", "rewrite: map %.*s not found",
					  in[start].len, in[start].p ? in[start].p : "");
			start++;
		}
		for (end = start; end < nin; end++)
			if (in[end].op == (canon ? CF_CANONEND : CF_LOOKUPEND))
				break;
		cf_lookup_split(w->ev, in + start, end - start, &l);
		i = end < nin ? end + 1 : end;
		status = run_lookup(w, m, &l, tok, n, rstat);
		if (status)
			return status;
	}
	return 0;
}

static int rewrite(struct work *w);

/* Calls from right to left, each with all that stands behind it; a failure ends them. */
static int call(const struct work *w, struct cf_tok *tok, size_t *n)
{
	size_t at[CF_CALLS];
	int called[CF_CALLS], rstat = 0, k = cf_calls_find(w->ev, tok, n, at, called);

	if (w->ev->host->trace)
		cf_calls_unquote(w->ev, w->rule);
	if (k < 0)
		return EXIT_CONFIG;
	while (k-- > 0) {
		size_t i = at[k];
		struct work sub = {w->ev,     tok + i,  *n - i - 2, CF_ATOMS - i,
				   called[k], w->depth, 0,          NULL};
		int status;

		memmove(sub.tok, sub.tok + 2, sub.n * sizeof *tok);
		status = rewrite(&sub);
		*n = i + sub.n;
		if (status && status != EXIT_TEMPFAIL)
			return status;
		if (status)
			rstat = status;
	}
	return rstat;
}

/* A bit for each word in the workspace, against the rules' need. */
static uint64_t words_had(const struct work *w)
{
	uint64_t have = 0;

	for (size_t i = 0; i < w->n; i++)
		if (w->tok[i].id)
			have |= (uint64_t)1 << w->tok[i].id % 64;
	return have;
}

static bool try_rule(struct work *w, uint64_t have, uint16_t *from, uint16_t *to, int *fuzzy)
{
	const struct cf_rule *r = w->rule;
	bool matched = false;

	if (w->ev->debug >= 12)
		trace(w, CF_STEP_TRYING, r->lhs, r->nlhs);
	if (w->ev->debug >= 2 || ((r->need & ~have) == 0 && r->least <= w->n))
		matched = cf_match(w->ev, r, w->tok, w->n, from, to, fuzzy);
	if (w->ev->debug >= 10 && !matched)
		trace(w, CF_STEP_FAILS, NULL, 0);
	if (w->ev->debug >= 12 && matched)
		trace(w, CF_STEP_MATCHES, r->rhs, r->nrhs);
	return matched;
}

/* The right side of the rule that matched, back into the workspace. */
static int apply(struct work *w, size_t skip, const uint16_t *from, const uint16_t *to, int fuzzy,
		 int *rstat)
{
	struct cf_tok *out = w->ev->level[w->depth];
	unsigned steps = 0;
	size_t n = 0;
	int status = substitute(w, skip, from, to, fuzzy, out, &n, &steps);

	if (status == 0 && (steps & HAS_LOOKUP))
		status = do_lookups(w, out, &n, rstat);
	if (status)
		return status;
	if (steps & HAS_CALL) {
		status = call(w, out, &n);
		if (*rstat != EXIT_TEMPFAIL && status)
			*rstat = *rstat && status != EXIT_TEMPFAIL ? *rstat : status;
	}
	cf_spend(w->ev, n + 1);
	/* A call may give more than fits behind what stands before this one. */
	if (n > w->max)
		return too_long(w);
	memcpy(w->tok, out, n * sizeof *out);
	w->n = n;
	if (w->ev->debug >= 4)
		trace(w, CF_STEP_REWRITTEN, w->tok, w->n);
	return 0;
}

static bool have_level(struct cf_eval *ev, int i)
{
	if (!ev->level[i])
		ev->level[i] = arena_alloc(&ev->kept, (CF_ATOMS + 1) * sizeof *ev->level[i]);
	return ev->level[i] != NULL;
}

static bool enter(struct work *w)
{
	char mem[CF_NAME];
	struct buf b;
	struct cf_eval *ev = w->ev;

	buf_init_fixed(&b, mem, sizeof mem);
	if (w->depth++ > CF_DEPTH) {
		ruleset_name(w, &b);
		cf_report(ev, "", "rewrite: excessive recursion (max %d), ruleset %s", CF_DEPTH,
			  buf_cstr(&b));
		return false;
	}
	return cf_spend(ev, 1) && have_level(ev, w->depth);
}

static bool stop_loop(struct work *w, int *loops)
{
	char mem[CF_NAME];
	struct buf b;

	if (++*loops <= CF_LOOPS)
		return false;
	buf_init_fixed(&b, mem, sizeof mem);
	ruleset_name(w, &b);
	cf_report(w->ev, "554 5.3.5", "Infinite loop in ruleset %s, rule %d", buf_cstr(&b),
		  w->rule_no);
	return true;
}

/* The rules one after the other; true in *quit when the trace ends without a result. */
static int run_rules(struct work *w, bool *quit)
{
	uint16_t from[CF_FUZZY + 1], to[CF_FUZZY + 1];
	uint64_t have = words_had(w);
	int rstat = 0, loops = 0, fuzzy, status;

	w->rule = w->ev->cf->rs[w->rs].first;
	w->rule_no = 1;
	while (w->rule && !(w->n && w->tok[0].op == CF_MAILER)) {
		const struct cf_rule *r = w->rule;
		uint8_t lead = r->nrhs ? r->rhs[0].op : 0;
		bool once = lead == CF_USER || lead == CF_HOST;

		if (stop_loop(w, &loops))
			break;
		if (!try_rule(w, have, from, to, &fuzzy)) {
			w->rule = r->next;
			w->rule_no++;
			loops = 0;
			continue;
		}
		status = apply(w, once, from, to, fuzzy, &rstat);
		if (status) {
			*quit = true;
			return status;
		}
		have = words_had(w);
		if (once) {
			w->rule = lead == CF_USER ? r->next : NULL;
			w->rule_no++;
			loops = 0;
		}
	}
	w->rule = NULL;
	return rstat;
}

static int rewrite(struct work *w)
{
	bool quit = false;
	int status;

	trace(w, CF_STEP_INPUT, w->tok, w->n);
	if (!enter(w))
		return EXIT_CONFIG;
	status = run_rules(w, &quit);
	if (!quit)
		trace(w, CF_STEP_RETURNS, w->tok, w->n);
	return status;
}

int cf_rewrite(struct cf_eval *ev, struct cf_tok *tok, size_t *n, int rs)
{
	struct work w = {ev, tok, *n, CF_ATOMS, rs, 0, 0, NULL};
	int status;

	if (!have_level(ev, SCRATCH_TEXT) || !have_level(ev, SCRATCH_LOOKUP))
		return EXIT_OSERR;
	ev->fuel = CF_STEPS;
	status = rewrite(&w);
	*n = w.n;
	return status;
}
