/*
 * A letter as an Internet message: RFC 5322 fields, RFC 2047 words in them, MIME body and
 * attachments (RFC 2045, 2046, 2231).  Date and Message-ID are left to sendmail.
 *
 * Plain ASCII text of ordinary lines goes out as it is, without any MIME field.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/charset.h"
#include "format/encword.h"
#include "format/header.h"
#include "format/mime.h"
#include "mail.h"
#include "sys/rand.h"

enum { CHUNK = 4096 };

/* What a text is and needs. */
struct facts {
	struct mime_survey survey;
	bool utf8; /* well-formed UTF-8 all through */
};

struct builder {
	const struct mail *m;
	struct mail_letter *l;
	FILE *out;
	char boundary[40];
};

/*
 * Twice over the text, once to know and once to write: the header comes first and must tell the
 * encoding.
 */
static struct facts scan(FILE *f)
{
	struct facts is = {.utf8 = true};
	char chunk[CHUNK];
	size_t have = 0, n;

	rewind(f);
	while ((n = fread(chunk + have, 1, sizeof chunk - have, f)) > 0) {
		struct span text = span_make(chunk, have + n);
		size_t len = 1;

		mime_survey_feed(&is.survey, span_make(chunk + have, n));
		while (text.len >= CHARSET_CHAR_MAX && (len = charset_utf8_next(text, NULL)) > 0)
			text = span_skip(text, len);
		is.utf8 = is.utf8 && len > 0;
		/* The last octets may be the start of a character. */
		have = len ? text.len : 0;
		memmove(chunk, text.ptr, have);
	}
	is.utf8 = is.utf8 && charset_is_utf8(span_make(chunk, have));
	return is;
}

/* Controls become blanks before anything else: a value with a line break could add fields. */
static void put_field(FILE *out, const char *name, struct span value)
{
	struct buf plain, words, line;

	buf_init(&plain, MAIL_HEADER_MAX);
	buf_init(&words, 4 * MAIL_HEADER_MAX);
	buf_init(&line, 8 * MAIL_HEADER_MAX);
	for (size_t i = 0; i < value.len; i++)
		buf_putc(&plain, (unsigned char)value.ptr[i] < ' ' ? ' ' : value.ptr[i]);
	encword_encode(buf_span(&plain), &words);
	header_put_field(&line, span_str(name), buf_span(&words), "\n");
	mail_put(buf_span(&line), out);
	buf_free(&plain);
	buf_free(&words);
	buf_free(&line);
}

/* A field of the user's own replaces ours. */
static bool has_field(const struct mail_letter *l, const char *name)
{
	struct header_field f;

	return header_find(buf_span(&l->headers), span_str(name), &f);
}

/* The charset that was asked for, or that the locale names; UTF-8 is what it is. */
static const char *charset(const struct mail *m, const struct facts *is)
{
	const char *name = mail_value(m, "ttycharset");
	const char *locale = getenv("LC_ALL");

	if (!is->survey.high)
		return "us-ascii";
	if (!name || !*name) {
		if (!locale || !*locale)
			locale = getenv("LC_CTYPE");
		if (!locale || !*locale)
			locale = getenv("LANG");
		name = locale ? strchr(locale, '.') : NULL;
		name = name ? name + 1 : "utf-8";
	}
	if (ascii_starts_nocase(span_str(name), SPAN("utf")) || is->utf8)
		return is->utf8 ? "utf-8" : "unknown-8bit"; /* RFC 1428 */
	return name;
}

/* A wish may choose between encodings that are safe, never make the text unsafe to send. */
static enum mime_encoding encoding(const struct mail *m, const struct facts *is)
{
	enum mime_encoding wish = mime_parse_encoding(span_str(mail_value(m, "encoding")));
	enum mime_encoding need = mime_survey_choose(&is->survey, wish == MIME_8BIT);

	return need >= MIME_QP && (wish == MIME_QP || wish == MIME_BASE64) ? wish : need;
}

