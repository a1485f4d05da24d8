/*
 * Messages on a connection: which is next, its envelope, what became of it.  See
 * service/relay_part.h.
 */
#include <stdlib.h>

#include "format/qfile.h"
#include "service/relay_part.h"

static void put_rcpt(void *arg, size_t n, struct smtp_client_rcpt *out)
{
	static const struct span notify[] = {
	    {"", 0},
	    {"NEVER", 5},
	    {"SUCCESS", 7},
	    {"NEVER", 5},
	    {"FAILURE", 7},
	    {"NEVER", 5},
	    {"SUCCESS,FAILURE", 15},
	    {"NEVER", 5},
	    {"DELAY", 5},
	    {"NEVER", 5},
	    {"SUCCESS,DELAY", 13},
	    {"NEVER", 5},
	    {"FAILURE,DELAY", 13},
	    {"NEVER", 5},
	    {"SUCCESS,FAILURE,DELAY", 21},
	    {"NEVER", 5},
	};
	const struct relay_rcpt *r = &((struct relay_job *)arg)->rcpts[n];

	*out = (struct smtp_client_rcpt){
	    .addr = r->addr, .orcpt = r->orcpt, .notify = notify[r->notify & 15]};
}

/* A server that does not take 8 bits gets none, unless the mailer says that it does (F=8). */
static void choose_bits(struct relay_session *s)
{
	char body = s->job->send.body;

	if (s->smtp.keywords & SMTP_KW_8BITMIME || body == QFILE_BODY_7BIT || body == MTA_BODY_PASS)
		return;
	/* Without memory it goes as it is, which nearly all such servers take. */
	s->seven = malloc(sizeof *s->seven);
	if (s->seven)
		mime_seven_init(s->seven);
}

/* Drops the recipients that tls_rcpt refuses; false: none is left, and no job. */
static bool may_go(struct relay_session *s, struct relay_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		job->rcpts[i].again = relay_tls_rcpt(s, &job->rcpts[i]);
	return relay_answer(s->dest->relay, job, s->name);
}

/* The next message, or idleness. */
void relay_message_take(struct relay_session *s)
{
	const struct mta_target *t = &s->dest->target;
	unsigned most = t->max_messages ? t->max_messages : RELAY_MESSAGES;
	struct relay_job *job;

	do
		job = s->messages < most ? relay_dest_take(s->dest) : NULL;
	while (job && !may_go(s, job));
	s->job = job;
	/* Some servers count messages, and all forget what they cache: a fresh start now and then.
	 */
	if (!job) {
		if (s->dest->relay->config)
			config_idle(s->dest->relay->config);
		s->state = RELAY_IDLE;
		s->ending = s->messages >= most || s->dest->relay->stopping;
		if (s->ending)
			smtp_client_quit(&s->smtp, &s->out);
		return;
	}
	s->state = RELAY_TALKING;
	s->texted = s->body = false;
	s->began_ms = s->dest->relay->loop.now_ms;
	s->message = (struct smtp_client_message){
	    .from = job->send.sender,
	    .size = job->send.size,
	    .eightbit = job->send.body == QFILE_BODY_8BIT || job->send.body == MTA_BODY_PASS,
	    .line_limit = job->send.line_limit,
	    .ret = job->send.ret == 'F'   ? SPAN("FULL")
		   : job->send.ret == 'H' ? SPAN("HDRS")
					  : SPAN(""),
	    .envid = job->send.envid,
	    .rcpts = job->count,
	    .marks = job->marks,
	    .rcpt = put_rcpt,
	    .arg = job,
	};
	choose_bits(s);
	smtp_client_send(&s->smtp, &s->message, &s->out);
}

/*
 * A connection that had gone stale before this message: nobody has heard of it.  It may meet
 * several such connections in turn, but a fresh one is none, so this ends.
 */
static bool was_stale(const struct relay_session *s)
{
	const struct relay_job *job = s->job;

	if (!s->smtp.closing || s->messages == 0 || s->texted)
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (job->rcpts[i].err.class != ERR_TEMP ||
		    (job->rcpts[i].code && job->rcpts[i].code != 421))
			return false;
	return true;
}

/*
 * RFC 5321 4.5.3.1.10: those that were too many go in a transaction of their own, at once.  Each
 * has to bring somebody home, so this ends.
 */
static bool leaves_some(const struct relay_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		if (job->rcpts[i].err.class == ERR_NONE)
			return true;
	return false;
}

void relay_message_done(struct relay_session *s)
{
	struct relay *r = s->dest->relay;
	bool stale = was_stale(s), again = !r->stopping && (stale || leaves_some(s->job));

	for (size_t i = 0; i < s->job->count; i++)
		s->job->rcpts[i].again = again && (stale || s->job->rcpts[i].again);
	if (relay_answer(r, s->job, s->name))
		relay_dest_put_back(s->job);
	s->job = NULL;
	relay_io_end_body(s);
	s->body = false;
	s->messages++;
}

void relay_message_note(struct relay_session *s)
{
	struct relay_rcpt *r = &s->job->rcpts[s->smtp.index];
	int class = s->smtp.code / 100;

	r->err = s->smtp.err;
	r->code = 0;
	/* The last reply's code belongs to texts of its own class; others are ours. */
	if (!s->told &&
	    ((r->err.class == ERR_NONE && class == 2) || (r->err.class == ERR_TEMP && class == 4) ||
	     (r->err.class == ERR_PERM && class == 5)))
		r->code = (uint16_t)s->smtp.code;
	/* Full mailboxes and disks have the code as well, but say so where they can. */
	r->again = !s->texted && !s->told && r->err.class == ERR_TEMP &&
		   (s->smtp.code == 452 || s->smtp.code == 552) &&
		   (!(s->smtp.keywords & SMTP_KW_STATUS) || strcmp(r->err.status, "4.5.3") == 0);
}
