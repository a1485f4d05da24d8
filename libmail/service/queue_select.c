/*
 * Choosing messages of the queue; see service/queue_select.h.
 */
#include "service/queue_select.h"

#include <string.h>

#include "base/ascii.h"

bool queue_select_add(struct queue_select *s, const char *rule)
{
	char kind = rule[rule[0] == '!'];

	if (kind == 'L')
		return s->none = true;
	if (!kind || !strchr("IQRS", kind) || s->count == QUEUE_SELECT_MAX)
		return false;
	s->rule[s->count++] = rule;
	return true;
}

bool queue_select_held(const struct queue_select *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rule[i][s->rule[i][0] == '!'] == 'Q')
			return true;
	return false;
}

static bool contains(struct span hay, struct span needle, bool exact)
{
	for (; hay.len >= needle.len; hay = span_skip(hay, 1)) {
		struct span at = span_head(hay, needle.len);

		if (exact ? span_eq(at, needle) : ascii_eq_nocase(at, needle))
			return true;
		if (hay.len == 0)
			break;
	}
	return false;
}

/* Turned around, a rule for recipients asks whether any of them differs, not whether all do. */
static bool rule_matches(const char *rule, const struct queue_item *item)
{
	bool negate = rule[0] == '!';
	char kind = rule[negate];
	struct span text = span_str(rule + negate + 1);

	if (kind == 'I')
		return contains(span_str(item->id), text, true) != negate;
	if (kind == 'S')
		return contains(item->head.sender, text, false) != negate;
	if (kind == 'Q')
		return contains(span_str(item->head.state.text), text, false) != negate;
	for (size_t i = 0; i < item->count; i++)
		if (contains(item->rcpts[i].addr, text, false) != negate)
			return true;
	return false;
}

bool queue_select_match(const struct queue_select *s, const struct queue_item *item)
{
	static const char kinds[] = "IQRS";
	bool held = (item->head.state.flags & QFILE_HELD) != 0;

	if (s->none || (!s->any && held != queue_select_held(s)))
		return false;
	for (const char *kind = kinds; *kind; kind++) {
		bool asked = false, met = false;

		for (size_t i = 0; i < s->count; i++)
			if (s->rule[i][s->rule[i][0] == '!'] == *kind) {
				asked = true;
				met |= rule_matches(s->rule[i], item);
			}
		if (asked && !met)
			return false;
	}
	return true;
}
