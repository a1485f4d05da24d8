/* base/num: strict numbers at their edges, and sendmail's time intervals. */
#include "base/num.h"

#include "unit/test.h"

struct number {
	const char *text;
	unsigned base;
	uint64_t max;
	bool ok;
	uint64_t value;
};

static const struct number numbers[] = {
    {"0", 10, 0, true, 0},
    {"1", 10, 0, false, 0},
    {"007", 10, 7, true, 7},
    {"8", 10, 7, false, 0},
    {"255", 10, 255, true, 255},
    {"256", 10, 255, false, 0},
    {"18446744073709551615", 10, UINT64_MAX, true, UINT64_MAX},
    {"18446744073709551616", 10, UINT64_MAX, false, 0},
    {"99999999999999999999999", 10, UINT64_MAX, false, 0},
    {"", 10, 10, false, 0},
    {"+1", 10, 10, false, 0},
    {"-1", 10, 10, false, 0},
    {" 1", 10, 10, false, 0},
    {"1 ", 10, 10, false, 0},
    {"1a", 10, 100, false, 0},
    {"0x1", 16, 100, false, 0},
    {"ff", 16, 255, true, 255},
    {"fF", 16, 255, true, 255},
    {"g", 16, 255, false, 0},
    {"0750", 8, 07777, true, 0750},
    {"8", 8, 07777, false, 0},
    {"101", 2, 5, true, 5},
    {"2", 2, 5, false, 0},
};

TEST(num_parses_strictly)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const struct number *n = &numbers[i];
		uint64_t got = 42;
		bool ok = num_parse_base(span_str(n->text), n->base, n->max, &got);

		if (ok != n->ok || got != (n->ok ? n->value : 42))
			TEST_FAIL("\"%s\" in base %u: %d, %llu", n->text, n->base, ok,
				  (unsigned long long)got);
		if (n->base == 10)
			CHECK(num_parse(span_str(n->text), n->max, &got) == n->ok);
	}
}

TEST(num_refuses_a_nul_inside)
{
	uint64_t v = 42;

	CHECK(!num_parse(SPAN("1\0"), 100, &v));
	CHECK_INT(v, 42);
}

struct interval {
	const char *text;
	uint32_t unit;
	bool ok;
	uint64_t seconds;
	char bad;
};

static const struct interval intervals[] = {
    {"5d", 1, true, 5 * 86400, 0}, {"10m", 1, true, 600, 0},
    {"1h30m", 1, true, 5400, 0},   {"1w2d3h4m5s", 1, true, 788645, 0},
    {"30", 60, true, 1800, 0},     {"30", 1, true, 30, 0},
    {"4H", 1, true, 4 * 3600, 0},  {"1h30", 60, true, 5400, 0},
    {"0", 60, true, 0, 0},         {"3650d", 1, true, 315360000, 0},
    {"3651d", 1, false, 0, 0},     {"99999999999999999999d", 1, false, 0, 0},
    {"", 60, false, 0, 0},         {"5x", 60, false, 0, 'x'},
    {"h", 60, false, 0, 0},        {"1hh", 60, false, 0, 0},
    {"-1m", 60, false, 0, '-'},
};

TEST(num_parses_intervals)
{
	for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
		const struct interval *n = &intervals[i];
		uint64_t got = 42;
		char bad = '?';
		bool ok = num_parse_interval(span_str(n->text), n->unit, &got, &bad);

		if (ok != n->ok || got != (n->ok ? n->seconds : 42) || bad != n->bad)
			TEST_FAIL("\"%s\": %d, %llu, bad %d", n->text, ok, (unsigned long long)got,
				  bad);
	}
}

TEST(num_arithmetic_cannot_wrap)
{
	size_t r = 0;

	CHECK(num_add(1, 2, &r) && r == 3);
	CHECK(num_add(SIZE_MAX, 0, &r) && r == SIZE_MAX);
	CHECK(!num_add(SIZE_MAX, 1, &r));
	CHECK(num_mul(SIZE_MAX / 2, 2, &r) && r == SIZE_MAX - 1);
	CHECK(!num_mul(SIZE_MAX / 2 + 1, 2, &r));
}

TEST_MAIN
