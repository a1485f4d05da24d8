/*
 * An address as a mailer wants it written; see cf/cf_addr.h and section 5.1.1 of the
 * operations guide.
 *
 * Text may hold octets 0x80 to 0x9f, which stand for operators inside the engine: they are
 * guarded by CF_LITERAL where they are kept as they are (phrases, comments), and an address
 * that has one itself is left alone.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf_addr.h"

enum { MASK = 0xfe };

static bool is_operator(char c)
{
	return ((unsigned char)c & 0xe0) == 0x80;
}

static void trace_name(struct cf_eval *ev, enum cf_step step, struct span name, struct span text)
{
	struct cf_trace t = {.step = step, .name = name, .text = text};

	if (ev->host->trace)
		ev->host->trace(ev->host->ctx, &t);
}

/* The text with each such octet guarded, or itself when there is none. */
static struct span guarded(struct cf_eval *ev, struct span s)
{
	size_t n = 0, to = 0;
	char *p;

	for (size_t i = 0; i < s.len; i++)
		n += is_operator(s.ptr[i]);
	if (n == 0)
		return s;
	p = arena_alloc(&ev->mem, s.len + n);
	if (!p)
		return s;
	for (size_t i = 0; i < s.len; i++) {
		if (is_operator(s.ptr[i]))
			p[to++] = (char)CF_LITERAL;
		p[to++] = s.ptr[i];
	}
	return span_make(p, to);
}

/*
 * The text as rulesets see it: no stranger's octet is an operator there.  They may pass through
 * phrases, which ruleset 3 takes away; an address that still has one afterwards is left alone.
 */
static struct span masked(struct cf_eval *ev, struct span s)
{
	char *p = (char *)arena_dup(&ev->mem, s).ptr;

	for (size_t i = 0; p && i < s.len; i++)
		if (is_operator(p[i]))
			p[i] = (char)MASK;
	return span_make(p, p ? s.len : 0);
}

static bool has_mask(const struct cf_tok *tok, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (tok[i].len && memchr(tok[i].p, MASK, tok[i].len))
			return true;
	return false;
}

static void put_unguarded(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.ptr[i] == CF_LITERAL && i + 1 < s.len)
			i++;
		buf_putc(out, s.ptr[i]);
	}
}

static bool has_domain(const struct cf_tok *tok, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!tok[i].op && tok[i].len == 1 && tok[i].p[0] == '@')
			return true;
	return false;
}

/* Ruleset 3, and again with the domain that the address lacks. */
static int canonify(struct cf_eval *ev, struct span domain, struct cf_tok *tok, size_t *n)
{
	int status = cf_rewrite(ev, tok, n, 3), again;
	struct cf_tok *more;
	size_t nmore;

	if (domain.len == 0 || has_domain(tok, *n))
		return status;
	more = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *more);
	if (!more || !cf_scan(ev, domain, '\0', CF_SCAN_ADDRESS, more, &nmore, NULL) ||
	    *n + nmore > CF_ATOMS)
		return EXIT_UNAVAILABLE;
	memcpy(tok + *n, more, nmore * sizeof *more);
	*n += nmore;
	again = cf_rewrite(ev, tok, n, 3);
	return status == EXIT_TEMPFAIL ? status : again;
}

/* What stands around the address: $g is the place of the address itself. */
static void crack(struct cf_eval *ev, struct span addr, const struct cf_mailer *m, unsigned flags,
		  struct buf *fancy)
{
	/* F=c asks for the bare address as well. */
	if ((flags & CF_ADDR_BARE) || cf_mailer_flag(m, 'c'))
		buf_puts(fancy, "\201g");
	else
		cf_crack(ev->cf, addr, fancy);
	trace_name(ev, CF_STEP_CRACKED, addr, buf_span(fancy));
}

/* $g is the rewritten address only while what is around it is expanded. */
static void surround(struct cf_eval *ev, struct span addr, struct span fancy, struct buf *out)
{
	struct span old = arena_dup(&ev->mem, cf_macro_get(ev, 'g'));
	char mem[CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	cf_macro_set(ev, 'g', addr);
	cf_expand(ev, fancy, &b);
	cf_macro_set(ev, 'g', old);
	put_unguarded(buf_span(&b), out);
}

enum { AS_IT_IS = -1 }; /* the address could not be split, and stays */

static int remote(struct cf_eval *ev, struct span addr, const struct cf_mailer *m, unsigned flags,
		  struct span domain, size_t size, struct buf *out)
{
	bool sender = flags & CF_ADDR_SENDER, header = flags & CF_ADDR_HEADER;
	int rs = sender ? (header ? m->sh : m->se) : (header ? m->rh : m->re);
	struct cf_tok *tok = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *tok);
	struct span text = guarded(ev, addr);
	bool eight = text.ptr != addr.ptr;
	char mem[CF_LINE], g[CF_LINE];
	struct buf fancy, b;
	int status = 0, type;
	size_t n;

	buf_init_fixed(&fancy, mem, sizeof mem);
	if (!tok ||
	    !cf_scan(ev, eight ? masked(ev, addr) : addr, '\0', CF_SCAN_ADDRESS, tok, &n, NULL) ||
	    n == 0) {
		buf_put(out, addr);
		return AS_IT_IS;
	}
	type = cf_macro_known(ev->cf, SPAN("{addr_type}"));
	if (type)
		cf_macro_set(ev, type,
			     header ? (sender ? SPAN("h s") : SPAN("h r"))
				    : (sender ? SPAN("e s") : SPAN("e r")));
	crack(ev, text, m, flags, &fancy);
	if (canonify(ev, domain, tok, &n) == EXIT_TEMPFAIL)
		status = EXIT_TEMPFAIL;
	if (cf_rewrite(ev, tok, &n, sender ? 1 : 2) == EXIT_TEMPFAIL)
		status = EXIT_TEMPFAIL;
	if (rs > 0 && cf_rewrite(ev, tok, &n, rs) == EXIT_TEMPFAIL)
		status = EXIT_TEMPFAIL;
	if (cf_rewrite(ev, tok, &n, 4) == EXIT_TEMPFAIL)
		status = EXIT_TEMPFAIL;
	if (eight && has_mask(tok, n)) {
		buf_put(out, addr);
		return status;
	}
	buf_init_fixed(&b, g, sizeof g);
	cf_join(ev->cf, tok, n, '\0', size, &b);
	/* A route needs brackets in an envelope. */
	if ((flags & CF_ADDR_BARE) && b.len && b.ptr[0] == '@') {
		buf_reset(&fancy);
		buf_puts(&fancy, "<\201g>");
	}
	surround(ev, buf_span(&b), buf_span(&fancy), out);
	return status;
}

/* Whole: a header field must not lose the end of a long address. */
int cf_addr_remote_at(struct cf_eval *ev, struct span addr, const struct cf_mailer *m,
		      unsigned flags, struct span domain, struct buf *out)
{
	int status = remote(ev, addr, m, flags, domain, CF_LINE, out);

	return status == AS_IT_IS ? 0 : status;
}

int cf_addr_remote(struct cf_eval *ev, struct span addr, const struct cf_mailer *m, unsigned flags,
		   struct buf *out)
{
	int status = remote(ev, addr, m, flags, SPAN(""), CF_NAME + 1, out);

	if (status == AS_IT_IS)
		return 0;
	buf_truncate(out, CF_NAME);
	return status;
}
