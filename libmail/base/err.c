/*
 * The error record; see base/err.h.
 *
 * Tables map enhanced status codes to exit statuses and reply codes, the most
 * specific prefix first.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mapping {
	const char *prefix; /* of the enhanced status */
	int value;
};

/*
 * A prefix that ends in a dot stands for its whole subject, any other one is a complete
 * code: "5.1.1" must not answer for "5.1.10" (RFC 7505's null MX, which is a fact about
 * the host, not the user). The statuses are sendmail's for the same codes, since callers
 * of /usr/sbin/sendmail branch on them.
 */
static const struct mapping exit_codes[] = {
    {"5.1.1", EXIT_NOUSER},      {"5.1.0", EXIT_NOUSER},     {"5.1.10", EXIT_NOHOST},
    {"5.1.2", EXIT_NOHOST},      {"5.1.3", EXIT_USAGE},      {"5.1.6", EXIT_NOUSER},
    {"5.2.1", EXIT_UNAVAILABLE}, {"5.2.", EXIT_UNAVAILABLE}, {"5.3.4", EXIT_UNAVAILABLE},
    {"5.3.5", EXIT_CONFIG},      {"5.4.4", EXIT_NOHOST},     {"5.5.4", EXIT_USAGE},
    {"5.5.", EXIT_PROTOCOL},     {"5.6.", EXIT_DATAERR},     {"5.7.", EXIT_NOPERM},
    {"5.", EXIT_UNAVAILABLE},    {"4.", EXIT_TEMPFAIL},
};

/*
 * RFC 3463 says what is wrong, RFC 5321 section 4.2.2 which basic code says it to a
 * client. 421 also tells that the channel closes, so only overload (4.3.2) and timeouts
 * (4.4.2) have it.
 */
static const struct mapping reply_codes[] = {
    {"4.2.2", 452}, {"4.3.1", 452}, {"4.3.2", 421}, {"4.4.2", 421}, {"4.5.3", 452},
    {"4.7.0", 454}, {"4.", 451},    {"5.1.3", 553}, {"5.1.7", 553}, {"5.2.2", 552},
    {"5.2.3", 552}, {"5.3.4", 552}, {"5.6.0", 552}, {"5.1.", 550},  {"5.2.", 550},
    {"5.5.1", 503}, {"5.5.2", 501}, {"5.5.4", 501}, {"5.7.", 550},  {"5.", 554},
};

static int map_status(const struct mapping *m, size_t n, const char *status, int otherwise)
{
	int value = otherwise;
	size_t best = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(m[i].prefix);
		bool whole = m[i].prefix[len - 1] != '.';

		if (strncmp(status, m[i].prefix, len) != 0 || len <= best)
			continue;
		if (whole && status[len] != '\0')
			continue;
		best = len;
		value = m[i].value;
	}
	return value;
}

/*
 * Text comes from peers, file names and strerror: a CR LF in it would let a peer write a
 * reply line or a log entry of its own.
 */
void err_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			*text = '?';
}

__attribute__((format(printf, 4, 0))) static void
set(struct err *e, enum err_class class, const char *status, const char *fmt, va_list ap)
{
	size_t n = strnlen(status, sizeof e->status - 1);

	e->class = class;
	e->sys = e->reply = 0;
	memcpy(e->status, status, n);
	e->status[n] = '\0';
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	err_printable(e->text);
}

bool err_temp(struct err *e, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, ERR_TEMP, status, fmt, ap);
	va_end(ap);
	return false;
}

bool err_perm(struct err *e, const char *status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(e, ERR_PERM, status, fmt, ap);
	va_end(ap);
	return false;
}

/*
 * Only errnos that have a better word than "other system problem" (RFC 3463 X.3.0) are
 * listed. All are temporary: EACCES or ENOENT today may be a mount that comes back, and a
 * lost message does not.
 */
static const char *errno_status(int sys)
{
	switch (sys) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "4.3.1";
	case ECONNREFUSED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "4.4.1";
	case ECONNRESET:
	case EPIPE:
		return "4.4.2";
	default:
		return "4.3.0";
	}
}

bool err_errno(struct err *e, int sys, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	set(e, ERR_TEMP, errno_status(sys), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof e->text - len, ": %s", strerror(sys));
	err_printable(e->text);
	e->sys = sys;
	return false;
}

void err_prefix(struct err *e, const char *prefix)
{
	char text[ERR_TEXT_MAX];

	/* Through a copy, since snprintf must not print from the buffer it writes. */
	memcpy(text, e->text, sizeof text);
	/* Cutting the tail keeps the context, which names the object. */
	snprintf(e->text, sizeof e->text, "%s: %.200s", prefix, text);
	err_printable(e->text);
}

int err_exit_code(const struct err *e)
{
	if (e->class == ERR_NONE)
		return 0;
	if (e->class == ERR_TEMP)
		return EXIT_TEMPFAIL;
	return map_status(exit_codes, sizeof exit_codes / sizeof exit_codes[0], e->status,
			  EXIT_UNAVAILABLE);
}

int err_reply_code(const struct err *e)
{
	if (e->reply)
		return e->reply;
	return map_status(reply_codes, sizeof reply_codes / sizeof reply_codes[0], e->status,
			  e->class == ERR_PERM ? 554 : 451);
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
	/* Straight to fd 2, since the heap and the streams may be what is broken. */
	char text[256];
	int n = snprintf(text, sizeof text, "letterbox: bug: %s:%d: %s\n", file, line, what);

	if (n > 0)
		(void)!write(2, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
	abort();
}
