/*
 * Code into streams and back; see start/split.h.
 *
 * The walk is compiled once for each way, with the way a constant.
 */
#include "start/split.h"

#define INLINE static inline __attribute__((always_inline))

/* What follows an opcode: one of these, perhaps behind the operand that a ModRM octet describes. */
enum form {
	NOTHING,
	IMM8, /* what the constant is for decides about its stream */
	IMM8_WORD,
	IMM8_OCTET,
	IMM8_PUSH,
	IMM8_SHIFT,
	IMM16,
	IMM32, /* 16 bits behind the prefix 66 */
	IMM32_WORD,
	REL8,
	REL32,
	CALL,
	FORMS = 15, /* a mask */
	MODRM = 16,
	WIDE = 32,     /* 64 bits behind REX.W */
	TEST = 64,     /* of this group, two members have a constant */
	SPECIAL = 128, /* a prefix, or the first octet of an opcode of several */
};

enum {
	PREFIX_16 = 0x66,
	REX = 0x40,
	REX_W = 8,
	ESCAPE = 0x0F, /* opcodes of two octets and, behind 38 and 3A, three */
	ESCAPE_38 = 0x38,
	ESCAPE_3A = 0x3A,
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
    [0x0F] = SPECIAL,
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
    IMM8_OCTET,
    IMM32,
    [0x63] = MODRM,
    [0x64 ... 0x66] = SPECIAL,
    [0x68] = IMM32,
    MODRM | IMM32,
    IMM8_PUSH,
    MODRM | IMM8,
    [0x70 ... 0x7F] = REL8,
    [0x80] = MODRM | IMM8_OCTET,
    MODRM | IMM32_WORD,
    MODRM | IMM8,
    MODRM | IMM8_WORD,
    [0x84 ... 0x8F] = MODRM,
    [0xA8] = IMM8,
    IMM32,
    [0xB0 ... 0xB7] = IMM8,
    [0xB8 ... 0xBF] = IMM32 | WIDE,
    [0xC0 ... 0xC1] = MODRM | IMM8_SHIFT,
    IMM16,
    [0xC6] = MODRM | IMM8,
    MODRM | IMM32,
    [0xD0 ... 0xD3] = MODRM,
    [0xD8 ... 0xDF] = MODRM,
    [0xE0 ... 0xE3] = REL8,
    [0xE8] = CALL,
    REL32,
    [0xEB] = REL8,
    [0xF0] = SPECIAL,
    [0xF2 ... 0xF3] = SPECIAL,
    [0xF6 ... 0xF7] = MODRM | TEST,
    [0xFE ... 0xFF] = MODRM,
};

/* The same of opcodes whose first octet is ESCAPE. */
static unsigned two(unsigned opcode)
{
	if ((opcode & 0xF0) == 0x80)
		return REL32;
	if (opcode == ESCAPE_38)
		return MODRM | SPECIAL;
	if (opcode == ESCAPE_3A)
		return MODRM | IMM8 | SPECIAL;
	if (opcode == 0x05 || opcode == 0x0B || opcode == 0x31 || opcode == 0xA2 ||
	    (opcode & 0xF8) == 0xC8)
		return 0;
	if ((opcode & 0xFC) == 0x70 || opcode == 0xA4 || opcode == 0xAC || opcode == 0xBA ||
	    (opcode >= 0xC2 && opcode <= 0xC6 && opcode != 0xC3))
		return MODRM | IMM8;
	return MODRM;
}

/*
 * How the walk looks things up: what it finds says what to do with a field (its octets and stream,
 * whether it is an address) and what else there is.  Made at the start: what is written down above
 * is smaller, and the first thing that every command waits for is the walk.
 */
enum {
	OCTETS = 7, /* 0, 1, 2 or 4 */
	STREAM = 8, /* times the number */
	STREAMS = 16,
	ADDRESS = STREAMS * STREAM,
	HAS_MODRM = 256,
	HAS_SIB = 512,
	BASELESS = 1024, /* an address, if SIB says so */
	/* enum form, as it is */
	IS_WIDE = 2048,
	IS_TEST = 4096,
	IS_SPECIAL = 8192,
	HAS_ADDRESS = SPLIT_ADDRESS * STREAM | 4,
	HAS_IMM16 = SPLIT_IMM8 * STREAM | 2,
	HAS_IMM32 = SPLIT_IMM32 * STREAM | 4,
};

struct tables {
	uint16_t opcode[2 * 256]; /* of one octet, of two */
	uint16_t modrm[256];
};

static uint16_t opcode_entry(unsigned form)
{
	static const uint16_t fields[] = {
	    [IMM8] = SPLIT_IMM8 * STREAM | 1,
	    [IMM8_WORD] = SPLIT_IMM8_WORD * STREAM | 1,
	    [IMM8_OCTET] = SPLIT_IMM8_OCTET * STREAM | 1,
	    [IMM8_PUSH] = SPLIT_IMM8_PUSH * STREAM | 1,
	    [IMM8_SHIFT] = SPLIT_IMM8_SHIFT * STREAM | 1,
	    [IMM16] = HAS_IMM16,
	    [IMM32] = HAS_IMM32,
	    [IMM32_WORD] = SPLIT_IMM32_WORD * STREAM | 4,
	    [REL8] = SPLIT_JUMP8 * STREAM | 1,
	    [REL32] = SPLIT_JUMP32 * STREAM | ADDRESS | 4,
	    [CALL] = SPLIT_CALL * STREAM | ADDRESS | 4,
	};

	return (uint16_t)(fields[form & FORMS] | (form & MODRM) * (HAS_MODRM / MODRM) |
			  (form & ~(FORMS | MODRM)) * (IS_WIDE / WIDE));
}

