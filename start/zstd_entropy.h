/*
 * zstd_entropy: the two entropy coders of Zstandard (RFC 8878 section 4) and their bit streams.
 *
 * What is called for every symbol stands here, to be compiled into its callers.  As in
 * start/zstd.h all input is believed.
 */
#ifndef LETTERBOX_START_ZSTD_ENTROPY_H
#define LETTERBOX_START_ZSTD_ENTROPY_H

#include "start/zstd.h"

/* Octets in the order of the machine that this is for, which is the format's. */
static inline uint64_t zstd_load64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof v);
	return v;
}

/* The position of the highest set bit; v is not 0. */
static inline unsigned zstd_high_bit(uint32_t v)
{
	return 31 - (unsigned)__builtin_clz(v);
}

/* 4.1: a stream read from its end; at counts the bits that are left and may go below zero. */
struct zstd_bits {
	const uint8_t *last8; /* eight octets, of which the last is the stream's first */
	long at;
};

static inline struct zstd_bits zstd_bits_open(const uint8_t *start, const uint8_t *end)
{
	/* The highest set bit of the last octet marks the end and is no data. */
	return (struct zstd_bits){start - 7,
				  (long)(end - start) * 8 - 8 + (long)zstd_high_bit(end[-1])};
}

/*
 * The next bits, at least 56, the first one highest.  What lies before the start is whatever is
 * there: no symbol depends on it.
 */
static inline __attribute__((always_inline)) uint64_t zstd_bits_load(const struct zstd_bits *b)
{
	return zstd_load64(b->last8 + (b->at >> 3)) << (8 - (b->at & 7));
}

/* The first n (below 64) of loaded bits, which are taken from both. */
static inline __attribute__((always_inline)) uint32_t zstd_bits_take(struct zstd_bits *b,
								     uint64_t *loaded, unsigned n)
{
	uint32_t v = (uint32_t)(*loaded >> 1 >> (63 - n));

	*loaded <<= n;
	b->at -= (long)n;
	return v;
}

/*
 * The table of states from probabilities, which are 8 bits wide (SMALL, constants of the format)
 * or 16 (PROBABILITY, as read); -1 stands for "less than one".
 */
void zstd_fse_build(struct zstd_fse *t, const int8_t *small, const int16_t *probability,
		    unsigned count, unsigned log);

/* Reads a table's description and returns where it ends. */
const uint8_t *zstd_fse_read(struct zstd_fse *t, const uint8_t *in);

/* Reads the description of a Huffman tree into w and returns where it ends. */
const uint8_t *zstd_huf_read(struct zstd_work *w, const uint8_t *in);

/* Decodes count symbols of one stream with the tree in w. */
void zstd_huf_stream(const struct zstd_work *w, const uint8_t *in, const uint8_t *end, uint8_t *out,
		     size_t count);

/*
 * 4.2.2: four streams with the lengths of three before them, a quarter of the symbols in each.  The
 * last has up to three less, and as many octets are written behind OUT's end.
 */
void zstd_huf_streams(const struct zstd_work *w, const uint8_t *in, const uint8_t *end,
		      uint8_t *out, size_t count);

#endif
