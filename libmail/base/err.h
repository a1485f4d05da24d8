/*
 * err: what went wrong, decided where it is known, carried to where it shows.
 *
 * One record serves the SMTP reply, the exit status, the DSN field and the log
 * line.  TEMP means "try again later", PERM "do not"; an errno nobody thought
 * about is TEMP, since losing mail is worse than retrying.  Enhanced status
 * codes are those of RFC 3463; exit statuses those of sysexits.h.
 *
 * Convention: a fallible function returns bool, true for success, and takes
 * its struct err last; on success the record is left untouched.
 */
#ifndef LETTERBOX_BASE_ERR_H
#define LETTERBOX_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_class { ERR_NONE, ERR_TEMP, ERR_PERM };

enum { ERR_STATUS_MAX = 12, ERR_TEXT_MAX = 240 };

struct err {
	enum err_class class;
	char status[ERR_STATUS_MAX]; /* "5.1.1" */
	int sys;                     /* errno, 0 when no system call failed */
	int reply;                   /* the SMTP code that policy chose; 0: by class and status */
	char text[ERR_TEXT_MAX];     /* one printable line, cut when too long */
};

/* Fill e and return false, so that "return err_perm(...)" reads well. */
bool err_temp(struct err *e, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool err_perm(struct err *e, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A failed system call: class and status follow from the errno value sys
 * (ENOSPC 4.3.1, EACCES 4.3.0, ...: always TEMP), the text is fmt with
 * ": STRERROR" behind it.
 */
bool err_errno(struct err *e, int sys, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text, for context the failing floor lacked. */
void err_prefix(struct err *e, const char *prefix);

/* Replaces what could break a line or a terminal (controls, 8-bit) by '?'. */
void err_printable(char *text);

/* The sysexits status that tells the same; 0 for ERR_NONE. */
int err_exit_code(const struct err *e);

/*
 * The three-digit SMTP reply code that fits class and status: 550 for most of
 * PERM, 451 for most of TEMP, 452/552 for space and size, 554 else.
 */
int err_reply_code(const struct err *e);

/* A programming error: prints file, line and text to fd 2 and aborts. */
_Noreturn void err_bug(const char *file, int line, const char *what);
#define BUG_ON(cond)                                        \
	do {                                                \
		if (cond)                                   \
			err_bug(__FILE__, __LINE__, #cond); \
	} while (0)

/* sysexits.h is not in every libc; these are its values. */
enum {
	EXIT_USAGE = 64,
	EXIT_DATAERR = 65,
	EXIT_NOINPUT = 66,
	EXIT_NOUSER = 67,
	EXIT_NOHOST = 68,
	EXIT_UNAVAILABLE = 69,
	EXIT_SOFTWARE = 70,
	EXIT_OSERR = 71,
	EXIT_OSFILE = 72,
	EXIT_CANTCREAT = 73,
	EXIT_IOERR = 74,
	EXIT_TEMPFAIL = 75,
	EXIT_PROTOCOL = 76,
	EXIT_NOPERM = 77,
	EXIT_CONFIG = 78,
};

#endif
