/*
 * The filter for message text on its way into the queue; see format/submit.h.
 *
 * A header line is held back only until its name is known; then the whole line, and
 * the folded lines behind it, pass or are dropped.
 */
#include "format/submit.h"

#include "base/ascii.h"

void submit_init(struct submit *s, unsigned flags, const struct submit_fields *fields)
{
	*s = (struct submit){.flags = flags,
			     .fields = *fields,
			     .in_header = true,
			     .first_line = true,
			     .deciding = true};
}

/*
 * RFC 5322 section 3.6: From and Date must be there and Message-ID should. To is added
 * only to a message that had nothing but Bcc, since RFC 822 wanted some field with
 * recipients.
 */
static void add_missing(const struct submit *s, struct buf *out)
{
	if (!(s->flags & SUBMIT_FIX))
		return;
	if (!s->has_from)
		buf_put(out, s->fields.from);
	if (!s->has_to && s->has_bcc)
		buf_put(out, s->fields.to);
	if (!s->has_date)
		buf_put(out, s->fields.date);
	if (!s->has_message_id)
		buf_put(out, s->fields.message_id);
}

static bool is_name(const struct submit *s, size_t colon, const char *name)
{
	struct span got = span_make(s->start, colon);

	while (got.len && ascii_is_blank(got.ptr[got.len - 1]))
		got.len--;
	return ascii_eq_nocase(got, span_str(name));
}

/*
 * Fields by which mail readers note in an mbox where a message ends, whether it was read and what
 * its number is: from a stranger they hide a message or make two of one.
 */
static bool is_mbox_note(const struct submit *s, size_t colon)
{
	static const char *const names[] = {"content-length", "lines", "status", "x-status",
					    "x-keywords",     "x-uid", "x-imap", "x-imapbase"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (is_name(s, colon, names[i]))
			return true;
	return false;
}

/* Notes the field; true when it is to be dropped: blind copies, unless the caller keeps them. */
static bool note_field(struct submit *s, size_t colon)
{
	/* Loops show by their Received fields (RFC 5321 section 6.3); the caller has the limit. */
	if (s->flags & SUBMIT_MBOX)
		return is_mbox_note(s, colon);
	if (is_name(s, colon, "received"))
		s->hops++;
	else if (is_name(s, colon, "from"))
		s->has_from = true;
	else if (is_name(s, colon, "date"))
		s->has_date = true;
	else if (is_name(s, colon, "message-id"))
		s->has_message_id = true;
	else if (is_name(s, colon, "to") || is_name(s, colon, "cc"))
		s->has_to = true;
	else if (is_name(s, colon, "bcc") || is_name(s, colon, "resent-bcc"))
		return s->has_bcc = true, s->flags & SUBMIT_FIX && !(s->flags & SUBMIT_KEEP_BCC);
	return false;
}

/* The held-back start of a line that is no field: the header ends before it. */
static void end_header(struct submit *s, bool empty_line, struct buf *out)
{
	add_missing(s, out);
	/* The empty line that ends the header was missing: the body begins without one. */
	if (s->flags & SUBMIT_FIX && !empty_line)
		buf_putc(out, '\n');
	s->in_header = false;
	s->deciding = false;
	s->skipping = false;
}

static bool could_be_name(struct span start)
{
	for (size_t i = 0; i < start.len; i++)
		if (!ascii_is_graph(start.ptr[i]) && !(i && ascii_is_blank(start.ptr[i])))
			return false;
	return true;
}

/*
 * Decides about the line whose first octets are in start: all of it when whole, else as
 * much as interests us.  Leaves deciding set when more octets are needed.
 */
static void decide(struct submit *s, bool whole, struct buf *out)
{
	struct span start = span_make(s->start, s->start_len);
	size_t colon = span_index(start, ':');

	if (start.len == 0 && whole) {
		end_header(s, true, out);
	} else if (start.len && ascii_is_blank(start.ptr[0]) && !s->first_line) {
		s->deciding = false; /* folded: as the line before */
	} else if (s->first_line && s->flags & SUBMIT_FIX && span_starts(start, SPAN("From ")) &&
		   start.len > 5 && start.ptr[5] != ':') {
		s->deciding = false;
		s->skipping = true;
	} else if (colon < start.len && colon > 0 && could_be_name(span_head(start, colon))) {
		/* Enough was seen: the rest of the line follows the same way without being held. */
		s->deciding = false;
		s->skipping = note_field(s, colon);
	} else if (whole || colon == 0 || !could_be_name(span_head(start, colon))) {
		end_header(s, false, out);
	} else if (s->start_len == SUBMIT_NAME_MAX) {
		s->deciding = false; /* a long name: passes */
		s->skipping = false;
	} else {
		return;
	}
	if (!s->skipping) {
		buf_put(out, start);
		s->mid_line |= start.len != 0;
	}
	s->start_len = 0;
}

/* All line ends become one LF, the form of the queue; clients get CRLF from the sender. */
static void line_end(struct submit *s, struct buf *out)
{
	if (s->deciding)
		decide(s, true, out);
	if (!s->skipping)
		buf_putc(out, '\n');
	s->mid_line = false;
	s->first_line = false;
	/* The line that ends the header is none of it, whether empty or already the body's. */
	if (s->in_header)
		s->header += s->line;
	s->line = 0;
	s->deciding = s->in_header;
}

/* Octets of one line, without its end. */
static void line_part(struct submit *s, struct span part, struct buf *out)
{
	while (part.len && s->deciding) {
		size_t n = SUBMIT_NAME_MAX - s->start_len;

		if (n > part.len)
			n = part.len;
		memcpy(s->start + s->start_len, part.ptr, n);
		s->start_len += n;
		part = span_skip(part, n);
		decide(s, false, out);
	}
	if (!s->skipping) {
		buf_put(out, part);
		s->mid_line |= part.len != 0;
	}
}

void submit_feed(struct submit *s, struct span in, struct buf *out)
{
	while (in.len) {
		size_t eol = span_index(in, '\n'), crs = 0;
		struct span part = span_head(in, eol);

		s->line += eol + (eol < in.len);
		/* CRs belong to the line end when the LF follows, in this chunk or a later one. */
		while (crs < part.len && part.ptr[part.len - 1 - crs] == '\r')
			crs++;
		part.len -= crs;
		for (; part.len && s->crs; s->crs--)
			line_part(s, SPAN("\r"), out);
		s->crs += crs;
		line_part(s, part, out);
		if (eol == in.len)
			return;
		s->crs = 0;
		line_end(s, out);
		in = span_skip(in, eol + 1);
	}
}

void submit_finish(struct submit *s, struct buf *out)
{
	/* CRs at the very end are the first half of a line end that was cut off. */
	s->crs = 0;
	if (s->deciding && s->start_len)
		decide(s, true, out);
	if (s->mid_line)
		buf_putc(out, '\n');
	s->mid_line = false;
	if (!s->in_header)
		return;
	add_missing(s, out);
	if (s->flags & SUBMIT_FIX)
		buf_putc(out, '\n');
	s->in_header = false;
}
