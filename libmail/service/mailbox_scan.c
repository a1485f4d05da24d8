/*
 * One fast pass through an mbox: where the messages are, how large, and their hashes.
 *
 * The rules are those of format/mbox.h; this is the same machine made for files of many
 * megabytes: bodies are skimmed in blocks (mailbox_hash.c), and only lines that begin with
 * 'F' or '>' are looked at.  The file is read, not mapped: mapped pages would count as this
 * process's memory, and a file cut meanwhile would kill it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/mbox.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"

enum {
	LOOK_BACK = 4, /* octets kept before the place looked at: an empty line and one more */
	LOOK_AHEAD = MAILBOX_QUOTES_MAX + MBOX_FROM_MAX,
};

struct scan {
	struct mailbox *m;
	char *buf;
	size_t len, pos; /* octets in buf; the one looked at */
	uint64_t base;   /* file offset of buf[0] */
	uint64_t size;   /* of the part of the file to be scanned */
	size_t hashed;   /* in a body: octets of buf that are in the hash */
	struct mailbox_msg msg;
	struct mailbox_count count;
	struct mailbox_hash hash;
	uint64_t quoted; /* lines from which a '>' will be taken */
	bool in_body;
	bool skipped;  /* the header field being read is not hashed */
	bool internal; /* the message holds another program's notes */
	struct err *e;
};

static bool at_end(const struct scan *s)
{
	return s->base + s->len >= s->size;
}

static void hash_to(struct scan *s, size_t end)
{
	if (end <= s->hashed)
		return;
	mailbox_hash_add(&s->hash, s->buf + s->hashed, end - s->hashed);
	s->hashed = end;
}

/* Reads on until `ahead` octets from pos on are in buf, or the file ends. */
static bool fill(struct scan *s, size_t ahead)
{
	size_t keep = s->pos > LOOK_BACK ? s->pos - LOOK_BACK : 0, room;
	ssize_t got;

	if (s->len - s->pos >= ahead || at_end(s))
		return true;
	/* The last two octets may turn out to be the separator. */
	if (s->in_body && s->pos > 2)
		hash_to(s, s->pos - 2);
	memmove(s->buf, s->buf + keep, s->len - keep);
	s->base += keep;
	s->pos -= keep;
	s->len -= keep;
	s->hashed -= keep < s->hashed ? keep : s->hashed;
	room = MAILBOX_WINDOW - s->len;
	if (room > s->size - s->base - s->len)
		room = (size_t)(s->size - s->base - s->len);
	got = fs_pread(s->m->fd, s->buf + s->len, room, (off_t)(s->base + s->len));
	if (got < 0)
		return err_errno(s->e, errno, "%s", s->m->path);
	if ((size_t)got < room)
		return err_temp(s->e, "4.2.0", "%s: became shorter while it was read", s->m->path);
	s->len += (size_t)got;
	return true;
}

static struct span rest(const struct scan *s)
{
	return span_make(s->buf + s->pos, s->len - s->pos);
}

/* Length of the From_ line at pos with its line end, 0 when there is none. */
static size_t from_line(const struct scan *s)
{
	struct span line = span_head(rest(s), MBOX_FROM_MAX + 1);
	size_t n = span_index(line, '\n');

	if (n == line.len || !mbox_parse_from(span_head(line, n), NULL, NULL))
		return 0;
	return n + 1;
}

/* Octets of the empty line that ends right before pos: 0, 1 or 2. */
static unsigned empty_line_before(const struct scan *s)
{
	const char *p = s->buf + s->pos;

	if (s->pos < 2 || p[-1] != '\n')
		return 0;
	if (p[-2] == '\n')
		return 1;
	return s->pos > 2 && p[-2] == '\r' && p[-3] == '\n' ? 2 : 0;
}

static void begin_message(struct scan *s, size_t head)
{
	s->msg = (struct mailbox_msg){.at = s->base + s->pos, .head_len = head};
	s->count = (struct mailbox_count){0};
	s->quoted = 0;
	s->in_body = s->internal = false;
	s->skipped = true;
	mailbox_hash_init(&s->hash);
	mailbox_hash_add(&s->hash, s->buf + s->pos, head);
	s->pos += head;
}

