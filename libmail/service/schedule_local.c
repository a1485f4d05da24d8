/*
 * Recipients of this host: mailboxes, programs and files; see service/schedule_part.h.
 *
 * Where smtpd stores messages at once (smtpd_fast.c) their headers stay as they came, and so they
 * do here: what a mailbox gets must not hang on how busy the host was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/command.h"
#include "service/mailer.h"
#include "service/schedule_part.h"

enum { NICE_MAX = 20 }; /* what the kernel has; below 0 is for root, who starts nothing */

static void on_delivered(struct agents_job *job)
{
	struct task *t = job->owner;

	if (t->key[0])
		t->work->remote--;
	t->err = job->err;
	schedule_task_answered(t);
}

static bool stores_at_once(const struct settings *s)
{
	return s->delivery_mode == 'i' && s->supersafe == 'i';
}

/* An argument that a stranger's word makes an option is none. */
static bool put_word(struct cf_eval *ev, struct span word, struct buf *words, struct err *e)
{
	size_t start = words->len;

	cf_expand(ev, word, words);
	if (word.ptr[0] != '-' && words->len > start && words->ptr[start] == '-')
		return err_perm(e, "5.1.3", "address begins with '-'");
	if (words->len > start && memchr(words->ptr + start, '\0', words->len - start))
		return err_perm(e, "5.1.3", "address with a NUL");
	buf_putc(words, '\0');
	return true;
}

static const char *sender_option(const struct cf_mailer *m)
{
	return cf_mailer_flag(m, 'f') ? "-f" : cf_mailer_flag(m, 'r') ? "-r" : NULL;
}

static bool speaks_lmtp(const struct cf_mailer *m)
{
	return cf_mailer_flag(m, 'z') && !mailer_is_shell(m);
}

/* A= with its macros, each word by itself: what stands for one stays one. */
static bool put_words(struct task *t, const struct route *r, const struct variant *v,
		      struct buf *words)
{
	struct config *c = t->work->q->config;
	struct span argv = r->mailer->argv;
	struct err *e = &t->err;
	const char *option;

	if (mailer_is_shell(r->mailer)) {
		struct span command = span_str(r->user);

		return command_split(span_skip(command, span_starts(command, SPAN("|"))), words, e);
	}
	if (!schedule_decide(t->work->q, NULL, e))
		return false;
	config_set(c, "u", span_str(r->user));
	config_set(c, "h", span_str(r->host));
	config_set(c, "f", span_str(v->shown));
	config_set(c, "g", span_str(v->shown));
	config_set(c, "i", span_str(t->work->item.id));
	while (argv.len) {
		bool first = words->len == 0;

		if (!put_word(c->ev, span_cut(&argv, ' '), words, e))
			return false;
		/* F=f and F=r: the sender by an option, in front of what A= has. */
		if (!first || !(option = sender_option(r->mailer)))
			continue;
		buf_put(words, span_make(option, 3));
		if (!put_word(c->ev, SPAN("\201g"), words, e))
			return false;
	}
	if (speaks_lmtp(r->mailer))
		buf_put(words, span_make(r->user, strlen(r->user) + 1));
	return buf_ok(words) || err_perm(e, "5.1.3", "address too long");
}

/* F=S is without effect: nobody of us is root who starts a program, and U= holds without it. */
static uint8_t form_of(const struct cf_mailer *m)
{
	return (uint8_t)((cf_mailer_flag(m, 'E') ? MTA_FORM_QUOTE : 0) |
			 (cf_mailer_flag(m, '7') ? MTA_FORM_STRIP : 0) |
			 (cf_mailer_flag(m, 'b') ? MTA_FORM_BLANK : 0) |
			 (speaks_lmtp(m)           ? MTA_FORM_LMTP
			  : cf_mailer_flag(m, 'X') ? MTA_FORM_DOTS
						   : 0) |
			 (m->eol.len && m->eol.ptr[0] == '\r' ? MTA_FORM_CRLF : 0));
}

