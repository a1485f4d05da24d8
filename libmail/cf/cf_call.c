/*
 * The $> of a right side; see cf/cf_part.h.
 *
 * sendmail finds all of them before it does the first, so that what a call gives is never
 * taken for another one.
 */
#include "cf/cf.h"
#include "cf/cf_part.h"

/* The ruleset that a $> names; -1 after a report. */
static int called_ruleset(struct cf_eval *ev, struct cf_tok *name)
{
	struct span s = span_make(name->p, name->len);
	int rs;

	if (s.len && memchr(s.ptr, '"', s.len))
		s = cf_strip_quotes(ev, s);
	rs = cf_ruleset_id(ev, s, false, NULL);
	if (rs < 0) {
		/* It stays, without its quotes. */
		name->p = s.ptr;
		name->len = (uint16_t)s.len;
		name->id = cf_word_find(ev->cf, s.ptr, s.len);
		cf_report(ev, "554 5.3.5", "Unknown ruleset %.*s", SPAN_ARG(s));
	}
	return rs;
}

int cf_calls_find(struct cf_eval *ev, struct cf_tok *tok, size_t *n, size_t *at, int *called)
{
	int k = 0;

	for (size_t i = 0; i + 1 < *n; i++) {
		int rs;

		if (tok[i].op != CF_CALL)
			continue;
		rs = called_ruleset(ev, &tok[i + 1]);
		if (rs < 0)
			return -1;
		/* A call of nothing goes, and the token that takes its place is passed over. */
		if (!ev->cf->rs[rs].first) {
			if (ev->debug >= 3)
				cf_trace_ruleset(ev, CF_STEP_SKIPPED, rs, NULL, NULL, 0);
			*n -= 2;
			memmove(tok + i, tok + i + 2, (*n - i) * sizeof *tok);
		} else if (k == CF_CALLS - 1) {
			cf_report(ev, "554 5.3.0", "Too many subroutine calls (%d max)", CF_CALLS);
			return -1;
		} else {
			at[k] = i;
			called[k++] = rs;
		}
	}
	return k;
}

/* sendmail does it in place.  Only where rules are shown: others share the configuration. */
void cf_calls_unquote(struct cf_eval *ev, const struct cf_rule *r)
{
	struct cf_tok *rhs = (struct cf_tok *)r->rhs;

	for (size_t i = 0; i + 1 < r->nrhs; i++) {
		struct cf_tok *name = &rhs[i + 1];
		struct span s = span_make(name->p, name->len);

		if (rhs[i].op != CF_CALL || !s.len || !memchr(s.ptr, '"', s.len))
			continue;
		s = arena_dup(&ev->cf->mem, cf_strip_quotes(ev, s));
		*name = (struct cf_tok){
		    .p = s.ptr, .len = (uint16_t)s.len, .id = cf_word_find(ev->cf, s.ptr, s.len)};
	}
}
