/*
 * A Maildir as a mailbox: list and sizes; see mailbox.h, and mailbox_dir_commit.c for changes.
 *
 * Other programs rename files at any time (new/ to cur/, flags).  The unique part of a name
 * never changes, so a file that is not where it was is looked for by that; only when it is
 * not there either has the message gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/maildir.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"

static const struct {
	char letter;
	unsigned mark;
} letters[] = {{'S', MAILBOX_SEEN},  {'R', MAILBOX_ANSWERED}, {'F', MAILBOX_FLAGGED},
	       {'D', MAILBOX_DRAFT}, {'T', MAILBOX_TRASHED},  {'P', MAILBOX_PASSED}};

enum { LETTERS = sizeof letters / sizeof letters[0] };

char mailbox_dir_letter(unsigned mark)
{
	for (size_t i = 0; i < LETTERS; i++)
		if (letters[i].mark == mark)
			return letters[i].letter;
	return '\0';
}

void mailbox_dir_file(const struct mailbox *m, const struct mailbox_msg *msg,
		      char file[MAILBOX_DIR_FILE])
{
	memcpy(file, msg->flags & MSG_IN_NEW ? "new/" : "cur/", 4);
	memcpy(file + 4, m->names.ptr + msg->at, msg->head_len + 1);
}

static void take_name(struct mailbox *m, struct mailbox_msg *msg, const struct maildir_name *name,
		      struct span text, bool in_new)
{
	msg->at = m->names.len;
	msg->head_len = text.len;
	buf_put(&m->names, text);
	buf_putc(&m->names, '\0');
	msg->flags &= ~MSG_IN_NEW & 0xffff;
	msg->flags |= in_new ? MSG_IN_NEW : 0;
	/* Marks that are not stored yet are not undone by another program's. */
	if (msg->flags & MSG_CHANGED)
		return;
	msg->flags &= ~MSG_STORED & 0xffff;
	msg->flags |= in_new ? 0 : MAILBOX_OLD;
	for (size_t i = 0; i < LETTERS && !in_new; i++)
		if (maildir_has_flag(name, letters[i].letter))
			msg->flags |= letters[i].mark;
}

