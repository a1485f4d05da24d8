/*
 * One address field as a mailer gets it: sendmail's commaize; see cf/cf_header.h.
 *
 * Where an address ends is the splitter's to say, so that quotes, comments, brackets and
 * what is unbalanced mean here what they mean everywhere.  Elements are whatever stands between
 * commas: "list: a@b, c;" has two, and keeps its form.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf_header.h"

enum { FOLD_AT = 78, NAME_SHOWN = 200, INDENT = 8 };

/* The field being written: column of the current line, nothing yet. */
struct list {
	struct buf *out;
	size_t column, limit;
	bool first;
};

static struct span skip(struct span s, bool commas)
{
	while (s.len && (ascii_is_space(s.ptr[0]) || (commas && s.ptr[0] == ',')))
		s = span_skip(s, 1);
	return s;
}

static struct span trim_end(struct span s)
{
	while (s.len && (ascii_is_space(s.ptr[s.len - 1]) || s.ptr[s.len - 1] == ','))
		s.len--;
	return s;
}

/*
 * Length of the element at the start of s.  In an old list, which has no commas, a blank ends one,
 * but "user @ host" is one address.  Octets that could be taken for operators are none here.
 */
static size_t element(struct cf_eval *ev, struct span s, bool old_style)
{
	struct span window = span_head(s, CF_HEADER_WINDOW), rest;
	char *copy = (char *)arena_dup(&ev->mem, window).ptr;
	struct cf_tok *tok = arena_alloc(&ev->mem, (CF_ATOMS + 1) * sizeof *tok);
	size_t at = 0, n;

	if (!copy || !tok)
		return s.len;
	for (size_t i = 0; i < window.len; i++)
		if (((unsigned char)copy[i] & 0xe0) == 0x80 || copy[i] == '\0')
			copy[i] = 'x';
	for (;;) {
		struct span tail = span_make(copy + at, window.len - at);

		if (!cf_scan(ev, tail, old_style ? ' ' : ',', CF_SCAN_ADDRESS, tok, &n, &rest))
			rest = span_skip(tail,
					 old_style ? span_index(tail, ' ') : span_index(tail, ','));
		at = window.len - rest.len;
		rest = skip(rest, false);
		if (rest.len == 0 || rest.ptr[0] != '@')
			break;
		at = window.len - rest.len + 1;
	}
	/* No end within the window: not an address, and not worth more time. */
	return at == window.len && window.len < s.len ? s.len : at;
}

/* A line end inside that is no fold would start a new field. */
static void put_on_line(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		bool fold = i + 1 < s.len && ascii_is_blank(s.ptr[i + 1]);

		if (s.ptr[i] == '\r')
			continue;
		buf_putc(out, s.ptr[i] == '\n' && !fold ? ' ' : s.ptr[i]);
	}
}

static void put_element(struct list *l, struct span s)
{
	l->column += s.len + (l->first ? 0 : 2);
	if (!l->first && l->column > l->limit) {
		buf_puts(l->out, ",\n        ");
		l->column = INDENT + s.len;
	} else if (!l->first) {
		buf_puts(l->out, ", ");
	}
	l->first = false;
	put_on_line(s, l->out);
}

int cf_header_list(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
		   struct span name, struct span value, bool sender, bool old_style,
		   unsigned *addresses, struct buf *out)
{
	unsigned flags = CF_ADDR_HEADER | (sender ? CF_ADDR_SENDER : 0);
	struct list l = {.out = out, .limit = FOLD_AT, .first = true};
	char mem[CF_LINE];
	struct buf one;
	int status = 0;

	if (m->line_limit > 2 && m->line_limit - 2 < FOLD_AT)
		l.limit = (size_t)m->line_limit - 2;
	buf_put(out, span_head(name, NAME_SHOWN));
	buf_putc(out, ':');
	l.column = (name.len < NAME_SHOWN ? name.len : NAME_SHOWN) + 1;
	for (; value.len && ascii_is_space(value.ptr[0]); value = span_skip(value, 1)) {
		if (value.ptr[0] == '\r')
			continue;
		buf_putc(out, value.ptr[0] == '\n' ? ' ' : value.ptr[0]);
		l.column++;
	}
	while ((value = skip(value, true)).len) {
		size_t n = element(ev, value, old_style && !sender);
		struct span e = trim_end(span_head(value, n));

		value = span_skip(value, n ? n : 1);
		if (e.len == 0)
			continue;
		buf_init_fixed(&one, mem, sizeof mem);
		cf_eval_reset(ev);
		ev->tired = false;
		if (++*addresses <= CF_HEADER_ADDRS && e.len < CF_HEADER_WINDOW &&
		    cf_addr_remote_at(ev, e, m, flags, span_str(s->domain), &one) == EXIT_TEMPFAIL)
			status = EXIT_TEMPFAIL;
		/* Rules that take all the time there is get no more addresses. */
		if (ev->tired)
			*addresses = CF_HEADER_ADDRS;
		/* What cannot be rewritten stays: nothing of a message is lost over it. */
		if (!buf_ok(&one) || *addresses > CF_HEADER_ADDRS || e.len >= CF_HEADER_WINDOW)
			put_element(&l, e);
		else if (one.len)
			put_element(&l, buf_span(&one));
	}
	cf_eval_reset(ev);
	buf_putc(out, '\n');
	return status;
}
