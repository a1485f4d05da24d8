/*
 * Mailbox locks; see sys/lock.h.
 *
 * A lock file is an unverified claim: in a world-writable spool anybody can plant one.
 * So it may delay us until it is stale, but it makes us cut a mailbox only when our own
 * user wrote it.  Must not leave anything behind in the spool when it is killed but PATH.lock.
 */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum {
	BOOT_ID_MAX = 40, /* a UUID of 36 octets */
	RECORD_MAX = 80,  /* pid, length and boot id with their line ends */
	LOCK_EMPTY_S = 3, /* between making PATH.lock and writing it lie microseconds */
	SLEEP_MIN_MS = 2,
	SLEEP_MAX_MS = 128,
};

enum turn { TURN_GOT, TURN_BUSY, TURN_NONE };

/* What PATH.lock says. */
struct claim {
	struct stat st;
	pid_t pid;      /* 0: does not say */
	int64_t length; /* -1: does not say */
	bool booted;    /* it names a boot ... */
	bool same_boot; /* ... which is ours */
};

struct attempt {
	const char *path;
	struct lock *lock;
	bool no_dot; /* a stale PATH.lock that cannot be removed */
	bool torn;
	pid_t holder; /* for the error text; 0 when unknown */
};

static int set_fcntl(int fd, short type)
{
	struct flock lk = {.l_type = type, .l_whence = SEEK_SET};

	/*
	 * Locks of the open file description: closing another descriptor of the file does
	 * not drop them, as it does with those of POSIX. Kernels before 3.15 have only the
	 * latter.
	 */
	if (fcntl(fd, F_OFD_SETLK, &lk) == 0)
		return 0;
	return errno == EINVAL ? fcntl(fd, F_SETLK, &lk) : -1;
}

static enum turn take_fcntl(int fd)
{
	if (set_fcntl(fd, F_WRLCK) == 0)
		return TURN_GOT;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? TURN_BUSY : TURN_NONE;
}

bool lock_try(int fd)
{
	if (set_fcntl(fd, F_WRLCK) == 0)
		return true;
	/* Two errnos for "somebody has it" (POSIX leaves the choice): callers know one. */
	if (errno == EACCES)
		errno = EAGAIN;
	return false;
}

