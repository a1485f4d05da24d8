/* base/arena: alignment, zeroes, the hard maximum, and failure that sticks. */
#include "base/arena.h"

#include <stddef.h>

#include "unit/test.h"

TEST(arena_gives_aligned_zeroes)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *at = arena_alloc(&a, n);
		size_t sum = 0;

		CHECK(at != NULL);
		if (!at)
			break;
		CHECK_INT((uintptr_t)at % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			sum += at[i];
		CHECK_INT(sum, 0);
		memset(at, 0xff, n);
	}
	CHECK(arena_ok(&a));
	CHECK(a.total <= a.max);
	arena_free(&a);
}

TEST(arena_copies)
{
	struct arena a;
	char *s;

	arena_init(&a, 1 << 16);
	CHECK_SPAN(arena_dup(&a, SPAN("a\0b")), SPAN("a\0b"));
	CHECK_SPAN(arena_dup(&a, span_make(NULL, 0)), SPAN(""));
	s = arena_strdup(&a, SPAN("text"));
	CHECK(s && strcmp(s, "text") == 0);
	s = arena_strdup(&a, span_make(NULL, 0));
	CHECK(s && *s == '\0');
	arena_free(&a);
}

TEST(arena_stops_at_its_maximum)
{
	struct arena a;
	size_t got = 0;

	arena_init(&a, 1 << 16);
	while (got < 100000 && arena_alloc(&a, 100))
		got++;
	CHECK(got > 300);
	CHECK(got <= (1 << 16) / 100);
	CHECK(!arena_ok(&a));
	CHECK(arena_alloc(&a, 1) == NULL);
	CHECK(arena_strdup(&a, SPAN("x")) == NULL);
	CHECK_INT(arena_dup(&a, SPAN("x")).len, 0);
	arena_free(&a);
	CHECK(arena_ok(&a));
	CHECK(arena_alloc(&a, 1) != NULL);
	arena_free(&a);
}

TEST(arena_refuses_what_cannot_be)
{
	struct arena a;

	arena_init(&a, 1 << 16);
	CHECK(arena_alloc(&a, SIZE_MAX) == NULL);
	CHECK(!arena_ok(&a));
	arena_free(&a);
	CHECK(arena_alloc(&a, (1 << 16) + 1) == NULL);
	arena_free(&a);
	CHECK(arena_alloc(&a, 1 << 15) != NULL);
	arena_free(&a);
}

TEST_MAIN
