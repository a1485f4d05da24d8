/*
 * Commit of an mbox, by truncation or by a new file beside it; see the table in mailbox.h.
 *
 * Nothing here writes into the old file but to cut it, so at every moment one of two whole
 * mailboxes has the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "service/mailbox_part.h"
#include "sys/fs.h"
#include "sys/log.h"

enum {
	STRAY_FIRST_MS = 2,  /* for those who wait for the lock to wake up */
	STRAY_WAIT_MS = 5000 /* for one that has it to finish its message */
};

enum outcome { DONE, FAILED, CANNOT };

/* Is the mailbox's scanned part as it was?  Then its times and size are taken anew. */
static bool verify(struct mailbox *m, struct err *e)
{
	uint64_t scanned = (uint64_t)m->st.st_size;
	struct mailbox again = *m;
	struct stat st;
	bool same;

	if (fstat(m->fd, &st) != 0)
		return err_errno(e, errno, "%s", m->path);
	if ((uint64_t)st.st_size < scanned)
		return err_temp(e, "4.2.0", "%s: was changed by another program", m->path);
	if ((uint64_t)st.st_size == scanned && st.st_mtim.tv_sec == m->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == m->st.st_mtim.tv_nsec)
		return true;
	buf_init(&again.msgs, m->msgs.max);
	same = mailbox_scan(&again, scanned, e) && msg_count(&again) == msg_count(m);
	for (size_t i = 0; same && i < msg_count(m); i++) {
		const struct mailbox_msg *x = msg_at(m, i), *y = msg_at(&again, i);

		same = x->at == y->at && x->length == y->length && x->uid == y->uid;
	}
	buf_free(&again.msgs);
	m->window_len = 0;
	m->st = st;
	return same || err_temp(e, "4.2.0", "%s: was changed by another program", m->path);
}

static bool cut(struct mailbox *m, uint64_t size, struct err *e)
{
	if (ftruncate(m->fd, (off_t)size) != 0 || fsync(m->fd) != 0)
		return err_errno(e, errno, "%s", m->path);
	return true;
}

/* What has to stand in D: kept messages behind the first change, or new mail? */
static bool is_rest_empty(const struct mailbox *m, const struct mailbox_plan *p)
{
	if (p->size > p->tail)
		return false;
	for (size_t i = p->first; i < msg_count(m); i++)
		if (!(msg_at(m, i)->flags & MAILBOX_DELETED))
			return false;
	return true;
}

struct beside {
	char dir[MAILBOX_PATH_MAX], tmp[MAILBOX_PATH_MAX + 16];
	int dirfd, fd;
};

/* Makes the new file with the old one's owner and mode, or finds that it cannot be. */
static enum outcome make_beside(struct mailbox *m, struct beside *b, struct err *e)
{
	const char *slash = strrchr(m->path, '/');
	int len = slash ? (int)(slash - m->path) + 1 : 0;
	struct stat st;

	if (lstat(m->path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return CANNOT;
	snprintf(b->dir, sizeof b->dir, "%.*s.", len, m->path);
	snprintf(b->tmp, sizeof b->tmp, "%.*s.%s.new", len, m->path, m->path + len);
	b->dirfd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->dirfd < 0)
		return CANNOT;
	unlink(b->tmp);
	b->fd = open(b->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->fd < 0) {
		bool full = errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == ENFILE;

		err_errno(e, errno, "%s", b->tmp);
		return full ? FAILED : CANNOT;
	}
	if (fstat(b->fd, &st) != 0 ||
	    ((st.st_uid != m->st.st_uid || st.st_gid != m->st.st_gid) &&
	     fchown(b->fd, m->st.st_uid, m->st.st_gid) != 0) ||
	    fchmod(b->fd, m->st.st_mode & 07777) != 0)
		return CANNOT;
	return DONE;
}

static bool fill_beside(struct mailbox *m, const struct mailbox_plan *p, const struct beside *b,
			struct err *e)
{
	struct mailbox_out o;
	struct err why = {0};
	bool ok;

	mailbox_out_init(&o, b->fd);
	ok = mailbox_commit_range(m, &o, 0, p->from, &why) && mailbox_commit_rest(m, p, &o, &why);
	/* What was read wrong is the first cause, whatever the writing did. */
	if (!mailbox_out_end(&o) && ok)
		ok = err_errno(&why, errno, "%s", b->tmp);
	if (ok && fsync(b->fd) != 0)
		ok = err_errno(&why, errno, "%s", b->tmp);
	if (!ok)
		*e = why;
	return ok;
}

static enum outcome put_beside(struct mailbox *m, const struct mailbox_plan *p, struct beside *b,
			       struct err *e)
{
	enum outcome made = make_beside(m, b, e);