/* The message ends at pos.  The separator is the From_ line's own empty line at the least. */
static bool end_message(struct scan *s)
{
	struct mailbox_msg *msg = &s->msg;
	uint64_t end = s->base + s->pos, text = end - msg->at - msg->head_len;
	unsigned separator = text ? empty_line_before(s) : 0;
	char last = s->buf[s->pos - 1];

	if (s->in_body)
		hash_to(s, s->pos - separator);
	msg->length = end - msg->at;
	msg->lines = (uint32_t)(s->count.lines - (separator != 0));
	msg->bare = (uint32_t)(s->count.bare - (separator == 1));
	msg->octets = text - separator - s->quoted + msg->bare;
	msg->flags |= separator << MSG_SEPARATOR_SHIFT;
	if (text && last != '\n') {
		msg->flags |= last == '\r' ? MSG_UNFINISHED | MSG_UNFINISHED_CR : MSG_UNFINISHED;
		msg->octets += last == '\r' ? 1 : 2;
		msg->lines++;
	}
	msg->uid = mailbox_hash_end(&s->hash);
	if (s->internal && s->m->msgs.len == 0) {
		s->m->first = end;
		return true;
	}
	buf_put(&s->m->msgs, span_make(msg, sizeof *msg));
	return buf_ok(&s->m->msgs) || err_temp(s->e, "4.3.0", "%s: too many messages", s->m->path);
}

static void read_marks(struct scan *s, struct span letters, const char *known,
		       const unsigned char *marks)
{
	for (size_t i = 0; i < letters.len && letters.ptr[i] != '\n'; i++) {
		const char *at = letters.ptr[i] ? strchr(known, letters.ptr[i]) : NULL;

		if (at)
			s->msg.flags |= marks[at - known];
	}
}

/* What programs that keep mail change in a message; hashed, it would make a new message of it. */
static bool is_local_field(struct span line)
{
	static const char *const names[] = {
	    "Status:",           "X-Status:",          "X-Keywords:",    "X-UID:",
	    "X-IMAP:",           "X-IMAPbase:",        "Lines:",         "Content-Length:",
	    "X-Mozilla-Status:", "X-Mozilla-Status2:", "X-Mozilla-Keys:"};

	if (line.len == 0 || !strchr("SXLC", ascii_upper(line.ptr[0])))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (ascii_starts_nocase(line, span_str(names[i])))
			return true;
	return false;
}

static void begin_field(struct scan *s, struct span line)
{
	static const unsigned char status[] = {MAILBOX_SEEN, MAILBOX_OLD};
	static const unsigned char xstatus[] = {MAILBOX_ANSWERED, MAILBOX_FLAGGED, MAILBOX_DRAFT,
						MAILBOX_TRASHED};

	s->skipped = is_local_field(line);
	if (!s->skipped)
		return;
	if (ascii_starts_nocase(line, SPAN("Status:")))
		read_marks(s, span_skip(line, 7), "RO", status);
	else if (ascii_starts_nocase(line, SPAN("X-Status:")))
		read_marks(s, span_skip(line, 9), "AFTD", xstatus);
	else if (ascii_starts_nocase(line, SPAN("X-IMAP:")))
		s->internal = true;
}

static bool is_quoted(struct span line)
{
	size_t n = 0;

	while (n < line.len && n < MAILBOX_QUOTES_MAX && line.ptr[n] == '>')
		n++;
	return n > 0 && span_starts(span_skip(line, n), SPAN("From "));
}

