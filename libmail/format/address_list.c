/*
 * Addresses in header fields: RFC 5322 3.4 and the obsolete forms of 4.4; see format/address.h.
 *
 * A single pass per element finds its outline (quotes, comments, brackets); what is inside is
 * cleaned by a second pass over the address alone.  Must stay linear whatever the nesting: the
 * comment depth is a counter, not recursion.
 */
#include <stdint.h>

#include "base/ascii.h"
#include "format/address.h"

struct outline {
	size_t open, close;    /* of < and >; open == SIZE_MAX when there is none */
	size_t comment, after; /* inside of the last comment, and its end */
	bool bad;
};

void address_list_init(struct address_list *l, struct span value)
{
	*l = (struct address_list){.in = value};
}

/* Behind the quoted string at at; the end of s when it is not closed. */
static size_t skip_quoted(struct span s, size_t at, bool *bad)
{
	for (at++; at < s.len; at++) {
		if (s.ptr[at] == '"')
			return at + 1;
		if (s.ptr[at] == '\\')
			at++;
	}
	*bad = true;
	return s.len;
}

/* The same for a comment, which nests. */
static size_t skip_comment(struct span s, size_t at, bool *bad)
{
	size_t depth = 0;

	for (; at < s.len; at++) {
		char c = s.ptr[at];
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return at + 1;
		else if (c == '\\')
			at++;
	}
	*bad = true;
	return s.len;
}

/* Behind a literal, which ends early where no literal can go on. */
static size_t skip_literal(struct span s, size_t at)
{
	while (at < s.len && !memchr("],;<>\"", s.ptr[at], 6))
		at++;
	return at < s.len && s.ptr[at] == ']' ? at + 1 : at;
}

/* Walks to the octet that ends the element at start and returns its index. */
static size_t walk(struct span s, size_t start, struct outline *o)
{
	size_t at = start;
	char last = 0;

	*o = (struct outline){.open = SIZE_MAX, .close = s.len};
	while (at < s.len) {
		char c = s.ptr[at];
		/* Inside the brackets commas and colons belong to a route, not to the list. */
		bool angle = o->open != SIZE_MAX && o->close == s.len;

		if (c == '"') {
			at = skip_quoted(s, at, &o->bad);
		} else if (c == '(') {
			size_t end = skip_comment(s, at, &o->bad);
			if (!angle) {
				o->comment = at + 1;
				o->after = end - (end > at + 1 && s.ptr[end - 1] == ')');
			}
			at = end;
			continue;
		} else if (c == '[' && last == '@') {
			at = skip_literal(s, at);
		} else if (c == '\\') {
			at += at + 1 < s.len ? 2 : 1;
		} else if (angle) {
			if (c == '>')
				o->close = at;
			at++;
		} else if (c == '<' && o->open == SIZE_MAX) {
			o->open = at++;
		} else if (c == ',' || c == ';' || c == ':') {
			return at;
		} else {
			/* Closed but never opened. */
			o->bad |= c == '>' || c == ')';
			at++;
		}
		if (!ascii_is_fold(c))
			last = c;
	}
	/* An open bracket runs to the end; the caller decides whether to use what it holds. */
	o->bad |= o->open != SIZE_MAX && o->close == s.len;
	return at;
}

/* s without the source route at its front. */
static struct span drop_route(struct span s)
{
	if (s.len == 0 || s.ptr[0] != '@')
		return s;
	for (size_t i = 0; i < s.len;) {
		char c = s.ptr[i];
		bool bad = false;

		if (c == ':')
			return span_trim(span_skip(s, i + 1));
		if (c == '"')
			i = skip_quoted(s, i, &bad);
		else if (c == '(')
			i = skip_comment(s, i, &bad);
		else if (c == '[')
			i = skip_literal(s, i);
		else
			i++;
	}
	return s;
}

static void fill(struct span s, size_t start, size_t end, const struct outline *o,
		 struct address_item *out)
{
	out->raw = span_trim(span_make(s.ptr + start, end - start));
	out->addr = out->raw;
	out->bad = o->bad;
	/* Old programs put the name there: "a@b (Joe Public)". */
	if (o->after > o->comment)
		out->comment = span_make(s.ptr + o->comment, o->after - o->comment);
	if (o->open == SIZE_MAX) {
		out->addr = drop_route(out->raw);
		return;
	}
	size_t close = o->close < end ? o->close : end;
	out->bracketed = true;
	out->name = span_trim(span_make(s.ptr + start, o->open - start));
	out->addr = drop_route(span_trim(span_make(s.ptr + o->open + 1, close - o->open - 1)));
}

