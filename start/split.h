/*
 * split: machine code (x86-64) as several streams, one for each kind of field that an
 * instruction has, and back.
 *
 * A packer that looks at code octet by octet finds opcodes between distances and constants.  With
 * opcodes behind opcodes, distances behind distances and calls as the address that they lead to,
 * all highest octet first, the same packer makes the program a sixth smaller.
 *
 * Both ways are one walk over the instructions (Intel's manual, volume 2, chapter 2 and
 * appendix A; no VEX, which this program does not use), which only copies: octets that are no
 * code, or no instruction that is known here, cost room and come back as they were.
 *
 * Freestanding, for data that the build itself made: what the streams say is believed.
 */
#ifndef LETTERBOX_START_SPLIT_H
#define LETTERBOX_START_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

enum split_stream {
	SPLIT_DISP32,     /* the long distance of an operand in memory */
	SPLIT_DISP32_SIB, /* the same behind a SIB octet, which is: from the stack pointer */
	SPLIT_JUMP32,     /* the address that a long jump leads to */
	SPLIT_NUMBERS,    /* up to here all are for start/recent.h */
	SPLIT_ADDRESS = SPLIT_NUMBERS, /* an operand's address */
	SPLIT_DISP8,                   /* the short distance */
	SPLIT_DISP8_SIB,
	SPLIT_IMM8,       /* constants of one octet or two */
	SPLIT_IMM8_WORD,  /* those that words are compared with and added to */
	SPLIT_IMM8_OCTET, /* the same of octets */
	SPLIT_IMM8_PUSH,
	SPLIT_IMM8_SHIFT,
	SPLIT_IMM32, /* of four octets or eight; start/texts.h turns addresses of texts */
	SPLIT_IMM32_WORD,
	SPLIT_CALL,   /* the address called */
	SPLIT_JUMP8,  /* the distance of a short jump */
	SPLIT_OPCODE, /* prefixes, opcode and what follows it: ModRM and SIB */
	SPLIT_STREAMS,
};

/* The next octet of the code and of each stream; one side is read, the other written. */
struct split {
	uint8_t *code, *stream[SPLIT_STREAMS];
};

enum { SPLIT_SLACK = 16 }; /* octets behind its end that either side has room for */

/* From CODE, until END is reached or passed, by an instruction's rest at most (15 octets). */
void split_code(struct split *s, const uint8_t *end);

/*
 * To CODE, which is to end at END exactly, as split_code left it.  SPLIT_SLACK octets behind END
 * are written too: what belongs there comes afterwards.
 */
void split_join(struct split *s, const uint8_t *end);

#endif
