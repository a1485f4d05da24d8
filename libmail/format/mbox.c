/*
 * mboxrd: From_ lines and the quoting filters; see format/mbox.h.
 *
 * Where in a run of ">" one is added or left out cannot be seen afterwards; so the runs, which
 * may have any length, are passed on at once and only the fixed text "From " is held back.
 */
#include "format/mbox.h"

#include "base/ascii.h"
#include "format/date.h"

static const char from_[] = "From ";

enum { FROM_LEN = 5 };

void mbox_put_from(struct buf *out, struct span sender, int64_t t, int offset)
{
	buf_puts(out, from_);
	/* The null sender; a From_ line must have some word there. */
	if (sender.len == 0)
		buf_puts(out, "MAILER-DAEMON");
	for (size_t i = 0; i < sender.len; i++) {
		char c = sender.ptr[i];
		/* A blank would shift the date, a line end would start a message. */
		bool harmless = ascii_is_graph(c) || (unsigned char)c > 0x7f;
		buf_putc(out, harmless ? c : '_');
	}
	buf_putc(out, ' ');
	date_put_ctime(out, t, offset);
	buf_putc(out, '\n');
}

bool mbox_parse_from(struct span line, struct span *sender, int64_t *t)
{
	int64_t ignored;

	/* Longer lines are text: the scanner gathers no more than this. */
	if (!span_starts(line, SPAN("From ")) || line.len > MBOX_FROM_MAX)
		return false;
	line = span_trim(span_skip(line, FROM_LEN));
	/* A sender may hold blanks ("a b"@c), so the date is wherever one begins. */
	for (size_t i = 0; i < line.len; i++) {
		bool word = i == 0 || ascii_is_blank(line.ptr[i - 1]);
		if (!word || !date_parse_ctime(span_skip(line, i), t ? t : &ignored))
			continue;
		if (sender)
			*sender = span_trim(span_head(line, i));
		return true;
	}
	return false;
}

void mbox_quote_init(struct mbox_quote *q)
{
	*q = (struct mbox_quote){.place = MBOX_AT_LINE};
}

/*
 * The rest of a line, without its line end; returns octets used. Boxes hold bare line
 * feeds, so the CR of a CRLF goes.
 */
static size_t quote_line(struct mbox_quote *q, struct span in, struct buf *out)
{
	size_t n = span_index(in, '\n');

	if (n < in.len) {
		/* The CR of a CRLF that lies whole in this piece; one at its end is held back. */
		size_t text = n && in.ptr[n - 1] == '\r' ? n - 1 : n;
		buf_put(out, span_head(in, text));
		buf_putc(out, '\n');
		q->place = MBOX_AT_LINE;
		q->begun = false;
		return n + 1;
	}
	/* The LF may come with the next piece. */
	q->cr = in.ptr[n - 1] == '\r';
	buf_put(out, span_head(in, n - q->cr));
	return n;
}

/*
 * At the start of a line: any number of ">" and then "From " gets one ">" more, which
 * makes the quoting reversible (mboxrd; mboxo quotes "From " only and loses what was
 * there).
 */
static size_t quote_start(struct mbox_quote *q, struct span in, struct buf *out)
{
	size_t n = 0;

	while (q->matched == 0 && n < in.len && in.ptr[n] == '>')
		n++;
	q->begun |= n > 0;
	/* Which ">" of the run is the added one cannot be told, so all may go. */
	buf_put(out, span_head(in, n));
	while (n < in.len && q->matched < FROM_LEN && in.ptr[n] == from_[q->matched]) {
		q->matched++;
		n++;
	}
	/* The piece ended inside a possible "From ": what it comes to is seen with the next one. */
	if (q->matched < FROM_LEN && n == in.len)
		return n;
	if (q->matched == FROM_LEN)
		buf_putc(out, '>');
	buf_put(out, span_make(from_, q->matched));
	q->matched = 0;
	q->place = MBOX_IN_LINE;
	return n;
}

void mbox_quote_feed(struct mbox_quote *q, struct span in, struct buf *out)
{
	while (in.len) {
		if (q->cr) {
			if (in.ptr[0] != '\n')
				buf_putc(out, '\r');
			q->cr = false;
		}
		size_t n =
		    q->place == MBOX_AT_LINE ? quote_start(q, in, out) : quote_line(q, in, out);
		in = span_skip(in, n);
	}
}

void mbox_quote_finish(struct mbox_quote *q, struct buf *out)
{
	buf_put(out, span_make(from_, q->matched));
	if (q->cr)
		buf_putc(out, '\r');
	/* A line without end would swallow the separator behind it. */
	if (q->place != MBOX_AT_LINE || q->matched || q->begun)
		buf_putc(out, '\n');
	/* The empty line by which readers tell the next From_ line from text. */
	buf_putc(out, '\n');
	mbox_quote_init(q);
}

void mbox_unquote_init(struct mbox_unquote *u, bool crlf)
{
	*u = (struct mbox_unquote){.place = MBOX_AT_LINE, .crlf = crlf};
}

static size_t unquote_line(struct mbox_unquote *u, struct span in, struct buf *out)
{
	size_t n = span_index(in, '\n');
	/* The CR may have come with the piece before. */
	bool cr = n ? in.ptr[n - 1] == '\r' : u->cr;

	buf_put(out, span_head(in, n));
	u->cr = cr;
	if (n == in.len)
		return n;
	/* For a network, where every line ends in CRLF, the CR is added that the box has not. */
	if (u->crlf && !cr)
		buf_putc(out, '\r');
	buf_putc(out, '\n');
	u->cr = false;
	u->place = MBOX_AT_LINE;
	return n + 1;
}

static size_t unquote_start(struct mbox_unquote *u, struct span in, struct buf *out)
{
	size_t n = 0, run;

	while (u->matched == 0 && n < in.len && in.ptr[n] == '>')
		n++;
	run = n;
	/* One ">" waits: if "From " follows, it is the one that quoting added. */
	if (run && !u->held) {
		u->held = true;
		run--;
	}
	buf_put(out, span_head(in, run));
	while (u->held && n < in.len && u->matched < FROM_LEN && in.ptr[n] == from_[u->matched]) {
		u->matched++;
		n++;
	}
	if (n == in.len && u->matched < FROM_LEN)
		return n;
	if (u->held && u->matched < FROM_LEN)
		buf_putc(out, '>');
	buf_put(out, span_make(from_, u->matched));
	u->matched = 0;
	u->held = false;
	u->place = MBOX_IN_LINE;
	return n;
}

void mbox_unquote_feed(struct mbox_unquote *u, struct span in, struct buf *out)
{
	while (in.len) {
		size_t n =
		    u->place == MBOX_AT_LINE ? unquote_start(u, in, out) : unquote_line(u, in, out);
		in = span_skip(in, n);
	}
}

void mbox_unquote_finish(struct mbox_unquote *u, struct buf *out)
{
	bool partial = u->place != MBOX_AT_LINE || u->held;

	if (u->held)
		buf_putc(out, '>');
	buf_put(out, span_make(from_, u->matched));
	/* POP3 and SMTP know no line without an end. */
	if (u->crlf && partial)
		buf_puts(out, u->cr ? "\n" : "\r\n");
	mbox_unquote_init(u, u->crlf);
}