bool address_list_next(struct address_list *l, struct address_item *out)
{
	size_t start = l->at;
	struct outline o;

	while (start < l->in.len) {
		size_t end = walk(l->in, start, &o);
		char stop = end < l->in.len ? l->in.ptr[end] : ',';

		struct span head = span_trim(span_make(l->in.ptr + start, end - start));
		/* A route without brackets has a colon too, but no group is called "@...". */
		bool route = span_starts(head, SPAN("@"));
		if (stop == ':' && !l->in_group && !route && o.open == SIZE_MAX) {
			l->group = head;
			l->in_group = true;
			start = end + 1;
			continue;
		}
		while (stop == ':') {
			/* RFC 5322 3.4 knows no groups in groups: the colon belongs to a broken
			 * element. */
			struct outline more;
			end = walk(l->in, end + 1, &more);
			o.bad |= more.bad;
			stop = end < l->in.len ? l->in.ptr[end] : ',';
			o.bad |= !route;
		}
		*out = (struct address_item){.group = l->group, .in_group = l->in_group};
		fill(l->in, start, end, &o, out);
		l->at = end < l->in.len ? end + 1 : end;
		/* It closes a group, and is taken as a comma outside: some programs write lists so.
		 */
		if (stop == ';') {
			l->in_group = false;
			l->group = span_make(NULL, 0);
		}
		if (out->raw.len)
			return true;
		start = l->at;
	}
	l->at = l->in.len;
	return false;
}

/* Appends the quoted string s without folds; is one word of an address. */
static void put_quoted_string(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '\r' && s.ptr[i] != '\n')
			buf_putc(out, s.ptr[i]);
}

static bool put_tokens(struct span s, struct buf *out)
{
	bool gap = false, bad = false;
	size_t begin = out->len;

	for (size_t i = 0; i < s.len;) {
		char c = s.ptr[i];

		if (ascii_is_fold(c)) {
			gap = true;
			i++;
			continue;
		}
		if (c == '(') {
			gap = true;
			i = skip_comment(s, i, &bad);
			continue;
		}
		/* Blanks may stand around dots and the at sign, never between words. */
		bool glue = c == '.' || c == '@' || out->len == begin;
		char last = out->len > begin && out->ptr ? out->ptr[out->len - 1] : '.';
		if (gap && !glue && last != '.' && last != '@')
			return false;
		gap = false;
		size_t end = i + 1;
		if (c == '"')
			end = skip_quoted(s, i, &bad);
		else if (c == '\\' && i + 1 < s.len)
			end = i + 2;
		put_quoted_string(span_make(s.ptr + i, end - i), out);
		i = end;
	}
	return !bad;
}

enum address_error address_put_clean(struct span addr, struct buf *out)
{
	size_t mark = out->len;
	struct address_path path;
	enum address_error e = ADDRESS_BAD_LOCAL;

	/* Checked by the parser of paths, so that both agree on what an address is. */
	if (put_tokens(addr, out)) {
		e = address_parse(span_skip(buf_span(out), mark), &path);
		if (!buf_ok(out))
			e = ADDRESS_TOO_LONG;
	}
	if (e != ADDRESS_OK)
		buf_truncate(out, mark);
	/* The parser dropped a final dot; it must not come back here. */
	else if (path.domain.len)
		buf_truncate(out, mark + path.mailbox.len);
	return e;
}

void address_put_name(struct span name, struct buf *out)
{
	bool gap = false, quoted = false;
	size_t begin = out->len;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (ascii_is_fold(c)) {
			gap = true;
			continue;
		}
		/* Only in a quoted string is a backslash an escape (RFC 5322 3.2.4). */
		if (c == '\\' && quoted && i + 1 < name.len)
			c = name.ptr[++i];
		if (gap && out->len > begin)
			buf_putc(out, ' ');
		gap = false;
		buf_putc(out, c);
	}
}

void address_put_phrase(struct span text, struct buf *out)
{
	bool plain = true;

	for (size_t i = 0; i < text.len; i++)
		plain &= text.ptr[i] && !memchr("()<>[]:;@\\,.\"\r\n", text.ptr[i], 15);
	if (plain) {
		buf_put(out, text);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '"' || c == '\\')
			buf_putc(out, '\\');
		/* A line end would start a new field. */
		buf_putc(out, ascii_is_fold(c) || c == '\0' ? ' ' : c);
	}
	buf_putc(out, '"');
}
