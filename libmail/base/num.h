/*
 * num: numbers in text, and arithmetic that cannot wrap.
 *
 * Parsers are strict: digits only, no sign, no blanks, nothing behind the
 * number, and false (the output untouched) for anything above the maximum.
 */
#ifndef LETTERBOX_BASE_NUM_H
#define LETTERBOX_BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* An unsigned decimal of at least one digit, at most max. */
bool num_parse(struct span s, uint64_t max, uint64_t *out);

/* The same in base 2 to 16 ("0750" modes, hex escapes); digits in any case. */
bool num_parse_base(struct span s, unsigned base, uint64_t max, uint64_t *out);

/*
 * A time interval as sendmail writes it: numbers with units w d h m s, joined
 * ("1h30m"); a number without unit counts in unit_s seconds.  Output in seconds, at
 * most 10 years.  On a bad unit *bad is that octet (for the error text), else 0.
 */
bool num_parse_interval(struct span s, uint32_t unit_s, uint64_t *seconds, char *bad);

/* a + b and a * b; false when the result does not fit. */
static inline bool num_add(size_t a, size_t b, size_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

static inline bool num_mul(size_t a, size_t b, size_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

#endif
