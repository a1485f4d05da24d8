/*
 * Changes of a Maildir as a mailbox: deletions and marks; see mailbox.h.
 *
 * Each message is a file of its own, so there is nothing to undo when a commit stops half way:
 * what was done is done, the rest is done by the next one.  A message that another program
 * took away meanwhile is no failure.
 */
#include "format/maildir.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where a removed message's file goes, until mailbox_dir_purge. */
#define DISCARDED "tmp/deleted."

enum { MARKS = 16 }; /* bits of mailbox_msg.flags */

/*
 * Takes a file out of the mailbox: by moving it to tmp/, which is quick, or where that cannot
 * be done by unlinking it, which on some file systems takes a thousand times as long.
 */
static bool discard(const struct mailbox *m, const char *file)
{
	char to[sizeof DISCARDED + MAILBOX_DIR_FILE];

	snprintf(to, sizeof to, DISCARDED "%s", file + 4);
	return renameat(m->fd, file, m->fd, to) == 0 || unlinkat(m->fd, file, 0) == 0;
}

static bool remove_file(struct mailbox *m, struct mailbox_msg *msg)
{
	char file[MAILBOX_DIR_FILE];

	mailbox_dir_file(m, msg, file);
	if (discard(m, file))
		return true;
	if (errno != ENOENT)
		return false;
	/* Gone is no failure: it was to go. */
	if (!mailbox_dir_find_again(m, msg))
		return true;
	mailbox_dir_file(m, msg, file);
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
	char file[MAILBOX_DIR_FILE], to[MAILBOX_DIR_FILE + 16], add[MARKS + 1] = "",
									    drop[MARKS + 1] = "";
	struct maildir_name name;
	struct buf b;
	size_t na = 0, nd = 0;

	/* Letters of other programs, keywords for example, are in neither list and stay. */
	for (unsigned mark = 1; mark < 1U << MARKS; mark <<= 1) {
		char letter = mailbox_dir_letter(mark);

		if (letter && marks & mark)
			add[na++] = letter;
		else if (letter)
			drop[nd++] = letter;
	}
	maildir_parse(msg_name(m, msg), &name);
	buf_init_fixed(&b, to, sizeof to);
	buf_puts(&b, "cur/");
	maildir_put_flags(&b, &name, add, drop);
	mailbox_dir_file(m, msg, file);
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
	return !mailbox_dir_find_again(m, msg) || rename_to(m, msg, marks) || errno == ENOENT;
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
