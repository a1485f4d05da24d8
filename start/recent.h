/*
 * recent: numbers near each other, as what is new among them and when the others were last there.
 *
 * Each number becomes an octet, its rank: 1 for the one before it, and so on, counting each
 * number once; 0 for one that is not among the last RECENT_MAX, which is the next of the new
 * ones.  A new one is its distance from the number before it, doubled, the sign being the
 * lowest bit; of these all highest octets come first, and all lowest last.
 *
 * Freestanding, for data that the build itself made: what it finds is believed.
 */
#ifndef LETTERBOX_START_RECENT_H
#define LETTERBOX_START_RECENT_H

#include <stddef.h>
#include <stdint.h>

enum { RECENT_MAX = 32 };

/*
 * Writes COUNT numbers of four octets each, the highest first, to OUT, and returns its end.  N is
 * how many of them are new.
 */
uint8_t *recent_join(uint8_t *out, const uint8_t *ranks, size_t count, const uint8_t *fresh,
		     size_t n);

#endif