static uint16_t modrm_entry(unsigned modrm)
{
	unsigned mode = modrm >> 6, base = modrm & 7, sib = base == 4, entry = sib * HAS_SIB;

	if (mode == 3)
		return 0;
	if (mode == 1)
		entry |= (SPLIT_DISP8 + sib) * STREAM | 1;
	else if (mode == 2)
		entry |= (SPLIT_DISP32 + sib) * STREAM | 4;
	else if (sib)
		entry |= BASELESS;
	else if (base == NO_BASE)
		entry |= HAS_ADDRESS | ADDRESS;
	return (uint16_t)entry;
}

/*
 * A field of 0, 1, 2 or 4 octets; four have the highest first in the stream, and an address is
 * AT plus what the code has.  No branch: a third of them would be guessed wrong.  So more is
 * written than is there, and written over by what follows.
 */
INLINE uint8_t *field(uint8_t *code, uint8_t **streams, unsigned entry, uint32_t at, bool join)
{
	uint8_t **stream = &streams[entry / STREAM % STREAMS], *from = *stream;
	uint32_t v, whole, add = (at + 4) & -(uint32_t)(entry / ADDRESS % 2);

	__builtin_memcpy(&v, join ? from : code, sizeof v);
	whole = join ? __builtin_bswap32(v) - add : __builtin_bswap32(v + add);
	v ^= (v ^ whole) & -(uint32_t)(entry / 4 % 2);
	__builtin_memcpy(join ? code : from, &v, sizeof v);
	*stream = from + (entry & OCTETS);
	return code + (entry & OCTETS);
}

/* What an instruction is, from its LENGTH first octets: prefixes to SIB. */
struct head {
	unsigned length, operand, rest; /* entries: for the operand, for what is behind it */
	unsigned wide;                  /* IS_WIDE behind REX.W */
};

/*
 * From one load: where the next instruction begins hangs on what is found here, so the way from the
 * load to the length is most of what the walk takes.  Whoever has more prefixes than that is no
 * instruction, and what it lacks reads as zero, on both ways.
 */
INLINE struct head look(const struct tables *t, const uint8_t *at)
{
	struct head h = {0};
	bool narrow = false;
	uint64_t v;

	__builtin_memcpy(&v, at, sizeof v);
	for (;;) {
		/* Looked up with REX and without, and chosen then: that is sooner known. */
		uint32_t rex = -(uint32_t)((v & 0xF0) == REX);
		uint32_t first = t->opcode[(uint8_t)v], operand = t->modrm[(uint8_t)(v >> 8)];

		first ^= (first ^ t->opcode[(uint8_t)(v >> 8)]) & rex;
		h.operand = operand ^ ((operand ^ t->modrm[(uint8_t)(v >> 16)]) & rex);
		h.rest = first;
		h.wide = (rex & (uint32_t)v & REX_W) * (IS_WIDE / REX_W);
		v >>= rex & 8;
		h.length += 1 - rex;
		if (!(h.rest & IS_SPECIAL))
			break;
		first = (uint8_t)v;
		v >>= 8;
		if (first == ESCAPE) {
			h.length++;
			h.rest = t->opcode[256 + (uint8_t)v];
			if (h.rest & IS_SPECIAL) {
				/* A third octet tells nothing more. */
				v >>= 8;
				h.length++;
			}
			h.operand = t->modrm[(uint8_t)(v >> 8)];
			break;
		}
		narrow |= first == PREFIX_16;
	}
	h.operand &= -(h.rest / HAS_MODRM % 2);
	h.length += h.rest / HAS_MODRM % 2 + h.operand / HAS_SIB % 2;
	if (h.operand & BASELESS && (v >> 16 & 7) == NO_BASE)
		h.operand |= HAS_ADDRESS;
	if (h.rest & IS_TEST && !(v >> 8 & 0x30))
		h.rest |= v & 1 ? HAS_IMM32 : SPLIT_IMM8 * STREAM | 1;
	if (narrow && (h.rest & (ADDRESS | OCTETS)) == 4)
		h.rest = (h.rest & ~(ADDRESS - 1u)) | HAS_IMM16;
	return h;
}

INLINE void walk(struct split *s, const uint8_t *end, bool join)
{
	uint8_t *code = s->code, *const start = code, *opcode = s->stream[SPLIT_OPCODE];
	struct tables t;

	for (unsigned i = 0; i < 256; i++) {
		t.opcode[i] = opcode_entry(one[i]);
		t.opcode[256 + i] = opcode_entry(two(i));
		t.modrm[i] = modrm_entry(i);
	}
	while (code < end) {
		struct head h = look(&t, join ? opcode : code);

		__builtin_memcpy(join ? code : opcode, join ? opcode : code, HEAD_MAX);
		code += h.length;
		opcode += h.length;
		code = field(code, s->stream, h.operand, (uint32_t)(code - start), join);
		code = field(code, s->stream, h.rest, (uint32_t)(code - start), join);
		if (h.rest & h.wide)
			code = field(code, s->stream, HAS_IMM32, 0, join);
	}
	s->code = code;
	s->stream[SPLIT_OPCODE] = opcode;
}

void split_code(struct split *s, const uint8_t *end)
{
	walk(s, end, false);
}

void split_join(struct split *s, const uint8_t *end)
{
	walk(s, end, true);
}
