/*
 * The message as a mailer of the configuration writes it: envelope sender and header; see
 * service/schedule_part.h.
 *
 * What the rulesets leave as it was is sent from the queue file; else the new header goes to a
 * file in memory, which takes the place of the old one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ascii.h"
#include "cf/cf_header.h"
#include "format/date.h"
#include "service/mailer.h"
#include "service/schedule_part.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum { HEADER_MAX = 4 << 20, STEP = 2000, LINE_LIMIT_MIN = 64 };

/* The length of the header with its last line end, or 0 while its end is not there. */
static size_t header_length(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '\n' && (i + 1 == s.len || s.ptr[i + 1] == '\n'))
			return i + 1 < s.len ? i + 1 : 0;
	return 0;
}

/*
 * The message as far as its header goes, which is text's first len octets: all of it when it has
 * no body, none of it when it begins with an empty line.  Hardly any header goes beyond what was
 * read with the envelope; of the others as much again is read.
 */
static bool read_header(struct work *w, struct span *text, size_t *len, struct err *e)
{
	struct queue_item *item = &w->item;

	*text = span_skip(item->front, item->message_at);
	*len = 0;
	while (!span_starts(*text, SPAN("\n")) && (*len = header_length(*text)) == 0) {
		size_t n = text->len * 2 + STEP;
		char *at = n < HEADER_MAX ? arena_alloc(&item->arena, n) : NULL;
		ssize_t got = at ? fs_pread(item->fd, at, n, (off_t)item->message_at) : 0;

		if (!at)
			return err_temp(e, "4.3.0", "no memory for the header");
		if (got < 0)
			return err_errno(e, errno, "cannot read the message");
		if ((size_t)got <= text->len) {
			*len = text->len;
			break;
		}
		*text = span_make(at, (size_t)got);
	}
	return true;
}

/* What H lines use; all is known only here. */
static void set_macros(struct config *c, const struct work *w)
{
	int64_t at = w->item.head.state.created;
	char text[64];
	struct buf date;
	struct date_parts p;

	buf_init_fixed(&date, text, sizeof text);
	date_put(&date, at, clock_zone(at));
	config_set(c, "a", buf_span(&date));
	config_set(c, "b", buf_span(&date));
	buf_reset(&date);
	date_put_ctime(&date, at, clock_zone(at));
	config_set(c, "d", buf_span(&date));
	config_set(c, "i", span_str(w->item.id));
	config_set(c, "f", w->item.head.sender);
	config_set(c, "g", w->item.head.sender);
	date_split(at, 0, &p);
	buf_reset(&date);
	buf_printf(&date, "%04d%02d%02d%02d%02d", p.year, p.month, p.day, p.hour, p.minute);
	config_set(c, "t", buf_span(&date));
}

static bool keep_header(struct variant *v, struct span header, struct err *e)
{
	int fd = memfd_create("header", MFD_CLOEXEC);

	if (fd >= 0 && fs_write(fd, header) && fs_write(fd, SPAN("\n"))) {
		v->message.header = fd;
		return true;
	}
	err_errno(e, errno, "cannot write a header");
	if (fd >= 0)
		close(fd);
	return false;
}

/*
 * The mailboxes of our own get Return-Path from who stores the message; programs get all that
 * the mailer asks for here, the line "From " too.
 */
static void put_frame(struct config *c, const struct cf_mailer *m, struct buf *header)
{
	struct span own = buf_span(header);
	char mem[CF_LINE];
	struct buf line;

	if (mailer_is_ipc(m))
		return;
	if (!mailer_runs(m)) {
		if (ascii_starts_nocase(own, SPAN("Return-Path:")))
			buf_consume(header, span_index(own, '\n') + 1);
		return;
	}
	buf_init_fixed(&line, mem, sizeof mem);
	cf_header_from_line(c->ev, m, &line);
	if (buf_reserve(header, line.len)) {
		memmove(header->ptr + line.len, header->ptr, header->len);
		memcpy(header->ptr, line.ptr, line.len);
		header->len += line.len;
	}
}

