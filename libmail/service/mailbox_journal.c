/*
 * Commit of an mbox whose directory cannot be written, and recovery; see mailbox.h.
 *
 * The journal is a text header of HEAD octets, written last, and D behind it.  "from" is
 * the length of P; "old" and "size" tell the mailbox as it was: its hash behind P, and its
 * length.  A mailbox that still looks so was never cut, and needs nothing.  A journal of a recovery
 * has size 0, which no mailbox with something behind P has: it is always carried out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "format/mbox.h"
#include "service/mailbox_part.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { HEAD = 160, CHUNK = 32 << 10 };

struct record {
	uint64_t from, size, old; /* of the mailbox, as above */
	uint64_t len, hash;       /* of D */
};

static bool fail(const struct mailbox *m, struct err *e)
{
	return err_errno(e, errno, "%s", m->journal);
}

static bool sync_parent(const struct mailbox *m, struct err *e)
{
	char dir[MAILBOX_PATH_MAX];
	int fd;
	bool ok;

	snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(m->journal, '/') - m->journal) + 1,
		 m->journal);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 ? fs_sync_dir(fd, e) : fail(m, e);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool drop(const struct mailbox *m, struct err *e)
{
	return unlink(m->journal) == 0 || errno == ENOENT ? sync_parent(m, e) : fail(m, e);
}

/* Hash of the octets [at, end) of fd. */
static bool hash_of(int fd, uint64_t at, uint64_t end, uint64_t *hash)
{
	char *chunk = malloc(CHUNK);
	struct mailbox_hash h;
	bool ok = chunk != NULL;

	mailbox_hash_init(&h);
	while (ok && at < end) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

		ok = fs_pread(fd, chunk, n, (off_t)at) == (ssize_t)n;
		if (ok)
			mailbox_hash_add(&h, chunk, n);
		at += n;
	}
	free(chunk);
	*hash = mailbox_hash_end(&h);
	return ok;
}

/* Makes the journal valid: what stands before this call is on disk, and then the header. */
static bool seal(const struct mailbox *m, int fd, const struct record *r, struct err *e)
{
	char head[HEAD + 1];

	memset(head, '\n', sizeof head);
	snprintf(head, sizeof head,
		 "letterbox journal 1\nfrom %020" PRIu64 "\nsize %020" PRIu64 "\nold %016" PRIx64
		 "\nlen %020" PRIu64 "\nhash %016" PRIx64 "\n",
		 r->from, r->size, r->old, r->len, r->hash);
	if (fsync(fd) != 0 || !fs_pwrite(fd, span_make(head, strlen(head)), 0) || fsync(fd) != 0)
		return fail(m, e);
	return sync_parent(m, e);
}

static bool get(struct span *text, const char *name, unsigned base, uint64_t *out)
{
	struct span line = span_cut(text, '\n');
	size_t n = strlen(name);

	return span_starts(line, span_str(name)) &&
	       num_parse_base(span_skip(line, n), base, UINT64_MAX, out);
}

/* Reads and checks a whole journal. */
static bool is_sealed(int fd, struct record *r)
{
	char head[HEAD];
	struct span text = span_make(head, sizeof head);
	uint64_t hash;

	if (fs_pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
	    !span_eq(span_cut(&text, '\n'), SPAN("letterbox journal 1")))
		return false;
	return get(&text, "from ", 10, &r->from) && get(&text, "size ", 10, &r->size) &&
	       get(&text, "old ", 16, &r->old) && get(&text, "len ", 10, &r->len) &&
	       get(&text, "hash ", 16, &r->hash) && r->len < (uint64_t)1 << 62 &&
	       hash_of(fd, HEAD, HEAD + r->len, &hash) && hash == r->hash;
}

static bool copy(int from, uint64_t at, uint64_t end, int to, uint64_t to_at)
{
	char *chunk = malloc(CHUNK);
	bool ok = chunk != NULL;

	while (ok && at < end) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

		ok = fs_pread(from, chunk, n, (off_t)at) == (ssize_t)n &&
		     fs_pwrite(to, span_make(chunk, n), (off_t)to_at);
		at += n;
		to_at += n;
	}
	free(chunk);
	return ok;
}

/*
 * The cut, D, and the end of the journal.  The cut is flushed alone: were it to reach the
 * disk after a part of D, that part would look like the old contents.
 */
static bool carry_out(struct mailbox *m, int journal, const struct record *r, struct err *e)
{
	if (ftruncate(m->fd, (off_t)r->from) != 0 || fsync(m->fd) != 0 ||
	    !copy(journal, HEAD, HEAD + r->len, m->fd, r->from) || fsync(m->fd) != 0)
		return err_errno(e, errno, "%s: will be completed when it is opened again",
				 m->path);
	return drop(m, e);
}

static int make(const struct mailbox *m, const char *path, struct err *e)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		err_errno(e, errno, "%s: neither its directory nor %s can be written", m->path,
			  path);
	else
		lseek(fd, HEAD, SEEK_SET);
	return fd;
}

