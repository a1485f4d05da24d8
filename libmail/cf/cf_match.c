/*
 * Does a left side match? The order in which wildcards grow is sendmail's, since
 * $1 to $9 depend on it; see cf/cf.h.
 *
 * Wildcards start as short as they may be and the last one grows first.  A $=x
 * grows token by token until the joined text is a member.
 */
#include "base/ascii.h"
#include "cf/cf.h"

/* A wildcard: which element of the pattern it is, and the tokens first to end that it holds now. */
struct fuzzy {
	uint16_t pattern, first, end;
};

struct matcher {
	struct cf_eval *ev;
	const struct cf_tok *tok;
	size_t n;
	struct fuzzy m[CF_FUZZY];
	int used;
};

static bool has_class(const struct cf_word *w, int id)
{
	return w->classes && (w->classes[id / 64] >> id % 64 & 1);
}

/*
 * Lengthens f to the next end at which its text is in the class. The longest member bounds
 * the search: no text beyond it can be one.
 */
static bool grow_class(struct matcher *x, struct fuzzy *f, int id)
{
	struct cf *cf = x->ev->cf;
	char mem[CF_NAME + CF_ATOMS];
	size_t max = cf->class_len[id] < sizeof mem ? cf->class_len[id] : sizeof mem, len;
	struct buf b;

	/* A single token was looked up when the workspace was split, so its bit is enough. */
	if (f->end == f->first && f->end < x->n) {
		const struct cf_tok *t = &x->tok[f->end++];

		if (t->id && has_class(&cf->words[t->id], id))
			return true;
	}
	while (f->end < x->n && cf_spend(x->ev, (size_t)(f->end - f->first) + 1)) {
		len = 0;
		f->end++;
		for (size_t i = f->first; i < f->end && len <= max; i++)
			len += x->tok[i].op ? 1 : x->tok[i].len;
		if (len > max)
			return false;
		buf_init_fixed(&b, mem, sizeof mem);
		cf_join(cf, x->tok + f->first, (size_t)(f->end - f->first), '\0', CF_LINE, &b);
		if (cf_class_has(cf, id, buf_span(&b)))
			return true;
	}
	return false;
}

/*
 * Gives back wildcards until one can grow; false when none is left. The pattern is then
 * resumed behind it, and everything later starts over as short as it may be.
 */
static bool back_up(struct matcher *x, const struct cf_rule *r, size_t *pat, size_t *at)
{
	while (x->used > 0) {
		struct fuzzy *f = &x->m[--x->used];
		const struct cf_tok *p = &r->lhs[f->pattern];
		bool grown = false;

		if (p->op == CF_CLASS) {
			grown = grow_class(x, f, p->arg);
		} else if ((p->op == CF_ANY0 || p->op == CF_ANY1) && f->end < x->n) {
			f->end++;
			grown = true;
		}
		if (grown) {
			x->used++;
			*pat = (size_t)f->pattern + 1;
			*at = f->end;
			return true;
		}
	}
	return false;
}

/* A run-time macro on the left: its value must be the next tokens, joined by nothing. */
static bool match_macro(struct matcher *x, int id, size_t *at)
{
	struct span v = cf_macro_get(x->ev, id);
	size_t i = *at;

	if (x->ev->debug >= 2 && x->ev->host->trace) {
		struct cf_trace t = {.step = CF_STEP_MACRO_LEFT, .status = id, .text = v};

		x->ev->host->trace(x->ev->host->ctx, &t);
	}
	/* Prefix by prefix: the value was never split into tokens of its own. */
	while (v.len) {
		const struct cf_tok *t = &x->tok[i];

		if (i == x->n || t->op || !ascii_starts_nocase(v, span_make(t->p, t->len)))
			return false;
		v = span_skip(v, t->len);
		i++;
	}
	*at = i;
	return true;
}

/* One element of the pattern against the tokens from *at on. */
static bool match_one(struct matcher *x, const struct cf_tok *p, size_t pat, size_t *at)
{
	struct fuzzy f = {(uint16_t)pat, (uint16_t)*at, (uint16_t)*at};
	const struct cf_tok *t = &x->tok[*at];

	switch (p->op) {
	case 0:
		(*at)++;
		return t->id == p->id && !t->op;
	case CF_HOST:
		return true;
	case CF_DEFER:
		return match_macro(x, p->arg, at);
	case CF_ANY0:
		/* $* starts empty and grows in back_up. */
		break;
	case CF_NCLASS:
		if (t->id && has_class(&x->ev->cf->words[t->id], p->arg))
			return false;
		f.end++;
		break;
	case CF_ONE:
	case CF_ANY1:
		f.end++;
		break;
	case CF_CLASS:
		if (!grow_class(x, &f, p->arg))
			return false;
		break;
	default:
		(*at)++;
		return t->op == p->op && t->arg == p->arg;
	}
	*at = f.end;
	x->m[x->used++] = f;
	return true;
}

bool cf_match(struct cf_eval *ev, const struct cf_rule *rule, const struct cf_tok *tok, size_t n,
	      uint16_t *from, uint16_t *to, int *fuzzy)
{
	struct matcher x = {.ev = ev, .tok = tok, .n = n};
	size_t pat = 0, at = 0;

	while (at < n || pat < rule->nlhs) {
		const struct cf_tok *p;

		/*
		 * Backtracking is exponential in the number of wildcards, and the address
		 * is a stranger's: fuel bounds the whole rewriting.
		 */
		if (!cf_spend(ev, 1))
			return false;
		/* The pattern is used up but tokens are left. */
		if (pat == rule->nlhs) {
			if (!back_up(&x, rule, &pat, &at))
				return false;
			continue;
		}
		p = &rule->lhs[pat];
		/* Every growth leaves less for what follows, so this cannot be mended. */
		if (at == n && p->op != CF_ANY0 && p->op != CF_HOST)
			return false;
		if (match_one(&x, p, pat, &at))
			pat++;
		else if (!back_up(&x, rule, &pat, &at))
			return false;
	}
	*fuzzy = x.used;
	for (int i = 0; i < x.used; i++) {
		from[i] = x.m[i].first;
		to[i] = x.m[i].end;
	}
	return true;
}

/* Reported once, when the fuel runs out; every later step then fails silently. */
bool cf_spend(struct cf_eval *ev, size_t n)
{
	bool first = ev->fuel > 0;

	if (ev->fuel > n) {
		ev->fuel -= (uint32_t)n;
		return true;
	}
	ev->fuel = 0;
	ev->tired = true;
	if (first)
		cf_report(ev, "554 5.3.5", "rewrite: too much work (max %d steps)", CF_STEPS);
	return false;
}
