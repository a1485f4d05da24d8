/*
 * Adding one message to a mailbox, durably; see mailbox.h.
 *
 * For messages that exist already (saved, moved): unlike final delivery it adds no trace
 * fields, and it takes the marks along: as fields of the header in an mbox, in the file's
 * name in a Maildir.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/maildir.h"
#include "format/mbox.h"
#include "service/mailbox_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/rand.h"

enum { CHUNK = 16 << 10, REOPEN_MAX = 10, FIELD_MAX = 9 /* "X-Status:" */ };

/* Leaves marks of another mailbox out of a header, and puts new ones at its end. */
struct filter {
	struct span marks;
	char start[FIELD_MAX]; /* of a line whose kind is not known yet */
	size_t held;
	bool in_line, skipped, in_body;
};

/* What a line's first octets say: 1 a mark, 0 no mark, -1 not enough of them. */
static int is_mark(struct span start)
{
	static const char *const names[] = {"Status:", "X-Status:"};

	for (size_t i = 0; i < 2; i++) {
		struct span name = span_str(names[i]);

		if (ascii_starts_nocase(start, name))
			return 1;
		if (start.len < name.len && ascii_starts_nocase(name, start))
			return -1;
	}
	return 0;
}

static void start_line(struct filter *f, char c, struct buf *out)
{
	int mark;

	f->start[f->held++] = c;
	if (f->held == 1 && (c == '\n' || c == '\r')) {
		buf_put(out, f->marks);
		f->in_body = true;
	} else if (f->held == 1 && ascii_is_blank(c)) {
		/* A folded line belongs to the one before, and goes or stays with it. */
		f->in_line = true;
	} else {
		mark = is_mark(span_make(f->start, f->held));
		f->skipped = mark == 1;
		f->in_line = mark >= 0;
	}
	if (!f->in_line && !f->in_body)
		return;
	if (!f->skipped || f->in_body)
		buf_put(out, span_make(f->start, f->held));
	f->held = 0;
	/* A line of one octet, "\n", has ended at once. */
	f->in_line = c != '\n';
}

static void filter_feed(struct filter *f, struct span in, struct buf *out)
{
	while (in.len && !f->in_body) {
		size_t n = 1;

		if (!f->in_line) {
			start_line(f, in.ptr[0], out);
		} else {
			n = span_index(in, '\n');
			f->in_line = n == in.len;
			n += !f->in_line;
			if (!f->skipped)
				buf_put(out, span_head(in, n));
		}
		in = span_skip(in, n);
	}
	buf_put(out, in);
}

static void filter_end(struct filter *f, struct buf *out)
{
	if (f->in_body)
		return;
	buf_put(out, span_make(f->start, f->held));
	/* A header without its empty line: what was held is a line, and the marks come last. */
	if (f->held || (f->in_line && !f->skipped))
		buf_putc(out, '\n');
	buf_put(out, f->marks);
}

/* Writes the message to fd; quoted for an mbox, as it is for a Maildir. */
static bool write_message(struct mailbox_source *s, int fd, bool quoted, const char *name,
			  struct err *e)
{
	char mem[CHUNK], text[MAILBOX_MARKS_MAX];
	struct filter f = {.held = 0};
	struct mbox_quote q;
	struct buf marks, plain, out;
	size_t got = 1;
	bool ok = true;

