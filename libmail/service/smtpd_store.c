/*
 * One message on its way to safety; see service/smtpd.h and service/queue.h.
 *
 * A short message is gathered in memory, within bounds for all sessions together; a long one
 * is written to a queue file as it comes.  What local mailboxes take (smtpd_fast.c) is never
 * flushed here; all else is, before its client hears 250.
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

enum { FIELD_MAX = 1200, HEAD_MAX = 8192 };

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
	    .state = {.created = clock_wall().s, .flags = s->fate == MTA_HELD ? QFILE_HELD : 0},
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
	buf_free(&st->from);
	buf_free(&st->date);
	buf_free(&st->message_id);
	smtpd_spare_keep_store(st);
}

/* Makes the queue file, with what was gathered; a failure is kept in st->w.err. */
static bool spill(struct smtpd_store *st)
{
	struct err e;

	if (st->w.fd < 0 && st->w.err.class == ERR_NONE &&
	    !queue_create(&st->d->queue, &st->w, st->id, span_make(st->held, st->held_len), &e))
		st->w.err = e;
	return st->w.err.class == ERR_NONE;
}

/* The envelope: to memory if there is some, else to a file. */
static bool put_envelope(struct smtpd_store *st, struct span head, struct err *e)
{
	if (!st->held || head.len > SMTPD_HELD_OCTETS)
		return queue_create(&st->d->queue, &st->w, st->id, head, e);
	memcpy(st->held, head.ptr, head.len);
	st->held_len = head.len;
	return true;
}

bool smtpd_store_begin(struct smtpd_session *s, struct err *e)
{
	struct smtpd_store *st = smtpd_spare_store(s->d);
	char mem[HEAD_MAX];
	struct buf head;
	bool ok = false;

	if (!st)
		return err_temp(e, "4.3.0", "out of memory");
	st->w.fd = -1;
	/* Most heads fit; for many recipients memory is taken. */
	if (s->rcpts.len < HEAD_MAX / 4)
		buf_init_fixed(&head, mem, sizeof mem);
	else
		buf_init(&head, QFILE_ENVELOPE_MAX + 8192);
	/* Knuth's MMIX: ids have to differ, but nobody is to be kept from guessing them. */
	s->d->unique = s->d->unique * 6364136223846793005U + 1442695040888963407U;
	queue_make_id(st->id, clock_wall().s, s->d->unique >> 24);
	put_head(s, &head);
	st->head = head.len;
	put_received(s, &head, st->id);
	st->own = head.len;
	make_fields(st, s, st->id);
	/* Its own, since the session may end before the message is safe. */
	buf_put(&st->sender, buf_span(&s->sender));
	smtpd_fast_plan(st, s);
	if (!buf_ok(&head) || !buf_ok(&st->sender))
		err_temp(e, "4.3.1", "envelope too large");
	else
		ok = put_envelope(st, buf_span(&head), e);
	st->octets = head.len;
	buf_free(&head);
	if (!ok) {
		free_store(st);
		return false;
	}
	st->session = s;
	s->store = st;
	return true;
}

/* What a local program submits is bounded where it is read. */
static bool too_large_header(const struct smtpd_store *st)
{
	const struct smtpd_session *s = st->session;

	return s && s->kind == MTA_L_TCP && st->d->settings.max_headers &&
	       st->filter.header > st->d->settings.max_headers;
}

void smtpd_store_text(struct smtpd_store *st, struct span text)
{
	/* It will be refused: nothing more of it need be written. */
	if (too_large_header(st))
		return;
	submit_feed(&st->filter, text, &st->d->text);
	if (st->d->text.len >= SMTPD_CHUNK)
		smtpd_store_flush(st);
}

void smtpd_store_flush(struct smtpd_store *st)
{
	struct buf *text = &st->d->text;

	/* Sticky: the rest is read and dropped, and the answer at the end is 4xx. */
	if (!buf_ok(text)) {
		err_temp(&st->w.err, "4.3.0", "out of memory");
	} else if (st->w.fd < 0 && text->len <= SMTPD_HELD_OCTETS - st->held_len) {
		if (text->len)
			memcpy(st->held + st->held_len, text->ptr, text->len);
		st->held_len += text->len;
	} else if (spill(st)) {
		queue_write(&st->w, buf_span(text));
	}
	st->octets += text->len;
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
			smtp_server_accept_eom(&s->smtp, span_str(st->id), &s->out);
		else
			smtp_server_reject(&s->smtp, e, &s->out);
		smtpd_event_reset(s);
	}
	queue_discard(&st->d->queue, &st->w);
	free_store(st);
}

