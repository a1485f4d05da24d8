/*
 * The incremental header reader and the one for blocks in memory; see format/header.h.
 *
 * A field is complete only when the first octet of the next line is seen, since that line may
 * continue it (RFC 5322 2.2.3).  Octets are gathered in runs (memchr to the end of a line), not
 * one by one: every message that passes the server comes through here.
 */
#include "format/header.h"

#include "base/ascii.h"

void header_reader_init(struct header_reader *r, size_t max_field, size_t max_total)
{
	*r = (struct header_reader){.max_total = max_total};
	/* A line that turns out to be body must be in the buf whole, so that none of it is lost. */
	buf_init(&r->field, max_field > HEADER_LINE_MAX ? max_field : HEADER_LINE_MAX + 2);
}

void header_reader_reset(struct header_reader *r)
{
	struct buf field = r->field;

	*r = (struct header_reader){.field = field, .max_total = r->max_total};
	buf_reset(&r->field);
}

void header_reader_free(struct header_reader *r)
{
	buf_free(&r->field);
}

/* ftext of RFC 5322 3.6.8. */
static bool is_name_octet(char c)
{
	return ascii_is_graph(c) && c != ':';
}

/*
 * Splits raw into name and value; colon is the index behind the colon. The value is
 * trimmed but still folded: unfolding is for those who show it.
 */
static void split(struct span raw, size_t name_len, size_t colon, struct header_field *out)
{
	out->raw = raw;
	out->name = span_head(raw, name_len);
	out->value = span_trim(span_skip(raw, colon));
}

/* Keeps the n octets at the front of *in as part of the field. */
static void keep(struct header_reader *r, struct span *in, size_t n)
{
	size_t room = r->field.max - r->field.len;

	/* Cut, not refused: what follows still has to be found. */
	if (n > room)
		r->cut = true;
	buf_put(&r->field, span_head(*in, n < room ? n : room));
	r->total += n;
	*in = span_skip(*in, n);
}

/* The octets of a line that turned out to be body go back to the caller as pending. */
static enum header_event begin_body(struct header_reader *r, bool empty_line)
{
	r->state = HEADER_IN_BODY;
	r->empty_line = empty_line;
	r->pending = empty_line ? span_make(NULL, 0) : buf_span(&r->field);
	return HEADER_BODY;
}

/* Hands the gathered field out. */
static enum header_event give(struct header_reader *r, struct header_field *out)
{
	*out = (struct header_field){.cut = r->cut};
	r->done = true;
	/* Without a name it is the From line, the only line that is given out and is no field. */
	if (r->name_len == 0) {
		out->raw = buf_span(&r->field);
		out->value = span_trim(out->raw);
		return HEADER_FROM;
	}
	r->fields++;
	split(buf_span(&r->field), r->name_len, r->colon, out);
	return HEADER_FIELD;
}

/* Forgets the field that was handed out: its spans end here. */
static void start_line(struct header_reader *r)
{
	buf_reset(&r->field);
	r->name_len = r->colon = 0;
	r->cut = r->done = false;
}

/*
 * The first octet of a line: continues the field in the buf, completes it, or starts anew.
 * Returns HEADER_MORE to go on.
 */
static enum header_event at_line(struct header_reader *r, struct span *in, struct header_field *out)
{
	char c = in->ptr[0];
	bool open = r->field.len && !r->done;

	/* Only a field can be continued; a blank behind the From line begins the body. */
	if (open && r->name_len && ascii_is_blank(c)) {
		r->state = HEADER_IN_VALUE;
		return HEADER_MORE;
	}
	if (open)
		return give(r, out);
	start_line(r);
	if (c == '\n') {
		keep(r, in, 1);
		return begin_body(r, true);
	}
	if (c == '\r') {
		keep(r, in, 1);
		r->state = HEADER_AT_CR;
		return HEADER_MORE;
	}
	r->first = r->state == HEADER_AT_START;
	r->state = HEADER_IN_NAME;
	return HEADER_MORE;
}

/*
 * Keeps the octets of one class at the front of *in, as far as a line may reach. Bounded,
 * since until the colon is seen the line may have to be handed back as body.
 */
static void keep_run(struct header_reader *r, struct span *in, bool (*in_class)(char))
{
	size_t n = 0;

	while (n < in->len && r->field.len + n <= HEADER_LINE_MAX && in_class(in->ptr[n]))
		n++;
	keep(r, in, n);
}

static enum header_event in_name(struct header_reader *r, struct span *in)
{
	keep_run(r, in, is_name_octet);
	/* No field is called so: text without blanks, base 64 say, is told from a header here. */
	if (r->field.len > HEADER_NAME_MAX)
		return begin_body(r, false);
	if (in->len == 0)
		return HEADER_MORE;
	/* No colon in sight: this line cannot be a field, so the body begins with it. */
	if (r->field.len == 0 || (in->ptr[0] != ':' && !ascii_is_blank(in->ptr[0])))
		return begin_body(r, false);
	r->name_len = r->field.len;
	r->state = HEADER_IN_GAP;
	return HEADER_MORE;
}

/* Not a field called From, but the line of an mbox. Only the first line can be one. */
static bool is_from_line(const struct header_reader *r)
{
	return r->first && span_starts(buf_span(&r->field), SPAN("From "));
}

