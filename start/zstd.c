/*
 * The Zstandard decoder; see start/zstd.h.  Section numbers are those of RFC 8878.
 *
 * Written for size and for few mispredicted branches per symbol: it stands between the
 * user's command and its first instruction.  Bit streams are read backwards (their last
 * octet comes first), with one unaligned 64-bit load for each read.
 */
#include "start/zstd.h"

#include <stdbool.h>

#include "start/zstd_entropy.h"

/* What is done for each sequence: the rest is compiled for size. */
#define INLINE static inline __attribute__((always_inline))

enum {
	LENGTH_CODES = 36,
	MATCH_CODES = 53,
	OFFSET_CODES = 29,
	DIRECT_CODES = 16, /* literal lengths up to here are their own code */
	DIRECT_MATCH = 32, /* so are match lengths, less MATCH_MIN */
	MATCH_MIN = 3,
};

/* 3.1.1.3.2.2: the distributions that a block may refer to instead of sending its own. */
static const int8_t default_lengths[LENGTH_CODES] = {4, 3, 2, 2, 2, 2, 2, 2, 2,  2,  2,  2,
						     2, 1, 1, 1, 2, 2, 2, 2, 2,  2,  2,  2,
						     2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1};
static const int8_t default_offsets[OFFSET_CODES] = {
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};
static const int8_t default_matches[MATCH_CODES] = {
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,  1,  1,  1,  1,  1,  1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};

