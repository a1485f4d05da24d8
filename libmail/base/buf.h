/*
 * buf: an owned, growing run of octets with a hard maximum.
 *
 * Writers append without checking; an append that would pass the maximum (or
 * for which memory ran out) sets a sticky overflow mark and appends nothing,
 * and so does every later append until buf_reset.  Check once, with buf_ok,
 * before the contents are used.  Memory comes from malloc, or is the caller's
 * when made by buf_init_fixed.  Growing invalidates every span into the buf.
 */
#ifndef LETTERBOX_BASE_BUF_H
#define LETTERBOX_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf {
	char *ptr;     /* NULL until the first append */
	size_t len;    /* octets in use */
	size_t cap;    /* octets there are */
	size_t max;    /* hard maximum of len */
	bool overflow; /* sticky: an append was lost */
	bool fixed;    /* ptr is the caller's */
};

/* An empty buf that grows up to max octets.  Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);

/* An empty buf over the caller's cap octets; never allocates. */
void buf_init_fixed(struct buf *b, void *mem, size_t cap);

/* Gives the memory back; the buf stays usable, empty, with its maximum. */
void buf_free(struct buf *b);

/* As buf_free, after overwriting the contents: for secrets. */
void buf_wipe(struct buf *b);

/* Empties the buf and clears the overflow mark; keeps the memory. */
void buf_reset(struct buf *b);

/* False once an append was lost. */
bool buf_ok(const struct buf *b);

/* The contents as a borrowed span. */
struct span buf_span(const struct buf *b);

/* Room for n more octets at the end: their address, or NULL (overflow set). */
char *buf_reserve(struct buf *b, size_t n);

void buf_put(struct buf *b, struct span s);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);

/* Decimal digits of v. */
void buf_putu(struct buf *b, uint64_t v);

/* snprintf's conversions; never for message octets, which may hold NUL. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Cuts the first n octets off (all of them when n is larger). */
void buf_consume(struct buf *b, size_t n);

/* Shortens to n octets; does nothing when the buf is shorter. */
void buf_truncate(struct buf *b, size_t n);

/*
 * Ends the contents with a NUL that is not counted and returns them as a C
 * string; on overflow returns "".
 */
const char *buf_cstr(struct buf *b);

#endif
