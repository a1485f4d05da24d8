/*
 * One message on its way to safety; see service/smtpd.h and service/queue.h.
 *
 * When all recipients are local the mailboxes are the safe place (SuperSafe=interactive):
 * the agents store and flush it, and the queue file is dropped without a flush.  If
 * any of them cannot now, the others are marked done and the file is committed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/date.h"
#include "service/smtpd.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { FIELD_MAX = 1200 };

static void put_received(const struct smtpd_session *s, struct buf *out, const char *id)
{
	struct span helo = smtp_server_helo(&s->smtp);
	int64_t now = clock_wall().s;

	buf_puts(out, "Received: from ");
	buf_put(out, helo.len ? helo : SPAN("localhost"));
	buf_printf(out, " (%s)\n\tby ", s->client);
	buf_puts(out, s->d->settings.hostname);
	buf_printf(out, " (letterbox) with %s%s id %s", s->smtp.esmtp ? "ESMTP" : "SMTP",
		   s->smtp.tls ? "S" : "", id);
	if (s->tls)
		buf_printf(out, "\n\t(version=%s cipher=%s bits=%u verify=NO)",
			   tls_version_name(s->tls), tls_cipher_name(s->tls),
			   tls_cipher_bits(s->tls));
	/*
	 * Only where the message has one recipient: a trace must not tell blind copies to
	 * others.
	 */
	if (s->nrcpts == 1 && s->nlocals == 1) {
		const char *addr = s->locals.ptr + strlen(s->locals.ptr) + 1;

		buf_printf(out, "\n\tfor <%.*s>", 512, addr);
	}
	buf_puts(out, ";\n\t");
	date_put(out, now, clock_zone(now));
	buf_putc(out, '\n');
	if (helo.len == 0 && s->d->settings.privacy & PRIVACY_AUTHWARNINGS)
		buf_printf(out, "X-Authentication-Warning: %s: %s didn't use HELO protocol\n",
			   s->d->settings.hostname, s->client);
}

static void put_head(const struct smtpd_session *s, struct buf *out)
{
	struct qfile_head h = {
	    .state = {.created = clock_wall().s},
	    .sender = buf_span(&s->sender),
	    .info = span_str(s->client),
	    .ret = s->ret,
	    .envid = buf_span(&s->envid),
	    .body = s->body == SMTP_BODY_8BITMIME ? QFILE_BODY_8BIT
		    : s->body == SMTP_BODY_7BIT   ? QFILE_BODY_7BIT
						  : QFILE_BODY_UNKNOWN,
	    .submitter = s->kind == MTA_L_SUBMIT ? span_str(s->client) : SPAN(""),
	};

	qfile_put_head(out, &h);
	buf_put(out, buf_span(&s->rcpts));
	qfile_put_end(out);
}

/* The fields that a submitted message may lack. */
static void make_fields(struct smtpd_store *st, const struct smtpd_session *s, const char *id)
{
	int64_t now = clock_wall().s;
	struct submit_fields f;
	/* A message from the network is not ours to complete (RFC 5321 section 6.4). */
	unsigned flags = s->kind == MTA_L_SUBMIT ? SUBMIT_FIX : 0;

	buf_init(&st->from, FIELD_MAX);
	buf_init(&st->date, FIELD_MAX);
	buf_init(&st->message_id, FIELD_MAX);
	if (flags) {
		buf_puts(&st->from, "From: ");
		buf_put(&st->from, s->sender.len ? buf_span(&s->sender) : SPAN("MAILER-DAEMON"));
		buf_putc(&st->from, '\n');
		buf_puts(&st->date, "Date: ");
		date_put(&st->date, now, clock_zone(now));
		buf_putc(&st->date, '\n');
		buf_printf(&st->message_id, "Message-ID: <%lld.%s@%s>\n", (long long)now, id,
			   s->d->settings.hostname);
	}
	f = (struct submit_fields){.from = buf_span(&st->from),
				   .date = buf_span(&st->date),
				   .message_id = buf_span(&st->message_id),
				   .to = SPAN("To: undisclosed-recipients:;\n")};
	submit_init(&st->filter, flags, &f);
}

