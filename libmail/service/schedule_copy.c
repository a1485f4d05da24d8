/*
 * A message of their own for those that a recipient stands for; see service/schedule_part.h.
 */
#include <stdlib.h>

#include "service/schedule_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

enum { STEP = 65536 };

struct copy {
	struct commit_job commit;
	struct queue_writer w;
	struct task *task;
};

static void on_copied(struct commit_job *job)
{
	struct copy *c = (struct copy *)((char *)job - offsetof(struct copy, commit));
	struct task *t = c->task;

	t->err = job->err;
	if (job->err.class == ERR_NONE) {
		queue_let_go(&c->w);
		schedule_note(t->work->q, c->w.id, true);
	}
	queue_discard(&t->work->q->queue, &c->w);
	free(c);
	schedule_task_answered(t);
}

static bool copy_message(const struct work *w, struct queue_writer *to, struct err *e)
{
	char *chunk = malloc(STEP);
	uint64_t at = w->item.message_at;
	ssize_t n = -1;

	while (chunk && to->err.class == ERR_NONE &&
	       (n = fs_pread(w->item.fd, chunk, STEP, (off_t)at)) > 0) {
		queue_write(to, span_make(chunk, (size_t)n));
		at += (uint64_t)n;
	}
	free(chunk);
	if (to->err.class != ERR_NONE) {
		*e = to->err;
		return false;
	}
	return n == 0 || err_temp(e, "4.3.0", "cannot read the message");
}

static void put_envelope(const struct task *t, struct span s, struct span sender, struct buf *out)
{
	struct qfile_head h = t->work->item.head;
	const struct qfile_rcpt *of = &t->work->item.rcpts[t->rcpt];

	/* As old as this one, by the clock of now. */
	h.state = (struct qfile_state){.created = clock_wall().s - schedule_age(t->work),
				       .flags = (h.state.flags & QFILE_BOUNCE) | QFILE_NO_ALIAS};
	if (sender.len && h.sender.len)
		h.sender = sender;
	qfile_put_head(out, &h);
	while (s.len) {
		struct span word = span_cut(&s, '\0'), owner = span_cut(&word, '/');
		struct qfile_rcpt r = {
		    .state = QFILE_PENDING, .notify = of->notify, .addr = word, .owner = owner};

		qfile_put_rcpt(out, &r);
	}
	qfile_put_end(out);
}

bool schedule_copy(struct task *t, struct span words, size_t count, struct span sender)
{
	struct schedule *q = t->work->q;
	struct err *e = &t->err;
	struct copy *c = calloc(1, sizeof *c);
	char id[QUEUE_ID_MAX];
	struct buf head;
	bool ok;

	if (!c)
		return err_temp(e, "4.3.0", "out of memory");
	c->task = t;
	c->w.fd = -1;
	buf_init(&head, QFILE_ENVELOPE_MAX);
	put_envelope(t, words, sender, &head);
	queue_make_id(id, clock_wall().s, rand_u64());
	ok = (buf_ok(&head) || err_temp(e, "4.3.1", "envelope too large")) &&
	     queue_create(&q->queue, &c->w, id, buf_span(&head), e) &&
	     copy_message(t->work, &c->w, e);
	buf_free(&head);
	if (!ok) {
		queue_discard(&q->queue, &c->w);
		free(c);
		return false;
	}
	log_info("%s: to=<%.*s>, expanded to %zu recipients in %s", t->work->item.id,
		 SPAN_ARG(t->work->item.rcpts[t->rcpt].addr), count, id);
	c->commit =
	    (struct commit_job){.fd = c->w.fd, .from = c->w.id, .to = c->w.id, .done = on_copied};
	commit_submit(q->pool, &c->commit);
	return true;
}
