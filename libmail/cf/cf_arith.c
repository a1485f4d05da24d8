/*
 * The arith maps; see cf/cf_part.h.
 *
 * Operands come from addresses: no number may trap, however wrong.
 */
#include <limits.h>

#include "base/ascii.h"
#include "base/err.h"
#include "cf/cf_part.h"

/* strtol with base 0. */
static long to_long(struct span s)
{
	unsigned base = 10;
	bool minus;
	long v = 0;

	s = ascii_skip_space(s);
	minus = s.len && s.ptr[0] == '-';
	if (s.len && (minus || s.ptr[0] == '+'))
		s = span_skip(s, 1);
	if (s.len > 1 && s.ptr[0] == '0') {
		bool hex = ascii_lower(s.ptr[1]) == 'x';

		base = hex ? 16 : 8;
		s = span_skip(s, hex ? 2 : 1);
	}
	for (; s.len; s = span_skip(s, 1)) {
		char c = ascii_lower(s.ptr[0]);
		unsigned d = ascii_is_digit(c)   ? (unsigned)(c - '0')
			     : ascii_is_alpha(c) ? (unsigned)(c - 'a' + 10)
						 : 99;

		if (d >= base)
			break;
		if (__builtin_mul_overflow(v, (long)base, &v) ||
		    __builtin_add_overflow(v, (long)d, &v))
			return minus ? LONG_MIN : LONG_MAX;
	}
	return minus ? -v : v;
}

/* The host knows a number between a and b; false when it does not, or there is none. */
static bool random_number(struct cf_eval *ev, struct cf_map *m, long a, long b, long *r)
{
	unsigned long span = (unsigned long)b - (unsigned long)a + 1;
	char mem[24];
	struct buf v;

	buf_init_fixed(&v, mem, sizeof mem);
	if (b < a || span == 0 || ev->host->lookup(ev->host->ctx, ev, m, SPAN("r"), NULL, &v))
		return false;
	*r = (long)((unsigned long)a + (unsigned long)to_long(buf_span(&v)) % span);
	return true;
}

bool cf_arith(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
	      struct buf *out, int *status)
{
	struct span op = ascii_skip_space(key);
	size_t before = out->len;
	long a = 0, b = 0, r = 0;
	int n = 0;

	for (; args && args[0].ptr && args[n + 1].ptr && n < 2; n++)
		*(n ? &b : &a) = to_long(args[n + 1]);
	if (n < 2 || op.len == 0) {
		*status = EXIT_CONFIG;
		return false;
	}
	switch (op.ptr[0]) {
	case '|':
		r = a | b;
		break;
	case '&':
		r = a & b;
		break;
	case '+':
		r = (long)((unsigned long)a + (unsigned long)b);
		break;
	case '-':
		r = (long)((unsigned long)a - (unsigned long)b);
		break;
	case '*':
		r = (long)((unsigned long)a * (unsigned long)b);
		break;
	case '/':
	/* -1 too: the smallest long divided by it traps on amd64. */
	case '%':
		if (b == 0 || b == -1) {
			*status = b ? 0 : EXIT_CONFIG;
			r = op.ptr[0] == '/' ? (long)-(unsigned long)a : 0;
			if (b == 0)
				return false;
		} else {
			r = op.ptr[0] == '/' ? a / b : a % b;
		}
		break;
	case 'l':
	case '=':
		buf_puts(out, (op.ptr[0] == 'l' ? a < b : a == b) ? "TRUE" : "FALSE");
		return true;
	case 'r':
		if (!random_number(ev, m, a, b, &r))
			return false;
		break;
	default:
		*status = EXIT_CONFIG;
		return false;
	}
	buf_printf(out, "%ld", r);
	/* sendmail has room for so many. */
	if (out->len > before + 15)
		out->len = before + 15;
	return true;
}
