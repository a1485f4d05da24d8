/*
 * ascii: case and character classes of US-ASCII, whatever the locale.
 *
 * Mail protocols fold case in ASCII only; octets above 0x7f are never letters
 * here (RFC 5321 2.4).
 */
#ifndef LETTERBOX_BASE_ASCII_H
#define LETTERBOX_BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * The tests take char whatever its sign is on the machine; none of them looks at the
 * locale, as the functions of ctype.h do, and none is undefined for octets above 0x7f.
 */
static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool ascii_is_alnum(char c)
{
	return ascii_is_digit(c) || ascii_is_alpha(c);
}

/* 0x20 to 0x7e: what may be shown on a terminal or put in a log as it is. */
static inline bool ascii_is_print(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c <= 0x7e;
}

/* 0x21 to 0x7e: also no space, so it may stand in a token (RFC 5322 VCHAR). */
static inline bool ascii_is_graph(char c)
{
	return (unsigned char)c >= 0x21 && (unsigned char)c <= 0x7e;
}

/* SP and HTAB, which is what RFC 5322 calls WSP; line ends are not blank. */
static inline bool ascii_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where isspace(3) sees white space in the C locale: also CR, LF, FF and VT. */
static inline bool ascii_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What folded lines are unfolded from and to: SP, HTAB, CR, LF. */
static inline bool ascii_is_fold(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters only; every other octet, 8-bit ones too, is returned as it is. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline char ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* Equality but for ASCII case. */
bool ascii_eq_nocase(struct span a, struct span b);

/* Prefix test but for ASCII case. */
bool ascii_starts_nocase(struct span s, struct span prefix);

/* s without the white space at its start; without that at its end. */
struct span ascii_skip_space(struct span s);
struct span ascii_trim_space(struct span s);

/* The next word of *s, "" if there is none; leaves in *s what follows it. */
struct span ascii_cut_word(struct span *s);

/* Folds n octets to lower case in place. */
void ascii_fold(char *p, size_t n);

#endif