	buf_init_fixed(&marks, text, sizeof text);
	/* In a Maildir the marks are in the name. */
	if (quoted)
		mailbox_put_marks(&marks, s->flags);
	f.marks = buf_span(&marks);
	buf_init(&plain, CHUNK + 2 * MAILBOX_MARKS_MAX);
	buf_init(&out, 2 * plain.max + MBOX_FROM_MAX);
	mbox_quote_init(&q);
	if (quoted)
		mbox_put_from(&out, span_str(s->sender), s->date, clock_zone(s->date));
	while (ok && got) {
		ok = s->next(s, mem, sizeof mem, &got, e);
		buf_reset(&plain);
		if (ok && got)
			filter_feed(&f, span_make(mem, got), &plain);
		else if (ok)
			filter_end(&f, &plain);
		if (quoted)
			mbox_quote_feed(&q, buf_span(&plain), &out);
		else
			buf_put(&out, buf_span(&plain));
		if (quoted && !got)
			mbox_quote_finish(&q, &out);
		if (ok && (!buf_ok(&plain) || !buf_ok(&out)))
			ok = err_errno(e, ENOMEM, "%s", name);
		if (ok && !fs_write(fd, buf_span(&out)))
			ok = err_errno(e, errno, "%s", name);
		buf_reset(&out);
	}
	buf_free(&plain);
	buf_free(&out);
	/* Saved means on disk: the message leaves its old place for this. */
	if (ok && fsync(fd) != 0)
		ok = err_errno(e, errno, "%s", name);
	return ok;
}

/* Line ends that an unfinished last message needs before the next From_ line. */
static const char *missing_end(int fd, off_t size)
{
	char last[2] = "\n\n";
	size_t n = size < 2 ? (size_t)size : 2;

	/* What cannot be read needs nothing: the append itself will tell. */
	if (n == 0 || fs_pread(fd, last + 2 - n, n, size - (off_t)n) != (ssize_t)n)
		return "";
	if (last[1] != '\n')
		return "\n\n";
	return last[0] == '\n' ? "" : "\n";
}

static bool append_locked(const char *path, int fd, struct mailbox_source *s, struct err *e)
{
	struct stat st;
	const char *end;

	if (fstat(fd, &st) != 0)
		return err_errno(e, errno, "%s", path);
	end = missing_end(fd, st.st_size);
	if (fs_write(fd, span_str(end)) && write_message(s, fd, true, path, e))
		return true;
	/* fs_write failed, which leaves the record to us. */
	if (e->class == ERR_NONE)
		err_errno(e, errno, "%s", path);
	if (ftruncate(fd, st.st_size) != 0)
		err_prefix(e, "part of a message could not be removed again: ");
	return false;
}