/* Envelope and header; false: TEMP, or an answer is under way. */
static bool rewrite(struct work *w, const struct cf_mailer *m, struct variant *v, struct err *e)
{
	struct config *c = w->q->config;
	struct buf sender, *header = &w->q->header;
	struct cf_sender from;
	struct span text, old;
	size_t len;
	int status;

	if (!schedule_decide(w->q, NULL, e) || !read_header(w, &text, &len, e))
		return false;
	old = span_head(text, len);
	header->max = HEADER_MAX;
	buf_reset(header);
	set_macros(c, w);
	cf_header_sender(c->ev, w->item.head.sender.len ? w->item.head.sender : SPAN("<>"), &from);
	buf_init_fixed(&sender, v->sender, sizeof v->sender);
	status = cf_header_return_path(c->ev, &from, m, &sender);
	/*
	 * A report goes out with the null path, whatever rulesets make of it for show: to programs
	 * and files, where no envelope has it.
	 */
	if (w->item.head.sender.len == 0 && mailer_is_ipc(m))
		buf_reset(&sender);
	span_to_cstr(buf_span(&sender), v->shown, sizeof v->shown);
	if (w->item.head.sender.len == 0)
		buf_reset(&sender);
	v->message.sender = buf_span(&sender);
	config_set(c, "g", span_str(v->shown));
	if (status == 0)
		status = cf_header_write(c->ev, &from, m, old, true, header);
	put_frame(c, m, header);
	if (route_pending(c) || !config_was_read(c, e))
		return false;
	if (status == EXIT_TEMPFAIL || !buf_ok(header) || !buf_ok(&sender))
		return err_temp(e, "4.3.0", "the header cannot be rewritten now");
	if (!mailer_runs(m) && (len == 0 || span_eq(buf_span(header), old)))
		return true;
	len += len < text.len; /* the empty line */
	v->message.at += len;
	v->message.size += header->len + 1 - len;
	return keep_header(v, buf_span(header), e);
}

/* r=, and F=m: a mailer without it takes one. */
static uint32_t most_of(const struct cf_mailer *m)
{
	return !cf_mailer_flag(m, 'm') ? 1 : m->max_rcpt < UINT32_MAX ? (uint32_t)m->max_rcpt : 0;
}

struct variant *schedule_variant(struct work *w, const struct cf_mailer *m, struct err *e)
{
	struct variant *v;
	char body = w->item.head.body;

	if (cf_mailer_flag(m, '8'))
		body = body == QFILE_BODY_8BIT ? MTA_BODY_PASS : QFILE_BODY_7BIT;
	for (v = w->variants; v; v = v->next)
		if (v->mailer == m)
			return v;
	if (!w->begun)
		w->begun = arena_alloc(&w->item.arena, sizeof *v);
	v = w->begun;
	if (!v) {
		err_temp(e, "4.3.0", "out of memory");
		return NULL;
	}
	*v = (struct variant){.mailer = m};
	v->message = (struct relays_message){.arena = &w->item.arena,
					     .fd = w->item.fd,
					     .header = -1,
					     .at = w->item.message_at,
					     .size = w->item.size,
					     .id = w->item.id,
					     .envid = w->item.head.envid,
					     .ret = w->item.head.ret,
					     .body = body,
					     .most = most_of(m),
					     .first = w->item.head.state.tries == 0};
	/* A limit that is no such is that of a typing error. */
	if (m->line_limit >= LINE_LIMIT_MIN && m->line_limit <= UINT32_MAX)
		v->message.line_limit = (uint32_t)m->line_limit;
	if (!rewrite(w, m, v, e))
		return NULL;
	v->next = w->variants;
	w->variants = v;
	w->begun = NULL;
	return v;
}

void schedule_variants_free(struct work *w)
{
	for (struct variant *v = w->variants; v; v = v->next)
		if (v->message.header >= 0)
			close(v->message.header);
}