static enum header_event in_gap(struct header_reader *r, struct span *in)
{
	keep_run(r, in, ascii_is_blank);
	if (r->field.len > HEADER_LINE_MAX)
		return begin_body(r, false);
	if (in->len == 0)
		return HEADER_MORE;
	/* Blanks before the colon are obsolete (RFC 5322 4.5.8) but still a field. */
	if (in->ptr[0] == ':') {
		keep(r, in, 1);
		r->colon = r->field.len;
		r->state = HEADER_IN_VALUE;
		return HEADER_MORE;
	}
	if (!is_from_line(r))
		return begin_body(r, false);
	r->name_len = 0;
	r->state = HEADER_IN_FROM;
	return HEADER_MORE;
}

/* The rest of a line, of a field or of the From line. */
static void in_value(struct header_reader *r, struct span *in)
{
	size_t n = span_index(*in, '\n');

	if (n < in->len) {
		keep(r, in, n + 1);
		r->state = HEADER_AT_LINE;
	} else {
		keep(r, in, n);
	}
}

static enum header_event step(struct header_reader *r, struct span *in, struct header_field *out)
{
	switch (r->state) {
	case HEADER_AT_START:
	case HEADER_AT_LINE:
		return at_line(r, in, out);
	case HEADER_AT_CR:
		if (in->ptr[0] != '\n')
			return begin_body(r, false);
		keep(r, in, 1);
		return begin_body(r, true);
	case HEADER_IN_NAME:
		return in_name(r, in);
	case HEADER_IN_GAP:
		return in_gap(r, in);
	case HEADER_IN_VALUE:
	case HEADER_IN_FROM:
		in_value(r, in);
		return HEADER_MORE;
	/* The body was announced already; nothing is pending any more. */
	case HEADER_IN_BODY:
		r->pending = span_make(NULL, 0);
		return HEADER_BODY;
	case HEADER_STOPPED:
		break;
	}
	return HEADER_TOO_BIG;
}

enum header_event header_reader_next(struct header_reader *r, struct span *in,
				     struct header_field *out)
{
	enum header_event ev = HEADER_MORE;

	if (r->state >= HEADER_IN_BODY)
		return step(r, in, out);
	while (ev == HEADER_MORE && in->len) {
		ev = step(r, in, out);
		/* The bound on the whole header stops a sender who never ends it. */
		bool big = r->max_total && r->total > r->max_total;
		if (big || !buf_ok(&r->field)) {
			r->state = HEADER_STOPPED;
			return HEADER_TOO_BIG;
		}
	}
	return ev;
}

/* The message ended inside its header: what was gathered is a last field, or body after all. */
enum header_event header_reader_finish(struct header_reader *r, struct header_field *out)
{
	enum header_state state = r->state;

	if (state == HEADER_STOPPED)
		return HEADER_TOO_BIG;
	if (state == HEADER_IN_GAP && is_from_line(r)) {
		r->name_len = 0;
		r->state = HEADER_IN_FROM;
		return give(r, out);
	}
	if (state == HEADER_IN_NAME || state == HEADER_IN_GAP || state == HEADER_AT_CR)
		return begin_body(r, false);
	if (state != HEADER_IN_BODY && r->field.len && !r->done)
		return give(r, out);
	if (state != HEADER_IN_BODY)
		return begin_body(r, true);
	r->pending = span_make(NULL, 0);
	return HEADER_BODY;
}

size_t header_name_length(struct span line)
{
	size_t n = 0, end;

	while (n < line.len && n <= HEADER_NAME_MAX && is_name_octet(line.ptr[n]))
		n++;
	end = n;
	while (end < line.len && end <= HEADER_LINE_MAX && ascii_is_blank(line.ptr[end]))
		end++;
	/* The same bounds as the reader's, or the two would split a message differently. */
	bool named = n > 0 && end <= HEADER_LINE_MAX && end < line.len && line.ptr[end] == ':';
	return named ? n : 0;
}

void header_skip_from(struct span *block)
{
	if (span_starts(*block, SPAN("From ")) && header_name_length(*block) == 0)
		*block = span_skip(*block, span_index(*block, '\n') + 1);
}

bool header_next(struct span *block, struct header_field *out)
{
	/* Folded lines belong to the field; the block may end without a line end. */
	struct span s = *block;
	size_t name_len = header_name_length(s), end = 0;
	if (name_len == 0) {
		if (span_starts(s, SPAN("\n")))
			*block = span_skip(s, 1);
		else if (span_starts(s, SPAN("\r\n")))
			*block = span_skip(s, 2);
		return false;
	}
	do {
		end += span_index(span_skip(s, end), '\n') + 1;
	} while (end < s.len && ascii_is_blank(s.ptr[end]));
	*out = (struct header_field){.cut = false};
	split(span_head(s, end), name_len, span_index(s, ':') + 1, out);
	*block = span_skip(s, end);
	return true;
}

/* The first of that name, as every reader of mail takes it. */
bool header_find(struct span block, struct span name, struct header_field *out)
{
	header_skip_from(&block);
	while (header_next(&block, out))
		if (ascii_eq_nocase(out->name, name))
			return true;
	return false;
}
