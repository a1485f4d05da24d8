/*
 * Rulesets that decide: check_rcpt and its kind; see cf/cf_addr.h.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf_addr.h"
#include "cf/cf_part.h"

enum { LOCAL = 5 };

int cf_check_find(struct cf_eval *ev, const char *name)
{
	int rs = cf_ruleset_id(ev, span_str(name), false, NULL);

	return rs >= 0 && ev->cf->rs[rs].first ? rs : -1;
}

/* Octets that stand for operators would be commands of a stranger: they are shown as '?'. */
static void put_plain(struct buf *b, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_putc(b, ((unsigned char)s.ptr[i] & 0xe0) == 0x80 ? '?' : s.ptr[i]);
}

static bool is_word(const struct cf_tok *t, const char *word)
{
	return !t->op && ascii_eq_nocase(span_make(t->p, t->len), span_str(word));
}

/* $#error $@ quarantine $: reason */
static bool is_quarantine(const struct cf_tok *tok, size_t n)
{
	return n > 3 && is_word(&tok[1], "error") && tok[2].op == CF_HOST &&
	       is_word(&tok[3], "quarantine");
}

static struct span reason(struct cf_eval *ev, const struct cf_tok *tok, size_t n)
{
	size_t at = 4;

	/* $: is optional here, and so is all behind it. */
	if (at < n && tok[at].op == CF_USER)
		at++;
	return cf_join_kept(ev, tok + at, n - at, ' ', CF_LINE);
}

/* The tokens of "a" or "a $| b", or NULL. */
static struct cf_tok *scan(struct cf_eval *ev, struct span a, struct span b, bool comments,
			   size_t *n)
{
	struct cf_tok *tok = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *tok);
	char mem[CF_LINE];
	struct buf text;

	buf_init_fixed(&text, mem, sizeof mem);
	put_plain(&text, a);
	if (b.ptr) {
		buf_putc(&text, (char)CF_ELSE);
		put_plain(&text, b);
	}
	return tok && buf_ok(&text) &&
		       cf_scan(ev, buf_span(&text), '\0', comments ? CF_SCAN_ADDRESS : CF_SCAN_TEST,
			       tok, n, NULL)
		   ? tok
		   : NULL;
}

int cf_check_words(struct cf_eval *ev, int rs, struct span a, struct span b, struct span *words,
		   size_t *count)
{
	size_t n = 0, max = *count;
	struct cf_tok *tok = NULL;
	int status = rs < 0 ? 0 : EXIT_TEMPFAIL;

	*count = 0;
	if (rs >= 0)
		tok = scan(ev, a, b, false, &n);
	if (tok)
		status = cf_rewrite(ev, tok, &n, rs);
	for (size_t i = 1; tok && i < n && tok[0].op == CF_MAILER && *count < max; i++)
		if (!tok[i].op)
			words[(*count)++] = span_make(tok[i].p, tok[i].len);
	return status;
}

int cf_check_text(struct cf_eval *ev, int rs, struct span a, struct span b, struct span *text)
{
	size_t n = 0;
	struct cf_tok *tok = scan(ev, a, b, false, &n);
	int status = tok ? cf_rewrite(ev, tok, &n, rs) : EXIT_TEMPFAIL;

	if (tok)
		*text = cf_join_kept(ev, tok, n, ' ', CF_LINE);
	return status || !n || tok[0].op != CF_MAILER ? status : EXIT_UNAVAILABLE;
}

enum cf_verdict cf_check(struct cf_eval *ev, int rs, struct span a, struct span b, bool comments,
			 struct cf_addr *out)
{
	struct cf_tok *tok;
	size_t n = 0;

	*out = (struct cf_addr){0};
	if (rs < 0)
		return CF_CHECK_OK;
	tok = scan(ev, a, b, comments, &n);
	if (!tok) {
		out->code = SPAN("451 4.3.2");
		out->text = SPAN("cannot prescan input");
		return arena_ok(&ev->mem) ? CF_CHECK_UNSPLIT : CF_CHECK_REFUSED;
	}
	cf_rewrite(ev, tok, &n, rs);
	/* Whatever is no mailer triple of these two is consent. */
	if (n < 2 || tok[0].op != CF_MAILER)
		return CF_CHECK_OK;
	if (is_word(&tok[1], "discard"))
		return CF_CHECK_DISCARD;
	if (!is_word(&tok[1], "error"))
		return CF_CHECK_OK;
	if (is_quarantine(tok, n)) {
		out->text = reason(ev, tok, n);
		return CF_CHECK_QUARANTINE;
	}
	cf_addr_build(ev, tok, n, 0, out);
	if (!out->code.len) {
		out->code = SPAN("554 5.3.5");
		out->text = SPAN("malformed $#error");
	}
	return CF_CHECK_REFUSED;
}

bool cf_addr_local(struct cf_eval *ev, struct span user, struct span host, struct cf_addr *out)
{
	struct cf_tok *tok = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *tok);
	size_t n = 0;

	*out = (struct cf_addr){0};
	if (!tok || cf_addr_invalid(ev, user) ||
	    !cf_scan(ev, user, '\0', CF_SCAN_ADDRESS, tok, &n, NULL) || n == 0)
		return false;
	cf_macro_set(ev, 'h', host);
	cf_macro_set(ev, 'u', user);
	out->deferred = cf_rewrite(ev, tok, &n, LOCAL) == EXIT_TEMPFAIL;
	return n && tok[0].op == CF_MAILER && cf_addr_build(ev, tok, n, 0, out);
}

/* The code's own status first, then that of $@, then the class and nothing more. */
int cf_check_reply(const struct cf_addr *a, char status[12], struct span *text)
{
	int code =
	    (a->code.ptr[0] - '0') * 100 + (a->code.ptr[1] - '0') * 10 + a->code.ptr[2] - '0';
	struct span own = span_skip(a->code, 4);

	if (cf_enhanced_length(own) != own.len || own.len == 0)
		own = cf_enhanced_length(a->host) == a->host.len ? a->host : SPAN("");
	if (own.len == 0 || !span_to_cstr(own, status, 12)) {
		memcpy(status, "0.0.0", 6);
		status[0] = a->code.ptr[0];
	}
	*text = a->text;
	return code;
}
