/*
 * Finding the messages of an mbox file; see format/mbox.h.
 *
 * A line is looked at only where it begins; the rest of it is skipped with memchr.  An empty
 * line is not counted until the next line shows that it does not end the message.
 */
#include "format/mbox.h"

static const char from_[] = "From ";

enum { FROM_LEN = 5 };

/* offset: where in the file the octets start that are fed, for a scan that is resumed. */
void mbox_scan_init(struct mbox_scan *s, uint64_t offset)
{
	*s = (struct mbox_scan){.at = offset, .line = offset, .may_from = true};
}

bool mbox_scan_is_junk(const struct mbox_scan *s)
{
	return s->junk;
}

void mbox_scan_fields(struct mbox_scan *s, struct header_reader *reader,
		      void (*on_field)(void *ctx, const struct header_field *f), void *ctx)
{
	s->reader = reader;
	s->on_field = on_field;
	s->ctx = ctx;
}

static void read_fields(struct mbox_scan *s, struct span in)
{
	struct header_field f;
	enum header_event ev;

	/* The reader stops by itself at the body. */
	while ((ev = header_reader_next(s->reader, &in, &f)) == HEADER_FIELD || ev == HEADER_FROM)
		if (ev == HEADER_FIELD)
			s->on_field(s->ctx, &f);
}

/* Counts the empty line that turned out to be text. */
static void count_blank(struct mbox_scan *s)
{
	if (s->blank) {
		s->msg.size += s->blank;
		s->msg.crlf += 2;
		s->msg.lines++;
	}
	s->blank = 0;
}

/* Ends the open message at the octet where the line being read begins. */
static void close_message(struct mbox_scan *s, uint64_t line, struct mbox_message *out)
{
	struct header_field f;

	if (s->reader && s->in_header && header_reader_finish(s->reader, &f) == HEADER_FIELD)
		s->on_field(s->ctx, &f);
	*out = s->msg;
	/* The separating empty line belongs to the file, not to the message. */
	out->end = line - s->blank;
	out->next = line;
	/* A message that ends in its header has an empty body. */
	if (s->in_header || out->body > out->end)
		out->body = out->end;
	s->blank = 0;
	s->open = s->in_header = false;
}

static void open_message(struct mbox_scan *s, uint64_t from, uint64_t start)
{
	s->msg = (struct mbox_message){.from = from, .start = start};
	s->open = s->in_header = true;
	s->may_from = false;
	if (s->reader)
		header_reader_reset(s->reader);
}

/*
 * Counts a finished line of text: len octets with its line end, which has a CR or not.
 * size is in octets of the file, crlf what POP3 sends: every line ends in CRLF there.
 */
static void count_line(struct mbox_scan *s, uint64_t len, bool cr)
{
	s->may_from = false;
	if (!s->open) {
		/*
		 * Text before the first From_ line: this is no mbox, or a broken one. It
		 * is never touched.
		 */
		s->junk = true;
		return;
	}
	s->msg.size += len;
	s->msg.crlf += len + !cr;
	s->msg.lines++;
}

static void empty_line(struct mbox_scan *s, uint64_t len)
{
	s->may_from = true;
	if (!s->open)
		return;
	if (s->in_header) {
		s->in_header = false;
		s->msg.body = s->at;
	}
	/* Held back: 1 or 2 octets, which close_message leaves out and count_blank counts. */
	s->blank = (unsigned char)len;
}

/* The line end was taken: s->line to s->at is a whole line.  True: a message ended. */
static bool end_line(struct mbox_scan *s, bool cr, struct mbox_message *out)
{
	uint64_t len = s->at - s->line, line = s->line;
	bool ended = false;

	s->line = s->at;
	s->cr = false;
	if (s->gathering) {
		s->gathering = false;
		/* "From here on" is prose: without a date it separates nothing. */
		if (mbox_parse_from(span_make(s->from, s->from_len), NULL, NULL)) {
			if (s->open) {
				close_message(s, line, out);
				ended = true;
			}
			open_message(s, line, s->at);
			return ended;
		}
	}
	count_blank(s);
	/* Only a line end: it may separate, so it is counted when the next line is known. */
	if (len == 1 + (uint64_t)cr)
		empty_line(s, len);
	else
		count_line(s, len, cr);
	s->quoted = false;
	s->matched = 0;
	return false;
}

/* Looks at the first octets of a line; returns how many were used. */
static size_t start_line(struct mbox_scan *s, struct span in)
{
	size_t n = 0;

	if (s->at == s->line) {
		s->place = MBOX_AT_LINE;
		s->quoted = false;
		s->matched = 0;
		/* Anywhere else "From " is text: others quote only behind an empty line. */
		s->gathering = s->may_from && in.ptr[0] == 'F';
		s->from_len = 0;
	}
	if (s->gathering) {
		s->place = MBOX_IN_LINE;
		return 0;
	}
	while (s->matched == 0 && n < in.len && in.ptr[n] == '>') {
		s->quoted = true;
		n++;
	}
	while (s->quoted && n < in.len && s->matched < FROM_LEN && in.ptr[n] == from_[s->matched]) {
		s->matched++;
		n++;
	}
	/*
	 * The reader will leave one ">" out: counted here and done by mbox_unquote, so
	 * both must find the same lines.
	 */
	if (s->matched == FROM_LEN && s->open) {
		s->msg.size--;
		s->msg.crlf--;
	}
	if (n < in.len || s->matched == FROM_LEN)
		s->place = MBOX_IN_LINE;
	return n;
}

static void gather(struct mbox_scan *s, struct span in)
{
	size_t room = MBOX_FROM_MAX - s->from_len;

	/* Too long for a From_ line; it is text, and the counters have it already. */
	if (in.len > room) {
		s->gathering = false;
		return;
	}
	memcpy(s->from + s->from_len, in.ptr, in.len);
	s->from_len += in.len;
}

bool mbox_scan_feed(struct mbox_scan *s, struct span *in, struct mbox_message *out)
{
	while (in->len) {
		size_t n = 0;
		/* A run of ">" or a "From " that the end of the last piece has cut goes on here. */
		if (s->at == s->line || s->place == MBOX_AT_LINE)
			n = start_line(s, *in);
		struct span rest = span_skip(*in, n);
		size_t to_lf = 0;
		if (s->place == MBOX_IN_LINE)
			to_lf = span_index(rest, '\n');
		bool whole = to_lf < rest.len;
		if (s->gathering)
			gather(s, span_head(rest, to_lf));
		size_t text = n + to_lf;
		/* Of the octet before the LF, which may have come with the piece before. */
		bool cr = text ? in->ptr[text - 1] == '\r' : s->cr;

		s->cr = cr;
		if (s->reader && s->in_header)
			read_fields(s, span_head(*in, text + whole));
		s->at += text + whole;
		*in = span_skip(*in, text + whole);
		if (whole && end_line(s, cr, out))
			return true;
	}
	return false;
}

bool mbox_scan_finish(struct mbox_scan *s, struct mbox_message *out)
{
	uint64_t len = s->at - s->line;

	if (len) {
		/* The file ends inside a line: a torn From_ line is text, never a message. */
		count_blank(s);
		count_line(s, len, false);
		s->msg.crlf += 1;
		if (s->cr)
			s->msg.crlf--;
		s->line = s->at;
	}
	if (!s->open)
		return false;
	close_message(s, s->at, out);
	return true;
}
