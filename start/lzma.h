/*
 * lzma: decodes one raw LZMA1 stream from memory to memory.
 *
 * The format is that of Igor Pavlov's specification (lzma-specification.txt of the LZMA SDK),
 * without its header: xz --format=raw --lzma1=lc=3,lp=0,pb=0 writes it.  For data that
 * the build itself made and that is part of the program: lengths and distances are believed.
 * Nothing that comes from outside may ever be given to it.
 *
 * Freestanding: no libc, no allocation, no state besides the caller's workspace.
 */
#ifndef LETTERBOX_START_LZMA_H
#define LETTERBOX_START_LZMA_H

#include <stddef.h>
#include <stdint.h>

enum {
	LZMA_LC = 3,      /* bits of the last octet that choose how the next one is coded */
	LZMA_STATES = 12, /* what the last symbols were */
	LZMA_LENGTHS = 2 + 8 + 8 + 256, /* two choices, and a tree for each outcome */
	LZMA_SPECIAL = 128,             /* low bits of distances below 2^7 */
};

/* Probabilities: one for each place in the stream's grammar where a bit may stand. */
struct lzma_work {
	uint16_t match[LZMA_STATES], rep[LZMA_STATES], rep_short[LZMA_STATES];
	uint16_t rep_0[LZMA_STATES], rep_1[LZMA_STATES], rep_2[LZMA_STATES];
	uint16_t match_length[LZMA_LENGTHS], rep_length[LZMA_LENGTHS];
	uint16_t slot[4][64], special[LZMA_SPECIAL], align[16];
	uint16_t literal[1 << LZMA_LC][0x300];
};

/*
 * Writes SIZE octets, all that the stream holds, to OUT.  The stream's last octet may be followed
 * by one read.
 */
void lzma_decode(struct lzma_work *work, const uint8_t *stream, uint8_t *out, size_t size);

#endif