	if (made == DONE) {
		/* Until the directory is flushed, mail put into the new file could vanish with it.
		 */
		lock_try(b->fd);
		made = fill_beside(m, p, b, e) ? DONE : FAILED;
	}
	if (made == DONE && rename(b->tmp, m->path) != 0) {
		err_errno(e, errno, "%s", m->path);
		/* A mount point, or a directory of others' files, cannot be replaced. */
		made = errno == EBUSY || errno == EXDEV || errno == EPERM || errno == EACCES
			   ? CANNOT
			   : FAILED;
	}
	if (made != DONE) {
		if (b->fd >= 0)
			unlink(b->tmp);
		return made;
	}
	return fs_sync_dir(b->dirfd, e) ? DONE : FAILED;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/*
 * A program that waited for the old inode's lock and does not look at the name again appends
 * there.  The old file's lock was just given up: let such a one go first, then take it over.
 */
static void move_strays(struct mailbox *m, const struct mailbox_plan *p, int to)
{
	struct mailbox_out o;
	struct stat st;
	struct err e;
	long waited = STRAY_FIRST_MS;

	sleep_ms(STRAY_FIRST_MS);
	while (!lock_try(m->fd) && errno == EAGAIN && waited < STRAY_WAIT_MS) {
		sleep_ms(20);
		waited += 20;
	}
	if (fstat(m->fd, &st) != 0 || (uint64_t)st.st_size <= p->size)
		return;
	m->st = st;
	m->window_len = 0;
	lseek(to, 0, SEEK_END);
	mailbox_out_init(&o, to);
	if (!mailbox_commit_range(m, &o, p->size, (uint64_t)st.st_size, &e) ||
	    !mailbox_out_end(&o) || fsync(to) != 0)
		log_err("%s: mail that came during its commit was lost", m->path);
	else
		log_info("%s: moved %llu octets that came during its commit", m->path,
			 (unsigned long long)(st.st_size - (off_t)p->size));
}

/* Commits the plan; m->fd is locked by l, which is released in any case. */
static bool apply(struct mailbox *m, const struct mailbox_plan *p, struct lock *l, struct err *e)
{
	struct beside b = {.dirfd = -1, .fd = -1};
	enum outcome o = CANNOT;
	bool ok;

	/* A dot-lock's record of the length is about the old contents: nothing may be cut by it. */
	if (l->dotfd >= 0)
		(void)!ftruncate(l->dotfd, 0);
	if (is_rest_empty(m, p)) {
		ok = cut(m, p->from, e);
	} else {
		o = put_beside(m, p, &b, e);
		ok = o == DONE;
		if (o == CANNOT)
			ok = mailbox_journal_commit(m, p, e);
	}
	lock_release(l);
	if (o == DONE)
		move_strays(m, p, b.fd);
	if (b.fd >= 0)
		close(b.fd);
	if (b.dirfd >= 0)
		close(b.dirfd);
	return ok;
}

bool mailbox_commit_mbox(struct mailbox *m, struct mailbox_result *res, struct err *e)
{
	struct mailbox_plan p = {.tail = (uint64_t)m->st.st_size};
	size_t n = msg_count(m);
	struct lock l;

	for (size_t i = 0; i < n; i++)
		res->deleted += (msg_at(m, i)->flags & MAILBOX_DELETED) != 0;
	res->kept = n - res->deleted;
	while (p.first < n && !(msg_at(m, p.first)->flags & (MAILBOX_DELETED | MSG_CHANGED)))
		p.first++;
	if (p.first == n)
		return true;
	if (m->how & MAILBOX_READ_ONLY)
		return err_temp(e, "4.2.0", "%s: may only be read", m->path);
	p.from = msg_at(m, p.first)->at;
	if (!lock_mailbox(m->fd, m->path, MAILBOX_LOCK_WAIT_MS, &l, NULL, e))
		return false;
	if (!verify(m, e)) {
		lock_release(&l);
		return false;
	}
	p.size = (uint64_t)m->st.st_size;
	res->grown = p.size > p.tail;
	return apply(m, &p, &l, e);
}
