/*
 * Opening and closing mailboxes, and what can be asked of one; see mailbox.h.
 *
 * Which messages there are is decided once, under the lock, when the mailbox is opened.
 */
#include "service/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/date.h"
#include "format/header.h"
#include "format/maildir.h"
#include "format/mbox.h"
#include "service/mailbox_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

enum {
	LIST_MAX = 640 << 20,   /* octets of the list: 16 million messages */
	NAMES_MAX = 1 << 30,    /* octets of a Maildir's names */
	REOPEN_MAX = 10,        /* times the name may become another file while we wait for it */
	WINDOW_LEAD = 16,       /* octets before the window, of which one is used */
	RETURN_PATH_MAX = 1024, /* of the field; a path has at most 256 octets */
};

bool mailbox_is_dir(const char *path)
{
	char part[MAILBOX_PATH_MAX + 8];
	struct stat st;

	/* "path/" is a Maildir by agreement, even before it exists. */
	if (path[0] && path[strlen(path) - 1] == '/')
		return true;
	snprintf(part, sizeof part, "%s/cur", path);
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && stat(part, &st) == 0;
}

static struct mailbox *make(const char *path, unsigned how, const char *journal_dir, struct err *e)
{
	struct mailbox *m = calloc(1, sizeof *m);
	struct mailbox_hash h;

	if (m)
		m->window = malloc(WINDOW_LEAD + MAILBOX_WINDOW);
	if (!m || !m->window) {
		free(m);
		err_errno(e, ENOMEM, "%s", path);
		return NULL;
	}
	m->window += WINDOW_LEAD;
	m->fd = -1;
	m->how = how;
	m->maildir = mailbox_is_dir(path);
	buf_init(&m->msgs, LIST_MAX);
	buf_init(&m->names, NAMES_MAX);
	snprintf(m->path, sizeof m->path, "%s%s", path,
		 m->maildir && path[strlen(path) - 1] != '/' ? "/" : "");
	if (!journal_dir || !journal_dir[0] || strlen(journal_dir) > sizeof m->journal - 64)
		return m;
	/* The journal is kept elsewhere, so its name is made of the mailbox's whole path. */
	mailbox_hash_init(&h);
	mailbox_hash_add(&h, path, strlen(path));
	snprintf(m->journal, sizeof m->journal, "%s/.letterbox-%016llx.journal", journal_dir,
		 (unsigned long long)mailbox_hash_end(&h));
	return m;
}

/* The second lock; false only when another session has it. */
static bool lock_session(const struct mailbox *m, struct err *e)
{
	/*
	 * flock, which the delivery agents do not use: it keeps sessions from each other,
	 * not mail out. File systems without it have to do without.
	 */
	if (!(m->how & MAILBOX_SESSION) || flock(m->fd, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK)
		return true;
	err_temp(e, "4.2.0", "%s: another session has it", m->path);
	e->sys = EBUSY;
	return false;
}

static bool open_dir(struct mailbox *m, struct err *e)
{
	m->fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->fd < 0 && errno == ENOENT && !(m->how & MAILBOX_MUST_EXIST))
		return true;
	if (m->fd < 0)
		return err_errno(e, errno, "%s", m->path);
	/* What new/ looks like now, for mailbox_has_grown. */
	if (fstatat(m->fd, "new", &m->st, 0) != 0 || faccessat(m->fd, "cur", F_OK, 0) != 0)
		return err_perm(e, "5.2.0", "%s: is no Maildir", m->path);
	return lock_session(m, e) && mailbox_dir_scan(m, e);
}

static bool open_file(struct mailbox *m, struct err *e)
{
	int flags = m->how & MAILBOX_READ_ONLY ? O_RDONLY : O_RDWR;
	struct err why;

	m->fd = fs_open_regular(AT_FDCWD, m->path, flags, FS_FOLLOW, &why);
	/* A mailbox that may only be read is shown all the same. */
	if (m->fd < 0 && (why.sys == EACCES || why.sys == EROFS)) {
		m->how |= MAILBOX_READ_ONLY;
		m->fd = fs_open_regular(AT_FDCWD, m->path, O_RDONLY, FS_FOLLOW, &why);
	}
	if (m->fd >= 0 || (why.sys == ENOENT && !(m->how & MAILBOX_MUST_EXIST)))
		return true;
	*e = why;
	return false;
}

