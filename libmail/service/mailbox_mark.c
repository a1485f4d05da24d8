/*
 * What is written of an mbox at commit: ranges as they are, and messages with new marks.
 *
 * Marks are the Status: and X-Status: fields of BSD mail and its heirs; old ones are left
 * out and new ones put at the end of the header.  Nothing else of a message is touched.
 */
#include <errno.h>
#include <string.h>

#include "base/ascii.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"

enum { HELD_MAX = 32 << 10, LOOK_AHEAD = 16 };

/* Output is gathered, counted and hashed on its way: the journal names length and hash. */
void mailbox_out_init(struct mailbox_out *o, int fd)
{
	*o = (struct mailbox_out){.fd = fd};
	buf_init(&o->held, HELD_MAX);
	mailbox_hash_init(&o->hash);
}

/* The first failure stays; what follows is dropped, and mailbox_out_end tells. */
static void flush(struct mailbox_out *o, struct span s)
{
	if (!o->sys && !fs_write(o->fd, s))
		o->sys = errno;
}

void mailbox_out_put(struct mailbox_out *o, struct span s)
{
	o->len += s.len;
	mailbox_hash_add(&o->hash, s.ptr, s.len);
	if (o->held.len + s.len > HELD_MAX) {
		flush(o, buf_span(&o->held));
		buf_reset(&o->held);
	}
	if (s.len > HELD_MAX)
		flush(o, s);
	else
		buf_put(&o->held, s);
	if (!buf_ok(&o->held))
		o->sys = ENOMEM;
}

bool mailbox_out_end(struct mailbox_out *o)
{
	flush(o, buf_span(&o->held));
	buf_free(&o->held);
	errno = o->sys;
	return o->sys == 0;
}

bool mailbox_commit_range(struct mailbox *m, struct mailbox_out *o, uint64_t at, uint64_t end,
			  struct err *e)
{
	while (at < end) {
		struct span in;

		if (!mailbox_window(m, m->fd, 0, at, end, 1, &in, e))
			return false;
		mailbox_out_put(o, in);
		at += in.len;
	}
	return true;
}

void mailbox_put_marks(struct buf *out, unsigned flags)
{
	/* Letters as mutt, pine and dovecot read and write them. */
	static const struct {
		unsigned mark;
		char letter;
	} status[] = {{MAILBOX_SEEN, 'R'}, {MAILBOX_OLD, 'O'}}, extra[] = {{MAILBOX_ANSWERED, 'A'},
									   {MAILBOX_FLAGGED, 'F'},
									   {MAILBOX_DRAFT, 'T'},
									   {MAILBOX_TRASHED, 'D'}};

	if (flags & (MAILBOX_SEEN | MAILBOX_OLD)) {
		buf_puts(out, "Status: ");
		for (size_t i = 0; i < sizeof status / sizeof status[0]; i++)
			if (flags & status[i].mark)
				buf_putc(out, status[i].letter);
		buf_putc(out, '\n');
	}
	if (flags & (MAILBOX_ANSWERED | MAILBOX_FLAGGED | MAILBOX_DRAFT | MAILBOX_TRASHED)) {
		buf_puts(out, "X-Status: ");
		for (size_t i = 0; i < sizeof extra / sizeof extra[0]; i++)
			if (flags & extra[i].mark)
				buf_putc(out, extra[i].letter);
		buf_putc(out, '\n');
	}
}

/* Puts the header without old marks; *at is then the empty line, or the message's end. */
static bool put_header(struct mailbox *m, struct mailbox_out *o, uint64_t *at, uint64_t end,
		       struct err *e)
{
	bool at_line = true, skipped = false, finished = true;

	while (*at < end) {
		struct span in;
		size_t n;

		if (!mailbox_window(m, m->fd, 0, *at, end, LOOK_AHEAD, &in, e))
			return false;
		if (at_line && (in.ptr[0] == '\n' || span_starts(in, SPAN("\r\n"))))
			return true;
		if (at_line && !ascii_is_blank(in.ptr[0]))
			skipped = ascii_starts_nocase(in, SPAN("Status:")) ||
				  ascii_starts_nocase(in, SPAN("X-Status:"));
		n = span_index(in, '\n');
		at_line = n < in.len;
		n += at_line;
		if (!skipped) {
			mailbox_out_put(o, span_head(in, n));
			finished = at_line;
		}
		*at += n;
	}
	if (!finished)
		mailbox_out_put(o, SPAN("\n"));
	return true;
}

static bool put_marked(struct mailbox *m, const struct mailbox_msg *msg, struct mailbox_out *o,
		       struct err *e)
{
	uint64_t at = msg->at + msg->head_len;
	char text[MAILBOX_MARKS_MAX];
	struct buf marks;

	buf_init_fixed(&marks, text, sizeof text);
	mailbox_put_marks(&marks, msg->flags);
	if (!mailbox_commit_range(m, o, msg->at, at, e))
		return false;
	/* A message that is nothing but a separator has no header, and then no end of it either. */
	if (!put_header(m, o, &at, msg->at + msg->length, e))
		return false;
	mailbox_out_put(o, buf_span(&marks));
	return mailbox_commit_range(m, o, at, msg->at + msg->length, e);
}

bool mailbox_commit_rest(struct mailbox *m, const struct mailbox_plan *p, struct mailbox_out *o,
			 struct err *e)
{
	uint64_t tail = p->tail, run = p->tail;
	size_t n = msg_count(m);

	/* run is where the kept octets not put yet begin; it equals the message's when there are
	 * none */
	for (size_t i = p->first; i < n; i++) {
		const struct mailbox_msg *msg = msg_at(m, i);
		bool plain = !(msg->flags & (MAILBOX_DELETED | MSG_CHANGED));

		if (plain) {
			if (run > msg->at)
				run = msg->at;
			continue;
		}
		if (run < msg->at && !mailbox_commit_range(m, o, run, msg->at, e))
			return false;
		run = p->tail;
		if (!(msg->flags & MAILBOX_DELETED) && !put_marked(m, msg, o, e))
			return false;
	}
	/* Line ends before new mail finished a last message that is not there any more. */
	if (run == p->tail && n && msg_at(m, n - 1)->flags & MAILBOX_DELETED) {
		struct span in = {0};

		while (tail < p->size) {
			if (!mailbox_window(m, m->fd, 0, tail, p->size, 1, &in, e))
				return false;
			if (in.ptr[0] != '\n' && in.ptr[0] != '\r')
				break;
			tail++;
		}
		run = tail;
	}
	return mailbox_commit_range(m, o, run, p->size, e);
}
