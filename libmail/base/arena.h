/*
 * arena: memory that is given back all at once.
 *
 * For what lives exactly as long as one configuration, one message or one
 * command: nothing in it is freed alone.  Blocks come from malloc, grow as
 * needed and stop at a hard maximum; after that every allocation returns NULL,
 * and arena_ok says so.
 */
#ifndef LETTERBOX_BASE_ARENA_H
#define LETTERBOX_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

struct arena_block;

struct arena {
	struct arena_block *last; /* the block in use */
	size_t used, cap;         /* of that block, octets */
	size_t total, max;        /* octets taken from malloc, and their maximum */
	bool failed;              /* sticky: an allocation returned NULL */
};

/* An empty arena that takes at most max octets.  Allocates nothing yet. */
void arena_init(struct arena *a, size_t max);

/* Gives everything back; the arena is empty and usable again. */
void arena_free(struct arena *a);

/* Empties the arena but keeps its newest block, for a next round of about the same size. */
void arena_reset(struct arena *a);

/* n octets, zeroed, aligned for any type; NULL at the maximum. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of s; on failure the empty span. */
struct span arena_dup(struct arena *a, struct span s);

/* A copy of s ended by a NUL; NULL on failure. */
char *arena_strdup(struct arena *a, struct span s);

/* False once an allocation failed. */
bool arena_ok(const struct arena *a);

#endif
