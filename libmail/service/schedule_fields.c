/*
 * The header of a message at its end: rulesets of H lines and check_eoh; see service/schedule.h.
 *
 * As in sendmail every field is looked at, the last refusal counts, and the header as a whole is
 * asked about even then.  The message is a stranger's: its header is bounded, and rules that used
 * up their time are asked nothing more.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "cf/cf_header.h"
#include "format/header.h"
#include "service/schedule.h"
#include "sys/fs.h"

enum { STEP = 16384, BLOCK_MAX = 1 << 20 };

/* ${currHeader}: the value as one quoted string, of which no end can be lost. */
static void set_current(struct config *c, const struct header_field *f, struct span value)
{
	char mem[CF_NAME], number[24];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	buf_putc(&b, '"');
	for (size_t i = 0; i < value.len && b.len < CF_NAME - 4; i++) {
		char ch = value.ptr[i];

		if (ch == '"')
			buf_putc(&b, '\\');
		/* Octets that would be operators are none here. */
		buf_putc(&b, (ch >= '\t' && ch <= '\r')           ? ' '
			     : ((unsigned char)ch & 0xe0) == 0x80 ? '?'
								  : ch);
	}
	buf_putc(&b, '"');
	config_set(c, "{currHeader}", buf_span(&b));
	config_set(c, "{hdr_name}", f->name);
	snprintf(number, sizeof number, "%zu", value.len);
	config_set(c, "{hdrlen}", span_str(number));
	config_set(c, "{addr_type}", SPAN("h"));
}

static void note(struct schedule_headers *h, enum route_verdict verdict, const struct err *e)
{
	if (verdict == ROUTE_REFUSED)
		h->verdict->err = *e;
	else if (verdict == ROUTE_DISCARDED)
		h->verdict->fate = MTA_DROPPED;
	else if (verdict == ROUTE_QUARANTINED && h->verdict->fate < MTA_HELD) {
		h->verdict->fate = MTA_HELD;
		snprintf(h->reason, sizeof h->reason, "%s", e->text);
		h->verdict->user = span_str(h->reason);
	}
}

static bool is_added(struct span list, struct span name)
{
	while (list.len)
		if (ascii_eq_nocase(span_cut(&list, ','), name))
			return true;
	return false;
}

static void check_field(struct schedule *q, const struct header_field *f,
			struct schedule_headers *h)
{
	struct cf_eval *ev = q->config->ev;
	struct span value = f->raw;
	bool comments;
	struct err e;
	int rs;

	if (is_added(h->added, f->name)) {
		h->extra += f->raw.len;
		return;
	}
	h->fields++;
	if (!f->value.len)
		return;
	cf_eval_reset(ev);
	rs = cf_header_ruleset(ev, f->name, &comments);
	if (rs < 0 || ev->tired)
		return;
	/* The blank in front belongs to the value, the line's end does not. */
	span_cut(&value, ':');
	while (value.len && (value.ptr[value.len - 1] == '\n' || value.ptr[value.len - 1] == '\r'))
		value.len--;
	set_current(q->config, f, value);
	note(h, route_check_header(q->config, rs, comments, value, &e), &e);
}

/* Fields one by one; false: the file could not be read. */
static bool read_fields(struct schedule *q, int fd, uint64_t at, struct schedule_headers *h)
{
	enum header_event ev = HEADER_MORE;
	struct header_reader r;
	struct header_field f;
	char mem[STEP];

	header_reader_init(&r, HEADER_FIELD_MAX, BLOCK_MAX);
	while (ev == HEADER_MORE) {
		ssize_t n = fs_pread(fd, mem, sizeof mem, (off_t)at);
		struct span in = span_make(mem, n > 0 ? (size_t)n : 0);

		if (n < 0)
			break;
		at += in.len;
		do {
			ev = n ? header_reader_next(&r, &in, &f) : header_reader_finish(&r, &f);
			/* Of one that is too long, what there is: length must not hide it. */
			if (ev == HEADER_FIELD)
				check_field(q, &f, h);
		} while (ev == HEADER_FIELD || ev == HEADER_FROM);
	}
	/* The empty line counts, too. */
	h->size = r.total - h->extra;
	header_reader_free(&r);
	return ev == HEADER_BODY;
}

void schedule_check_headers(struct schedule *q, const struct mta_check *c, int fd,
			    struct schedule_headers *h)
{
	char fields[24], size[24];
	struct span place;
	uint64_t at;
	struct err e;

	h->added = c->rcpt;
	place = span_cut(&h->added, ',');
	if (!num_parse(place, INT64_MAX, &at) || !read_fields(q, fd, at, h)) {
		err_temp(&h->verdict->err, "4.3.0", "the header cannot be checked now");
		return;
	}
	cf_eval_reset(q->config->ev);
	snprintf(fields, sizeof fields, "%u", h->fields);
	snprintf(size, sizeof size, "%zu", h->size);
	note(h, route_check(q->config, ROUTE_CHECK_EOH, span_str(fields), span_str(size), &e), &e);
	if (q->config->ev->tired)
		err_temp(&h->verdict->err, "4.3.0", "the header cannot be checked now");
}
