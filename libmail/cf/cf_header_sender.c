/*
 * The sender of a message: $f, the return path for a mailer, the "From " line; see
 * cf/cf_header.h and sendmail's setsender and putfromline.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf_header.h"

/* Rulesets 3, 1 and 4; the tokens stand in tok. */
static bool rewrite(struct cf_eval *ev, struct span from, struct cf_tok *tok, size_t *n)
{
	if (!tok || !cf_scan(ev, from, '\0', CF_SCAN_ADDRESS, tok, n, NULL))
		return false;
	cf_rewrite(ev, tok, n, 3);
	cf_rewrite(ev, tok, n, 1);
	cf_rewrite(ev, tok, n, 4);
	return true;
}

static void join(const struct cf *cf, const struct cf_tok *tok, size_t n, char out[CF_NAME])
{
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	cf_join(cf, tok, n, '\0', CF_LINE, &b);
	span_to_cstr(buf_span(&b), out, CF_NAME);
}

bool cf_header_sender(struct cf_eval *ev, struct span from, struct cf_sender *out)
{
	struct cf_addr a = {0};
	struct cf_tok *tok;
	size_t n = 0, at = 0;
	bool ok;

	memset(out, 0, sizeof *out);
	span_to_cstr(from, out->given, sizeof out->given);
	memcpy(out->address, out->given, sizeof out->address);
	cf_eval_reset(ev);
	ok = cf_addr_parse(ev, from, CF_ADDR_SENDER, &a) && a.mailer;
	if (ok && cf_mailer_flag(a.mailer, 'l'))
		span_to_cstr(a.user, out->user, sizeof out->user);
	tok = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *tok);
	if (cf_addr_invalid(ev, from) || !rewrite(ev, from, tok, &n))
		return false;
	join(ev->cf, tok, n, out->address);
	while (at < n && (tok[at].op || tok[at].len != 1 || tok[at].p[0] != '@'))
		at++;
	if (ok && cf_mailer_flag(a.mailer, 'C') && at < n)
		join(ev->cf, tok + at, n - at, out->domain);
	cf_eval_reset(ev);
	return ok;
}

int cf_header_return_path(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
			  struct buf *out)
{
	int status;

	cf_eval_reset(ev);
	/* Rulesets may give the null path a name, as EnvFromL does. */
	status = cf_addr_remote_at(ev, s->address[0] ? span_str(s->address) : SPAN("<>"), m,
				   CF_ADDR_SENDER | CF_ADDR_BARE, SPAN(""), out);
	cf_eval_reset(ev);
	return status;
}

void cf_header_from_line(struct cf_eval *ev, const struct cf_mailer *m, struct buf *out)
{
	struct span line = cf_option_get(ev->cf, "UnixFromLine"), g = cf_macro_get(ev, 'g');
	size_t bang = span_index(g, '!');

	if (cf_mailer_flag(m, 'n'))
		return;
	if (!line.ptr)
		line = SPAN("From \201g  \201d");
	if (!cf_mailer_flag(m, 'U')) {
		cf_expand(ev, line, out);
	} else if (bang == g.len) {
		cf_expand(ev, SPAN("From \201g  \201d"), out);
	} else {
		/* UUCP: the first host of the path is who we have it from. */
		buf_puts(out, "From ");
		buf_put(out, span_skip(g, bang + 1));
		cf_expand(ev, SPAN("  \201d remote from "), out);
		buf_put(out, span_head(g, bang));
	}
	buf_putc(out, '\n');
}