static DIR *open_dir(const struct mailbox *m, const char *name)
{
	int fd = openat(m->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* Calls found for each message of new/ or cur/ until it returns true, and then returns true. */
static bool each_file(struct mailbox *m, bool in_new, struct err *e,
		      bool (*found)(struct mailbox *m, const struct maildir_name *name,
				    struct span text, bool in_new, void *arg),
		      void *arg)
{
	DIR *d = open_dir(m, in_new ? "new" : "cur");
	struct dirent *entry;
	struct maildir_name name;
	bool stop = false;

	if (!d)
		return err_errno(e, errno, "%s", m->path);
	errno = 0;
	while (!stop && (entry = readdir(d))) {
		struct span text = span_str(entry->d_name);

		if (maildir_parse(text, &name))
			stop = found(m, &name, text, in_new, arg);
		errno = 0;
	}
	if (errno)
		err_errno(e, errno, "%s", m->path);
	closedir(d);
	return stop;
}

/* While listing, uid holds the time of delivery to sort by. */
static bool list_file(struct mailbox *m, const struct maildir_name *name, struct span text,
		      bool in_new, void *arg)
{
	struct mailbox_msg msg = {0};

	(void)arg;
	msg.uid = (uint64_t)name->seconds << 20 | (name->usec & 0xfffff);
	if (name->has_crlf_size && name->crlf_size < (uint64_t)1 << 48) {
		msg.octets = name->crlf_size;
		msg.flags = MSG_WEIGHED;
	}
	take_name(m, &msg, name, text, in_new);
	buf_put(&m->msgs, span_make(&msg, sizeof msg));
	return false;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct mailbox_msg *x = a, *y = b;
	const struct mailbox *m = arg;
	struct maildir_name nx, ny;
	int order;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	maildir_parse(msg_name(m, x), &nx);
	maildir_parse(msg_name(m, y), &ny);
	order = maildir_compare(&nx, &ny);
	/* The same message seen twice while it was renamed: cur/ is where it went. */
	return order ? order : (x->flags & MSG_IN_NEW) - (y->flags & MSG_IN_NEW);
}

/* Does the unique part itself serve as UIDL?  RFC 1939 section 7. */
static bool is_uid(struct span unique)
{
	if (unique.len > MAILBOX_UID_MAX)
		return false;
	for (size_t i = 0; i < unique.len; i++)
		if (!ascii_is_graph(unique.ptr[i]))
			return false;
	return true;
}

/* Drops what is listed twice and turns the sort keys into hashes, or 0 where none is needed. */
static void settle(struct mailbox *m)
{
	size_t n = msg_count(m), to = 0;
	struct span last = {0};

	for (size_t i = 0; i < n; i++) {
		struct mailbox_msg *msg = msg_at(m, i);
		struct maildir_name name;
		struct mailbox_hash h;

		maildir_parse(msg_name(m, msg), &name);
		if (i && span_eq(name.unique, last))
			continue;
		last = name.unique;
		mailbox_hash_init(&h);
		mailbox_hash_add(&h, name.unique.ptr, name.unique.len);
		msg->uid = is_uid(name.unique) ? 0 : mailbox_hash_end(&h);
		*msg_at(m, to++) = *msg;
	}
	buf_truncate(&m->msgs, to * sizeof(struct mailbox_msg));
}

bool mailbox_dir_scan(struct mailbox *m, struct err *e)
{
	struct err failed = {0};

	each_file(m, true, &failed, list_file, NULL);
	if (failed.class == ERR_NONE)
		each_file(m, false, &failed, list_file, NULL);
	if (failed.class != ERR_NONE) {
		*e = failed;
		return false;
	}
	if (!buf_ok(&m->msgs) || !buf_ok(&m->names))
		return err_temp(e, "4.3.0", "%s: too many messages", m->path);
	if (msg_count(m))
		qsort_r(m->msgs.ptr, msg_count(m), sizeof(struct mailbox_msg), compare, m);
	settle(m);
	return mailbox_scan_unique(m, e);
}

struct search {
	struct span unique;
	struct mailbox_msg *msg;
};

static bool is_sought(struct mailbox *m, const struct maildir_name *name, struct span text,
		      bool in_new, void *arg)
{
	struct search *s = arg;

	if (!span_eq(name->unique, s->unique))
		return false;
	take_name(m, s->msg, name, text, in_new);
	return true;
}

bool mailbox_dir_find_again(struct mailbox *m, struct mailbox_msg *msg)
{
	char unique[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;
	struct search s = {.msg = msg};
	struct mailbox_msg before = *msg;
	struct err ignored;

	/* The names' memory may move while the search adds to it. */
	maildir_parse(msg_name(m, msg), &name);
	if (!span_to_cstr(name.unique, unique, sizeof unique))
		return false;
	s.unique = span_str(unique);
	if ((each_file(m, false, &ignored, is_sought, &s) ||
	     each_file(m, true, &ignored, is_sought, &s)) &&
	    buf_ok(&m->names))
		return true;
	*msg = before;
	return false;
}

int mailbox_dir_open(struct mailbox *m, size_t i, uint64_t *size, struct err *e)
{
	struct mailbox_msg *msg = msg_at(m, i);
	char file[MAILBOX_DIR_FILE];
	struct err why;
	struct stat st;
	int fd;

	mailbox_dir_file(m, msg, file);
	fd = fs_open_regular(m->fd, file, O_RDONLY, 0, &why);
	if (fd < 0 && why.sys == ENOENT && mailbox_dir_find_again(m, msg)) {
		mailbox_dir_file(m, msg, file);
		fd = fs_open_regular(m->fd, file, O_RDONLY, 0, &why);
	}
	if (fd >= 0 && fstat(fd, &st) == 0) {
		*size = (uint64_t)st.st_size;
		return fd;
	}
	if (fd >= 0)
		err_errno(&why, errno, "%s", file);
	if (fd >= 0)
		close(fd);
	err_temp(e, "4.2.0", "%s%.200s", m->path, why.text);
	return -1;
}

bool mailbox_dir_size(struct mailbox *m, size_t i, struct err *e)
{
	struct mailbox_msg *msg = msg_at(m, i);
	struct mailbox_count c = {0};
	uint64_t size, at = 0;
	char last = '\n';
	bool ok = true;
	int fd;

	if (msg->flags & MSG_SIZED)
		return true;
	fd = mailbox_dir_open(m, i, &size, e);
	if (fd < 0)
		return false;
	while (ok && at < size) {
		struct span in;

		ok = mailbox_window(m, fd, i + 1, at, size, 1, &in, e);
		if (!ok)
			break;
		m->window[-1] = last;
		mailbox_skim(&c, in.ptr, in.len, false);
		last = in.ptr[in.len - 1];
		at += in.len;
	}
	close(fd);
	if (!ok)
		return false;
	msg->length = size;
	msg->bare = (uint32_t)c.bare;
	msg->lines = (uint32_t)(c.lines + (last != '\n'));
	msg->octets = size + c.bare + (last == '\n' ? 0 : last == '\r' ? 1 : 2);
	msg->flags |= MSG_SIZED | MSG_WEIGHED;
	if (last != '\n')
		msg->flags |= last == '\r' ? MSG_UNFINISHED | MSG_UNFINISHED_CR : MSG_UNFINISHED;
	return true;
}
