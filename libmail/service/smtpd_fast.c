/*
 * A message's way into local mailboxes; see service/smtpd.h.
 *
 * When all recipients are local the mailboxes are the safe place (SuperSafe=interactive): the
 * agents store and flush the message, and nothing else has to be flushed before 250.  If any
 * of them cannot now, the others are marked done and the message is queued.
 */
#include <stdlib.h>

#include "service/smtpd.h"
#include "sys/fs.h"
#include "sys/log.h"

void smtpd_fast_plan(struct smtpd_store *st, const struct smtpd_session *s)
{
	/* d=i: deliver while the client waits. SuperSafe=y asks for a queue file on disk first. */
	if (s->fate != MTA_TAKEN || s->nlocals == 0 || s->nlocals != s->nrcpts ||
	    s->d->settings.delivery_mode != 'i' || s->d->settings.supersafe != 'i')
		return;
	buf_put(&st->locals, buf_span(&s->locals));
	if (buf_ok(&st->locals))
		st->njobs = s->nlocals;
}

/* Marks in the envelope, before it is flushed, who has the message. */
static bool mark_done(struct smtpd_store *st)
{
	/* One octet per recipient, at a place known from the format (format/qfile.h). */
	static const char done[] = {QFILE_DONE};
	bool held = st->w.fd < 0;
	char *head = held ? st->held : malloc(st->head);
	bool ok = held || (head && fs_pread(st->w.fd, head, st->head, 0) == (ssize_t)st->head);
	size_t at = 0;
	unsigned i = 0;

	/* Recipient records are the lines that begin with "R ", in the order of the jobs. */
	while (ok && at < st->head && i < st->njobs) {
		struct span line = span_make(head + at, st->head - at);

		if (span_starts(line, SPAN("R ")) && st->jobs[i++].err.class == ERR_NONE) {
			head[at + 2] = QFILE_DONE;
			ok = held || fs_pwrite(st->w.fd, span_make(done, 1), (off_t)at + 2);
		}
		at += span_index(line, '\n') + 1;
	}
	if (!held)
		free(head);
	return ok;
}

static void on_delivered(struct agents_job *job)
{
	struct smtpd_store *st = job->owner;
	unsigned failed = 0;

	if (--st->waiting)
		return;
	for (unsigned i = 0; i < st->njobs; i++)
		failed += st->jobs[i].err.class != ERR_NONE;
	if (failed == 0) {
		struct err none = {0};

		smtpd_store_finish(st, &none);
		return;
	}
	/* Some have it and we cannot note who: still better than to lose the others. */
	if (failed < st->njobs && !mark_done(st))
		log_err("%s: cannot mark delivered recipients; they may get it twice", st->id);
	smtpd_store_commit(st);
}

void smtpd_fast_deliver(struct smtpd_store *st)
{
	struct smtpd *d = st->d;
	const char *at = st->locals.ptr;
	struct span text = {0};

	if (st->w.fd < 0)
		text = span_make(st->held + st->head, st->held_len - st->head);
	st->waiting = st->njobs;
	for (unsigned i = 0; i < st->njobs; i++) {
		struct span user = span_str(at), rcpt = span_str(at + user.len + 1);

		at = rcpt.ptr + rcpt.len + 1;
		/*
		 * The agents read the file although it is not flushed: they flush what
		 * they store.
		 */
		st->jobs[i] = (struct agents_job){.fd = st->w.fd,
						  .at = st->head,
						  .text = text,
						  .id = st->id,
						  .sender = buf_span(&st->sender),
						  .rcpt = rcpt,
						  .owner = st,
						  .done = on_delivered};
		agents_deliver(&d->agents, user, &st->jobs[i]);
	}
}
