/*
 * From 8 bits to 7, part by part; see format/mime_seven.h.  RFC 2045 6, RFC 2046 5.1.
 *
 * Lines are looked at one by one: a delimiter of any multipart that is open ends all that is in
 * it, however damaged that is.
 */
#include "format/mime_seven.h"

#include "base/ascii.h"
#include "format/header.h"

void mime_seven_init(struct mime_seven *m)
{
	*m = (struct mime_seven){.in_header = true};
	buf_init(&m->header, MIME_SEVEN_HEADER_MAX);
	buf_init_fixed(&m->line, m->held, sizeof m->held);
}

/* Remembers the boundary of a multipart; false: its parts cannot be found. */
static bool open_multipart(struct mime_seven *m, const struct mime_type *t)
{
	struct buf name;
	char *at;

	if (m->depth == MIME_SEVEN_DEPTH)
		return false;
	at = m->boundary[m->depth];
	buf_init_fixed(&name, at, MIME_BOUNDARY_MAX + 1);
	if (!mime_param(t->params, SPAN("boundary"), &name) || !buf_ok(&name) || name.len == 0 ||
	    name.len > MIME_BOUNDARY_MAX)
		return false;
	at[name.len] = '\0';
	m->depth++;
	return true;
}

/* The header is whole: what its part is, and how it is sent. */
static void end_header(struct mime_seven *m, struct buf *out)
{
	static const struct span field = {"Content-Transfer-Encoding", 25};
	struct span rest = buf_span(&m->header);
	struct header_field f = {0}, type = {0};
	struct mime_type t;
	enum mime_encoding was;
	bool wide, nested, inner;

	header_find(rest, field, &f);
	header_find(rest, SPAN("Content-Type"), &type);
	was = mime_parse_encoding(f.value);
	mime_parse_type(type.value, &t);
	inner = mime_type_is(&t, "message", "rfc822");
	nested = inner || mime_type_is(&t, "multipart", NULL);
	wide = was == MIME_8BIT || was == MIME_BINARY;
	/* One that cannot be followed stays what it says it is. */
	if (nested && !inner && !open_multipart(m, &t))
		wide = false;
	while (header_next(&rest, &f)) {
		if (!wide || !ascii_eq_nocase(f.name, field))
			buf_put(out, f.raw);
		else if (!nested)
			buf_puts(out, "Content-Transfer-Encoding: quoted-printable\n");
	}
	buf_put(out, rest);
	buf_reset(&m->header);
	m->encoding = wide && !nested;
	mime_encoder_init(&m->encoder, MIME_QP, "\n");
	m->in_header = inner;
}

/* What is open ends before a delimiter, or at the end of all. */
static void end_part(struct mime_seven *m, struct buf *out)
{
	if (m->in_header)
		end_header(m, out);
	if (m->encoding)
		mime_encode_finish(&m->encoder, out);
	m->encoding = m->in_header = false;
}

/* A delimiter of the multiparts that are open: those within its own end. */
static bool take_delimiter(struct mime_seven *m, struct span line, struct buf *out)
{
	size_t depth = m->depth;
	struct span rest;

	if (!span_starts(line, SPAN("--")))
		return false;
	for (; depth; depth--) {
		struct span boundary = span_str(m->boundary[depth - 1]);

		rest = span_skip(line, 2);
		if (!span_starts(rest, boundary))
			continue;
		rest = span_trim(span_skip(rest, boundary.len));
		if (rest.len == 0 || span_eq(rest, SPAN("--")))
			break;
	}
	if (depth == 0)
		return false;
	end_part(m, out);
	buf_put(out, line);
	m->in_header = rest.len == 0;
	m->depth = rest.len ? depth - 1 : depth;
	return true;
}

/* A line, or a piece of a long one. */
static void take(struct mime_seven *m, struct span line, struct buf *out)
{
	bool ends = line.len && line.ptr[line.len - 1] == '\n', begins = !m->in_line;

	m->in_line = !ends;
	if (begins && take_delimiter(m, line, out))
		return;
	if (m->in_header && begins && ends && span_trim(line).len == 0) {
		end_header(m, out);
		buf_put(out, line);
		return;
	}
	/* One that is too long is that of no part that we know. */
	if (m->in_header && m->header.len + line.len > MIME_SEVEN_HEADER_MAX) {
		buf_put(out, buf_span(&m->header));
		buf_reset(&m->header);
		m->in_header = false;
	}
	if (m->in_header) {
		buf_put(&m->header, line);
		out->overflow |= !buf_ok(&m->header);
	} else if (m->encoding) {
		mime_encode(&m->encoder, line, out);
	} else {
		buf_put(out, line);
	}
}

void mime_seven_feed(struct mime_seven *m, struct span in, struct buf *out)
{
	while (in.len) {
		size_t eol = span_index(in, '\n'), n = eol < in.len ? eol + 1 : eol;

		if (n > MIME_SEVEN_LINE - m->line.len)
			n = MIME_SEVEN_LINE - m->line.len;
		buf_put(&m->line, span_head(in, n));
		in = span_skip(in, n);
		if (m->line.len < MIME_SEVEN_LINE && m->line.ptr[m->line.len - 1] != '\n')
			return;
		take(m, buf_span(&m->line), out);
		buf_reset(&m->line);
	}
}

void mime_seven_finish(struct mime_seven *m, struct buf *out)
{
	if (m->line.len)
		take(m, buf_span(&m->line), out);
	end_part(m, out);
	buf_reset(&m->line);
	buf_free(&m->header);
}