/* cr lives with the caller, as a CRLF may lie across two pieces. */
static void put_line_ends(struct span in, bool *cr, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\n' && !*cr)
			buf_putc(out, '\r');
		*cr = in.ptr[i] == '\r';
		buf_putc(out, in.ptr[i]);
	}
}

/* Text in base64 has CRLF line ends (RFC 2045 6.8); any other file goes octet for octet. */
static void put_encoded(FILE *from, FILE *out, enum mime_encoding how, bool text)
{
	struct mime_encoder enc;
	struct buf coded, lines;
	char chunk[CHUNK];
	bool cr = false;
	size_t n;

	buf_init(&coded, 8 * CHUNK);
	buf_init(&lines, 2 * CHUNK);
	mime_encoder_init(&enc, how, "\n");
	rewind(from);
	do {
		struct span in;

		n = fread(chunk, 1, sizeof chunk, from);
		in = span_make(chunk, n);
		buf_reset(&coded);
		buf_reset(&lines);
		if (text && how == MIME_BASE64) {
			put_line_ends(in, &cr, &lines);
			in = buf_span(&lines);
		}
		mime_encode(&enc, in, &coded);
		if (!n)
			mime_encode_finish(&enc, &coded);
		mail_put(buf_span(&coded), out);
	} while (n);
	buf_free(&coded);
	buf_free(&lines);
}