/* 3.1.1.3.2.1.1: how many bits follow the codes behind the direct ones. */
static const uint8_t length_bits[LENGTH_CODES - DIRECT_CODES] = {
    1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint8_t match_bits[MATCH_CODES - DIRECT_MATCH] = {
    1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* One kind of code: its standard table, and what the codes mean. */
struct kind {
	const int8_t *standard;
	const uint8_t *bits; /* of the codes behind the direct ones; NULL: as many as the code */
	uint8_t codes, log, direct, first;
};

static const struct kind lengths = {default_lengths, length_bits, LENGTH_CODES, 6, DIRECT_CODES, 0};
static const struct kind offsets = {default_offsets, NULL, OFFSET_CODES, 5, 0, 1};
static const struct kind matches = {default_matches, match_bits, MATCH_CODES, 6,
				    DIRECT_MATCH,    MATCH_MIN};

/* 3.1.1.3.1: fills w->literals and returns where the sequences begin. */
static const uint8_t *literals_read(struct zstd_work *w, const uint8_t *in, size_t *count)
{
	enum { RAW, RLE, COMPRESSED, TREELESS };
	unsigned type = in[0] & 3, format = in[0] >> 2 & 3;
	uint64_t head = zstd_load64(in);
	const uint8_t *end;

	if (type == RAW || type == RLE) {
		unsigned octets = format == 1 ? 2 : format == 3 ? 3 : 1;

		*count = (size_t)(head & ((1u << 8 * octets) - 1)) >> (octets == 1 ? 3 : 4);
		in += octets;
		for (size_t i = 0; i < *count; i++)
			w->literals[i] = type == RAW ? in[i] : in[0];
		return in + (type == RAW ? *count : 1);
	}
	unsigned width = format < 2 ? 10 : format == 2 ? 14 : 18;
	size_t size = head >> (4 + width) & ((1u << width) - 1);

	*count = head >> 4 & ((1u << width) - 1);
	in += (4 + 2 * width + 7) / 8;
	end = in + size;
	if (type == COMPRESSED)
		in = zstd_huf_read(w, in);
	if (format == 0) {
		zstd_huf_stream(w, in, end, w->literals, *count);
		return end;
	}
	zstd_huf_streams(w, in, end, w->literals, *count);
	return end;
}

/* 3.1.1.3.2.1: the table of one kind of code: the standard one, a constant, sent, or kept. */
static const uint8_t *table_read(struct zstd_fse *t, unsigned mode, const uint8_t *in,
				 const struct kind *k)
{
	enum { PREDEFINED, RLE, SENT, KEPT };
	uint32_t base[MATCH_CODES], first = k->first;
	uint8_t bits[MATCH_CODES];

	mode &= 3;
	if (mode == KEPT)
		return in;
	if (mode == PREDEFINED) {
		zstd_fse_build(t, k->standard, NULL, k->codes, k->log);
	} else if (mode == RLE) {
		t->log = 0;
		t->cell[0] = (struct zstd_fse_cell){.value = *in++};
	} else {
		in = zstd_fse_read(t, in);
	}
	/* A code's value: bases are the sum of what the codes below it can say. */
	for (unsigned i = 0; i < k->codes; i++) {
		bits[i] = (uint8_t)(i < k->direct ? 0 : k->bits ? k->bits[i - k->direct] : i);
		base[i] = first;
		first += 1u << bits[i];
	}
	for (unsigned i = 0; i < 1u << t->log; i++) {
		t->cell[i].extra = bits[t->cell[i].value];
		t->cell[i].value = base[t->cell[i].value];
	}
	return in;
}

/* 3.1.1.5: the distance that an offset value stands for; the last three are remembered. */
INLINE uint32_t distance(uint32_t recent[3], uint32_t value, bool no_literals)
{
	uint32_t index = value - 1 + no_literals, found;

	if (value > 3) {
		found = value - 3;
		index = 2;
	} else if (index == 0) {
		return recent[0];
	} else {
		found = index == 3 ? recent[0] - 1 : recent[index];
	}
	if (index != 1)
		recent[2] = recent[1];
	recent[1] = recent[0];
	recent[0] = found;
	return found;
}

/*
 * Sixteen at a time, so up to fifteen too many: hardly any copy is longer, and for short ones a
 * loop would end where nobody can guess it.  FROM is eight octets away at least.
 */
INLINE uint8_t *copy(uint8_t *out, const uint8_t *from, size_t n)
{
	uint8_t *end = out + n;

	for (;;) {
		__builtin_memcpy(out, from, 8);
		__builtin_memcpy(out + 8, from + 8, 8);
		out += 16;
		from += 16;
		if (out >= end)
			return end;
	}
}

/* What was written BACK octets ago, again: it may be part of what is written now. */
INLINE uint8_t *repeat(uint8_t *out, size_t back, size_t n)
{
	uint8_t *end = out + n;

	if (back >= 8)
		return copy(out, out - back, n);
	for (; out < end; out++)
		*out = out[-(long)back];
	return end;
}

/* 3.1.1.3.2 and 3.1.1.4: sequences of (literals, distance, copy). */
static uint8_t *block(struct zstd_work *w, const uint8_t *in, const uint8_t *end, uint8_t *out)
{
	size_t left;
	const uint8_t *literal = w->literals;
	unsigned count, modes, length_state, offset_state, match_state;
	struct zstd_bits b;
	uint64_t bits;

	in = literals_read(w, in, &left);
	count = *in++;
	if (count == 255) {
		count = in[0] + 256u * in[1] + 0x7F00;
		in += 2;
	} else if (count >= 128) {
		count = (count - 128) * 256 + *in++;
	}
	if (count == 0)
		return copy(out, literal, left);
	modes = *in++;
	in = table_read(&w->lengths, modes >> 6, in, &lengths);
	in = table_read(&w->offsets, modes >> 4, in, &offsets);
	in = table_read(&w->matches, modes >> 2, in, &matches);
	b = zstd_bits_open(in, end);
	bits = zstd_bits_load(&b);
	length_state = zstd_bits_take(&b, &bits, w->lengths.log);
	offset_state = zstd_bits_take(&b, &bits, w->offsets.log);
	match_state = zstd_bits_take(&b, &bits, w->matches.log);
	while (count-- > 0) {
		const struct zstd_fse_cell *l = &w->lengths.cell[length_state];
		const struct zstd_fse_cell *o = &w->offsets.cell[offset_state];
		const struct zstd_fse_cell *m = &w->matches.cell[match_state];
		uint32_t offset, match, length;

		bits = zstd_bits_load(&b);
		offset = o->value + zstd_bits_take(&b, &bits, o->extra);
		match = m->value + zstd_bits_take(&b, &bits, m->extra);
		length = l->value + zstd_bits_take(&b, &bits, l->extra);
		/* The last states are followed by none: theirs are never looked at. */
		bits = zstd_bits_load(&b);
		length_state = l->base + zstd_bits_take(&b, &bits, l->bits);
		match_state = m->base + zstd_bits_take(&b, &bits, m->bits);
		offset_state = o->base + zstd_bits_take(&b, &bits, o->bits);
		out = copy(out, literal, length);
		literal += length;
		left -= length;
		out = repeat(out, distance(w->recent, offset, length == 0), match);
	}
	return copy(out, literal, left);
}

size_t zstd_decode(struct zstd_work *w, const uint8_t **frame, uint8_t *out)
{
	enum { RAW, RLE, COMPRESSED };
	static const uint8_t size_octets[] = {0, 2, 4, 8};
	const uint8_t *in = *frame;
	uint8_t *start = out;
	unsigned flags = in[4], size, head;

	/* 3.1.1.1: magic number, flags, window (or the content's size in its place). */
	size = size_octets[flags >> 6];
	in += 5 + (flags & 32 ? (size ? size : 1) : 1 + size);
	w->recent[0] = 1;
	w->recent[1] = 4;
	w->recent[2] = 8;
	do {
		head = in[0] | (unsigned)in[1] << 8 | (unsigned)in[2] << 16;
		size = head >> 3;
		in += 3;
		switch (head >> 1 & 3) {
		case RAW:
			out = copy(out, in, size);
			in += size;
			break;
		case RLE:
			for (unsigned i = 0; i < size; i++)
				*out++ = *in;
			in++;
			break;
		default:
			out = block(w, in, in + size, out);
			in += size;
		}
	} while (!(head & 1));
	*frame = in;
	return (size_t)(out - start);
}