static void free_store(struct smtpd_store *st)
{
	for (unsigned i = 0; i < st->njobs; i++)
		buf_free(&st->rcpt[i]);
	buf_free(&st->sender);
	buf_free(&st->from);
	buf_free(&st->date);
	buf_free(&st->message_id);
	free(st);
}

/* Copies what the fast path needs, since the session may be gone before it is done. */
static void plan_fast(struct smtpd_store *st, const struct smtpd_session *s)
{
	const char *at = s->locals.ptr;

	buf_init(&st->sender, MTA_ADDR_MAX);
	buf_put(&st->sender, buf_span(&s->sender));
	/* d=i: deliver while the client waits. SuperSafe=y asks for a queue file on disk first. */
	if (s->nlocals != s->nrcpts || s->d->settings.delivery_mode != 'i' ||
	    s->d->settings.supersafe == 'y')
		return;
	for (unsigned i = 0; i < s->nlocals; i++) {
		snprintf(st->user[i], sizeof st->user[i], "%s", at);
		at += strlen(at) + 1;
		buf_init(&st->rcpt[i], MTA_ADDR_MAX);
		buf_puts(&st->rcpt[i], at);
		at += strlen(at) + 1;
		st->njobs++;
	}
}

bool smtpd_store_begin(struct smtpd_session *s, struct err *e)
{
	struct smtpd_store *st = calloc(1, sizeof *st);
	char id[QUEUE_ID_MAX];
	struct buf head;
	bool ok = false;

	buf_init(&head, QFILE_ENVELOPE_MAX + 8192);
	if (!st)
		return err_temp(e, "4.3.0", "out of memory");
	queue_make_id(id, clock_wall().s);
	put_head(s, &head);
	st->head = head.len;
	put_received(s, &head, id);
	make_fields(st, s, id);
	plan_fast(st, s);
	if (!buf_ok(&head))
		err_temp(e, "4.3.1", "envelope too large");
	else
		ok = queue_create(&s->d->queue, &st->w, id, buf_span(&head), e);
	buf_free(&head);
	if (!ok) {
		free_store(st);
		return false;
	}
	st->d = s->d;
	st->session = s;
	s->store = st;
	return true;
}

void smtpd_store_text(struct smtpd_store *st, struct span text)
{
	submit_feed(&st->filter, text, &st->d->text);
	if (st->d->text.len >= SMTPD_CHUNK)
		smtpd_store_flush(st);
}

void smtpd_store_flush(struct smtpd_store *st)
{
	struct buf *text = &st->d->text;

	/* Sticky: the rest is read and dropped, and the answer at the end is 4xx. */
	if (!buf_ok(text))
		err_temp(&st->w.err, "4.3.0", "out of memory");
	else if (text->len)
		queue_write(&st->w, buf_span(text));
	buf_reset(text);
}

void smtpd_store_drop(struct smtpd_store *st)
{
	/* Nothing of it was ever in the queue. */
	buf_reset(&st->d->text);
	queue_discard(&st->d->queue, &st->w);
	free_store(st);
}

/* The message is safe, or e says why not: tells the client and forgets it. */
static void answer(struct smtpd_store *st, const struct err *e)
{
	struct smtpd_session *s = st->session;

	if (s) {
		s->store = NULL;
		if (e->class == ERR_NONE)
			smtp_server_accept_eom(&s->smtp, span_str(st->w.id), &s->out);
		else
			smtp_server_reject(&s->smtp, e, &s->out);
		smtpd_event_reset(s);
	}
	queue_discard(&st->d->queue, &st->w);
	free_store(st);
}

/* The same from the loop, when the session waits. */
static void finish(struct smtpd_store *st, const struct err *e)
{
	struct smtpd_session *s = st->session;
	struct smtpd *d = st->d;

	answer(st, e);
	if (s)
		smtpd_session_resume(s);
	else
		smtpd_check_idle(d);
}

