/*
 * The unit tests' small harness: a file is a program, prints TAP, exits 1 on a failure.
 *
 *	TEST(address_parses_route) { CHECK_INT(1 + 1, 2); }
 *	TEST_MAIN
 *
 * Tests register themselves before main runs.  A failed CHECK marks the test failed
 * and goes on, so that one run shows everything that is wrong.
 */
#ifndef LETTERBOX_TEST_H
#define LETTERBOX_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_tail = &test_first;
static int test_failures;

#define TEST(id)                                                         \
	static void test_##id(void);                                     \
	static struct test_case test_case_##id = {#id, test_##id, NULL}; \
	__attribute__((constructor)) static void test_add_##id(void)     \
	{                                                                \
		*test_tail = &test_case_##id;                            \
		test_tail = &test_case_##id.next;                        \
	}                                                                \
	static void test_##id(void)

#define TEST_FAIL(...)                                   \
	do {                                             \
		test_failures++;                         \
		printf("# %s:%d: ", __FILE__, __LINE__); \
		printf(__VA_ARGS__);                     \
		putchar('\n');                           \
	} while (0)

#define CHECK(cond)                                       \
	do {                                              \
		if (!(cond))                              \
			TEST_FAIL("not true: %s", #cond); \
	} while (0)

#define CHECK_INT(got, want)                                                          \
	do {                                                                          \
		long long test_got = (long long)(got), test_want = (long long)(want); \
		if (test_got != test_want)                                            \
			TEST_FAIL("%s is %lld, not %lld", #got, test_got, test_want); \
	} while (0)

#define CHECK_SPAN(got, want)                                                               \
	do {                                                                                \
		struct span test_got = (got), test_want = (want);                           \
		if (!span_eq(test_got, test_want))                                          \
			TEST_FAIL("%s is \"%.*s\", not \"%.*s\"", #got, SPAN_ARG(test_got), \
				  SPAN_ARG(test_want));                                     \
	} while (0)

#define TEST_MAIN                                                                            \
	int main(void)                                                                       \
	{                                                                                    \
		int n = 0, bad = 0;                                                          \
		for (struct test_case *t = test_first; t; t = t->next) {                     \
			test_failures = 0;                                                   \
			t->run();                                                            \
			printf("%sok %d - %s\n", test_failures ? "not " : "", ++n, t->name); \
			bad += test_failures != 0;                                           \
			fflush(stdout);                                                      \
		}                                                                            \
		printf("1..%d\n", n);                                                        \
		return bad != 0;                                                             \
	}

#endif
