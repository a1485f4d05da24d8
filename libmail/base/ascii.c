/*
 * Case-blind comparison in US-ASCII; see base/ascii.h.
 */
#include "base/ascii.h"

bool ascii_eq_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return true;
}

bool ascii_starts_nocase(struct span s, struct span prefix)
{
	return s.len >= prefix.len && ascii_eq_nocase(span_head(s, prefix.len), prefix);
}

void ascii_fold(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = ascii_lower(p[i]);
}
