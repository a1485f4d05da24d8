/*
 * The decoder; see start/lzma.h.  Names are those of the specification, spelt out.
 *
 * Everything is inlined into one function, so that the range coder's three variables live in
 * registers: they are touched once for each of some eight million bits.
 */
#include "start/lzma.h"

#define INLINE static inline __attribute__((always_inline))

enum {
	HALF = 1 << 10, /* a probability of one half; all of it is twice that */
	MOVE = 5,       /* how fast probabilities follow */
	TOP = 1 << 24,  /* the range coder takes an octet when its range is below */
	MATCH_MIN = 2,
	LITERAL_STATES = 7, /* states below come after a literal */
};

struct coder {
	const uint8_t *in;
	uint32_t range, code;
};

INLINE unsigned bit(struct coder *c, uint16_t *probability)
{
	uint32_t p = *probability, bound, one;

	if (c->range < TOP) {
		c->range <<= 8;
		c->code = c->code << 8 | *c->in++;
	}
	bound = (c->range >> 11) * p;
	one = c->code >= bound;
	/* No branch: half of them would be guessed wrong. */
	c->code -= bound & -one;
	c->range = (bound & ~-one) | ((c->range - bound) & -one);
	*probability =
	    (uint16_t)(p + (uint32_t)((int32_t)((HALF * 2 & ~-one) + (-one & 31) - p) >> MOVE));
	return one;
}

/* A number of so many bits, the highest first. */
INLINE unsigned tree(struct coder *c, uint16_t *t, unsigned bits)
{
	unsigned m = 1;

	for (unsigned i = 0; i < bits; i++)
		m = m << 1 | bit(c, &t[m]);
	return m - (1u << bits);
}

/* The same, the lowest first. */
INLINE unsigned tree_reverse(struct coder *c, uint16_t *t, unsigned bits)
{
	unsigned m = 1, value = 0;

	for (unsigned i = 0; i < bits; i++) {
		unsigned b = bit(c, &t[m]);

		m = m << 1 | b;
		value |= b << i;
	}
	return value;
}

/* Bits as likely as not. */
INLINE uint32_t direct(struct coder *c, unsigned bits)
{
	uint32_t value = 0;

	while (bits--) {
		if (c->range < TOP) {
			c->range <<= 8;
			c->code = c->code << 8 | *c->in++;
		}
		c->range >>= 1;
		value <<= 1;
		if (c->code >= c->range) {
			c->code -= c->range;
			value |= 1;
		}
	}
	return value;
}

INLINE unsigned length(struct coder *c, uint16_t *p)
{
	if (!bit(c, &p[0]))
		return MATCH_MIN + tree(c, p + 2, 3);
	if (!bit(c, &p[1]))
		return MATCH_MIN + 8 + tree(c, p + 10, 3);
	return MATCH_MIN + 16 + tree(c, p + 18, 8);
}

INLINE uint32_t distance(struct coder *c, struct lzma_work *w, unsigned len)
{
	unsigned group = len - MATCH_MIN < 3 ? len - MATCH_MIN : 3;
	unsigned slot = tree(c, w->slot[group], 6), low;
	uint32_t d;

	if (slot < 4)
		return slot;
	low = (slot >> 1) - 1;
	d = (2 | (slot & 1)) << low;
	if (slot < 14)
		return d + tree_reverse(c, w->special + d - slot, low);
	d += direct(c, low - 4) << 4;
	return d + tree_reverse(c, w->align, 4);
}

/* An octet, coded after the one before it and, behind a copy, by what the copy would go on with. */
INLINE uint8_t literal(struct coder *c, uint16_t *p, unsigned state, const uint8_t *to,
		       uint32_t rep)
{
	unsigned symbol = 1;

	if (state >= LITERAL_STATES) {
		unsigned expected = to[-(ptrdiff_t)rep - 1];

		do {
			unsigned e = expected >> 7 & 1, b;

			expected <<= 1;
			b = bit(c, &p[((1 + e) << 8) + symbol]);
			symbol = symbol << 1 | b;
			if (e != b)
				break;
		} while (symbol < 0x100);
	}
	while (symbol < 0x100)
		symbol = symbol << 1 | bit(c, &p[symbol]);
	return (uint8_t)symbol;
}

/* Which of the last four distances but the last one: it becomes that. */
INLINE void choose(struct coder *c, struct lzma_work *w, unsigned state, uint32_t *rep)
{
	uint32_t chosen = rep[1];

	if (bit(c, &w->rep_1[state])) {
		chosen = rep[2];
		if (bit(c, &w->rep_2[state])) {
			chosen = rep[3];
			rep[3] = rep[2];
		}
		rep[2] = rep[1];
	}
	rep[1] = rep[0];
	rep[0] = chosen;
}

/* A copy's length and, in rep[0], its distance less one. */
INLINE unsigned copy(struct coder *c, struct lzma_work *w, unsigned *state, uint32_t *rep)
{
	unsigned before = *state, len;

	if (!bit(c, &w->rep[before])) {
		rep[3] = rep[2];
		rep[2] = rep[1];
		rep[1] = rep[0];
		len = length(c, w->match_length);
		rep[0] = distance(c, w, len);
		*state = before < LITERAL_STATES ? 7 : 10;
		return len;
	}
	if (bit(c, &w->rep_0[before])) {
		choose(c, w, before, rep);
	} else if (!bit(c, &w->rep_short[before])) {
		*state = before < LITERAL_STATES ? 9 : 11;
		return 1;
	}
	*state = before < LITERAL_STATES ? 8 : 11;
	return length(c, w->rep_length);
}

void lzma_decode(struct lzma_work *w, const uint8_t *stream, uint8_t *out, size_t size)
{
	/* The first octet is always zero. */
	struct coder c = {.in = stream + 5, .range = UINT32_MAX};
	uint16_t *probability = (uint16_t *)w;
	uint32_t rep[4] = {0};
	uint8_t *to = out, *end = out + size;
	unsigned state = 0;

	for (size_t i = 0; i < sizeof *w / sizeof *probability; i++)
		probability[i] = HALF;
	for (unsigned i = 1; i < 5; i++)
		c.code = c.code << 8 | stream[i];
	while (to < end) {
		unsigned last = to > out ? to[-1] : 0, len;

		if (!bit(&c, &w->match[state])) {
			*to = literal(&c, w->literal[last >> (8 - LZMA_LC)], state, to, rep[0]);
			to++;
			state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
			continue;
		}
		for (len = copy(&c, w, &state, rep); len; len--, to++)
			*to = to[-(ptrdiff_t)rep[0] - 1];
	}
}
