/*
 * The parts of a message, streamed: text parts are decoded and written, of other parts one
 * line says what they are.  RFC 2045, 2046.
 *
 * Of a multipart/alternative the first part that can be shown is.  Deeper nesting than
 * DEPTH_MAX is shown as a line, too.  With raw set (the command write) the decoded octets
 * of text go out as they are, and of other parts nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/charset.h"
#include "format/header.h"
#include "mail_mime.h"

enum {
	DEPTH_MAX = 8,
	TEXT_FLUSH = 8192,             /* a line longer than this is written in pieces */
	TEXT_MAX = TEXT_FLUSH + 16384, /* and what one chunk can add to it */
	FIELD_MAX = 4096,              /* of Content-* fields */
};

static void put_text(struct mail_mime *s, struct span text)
{
	struct buf out;

	if (s->raw) {
		mail_put(text, s->out);
		return;
	}
	buf_init(&out, 4 * TEXT_MAX);
	charset_put_printable(&out, text, true);
	for (struct span left = buf_span(&out); left.len && (!s->lines || s->shown < s->lines);) {
		size_t nl = span_index(left, '\n') + 1;

		mail_put(span_head(left, nl), s->out);
		s->shown += nl <= left.len;
		left = span_skip(left, nl);
	}
	buf_free(&out);
}

/* Writes the whole lines of p->text, or (at the end, or when it is long) all of it. */
static void flush_text(struct mail_mime *s, struct mail_part *p, bool all)
{
	struct span text = buf_span(&p->text);
	struct buf utf8;
	size_t n = text.len;

	while (!all && n > 0 && text.ptr[n - 1] != '\n')
		n--;
	if (n == 0 && text.len > TEXT_FLUSH)
		n = charset_head(text, text.len - 1).len;
	if (n == 0)
		return;
	buf_init(&utf8, 4 * TEXT_MAX);
	text = span_head(text, n);
	/* Unlabelled 8-bit text is UTF-8, or what everybody used before. */
	if (!s->raw && (p->charset.len || !charset_is_utf8(text)) &&
	    charset_to_utf8(p->charset.len ? buf_span(&p->charset) : SPAN("windows-1252"), text,
			    &utf8))
		text = buf_span(&utf8);
	put_text(s, text);
	buf_free(&utf8);
	buf_consume(&p->text, n);
}

/* "[TYPE "name", 1234 octets]" for what is not shown. */
static void put_note(struct mail_mime *s, const struct mail_part *p)
{
	struct buf line, name;
	struct mime_type type;

	if (s->raw || (s->lines && s->shown >= s->lines))
		return;
	buf_init(&line, 4 * FIELD_MAX);
	buf_init(&name, FIELD_MAX);
	mime_parse_type(buf_span(&p->type), &type);
	buf_puts(&line, s->written && !s->noted ? "\n[" : "[");
	s->noted = true;
	buf_put(&line, type.type);
	buf_puts(&line, "/");
	buf_put(&line, type.subtype);
	if (mime_param(buf_span(&p->disposition), SPAN("filename"), &name) ||
	    mime_param(type.params, SPAN("name"), &name))
		buf_printf(&line, " \"%s\"", buf_cstr(&name));
	buf_printf(&line, ", %ju octets]\n", (uintmax_t)p->octets);
	put_text(s, buf_span(&line));
	buf_free(&line);
	buf_free(&name);
}

static struct mail_part *part_new(struct mail_part *parent)
{
	struct mail_part *p = mail_alloc(sizeof *p);

	p->parent = parent;
	p->depth = parent ? parent->depth + 1 : 0;
	header_reader_init(&p->reader, HEADER_FIELD_MAX, 0);
	buf_init(&p->type, FIELD_MAX);
	buf_init(&p->encoding, FIELD_MAX);
	buf_init(&p->disposition, FIELD_MAX);
	buf_init(&p->charset, FIELD_MAX);
	buf_init(&p->text, TEXT_MAX);
	buf_init(&p->header, HEADER_TOTAL_MAX);
	return p;
}

static void part_free(struct mail_part *p)
{
	header_reader_free(&p->reader);
	buf_free(&p->type);
	buf_free(&p->encoding);
	buf_free(&p->disposition);
	buf_free(&p->charset);
	buf_free(&p->text);
	buf_free(&p->header);
	free(p);
}

/* A field of the part's header that matters here. */
static void keep_field(struct mail_part *p, const struct header_field *f)
{
	struct {
		struct span name;
		struct buf *to;
	} const wanted[] = {
	    {SPAN("content-type"), &p->type},
	    {SPAN("content-transfer-encoding"), &p->encoding},
	    {SPAN("content-disposition"), &p->disposition},
	};

	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (ascii_eq_nocase(f->name, wanted[i].name) && !wanted[i].to->len)
			buf_put(wanted[i].to, f->value);
	if (p->is_message)
		buf_put(&p->header, f->raw);
}

