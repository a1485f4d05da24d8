/*
 * Growing octet buffers with a hard maximum; see base/buf.h.
 *
 * Capacity doubles, starting small: most bufs hold one header line or reply.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAP = 64 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_init_fixed(struct buf *b, void *mem, size_t cap)
{
	*b = (struct buf){.ptr = mem, .cap = cap, .max = cap, .fixed = true};
}

void buf_free(struct buf *b)
{
	if (!b->fixed) {
		free(b->ptr);
		b->ptr = NULL;
		b->cap = 0;
	}
	b->len = 0;
	b->overflow = false;
}

/* The whole capacity, not only len: a buf that was longer before holds octets behind its end. */
void buf_wipe(struct buf *b)
{
	if (b->ptr)
		explicit_bzero(b->ptr, b->cap);
	buf_free(b);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
}

bool buf_ok(const struct buf *b)
{
	return !b->overflow;
}

struct span buf_span(const struct buf *b)
{
	return span_make(b->ptr, b->len);
}

/* Makes cap at least want, which includes the octet buf_cstr needs. */
static bool grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *ptr;

	if (b->fixed)
		return false;
	/*
	 * Octets beyond max are refused before this is called, so the doubling may
	 * overshoot max in capacity but never in length.
	 */
	while (cap < want)
		cap = cap > SIZE_MAX / 2 ? want : cap * 2;
	ptr = realloc(b->ptr, cap);
	if (!ptr)
		return false;
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

char *buf_reserve(struct buf *b, size_t n)
{
	/* len never exceeds max, so the subtraction cannot wrap. */
	if (b->overflow || n > b->max - b->len) {
		b->overflow = true;
		return NULL;
	}
	if (n > b->cap - b->len && !grow(b, b->len + n)) {
		b->overflow = true;
		return NULL;
	}
	return b->ptr + b->len;
}

void buf_put(struct buf *b, struct span s)
{
	char *at;

	if (s.len == 0)
		return;
	at = buf_reserve(b, s.len);
	if (!at)
		return;
	memcpy(at, s.ptr, s.len);
	b->len += s.len;
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, span_make(&c, 1));
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, span_str(s));
}

void buf_putu(struct buf *b, uint64_t v)
{
	char digits[20]; /* 2^64 - 1 has 20 digits */
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	buf_put(b, span_make(digits + at, sizeof digits - at));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char small[256];
	int n;

	/*
	 * Formatted into the stack first: most texts are short, and this needs no
	 * reservation whose size is not yet known. A long one is formatted twice.
	 */
	va_start(ap, fmt);
	n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof small) {
		buf_put(b, span_make(small, (size_t)n));
		return;
	}
	/* The NUL needs room but is not counted against the maximum. */
	if (n < 0 || !buf_reserve(b, (size_t)n) ||
	    (b->cap - b->len <= (size_t)n && !grow(b, b->len + (size_t)n + 1))) {
		b->overflow = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

/*
 * Moving instead of keeping an offset: bufs are drained nearly whole, so little is moved,
 * and ptr stays what a caller of buf_span expects.
 */
void buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->ptr, b->ptr + n, b->len);
}

void buf_truncate(struct buf *b, size_t n)
{
	if (n < b->len)
		b->len = n;
}

/*
 * On overflow the text is incomplete, and an empty string is easier to notice than a
 * plausible prefix of a path or command.
 */
const char *buf_cstr(struct buf *b)
{
	if (b->overflow || (b->len == b->cap && !grow(b, b->len + 1)))
		return "";
	b->ptr[b->len] = '\0';
	return b->ptr;
}
