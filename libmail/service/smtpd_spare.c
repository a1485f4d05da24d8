/*
 * Memory of sessions and messages that ended, kept for the next ones; see service/smtpd.h.
 *
 * Mapping and unmapping memory for each message costs more than reading it.  What nobody used
 * for SMTPD_SPARE_MS goes back to the system, so that an idle role has none of it; what a
 * hostile client made large is never kept.
 */
#include <stdlib.h>
#include <string.h>

#include "service/smtpd.h"

enum { SLOTS_MAX = 65536, SESSIONS_MAX = 64, KEPT_OCTETS = 512 };

static void used(struct smtpd *d)
{
	loop_timer_set(&d->loop, &d->spare.timer, SMTPD_SPARE_MS);
}

void smtpd_spare_empty(struct buf *b)
{
	if (b->cap > KEPT_OCTETS)
		buf_free(b);
	else
		buf_reset(b);
}

static void free_session(struct smtpd_session *s)
{
	buf_free(&s->in);
	buf_free(&s->out);
	buf_free(&s->sender);
	buf_free(&s->rcpts);
	buf_free(&s->locals);
	buf_free(&s->envid);
	buf_free(&s->macros);
	buf_free(&s->mail_macros);
	free(s);
}

static struct smtpd_session *take_session(struct smtpd *d)
{
	struct smtpd_session *s = d->spare.sessions;

	if (s) {
		/* Empty as they are, these keep their memory and their limits. */
		d->spare.sessions = s->spare;
		d->spare.nsessions--;
		*s = (struct smtpd_session){.in = s->in,
					    .out = s->out,
					    .cipher = s->cipher,
					    .sender = s->sender,
					    .rcpts = s->rcpts,
					    .locals = s->locals,
					    .envid = s->envid,
					    .macros = s->macros,
					    .mail_macros = s->mail_macros};
		return s;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	buf_init(&s->in, SMTPD_IN_MAX);
	buf_init(&s->out, SMTPD_OUT_MAX);
	buf_init(&s->cipher, SMTPD_CHUNK * 2);
	buf_init(&s->sender, MTA_ADDR_MAX);
	buf_init(&s->rcpts, QFILE_ENVELOPE_MAX);
	buf_init(&s->locals, SMTPD_FAST_MAX * 2 * MTA_ADDR_MAX);
	buf_init(&s->envid, SMTP_ENVID_MAX);
	buf_init(&s->macros, MTA_MACROS_MAX);
	buf_init(&s->mail_macros, MTA_MACROS_MAX);
	return s;
}

struct smtpd_session *smtpd_spare_session(struct smtpd *d)
{
	struct smtpd_session *s;
	size_t slot = 0;

	while (slot < d->slots && d->sessions[slot])
		slot++;
	if (slot == d->slots) {
		size_t more = d->slots ? d->slots * 2 : 16;
		const size_t each = sizeof(struct smtpd_session *);
		struct smtpd_session **grown;

		/* Before realloc, which gives the old array up; an id has 16 bits for the slot. */
		if (more > SLOTS_MAX)
			return NULL;
		grown = realloc(d->sessions, more * each);
		if (!grown)
			return NULL;
		memset(grown + d->slots, 0, (more - d->slots) * each);
		d->sessions = grown;
		d->slots = more;
	}
	s = take_session(d);
	if (!s)
		return NULL;
	s->d = d;
	s->slot = slot;
	/*
	 * Low half: where the session is. High half: which one, so that a late answer for
	 * another session that was there before finds none.
	 */
	s->id = (uint32_t)++d->generation << 16 | (uint32_t)slot;
	d->sessions[slot] = s;
	d->open++;
	return s;
}

void smtpd_spare_keep_session(struct smtpd_session *s)
{
	struct smtpd *d = s->d;

	d->sessions[s->slot] = NULL;
	d->open--;
	smtpd_spare_keep_input(s);
	buf_free(&s->in);
	buf_free(&s->cipher);
	buf_free(&s->refusal);
	smtpd_spare_empty(&s->macros);
	free(s->known);
	s->known = NULL;
	if (d->spare.nsessions == SESSIONS_MAX) {
		free_session(s);
		return;
	}
	smtpd_spare_empty(&s->out);
	s->spare = d->spare.sessions;
	d->spare.sessions = s;
	d->spare.nsessions++;
	used(d);
}

void smtpd_spare_input(struct smtpd_session *s)
{
	struct smtpd_spare *p = &s->d->spare;

	if (!s->in.ptr && p->ninputs)
		s->in = p->inputs[--p->ninputs];
}

void smtpd_spare_keep_input(struct smtpd_session *s)
{
	struct smtpd_spare *p = &s->d->spare;
	bool usual = s->in.cap == SMTPD_IN_STEP && p->ninputs < SMTPD_SPARE_INPUTS;

	buf_reset(&s->in);
	if (!usual) {
		buf_free(&s->in);
		return;
	}
	p->inputs[p->ninputs++] = s->in;
	buf_init(&s->in, SMTPD_IN_MAX);
	used(s->d);
}

struct smtpd_store *smtpd_spare_store(struct smtpd *d)
{
	struct smtpd_store *st = d->spare.stores;

	if (st) {
		d->spare.stores = st->spare;
		*st = (struct smtpd_store){
		    .d = d, .held = st->held, .sender = st->sender, .locals = st->locals};
		return st;
	}
	st = calloc(1, sizeof *st);
	if (!st)
		return NULL;
	st->d = d;
	buf_init(&st->sender, MTA_ADDR_MAX);
	buf_init(&st->locals, SMTPD_FAST_MAX * 2 * MTA_ADDR_MAX);
	if (d->spare.held < SMTPD_HELD_MAX)
		st->held = malloc(SMTPD_HELD_OCTETS);
	d->spare.held += st->held != NULL;
	return st;
}

static void free_store(struct smtpd_store *st)
{
	buf_free(&st->sender);
	buf_free(&st->locals);
	free(st->held);
	free(st);
}

void smtpd_spare_keep_store(struct smtpd_store *st)
{
	struct smtpd *d = st->d;

	if (!st->held) {
		free_store(st);
		return;
	}
	smtpd_spare_empty(&st->sender);
	smtpd_spare_empty(&st->locals);
	st->spare = d->spare.stores;
	d->spare.stores = st;
	used(d);
}

void smtpd_spare_trim(struct loop_timer *t)
{
	struct smtpd_spare *p =
	    (struct smtpd_spare *)((char *)t - offsetof(struct smtpd_spare, timer));
	struct smtpd *d = (struct smtpd *)((char *)p - offsetof(struct smtpd, spare));

	for (struct smtpd_session *s = p->sessions, *next; s; s = next) {
		next = s->spare;
		free_session(s);
	}
	for (struct smtpd_store *st = p->stores, *next; st; st = next) {
		next = st->spare;
		free_store(st);
		p->held--;
	}
	while (p->ninputs)
		buf_free(&p->inputs[--p->ninputs]);
	p->sessions = NULL;
	p->nsessions = 0;
	p->stores = NULL;
	smtpd_known_forget(d);
	/* Nothing is in these between two events. */
	buf_free(&d->text);
	free(d->chunk);
	d->chunk = NULL;
}
