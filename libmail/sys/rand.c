/*
 * Kernel randomness; see sys/rand.h.
 */
#include "sys/rand.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/err.h"

void rand_fill(void *mem, size_t n)
{
	char *at = mem;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0) {
			BUG_ON(errno != EINTR);
			continue;
		}
		at += got;
		n -= (size_t)got;
	}
}

uint64_t rand_u64(void)
{
	uint64_t v;

	rand_fill(&v, sizeof v);
	return v;
}
