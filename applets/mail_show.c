/*
 * Messages for people: the header list and the printed message.
 *
 * Everything from a message passes charset_put_printable on its way to the terminal, so that
 * no sender steers it with escape sequences.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/num.h"
#include "format/charset.h"
#include "format/encword.h"
#include "format/header.h"
#include "mail_mime.h"

/* Of a header list line: "%c%c%3zu SENDER DATE %4ju/%-5ju SUBJECT". */
enum { SENDER_COLUMNS = 18, BEFORE_SUBJECT = 54 };

/* The terminal, then COLUMNS and LINES, which a user or a test may set; 80 by 24 else. */
void mail_show_size(int *columns, int *rows)
{
	struct winsize ws;
	uint64_t n;

	*columns = 80;
	*rows = 24;
	if (ioctl(1, TIOCGWINSZ, &ws) == 0 && ws.ws_col && ws.ws_row) {
		*columns = ws.ws_col;
		*rows = ws.ws_row;
	}
	if (num_parse(span_str(getenv("COLUMNS")), 10000, &n) && n)
		*columns = (int)n;
	if (num_parse(span_str(getenv("LINES")), 10000, &n) && n)
		*rows = (int)n;
}

void mail_show_text(struct span value, struct buf *out)
{
	struct buf text;

	buf_init(&text, MAIL_HEADER_MAX);
	encword_decode(value, &text);
	charset_put_printable(out, buf_span(&text), false);
	buf_free(&text);
}

/*
 * The head of UTF-8 text that fills at most *columns, each character counted as one: wide
 * ones may spill, which breaks no more than a line.
 */
static struct span cut_columns(struct span s, int *columns)
{
	struct span left = s;

	while (left.len && *columns > 0) {
		size_t n = charset_utf8_next(left, NULL);

		left = span_skip(left, n ? n : 1);
		--*columns;
	}
	return span_head(s, s.len - left.len);
}

void mail_show_line(struct mail *m, size_t i, FILE *out)
{
	const struct mail_message *msg = mail_folder_known(m, i);
	struct span subject = span_str(msg->subject);
	int columns, rows, pad = SENDER_COLUMNS;
	char state = ' ';

	/* The mark tells what quit will do with the message, or else how new it is. */
	if (msg->flags & MSG_SAVED)
		state = '*';
	else if (msg->flags & MSG_HELD)
		state = 'P';
	else if (msg->flags & MSG_MBOX)
		state = 'M';
	else if (msg->flags & MSG_NEW)
		state = 'N';
	else if (!(msg->flags & MSG_READ))
		state = 'U';
	fprintf(out, "%c%c%3zu ", i == m->folder->dot ? '>' : ' ', state, i + 1);
	mail_put(cut_columns(span_str(msg->sender), &pad), out);
	fprintf(out, "%*s %-16s %4ju/%-5ju ", pad, "", msg->date, (uintmax_t)msg->lines,
		(uintmax_t)msg->size);
	mail_show_size(&columns, &rows);
	columns -= BEFORE_SUBJECT;
	/* A pipe gets the whole subject: there is no right edge. */
	mail_put(isatty(1) ? cut_columns(subject, &columns) : subject, out);
	putc('\n', out);
}

/* "retain" wins over "ignore", whatever else is listed there (POSIX mailx). */
static bool is_shown(const struct mail *m, struct span name)
{
	char low[128];

	if (!span_to_cstr(name, low, sizeof low))
		return !m->retained;
	ascii_fold(low, name.len);
	return m->retained ? mail_pair_get(m->retained, low) != NULL
			   : mail_pair_get(m->ignored, low) == NULL;
}

void mail_show_header(struct mail *m, struct span block, bool all, FILE *out)
{
	struct header_field f;
	struct buf text;

	buf_init(&text, 4 * MAIL_HEADER_MAX);
	while (header_next(&block, &f)) {
		if (!all && !is_shown(m, f.name))
			continue;
		charset_put_printable(&text, f.name, false);
		buf_puts(&text, ": ");
		mail_show_text(f.value, &text);
		buf_putc(&text, '\n');
	}
	buf_putc(&text, '\n');
	mail_put(buf_span(&text), out);
	buf_free(&text);
}

static void feed(void *to, struct span octets)
{
	mail_mime_feed(to, octets);
}

/* raw: without the header and without decoding, for "write". */
static void show_body(struct mail *m, size_t i, size_t lines, bool raw, FILE *out)
{
	struct mail_mime mime;

	mail_mime_init(&mime, m, out);
	mime.lines = lines;
	mime.raw = raw;
	mail_folder_read(m, i, feed, &mime);
	mail_mime_finish(&mime);
}

void mail_show_message(struct mail *m, size_t i, bool all, size_t lines, FILE *out)
{
	struct buf header;

	buf_init(&header, MAIL_HEADER_MAX);
	if (mail_folder_header(m, i, &header)) {
		mail_show_header(m, buf_span(&header), all, out);
		show_body(m, i, lines, false, out);
		putc('\n', out);
	}
	buf_free(&header);
}

void mail_show_body(struct mail *m, size_t i, FILE *out)
{
	show_body(m, i, 0, true, out);
}
