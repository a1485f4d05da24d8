/*
 * date: RFC 5322 dates (3.3, 4.3) and the ctime form of mbox lines and mailq.
 *
 * Times are seconds since 1970-01-01 00:00 UTC; a zone is an offset in minutes east of UTC and
 * always an argument, since these floors do not know where they run.  Leap seconds are read
 * (":60") and counted as the second after.  Years 1 to 9999; times beyond are clamped.
 */
#ifndef LETTERBOX_FORMAT_DATE_H
#define LETTERBOX_FORMAT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/* Wall clock fields, all as a person writes them: month and day count from 1. */
struct date_parts {
	int year, month, day;
	int hour, minute, second;
	int weekday; /* 0 is Sunday */
};

/* The fields of time t in a zone offset minutes east of UTC. */
void date_split(int64_t t, int offset, struct date_parts *out);

/* The time of these fields; the weekday is not looked at, fields may overflow their range. */
int64_t date_join(const struct date_parts *p, int offset);

/* Appends "Tue, 24 Nov 2026 03:18:05 +0000". */
void date_put(struct buf *out, int64_t t, int offset);

/* Appends "Tue Nov 24 03:18:05 2026", no line end; its first 16 octets are mailq's. */
void date_put_ctime(struct buf *out, int64_t t, int offset);

/*
 * Reads a date leniently: weekday or none, comments, fields in RFC 5322 or ctime order, seconds
 * or none, 2- and 3-digit years (RFC 5322 4.3), zones as +hhmm or a name, or none (UTC).  What
 * stands behind a complete date is ignored.  False when day, month, year or time of day is
 * missing or impossible; *offset (minutes) may be NULL.
 */
bool date_parse(struct span s, int64_t *t, int *offset);

/* As date_parse, but s must begin with a weekday's name: for mbox "From " lines. */
bool date_parse_ctime(struct span s, int64_t *t);

#endif
