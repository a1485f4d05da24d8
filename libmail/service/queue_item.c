/*
 * Queued messages: opening, reading the envelope, marking in place, removing.
 * See service/queue.h and format/qfile.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/queue.h"
#include "sys/fs.h"
#include "sys/lock.h"

enum { FIRST_READ = 4096 };

/*
 * Reads the file's first octets, n of them or all it has. One read is enough for nearly
 * all messages.
 */
static char *read_front(struct queue_item *item, size_t n, struct err *e)
{
	char *at;
	ssize_t got;

	arena_reset(&item->arena);
	at = arena_alloc(&item->arena, n);
	got = at ? fs_pread(item->fd, at, n, 0) : -1;
	if (got < 0) {
		err_errno(e, at ? errno : ENOMEM, "queue file %s", item->id);
		return NULL;
	}
	item->front = span_make(at, (size_t)got);
	return at;
}

static bool add_rcpt(struct queue_item *item, const struct qfile_rcpt *r, size_t *room)
{
	if (item->count == QUEUE_RCPTS_MAX)
		return false;
	if (item->count == *room) {
		size_t more = *room ? *room * 2 : 2;
		struct qfile_rcpt *grown = arena_alloc(&item->arena, more * sizeof *grown);

		if (!grown)
			return false;
		if (*room)
			memcpy(grown, item->rcpts, *room * sizeof *grown);
		item->rcpts = grown;
		*room = more;
	}
	item->rcpts[item->count++] = *r;
	return true;
}

/*
 * Parses what was read into mem; *more is set when the envelope goes on behind it.  Values are
 * decoded in their place, which they never outgrow: what is read next is always behind them.
 */
static bool parse(struct queue_item *item, char *mem, bool *more, struct err *e)
{
	struct qfile_reader r;
	struct qfile_rcpt rcpt;
	struct buf text;
	size_t room = 0;
	int got;

	*more = false;
	item->count = 0;
	buf_init_fixed(&text, mem, item->front.len);
	qfile_reader_init(&r, item->front, &text);
	/*
	 * Without a line end in what is left the file goes on beyond what was read; with
	 * one it is damaged.
	 */
	if (!qfile_read_head(&r, &item->head, e)) {
		*more = span_index(r.rest, '\n') == r.rest.len;
		return false;
	}
	while ((got = qfile_read_rcpt(&r, &rcpt, e)) > 0)
		if (!add_rcpt(item, &rcpt, &room))
			return err_temp(e, "4.3.0", "queue file %s: out of memory", item->id);
	item->message_at = r.at;
	*more = got < 0 && span_index(r.rest, '\n') == r.rest.len;
	return got == 0;
}

/* Four times as much each time, so a message with thousands of recipients takes few reads. */
static bool read_envelope(struct queue_item *item, uint64_t octets, struct err *e)
{
	bool more;

	for (size_t n = FIRST_READ;; n *= 4) {
		char *mem = read_front(item, n, e);

		if (!mem)
			return false;
		if (parse(item, mem, &more, e))
			return true;
		if (!more || n >= octets || n > QFILE_ENVELOPE_MAX)
			return false;
	}
}

/* Does another have it?  An errno that does not say that there are no locks may mean it. */
static bool is_taken(int fd)
{
	return !lock_try(fd) && errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS &&
	       errno != EINVAL;
}

bool queue_load(const struct queue *q, const char *id, bool lock, struct queue_item *item,
		struct err *e)
{
	struct stat st;

	*item = (struct queue_item){.fd = -1, .arena = item->arena};
	item->arena.max = QUEUE_ITEM_MAX;
	/* The name comes from a directory or a peer: nothing else may be opened through it. */
	if (!queue_valid_id(span_str(id)))
		return err_perm(e, "5.3.5", "%s: not a queue id", id);
	span_to_cstr(span_str(id), item->id, sizeof item->id);
	item->fd = fs_open(q->dir, id, lock ? O_RDWR : O_RDONLY, 0, e);
	if (item->fd < 0)
		return false;
	/* The lock is on the file, so it ends with the process that has it. */
	if (lock && is_taken(item->fd)) {
		err_temp(e, "4.3.0", "queue file %s is being worked on", id);
		e->sys = EAGAIN;
	} else if (fstat(item->fd, &st) != 0) {
		err_errno(e, errno, "queue file %s", id);
	} else if (!S_ISREG(st.st_mode)) {
		err_temp(e, "4.3.0", "queue file %s: not a regular file", id);
	} else if (st.st_nlink == 0) {
		/* Removed by another process between our open and our lock. */
		err_perm(e, "5.3.5", "queue file %s is gone", id);
		e->sys = ENOENT;
	} else if (read_envelope(item, (uint64_t)st.st_size, e)) {
		item->size = (uint64_t)st.st_size - item->message_at;
		return true;
	}
	queue_unload(item);
	return false;
}

void queue_unload(struct queue_item *item)
{
	if (item->fd >= 0)
		close(item->fd);
	item->fd = -1;
	arena_reset(&item->arena);
	item->count = 0;
}

/* In place and of the same length, so that no reader sees a file without it. */
static bool rewrite(struct queue_item *item, const struct buf *octets, uint64_t at, struct err *e)
{
	if (!fs_pwrite(item->fd, buf_span(octets), (off_t)at))
		return err_errno(e, errno, "cannot update queue file %s", item->id);
	return true;
}

bool queue_mark_rcpt(struct queue_item *item, size_t i, struct err *e)
{
	const struct qfile_rcpt *r = &item->rcpts[i];
	char mem[QFILE_RCPT_HEAD];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	qfile_put_rcpt_head(&b, r);
	return rewrite(item, &b, r->at, e);
}

bool queue_mark_state(struct queue_item *item, struct err *e)
{
	char mem[QFILE_STATE_LEN];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	qfile_put_state(&b, &item->head.state);
	return rewrite(item, &b, 0, e);
}
