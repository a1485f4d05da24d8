/*
 * Tokens as text: joined to an address, or shown; see cf/cf.h.
 *
 * Where a joined text is cut is sendmail's, and so are the escapes of what is no text.
 */
#include "base/ascii.h"
#include "cf/cf.h"
#include "cf/cf_part.h"

/* From CF_ANY0 on; the octets of operators go round at 0xa0. */
static const char op_chars[] = "*+-=~\0#@:>?|.[]()\0&";

char cf_op_char(int op)
{
	size_t i = (size_t)(op - CF_ANY0) & 0x1f;

	return i < sizeof op_chars ? op_chars[i] : '\0';
}

int cf_op_of(char c)
{
	for (int i = 0; c && i < (int)sizeof op_chars - 1; i++)
		if (op_chars[i] == c)
			return ((CF_ANY0 + i) & 0x1f) | 0x80;
	return 0;
}

/* These are followed by an octet that names a macro, class or digit. */
bool cf_op_has_arg(int op)
{
	return op == CF_CLASS || op == CF_NCLASS || op == CF_REPL || op == CF_DEFER ||
	       op == CF_MACRO || op == CF_IF;
}

void cf_join(const struct cf *cf, const struct cf_tok *tok, size_t n, char space, size_t size,
	     struct buf *out)
{
	bool was_atom = false;

	if (!space)
		space = cf->blank;
	/* Where sendmail's cataddr stops in a buffer of that size: a blank takes one octet more. */
	size -= 2;
	for (size_t i = 0; i < n; i++) {
		const struct cf_tok *t = &tok[i];
		bool atom = !t->op && t->len && cf->types[(unsigned char)t->p[0]] == CF_TYPE_ATOM;
		char op[] = {(char)t->op, (char)t->arg};
		struct span text = span_make(t->p, t->len);

		/* Two atoms side by side had a blank between them, which the splitter dropped. */
		if (was_atom && atom) {
			buf_putc(out, space);
			if (--size == 0)
				return;
		}
		was_atom = atom;
		if (t->op)
			text = span_make(op, cf_op_has_arg(t->op) ? 2 : 1);
		buf_put(out, span_head(text, size - 1));
		if (text.len >= size)
			return;
		size -= text.len;
	}
}

static void show_op(const struct cf *cf, int op, int arg, struct buf *out)
{
	char c = cf_op_char(op);

	buf_putc(out, '$');
	if (c)
		buf_putc(out, c);
	if (op == CF_REPL)
		buf_putc(out, (char)arg);
	else if (cf_op_has_arg(op) && arg)
		cf_macro_name(cf, arg, out);
}

/* Puts an operator at text[*i] and moves on to its last octet. */
static bool show_one_op(const struct cf *cf, struct span text, size_t *i, struct buf *out)
{
	unsigned char c = (unsigned char)text.ptr[*i];
	int arg = 0;

	if ((c & 0xe0) != 0x80 || c == CF_LITERAL)
		return false;
	if (cf_op_has_arg(c) && *i + 1 < text.len)
		arg = (unsigned char)text.ptr[++*i];
	show_op(cf, c, arg, out);
	return true;
}

/* For text that is split again: operators come out in $ notation and are read as text then. */
void cf_show_plain(const struct cf *cf, struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (show_one_op(cf, text, &i, out))
			continue;
		if ((unsigned char)text.ptr[i] != CF_LITERAL)
			buf_putc(out, text.ptr[i]);
	}
}

/* For messages and -bt: printable text as it is, then the escapes of sendmail's xputs. */
void cf_show(const struct cf *cf, struct span text, struct buf *out)
{
	size_t i = 0;

	while (i < text.len && ascii_is_print(text.ptr[i]))
		i++;
	buf_put(out, span_head(text, i));
	for (; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (show_one_op(cf, text, &i, out))
			continue;
		if (c == CF_LITERAL && i + 1 < text.len)
			c = (unsigned char)text.ptr[++i];
		if (c == 0xff)
			continue;
		if (c & 0x80) {
			buf_puts(out, "M-");
			c &= 0x7f;
		}
		if (c == '\n' || c == '\r' || c == '\t') {
			buf_putc(out, '\\');
			buf_putc(out, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		} else if (c >= 0x20 && c != 0x7f) {
			buf_putc(out, (char)c);
		}
	}
}

void cf_show_tok(const struct cf *cf, const struct cf_tok *tok, struct buf *out)
{
	if (tok->op)
		show_op(cf, tok->op, tok->arg, out);
	else
		cf_show(cf, span_make(tok->p, tok->len), out);
}
