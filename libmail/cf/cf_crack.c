/*
 * Cracking an address: which part is address, and what to keep around it; see
 * cf/cf.h.  RFC 822 section 6 with the slips that people make.
 *
 * A heuristic: it must not fail, and whatever comes in, the result holds the
 * macro at most where an address was.
 */
#include "base/ascii.h"
#include "cf/cf_addr.h"

enum { CRACK_MAX = CF_LINE - 16 };

/*
 * copy > 0: octets are phrase or comment and kept as they are; at most 0: address, which
 * the macro stands for. angle, comment and bracket are nesting depths, the real_ ones
 * count only what was written and so must be closed in the output.
 */
struct crack {
	struct span in, must; /* what MustQuoteChars has besides the fixed ones */
	size_t at, head;      /* reading position; where this (group member's) address starts */
	char *out;            /* CF_LINE octets */
	size_t n, out_head;   /* written; where the phrase goes */
	int copy, angle, comment, real_comment, bracket;
	bool quoted, real_quoted, placed, quote_phrase, got_angle, got_colon, colon_ok, spoiled;
};

static void put(struct crack *x, char c)
{
	if (x->n < CRACK_MAX)
		x->out[x->n++] = c;
}

/* The next octet, 0 at the end. */
static char peek(const struct crack *x)
{
	return x->at < x->in.len ? x->in.ptr[x->at] : '\0';
}

/* An octet of the address itself: the macro stands for all of them. */
static void address_char(struct crack *x)
{
	if (x->copy > 0 || x->placed)
		return;
	/* A comment that ended just before must not touch the address. */
	if (x->n && x->out[x->n - 1] == ')')
		put(x, ' ');
	put(x, (char)CF_MACRO);
	put(x, 'g');
	x->placed = true;
}

/*
 * What was read since head turns out to be a phrase: copy it after all, quoted
 * where it must be, up to and with the octet mark.
 */
static void keep_phrase(struct crack *x, char mark)
{
	size_t end = x->at, mark_at = x->at - 1;

	/* What was written for this stretch is thrown away and done over, macro included. */
	x->n = x->out_head;
	if (x->quote_phrase) {
		put(x, '"');
		end = mark_at;
		while (end > x->head && ascii_is_space(x->in.ptr[end - 1]))
			end--;
	}
	for (size_t i = x->head; i < end; i++) {
		if (x->quote_phrase && x->in.ptr[i] == '"')
			put(x, '\\');
		put(x, x->in.ptr[i]);
	}
	/*
	 * An empty phrase at the very beginning gets no pair of quotes, and blanks between phrase
	 * and mark stay outside of them.
	 */
	if (x->quote_phrase) {
		if (x->n == 1)
			x->n--;
		else
			put(x, '"');
		while (end < mark_at)
			put(x, x->in.ptr[end++]);
		put(x, mark);
	}
	x->copy = 0;
	x->placed = x->quote_phrase = false;
}

static void open_comment(struct crack *x)
{
	x->comment++;
	/* What no longer fits must not be counted as open either. */
	if (x->n >= CRACK_MAX)
		return;
	x->real_comment++;
	if (x->copy++ > 0)
		return;
	if (x->n != x->out_head)
		put(x, ' ');
	put(x, '(');
}

/* Comments; true when the octet is done with. */
static bool comment_char(struct crack *x, char c)
{
	if (c == '(')
		open_comment(x);
	if (x->comment > 0) {
		if (c == ')') {
			x->comment--;
			x->copy--;
			x->real_comment--;
		}
		return true;
	}
	if (c == ')' && x->copy > 0 && x->n > x->out_head)
		x->n--;
	return false;
}

/* "phrase:" of a group, or DECnet's "::" and ":."; true when done with. */
static bool colon(struct crack *x)
{
	if (x->angle > 0 || x->bracket > 0 || x->got_colon || x->colon_ok)
		return false;
	/* "host::user" and "host:.user" are addresses, no groups. */
	if (peek(x) == ':' || peek(x) == '.') {
		x->quote_phrase = true;
		if (x->copy > 0) {
			/* sendmail has the first colon twice here. */
			put(x, ':');
			put(x, peek(x));
		}
		x->at++;
		address_char(x);
		return true;
	}
	x->got_colon = true;
	keep_phrase(x, ':');
	while (ascii_is_space(peek(x)))
		put(x, x->in.ptr[x->at++]);
	x->out_head = x->n;
	x->head = x->at;
	return true;
}

static void angle_open(struct crack *x)
{
	/* A second "<": the text up to here, the first one included, is phrase and needs quotes. */
	if (x->got_angle)
		x->quote_phrase = true;
	x->got_angle = true;
	x->angle = 1;
	keep_phrase(x, '<');
}

static void angle_close(struct crack *x)
{
	if (x->angle > 0) {
		x->angle--;
	} else {
		/* A ">" that opens nothing is dropped, as the octet was just copied. */
		if (x->copy > 0 && x->n > x->out_head)
			x->n--;
		x->quote_phrase = true;
		return;
	}
	if (x->copy++ <= 0)
		put(x, '>');
}

static void crack_char(struct crack *x, char c)
{
	/* A quoted string behind the address: sendmail's count of room fails, and it gives up. */
	if (x->real_quoted)
		x->spoiled = true;
	if (x->copy > 0)
		put(x, c);
	/* Quoted pairs are taken whole, so that "\(" opens no comment. */
	if (c == '\\') {
		if (x->comment <= 0 && !x->quoted)
			x->quote_phrase = true;
		if (x->copy > 0 && peek(x))
			put(x, peek(x));
		x->at += peek(x) != '\0';
		address_char(x);
		return;
	}
	if (c == '"' && x->comment <= 0) {
		x->quoted = !x->quoted;
		if (x->copy > 0)
			x->real_quoted = !x->real_quoted;
		return;
	}
	if (x->quoted) {
		address_char(x);
		return;
	}
	if (comment_char(x, c))
		return;
	x->bracket += (c == '[') - (c == ']');
	if (c == ':' && colon(x))
		return;
	/* ";" that ends a group stays, outside of any address. */
	if (c == ';' && x->copy <= 0 && !x->colon_ok)
		put(x, c);
	/* RFC 822 specials in a phrase: legal only inside quotes. */
	if (strchr("@,;:\\()[]", c) || span_index(x->must, c) < x->must.len)
		x->quote_phrase = true;
	if (c == '<')
		angle_open(x);
	else if (c == '>')
		angle_close(x);
	else
		address_char(x);
}

void cf_crack(const struct cf *cf, struct span addr, struct buf *out)
{
	char mem[CF_LINE];
	struct crack x = {.out = mem, .colon_ok = cf && cf_colon_ok(cf)};

	if (cf)
		x.must = cf_option_get(cf, "MustQuoteChars");
	if (!x.must.ptr)
		x.must = SPAN(".'");
	x.in = span_head(addr, span_index(addr, '\0'));
	while (ascii_is_space(peek(&x)))
		x.in = span_skip(x.in, 1);
	while (x.at < x.in.len)
		crack_char(&x, x.in.ptr[x.at++]);
	if (x.spoiled) {
		buf_puts(out, "<");
		buf_putc(out, (char)CF_MACRO);
		buf_puts(out, "g>");
		return;
	}
	buf_put(out, span_make(mem, x.n));
	/*
	 * Whatever the input left open is closed, so that what is put behind the address
	 * is not swallowed by a quote or comment.
	 */
	if (x.real_quoted)
		buf_putc(out, '"');
	while (x.real_comment-- > 0)
		buf_putc(out, ')');
	while (x.angle-- > 0)
		buf_putc(out, '>');
}