static bool scan_file(struct mailbox *m, struct err *e)
{
	if (fstat(m->fd, &m->st) != 0)
		return err_errno(e, errno, "%s", m->path);
	m->asked = (uint64_t)m->st.st_size;
	return mailbox_scan(m, (uint64_t)m->st.st_size, e);
}

/* *again: the name is another file by now. */
static bool open_mbox(struct mailbox *m, bool *again, struct err *e)
{
	bool torn = false, ok;
	struct lock l;

	*again = false;
	if (!open_file(m, e))
		return false;
	if (m->fd < 0)
		return true;
	if (!lock_session(m, e))
		return false;
	/* Who cannot write cannot lock either; a message being appended then shows as it is. */
	if (m->how & MAILBOX_READ_ONLY)
		return scan_file(m, e);
	/* The name became another file while we waited for the lock: opened anew. */
	if (!lock_mailbox(m->fd, m->path, MAILBOX_LOCK_WAIT_MS, &l, &torn, e)) {
		*again = e->sys == ESTALE;
		return false;
	}
	if (torn)
		log_warn("%s: cut off the torn message of a program that died", m->path);
	/* A commit that a crash cut short is brought to its end first. */
	ok = mailbox_journal_recover(m, e) && scan_file(m, e);
	lock_release(&l);
	return ok;
}

struct mailbox *mailbox_open(const char *path, unsigned how, const char *journal_dir, struct err *e)
{
	struct mailbox *m;
	bool ok, again = false;

	if (!path[0] || strlen(path) >= MAILBOX_PATH_MAX - 1) {
		err_perm(e, "5.2.0", "%.200s: not a path of a mailbox", path);
		return NULL;
	}
	m = make(path, how, journal_dir, e);
	if (!m)
		return NULL;
	ok = m->maildir ? open_dir(m, e) : open_mbox(m, &again, e);
	for (int i = 0; again && i < REOPEN_MAX; i++) {
		close(m->fd);
		ok = open_mbox(m, &again, e);
	}
	if (ok)
		return m;
	mailbox_close(m);
	return NULL;
}

void mailbox_close(struct mailbox *m)
{
	if (!m)
		return;
	/* The purge takes over the descriptor and closes it. */
	if (m->fd >= 0 && m->maildir && !(m->how & MAILBOX_READ_ONLY))
		mailbox_dir_purge(m->fd);
	else if (m->fd >= 0)
		close(m->fd);
	buf_free(&m->msgs);
	buf_free(&m->names);
	free(m->window - WINDOW_LEAD);
	free(m);
}

size_t mailbox_count(const struct mailbox *m)
{
	return msg_count(m);
}

bool mailbox_is_maildir(const struct mailbox *m)
{
	return m->maildir;
}

bool mailbox_info(struct mailbox *m, size_t i, struct mailbox_info *info, struct err *e)
{
	struct mailbox_msg *msg = msg_at(m, i);
	unsigned added = 0;

	if (m->maildir && !mailbox_dir_size(m, i, e))
		return false;
	/* Line ends that the reader will add to a last line without one. */
	if (msg->flags & MSG_UNFINISHED)
		added = msg->flags & MSG_UNFINISHED_CR ? 1 : 2;
	*info = (struct mailbox_info){.octets = msg->octets,
				      .size = msg->octets - msg->bare - added,
				      .lines = msg->lines,
				      .flags = mailbox_flags(m, i)};
	return true;
}

bool mailbox_octets(struct mailbox *m, size_t i, uint64_t *octets, struct err *e)
{
	if (m->maildir && !(msg_at(m, i)->flags & MSG_WEIGHED) && !mailbox_dir_size(m, i, e))
		return false;
	*octets = msg_at(m, i)->octets;
	return true;
}

unsigned mailbox_flags(const struct mailbox *m, size_t i)
{
	return msg_at(m, i)->flags & (MSG_STORED | MAILBOX_DELETED);
}

