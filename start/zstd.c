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
				 const int8_t *standard, unsigned count, unsigned log)
{
	enum { PREDEFINED, RLE, SENT };

	if (mode == PREDEFINED) {
		zstd_fse_build(t, standard, NULL, count, log);
	} else if (mode == RLE) {
		t->log = 0;
		t->cell[0] = (struct zstd_fse_cell){0, *in++, 0};
	} else if (mode == SENT) {
		in = zstd_fse_read(t, in);
	}
	return in;
}

/* A code's value: bases are the sum of what the codes below it can say. */
static void bases(uint32_t *base, const uint8_t *bits, unsigned count, uint32_t first)
{
	for (unsigned i = 0; i < count; i++) {
		base[i] = first;
		first += 1u << bits[i];
	}
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

INLINE uint8_t *copy(uint8_t *out, const uint8_t *from, size_t n)
{
	uint8_t *end = out + n;

	/* Eight at a time where that does not read what it wrote; up to seven too many. */
	if ((uintptr_t)out - (uintptr_t)from >= 8) {
		for (; out < end; out += 8, from += 8)
			__builtin_memcpy(out, from, 8);
		return end;
	}
	while (out < end)
		*out++ = *from++;
	return end;
}

/* 3.1.1.3.2 and 3.1.1.4: sequences of (literals, distance, copy). */
static uint8_t *block(struct zstd_work *w, const uint8_t *in, const uint8_t *end, uint8_t *out)
{
	uint32_t length_base[LENGTH_CODES - DIRECT_CODES], match_base[MATCH_CODES - DIRECT_MATCH];
	size_t left;
	const uint8_t *literal = w->literals;
	unsigned count, modes, length_state, offset_state, match_state;
	struct zstd_bits b;

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
	in = table_read(&w->lengths, modes >> 6, in, default_lengths, LENGTH_CODES, 6);
	in = table_read(&w->offsets, modes >> 4 & 3, in, default_offsets, OFFSET_CODES, 5);
	in = table_read(&w->matches, modes >> 2 & 3, in, default_matches, MATCH_CODES, 6);
	bases(length_base, length_bits, LENGTH_CODES - DIRECT_CODES, DIRECT_CODES);
	bases(match_base, match_bits, MATCH_CODES - DIRECT_MATCH, DIRECT_MATCH + MATCH_MIN);
	b = zstd_bits_open(in, end);
	length_state = zstd_bits_take(&b, w->lengths.log);
	offset_state = zstd_bits_take(&b, w->offsets.log);
	match_state = zstd_bits_take(&b, w->matches.log);
	for (unsigned i = 0; i < count; i++) {
		uint32_t length = w->lengths.cell[length_state].symbol;
		uint32_t offset = w->offsets.cell[offset_state].symbol;
		uint32_t match = w->matches.cell[match_state].symbol;

		offset = (1u << offset) + zstd_bits_take(&b, offset);
		if (match >= DIRECT_MATCH) {
			match -= DIRECT_MATCH;
			match = match_base[match] + zstd_bits_take(&b, match_bits[match]);
		} else {
			match += MATCH_MIN;
		}
		if (length >= DIRECT_CODES) {
			length -= DIRECT_CODES;
			length = length_base[length] + zstd_bits_take(&b, length_bits[length]);
		}
		if (i + 1 < count) {
			zstd_fse_step(&w->lengths, &length_state, &b);
			zstd_fse_step(&w->matches, &match_state, &b);
			zstd_fse_step(&w->offsets, &offset_state, &b);
		}
		out = copy(out, literal, length);
		literal += length;
		left -= length;
		out = copy(out, out - distance(w->recent, offset, length == 0), match);
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
