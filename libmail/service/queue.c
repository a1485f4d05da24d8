/*
 * The queue directory: names, writing and committing; see service/queue.h for
 * the states.  Reading is in queue_item.c.
 *
 * Must not open anything by a name that did not pass queue_valid_id.
 */
#include "service/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "sys/commit.h"
#include "sys/fs.h"
#include "sys/lock.h"
#include "sys/log.h"

static int open_dir(int at, const char *name)
{
	/* Root gives tmp and queue away (queue_adopt): not what a link in their place leads to. */
	int flags = at == AT_FDCWD ? 0 : O_NOFOLLOW;

	return openat(at, name, flags | O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool queue_open(struct queue *q, const char *path, bool create, struct err *e)
{
	*q = (struct queue){.root = -1, .tmp = -1, .dir = -1};
	if (!span_to_cstr(span_str(path), q->path, sizeof q->path))
		return err_perm(e, "5.3.5", "queue directory: path too long");
	if (create && !fs_mkdirs(path, 0711, e))
		return false;
	q->root = open_dir(AT_FDCWD, path);
	if (q->root < 0)
		return err_errno(e, errno, "queue directory %s", path);
	if (create && (!fs_mkdir(q->root, "tmp", 0700, e) || !fs_mkdir(q->root, "queue", 0700, e)))
		goto out;
	q->tmp = open_dir(q->root, "tmp");
	q->dir = open_dir(q->root, "queue");
	/* Asked of the effective user: a set-id or dropped process has another real one. */
	if (q->tmp >= 0 && q->dir >= 0 && faccessat(q->root, "queue", W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	err_errno(e, errno, "queue directory %s", path);
out:
	queue_close(q);
	return false;
}

void queue_close(struct queue *q)
{
	if (q->root >= 0)
		close(q->root);
	if (q->tmp >= 0)
		close(q->tmp);
	if (q->dir >= 0)
		close(q->dir);
	q->root = q->tmp = q->dir = -1;
}

/*
 * The first eight are sendmail's scheme (year to second, sequence), so that names sort by
 * age; randomness instead of a sequence number and a process id, since several hosts may
 * share the queue.
 */
void queue_make_id(char id[QUEUE_ID_MAX], int64_t now_s, uint64_t unique)
{
	static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";
	time_t t = (time_t)now_s;
	unsigned seq = (unsigned)(unique % 3600);
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	snprintf(id, QUEUE_ID_MAX, "%c%c%c%c%c%c%c%c%06u", digit[(unsigned)tm.tm_year % 60],
		 digit[(unsigned)tm.tm_mon % 60], digit[(unsigned)tm.tm_mday % 60],
		 digit[(unsigned)tm.tm_hour % 60], digit[(unsigned)tm.tm_min % 60],
		 digit[(unsigned)tm.tm_sec % 60], digit[seq / 60], digit[seq % 60],
		 (unsigned)(unique / 3600 % 1000000));
}

/* Letters and digits: no path, no hidden file, nothing that a shell would look at. */
bool queue_valid_id(struct span id)
{
	if (id.len < 14 || id.len >= QUEUE_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!ascii_is_alnum(id.ptr[i]))
			return false;
	return true;
}

/*
 * Makes tmp/ID and locks it: the lock tells the sweeper that the writer lives.  False with
 * errno; EAGAIN when the sweeper was faster.
 */
static bool make_locked(const struct queue *q, struct queue_writer *w, struct stat *st)
{
	w->fd = openat(q->tmp, w->id, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return false;
	/* Where there are no locks (ENOLCK) the sweeper goes by age. */
	if ((lock_try(w->fd) || errno != EAGAIN) && fstat(w->fd, st) == 0 && st->st_nlink)
		return true;
	close(w->fd);
	w->fd = -1;
	errno = EAGAIN;
	return false;
}

bool queue_create(const struct queue *q, struct queue_writer *w, const char *id,
		  struct span envelope, struct err *e)
{
	struct stat st;

	*w = (struct queue_writer){.fd = -1};
	if (!span_to_cstr(span_str(id), w->id, sizeof w->id) || !queue_valid_id(span_str(id)))
		return err_temp(e, "4.3.0", "queue id %s is not one of ours", id);
	/* A sweeper that met the unlocked file has removed it: once more. */
	if (!make_locked(q, w, &st) && (errno != EAGAIN || !make_locked(q, w, &st)))
		return err_errno(e, errno, "cannot make queue file %s", id);
	if (!fs_write(w->fd, envelope)) {
		err_errno(e, errno, "cannot write queue file %s", id);
		queue_discard(q, w);
		return false;
	}
	w->octets = envelope.len;
	return true;
}

/* Sticky, so a writer checks once, at the end. */
void queue_write(struct queue_writer *w, struct span octets)
{
	if (w->err.class != ERR_NONE)
		return;
	if (!fs_write(w->fd, octets))
		err_errno(&w->err, errno, "cannot write queue file %s", w->id);
	else
		w->octets += octets.len;
}

bool queue_commit(const struct queue *q, struct queue_writer *w, struct err *e)
{
	struct commit_job job = {.fd = w->fd, .from = w->id, .to = w->id};
	bool ok = w->err.class == ERR_NONE;
	struct stat owner;

	if (!ok)
		*e = w->err;
	/* Root writes for the account that owns the queue, which must be able to read it. */
	else if (geteuid() == 0 && fstat(q->tmp, &owner) == 0 && owner.st_uid != 0 &&
		 fchown(w->fd, owner.st_uid, owner.st_gid) != 0)
		ok = err_errno(e, errno, "cannot give away queue file %s", w->id);
	else
		ok = commit_now(q->tmp, q->dir, &job, e);
	if (ok) {
		queue_let_go(w);
		utimensat(q->dir, w->id, NULL, AT_SYMLINK_NOFOLLOW);
	}
	queue_discard(q, w);
	return ok;
}

void queue_let_go(struct queue_writer *w)
{
	close(w->fd);
	w->fd = -1;
}

void queue_discard(const struct queue *q, struct queue_writer *w)
{
	if (w->fd < 0)
		return;
	queue_let_go(w);
	unlinkat(q->tmp, w->id, 0);
}

bool queue_remove(const struct queue *q, const char *id, struct err *e)
{
	/* Gone is as good as removed. */
	if (unlinkat(q->dir, id, 0) != 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot remove queue file %s", id);
	return true;
}

static bool each_name(int dir, bool (*each)(void *arg, const char *id), void *arg, struct err *e)
{
	/* A descriptor of its own: q->dir would remember how far it was read. */
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!d) {
		err_errno(e, errno, "cannot read the queue directory");
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(d)) != NULL)
		if (queue_valid_id(span_str(entry->d_name)) && !each(arg, entry->d_name))
			break;
	closedir(d);
	return true;
}

bool queue_each(const struct queue *q, bool (*each)(void *arg, const char *id), void *arg,
		struct err *e)
{
	return each_name(q->dir, each, arg, e);
}

struct adopt {
	int dir;
	uid_t from, uid;
	gid_t gid;
};

static bool adopt_one(void *arg, const char *id)
{
	const struct adopt *a = arg;
	struct stat st;
	struct err e;
	int fd = fs_open_regular(a->dir, id, O_RDONLY, 0, &e);

	if (fd < 0)
		return true;
	/* Only what the old owner wrote: the names in his directory could be links to other files.
	 */
	if (fstat(fd, &st) == 0 && st.st_uid == a->from && fchown(fd, a->uid, a->gid) != 0)
		log_warn("queue file %s cannot be given to uid %u: %s", id, (unsigned)a->uid,
			 strerror(errno));
	close(fd);
	return true;
}

bool queue_adopt(const struct queue *q, uid_t uid, gid_t gid, struct err *e)
{
	const int dirs[] = {q->tmp, q->dir};

	for (size_t i = 0; i < 2; i++) {
		struct adopt a = {.dir = dirs[i], .uid = uid, .gid = gid};
		struct stat st;

		if (fstat(a.dir, &st) != 0)
			return err_errno(e, errno, "queue directory %s", q->path);
		if (st.st_uid == uid && st.st_gid == gid)
			continue;
		a.from = st.st_uid;
		/* The files first: after a crash in between the directory still tells. */
		if (!each_name(a.dir, adopt_one, &a, e))
			return false;
		if (fchown(a.dir, uid, gid) != 0)
			return err_errno(e, errno, "queue directory %s", q->path);
	}
	return true;
}

struct sweep {
	const struct queue *q;
	int64_t now_s;
};

static bool sweep_one(void *arg, const char *id)
{
	const struct sweep *s = arg;
	struct stat st;
	struct err e;
	/* Opened without following links, and only regular files. */
	int fd = fs_open_regular(s->q->tmp, id, O_RDWR, 0, &e);
	/* Held until the name is gone, so that a writer notices. */
	bool dead = fd >= 0 && lock_try(fd);

	/* Root's is root's until it is committed. */
	if (fd < 0 || (!dead && errno != EAGAIN))
		dead = fstatat(s->q->tmp, id, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		       st.st_mtime + QUEUE_ORPHAN_S < s->now_s;
	if (dead)
		unlinkat(s->q->tmp, id, 0);
	if (fd >= 0)
		close(fd);
	return true;
}

void queue_sweep(const struct queue *q, int64_t now_s)
{
	struct sweep s = {q, now_s};
	struct err e;

	each_name(q->tmp, sweep_one, &s, &e);
}
