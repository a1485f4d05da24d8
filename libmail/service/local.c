/*
 * Delivery into an mbox; see service/local.h.  Maildir is in local_maildir.c.
 *
 * The order in the mbox: lock, look whether the path still names the locked
 * file (popd replaces it by rename), append, flush, unlock.
 */
#include "service/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "format/mbox.h"
#include "format/submit.h"
#include "service/local_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/lock.h"
#include "sys/log.h"

enum {
	REOPENS = 8, /* an mbox replaced more often than this while we lock it is no mailbox */
};

/*
 * RFC 5321 section 4.4: final delivery adds the return path. Delivered-To names the
 * recipient that was meant, for users with several addresses.
 */
void local_put_trace(const struct local_job *job, struct buf *out)
{
	buf_puts(out, "Return-Path: <");
	buf_put(out, job->sender);
	buf_puts(out, ">\n");
	if (job->rcpt.len) {
		buf_puts(out, "Delivered-To: ");
		buf_put(out, job->rcpt);
		buf_puts(out, "\n");
	}
}

static void fail_all(struct local_job *jobs, size_t n, const struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (jobs[i].err.class == ERR_NONE)
			jobs[i].err = *e;
}

/*
 * A file of another owner may have been put there for us to write into; with a second link
 * the text would appear elsewhere, too.
 */