void smtpd_store_finish(struct smtpd_store *st, const struct err *e)
{
	struct smtpd_session *s = st->session;
	struct smtpd *d = st->d;

	answer(st, e);
	if (s) {
		smtpd_session_resume(s);
	} else {
		d->orphans--;
		smtpd_check_idle(d);
	}
}

static void on_committed(struct commit_job *job)
{
	struct smtpd_store *st =
	    (struct smtpd_store *)((char *)job - offsetof(struct smtpd_store, commit));
	struct smtpd *d = st->d;
	struct err e = job->err;
	char id[QUEUE_ID_MAX];

	memcpy(id, st->id, sizeof id);
	if (e.class == ERR_NONE)
		queue_let_go(&st->w);
	else
		log_err("%s: cannot commit: %s", st->id, e.text);
	smtpd_store_finish(st, &e);
	/* The file is let go of: the queue role may look at once, and need not find that out. */
	if (e.class != ERR_NONE)
		return;
	if (d->told.len + sizeof id > SMTPD_TOLD_MAX)
		smtpd_store_tell(&d->tell);
	buf_puts(&d->told, id);
	buf_putc(&d->told, ' ');
	loop_timer_set(&d->loop, &d->tell, 0);
}

void smtpd_store_tell(struct loop_timer *t)
{
	struct smtpd *d = (struct smtpd *)((char *)t - offsetof(struct smtpd, tell));
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_text(&b, MTA_QUEUED, 0, buf_span(&d->told));
	ipc_send(&d->queue_role, &b, NULL, 0);
	buf_reset(&d->told);
}

void smtpd_store_commit(struct smtpd_store *st)
{
	struct err e;

	if (!spill(st)) {
		log_err("%s: %s", st->id, st->w.err.text);
		err_temp(&e, st->w.err.status, "cannot store the message now");
		smtpd_store_finish(st, &e);
		return;
	}
	st->commit =
	    (struct commit_job){.fd = st->w.fd, .from = st->id, .to = st->id, .done = on_committed};
	commit_submit(st->d->pool, &st->commit);
}

bool smtpd_store_gather(struct smtpd_store *st)
{
	struct err e = {0};

	submit_finish(&st->filter, &st->d->text);
	smtpd_store_flush(st);
	if (!st->njobs)
		(void)spill(st);
	/* Write errors first: hops were counted in a message that we do not have whole. */
	if (st->w.err.class != ERR_NONE) {
		log_err("%s: %s", st->id, st->w.err.text);
		err_temp(&e, st->w.err.status, "cannot store the message now");
	} else if (too_large_header(st)) {
		err_perm(&e, "5.6.0", "Headers too large (%llu max)",
			 (unsigned long long)st->d->settings.max_headers);
	} else if (st->filter.hops > st->d->settings.max_hops) {
		err_perm(&e, "5.4.6", "Too many hops %u (%llu max): mail loop?", st->filter.hops,
			 (unsigned long long)st->d->settings.max_hops);
	}
	if (e.class != ERR_NONE)
		answer(st, &e);
	return e.class == ERR_NONE;
}

int smtpd_store_file(struct smtpd_store *st)
{
	return spill(st) ? st->w.fd : -1;
}

void smtpd_store_hold(struct smtpd_store *st)
{
	struct buf head;

	/* The same envelope but for its flag: every field has its place and width. */
	buf_init(&head, QFILE_ENVELOPE_MAX + 8192);
	put_head(st->session, &head);
	if (!buf_ok(&head) || head.len != st->head || !spill(st) ||
	    !fs_pwrite(st->w.fd, buf_span(&head), 0))
		err_temp(&st->w.err, "4.3.0", "cannot mark the message as held");
	buf_free(&head);
	st->njobs = 0;
}

void smtpd_store_end(struct smtpd_store *st)
{
	struct smtpd_session *s = st->session;
	struct err e = st->w.err;

	if (e.class != ERR_NONE) {
		answer(st, &e);
		return;
	}
	log_info("%s: from=<%.*s>, size=%llu, class=0, nrcpts=%u, proto=%s, relay=%s", st->id,
		 SPAN_ARG(buf_span(&st->sender)), (unsigned long long)(st->octets - st->head),
		 s->nrcpts, s->smtp.esmtp ? "ESMTP" : "SMTP", s->client);
	if (s->fate == MTA_DROPPED)
		answer(st, &e); /* accepted, and nobody gets it */
	else if (st->njobs)
		smtpd_fast_deliver(st);
	else
		smtpd_store_commit(st);
}
