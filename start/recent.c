/*
 * Numbers from their ranks; see start/recent.h.
 *
 * The list is a ring: a new number in front costs nothing, and most others were near the front.
 */
#include "start/recent.h"

uint8_t *recent_join(uint8_t *out, const uint8_t *ranks, size_t count, const uint8_t *fresh,
		     size_t n)
{
	uint32_t list[RECENT_MAX], v = 0, far, packed;

	for (unsigned head = 0; count > 0; count--, head %= RECENT_MAX) {
		unsigned rank = *ranks++;

		if (rank == 0) {
			far = (uint32_t)fresh[0] << 24 | (uint32_t)fresh[n] << 16 |
			      (uint32_t)fresh[2 * n] << 8 | fresh[3 * n];
			v += far >> 1 ^ -(far & 1);
			fresh++;
			head += RECENT_MAX - 1;
		} else {
			v = list[(head + rank - 1) % RECENT_MAX];
			for (unsigned i = head + rank - 1; i > head; i--)
				list[i % RECENT_MAX] = list[(i - 1) % RECENT_MAX];
		}
		list[head % RECENT_MAX] = v;
		packed = __builtin_bswap32(v);
		__builtin_memcpy(out, &packed, sizeof packed);
		out += sizeof packed;
	}
	return out;
}
