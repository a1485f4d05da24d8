/*
 * Code into streams and back; see start/split.h.
 *
 * The walk is compiled once for each way, with the way a constant.
 */
#include "start/split.h"

#define INLINE static inline __attribute__((always_inline))

enum form {
	MODRM = 1, /* an operand described by a ModRM octet */
	IMM8 = 2,
	IMM32 = 4, /* 16 bits behind the prefix 66 */
	IMM16 = 8,
	WIDE = 16, /* 64 bits behind REX.W */
	REL8 = 32,
	REL32 = 64,
	CALL = 128,
};

enum {
	PREFIX_16 = 0x66,
	REX = 0x40,
	REX_W = 8,
	ESCAPE = 0x0F, /* opcodes of two octets and, behind 38 and 3A, three */
	ESCAPE_38 = 0x38,
	ESCAPE_3A = 0x3A,
	TEST_8 = 0xF6, /* of this group, two members have a constant */
	TEST_32 = 0xF7,
	HAS_SIB = 4,
	NO_BASE = 5,
	NO_OPERAND = 0xFF, /* a register: announces nothing */
};

/* What follows an opcode of one octet. */
static const uint8_t one[256] = {
    [0x00 ... 0x03] = MODRM,
    IMM8,
    IMM32,
    [0x08 ... 0x0B] = MODRM,
    IMM8,
    IMM32,
    [0x10 ... 0x13] = MODRM,
    IMM8,
    IMM32,
    [0x18 ... 0x1B] = MODRM,
    IMM8,
    IMM32,
    [0x20 ... 0x23] = MODRM,
    IMM8,
    IMM32,
    [0x28 ... 0x2B] = MODRM,
    IMM8,
    IMM32,
    [0x30 ... 0x33] = MODRM,
    IMM8,
    IMM32,
    [0x38 ... 0x3B] = MODRM,
    IMM8,
    IMM32,
    [0x63] = MODRM,
    [0x68] = IMM32,
    MODRM | IMM32,
    IMM8,
    MODRM | IMM8,
    [0x70 ... 0x7F] = REL8,
    [0x80] = MODRM | IMM8,
    MODRM | IMM32,
    MODRM | IMM8,
    MODRM | IMM8,
    [0x84 ... 0x8F] = MODRM,
    [0xA8] = IMM8,
    IMM32,
    [0xB0 ... 0xB7] = IMM8,
    [0xB8 ... 0xBF] = IMM32 | WIDE,
    [0xC0 ... 0xC1] = MODRM | IMM8,
    IMM16,
    [0xC6] = MODRM | IMM8,
    MODRM | IMM32,
    [0xD0 ... 0xD3] = MODRM,
    [0xD8 ... 0xDF] = MODRM,
    [0xE0 ... 0xE3] = REL8,
    [0xE8] = CALL,
    REL32,
    [0xEB] = REL8,
    [TEST_8... TEST_32] = MODRM,
    [0xFE ... 0xFF] = MODRM,
};

INLINE enum form two(uint8_t opcode)
{
	if ((opcode & 0xF0) == 0x80)
		return REL32;
	if (opcode == 0x05 || opcode == 0x0B || opcode == 0x31 || opcode == 0xA2 ||
	    (opcode & 0xF8) == 0xC8)
		return 0;
	if ((opcode & 0xFC) == 0x70 || opcode == 0xA4 || opcode == 0xAC || opcode == 0xBA ||
	    (opcode >= 0xC2 && opcode <= 0xC6 && opcode != 0xC3))
		return MODRM | IMM8;
	return MODRM;
}

/*
 * An octet, if there is one; else what it returns means nothing.  No branch: a third of them would
 * be guessed wrong, and this is most of what a start takes.  So more is written than is there,
 * and written over by what follows.
 */
INLINE uint8_t octet(struct split *s, enum split_stream to, unsigned there, bool join)
{
	uint8_t v = join ? *s->stream[to] : *s->code;

	*(join ? s->code : s->stream[to]) = v;
	s->code += there;
	s->stream[to] += there;
	return v;
}

