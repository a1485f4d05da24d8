/*
 * regex maps; see service/maps_part.h.
 *
 * What a pattern takes out of a key becomes tokens again: text that could not be split as it
 * stands (a blank, an open bracket or quote) is no match, as in sendmail.
 */
#include <regex.h>

#include "base/ascii.h"
#include "base/err.h"
#include "service/maps_part.h"

enum { VALUE_MAX = CF_NAME - 1 }; /* octets of the joined parts: as long as an address */

/* "1,3": the parts of a match that make the value; false after a report. */
static bool parse_parts(struct cf_eval *ev, const struct map_data *d, struct span s, uint8_t *part,
			int *parts)
{
	bool more = true;

	/* An empty field is a 0. */
	for (*parts = 0; more && *parts < MAP_PARTS;) {
		struct span w = span_trim(span_head(s, span_index(s, ',')));
		size_t v = 0;

		more = span_index(s, ',') < s.len;
		span_cut(&s, ',');

		for (; w.len && ascii_is_digit(w.ptr[0]) && v < 1000; w = span_skip(w, 1))
			v = v * 10 + (size_t)(w.ptr[0] - '0');
		if (v > d->regex.re_nsub || v >= MAP_PARTS) {
			cf_report(ev, "",
				  "field (%zu) out of range, only %zu substrings in pattern", v,
				  d->regex.re_nsub + 1);
			return false;
		}
		part[(*parts)++] = (uint8_t)v;
	}
	return true;
}

/* Case does not count unless -f says so; -b is for basic expressions. */
bool maps_open_regex(struct maps *m, struct cf_eval *ev, struct cf_map *map)
{
	struct map_data *d = maps_data(m, map);
	int flags = cf_map_flag(map, 'b') ? 0 : REG_EXTENDED, rc;
	char text[CF_LINE], why[128];

	if (!d || !span_to_cstr(map->rest, text, sizeof text))
		return false;
	if (!cf_map_flag(map, 'f'))
		flags |= REG_ICASE;
	rc = regcomp(&d->regex, text, flags);
	if (rc) {
		regerror(rc, &d->regex, why, sizeof why);
		cf_report(ev, "", "pattern-compile-error: %s", why);
		return false;
	}
	d->is_regex = true;
	if (!cf_map_flag(map, 's'))
		return true;
	/* -s alone: all of them. */
	if (map->S.len == 0)
		while (d->parts <= (int)d->regex.re_nsub && d->parts < MAP_PARTS) {
			d->part[d->parts] = (uint8_t)d->parts;
			d->parts++;
		}
	return map->S.len == 0 || parse_parts(ev, d, map->S, d->part, &d->parts);
}

/* Joins the parts that matched; can the value be split into tokens? */
static bool put_parts(const struct cf_map *map, const char *key, const regmatch_t *at,
		      const uint8_t *part, int parts, struct buf *out)
{
	static const char joint[] = {(char)CF_LITERAL, (char)CF_ELSE};
	size_t max = VALUE_MAX;
	int angles = 0, comments = 0, spaces = 0;
	bool quoted = false, escape = false;

	for (int i = 0; i < parts; i++) {
		regmatch_t p = at[part[i]];
		bool own = cf_map_flag(map, 'd');

		max += i && !own;
		if (i)
			buf_put(out, span_head(own ? map->d : span_make(joint, 2), max - out->len));
		for (; p.rm_so >= 0 && p.rm_so < p.rm_eo && out->len < max; p.rm_so++) {
			char c = key[p.rm_so];
			bool plain = escape || (quoted && c != '"' && c != '\\');

			buf_putc(out, c);
			escape = !plain && c == '\\';
			if (plain)
				continue;
			angles += (c == '<') - (c == '>');
			comments += (c == '(') - (c == ')');
			spaces += c == ' ';
			quoted ^= c == '"';
		}
	}
	return !angles && !comments && !spaces && !quoted && !escape;
}

/* -d joins the parts, else the octet of $|. */
int maps_lookup_regex(struct cf_eval *ev, struct cf_map *map, struct span key,
		      const struct span *args, struct buf *out)
{
	const struct map_data *d = map->impl;
	regmatch_t at[MAP_PARTS];
	uint8_t own[MAP_PARTS];
	const uint8_t *part = own;
	char text[CF_LINE];
	bool found;
	int parts;

	if (!d || !span_to_cstr(key, text, sizeof text))
		return EXIT_TEMPFAIL;
	/* A NUL in the key would end it for the pattern; span_to_cstr refuses it. */
	found = regexec(&d->regex, text, MAP_PARTS, at, 0) == 0;
	/* -n turns the pattern around: what does not match is found. */
	if (found == cf_map_flag(map, 'n'))
		return -1;
	/* An argument says which parts instead of -s. */
	parts = d->parts;
	if (!parts || !args || !args[0].ptr || !args[1].ptr)
		part = d->part;
	else if (!parse_parts(ev, d, args[1], own, &parts))
		return -1;
	return !found || put_parts(map, text, at, part, parts, out) ? 0 : -1;
}
