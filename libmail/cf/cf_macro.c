/*
 * Macros: names, $ notation, expansion; see cf/cf.h.
 *
 * The identifiers of one-letter names are the letters, long names are numbered
 * from CF_LONG_FIRST, so that an identifier is one octet of internal text.
 */
#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf.h"
#include "cf/cf_addr.h"
#include "cf/cf_part.h"

enum {
	MACRO_DEPTH = 10, /* sendmail's MaxMacroRecursion */
	MACRO_NAME = 20   /* MAXMACNAMELEN: longer names are cut */
};

/* The octets from CF_LONG_FIRST up are all there is for long names, as in sendmail. */
static int long_id(struct cf_eval *ev, struct span name)
{
	struct cf *cf = ev->cf;
	int id = CF_LONG_FIRST;

	for (; id < CF_LONG_FIRST + cf->longs; id++)
		if (span_eq(cf->long_name[id], name))
			return id;
	if (id > 255) {
		cf_report(ev, "", "Macro/class {%.*s}: too many long names", SPAN_ARG(name));
		return 0;
	}
	cf->long_name[id] = arena_dup(&cf->mem, name);
	cf->longs++;
	return id;
}

int cf_macro_known(const struct cf *cf, struct span name)
{
	if (name.ptr[0] != '{')
		return (unsigned char)name.ptr[0];
	name = span_make(name.ptr + 1, name.len - 2);
	for (int i = CF_LONG_FIRST; i < 256; i++)
		if (cf->long_name[i].len && span_eq(cf->long_name[i], name))
			return i;
	return 0;
}

int cf_macro_id(struct cf_eval *ev, struct span s, size_t *used)
{
	char name[MACRO_NAME + 1];
	size_t n = 0, at = 1;

	*used = s.len ? 1 : 0;
	if (s.len == 0 || s.ptr[0] == '\n' || (s.ptr[0] == '{' && s.len > 1 && s.ptr[1] == '}')) {
		cf_report(ev, "", "Name required for macro/class");
		*used = s.len > 1 ? 2 : s.len;
		return 0;
	}
	/* Seven bits: an 8-bit name would collide with the identifiers of long names. */
	if (s.ptr[0] != '{')
		return (unsigned char)s.ptr[0] & 0x7f;
	for (; at < s.len && s.ptr[at] != '}'; at++) {
		if (!ascii_is_alnum(s.ptr[at]) && s.ptr[at] != '_')
			cf_report(ev, "", "Invalid macro/class character %c", s.ptr[at]);
		else if (n < MACRO_NAME)
			name[n++] = s.ptr[at];
	}
	name[n] = '\0';
	*used = at;
	/* The second message is sendmail's too; its text is compared by those who migrate. */
	if (at == s.len) {
		cf_report(ev, "", "Unbalanced { on %s", name);
		cf_report(ev, "", "Unable to assign macro/class ID (mid = 0xffffffff)");
		return 0;
	}
	/* {x} and x are the same macro. */
	*used = at + 1;
	return n == 1 ? (unsigned char)name[0] : long_id(ev, span_make(name, n));
}

void cf_macro_name(const struct cf *cf, int id, struct buf *out)
{
	if (id >= CF_LONG_FIRST && id < 256) {
		buf_putc(out, '{');
		buf_put(out, cf->long_name[id]);
		buf_putc(out, '}');
	} else {
		buf_putc(out, (char)id);
	}
}

size_t cf_translate(struct cf_eval *ev, char *p, size_t len)
{
	size_t from = 0, to = 0;

	while (from < len) {
		char c = p[from++];
		int op;

		if (((unsigned char)c & 0xe0) == 0x80) {
			/* The escape needs an octet of room; drop the octet where there is none. */
			if (to + 1 < from) {
				p[to++] = (char)CF_LITERAL;
				p[to++] = c;
			}
			continue;
		}
		/* "$" at the end of a line is an ordinary octet. */
		if (c != '$' || from == len || p[from] == '\n') {
			p[to++] = c;
			continue;
		}
		if (p[from] == '$') {
			p[to++] = p[from++];
			continue;
		}
		/* $1 to $9 (and $0) have no operator character of their own. */
		op = cf_op_of(p[from]);
		if (p[from] >= '0' && p[from] <= '9')
			op = CF_REPL;
		if (op)
			from++;
		else
			op = CF_MACRO;
		p[to++] = (char)op;
		if (op == CF_REPL) {
			p[to++] = p[from - 1];
		} else if (op == CF_MACRO || op == CF_DEFER || op == CF_CLASS || op == CF_NCLASS ||
			   op == CF_IF) {
			size_t used;
			int id = cf_macro_id(ev, span_make(p + from, len - from), &used);

			from += used;
			/* Without a name the operator goes, too: it would eat the next octet. */
			if (id)
				p[to++] = (char)id;
			else
				to--;
		}
	}
	return to;
}

