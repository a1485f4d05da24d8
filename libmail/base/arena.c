/*
 * Region allocation; see base/arena.h.
 *
 * Blocks start at 4 KiB and double up to 64 KiB, so that a small configuration
 * stays small and a large one costs few calls.
 */
#include "base/arena.h"

#include <stdlib.h>

struct arena_block {
	struct arena_block *prev;
	_Alignas(max_align_t) char mem[];
};

enum { BLOCK_FIRST = 4096, BLOCK_LARGEST = 65536 };

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){.max = max};
}

void arena_free(struct arena *a)
{
	while (a->last) {
		struct arena_block *prev = a->last->prev;

		free(a->last);
		a->last = prev;
	}
	arena_init(a, a->max);
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = a->last;
	size_t cap = a->cap;

	a->failed = false;
	if (!kept)
		return;
	a->last = kept->prev;
	kept->prev = NULL;
	/*
	 * Only the newest block survives: it is the largest so far, so a caller that
	 * resets after each piece of work soon runs without malloc.
	 */
	arena_free(a);
	a->last = kept;
	a->cap = a->total = cap;
	a->used = 0;
}

static bool add_block(struct arena *a, size_t n)
{
	/*
	 * Each block holds twice the last one's room; a request larger than that, or a
	 * maximum too near for it, gets a block of its own size.
	 */
	size_t cap = a->cap ? a->cap * 2 : BLOCK_FIRST;
	struct arena_block *b;

	if (cap > BLOCK_LARGEST)
		cap = BLOCK_LARGEST;
	cap -= sizeof *b;
	if (cap < n || cap > a->max - a->total)
		cap = n;
	if (cap > a->max - a->total)
		return false;
	b = malloc(sizeof *b + cap);
	if (!b)
		return false;
	b->prev = a->last;
	a->last = b;
	a->used = 0;
	a->cap = cap;
	a->total += cap;
	return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	char *at;

	/* Two allocations never share an address, empty ones included. */
	if (n == 0)
		n = 1;
	if (a->failed || n > a->max)
		goto out;
	/*
	 * n is at most max, so the sum does not wrap; what rounding adds beyond max
	 * add_block refuses.
	 */
	n = (n + align - 1) & ~(align - 1);
	if (n > a->cap - a->used && !add_block(a, n))
		goto out;
	at = a->last->mem + a->used;
	a->used += n;
	memset(at, 0, n);
	return at;
out:
	a->failed = true;
	return NULL;
}

struct span arena_dup(struct arena *a, struct span s)
{
	char *at = arena_alloc(a, s.len);

	if (!at)
		return span_make(NULL, 0);
	if (s.len)
		memcpy(at, s.ptr, s.len);
	return span_make(at, s.len);
}

/* The NUL behind the copy is there because arena_alloc zeroes what it hands out. */
char *arena_strdup(struct arena *a, struct span s)
{
	char *at = arena_alloc(a, s.len + 1);

	if (at && s.len)
		memcpy(at, s.ptr, s.len);
	return at;
}

bool arena_ok(const struct arena *a)
{
	return !a->failed;
}
