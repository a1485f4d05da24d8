/*
 * The letter before it is a message: its parts, header lines given by the user, and the
 * header block at the start of a text (mail -t).
 *
 * No octet of a user's value starts a new header line: controls become blanks.
 */
#include <string.h>

#include "base/ascii.h"
#include "format/header.h"
#include "mail.h"

void mail_letter_init(struct mail_letter *l)
{
	*l = (struct mail_letter){.body = mail_run_temp()};
	buf_init(&l->to, MAIL_HEADER_MAX);
	buf_init(&l->cc, MAIL_HEADER_MAX);
	buf_init(&l->bcc, MAIL_HEADER_MAX);
	buf_init(&l->subject, MAIL_HEADER_MAX);
	buf_init(&l->headers, MAIL_HEADER_MAX);
	buf_init(&l->attach, MAIL_HEADER_MAX);
}

void mail_letter_free(struct mail_letter *l)
{
	buf_free(&l->to);
	buf_free(&l->cc);
	buf_free(&l->bcc);
	buf_free(&l->subject);
	buf_free(&l->headers);
	buf_free(&l->attach);
	fclose(l->body);
}

/* Lists stay text until they are sent: aliases are looked up then, and the user may edit them. */
void mail_letter_list(struct buf *list, struct span more)
{
	more = span_trim(more);
	if (!more.len)
		return;
	buf_puts(list, list->len ? ", " : "");
	buf_put(list, more);
}

/* NUL between names: it is the one octet that a file name cannot have. */
void mail_letter_attach(struct mail_letter *l, const char *name)
{
	buf_puts(&l->attach, name);
	buf_putc(&l->attach, '\0');
}

/*
 * Recipients add up over several fields, a second subject replaces the first. Unfolded, so that a
 * line break in a value cannot become a field.
 */
static bool field(struct mail_letter *l, struct span name, struct span value)
{
	struct {
		struct span name;
		struct buf *list;
	} const lists[] = {{SPAN("to"), &l->to}, {SPAN("cc"), &l->cc}, {SPAN("bcc"), &l->bcc}};
	struct buf plain;

	for (size_t i = 0; i < 3; i++)
		if (ascii_eq_nocase(name, lists[i].name)) {
			mail_letter_list(lists[i].list, value);
			return buf_ok(lists[i].list);
		}
	buf_init(&plain, MAIL_HEADER_MAX);
	header_unfold(value, &plain);
	if (ascii_eq_nocase(name, SPAN("subject"))) {
		buf_reset(&l->subject);
		buf_put(&l->subject, buf_span(&plain));
	} else {
		buf_put(&l->headers, name);
		buf_puts(&l->headers, ": ");
		buf_put(&l->headers, buf_span(&plain));
		buf_putc(&l->headers, '\n');
	}
	buf_free(&plain);
	return buf_ok(&l->headers) && buf_ok(&l->subject);
}

bool mail_letter_header(struct mail_letter *l, const char *line)
{
	struct span s = span_str(line);
	size_t name = header_name_length(s);

	if (name && field(l, span_head(s, name), span_trim(span_skip(s, span_index(s, ':') + 1))))
		return true;
	fprintf(stderr, "mail: %.60s: not a header line\n", line);
	return false;
}

/*
 * The body is copied to a second file, without the block. What the reader had read beyond the
 * block comes first.
 */
bool mail_letter_take_headers(struct mail_letter *l)
{
	struct header_reader r;
	struct header_field f;
	enum header_event ev;
	FILE *rest = mail_run_temp();
	char chunk[4096];
	struct span in = {0};
	bool ok = true;
	size_t n;

	header_reader_init(&r, MAIL_HEADER_MAX, MAIL_HEADER_MAX);
	rewind(l->body);
	do {
		ev = header_reader_next(&r, &in, &f);
		if (ev == HEADER_MORE) {
			n = fread(chunk, 1, sizeof chunk, l->body);
			in = span_make(chunk, n);
			ev = n ? HEADER_MORE : header_reader_finish(&r, &f);
		}
		if (ev == HEADER_FIELD)
			ok = !f.cut && field(l, f.name, f.value) && ok;
	} while (ev != HEADER_BODY && ev != HEADER_TOO_BIG);
	ok = ok && ev == HEADER_BODY;
	if (!ok)
		fputs("mail: the header block is too large\n", stderr);
	mail_put(r.pending, rest);
	mail_put(in, rest);
	while ((n = fread(chunk, 1, sizeof chunk, l->body)) > 0)
		fwrite(chunk, 1, n, rest);
	header_reader_free(&r);
	fclose(l->body);
	l->body = rest;
	return ok;
}
