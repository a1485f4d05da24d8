/*
 * Delivery into a Maildir; see service/local.h and format/maildir.h.
 *
 * Every message is written to tmp/, then the whole batch is flushed and linked to new/ in
 * one go.  Missing directories are made, since a mailbox begins with its first message.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/maildir.h"
#include "service/local_part.h"
#include "sys/clock.h"
#include "sys/commit.h"
#include "sys/fs.h"
#include "sys/rand.h"

/* The names in a Maildir; job first prepares, then carries out the move for all at once. */
struct file {
	struct commit_job job;
	char tmp[MAILDIR_NAME_MAX + 1], final[MAILDIR_NAME_MAX + 1];
};

struct maildir {
	int tmp, new;
	/* The wall clock, pid, counter and randomness together: unique over hosts that share it. */
	struct maildir_seed seed;
	char host[256];
};

static int open_sub(const char *path, const char *sub, struct err *e)
{
	char name[1200];
	int fd;

	snprintf(name, sizeof name, "%.1100s/%s", path, sub);
	fd = openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The mailbox may be made here: a user's first message is no error. */
	if (fd < 0 && errno == ENOENT && fs_mkdirs(path, 0700, e) &&
	    fs_mkdir(AT_FDCWD, name, 0700, e))
		fd = openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err_errno(e, errno, "%s", name);
	return fd;
}

static bool open_maildir(const char *path, struct maildir *m, struct err *e)
{
	int cur;

	*m = (struct maildir){.tmp = -1, .new = -1};
	/* cur/ is not written by us, but a Maildir without it is none to other programs. */
	cur = open_sub(path, "cur", e);
	if (cur < 0)
		return false;
	close(cur);
	m->tmp = open_sub(path, "tmp", e);
	m->new = m->tmp < 0 ? -1 : open_sub(path, "new", e);
	if (gethostname(m->host, sizeof m->host - 1) != 0)
		memcpy(m->host, "localhost", 10);
	m->seed = (struct maildir_seed){
	    .pid = (uint32_t)getpid(), .random = rand_u64(), .host = span_str(m->host)};
	return m->new >= 0;
}

static uint64_t count_lines(struct span s)
{
	uint64_t n = 0;

	for (size_t eol; (eol = span_index(s, '\n')) < s.len; n++)
		s = span_skip(s, eol + 1);
	return n;
}

/* Head and text are gathered, so that a short message is one write. */
static bool write_message(const struct local_job *job, int fd, char *chunk, struct buf *out,
			  uint64_t *size, uint64_t *lines)
{
	uint64_t at = 0;
	struct span text;
	ssize_t got;

	buf_reset(out);
	local_put_trace(job, out);
	*size = out->len;
	*lines = count_lines(buf_span(out));
	while ((got = local_read(job, chunk, at, &text)) > 0) {
		buf_put(out, text);
		at += text.len;
		/* For W= in the name, in passing. */
		*lines += count_lines(text);
		if (!local_flush(fd, out, LOCAL_CHUNK))
			return false;
		if (got < LOCAL_CHUNK)
			break;
	}
	*size += at;
	return got >= 0 && local_flush(fd, out, 0);
}

static void put_names(struct maildir *m, struct file *f)
{
	struct clock_wall now = clock_wall();
	struct buf b;

	m->seed.seconds = now.s;
	m->seed.usec = now.us;
	m->seed.counter++;
	buf_init_fixed(&b, f->tmp, sizeof f->tmp);
	maildir_put_unique(&b, &m->seed);
	buf_cstr(&b);
	f->job.from = f->tmp;
}

/* Writes one message to tmp/; its final name tells the sizes. */
static bool prepare(struct maildir *m, struct local_job *job, struct file *f, char *chunk,
		    struct buf *out)
{
	uint64_t size = 0, lines = 0;
	struct buf b;

	*f = (struct file){.job = {.fd = -1}};
	put_names(m, f);
	/* O_EXCL and O_NOFOLLOW: the directory is the user's, who may have put a link there. */
	f->job.fd =
	    openat(m->tmp, f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->job.fd < 0)
		return err_errno(&job->err, errno, "cannot make a file in the Maildir");
	if (!write_message(job, f->job.fd, chunk, out, &size, &lines)) {
		err_errno(&job->err, errno, "cannot write to the Maildir");
		close(f->job.fd);
		unlinkat(m->tmp, f->tmp, 0);
		return false;
	}
	buf_init_fixed(&b, f->final, sizeof f->final);
	buf_puts(&b, f->tmp);
	/* What POP3 sends has CRLF at every line: one octet more for each. */
	maildir_put_sizes(&b, size, size + lines);
	buf_cstr(&b);
	f->job.to = f->final;
	return true;
}

static void deliver(struct maildir *m, struct local_job *jobs, size_t n, struct file *files,
		    char *chunk, struct buf *out)
{
	struct commit_job *first = NULL, **last = &first;

	for (size_t i = 0; i < n; i++) {
		if (!prepare(m, &jobs[i], &files[i], chunk, out))
			continue;
		*last = &files[i].job;
		last = &files[i].job.next;
	}
	*last = NULL;
	/* One flush of the directory for the batch, which is what makes many messages cheap. */
	if (first)
		commit_batch(m->tmp, m->new, first);
	for (size_t i = 0; i < n; i++) {
		if (jobs[i].err.class != ERR_NONE)
			continue;
		jobs[i].err = files[i].job.err;
		close(files[i].job.fd);
		if (jobs[i].err.class != ERR_NONE)
			unlinkat(m->tmp, files[i].tmp, 0);
	}
}

void local_deliver_maildir(const struct local_box *box, struct local_job *jobs, size_t n)
{
	struct buf *mem = &box->work[1];
	struct file *files;
	struct maildir m = {.tmp = -1, .new = -1};
	char *chunk = NULL;
	struct err e;
	bool ok;

	buf_reset(mem);
	files = (void *)buf_reserve(mem, n * sizeof *files);
	ok = files || err_temp(&e, "4.3.0", "out of memory");
	if (ok)
		ok = local_need_chunk(jobs, n, &chunk, &e) && open_maildir(box->path, &m, &e);
	if (ok)
		deliver(&m, jobs, n, files, chunk, box->work);
	for (size_t i = 0; i < n && !ok; i++)
		jobs[i].err = e;
	if (m.tmp >= 0)
		close(m.tmp);
	if (m.new >= 0)
		close(m.new);
	free(chunk);
}