const struct span cf_macro_none = {"none", 0};

/* Run-time values hide the configuration's and end with the evaluation. */
struct span cf_macro_get(const struct cf_eval *ev, int id)
{
	struct span v = ev->macro[id & 255];

	if (v.ptr == cf_macro_none.ptr)
		return (struct span){0};
	return v.ptr ? v : ev->cf->macro[id & 255];
}

void cf_macro_set(struct cf_eval *ev, int id, struct span value)
{
	/* Many values set over and over: keep what fits the old room. */
	struct span *m = &ev->macro[id & 255];

	if (!value.ptr || value.ptr == cf_macro_none.ptr) {
		*m = value;
	} else if (m->ptr && m->ptr != cf_macro_none.ptr && m->len >= value.len) {
		memmove((char *)m->ptr, value.ptr, value.len);
		m->len = value.len;
	} else {
		*m = span_make(arena_strdup(&ev->kept, value), value.len);
	}
}

void cf_macro_define(struct cf *cf, int id, struct span value)
{
	char *p = arena_strdup(&cf->mem, value);

	cf->macro[id & 255] = span_make(p, p ? value.len : 0);
}

bool cf_has_macro(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] == CF_MACRO || (unsigned char)text.ptr[i] == CF_IF)
			return true;
	return false;
}

/*
 * State of one pass. A conditional inside text that is skipped is only counted, so that
 * its $| and $. are not taken for those of the outer one.
 */
struct expansion {
	int open, skipped; /* conditionals: open, and opened while skipping */
	bool skipping, again;
};

/* The value goes in as it is: a pass that brought in operators is followed by another one. */
static void expand_one(struct span value, struct expansion *x, struct buf *out)
{
	for (size_t i = 0; i < value.len; i++)
		if (((unsigned char)value.ptr[i] & 0xe0) == 0x80)
			x->again = true;
	buf_put(out, value);
}

static void expand_pass(struct cf_eval *ev, struct span s, struct expansion *x, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool more = i + 1 < s.len;

		if (c == CF_IF && more) {
			struct span v = cf_macro_get(ev, (unsigned char)s.ptr[++i]);

			x->open++;
			if (x->skipping)
				x->skipped++;
			else
				x->skipping = v.len == 0;
		} else if (c == CF_ELSE && x->open) {
			if (x->skipped == 0)
				x->skipping = !x->skipping;
		} else if (c == CF_FI && x->open) {
			x->open--;
			if (x->skipped)
				x->skipped--;
			else
				x->skipping = false;
		} else if (c == CF_MACRO && more) {
			i++;
			if (!x->skipping)
				expand_one(cf_macro_get(ev, (unsigned char)s.ptr[i]), x, out);
		} else if (!x->skipping) {
			buf_putc(out, (char)c);
			/*
			 * Operators with an argument are copied with it; the argument may
			 * look like an operator.
			 */
			if (more &&
			    (c == CF_LITERAL || c == CF_DEFER || c == CF_CLASS || c == CF_NCLASS))
				buf_putc(out, s.ptr[++i]);
		}
	}
}

/*
 * Passes alternate between two buffers until no operator is left. Each is bounded by
 * CF_LINE, and text beyond that is cut, as sendmail cuts it at MAXLINE.
 */
void cf_expand(struct cf_eval *ev, struct span text, struct buf *out)
{
	char mem[2][CF_LINE];
	struct buf b[2];
	int depth = 0;

	/* That is most of them. */
	if (text.len <= CF_LINE && !cf_has_macro(text)) {
		buf_put(out, text);
		return;
	}
	for (;; depth++) {
		struct expansion x = {0};
		struct buf *to = &b[depth & 1];

		buf_init_fixed(to, mem[depth & 1], CF_LINE);
		expand_pass(ev, text, &x, to);
		text = buf_span(to);
		if (!x.again)
			break;
		if (depth == MACRO_DEPTH) {
			cf_report(ev, "", "expand: recursion too deep (%d max)", MACRO_DEPTH);
			break;
		}
	}
	buf_put(out, text);
}