void mailbox_mark(struct mailbox *m, size_t i, unsigned set, unsigned clear)
{
	struct mailbox_msg *msg = msg_at(m, i);
	unsigned old = msg->flags, all = MSG_STORED | MAILBOX_DELETED;
	unsigned now = ((old | (set & all)) & ~(clear & all)) & 0xffff;

	/* A deletion shows by itself; marks that can be stored have to be written. */
	if ((now ^ old) & MSG_STORED)
		now |= MSG_CHANGED;
	msg->flags = now & 0xffff;
}

void mailbox_uid(const struct mailbox *m, size_t i, char uid[MAILBOX_UID_MAX + 1])
{
	const struct mailbox_msg *msg = msg_at(m, i);
	struct maildir_name name;

	if (m->maildir && msg->uid == 0) {
		maildir_parse(msg_name(m, msg), &name);
		span_to_cstr(name.unique, uid, MAILBOX_UID_MAX + 1);
		return;
	}
	snprintf(uid, MAILBOX_UID_MAX + 1, "%016llx", (unsigned long long)msg->uid);
}

static bool mbox_envelope(struct mailbox *m, const struct mailbox_msg *msg, struct buf *out,
			  struct err *e)
{
	struct span line;

	if (!mailbox_window(m, m->fd, 0, msg->at, msg->at + msg->head_len, msg->head_len, &line, e))
		return false;
	buf_put(out, span_trim(span_skip(line, 5)));
	return true;
}

/* Puts the path of the first Return-Path field; nothing when there is none. */
static bool put_return_path(struct mailbox *m, size_t i, struct buf *out, struct err *e)
{
	struct mailbox_reader r;
	struct header_reader h;
	struct header_field f;
	enum header_event ev = HEADER_MORE;
	char chunk[1024];
	size_t got = 1;
	bool ok, found = false;

	if (!mailbox_read_open(m, i, MAILBOX_LF, 0, &r, e))
		return false;
	header_reader_init(&h, RETURN_PATH_MAX, 0);
	while ((ok = mailbox_read(&r, chunk, sizeof chunk, &got, e)) && got && !found) {
		struct span in = span_make(chunk, got);

		while (!found && (ev = header_reader_next(&h, &in, &f)) == HEADER_FIELD) {
			struct span path = f.value;

			found = ascii_eq_nocase(f.name, SPAN("Return-Path"));
			if (!found)
				continue;
			span_cut(&path, '<');
			path = span_cut(&path, '>');
			buf_put(out, path.len ? path : SPAN("MAILER-DAEMON"));
		}
		if (ev == HEADER_BODY || ev == HEADER_TOO_BIG)
			break;
	}
	if (ok && !found)
		buf_puts(out, "MAILER-DAEMON");
	header_reader_free(&h);
	mailbox_read_close(&r);
	return ok;
}

bool mailbox_envelope(struct mailbox *m, size_t i, struct buf *out, struct err *e)
{
	const struct mailbox_msg *msg = msg_at(m, i);
	struct maildir_name name;

	if (!m->maildir)
		return mbox_envelope(m, msg, out, e);
	if (!put_return_path(m, i, out, e))
		return false;
	maildir_parse(msg_name(m, msg), &name);
	buf_putc(out, ' ');
	date_put_ctime(out, name.seconds, clock_zone(name.seconds));
	return true;
}

bool mailbox_has_grown(struct mailbox *m)
{
	char file[MAILBOX_PATH_MAX + 8];
	struct stat st;
	bool grown;

	snprintf(file, sizeof file, "%s%s", m->path, m->maildir ? "new" : "");
	if (stat(file, &st) != 0)
		return false;
	if (m->maildir) {
		grown = st.st_mtim.tv_sec != m->st.st_mtim.tv_sec ||
			st.st_mtim.tv_nsec != m->st.st_mtim.tv_nsec;
		m->st.st_mtim = st.st_mtim;
		return grown;
	}
	grown = (uint64_t)st.st_size > m->asked;
	m->asked = (uint64_t)st.st_size;
	return grown;
}

bool mailbox_commit(struct mailbox *m, struct mailbox_result *res, struct err *e)
{
	struct mailbox_result mine = {0};
	bool ok = true;

	if (m->fd >= 0)
		ok =
		    m->maildir ? mailbox_dir_commit(m, &mine, e) : mailbox_commit_mbox(m, &mine, e);
	mine.grown = mine.grown || mailbox_has_grown(m);
	if (res)
		*res = mine;
	return ok;
}