/* The header is complete: what kind of part is this? */
static void decide(struct mail_mime *s, struct mail_part *p)
{
	bool alternative = p->parent && p->parent->alternative;
	struct mime_type type;
	struct buf boundary;
	struct span word, params;

	buf_init(&boundary, FIELD_MAX);
	if (!p->type.len && p->parent && p->parent->digest)
		buf_puts(&p->type, "message/rfc822"); /* RFC 2046 5.1.5 */
	else if (!p->type.len)
		buf_puts(&p->type, "text/plain");
	mime_parse_type(buf_span(&p->type), &type);
	mime_parse_value(buf_span(&p->disposition), &word, &params);
	mime_decoder_init(&p->decoder, mime_parse_encoding(buf_span(&p->encoding)));
	p->kind = MAIL_PART_OTHER;
	if (alternative && p->parent->chosen) {
		p->kind = MAIL_PART_SKIPPED;
	} else if (mime_type_is(&type, "multipart", NULL) && p->depth < DEPTH_MAX &&
		   mime_param(type.params, SPAN("boundary"), &boundary) &&
		   mime_parts_init(&p->parts, buf_span(&boundary))) {
		p->kind = MAIL_PART_MULTI;
		p->alternative = mime_type_is(&type, "multipart", "alternative");
		p->digest = mime_type_is(&type, "multipart", "digest");
	} else if (mime_type_is(&type, "message", "rfc822") && p->depth < DEPTH_MAX && !s->raw) {
		p->kind = MAIL_PART_MESSAGE;
	} else if (mime_type_is(&type, "text", NULL) && p->decoder.kind != MIME_UNKNOWN &&
		   !ascii_eq_nocase(word, SPAN("attachment"))) {
		p->kind = MAIL_PART_TEXT;
		mime_param(type.params, SPAN("charset"), &p->charset);
		/* Between two parts that are shown, an empty line. */
		if (s->written && !s->raw)
			put_text(s, SPAN("\n"));
		s->written = true;
		s->noted = false;
	}
	if (alternative && p->kind != MAIL_PART_OTHER)
		p->parent->chosen = true;
	buf_free(&boundary);
}

static struct mail_part *child_of(struct mail_part *p)
{
	if (!p->child) {
		p->child = part_new(p);
		p->child->is_message = p->kind == MAIL_PART_MESSAGE;
	}
	return p->child;
}

/* Behind the header: shows that of an enclosed message. */
static void begin_body(struct mail_mime *s, struct mail_part *p)
{
	p->in_body = true;
	if (p->is_message && !(s->lines && s->shown >= s->lines)) {
		if (s->written)
			putc('\n', s->out);
		mail_show_header(s->m, buf_span(&p->header), false, s->out);
		s->written = false;
	}
	decide(s, p);
}

static void feed_decoded(struct mail_mime *s, struct mail_part *p, struct span in)
{
	struct buf out;

	if (p->kind == MAIL_PART_TEXT) {
		mime_decode(&p->decoder, in, &p->text);
		flush_text(s, p, false);
		return;
	}
	buf_init(&out, TEXT_MAX);
	mime_decode(&p->decoder, in, &out);
	p->octets += out.len;
	buf_free(&out);
}

/* Takes the header off the front of *in; *held are body octets that come before the rest. */
static void feed_header(struct mail_mime *s, struct mail_part *p, struct span *in, bool end,
			struct span *held)
{
	struct header_field f;
	enum header_event ev;

	do {
		ev = header_reader_next(&p->reader, in, &f);
		if (ev == HEADER_MORE && end)
			ev = header_reader_finish(&p->reader, &f);
		if (ev == HEADER_FIELD)
			keep_field(p, &f);
	} while (ev != HEADER_MORE && ev != HEADER_BODY);
	if (ev == HEADER_BODY) {
		*held = p->reader.pending;
		begin_body(s, p);
	}
}

static void end_leaf(struct mail_mime *s, struct mail_part *p)
{
	if (p->kind == MAIL_PART_OTHER) {
		put_note(s, p);
	} else if (p->kind == MAIL_PART_TEXT) {
		mime_decode_finish(&p->decoder, &p->text);
		if ((!s->raw || p->depth) && p->text.len && p->text.ptr[p->text.len - 1] != '\n')
			buf_putc(&p->text, '\n');
		flush_text(s, p, true);
	}
}

/*
 * Octets of a part, at the end of it with end set.  One function, since a multipart feeds its
 * children what it gets and ends them where the next begins.
 */
static void feed(struct mail_mime *s, struct mail_part *p, struct span in, bool end)
{
	struct span piece[2] = {{0}}, data;
	enum mime_event ev;

	if (!p->in_body)
		feed_header(s, p, &in, end, &piece[0]);
	piece[1] = in;
	for (int k = 0; k < 2 && p->in_body; k++) {
		if (p->kind == MAIL_PART_TEXT || p->kind == MAIL_PART_OTHER)
			feed_decoded(s, p, piece[k]);
		else if (p->kind == MAIL_PART_MESSAGE)
			feed(s, child_of(p), piece[k], false);
		while (p->kind == MAIL_PART_MULTI) {
			ev = mime_parts_next(&p->parts, &piece[k], &data);
			if (ev == MIME_MORE && end && k == 1)
				ev = mime_parts_finish(&p->parts, &data);
			if (ev == MIME_DATA && p->child)
				feed(s, p->child, data, false);
			if (ev == MIME_MORE)
				break;
			if (ev != MIME_DATA && p->child) {
				feed(s, p->child, (struct span){0}, true);
				p->child = NULL;
			}
			if (ev == MIME_PART)
				child_of(p);
		}
	}
	if (!end)
		return;
	if (p->child)
		feed(s, p->child, (struct span){0}, true);
	end_leaf(s, p);
	part_free(p);
}

void mail_mime_init(struct mail_mime *s, struct mail *m, FILE *out)
{
	*s = (struct mail_mime){.m = m, .out = out};
	s->root = part_new(NULL);
}

void mail_mime_feed(struct mail_mime *s, struct span in)
{
	feed(s, s->root, in, false);
}

void mail_mime_finish(struct mail_mime *s)
{
	feed(s, s->root, (struct span){0}, true);
	s->root = NULL;
}
