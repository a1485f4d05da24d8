/*
 * The DATA body decoder; see proto/line.h.
 *
 * RFC 5321 4.1.1.4 and 4.5.2.  Works in two steps: pass() takes the longest run
 * that goes out unchanged, special() the one octet that needs thought.  So the
 * usual text costs one scan and no copy, however the input was cut.
 * Must never put out a CR or LF that is not part of a CRLF, nor end a body on
 * anything but CRLF.CRLF (LINE_LENIENT, for local input, excepted).
 */
#include "proto/line.h"

enum {
	BODY_BOL,    /* at the beginning of a line */
	BODY_TEXT,   /* inside a line */
	BODY_CR,     /* behind a CR that ended the last chunk */
	BODY_DOT,    /* behind a dot that began a line */
	BODY_DOT_CR, /* behind such a dot and a CR */
};

void line_body_init(struct line_body *b, enum line_policy policy)
{
	*b = (struct line_body){.policy = policy, .state = BODY_BOL};
}

bool line_body_refused(const struct line_body *b)
{
	return b->policy == LINE_REFUSE && (b->flags & (LINE_HAS_BARE_CR | LINE_HAS_BARE_LF));
}

/* Counts what is put out; false when there is nothing to hand over. */
static bool put(struct line_body *b, struct span s, struct span *out)
{
	b->octets += s.len;
	*out = s;
	return s.len > 0 && !line_body_refused(b);
}

/* Non-zero when one of the eight octets of w is zero. */
static uint64_t any_zero(uint64_t w)
{
	return (w - 0x0101010101010101u) & ~w & 0x8080808080808080u;
}

/* Length of the run without CR and LF at the start of s. */
static size_t plain(struct line_body *b, struct span s)
{
	uint64_t high = 0, nul = 0, w;
	size_t i = 0;

	/* Every octet of every message comes through here: eight at a time. */
	for (; s.len - i >= sizeof w; i += sizeof w) {
		memcpy(&w, s.ptr + i, sizeof w);
		if (any_zero(w ^ 0x0d0d0d0d0d0d0d0du) | any_zero(w ^ 0x0a0a0a0a0a0a0a0au))
			break;
		high |= w;
		nul |= any_zero(w);
	}
	for (; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '\r' || c == '\n')
			break;
		high |= c;
		nul |= c == 0;
	}
	if (high & 0x8080808080808080u)
		b->flags |= LINE_HAS_8BIT;
	if (nul)
		b->flags |= LINE_HAS_NUL;
	b->column += i;
	if (b->column > LINE_TEXT_MAX)
		b->flags |= LINE_HAS_LONG;
	return i;
}

static void end_line(struct line_body *b)
{
	b->column = 0;
	b->state = BODY_BOL;
}

/* How many octets of in go out as they are. */
static size_t pass(struct line_body *b, struct span in)
{
	size_t i = 0;

	while (i < in.len) {
		if (b->state == BODY_BOL && in.ptr[i] == '.')
			break;
		b->state = BODY_TEXT;
		i += plain(b, span_skip(in, i));
		if (!span_starts(span_skip(in, i), SPAN("\r\n")))
			break;
		i += 2;
		end_line(b);
	}
	return i;
}

/* A CR or LF on its own, already consumed: what goes out in its place. */
static struct span bare(struct line_body *b, char c)
{
	b->flags |= c == '\r' ? LINE_HAS_BARE_CR : LINE_HAS_BARE_LF;
	b->state = BODY_TEXT;
	if (b->policy == LINE_LENIENT && c == '\n') {
		end_line(b);
		return SPAN("\r\n");
	}
	b->column++;
	return b->policy == LINE_REFUSE ? SPAN("") : SPAN(" ");
}

/* The octet that stopped pass(), or the first one behind a pending CR or dot. */
static enum line_body_event special(struct line_body *b, struct span in, size_t *used,
				    struct span *sub)
{
	char c = in.ptr[0];

	*sub = SPAN("");
	*used = 1;
	switch (b->state) {
	case BODY_BOL:
		b->state = BODY_DOT;
		return LINE_BODY_MORE;
	case BODY_TEXT:
		if (c == '\r' && in.len == 1)
			b->state = BODY_CR;
		else
			*sub = bare(b, c);
		return LINE_BODY_MORE;
	case BODY_DOT:
		if (c == '\n' && b->policy == LINE_LENIENT)
			return LINE_BODY_END;
		b->state = c == '\r' ? BODY_DOT_CR : BODY_TEXT;
		*used = c == '\r';
		return LINE_BODY_MORE;
	case BODY_CR:
		if (c == '\n') {
			*sub = SPAN("\r\n");
			end_line(b);
			return LINE_BODY_MORE;
		}
		break;
	default:
		if (c == '\n')
			return LINE_BODY_END;
		break;
	}
	*used = 0;
	*sub = bare(b, '\r');
	return LINE_BODY_MORE;
}

enum line_body_event line_body_next(struct line_body *b, struct span in, size_t *used,
				    struct span *out)
{
	size_t done = 0, n;

	*out = (struct span){0};
	while (done < in.len) {
		struct span rest = span_skip(in, done), sub;

		n = b->state <= BODY_TEXT ? pass(b, rest) : 0;
		sub = span_head(rest, n);
		if (n == 0 && special(b, rest, &n, &sub) == LINE_BODY_END) {
			*used = done + n;
			return LINE_BODY_END;
		}
		done += n;
		if (put(b, sub, out)) {
			*used = done;
			return LINE_BODY_DATA;
		}
	}
	*used = done;
	return LINE_BODY_MORE;
}