/* Whom a program or file is for, when it is not for nobody in particular. */
static struct span owner_of(const struct task *t)
{
	return t->target ? span_str(t->owner) : t->work->item.rcpts[t->rcpt].owner;
}

static bool put_program(struct task *t, const struct route *r, const struct variant *v)
{
	const struct cf_mailer *m = r->mailer;
	char mem[MTA_WORDS_MAX + MTA_PATH_MAX];
	struct span owner;
	struct buf words;
	size_t len;

	buf_init_fixed(&words, mem, MTA_WORDS_MAX);
	if (!put_words(t, r, v, &words))
		return false;
	len = words.len;
	/* Behind them, in the same memory. */
	words.max = words.cap = len + MTA_PATH_MAX;
	cf_expand(t->work->q->config->ev, m->dir, &words);
	t->addr = arena_strdup(&t->work->item.arena, buf_span(&words));
	if (!t->addr)
		return err_temp(&t->err, "4.3.0", "out of memory");
	t->job.program = (struct mta_program){
	    .words = span_make(t->addr, len),
	    .folders = span_make(t->addr + len, words.len - len),
	    .limit = m->line_limit > 0 && m->line_limit < UINT32_MAX ? (uint32_t)m->line_limit : 0,
	    .seconds = m->wait > 0 && m->wait < UINT32_MAX ? (uint32_t)m->wait : 0,
	    .nice = (int8_t)(m->nice < 0          ? 0
			     : m->nice < NICE_MAX ? m->nice
						  : NICE_MAX),
	    .form = form_of(m)};
	owner = mailer_is_shell(m) ? owner_of(t) : SPAN("");
	snprintf(t->key, sizeof t->key, "|%.*s%s%.*s", SPAN_ARG(span_head(m->name, 64)),
		 r->external || owner.len ? "/" : "", SPAN_ARG(span_head(owner, 180)));
	return true;
}

static bool put_file(struct task *t, const struct route *r)
{
	size_t room = sizeof t->key;

	t->job.rcpt = SPAN("");
	return (size_t)snprintf(t->key, room, "%.*s%s", SPAN_ARG(owner_of(t)), r->user) < room ||
	       err_perm(&t->err, "5.3.0", "Can't create output: the path is too long");
}

bool schedule_local_prepare(struct task *t, const struct route *r)
{
	struct work *w = t->work;
	bool own = r->kind == ROUTE_LOCAL && !r->external;
	struct variant *v;

	t->key[0] = '\0';
	t->job = (struct agents_job){.fd = w->item.fd,
				     .at = w->item.message_at,
				     .id = w->item.id,
				     .sender = w->item.head.sender,
				     .rcpt = w->item.rcpts[t->rcpt].addr,
				     .done = on_delivered,
				     .owner = t};
	if (own && stores_at_once(&w->q->settings))
		return true;
	v = schedule_variant(w, r->mailer, &t->err);
	if (!v)
		return false;
	t->job.at = v->message.at;
	t->job.header = v->message.header < 0 ? 0 : v->message.header;
	t->job.sender = v->message.sender;
	if (r->kind == ROUTE_FILE)
		return put_file(t, r);
	return own || put_program(t, r, v);
}

void schedule_local_pass(struct task *t, struct span account)
{
	struct work *w = t->work;
	struct schedule *q = w->q;
	size_t len = strlen(t->key);

	if (!len) {
		agents_deliver(&q->agents, account, &t->job);
		return;
	}
	if (t->key[len - 1] == '/')
		snprintf(t->key + len, sizeof t->key - len, "%.*s", SPAN_ARG(account));
	/* A program may take its time, as another host may. */
	if (!w->remote && q->away >= SCHEDULE_AWAY) {
		t->crowded = true;
		schedule_task_answered(t);
		return;
	}
	w->remote++;
	agents_deliver(&q->agents, span_str(t->key), &t->job);
}
