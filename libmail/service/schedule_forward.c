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

/* A user and a detail; or an account and the path of a list. */
struct entry {
	struct entry *next;
	bool list, known;
	char *account; /* owned; of a user: NULL until there is something to be read */
	struct buf text;
	const char *second;
	char first[];
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

static struct entry *find(struct forwards *f, bool list, struct span first, struct span second,
			  struct err *e)
{
	struct entry *at = f->entries;
	char *mem;

	while (at && !(at->list == list && span_eq(span_str(at->first), first) &&
		       span_eq(span_str(at->second), second)))
		at = at->next;
	if (at)
		return at;
	at = f->count < QUEUE_RCPTS_MAX ? calloc(1, sizeof *at + first.len + second.len + 2) : NULL;
	if (!at) {
		err_temp(e, "4.3.0", "no memory for the users that a list has");
		return NULL;
	}
	mem = at->first;
	memcpy(mem, first.ptr, first.len);
	memcpy(mem + first.len + 1, second.ptr, second.len);
	at->second = mem + first.len + 1;
	at->list = list;
	buf_init(&at->text, FORWARD_MAX);
	f->count++;
	at->next = f->entries;
	f->entries = at;
	return at;
}

static enum schedule_forward tell(struct task *t, bool list, struct span first, struct span second,
				  struct schedule_list *out, struct err *e)
{
	struct forwards *f = have(t);
	struct entry *at;

	if (!f)
		err_temp(e, "4.3.0", "out of memory");
	else if (f->err.class != ERR_NONE)
		*e = f->err;
	if (!f || f->err.class != ERR_NONE || !(at = find(f, list, first, second, e)))
		return FORWARD_FAILED;
	if (list && !at->account && !(at->account = strdup(at->first)))
		return FORWARD_FAILED;
	out->account = at->account;
	out->text = buf_span(&at->text);
	return !at->known ? FORWARD_UNREAD : at->text.len ? FORWARD_FOUND : FORWARD_NONE;
}

enum schedule_forward schedule_forward_user(struct task *t, const struct route *r,
					    struct schedule_list *out, struct err *e)
{
	/* As sendmail: whoever is a user, by whatever program the mail comes to the mailbox. */
	if (!span_eq(r->mailer->name, SPAN("local")) || !cf_mailer_flag(r->mailer, 'w'))
		return FORWARD_NONE;
	return tell(t, false, span_str(r->user), span_str(r->host), out, e);
}

enum schedule_forward schedule_forward_file(struct task *t, const char *account, struct span path,
					    struct schedule_list *out, struct err *e)
{
	return tell(t, true, span_str(account), path, out, e);
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
	if (why.class == ERR_PERM)
		log_warn("%s: Cannot open %s: %s", f->task->work->item.id, at->second, why.text);
	if (why.class == ERR_NONE && fstat(job->fd, &st) == 0 && st.st_size > 0) {
		mem = buf_reserve(&at->text, (size_t)st.st_size);
		if (mem && fs_pread(job->fd, mem, (size_t)st.st_size, 0) == st.st_size)
			at->text.len = (size_t)st.st_size;
		else
			err_temp(&why, "4.3.0", "no memory for the .forward of %s", at->account);
	}
	if (job->fd >= 0)
		close(job->fd);
	answered(f, &why);
}

/* The agent's key: a detail that it has no room for did not count when gate looked, either. */
static bool put_key(struct forwards *f, const struct entry *at)
{
	size_t room = sizeof f->key;

	return (size_t)snprintf(f->key, room, ":%s/%s", at->account,
				at->list ? at->second : f->lookup.detail) < room;
}

static void ask(struct forwards *f)
{
	struct schedule *q = f->task->work->q;
	struct entry *at = f->asked;

	f->open = true;
	if (!at->account) {
		f->lookup = (struct schedule_lookup){.done = on_account, .owner = f};
		schedule_check_account(q, span_str(at->first), span_str(at->second), &f->lookup);
		return;
	}
	f->job = (struct agents_job){.fd = memfd_create("forward", MFD_CLOEXEC),
				     .id = f->task->work->item.id,
				     .done = on_read,
				     .owner = f};
	if (f->job.fd >= 0 && put_key(f, at)) {
		agents_deliver(&q->agents, span_str(f->key), &f->job);
		return;
	}
	if (f->job.fd < 0)
		err_temp(&f->job.err, "4.3.0", "no memory for the .forward of %s", at->account);
	else
		err_perm(&f->job.err, "5.2.4", "the path is too long");
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