/* The rest of a header line, in pieces when it is longer than buf. */
static bool take_header_line(struct scan *s)
{
	for (;;) {
		struct span in = rest(s);
		size_t n = span_index(in, '\n');
		bool whole = n < in.len;

		n += whole;
		/* Over-long lines: a CR LF must not be divided. */
		if (!whole && !at_end(s) && n > 1)
			n--;
		if (!s->skipped)
			mailbox_hash_add(&s->hash, in.ptr, n);
		if (whole) {
			s->count.lines++;
			s->count.bare += n < 2 || in.ptr[n - 2] != '\r';
		}
		s->pos += n;
		if (whole || (at_end(s) && s->pos == s->len))
			return true;
		if (!fill(s, LOOK_AHEAD))
			return false;
	}
}

static bool take_header(struct scan *s)
{
	while (!s->in_body) {
		struct span in;

		if (!fill(s, LOOK_AHEAD))
			return false;
		in = rest(s);
		if (in.len == 0)
			return true;
		if (in.ptr[0] == '\n' || span_starts(in, SPAN("\r\n"))) {
			s->count.lines++;
			s->count.bare += in.ptr[0] == '\n';
			s->pos += in.ptr[0] == '\n' ? 1 : 2;
			s->in_body = true;
			s->hashed = s->pos;
			return true;
		}
		if (!ascii_is_blank(in.ptr[0]))
			begin_field(s, in);
		s->quoted += is_quoted(in);
		if (!take_header_line(s))
			return false;
	}
	return true;
}

/* Up to the From_ line of the next message (*head: its length), or the end (0). */
static bool take_body(struct scan *s, size_t *head)
{
	*head = 0;
	for (;;) {
		if (!fill(s, 1))
			return false;
		if (s->pos == s->len)
			return true;
		s->pos += mailbox_skim(&s->count, s->buf + s->pos, s->len - s->pos, true);
		if (s->pos == s->len)
			continue;
		if (!fill(s, LOOK_AHEAD))
			return false;
		if (s->buf[s->pos] == 'F' && empty_line_before(s))
			*head = from_line(s);
		else
			s->quoted += is_quoted(rest(s));
		if (*head)
			return true;
		s->pos++;
	}
}

static bool take_messages(struct scan *s)
{
	size_t head = 0;

	if (!fill(s, LOOK_AHEAD))
		return false;
	while (s->pos < s->len && (s->buf[s->pos] == '\n' || s->buf[s->pos] == '\r'))
		s->pos++;
	s->m->first = s->base + s->pos;
	if (s->pos == s->len)
		return true;
	head = from_line(s);
	if (!head)
		return err_perm(s->e, "5.2.0", "%s: does not begin as an mbox", s->m->path);
	while (head) {
		begin_message(s, head);
		head = 0;
		if (!take_header(s) || (s->in_body && !take_body(s, &head)) || !end_message(s))
			return false;
	}
	return true;
}

bool mailbox_scan(struct mailbox *m, uint64_t size, struct err *e)
{
	struct scan s = {.m = m, .buf = m->window, .size = size, .e = e};

	m->window_len = 0;
	buf_reset(&m->msgs);
	m->first = 0;
	return take_messages(&s) && mailbox_scan_unique(m, e);
}

/*
 * The first of equal hashes keeps it.  The table holds message numbers plus one, at most
 * half full, and is gone before the session begins.
 */
bool mailbox_scan_unique(struct mailbox *m, struct err *e)
{
	size_t n = msg_count(m), slots = 16;
	uint32_t *table;

	while (slots < n * 2)
		slots *= 2;
	table = calloc(slots, sizeof *table);
	if (!table)
		return err_errno(e, ENOMEM, "%s", m->path);
	for (size_t i = 0; i < n; i++) {
		struct mailbox_msg *msg = msg_at(m, i);
		size_t at = (size_t)msg->uid & (slots - 1);

		while (msg->uid && table[at]) {
			if (msg_at(m, table[at] - 1)->uid == msg->uid) {
				msg->uid = mailbox_hash_mix(msg->uid + 1);
				at = (size_t)msg->uid & (slots - 1);
			} else {
				at = (at + 1) & (slots - 1);
			}
		}
		table[at] = (uint32_t)i + 1;
	}
	free(table);
	return true;
}
