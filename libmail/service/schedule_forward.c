/*
 * What users' ~/.forward say, for a recipient under work; see service/schedule_part.h.
 *
 * Whether there is such a file gate knows, and what it says only a process of the user's own: both
 * are asked one after the other, while the task waits.  Then it begins anew and finds the answers
 * here, until nothing is missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/forward.h"
#include "service/schedule_part.h"
#include "sys/fs.h"
#include "sys/log.h"

/* A user and a detail. */
struct entry {
	struct entry *next;
	bool known;
	char *account; /* owned; NULL until there is something to be read */
	struct buf text;
	const char *detail;
	char user[];
};

struct forwards {
	struct task *task;
	struct entry *entries;
	size_t count;
	struct entry *asked;
	struct err err; /* one could not be told now: so cannot the recipient */
	bool open;      /* a question is */
	bool asking;    /* answers at once are seen by who asks */
	struct schedule_lookup lookup;
	struct agents_job job;
	char key[MTA_NAME_MAX + 1];
};

static struct forwards *have(struct task *t)
{
	if (!t->forwards)
		t->forwards = calloc(1, sizeof *t->forwards);
	if (t->forwards)
		t->forwards->task = t;
	return t->forwards;
}

static struct entry *find(struct forwards *f, struct span user, struct span detail)
{
	struct entry *at = f->entries;

	while (at && !(span_eq(span_str(at->user), user) && span_eq(span_str(at->detail), detail)))
		at = at->next;
	if (at)
		return at;
	at = f->count < QUEUE_RCPTS_MAX ? calloc(1, sizeof *at + user.len + detail.len + 2) : NULL;
	if (!at)
		return NULL;
	memcpy(at->user, user.ptr, user.len);
	at->detail = memcpy(at->user + user.len + 1, detail.ptr, detail.len);
	buf_init(&at->text, FORWARD_MAX);
	f->count++;
	at->next = f->entries;
	f->entries = at;
	return at;
}

enum schedule_forward schedule_forward_user(struct task *t, const struct route *r,
					    struct schedule_list *out, struct err *e)
{
	struct forwards *f;
	struct entry *at;

	/* As sendmail: whoever is a user, by whatever program the mail comes to the mailbox. */
	if (!span_eq(r->mailer->name, SPAN("local")) || !cf_mailer_flag(r->mailer, 'w'))
		return FORWARD_NONE;
	f = have(t);
	if (f && f->err.class != ERR_NONE) {
		*e = f->err;
		return FORWARD_FAILED;
	}
	at = f ? find(f, span_str(r->user), span_str(r->host)) : NULL;
	if (!at) {
		if (f && f->count == QUEUE_RCPTS_MAX)
			err_perm(e, "5.4.6", "more than %d recipients", QUEUE_RCPTS_MAX);
		else
			err_temp(e, "4.3.0", "out of memory");
		return FORWARD_FAILED;
	}
	out->account = at->account;
	out->text = buf_span(&at->text);
	return !at->known ? FORWARD_UNREAD : at->text.len ? FORWARD_FOUND : FORWARD_NONE;
}

/* Done with the question that was open. */
static void answered(struct forwards *f, const struct err *e)
{
	f->open = false;
	if (e->class == ERR_TEMP)
		f->err = *e;
	if (!f->asking)
		schedule_forward_ask(f->task);
}

static void on_account(struct schedule_lookup *l, const struct err *e, struct span name)
{
	struct forwards *f = l->owner;
	struct entry *at = f->asked;
	struct err why = *e;

	/* Whom there is not, or who is another user's business, will be told of at delivery. */
	if (e->class == ERR_PERM || (e->class == ERR_TEMP && e->sys == EPERM))
		why.class = ERR_NONE;
	at->known = e->class != ERR_NONE || !l->forwards;
	if (!at->known && !(at->account = strndup(name.ptr, name.len)))
		err_temp(&why, "4.3.0", "out of memory");
	answered(f, &why);
}

static void on_read(struct agents_job *job)
{
	struct forwards *f = job->owner;
	struct entry *at = f->asked;
	struct err why = job->err;
	struct stat st = {0};
	char *mem;

	at->known = true;
	if (why.class == ERR_NONE && fstat(job->fd, &st) == 0 && st.st_size > 0) {
		mem = buf_reserve(&at->text, (size_t)st.st_size);
		if (mem && fs_pread(job->fd, mem, (size_t)st.st_size, 0) == st.st_size)
			at->text.len = (size_t)st.st_size;
		else
			err_temp(&why, "4.3.0", "out of memory");
	}
	if (job->fd >= 0)
		close(job->fd);
	answered(f, &why);
}

static void ask(struct forwards *f)
{
	struct schedule *q = f->task->work->q;
	struct entry *at = f->asked;

	f->open = true;
	if (!at->account) {
		f->lookup = (struct schedule_lookup){.done = on_account, .owner = f};
		schedule_check_account(q, span_str(at->user), span_str(at->detail), &f->lookup);
		return;
	}
	f->job = (struct agents_job){.fd = memfd_create("forward", MFD_CLOEXEC),
				     .id = f->task->work->item.id,
				     .done = on_read,
				     .owner = f};
	/* A detail that did not count when gate looked does not count now. */
	snprintf(f->key, sizeof f->key, ":%s/%s", at->account, f->lookup.detail);
	if (f->job.fd >= 0) {
		agents_deliver(&q->agents, span_str(f->key), &f->job);
		return;
	}
	err_temp(&f->job.err, "4.3.0", "out of memory");
	on_read(&f->job);
}

void schedule_forward_ask(struct task *t)
{
	struct forwards *f = t->forwards;

	f->asking = true;
	while (!f->open && f->err.class == ERR_NONE) {
		f->asked = f->entries;
		while (f->asked && f->asked->known)
			f->asked = f->asked->next;
		if (!f->asked)
			break;
		ask(f);
	}
	f->asking = false;
	if (!f->open)
		schedule_task_start(t);
}

void schedule_forward_free(struct task *t)
{
	struct forwards *f = t->forwards;

	while (f && f->entries) {
		struct entry *at = f->entries;

		f->entries = at->next;
		buf_free(&at->text);
		free(at->account);
		free(at);
	}
	free(f);
}
