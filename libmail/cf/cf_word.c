/*
 * Words of a configuration: interned rule literals and class members; see cf/cf.h.
 *
 * A word is known by one index whatever its case, so that a rule's literal is
 * compared with an address token by one integer comparison, and a class is a bit
 * of the word.  Must not be called to add once the configuration is shared.
 */
#include <stdlib.h>

#include "base/ascii.h"
#include "cf/cf.h"

enum { SLOTS_FIRST = 512, WORDS_FIRST = 256 };

/* FNV-1a over folded octets; the high half is mixed in, since slots are its low bits. */
static uint32_t hash_word(const char *p, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)ascii_lower(p[i])) * 16777619u;
	return h ^ h >> 15;
}

/*
 * The word's slot, or the empty one where it belongs: probing is linear, nothing is ever
 * removed, and at most half of the slots are used, so it ends.
 */
static uint32_t *find_slot(const struct cf *cf, const char *p, size_t len, uint32_t h)
{
	uint32_t at = h & (cf->nslots - 1);

	for (; cf->slots[at]; at = (at + 1) & (cf->nslots - 1)) {
		const struct cf_word *w = &cf->words[cf->slots[at]];

		if (w->hash == h && w->len == len &&
		    ascii_eq_nocase(span_make(w->p, len), span_make(p, len)))
			break;
	}
	return &cf->slots[at];
}

uint32_t cf_word_find(const struct cf *cf, const char *p, size_t len)
{
	return cf->nslots ? *find_slot(cf, p, len, hash_word(p, len)) : 0;
}

/* The arena keeps the old arrays until it is freed: they halve, so at most as much again. */
static bool grow(struct cf *cf)
{
	if (cf->nwords + 1 >= cf->capwords) {
		uint32_t cap = cf->capwords ? cf->capwords * 2 : WORDS_FIRST;
		struct cf_word *w = arena_alloc(&cf->mem, cap * sizeof *w);

		if (!w)
			return false;
		if (cf->words)
			memcpy(w, cf->words, cf->nwords * sizeof *w);
		cf->words = w;
		cf->capwords = cap;
	}
	if (cf->nwords * 2 >= cf->nslots) {
		uint32_t n = cf->nslots ? cf->nslots * 2 : SLOTS_FIRST;
		uint32_t *s = arena_alloc(&cf->mem, n * sizeof *s);

		if (!s)
			return false;
		for (uint32_t i = 1; i < cf->nwords; i++) {
			uint32_t at = cf->words[i].hash & (n - 1);

			while (s[at])
				at = (at + 1) & (n - 1);
			s[at] = i;
		}
		cf->slots = s;
		cf->nslots = n;
	}
	return true;
}

uint32_t cf_word_add(struct cf *cf, struct span s)
{
	uint32_t h = hash_word(s.ptr, s.len);
	struct cf_word *w;
	uint32_t *slot;

	/* Index 0 means "no word", so the first one is left unused. */
	if (cf->nwords == 0)
		cf->nwords = 1;
	if (!grow(cf))
		return 0;
	slot = find_slot(cf, s.ptr, s.len, h);
	if (*slot != 0)
		return *slot;
	w = &cf->words[cf->nwords];
	w->p = arena_strdup(&cf->mem, s);
	if (!w->p)
		return 0;
	w->len = (uint32_t)s.len;
	w->hash = h;
	w->map = -1;
	*slot = cf->nwords++;
	return *slot;
}

void cf_class_add(struct cf *cf, int id, struct span word)
{
	/* cf_word_add may move the words: the pointer is taken after it. */
	uint32_t i = word.len ? cf_word_add(cf, word) : 0;
	struct cf_word *w = &cf->words[i];
	struct cf_member *m;

	if (i == 0 || id < 0 || id > 255)
		return;
	/* The first class that it is in says how it is written in each. */
	if (!w->classes) {
		bool other = memcmp(w->p, word.ptr, word.len) != 0;
		const char *p = other ? arena_strdup(&cf->mem, word) : NULL;

		w->classes = arena_alloc(&cf->mem, 4 * sizeof *w->classes);
		if (p)
			w->p = p;
	}
	if (!w->classes || (w->classes[id / 64] >> id % 64 & 1))
		return;
	m = arena_alloc(&cf->mem, sizeof *m);
	if (!m)
		return;
	*m = (struct cf_member){cf->members[id], span_make(w->p, w->len)};
	cf->members[id] = m;
	w->classes[id / 64] |= (uint64_t)1 << id % 64;
	/* Kept for cf_match: no longer text than this needs to be looked up. */
	if (word.len > cf->class_len[id])
		cf->class_len[id] = word.len > UINT16_MAX ? UINT16_MAX : (uint16_t)word.len;
}

bool cf_class_has(const struct cf *cf, int id, struct span word)
{
	uint32_t i = cf_word_find(cf, word.ptr, word.len);

	return i && cf->words[i].classes && (cf->words[i].classes[id / 64] >> id % 64 & 1);
}
