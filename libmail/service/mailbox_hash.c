/*
 * The two inner loops of a mailbox's scan: counting line ends and hashing; see mailbox_part.h.
 *
 * Every octet of a mailbox goes through both once a session, so they take 16 at a time, with
 * the compiler's portable vectors: on machines without such registers they are plain code.
 */
#include <string.h>

#include "service/mailbox_part.h"

typedef unsigned char v16 __attribute__((vector_size(16)));

enum { BLOCK = 16, ROUNDS = 255 /* before an 8-bit lane may overflow */ };

static v16 load(const char *p)
{
	v16 v;

	memcpy(&v, p, sizeof v);
	return v;
}

static bool any(v16 v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof half);
	return (half[0] | half[1]) != 0;
}

static uint64_t sum(v16 v)
{
	uint64_t n = 0;

	for (int i = 0; i < BLOCK; i++)
		n += v[i];
	return n;
}

/* At most ROUNDS blocks; stops before one that holds the start of a line to look at. */
static size_t skim_blocks(struct mailbox_count *c, const char *p, size_t blocks, bool stop)
{
	v16 lines = {0}, bare = {0};
	size_t n = 0;

	for (; n < blocks; n++) {
		v16 now = load(p + n * BLOCK), before = load(p + n * BLOCK - 1);
		v16 lf = (v16)(now == '\n');

		if (stop && any((v16)(before == '\n') & (v16)((now == 'F') | (now == '>'))))
			break;
		lines -= lf;
		bare -= lf & (v16)(before != '\r');
	}
	c->lines += sum(lines);
	c->bare += sum(bare);
	return n * BLOCK;
}

size_t mailbox_skim(struct mailbox_count *c, const char *text, size_t len, bool stop)
{
	size_t at = 0;

	while (at < len) {
		size_t blocks = (len - at) / BLOCK, end;

		if (blocks)
			at += skim_blocks(c, text + at, blocks < ROUNDS ? blocks : ROUNDS, stop);
		end = len - at < BLOCK ? len : at + BLOCK;
		for (; at < end; at++) {
			char before = text[(ptrdiff_t)at - 1];

			if (stop && before == '\n' && (text[at] == 'F' || text[at] == '>'))
				return at;
			c->lines += text[at] == '\n';
			c->bare += text[at] == '\n' && before != '\r';
		}
	}
	return at;
}

/* Odd constants with about half their bits set, so that each input bit spreads. */
#define MIX_A 0x9e3779b97f4a7c15u
#define MIX_B 0xc2b2ae3d27d4eb4fu

static uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static void hash_block(struct mailbox_hash *h, const void *p)
{
	uint64_t w[2];

	memcpy(w, p, sizeof w);
	h->a = rotate((h->a ^ w[0]) * MIX_A, 29);
	h->b = rotate((h->b ^ w[1]) * MIX_B, 31);
}

void mailbox_hash_init(struct mailbox_hash *h)
{
	*h = (struct mailbox_hash){.a = MIX_B, .b = MIX_A};
}

void mailbox_hash_add(struct mailbox_hash *h, const char *text, size_t len)
{
	size_t held = h->total % BLOCK;

	h->total += len;
	if (held) {
		size_t n = len < BLOCK - held ? len : BLOCK - held;

		memcpy(h->tail + held, text, n);
		text += n;
		len -= n;
		if (held + n < BLOCK)
			return;
		hash_block(h, h->tail);
	}
	for (; len >= BLOCK; len -= BLOCK, text += BLOCK)
		hash_block(h, text);
	if (len)
		memcpy(h->tail, text, len);
}

uint64_t mailbox_hash_mix(uint64_t v)
{
	v = (v ^ v >> 32) * MIX_A;
	v = (v ^ v >> 29) * MIX_B;
	return v ^ v >> 32;
}

uint64_t mailbox_hash_end(struct mailbox_hash *h)
{
	size_t held = h->total % BLOCK;

	memset(h->tail + held, 0, BLOCK - held);
	hash_block(h, h->tail);
	return mailbox_hash_mix(h->a ^ mailbox_hash_mix(h->b ^ h->total));
}