static bool check_ours(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_errno(e, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_perm(e, "5.2.0", "%s: not a mailbox file", path);
	if (st.st_uid != geteuid())
		return err_temp(e, "4.2.0", "%s: owned by uid %u, not by uid %u", path,
				(unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_nlink > 1)
		return err_temp(e, "4.2.0", "%s: has more than one hard link", path);
	return true;
}

/* True when path and fd are the same file. */
static bool still_named(int fd, const char *path)
{
	struct stat open_st, path_st;

	return fstat(fd, &open_st) == 0 && lstat(path, &path_st) == 0 &&
	       open_st.st_ino == path_st.st_ino && open_st.st_dev == path_st.st_dev;
}

static int open_locked(const struct local_box *box, struct lock *lock, struct err *e)
{
	bool torn = false;

	for (int i = 0; i < REOPENS; i++) {
		int fd =
		    openat(AT_FDCWD, box->path,
			   O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		if (fd < 0) {
			err_errno(e, errno, "cannot open mailbox %s", box->path);
			return -1;
		}
		/* Only ESTALE of lock_mailbox means "again". */
		e->sys = 0;
		if (!(box->file ? local_check_file : check_ours)(fd, box->path, e) ||
		    !lock_mailbox(fd, box->path, box->wait_ms, lock, &torn, e)) {
			close(fd);
			/* popd put a new file in its place while we waited: that one then. */
			if (e->sys == ESTALE)
				continue;
			return -1;
		}
		if (torn)
			log_warn("%s: cut off what a crashed delivery left", box->path);
		/* A link in its place would name the same file through stat; lstat tells. */
		if (still_named(fd, box->path))
			return fd;
		lock_release(lock);
		close(fd);
	}
	err_temp(e, "4.2.0", "mailbox %s is replaced again and again", box->path);
	return -1;
}

bool local_flush(int fd, struct buf *out, size_t above)
{
	if (out->len <= above)
		return true;
	if (!buf_ok(out)) {
		errno = ENOMEM;
		return false;
	}
	if (!fs_write(fd, buf_span(out)))
		return false;
	buf_reset(out);
	return true;
}

bool local_need_chunk(const struct local_job *jobs, size_t n, char **chunk, struct err *e)
{
	*chunk = NULL;
	for (size_t i = 0; i < n && !*chunk; i++)
		if (jobs[i].fd >= 0 && !(*chunk = malloc(LOCAL_CHUNK)))
			return err_temp(e, "4.3.0", "out of memory");
	return true;
}

ssize_t local_read(const struct local_job *job, char *chunk, uint64_t at, struct span *text)
{
	ssize_t had = 0, got;

	if (job->fd < 0) {
		*text = at ? SPAN("") : job->text;
		return (ssize_t)text->len;
	}
	if (at < job->head)
		had = fs_pread(job->header, chunk, LOCAL_CHUNK, (off_t)at);
	/* The rest of the chunk at once: a short read is the end of the message. */
	got = had < 0 ? had
		      : fs_pread(job->fd, chunk + had, LOCAL_CHUNK - (size_t)had,
				 (off_t)(job->at + at + (uint64_t)had - job->head));
	*text = span_make(chunk, got >= 0 ? (size_t)(had + got) : 0);
	return got < 0 ? got : had + got;
}

/* The header goes through a filter; in bodies there is nothing to be looked for. */
static bool copy_message(int fd, struct local_job *job, char *chunk, struct buf work[2])
{
	static const struct submit_fields none;
	struct mbox_quote q;
	struct submit filter;
	struct buf *out = &work[0], *head = &work[1];
	uint64_t at = 0;
	struct span text;
	bool ok = true;
	ssize_t got;

	mbox_quote_init(&q);
	submit_init(&filter, SUBMIT_MBOX, &none);
	buf_reset(head);
	while (ok && (got = local_read(job, chunk, at, &text)) > 0) {
		at += text.len;
		if (filter.in_header || filter.crs) {
			buf_reset(head);
			submit_feed(&filter, text, head);
			text = buf_span(head);
		}
		mbox_quote_feed(&q, text, out);
		ok = buf_ok(head) && local_flush(fd, out, LOCAL_CHUNK);
		/* A short read is the end, which saves the last empty one. */
		if (got < LOCAL_CHUNK)
			break;
	}
	if (filter.in_header) {
		buf_reset(head);
		submit_finish(&filter, head);
		mbox_quote_feed(&q, buf_span(head), out);
	}
	mbox_quote_finish(&q, out);
	return ok && buf_ok(head) && got >= 0 && local_flush(fd, out, 0);
}

static bool append(int fd, struct local_job *job, char *chunk, struct buf work[2])
{
	struct clock_wall now = clock_wall();

	buf_reset(work);
	mbox_put_from(work, job->sender, now.s, clock_zone(now.s));
	local_put_trace(job, work);
	return copy_message(fd, job, chunk, work);
}

static void append_all(int fd, const char *path, struct local_job *jobs, size_t n, char *chunk,
		       struct buf work[2])
{
	/* Everything behind at is ours: the lock is held until the end. */
	off_t start = lseek(fd, 0, SEEK_END), at = start;
	struct err e;

	for (size_t i = 0; i < n && at >= 0; i++) {
		if (append(fd, &jobs[i], chunk, work)) {
			at = lseek(fd, 0, SEEK_END);
			continue;
		}
		err_errno(&jobs[i].err, errno, "cannot write mailbox %s", path);
		/* If even this fails the dot-lock's length makes the next writer cut it off. */
		if (ftruncate(fd, at) != 0)
			log_err("%s: cannot cut off a torn message: %s", path, strerror(errno));
	}
	/* One flush for the batch, which is why messages are gathered. */
	if (at >= 0 && at != start && fdatasync(fd) == 0)
		return;
	if (at == start)
		return;
	err_errno(&e, errno, "cannot flush mailbox %s", path);
	fail_all(jobs, n, &e);
	if (start >= 0 && ftruncate(fd, start) != 0)
		log_err("%s: cannot cut off what was not flushed: %s", path, strerror(errno));
}

static void deliver_mbox(const struct local_box *box, struct local_job *jobs, size_t n)
{
	struct lock lock;
	struct err e = {0};
	char *chunk = NULL;
	int fd = -1;

	if (local_need_chunk(jobs, n, &chunk, &e) &&
	    (!box->file || local_check_place(box->path, &e)))
		fd = open_locked(box, &lock, &e);
	if (fd < 0) {
		fail_all(jobs, n, &e);
	} else {
		append_all(fd, box->path, jobs, n, chunk, box->work);
		lock_release(&lock);
		close(fd);
	}
	free(chunk);
}

static bool is_maildir(const char *path)
{
	size_t len = strlen(path);
	struct stat st;

	return (len && path[len - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

void local_deliver(const struct local_box *box, struct local_job *jobs, size_t n)
{
	BUG_ON(n > LOCAL_BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		jobs[i].err = (struct err){.class = ERR_NONE};
	if (!box->file && is_maildir(box->path))
		local_deliver_maildir(box, jobs, n);
	else
		deliver_mbox(box, jobs, n);
}