static void on_committed(struct commit_job *job)
{
	struct smtpd_store *st =
	    (struct smtpd_store *)((char *)job - offsetof(struct smtpd_store, commit));
	char mem[WIRE_MAX];
	struct buf b;

	if (job->err.class != ERR_NONE) {
		log_err("%s: cannot commit: %s", st->w.id, job->err.text);
	} else {
		/* The queue role looks at once; without the word it would find it by its own scan.
		 */
		buf_init_fixed(&b, mem, sizeof mem);
		mta_ipc_put_text(&b, MTA_QUEUED, 0, span_str(st->w.id));
		ipc_send(&st->d->queue_role, &b, NULL, 0);
	}
	finish(st, &job->err);
}

static void commit(struct smtpd_store *st)
{
	st->commit = (struct commit_job){
	    .fd = st->w.fd, .from = st->w.id, .to = st->w.id, .done = on_committed};
	commit_submit(st->d->pool, &st->commit);
}

/* Marks in the unflushed file which recipients have it, so that only the others get it later. */
static bool mark_done(struct smtpd_store *st)
{
	/* One octet per recipient, at a place known from the format (format/qfile.h). */
	static const char done[] = {QFILE_DONE};
	size_t at = 0;
	char *head = malloc(st->head);
	bool ok = head && fs_pread(st->w.fd, head, st->head, 0) == (ssize_t)st->head;
	unsigned i = 0;

	/* Recipient records are the lines that begin with "R ", in the order of the jobs. */
	while (ok && at < st->head && i < st->njobs) {
		struct span line = span_make(head + at, st->head - at);

		if (span_starts(line, SPAN("R ")) && st->jobs[i++].err.class == ERR_NONE)
			ok = fs_pwrite(st->w.fd, span_make(done, 1), (off_t)at + 2);
		at += span_index(line, '\n') + 1;
	}
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

		finish(st, &none);
		return;
	}
	/* Some have it and we cannot note who: still better than to lose the others. */
	if (failed < st->njobs && !mark_done(st))
		log_err("%s: cannot mark delivered recipients; they may get it twice", st->w.id);
	commit(st);
}

static void deliver(struct smtpd_store *st)
{
	struct smtpd *d = st->d;

	st->waiting = st->njobs;
	for (unsigned i = 0; i < st->njobs; i++) {
		/*
		 * The agents read the file although it is not flushed: they flush what
		 * they store.
		 */
		st->jobs[i] = (struct agents_job){.fd = st->w.fd,
						  .at = st->head,
						  .id = st->w.id,
						  .sender = buf_span(&st->sender),
						  .rcpt = buf_span(&st->rcpt[i]),
						  .owner = st,
						  .done = on_delivered};
		agents_deliver(&d->agents, span_str(st->user[i]), &st->jobs[i]);
	}
}

void smtpd_store_end(struct smtpd_store *st)
{
	struct smtpd_session *s = st->session;
	struct err e = {0};

	submit_finish(&st->filter, &st->d->text);
	smtpd_store_flush(st);
	/* Write errors first: hops were counted in a message that we do not have whole. */
	if (st->w.err.class != ERR_NONE) {
		log_err("%s: %s", st->w.id, st->w.err.text);
		err_temp(&e, st->w.err.status, "cannot store the message now");
	} else if (st->filter.hops > st->d->settings.max_hops) {
		err_perm(&e, "5.4.6", "Too many hops %u (%llu max): mail loop?", st->filter.hops,
			 (unsigned long long)st->d->settings.max_hops);
	}
	if (e.class != ERR_NONE) {
		answer(st, &e);
		return;
	}
	log_info("%s: from=<%.*s>, size=%llu, class=0, nrcpts=%u, proto=%s, relay=%s", st->w.id,
		 SPAN_ARG(buf_span(&st->sender)), (unsigned long long)(st->w.octets - st->head),
		 s->nrcpts, s->smtp.esmtp ? "ESMTP" : "SMTP", s->client);
	if (st->njobs)
		deliver(st);
	else
		commit(st);
}