static bool append_mbox(const char *path, struct mailbox_source *s, struct err *e)
{
	int fd =
	    open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct lock l;
	struct stat st;
	bool ok = false;

	/* A link of the user's own making is followed; O_CREAT behind one is not worth the risk. */
	if (fd < 0 && errno == ELOOP)
		fd = open(path, O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		err_perm(e, "5.2.0", "%s: is no mailbox", path);
	else if (lock_mailbox(fd, path, MAILBOX_LOCK_WAIT_MS, &l, NULL, e)) {
		ok = append_locked(path, fd, s, e);
		lock_release(&l);
	}
	close(fd);
	return ok;
}

/* NAME of a new message for cur/ or new/, with its marks and its own date, which keeps the order.
 */
static void put_name(struct mailbox_source *s, struct buf *out)
{
	struct clock_wall now = clock_wall();
	char host[256] = "localhost", letters[8] = "";
	struct maildir_seed seed = {.seconds = s->date > 0 ? s->date : now.s,
				    .usec = now.us,
				    .pid = (uint32_t)getpid(),
				    .random = rand_u64()};
	char base[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;
	size_t n = 0;

	gethostname(host, sizeof host - 1);
	seed.host = span_str(host);
	maildir_put_unique(out, &seed);
	if (!(s->flags & MSG_STORED))
		return;
	for (unsigned mark = MAILBOX_SEEN; mark < MAILBOX_DELETED; mark <<= 1)
		if (s->flags & mark && mailbox_dir_letter(mark))
			letters[n++] = mailbox_dir_letter(mark);
	span_to_cstr(buf_span(out), base, sizeof base);
	maildir_parse(span_str(base), &name);
	buf_reset(out);
	maildir_put_flags(out, &name, letters, "");
}

static bool make_dirs(const char *path, struct err *e)
{
	static const char *const subs[] = {"", "tmp", "new", "cur"};
	char dir[MAILBOX_PATH_MAX + 8];

	for (size_t i = 0; i < 4; i++) {
		snprintf(dir, sizeof dir, "%s%s", path, subs[i]);
		if (!fs_mkdir(AT_FDCWD, dir, 0700, e))
			return false;
	}
	return true;
}

static bool append_maildir(const char *path, struct mailbox_source *s, struct err *e)
{
	char mem[MAILDIR_NAME_MAX + 1], tmp[MAILBOX_PATH_MAX * 2], to[MAILBOX_PATH_MAX * 2];
	const char *sub = s->flags & MSG_STORED ? "cur" : "new";
	struct buf name;
	bool ok;
	int fd, dir;

	if (!make_dirs(path, e))
		return false;
	buf_init_fixed(&name, mem, sizeof mem);
	put_name(s, &name);
	snprintf(tmp, sizeof tmp, "%stmp/%.*s", path, SPAN_ARG(span_head(buf_span(&name), 200)));
	snprintf(to, sizeof to, "%s%s/%s", path, sub, buf_cstr(&name));
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, errno, "%s", tmp);
	ok = write_message(s, fd, false, tmp, e);
	/* NFS tells of a full disk at close only. */
	if (close(fd) != 0 && ok)
		ok = err_errno(e, errno, "%s", tmp);
	if (ok && rename(tmp, to) != 0)
		ok = err_errno(e, errno, "%s", to);
	if (!ok) {
		unlink(tmp);
		return false;
	}
	snprintf(to, sizeof to, "%s%s", path, sub);
	dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = dir >= 0 ? fs_sync_dir(dir, e) : err_errno(e, errno, "%s", to);
	if (dir >= 0)
		close(dir);
	return ok;
}

bool mailbox_append(const char *path, struct mailbox_source *s, struct err *e)
{
	char slashed[MAILBOX_PATH_MAX + 1];
	struct err why = {0};
	bool ok = false;

	if (!path[0] || strlen(path) >= MAILBOX_PATH_MAX - 1)
		return err_perm(e, "5.2.0", "%.200s: not a path of a mailbox", path);
	if (mailbox_is_dir(path)) {
		snprintf(slashed, sizeof slashed, "%s%s", path,
			 path[strlen(path) - 1] == '/' ? "" : "/");
		ok = append_maildir(slashed, s, &why);
	} else {
		/* popd put a new file in its place while we waited for the lock: that one then. */
		for (int i = 0; i < REOPEN_MAX; i++) {
			why = (struct err){0};
			ok = append_mbox(path, s, &why);
			if (ok || why.sys != ESTALE)
				break;
		}
	}
	if (!ok)
		*e = why;
	return ok;
}

struct copy_source {
	struct mailbox_source source; /* first: a pointer to it is one to this */
	struct mailbox_reader reader;
};

static bool next(struct mailbox_source *s, char *mem, size_t cap, size_t *got, struct err *e)
{
	struct copy_source *c = (struct copy_source *)s;

	return mailbox_read(&c->reader, mem, cap, got, e);
}

bool mailbox_copy(struct mailbox *m, size_t i, const char *path, struct err *e)
{
	struct copy_source c = {.source = {.next = next}};
	char text[MBOX_FROM_MAX + 1], sender[MBOX_FROM_MAX + 1];
	struct span who = {0};
	struct buf line;
	bool ok;

	buf_init_fixed(&line, text, sizeof text);
	buf_puts(&line, "From ");
	if (!mailbox_envelope(m, i, &line, e))
		return false;
	if (!mbox_parse_from(buf_span(&line), &who, &c.source.date))
		c.source.date = clock_wall().s;
	span_to_cstr(who, sender, sizeof sender);
	c.source.sender = sender;
	c.source.flags = mailbox_flags(m, i) & MSG_STORED;
	if (!mailbox_read_open(m, i, MAILBOX_LF, MAILBOX_WHOLE, &c.reader, e))
		return false;
	ok = mailbox_append(path, &c.source, e);
	mailbox_read_close(&c.reader);
	return ok;
}
