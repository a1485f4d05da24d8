/*
 * zstd: decodes one Zstandard frame (RFC 8878) from memory to memory.
 *
 * For data that the build itself made and that is part of the program: lengths and tables
 * are believed.  Nothing that comes from outside may ever be given to it.  Dictionaries,
 * checksums, skippable frames and distances of 16 MB are not there; the build does not make them.
 *
 * Freestanding: no libc, no allocation, no state besides the caller's workspace.
 */
#ifndef LETTERBOX_START_ZSTD_H
#define LETTERBOX_START_ZSTD_H

#include <stddef.h>
#include <stdint.h>

enum {
	ZSTD_BLOCK_MAX = 1 << 17, /* RFC 8878 3.1.1.2.3: Block_Maximum_Size */
	ZSTD_FSE_LOG_MAX = 9,     /* RFC 8878 3.1.1.3.2.1: literals and match lengths; offsets 8 */
	ZSTD_HUF_LOG_MAX = 11,    /* RFC 8878 4.2.1: Max_Number_of_Bits */
	ZSTD_SLACK = 16,          /* octets that must be readable before and after the frame */
};

/*
 * One state of a finite state entropy decoder: what it stands for (value, to which EXTRA bits are
 * added) and how to go on.
 */
struct zstd_fse_cell {
	uint32_t value;
	uint16_t base;
	uint8_t extra, bits;
};

struct zstd_fse {
	struct zstd_fse_cell cell[1 << ZSTD_FSE_LOG_MAX];
	unsigned log;
};

struct zstd_huf_cell {
	uint8_t symbol, bits;
};

/* Tables live as long as the frame: a block may say that it uses the last one's. */
struct zstd_work {
	struct zstd_fse lengths, offsets, matches; /* of literals, distances, copies */
	struct zstd_huf_cell huf[1 << ZSTD_HUF_LOG_MAX];
	unsigned huf_log;
	uint32_t recent[3];
	uint8_t literals[ZSTD_BLOCK_MAX + ZSTD_SLACK];
};

/*
 * Writes the content of the frame at *FRAME to OUT, which has room for all of it and ZSTD_SLACK
 * octets more, returns its length, and leaves *FRAME behind the frame.
 */
size_t zstd_decode(struct zstd_work *work, const uint8_t **frame, uint8_t *out);

#endif
