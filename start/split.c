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
	HEAD_MAX = 16, /* octets of prefixes to SIB: as many as are copied at once */
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
 * An octet, if there is one.  No branch: a third of them would be guessed wrong, and this is most
 * of what a start takes.  So more is written than is there, and written over by what follows.
 */
INLINE void octet(struct split *s, enum split_stream to, unsigned there, bool join)
{
	*(join ? s->code : s->stream[to]) = join ? *s->stream[to] : *s->code;
	s->code += there;
	s->stream[to] += there;
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

/* 64 to 66 and F0 to F3 with two more, which never occur. */
INLINE bool is_prefix(uint8_t c)
{
	return ((c & ~2) == 0x64) | ((c & ~3) == 0xF0);
}

/* What an instruction is, from its LENGTH first octets: prefixes to SIB. */
struct head {
	enum form form;
	unsigned length;
	bool disp8, disp32, direct, wide;
};

/*
 * From one load: where the next instruction begins hangs on what is found here, so the way from the
 * load to the length is most of what the walk takes.  Whoever has more prefixes than that is no
 * instruction, and what it lacks reads as zero, on both ways.
 */
INLINE struct head look(const uint8_t *at)
{
	struct head h = {.length = 1};
	uint64_t v;
	uint8_t opcode, modrm, mode, base;
	bool narrow = false, rex, group, has_sib;

	__builtin_memcpy(&v, at, sizeof v);
	for (; is_prefix((uint8_t)v); v >>= 8, h.length++)
		narrow |= (uint8_t)v == PREFIX_16;
	rex = (v & 0xF0) == REX;
	h.wide = rex & ((v & REX_W) != 0);
	v >>= 8 * rex;
	h.length += rex;
	opcode = (uint8_t)v;
	h.form = one[opcode];
	if (opcode == ESCAPE) {
		uint8_t second = (uint8_t)(v >>= 8);
		bool third = (second == ESCAPE_38) | (second == ESCAPE_3A);

		h.form = second == ESCAPE_3A ? MODRM | IMM8 : two(second);
		v >>= 8 * third;
		h.length += 1 + third;
	}
	/* A register where there is no ModRM: it announces nothing. */
	modrm = (uint8_t)(v >> 8 | ((h.form & MODRM) - 1));
	mode = modrm >> 6;
	base = modrm & 7;
	has_sib = (mode != 3) & (base == HAS_SIB);
	h.direct = (mode == 0) & (base == NO_BASE);
	base ^= (base ^ (v >> 16 & 7)) & -(unsigned)has_sib;
	h.disp8 = mode == 1;
	h.disp32 = (mode == 2) | ((mode == 0) & (base == NO_BASE));
	h.length += (h.form & MODRM) + has_sib;
	group = ((opcode & ~1) == TEST_8) & ((modrm & 0x30) == 0);
	h.form |= (unsigned)group << (1 + (opcode & 1));
	if (narrow)
		h.form ^= h.form & IMM32 ? IMM32 | IMM16 : 0;
	return h;
}

INLINE void walk(struct split *way, const uint8_t *end, bool join)
{
	const uint8_t *start = way->code;
	struct split s = *way;

	while (s.code < end) {
		struct head h = look(join ? s.stream[SPLIT_OPCODE] : s.code);
		enum form form = h.form;

		__builtin_memcpy(join ? s.code : s.stream[SPLIT_OPCODE],
				 join ? s.stream[SPLIT_OPCODE] : s.code, HEAD_MAX);
		s.code += h.length;
		s.stream[SPLIT_OPCODE] += h.length;
		octet(&s, SPLIT_DISP8, h.disp8, join);
		word(&s, SPLIT_DISP32, h.disp32,
		     ((uint32_t)(s.code - start) + 4) & -(uint32_t)h.direct, join);
		octet(&s, SPLIT_IMM8, (form & IMM16) != 0, join);
		octet(&s, SPLIT_IMM8, (form & (IMM8 | IMM16)) != 0, join);
		word(&s, SPLIT_IMM32, (form & IMM32) != 0, 0, join);
		if (h.wide & ((form & WIDE) != 0))
			word(&s, SPLIT_IMM32, 1, 0, join);
		octet(&s, SPLIT_JUMP8, (form & REL8) != 0, join);
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
