/*
 * Strict numbers and sendmail time intervals; see base/num.h.
 */
#include "base/num.h"

/* 16 stands for "no digit": it is not below any base up to 16, so callers need one test only. */
static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

bool num_parse_base(struct span s, unsigned base, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		/*
		 * Checked before it happens: v * base + d <= max, in a form that cannot
		 * wrap itself.
		 */
		unsigned d = (unsigned)digit_value(s.ptr[i]);

		if (d >= base || d > max || v > (max - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

bool num_parse(struct span s, uint64_t max, uint64_t *out)
{
	return num_parse_base(s, 10, max, out);
}

static uint64_t unit_seconds(char c)
{
	switch (c) {
	case 'w':
		return 7 * 86400;
	case 'd':
		return 86400;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

/*
 * sendmail's convtime: a number and a unit, several behind one another ("1d12h"), and a
 * number alone at the end counts in the option's own unit. Ten years are the end, so that
 * adding an interval to a time never overflows.
 */
bool num_parse_interval(struct span s, uint32_t unit_s, uint64_t *seconds, char *bad)
{
	const uint64_t max = (uint64_t)10 * 365 * 86400;
	uint64_t total = 0;

	*bad = 0;
	if (s.len == 0)
		return false;
	while (s.len) {
		size_t digits = 0;
		uint64_t v, unit = unit_s;

		while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
			digits++;
		/* Either case, as sendmail takes it. */
		if (digits < s.len) {
			unit = unit_seconds((char)(s.ptr[digits] | 0x20));
			if (unit == 0)
				*bad = s.ptr[digits];
		}
		if (unit == 0 || !num_parse(span_head(s, digits), max, &v))
			return false;
		total += v * unit;
		if (total > max)
			return false;
		/*
		 * One behind the end for a number without unit, which span_skip takes as
		 * the end.
		 */
		s = span_skip(s, digits + 1);
	}
	*seconds = total;
	return true;
}
