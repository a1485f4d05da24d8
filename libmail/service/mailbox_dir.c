/*
 * A Maildir as a mailbox: list, sizes, marks; see mailbox.h.
 *
 * Other programs rename files at any time (new/ to cur/, flags).  The unique part of a name
 * never changes, so a file that is not where it was is looked for by that; only when it is
 * not there either has the message gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/maildir.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"

enum { FILE_MAX = 4 + MAILDIR_NAME_MAX + 1 };

/* Where a removed message's file goes, until mailbox_dir_purge. */
#define DISCARDED "tmp/deleted."

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

static struct span name_of(const struct mailbox *m, const struct mailbox_msg *msg)
{
	return span_make(m->names.ptr + msg->at, msg->head_len);
}

/* "new/NAME" or "cur/NAME", relative to the Maildir. */
static void file_of(const struct mailbox *m, const struct mailbox_msg *msg, char file[FILE_MAX])
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
	maildir_parse(name_of(m, x), &nx);
	maildir_parse(name_of(m, y), &ny);
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

		maildir_parse(name_of(m, msg), &name);
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

/* Looks for the file of msg under another name. */
static bool find_again(struct mailbox *m, struct mailbox_msg *msg)
{
	char unique[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;
	struct search s = {.msg = msg};
	struct mailbox_msg before = *msg;
	struct err ignored;

	/* The names' memory may move while the search adds to it. */
	maildir_parse(name_of(m, msg), &name);
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
	char file[FILE_MAX];
	struct err why;
	struct stat st;
	int fd;

	file_of(m, msg, file);
	fd = fs_open_regular(m->fd, file, O_RDONLY, 0, &why);
	if (fd < 0 && why.sys == ENOENT && find_again(m, msg)) {
		file_of(m, msg, file);
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

/*
 * Takes a file out of the mailbox: by moving it to tmp/, which is quick, or where that cannot
 * be done by unlinking it, which on some file systems takes a thousand times as long.
 */
static bool discard(const struct mailbox *m, const char *file)
{
	char to[sizeof DISCARDED + FILE_MAX];

	snprintf(to, sizeof to, DISCARDED "%s", file + 4);
	return renameat(m->fd, file, m->fd, to) == 0 || unlinkat(m->fd, file, 0) == 0;
}

static bool remove_file(struct mailbox *m, struct mailbox_msg *msg)
{
	char file[FILE_MAX];

	file_of(m, msg, file);
	if (discard(m, file))
		return true;
	if (errno != ENOENT || !find_again(m, msg))
		return errno == ENOENT;
	file_of(m, msg, file);
	return discard(m, file) || errno == ENOENT;
}

void mailbox_dir_purge(int maildir)
{
	const char *mine = strchr(DISCARDED, '/') + 1;
	int fd = openat(maildir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	/* The other sessions' lock hangs on this descriptor: they need not wait for us. */
	close(maildir);
	while (d && (entry = readdir(d)))
		if (strncmp(entry->d_name, mine, strlen(mine)) == 0)
			unlinkat(fd, entry->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static bool rename_to(struct mailbox *m, const struct mailbox_msg *msg, unsigned marks)
{
	char file[FILE_MAX], to[FILE_MAX + 16], add[LETTERS + 1] = "", drop[LETTERS + 1] = "";
	struct maildir_name name;
	struct buf b;
	size_t na = 0, nd = 0;

	for (size_t i = 0; i < LETTERS; i++) {
		if (marks & letters[i].mark)
			add[na++] = letters[i].letter;
		else
			drop[nd++] = letters[i].letter;
	}
	maildir_parse(name_of(m, msg), &name);
	buf_init_fixed(&b, to, sizeof to);
	buf_puts(&b, "cur/");
	maildir_put_flags(&b, &name, add, drop);
	file_of(m, msg, file);
	if (strcmp(file, buf_cstr(&b)) == 0)
		return true;
	return renameat(m->fd, file, m->fd, buf_cstr(&b)) == 0;
}

static bool store_marks(struct mailbox *m, struct mailbox_msg *msg)
{
	unsigned marks = msg->flags & MSG_STORED;

	if (rename_to(m, msg, marks))
		return true;
	if (errno != ENOENT)
		return false;
	/* Gone is no failure: the marks went with the message. */
	return !find_again(m, msg) || rename_to(m, msg, marks) || errno == ENOENT;
}

bool mailbox_dir_commit(struct mailbox *m, struct mailbox_result *res, struct err *e)
{
	static const char *const dirs[] = {"new", "cur"};
	bool changed = false;

	for (size_t i = 0; i < msg_count(m); i++) {
		struct mailbox_msg *msg = msg_at(m, i);
		bool gone = msg->flags & MAILBOX_DELETED;

		if (gone ? !remove_file(m, msg)
			 : (msg->flags & MSG_CHANGED) && !store_marks(m, msg))
			return err_errno(e, errno, "%s: message %zu", m->path, i + 1);
		changed = changed || gone || msg->flags & MSG_CHANGED;
		res->deleted += gone;
		res->kept += !gone;
	}
	for (size_t i = 0; changed && i < 2; i++) {
		int fd = openat(m->fd, dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bool ok = fd >= 0 ? fs_sync_dir(fd, e) : err_errno(e, errno, "%s", m->path);

		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	return true;
}