bool mailbox_journal_commit(struct mailbox *m, const struct mailbox_plan *p, struct err *e)
{
	struct record r = {.from = p->from, .size = p->size};
	struct mailbox_out o;
	struct err why = {0};
	bool ok;
	int fd;

	if (!m->journal[0])
		return err_temp(e, "4.2.0", "%s: its directory cannot be written", m->path);
	fd = make(m, m->journal, e);
	if (fd < 0)
		return false;
	mailbox_out_init(&o, fd);
	ok = mailbox_commit_rest(m, p, &o, &why);
	r.len = o.len;
	r.hash = mailbox_hash_end(&o.hash);
	if (!mailbox_out_end(&o) && ok)
		ok = fail(m, &why);
	if (ok && !hash_of(m->fd, p->from, p->size, &r.old))
		ok = err_errno(&why, errno, "%s", m->path);
	ok = ok && seal(m, fd, &r, &why);
	if (!ok)
		unlink(m->journal);
	ok = ok && carry_out(m, fd, &r, &why);
	close(fd);
	if (!ok)
		*e = why;
	return ok;
}

/* Octets of D that the mailbox has at r->from already. */
static bool common_length(int mbox, int journal, const struct record *r, uint64_t size,
			  uint64_t *out)
{
	uint64_t at = 0, max = size - r->from < r->len ? size - r->from : r->len;
	char *chunk = malloc((size_t)CHUNK * 2);
	bool ok = chunk != NULL, equal = true;

	while (ok && equal && at < max) {
		size_t n = max - at < CHUNK ? (size_t)(max - at) : CHUNK, i = 0;

		ok = fs_pread(mbox, chunk, n, (off_t)(r->from + at)) == (ssize_t)n &&
		     fs_pread(journal, chunk + CHUNK, n, (off_t)(HEAD + at)) == (ssize_t)n;
		while (ok && i < n && chunk[i] == chunk[CHUNK + i])
			i++;
		equal = i == n;
		at += i;
	}
	free(chunk);
	*out = at;
	return ok;
}

/*
 * Mail delivered after the crash begins with a From_ line; its first octets may equal those
 * that D had next.  So look for the last "From " at or before where they differ.
 */
static uint64_t delivered_at(int mbox, uint64_t from, uint64_t differs)
{
	char text[MBOX_FROM_MAX + 5];
	uint64_t back = differs - from < MBOX_FROM_MAX ? differs - from : MBOX_FROM_MAX;
	ssize_t got = fs_pread(mbox, text, (size_t)back + 5, (off_t)(differs - back));

	for (uint64_t i = back + 1; got >= 5 && i-- > 0;)
		if ((ssize_t)i + 5 <= got && memcmp(text + i, "From ", 5) == 0)
			return differs - back + i;
	return differs;
}

/* Adds the mailbox's octets from at on to D, by a journal in the place of the old. */
static int extend(struct mailbox *m, int journal, struct record *r, uint64_t at, uint64_t size,
		  struct err *e)
{
	char tmp[MAILBOX_PATH_MAX + 8];
	uint64_t old_len = r->len;
	bool ok;
	int fd;

	snprintf(tmp, sizeof tmp, "%s.new", m->journal);
	fd = make(m, tmp, e);
	if (fd < 0)
		return -1;
	r->len += size - at;
	r->size = 0;
	ok = copy(journal, HEAD, HEAD + old_len, fd, HEAD) &&
	     copy(m->fd, at, size, fd, HEAD + old_len) &&
	     hash_of(fd, HEAD, HEAD + r->len, &r->hash);
	ok = ok ? seal(m, fd, r, e) : fail(m, e);
	if (ok && rename(tmp, m->journal) != 0)
		ok = fail(m, e);
	if (ok && sync_parent(m, e))
		return fd;
	close(fd);
	return -1;
}

static bool complete(struct mailbox *m, int journal, struct record *r, struct err *e)
{
	uint64_t hash = 0, same = 0, at;
	struct stat st;
	bool ok;

	if (fstat(m->fd, &st) != 0)
		return err_errno(e, errno, "%s", m->path);
	if (r->size && (uint64_t)st.st_size >= r->size) {
		if (!hash_of(m->fd, r->from, r->size, &hash))
			return err_errno(e, errno, "%s", m->path);
		if (hash == r->old)
			return drop(m, e);
	}
	/* Emptied by somebody since: what was to be kept is not lost for that. */
	if ((uint64_t)st.st_size < r->from)
		r->from = (uint64_t)st.st_size;
	if (!common_length(m->fd, journal, r, (uint64_t)st.st_size, &same))
		return err_errno(e, errno, "%s", m->path);
	if (same == r->len)
		return drop(m, e);
	log_warn("%s: completing a commit that was interrupted", m->path);
	at = r->from + same;
	if (at == (uint64_t)st.st_size)
		return carry_out(m, journal, r, e);
	at = delivered_at(m->fd, r->from, at);
	journal = extend(m, journal, r, at, (uint64_t)st.st_size, e);
	if (journal < 0)
		return false;
	ok = carry_out(m, journal, r, e);
	close(journal);
	return ok;
}

bool mailbox_journal_recover(struct mailbox *m, struct err *e)
{
	struct record r;
	struct stat st;
	bool ok;
	int fd;

	if (!m->journal[0])
		return true;
	fd = open(m->journal, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? true : fail(m, e);
	if (fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_uid != geteuid()))
		ok = true; /* a stranger's: not ours to follow */
	else
		ok = is_sealed(fd, &r) ? complete(m, fd, &r, e) : drop(m, e);
	close(fd);
	return ok;
}
