/*
 * Reading messages in the forms of mailbox.h: mboxrd unquoted, CRLF, dot-stuffed, the top only.
 *
 * Octets come from one window of the mailbox, so that messages asked for in order cost one
 * read per window.  Lines may have any length and be divided anywhere but in their first
 * octets; what the window shows at the start of a line decides about quoting.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "service/mailbox_part.h"
#include "sys/fs.h"

/* At the start of a line: its '>'s and "From ". */
enum { LOOK_AHEAD = MAILBOX_QUOTES_MAX + 5, CAP_MIN = 16 };

/* Asked after reading: then what was read is what was scanned.  New mail is no change. */
static bool is_unchanged(const struct mailbox *m)
{
	struct stat st;

	if (fstat(m->fd, &st) != 0 || st.st_size < m->st.st_size)
		return false;
	return st.st_size > m->st.st_size || (st.st_mtim.tv_sec == m->st.st_mtim.tv_sec &&
					      st.st_mtim.tv_nsec == m->st.st_mtim.tv_nsec);
}

bool mailbox_window(struct mailbox *m, int fd, size_t of, uint64_t at, uint64_t end, size_t min,
		    struct span *out, struct err *e)
{
	uint64_t behind = m->window_at + m->window_len, want = end - at;
	ssize_t got;

	if (want > min)
		want = min;
	if (m->window_of != of || at < m->window_at || at + want > behind) {
		size_t room = MAILBOX_WINDOW;
		/* A Maildir file ends where the message does; an mbox goes on with the next. */
		uint64_t limit = of ? end : (uint64_t)m->st.st_size;

		if (limit - at < room)
			room = (size_t)(limit - at);
		m->window_len = 0;
		got = fs_pread(fd, m->window, room, (off_t)at);
		if (got < 0)
			return err_errno(e, errno, "%s", m->path);
		m->window_of = of;
		m->window_at = at;
		m->window_len = (size_t)got;
		if ((size_t)got < room || (!of && !is_unchanged(m)))
			return err_temp(e, "4.2.0", "%s: was changed by another program", m->path);
		behind = at + m->window_len;
	}
	if (behind > end)
		behind = end;
	*out = span_make(m->window + (at - m->window_at), (size_t)(behind - at));
	return true;
}

bool mailbox_read_open(struct mailbox *m, size_t i, enum mailbox_form form, uint64_t lines,
		       struct mailbox_reader *r, struct err *e)
{
	const struct mailbox_msg *msg = msg_at(m, i);

	*r = (struct mailbox_reader){
	    .mailbox = m, .fd = -1, .of = 0, .body_left = lines, .form = form, .at_line = true};
	if (m->maildir) {
		r->of = i + 1;
		/* Counting has just read it all. */
		if (msg->flags & MSG_SIZED && m->window_of == r->of && m->window_at == 0 &&
		    m->window_len == msg->length) {
			r->end = msg->length;
			return true;
		}
		r->fd = mailbox_dir_open(m, i, &r->end, e);
		return r->fd >= 0;
	}
	r->fd = m->fd;
	r->at = msg->at + msg->head_len;
	r->end = msg_end(msg);
	return true;
}

void mailbox_read_close(struct mailbox_reader *r)
{
	if (r->of && r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* True when the line's first '>' is quoting. */
static bool is_quoted(struct span in)
{
	size_t n = 0;

	while (n < in.len && n < MAILBOX_QUOTES_MAX && in.ptr[n] == '>')
		n++;
	return n > 0 && span_starts(span_skip(in, n), SPAN("From "));
}

struct sink {
	char *mem;
	size_t cap, len;
};

/* What is put before or left out of a line; returns octets of in used. */
static size_t start_line(struct mailbox_reader *r, struct span in, struct sink *to)
{
	r->at_line = false;
	r->empty = true;
	if (!r->of && in.ptr[0] == '>' && is_quoted(in))
		return 1;
	if (r->form == MAILBOX_DOTTED && in.ptr[0] == '.')
		to->mem[to->len++] = '.';
	return 0;
}

static void end_line(struct mailbox_reader *r, struct sink *to)
{
	if (r->form != MAILBOX_LF && !r->after_cr)
		to->mem[to->len++] = '\r';
	to->mem[to->len++] = '\n';
	r->at_line = true;
	r->after_cr = false;
	if (r->in_body) {
		if (r->body_left != MAILBOX_WHOLE)
			r->body_left--;
	} else if (r->empty) {
		r->in_body = true;
	}
}

/* Moves octets of one line, or a part of it; returns those of in that were used. */
static size_t copy_line(struct mailbox_reader *r, struct span in, struct sink *to)
{
	size_t room = to->cap - to->len - 2, n = span_index(span_head(in, room), '\n');

	if (n) {
		memcpy(to->mem + to->len, in.ptr, n);
		to->len += n;
		r->empty = r->empty && n == 1 && in.ptr[0] == '\r';
		r->after_cr = in.ptr[n - 1] == '\r';
	}
	if (n == in.len || n == room)
		return n;
	end_line(r, to);
	return n + 1;
}

/* The message is used up: the line end that the last line may lack. */
static void finish(struct mailbox_reader *r, struct sink *to)
{
	if (!r->at_line && r->form != MAILBOX_LF)
		end_line(r, to);
	r->finished = true;
}

static bool is_done(const struct mailbox_reader *r)
{
	return r->finished || (r->in_body && r->at_line && r->body_left == 0);
}

bool mailbox_read(struct mailbox_reader *r, char *mem, size_t cap, size_t *got, struct err *e)
{
	struct sink to = {mem, cap, 0};
	struct span in;

	BUG_ON(cap < CAP_MIN);
	while (!is_done(r) && to.cap - to.len > 4) {
		if (r->at == r->end) {
			finish(r, &to);
			break;
		}
		if (!mailbox_window(r->mailbox, r->fd, r->of, r->at, r->end,
				    r->at_line ? LOOK_AHEAD : 1, &in, e))
			return false;
		/* Line by line as far as this view of the window is good for the next start. */
		do {
			size_t n = r->at_line ? start_line(r, in, &to) : 0;

			n += copy_line(r, span_skip(in, n), &to);
			in = span_skip(in, n);
			r->at += n;
		} while (!is_done(r) && to.cap - to.len > 4 && in.len &&
			 (!r->at_line || in.len >= LOOK_AHEAD || r->at + in.len == r->end));
	}
	*got = to.len;
	return true;
}