static void read_boot_id(char id[BOOT_ID_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? fs_pread(fd, id, BOOT_ID_MAX - 1, 0) : 0;

	id[n > 0 ? n : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static void parse_claim(struct claim *c, struct span text)
{
	struct span line = span_cut(&text, '\n');
	char boot[BOOT_ID_MAX];
	uint64_t v;

	if (num_parse(span_trim(line), INT32_MAX, &v))
		c->pid = (pid_t)v;
	if (num_parse(span_cut(&text, '\n'), INT64_MAX, &v))
		c->length = (int64_t)v;
	line = span_cut(&text, '\n');
	if (line.len == 0)
		return;
	read_boot_id(boot);
	c->booted = true;
	c->same_boot = span_eq(line, span_str(boot));
}

/* False when there is no PATH.lock. */
static bool look(const struct lock *lock, struct claim *c)
{
	char text[RECORD_MAX];
	ssize_t n = 0;
	int fd;

	*c = (struct claim){.length = -1};
	/* In a spool that others write to it may be a link, a pipe or a device. */
	fd = open(lock->dotpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return lstat(lock->dotpath, &c->st) == 0;
	if (fstat(fd, &c->st) == 0 && S_ISREG(c->st.st_mode))
		n = fs_pread(fd, text, sizeof text, 0);
	close(fd);
	if (n > 0)
		parse_claim(c, span_make(text, (size_t)n));
	return true;
}

static bool is_dead(const struct claim *c)
{
	return c->pid > 0 && kill(c->pid, 0) != 0 && errno == ESRCH;
}

/* To be believed only while we have the fcntl lock. */
static bool is_stale(const struct claim *c)
{
	int64_t age = clock_wall().s - c->st.st_mtime;

	if (age >= LOCK_STALE_S)
		return true;
	/* Written with the fcntl lock in hand, which lasts as long as its owner. */
	if (c->same_boot)
		return true;
	/* Killed before it wrote, or a program of this user that is content with an empty file. */
	if (c->st.st_size == 0 && c->st.st_uid == geteuid())
		return age >= LOCK_EMPTY_S;
	/* A pid of another boot, which may be another host, says nothing. */
	return !c->booted && is_dead(c);
}

/* Does what was appended at length begin a line with "From ", behind line ends to separate it? */
static bool begins_message(int fd, int64_t length)
{
	static const struct span from = {"From ", 5};
	bool first = length == 0;
	char mem[8];
	ssize_t n = fs_pread(fd, mem, sizeof mem, first ? 0 : length - 1);
	struct span tail = span_make(mem, n > 0 ? (size_t)n : 0);

	if (!first && span_index(tail, '\n') != 0)
		tail = span_skip(tail, 1);
	if (n <= 0 || (!first && span_index(tail, '\n') != 0))
		return false;
	while (tail.len && tail.ptr[0] == '\n')
		tail = span_skip(tail, 1);
	/* A shorter tail is the beginning of one. */
	return span_starts(from, span_head(tail, from.len));
}

static bool is_torn(int fd, const struct claim *c)
{
	struct stat st;

	/* The owner is what a stranger cannot fake; the rest rules out what only looks so. */
	if (!c->same_boot || c->length < 0 || !S_ISREG(c->st.st_mode) ||
	    c->st.st_uid != geteuid() || c->st.st_nlink != 1)
		return false;
	if (fstat(fd, &st) != 0 || st.st_size <= c->length ||
	    st.st_mtime > c->st.st_mtime + LOCK_STALE_S)
		return false;
	return begins_message(fd, c->length);
}

/* Removes the stale PATH.lock c, if it still is that one and nobody has the fcntl lock. */
static bool break_stale(struct attempt *a, const struct claim *c, struct err *e)
{
	enum turn t = take_fcntl(a->lock->fd);
	struct claim now;
	bool ok = true;

	if (t == TURN_BUSY || (t == TURN_NONE && c->same_boot && !is_dead(c)))
		return true;
	/* Between our look and our lock somebody may have put up a new one. */
	if (look(a->lock, &now) && now.st.st_ino == c->st.st_ino &&
	    now.st.st_mtime == c->st.st_mtime && now.length == c->length) {
		if (is_torn(a->lock->fd, c)) {
			if (ftruncate(a->lock->fd, c->length) == 0)
				a->torn = true;
			else
				ok = err_errno(e, errno, "cannot cut the torn end of %s", a->path);
		}
		if (ok && unlink(a->lock->dotpath) != 0 && errno != ENOENT)
			a->no_dot = true;
	}
	set_fcntl(a->lock->fd, F_UNLCK);
	return ok;
}

/* TURN_NONE: this directory is not for us, or has no room. */
static enum turn take_dot(struct lock *lock)
{
	lock->dotfd =
	    open(lock->dotpath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (lock->dotfd >= 0)
		return TURN_GOT;
	return errno == EEXIST || errno == EINTR ? TURN_BUSY : TURN_NONE;
}

static void drop_dot(struct lock *lock)
{
	struct stat st;

	if (lock->dotfd < 0)
		return;
	/* Without links it was broken by somebody, and the name is another's. */
	if (fstat(lock->dotfd, &st) != 0 || st.st_nlink > 0)
		unlink(lock->dotpath);
	close(lock->dotfd);
	lock->dotfd = -1;
}

/* One try without waiting. */
static enum turn attempt(struct attempt *a, struct err *e)
{
	enum turn dot = a->no_dot ? TURN_NONE : take_dot(a->lock), record;
	struct claim c;

	if (dot != TURN_GOT && !a->no_dot && look(a->lock, &c)) {
		a->holder = c.pid;
		if (!is_stale(&c))
			return TURN_BUSY;
		if (dot == TURN_BUSY)
			return break_stale(a, &c, e) ? TURN_BUSY : TURN_NONE;
	} else if (dot == TURN_BUSY) {
		return TURN_BUSY;
	}
	record = take_fcntl(a->lock->fd);
	if (record == TURN_GOT || (record == TURN_NONE && dot == TURN_GOT))
		return TURN_GOT;
	if (record == TURN_NONE)
		err_errno(e, errno, "cannot lock %s", a->path);
	a->holder = 0;
	drop_dot(a->lock);
	return record;
}

static enum turn attempt_until(struct attempt *a, uint64_t deadline, struct err *e)
{
	long sleep_ms = SLEEP_MIN_MS;
	enum turn t;

	while ((t = attempt(a, e)) == TURN_BUSY) {
		/* At least one try, even with no time to wait. */
		uint64_t now = clock_ms();

		if (now >= deadline)
			break;
		if ((uint64_t)sleep_ms > deadline - now)
			sleep_ms = (long)(deadline - now);
		/*
		 * Doubling, so that a lock held for long costs little and a short one is
		 * had soon.
		 */
		nanosleep(&(struct timespec){.tv_nsec = sleep_ms * 1000000}, NULL);
		sleep_ms = sleep_ms * 2 < SLEEP_MAX_MS ? sleep_ms * 2 : SLEEP_MAX_MS;
	}
	return t;
}

static bool is_same_file(const struct lock *lock, const char *path, int64_t *length)
{
	struct stat by_fd, by_path;

	if (fstat(lock->fd, &by_fd) != 0 || stat(path, &by_path) != 0)
		return false;
	*length = by_fd.st_size;
	return by_fd.st_ino == by_path.st_ino && by_fd.st_dev == by_path.st_dev;
}

static void write_record(const struct lock *lock, int64_t length)
{
	char boot[BOOT_ID_MAX], text[RECORD_MAX];
	int n;

	if (lock->dotfd < 0)
		return;
	read_boot_id(boot);
	n = snprintf(text, sizeof text, "%ld\n%" PRId64 "\n%s\n", (long)getpid(), length, boot);
	/* On a full disk the lock holds nothing and is stale by age alone. */
	if (n > 0 && (size_t)n < sizeof text)
		(void)fs_pwrite(lock->dotfd, span_make(text, (size_t)n), 0);
}

bool lock_mailbox(int fd, const char *path, uint32_t wait_ms, struct lock *lock, bool *torn,
		  struct err *e)
{
	struct attempt a = {.path = path, .lock = lock};
	int64_t length = 0;
	enum turn t;
	int n;

	lock->fd = fd;
	lock->dotfd = -1;
	n = snprintf(lock->dotpath, sizeof lock->dotpath, "%s.lock", path);
	if (n < 0 || (size_t)n >= sizeof lock->dotpath)
		return err_temp(e, "4.3.0", "path too long: %.200s", path);
	t = attempt_until(&a, clock_ms() + wait_ms, e);
	if (torn)
		*torn = a.torn;
	if (t == TURN_NONE)
		return false;
	if (t == TURN_BUSY && a.holder > 0)
		return err_temp(e, "4.2.0", "mailbox %s is locked by process %ld", path,
				(long)a.holder);
	if (t == TURN_BUSY)
		return err_temp(e, "4.2.0", "mailbox %s is locked by another program", path);
	if (!is_same_file(lock, path, &length)) {
		lock_release(lock);
		err_temp(e, "4.2.0", "mailbox %s was replaced while it was opened", path);
		e->sys = ESTALE;
		return false;
	}
	write_record(lock, length);
	return true;
}

/* A long copy must not look stale to others. */
void lock_refresh(const struct lock *lock)
{
	if (lock->dotfd >= 0)
		futimens(lock->dotfd, NULL);
}

void lock_release(struct lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Should the unlink fail, a PATH.lock without a length at least cuts nothing. */
	if (lock->dotfd >= 0)
		(void)fs_pwrite(lock->dotfd, SPAN("-"), snprintf(NULL, 0, "%ld\n", (long)getpid()));
	drop_dot(lock);
	set_fcntl(lock->fd, F_UNLCK);
	lock->fd = -1;
}
