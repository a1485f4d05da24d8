/*
 * The entropy coders of Zstandard; see start/zstd_entropy.h.  Section numbers are those of RFC
 * 8878.
 */
#include "start/zstd_entropy.h"

enum { SYMBOLS_MAX = 256, PROBABILITY_LESS_THAN_1 = -1 };

/* 4.1.1, from probabilities to the table of states. */
void zstd_fse_build(struct zstd_fse *t, const int8_t *small, const int16_t *probability,
		    unsigned count, unsigned log)
{
	uint16_t next[SYMBOLS_MAX] = {0};
	unsigned size = 1u << log, high = size, at = 0;

	t->log = log;
	for (unsigned s = 0; s < count; s++) {
		int p = small ? small[s] : probability[s];

		next[s] = p < 0 ? 1 : (uint16_t)p;
		if (p == PROBABILITY_LESS_THAN_1)
			t->cell[--high].value = s;
	}
	for (unsigned s = 0; s < count; s++) {
		int p = small ? small[s] : probability[s];

		for (int i = 0; i < p; i++) {
			t->cell[at].value = s;
			do
				at = (at + (size >> 1) + (size >> 3) + 3) & (size - 1);
			while (at >= high);
		}
	}
	for (unsigned i = 0; i < size; i++) {
		unsigned state = next[t->cell[i].value]++;

		t->cell[i].bits = (uint8_t)(log - zstd_high_bit(state));
		t->cell[i].base = (uint16_t)((state << t->cell[i].bits) - size);
	}
}

/* 4.1.1: reads a table's description (forwards, unlike all else) and returns where it ends. */
const uint8_t *zstd_fse_read(struct zstd_fse *t, const uint8_t *in)
{
	int16_t probability[SYMBOLS_MAX] = {0};
	unsigned log = (in[0] & 15) + 5, at = 4, count = 0;
	int left = (1 << log) + 1;

	while (left > 1) {
		unsigned bits = zstd_high_bit((uint32_t)left) + 1;
		unsigned low = (1u << (bits - 1)) - 1;
		unsigned spare = (1u << bits) - 1 - (unsigned)left;
		unsigned v =
		    (unsigned)(zstd_load64(in + (at >> 3)) >> (at & 7)) & ((1u << bits) - 1);
		int p;

		/* The smallest values need one bit less. */
		if ((v & low) < spare) {
			v &= low;
			bits--;
		} else if (v > low) {
			v -= spare;
		}
		at += bits;
		p = (int)v - 1;
		left -= p < 0 ? -p : p;
		probability[count++] = (int16_t)p;
		if (p != 0)
			continue;
		/* After a zero: two bits at a time, how many more zeros follow. */
		for (unsigned more = 3; more == 3;) {
			more = (unsigned)(zstd_load64(in + (at >> 3)) >> (at & 7)) & 3;
			at += 2;
			for (unsigned i = 0; i < more; i++)
				probability[count++] = 0;
		}
	}
	zstd_fse_build(t, NULL, probability, count, log);
	return in + (at + 7) / 8;
}

/* 4.2.1.2: weights as FSE, two states in turn until the stream is used up. */
static unsigned weights_read(struct zstd_fse *t, const uint8_t *in, const uint8_t *end,
			     uint8_t *weight)
{
	const uint8_t *stream = zstd_fse_read(t, in);
	struct zstd_bits b = zstd_bits_open(stream, end);
	uint64_t bits = zstd_bits_load(&b);
	unsigned state[2], count = 0;

	state[0] = zstd_bits_take(&b, &bits, t->log);
	state[1] = zstd_bits_take(&b, &bits, t->log);
	for (unsigned turn = 0; b.at >= 0; turn ^= 1) {
		const struct zstd_fse_cell *cell = &t->cell[state[turn]];

		/* The symbol is the old state's; the bits tell which of its successors comes. */
		weight[count++] = (uint8_t)cell->value;
		bits = zstd_bits_load(&b);
		state[turn] = cell->base + zstd_bits_take(&b, &bits, cell->bits);
	}
	/* The state that ran out of bits has said its last; the other one's symbol is left. */
	weight[count] = (uint8_t)t->cell[state[count & 1]].value;
	return count + 1;
}

/* 4.2.1: reads the tree's description and returns where it ends. */
const uint8_t *zstd_huf_read(struct zstd_work *w, const uint8_t *in)
{
	uint8_t weight[SYMBOLS_MAX] = {0};
	unsigned head = *in++, count, sum = 0, at = 0, log;

	if (head < 128) {
		struct zstd_fse scratch = {
		    .log = 0}; /* the block's own tables may still be asked for */

		count = weights_read(&scratch, in, in + head, weight);
		in += head;
	} else {
		count = head - 127;
		for (unsigned i = 0; i < count; i++)
			weight[i] = i & 1 ? in[i / 2] & 15 : in[i / 2] >> 4;
		in += (count + 1) / 2;
	}
	for (unsigned i = 0; i < count; i++)
		sum += weight[i] ? 1u << (weight[i] - 1) : 0;
	/* The last weight is not sent: it fills the sum up to a power of two. */
	log = zstd_high_bit(sum) + 1;
	weight[count++] = (uint8_t)(zstd_high_bit((1u << log) - sum) + 1);
	w->huf_log = log;
	for (unsigned v = 1; v <= log; v++)
		for (unsigned s = 0; s < count; s++)
			for (unsigned i = 0; weight[s] == v && i < 1u << (v - 1); i++)
				w->huf[at++] =
				    (struct zstd_huf_cell){(uint8_t)s, (uint8_t)(log + 1 - v)};
	return in;
}

static inline __attribute__((always_inline)) void symbol(const struct zstd_work *w,
							 struct zstd_bits *b, uint8_t *out)
{
	const struct zstd_huf_cell *cell = &w->huf[zstd_bits_load(b) >> (64 - w->huf_log)];

	*out = cell->symbol;
	b->at -= cell->bits;
}

void zstd_huf_stream(const struct zstd_work *w, const uint8_t *in, const uint8_t *end, uint8_t *out,
		     size_t count)
{
	struct zstd_bits b = zstd_bits_open(in, end);

	while (count-- > 0)
		symbol(w, &b, out++);
}

void zstd_huf_streams(const struct zstd_work *w, const uint8_t *in, const uint8_t *end,
		      uint8_t *out, size_t count)
{
	size_t part = (count + 3) / 4;
	const uint8_t *two = in + 6 + in[0] + 256u * in[1];
	const uint8_t *three = two + in[2] + 256u * in[3];
	const uint8_t *four = three + in[4] + 256u * in[5];
	struct zstd_bits a = zstd_bits_open(in + 6, two), b = zstd_bits_open(two, three);
	struct zstd_bits c = zstd_bits_open(three, four), d = zstd_bits_open(four, end);

	/* In turns: none has to wait until another knows where its next symbol begins. */
	for (size_t i = 0; i < part; i++) {
		symbol(w, &a, out + i);
		symbol(w, &b, out + part + i);
		symbol(w, &c, out + 2 * part + i);
		symbol(w, &d, out + 3 * part + i);
	}
}
