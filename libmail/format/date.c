/*
 * Dates as mail writes them; see format/date.h.
 *
 * The calendar is the proleptic Gregorian one, computed from days by whole 400-year cycles, so
 * no table of years and no libc time zone is needed.  The reader takes words one by one and
 * decides what each is; it must end on any input, so each step consumes at least an octet.
 */
#include "format/date.h"

#include "base/ascii.h"
#include "base/num.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "SunMonTueWedThuFriSat";

enum { DAY_S = 86400, CYCLE_DAYS = 146097, EPOCH_DAYS = 719468 };

static const int64_t time_min = -62135596800, time_max = 253402300799; /* years 1 to 9999 */

/* Days since 1970-01-01; the year is counted from March so that the leap day is its last. */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t cycle = (y >= 0 ? y : y - 399) / 400;
	int64_t yoc = y - cycle * 400;
	/* Months from March on have 31, 30, 31, 30, 31 days, which this fraction sums up. */
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return cycle * CYCLE_DAYS + yoc * 365 + yoc / 4 - yoc / 100 + doy - EPOCH_DAYS;
}

void date_split(int64_t t, int offset, struct date_parts *out)
{
	/* What lies outside cannot be written with a year of four digits. */
	if (t < time_min)
		t = time_min;
	if (t > time_max)
		t = time_max;
	t += (int64_t)offset * 60;
	int64_t days = t / DAY_S;
	int64_t rest = t % DAY_S;
	/* C rounds towards zero; days before 1970 need the floor. */
	if (rest < 0) {
		rest += DAY_S;
		days--;
	}
	int64_t z = days + EPOCH_DAYS;
	/*
	 * The inverse of days_of: the three quotients take leap days out of the count so
	 * that every year is 365 days long.
	 */
	int64_t cycle = (z >= 0 ? z : z - (CYCLE_DAYS - 1)) / CYCLE_DAYS;
	int64_t doc = z - cycle * CYCLE_DAYS;
	int64_t yoc = (doc - doc / 1460 + doc / 36524 - doc / (CYCLE_DAYS - 1)) / 365;
	int64_t doy = doc - (365 * yoc + yoc / 4 - yoc / 100);
	int64_t m = (5 * doy + 2) / 153;

	out->day = (int)(doy - (153 * m + 2) / 5 + 1);
	out->month = (int)(m < 10 ? m + 3 : m - 9);
	out->year = (int)(yoc + cycle * 400 + (out->month <= 2));
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
	/* 1970-01-01 was a Thursday. */
	out->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

int64_t date_join(const struct date_parts *p, int offset)
{
	return days_of(p->year, p->month, p->day) * DAY_S + p->hour * 3600 + p->minute * 60 +
	       p->second - (int64_t)offset * 60;
}

void date_put(struct buf *out, int64_t t, int offset)
{
	struct date_parts p;
	int off = offset < 0 ? -offset : offset;

	date_split(t, offset, &p);
	/* RFC 5322 3.3 allows one digit for the day, and sendmail writes it so. */
	buf_printf(out, "%.3s, %d %.3s %04d %02d:%02d:%02d %c%02d%02d", weekdays + 3 * p.weekday,
		   p.day, months + 3 * (p.month - 1), p.year, p.hour, p.minute, p.second,
		   offset < 0 ? '-' : '+', off / 60 % 100, off % 60);
}

void date_put_ctime(struct buf *out, int64_t t, int offset)
{
	struct date_parts p;

	date_split(t, offset, &p);
	buf_printf(out, "%.3s %.3s %2d %02d:%02d:%02d %04d", weekdays + 3 * p.weekday,
		   months + 3 * (p.month - 1), p.day, p.hour, p.minute, p.second, p.year);
}

/* What was found so far; the parts may come in any order that mail has ever used. */
struct reader {
	struct date_parts p;
	int offset;
	bool day, month, year, clock, zone;
};

/* Index of a word by its first three letters, or -1. */
static int lookup(const char *table, struct span word)
{
	struct span t = span_str(table);

	if (word.len < 3)
		return -1;
	for (size_t i = 0; i < t.len; i += 3)
		if (ascii_eq_nocase(span_make(t.ptr + i, 3), span_head(word, 3)))
			return (int)(i / 3);
	return -1;
}

/* RFC 5322 4.3: the North American names; all others, military letters too, mean UTC. */
static void take_zone_name(struct reader *r, struct span word)
{
	static const char names[] = "ESTEDTCSTCDTMSTMDTPSTPDT";
	static const signed char hours[] = {-5, -4, -6, -5, -7, -6, -8, -7};
	int i = word.len == 3 ? lookup(names, word) : -1;

	r->zone = true;
	r->offset = i < 0 ? 0 : hours[i] * 60;
}

static bool take_word(struct reader *r, struct span word)
{
	int month = lookup(months, word);

	/*
	 * A word behind the time of day names a zone; before it, it can only be a month or
	 * a weekday.
	 */
	if (month >= 0 && !r->month) {
		r->p.month = month + 1;
		r->month = true;
	} else if (r->clock && !r->zone) {
		take_zone_name(r, word);
	} else {
		/* A weekday, which need not even be the right one. */
		return r->clock || lookup(weekdays, word) >= 0;
	}
	return true;
}

/* hh:mm[:ss] at the front of *s. */
static bool take_clock(struct reader *r, struct span *s)
{
	int v[3] = {0, 0, 0};

	for (int i = 0; i < 3; i++) {
		size_t n = 0;
		while (n < s->len && n < 2 && ascii_is_digit(s->ptr[n]))
			v[i] = v[i] * 10 + (s->ptr[n++] - '0');
		if (n == 0)
			return false;
		*s = span_skip(*s, n);
		if (i == 2 || s->len == 0 || s->ptr[0] != ':')
			break;
		*s = span_skip(*s, 1);
	}
	r->p.hour = v[0];
	r->p.minute = v[1];
	r->p.second = v[2];
	r->clock = true;
	/* 60 for a leap second; date_join lets it run into the next minute. */
	return v[0] < 24 && v[1] < 60 && v[2] <= 60;
}

/*
 * One or two digits are the day the first time, two or more then the year; a number that
 * fits neither is passed over.
 */
static bool take_number(struct reader *r, struct span *s)
{
	size_t n = 0;
	uint64_t v;

	while (n < s->len && ascii_is_digit(s->ptr[n]))
		n++;
	/* A colon makes it a time of day, wherever it stands. */
	if (n < s->len && s->ptr[n] == ':' && !r->clock)
		return take_clock(r, s);
	if (!num_parse(span_head(*s, n), 9999, &v))
		return false;
	*s = span_skip(*s, n);
	if (!r->day && n <= 2) {
		r->p.day = (int)v;
		r->day = true;
	} else if (!r->year && n >= 2) {
		/* RFC 5322 4.3: 00-49 are 2000s; 50-99 and three digits count from 1900. */
		r->p.year = (int)v + (n == 2 && v < 50 ? 2000 : n <= 3 ? 1900 : 0);
		r->year = true;
	}
	return true;
}

/* The sign and four digits; anything else is left to the caller. */
static bool take_offset(struct reader *r, struct span *s)
{
	uint64_t v;

	if (s->len < 5 || !num_parse(span_make(s->ptr + 1, 4), 9999, &v))
		return false;
	/* RFC 5322 3.3: the last two digits are minutes; nonsense is no zone anybody is in. */
	int minutes = v % 100 < 60 ? (int)(v / 100 * 60 + v % 100) : 0;
	r->offset = s->ptr[0] == '-' ? -minutes : minutes;
	r->zone = true;
	*s = span_skip(*s, 5);
	return true;
}

/* The first octet is "(", so depth is at least 1 at any ")". */
static struct span skip_comment(struct span s)
{
	size_t depth = 0, i = 0;

	for (; i < s.len; i++) {
		if (s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '(')
			depth++;
		else if (s.ptr[i] == ')' && --depth == 0)
			break;
	}
	return span_skip(s, i + 1);
}

static bool take_any(struct reader *r, struct span *s)
{
	char c = s->ptr[0];
	size_t n = 0;

	if (ascii_is_digit(c))
		return take_number(r, s);
	/* Before the time of day a dash only separates: "24-Nov-2026". */
	if ((c == '+' || c == '-') && r->clock && !r->zone && take_offset(r, s))
		return true;
	if (c == '(') {
		*s = skip_comment(*s);
		return true;
	}
	while (n < s->len && ascii_is_alpha(s->ptr[n]))
		n++;
	if (n) {
		struct span word = span_head(*s, n);
		*s = span_skip(*s, n);
		return take_word(r, word);
	}
	*s = span_skip(*s, 1);
	/* Any other octet ends the date; what was read before may be enough. */
	return c == ',' || c == '-' || c == '.' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int month_days(const struct date_parts *p)
{
	int next = p->month == 12 ? 1 : p->month + 1;

	return (int)(days_of(p->year + (next == 1), next, 1) - days_of(p->year, p->month, 1));
}

/* Reading stops when all parts are there: what follows is of no interest, "(CET)" say. */
bool date_parse(struct span s, int64_t *t, int *offset)
{
	struct reader r = {.offset = 0};
	bool ok = true;

	while (ok && s.len && !(r.day && r.month && r.year && r.clock && r.zone))
		ok = take_any(&r, &s);
	if (!(r.day && r.month && r.year && r.clock))
		return false;
	const struct date_parts *p = &r.p;
	if (p->year < 1 || p->day < 1 || p->day > month_days(p))
		return false;
	if (p->hour > 23 || p->minute > 59 || p->second > 60)
		return false;
	/* All ranges are checked: nothing below can overflow. */
	*t = date_join(p, r.offset);
	if (offset)
		*offset = r.offset;
	return true;
}

/*
 * The same reader, for "Tue Nov 24 08:39:34 2026": a weekday must come first, which keeps
 * prose that starts with "From " from being a separator.
 */
bool date_parse_ctime(struct span s, int64_t *t)
{
	size_t n = 0;

	while (n < s.len && ascii_is_alpha(s.ptr[n]))
		n++;
	return lookup(weekdays, span_head(s, n)) >= 0 && date_parse(s, t, NULL);
}
