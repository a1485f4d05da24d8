/*
 * Case and white space in US-ASCII; see base/ascii.h.
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

struct span ascii_skip_space(struct span s)
{
	while (s.len && ascii_is_space(s.ptr[0]))
		s = span_skip(s, 1);
	return s;
}

struct span ascii_trim_space(struct span s)
{
	while (s.len && ascii_is_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct span ascii_cut_word(struct span *s)
{
	struct span rest = ascii_skip_space(*s), word = rest;

	while (rest.len && !ascii_is_space(rest.ptr[0]))
		rest = span_skip(rest, 1);
	*s = rest;
	return span_head(word, word.len - rest.len);
}

void ascii_fold(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = ascii_lower(p[i]);
}