/* Four, if there are: the highest first in the stream; ADD is what the stream has more. */
INLINE void word(struct split *s, enum split_stream to, unsigned there, uint32_t add, bool join)
{
	uint32_t v;

	__builtin_memcpy(&v, join ? s->stream[to] : s->code, sizeof v);
	v = join ? __builtin_bswap32(v) - add : __builtin_bswap32(v + add);
	__builtin_memcpy(join ? s->code : s->stream[to], &v, sizeof v);
	s->code += there * sizeof v;
	s->stream[to] += there * sizeof v;
}

/* ModRM, if there is one, and what it announces; says whether the group's member has a constant. */
INLINE bool operand(struct split *s, const uint8_t *start, unsigned there, bool join)
{
	uint8_t modrm = octet(s, SPLIT_OPCODE, there, join), mode, base, sib;
	bool has_sib, direct;

	modrm = there ? modrm : NO_OPERAND;
	mode = modrm >> 6;
	base = modrm & 7;
	has_sib = (mode != 3) & (base == HAS_SIB);
	direct = (mode == 0) & (base == NO_BASE);
	sib = octet(s, SPLIT_OPCODE, has_sib, join) & 7;
	base = has_sib ? sib : base;
	(void)octet(s, SPLIT_DISP8, mode == 1, join);
	word(s, SPLIT_DISP32, (mode == 2) | ((mode == 0) & (base == NO_BASE)),
	     direct ? (uint32_t)(s->code - start) + 4 : 0, join);
	return (modrm & 0x30) == 0;
}

/* 64 to 66 and F0 to F3 with two more, which never occur. */
INLINE bool is_prefix(uint8_t c)
{
	return ((c & ~2) == 0x64) | ((c & ~3) == 0xF0);
}

/* What follows an opcode that began with ESCAPE, which was passed. */
INLINE enum form escaped(struct split *s, bool join)
{
	uint8_t second = octet(s, SPLIT_OPCODE, 1, join);

	(void)octet(s, SPLIT_OPCODE, second == ESCAPE_38 || second == ESCAPE_3A, join);
	return second == ESCAPE_3A ? MODRM | IMM8 : two(second);
}

INLINE void walk(struct split *way, const uint8_t *end, bool join)
{
	const uint8_t *start = way->code;
	struct split s = *way;

	while (s.code < end) {
		uint8_t opcode = octet(&s, SPLIT_OPCODE, 1, join), next;
		bool narrow = false, rex, wide;
		enum form form;

		while (is_prefix(opcode)) {
			narrow |= opcode == PREFIX_16;
			opcode = octet(&s, SPLIT_OPCODE, 1, join);
		}
		rex = (opcode & 0xF0) == REX;
		wide = rex & ((opcode & REX_W) != 0);
		next = octet(&s, SPLIT_OPCODE, rex, join);
		opcode = rex ? next : opcode;
		form = opcode == ESCAPE ? escaped(&s, join) : one[opcode];
		if (operand(&s, start, form & MODRM, join) & ((opcode & ~1) == TEST_8))
			form |= opcode == TEST_8 ? IMM8 : IMM32;
		if (narrow & ((form & IMM32) != 0))
			form ^= IMM32 | IMM16;
		(void)octet(&s, SPLIT_IMM8, (form & IMM16) != 0, join);
		(void)octet(&s, SPLIT_IMM8, (form & (IMM8 | IMM16)) != 0, join);
		word(&s, SPLIT_IMM32, (form & IMM32) != 0, 0, join);
		if (wide & ((form & WIDE) != 0))
			word(&s, SPLIT_IMM32, 1, 0, join);
		(void)octet(&s, SPLIT_JUMP8, (form & REL8) != 0, join);
		word(&s, SPLIT_CALL, (form & CALL) != 0, (uint32_t)(s.code - start) + 4, join);
		word(&s, SPLIT_JUMP32, (form & REL32) != 0, (uint32_t)(s.code - start) + 4, join);
	}
	*way = s;
}

void split_code(struct split *s, const uint8_t *end)
{
	walk(s, end, false);
}

void split_join(struct split *s, const uint8_t *end)
{
	walk(s, end, true);
}
