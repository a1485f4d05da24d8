/*
 * Role messages as octets; see base/wire.h.
 *
 * Little-endian by shifts, so that no struct layout ever crosses a socket.  Writers only
 * fail by the buf's own overflow; readers have one sticky flag.  Both are checked once, at
 * the end, which keeps the code for a message a plain list of its fields.  The sender is a
 * less trusted role: a length is never believed before it was compared with what is there.
 */
#include "base/wire.h"

static void put_le(struct buf *b, uint64_t v, unsigned octets)
{
	char le[8];

	for (unsigned i = 0; i < octets; i++)
		le[i] = (char)(v >> (8 * i) & 0xff);
	buf_put(b, span_make(le, octets));
}

void wire_begin(struct buf *b, uint16_t type, uint32_t id)
{
	buf_reset(b);
	put_le(b, type, 2);
	put_le(b, id, 4);
}

void wire_put_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void wire_put_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void wire_put_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void wire_put_tail(struct buf *b, size_t len)
{
	/*
	 * The length would be cut to 16 bits and the rest be read as fields of their own:
	 * better no message at all, which the sticky overflow ensures.
	 */
	if (len > UINT16_MAX)
		b->overflow = true;
	put_le(b, len, 2);
}

void wire_put_span(struct buf *b, struct span s)
{
	wire_put_tail(b, s.len);
	buf_put(b, s);
}

void wire_put_err(struct buf *b, const struct err *e)
{
	wire_put_u8(b, (uint8_t)e->class);
	wire_put_u32(b, (uint32_t)e->sys);
	wire_put_u32(b, (uint32_t)e->reply);
	wire_put_span(b, span_make(e->status, strnlen(e->status, sizeof e->status)));
	wire_put_span(b, span_make(e->text, strnlen(e->text, sizeof e->text)));
}

static uint64_t get_le(struct wire_in *in, unsigned octets)
{
	/*
	 * After the first short read every getter gives zero, so a half-read message
	 * cannot steer the reader into anything before wire_end tells.
	 */
	uint64_t v = 0;

	if (in->bad || in->rest.len < octets) {
		in->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < octets; i++)
		v |= (uint64_t)(unsigned char)in->rest.ptr[i] << (8 * i);
	in->rest = span_skip(in->rest, octets);
	return v;
}

static bool open_at_most(struct wire_in *in, struct span octets, size_t max)
{
	*in = (struct wire_in){.rest = octets};
	/* Longer than any role sends: a sender that is broken or taken over. */
	if (octets.len < WIRE_HEADER || octets.len > max)
		return false;
	in->type = (uint16_t)get_le(in, 2);
	in->id = (uint32_t)get_le(in, 4);
	return true;
}

bool wire_open(struct wire_in *in, struct span octets)
{
	return open_at_most(in, octets, WIRE_MAX);
}

bool wire_open_large(struct wire_in *in, struct span octets)
{
	return open_at_most(in, octets, WIRE_LARGE_MAX);
}

uint8_t wire_get_u8(struct wire_in *in)
{
	return (uint8_t)get_le(in, 1);
}

uint32_t wire_get_u32(struct wire_in *in)
{
	return (uint32_t)get_le(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
	return get_le(in, 8);
}

struct span wire_get_span(struct wire_in *in, size_t max)
{
	size_t len = (size_t)get_le(in, 2);
	struct span s;

	if (in->bad || len > in->rest.len || len > max) {
		in->bad = true;
		return span_make(NULL, 0);
	}
	s = span_head(in->rest, len);
	in->rest = span_skip(in->rest, len);
	return s;
}

void wire_get_cstr(struct wire_in *in, char *dst, size_t cap)
{
	struct span s = wire_get_span(in, cap - 1);

	/* A NUL inside would make the string mean less than what was checked. */
	if (!span_to_cstr(s, dst, cap))
		in->bad = true;
}

void wire_get_err(struct wire_in *in, struct err *e)
{
	uint8_t class = wire_get_u8(in);

	/*
	 * The class is range-checked before it becomes an enum, and the texts are made
	 * printable again, although the sender should have done so: they end up in logs
	 * and in SMTP replies.
	 */
	*e = (struct err){.sys = (int)wire_get_u32(in)};
	e->reply = (int)(wire_get_u32(in) % 600);
	wire_get_cstr(in, e->status, sizeof e->status);
	wire_get_cstr(in, e->text, sizeof e->text);
	if (class > ERR_PERM)
		in->bad = true;
	else
		e->class = (enum err_class) class;
	err_printable(e->status);
	err_printable(e->text);
}

/* Octets left over mean that the two sides disagree about the format. */
bool wire_end(const struct wire_in *in)
{
	return !in->bad && in->rest.len == 0;
}
