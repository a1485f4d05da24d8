/*
 * span: a borrowed run of bytes.
 *
 * A span never owns memory and is never NUL-terminated by promise; NUL and
 * 8-bit octets are data.  It stays valid as long as the memory it points into
 * (for a struct buf: until the next call that may grow it).  Pure, inline.
 */
#ifndef LETTERBOX_BASE_SPAN_H
#define LETTERBOX_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *ptr; /* may be NULL when len is 0 */
	size_t len;      /* octets */
};

/* A span over a string literal, without its NUL. */
#define SPAN(lit) ((struct span){("" lit), sizeof(lit) - 1})

/* For printf-like calls on text known to be printable: "%.*s", SPAN_ARG(s). */
#define SPAN_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

static inline struct span span_make(const void *ptr, size_t len)
{
	return (struct span){ptr, len};
}

/* The octets of a C string, without its NUL; NULL gives the empty span. */
static inline struct span span_str(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

/* Octet for octet equality. */
static inline bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The rest of s behind its first n octets; n beyond the end gives the empty span. */
static inline struct span span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	return (struct span){n ? s.ptr + n : s.ptr, s.len - n};
}

/* The first n octets of s, or all of it when it is shorter. */
static inline struct span span_head(struct span s, size_t n)
{
	return (struct span){s.ptr, n < s.len ? n : s.len};
}

/* Octet-exact prefix test. */
static inline bool span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len && span_eq(span_head(s, prefix.len), prefix);
}

/* Octet-exact suffix test. */
static inline bool span_ends(struct span s, struct span suffix)
{
	return s.len >= suffix.len && span_eq(span_skip(s, s.len - suffix.len), suffix);
}

/* Index of the first octet c in s, or s.len when there is none. */
static inline size_t span_index(struct span s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
	return at ? (size_t)(at - s.ptr) : s.len;
}

/*
 * Splits *s at the first sep: returns what stands before it and leaves in *s
 * what follows.  Without a sep returns all of *s and leaves the empty span.
 */
static inline struct span span_cut(struct span *s, char sep)
{
	size_t at = span_index(*s, sep);
	struct span head = span_head(*s, at);
	*s = span_skip(*s, at + 1);
	return head;
}

/* s without blanks, tabs, CR and LF at either end. */
static inline struct span span_trim(struct span s)
{
	while (s.len && memchr(" \t\r\n", s.ptr[0], 4))
		s = span_skip(s, 1);
	while (s.len && memchr(" \t\r\n", s.ptr[s.len - 1], 4))
		s.len--;
	return s;
}

/*
 * Copies s into dst (cap octets, cap > 0) and ends it with a NUL.  Returns
 * false, leaving dst the empty string, when it does not fit or holds a NUL.
 */
static inline bool span_to_cstr(struct span s, char *dst, size_t cap)
{
	dst[0] = '\0';
	if (s.len >= cap || (s.len && memchr(s.ptr, '\0', s.len)))
		return false;
	if (s.len)
		memcpy(dst, s.ptr, s.len);
	dst[s.len] = '\0';
	return true;
}

#endif