/* "text/plain" and the like, by the ending of the name. */
static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
	    {"txt", "text/plain"},        {"log", "text/plain"},        {"diff", "text/x-diff"},
	    {"patch", "text/x-diff"},     {"html", "text/html"},        {"htm", "text/html"},
	    {"css", "text/css"},          {"csv", "text/csv"},          {"ics", "text/calendar"},
	    {"xml", "application/xml"},   {"json", "application/json"}, {"pdf", "application/pdf"},
	    {"zip", "application/zip"},   {"gz", "application/gzip"},   {"tgz", "application/gzip"},
	    {"tar", "application/x-tar"}, {"png", "image/png"},         {"jpg", "image/jpeg"},
	    {"jpeg", "image/jpeg"},       {"gif", "image/gif"},         {"svg", "image/svg+xml"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof types / sizeof types[0]; i++)
		if (strcasecmp(dot + 1, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

/* Only the last part of the path: where it was on our disk is nobody's business. */
static void put_disposition(FILE *out, const char *name)
{
	struct buf value, line;

	buf_init(&value, MAIL_HEADER_MAX);
	buf_init(&line, MAIL_HEADER_MAX);
	buf_puts(&value, "attachment");
	mime_put_param(&value, SPAN("filename"), span_str(name));
	header_put_field(&line, SPAN("Content-Disposition"), buf_span(&value), "\n");
	mail_put(buf_span(&line), out);
	buf_free(&value);
	buf_free(&line);
}

/* base64 for every file: only that keeps line ends and trailing blanks as they are. */
static bool put_attachment(struct builder *b, const char *given)
{
	const char *slash = strrchr(given, '/'), *name = slash ? slash + 1 : given, *type;
	char path[4096];
	FILE *f;
	bool ok;

	if (!mail_file_name(b->m, given, path, sizeof path))
		return false;
	f = fopen(path, "re");
	type = type_of(name);
	fprintf(b->out, "\n--%s\nContent-Type: %s", b->boundary, type);
	if (f && strncmp(type, "text/", 5) == 0) {
		struct facts is = scan(f);

		fprintf(b->out, "; charset=%s", charset(b->m, &is));
	}
	fputs("\nContent-Transfer-Encoding: base64\n", b->out);
	put_disposition(b->out, name);
	putc('\n', b->out);
	if (f)
		put_encoded(f, b->out, MIME_BASE64, false);
	ok = f && !ferror(f);
	if (!ok)
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
	if (f)
		fclose(f);
	return ok;
}

/* The user's own header lines; those about the content go with the text when inner is set. */
static void put_own(struct builder *b, bool inner)
{
	struct span left = buf_span(&b->l->headers);
	struct header_field f;
	char name[128];

	while (header_next(&left, &f)) {
		bool content = ascii_starts_nocase(f.name, SPAN("content-"));

		if (b->l->attach.len ? content == inner : !inner)
			if (span_to_cstr(f.name, name, sizeof name))
				put_field(b->out, name, f.value);
	}
}

/* No words are encoded here: mail_rcpt_add has done that, it knows names from addresses. */
static void put_addresses(FILE *out, const char *name, const struct buf *list)
{
	struct buf line;

	if (!list->len)
		return;
	buf_init(&line, 2 * MAIL_HEADER_MAX);
	header_put_field(&line, span_str(name), buf_span(list), "\n");
	mail_put(buf_span(&line), out);
	buf_free(&line);
}

/* From and Reply-To: addresses, but no recipients, so no aliases. */
static bool put_senders(const struct builder *b)
{
	const struct {
		const char *name, *value;
	} fields[] = {
	    {"From", b->l->from ? b->l->from : mail_value(b->m, "from")},
	    {"Reply-To", mail_value(b->m, "replyto") ? mail_value(b->m, "replyto")
						     : mail_value(b->m, "REPLYTO")},
	};
	bool ok = true;

	for (size_t i = 0; ok && i < 2; i++) {
		struct mail_rcpts r = {.literal = true};
		struct buf list;

		if (!fields[i].value || has_field(b->l, fields[i].name))
			continue;
		buf_init(&list, MAIL_HEADER_MAX);
		buf_init(&r.envelope, MAIL_HEADER_MAX);
		ok = mail_rcpt_add(b->m, &r, span_str(fields[i].value), &list);
		put_addresses(b->out, fields[i].name, &list);
		buf_free(&list);
		buf_free(&r.envelope);
	}
	return ok;
}

/* The text's own fields and the text.  What the user said about it is believed. */
static void put_text(struct builder *b, const struct facts *is)
{
	struct mail_letter *l = b->l;
	enum mime_encoding how = encoding(b->m, is);
	struct header_field f;
	bool composite = header_find(buf_span(&l->headers), SPAN("content-type"), &f) &&
			 (ascii_starts_nocase(f.value, SPAN("multipart/")) ||
			  ascii_starts_nocase(f.value, SPAN("message/")));
	bool given = has_field(l, "content-transfer-encoding");

	if (given || (composite && how != MIME_7BIT))
		how = MIME_8BIT;
	if (!given && (l->attach.len || how != MIME_7BIT))
		fprintf(b->out, "Content-Transfer-Encoding: %s\n", mime_encoding_name(how));
	if (!has_field(l, "content-type") && (l->attach.len || how != MIME_7BIT))
		fprintf(b->out, "Content-Type: text/plain; charset=%s\n", charset(b->m, is));
	put_own(b, true);
	putc('\n', b->out);
	put_encoded(l->body, b->out, how, true);
}

bool mail_build(const struct mail *m, struct mail_letter *l, const struct buf *to,
		const struct buf *cc, FILE *out)
{
	struct builder b = {.m = m, .l = l, .out = out};
	struct facts is = scan(l->body);
	bool ok = put_senders(&b);

	put_addresses(out, "To", to);
	put_addresses(out, "Cc", cc);
	if (l->subject.len)
		put_field(out, "Subject", buf_span(&l->subject));
	if ((l->attach.len || encoding(m, &is) != MIME_7BIT) && !has_field(l, "mime-version"))
		fputs("MIME-Version: 1.0\n", out);
	put_own(&b, false);
	if (!l->attach.len) {
		put_text(&b, &is);
	} else {
		snprintf(b.boundary, sizeof b.boundary, "=_%016jx%016jx", (uintmax_t)rand_u64(),
			 (uintmax_t)rand_u64());
		fprintf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\n\n--%s\n", b.boundary,
			b.boundary);
		put_text(&b, &is);
		for (struct span left = buf_span(&l->attach); ok && left.len;)
			ok = put_attachment(&b, span_cut(&left, '\0').ptr);
		fprintf(out, "\n--%s--\n", b.boundary);
	}
	if (ok && fflush(out) == 0)
		return true;
	if (ok)
		fprintf(stderr, "mail: temporary file: %s\n", strerror(errno));
	return false;
}
