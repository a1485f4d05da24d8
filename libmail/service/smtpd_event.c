/*
 * What the protocol machine asks for: addresses are sent to the queue role for a
 * verdict, messages to smtpd_store.c.  See service/smtpd.h.
 */
#include <stdio.h>
#include <string.h>

#include "service/route.h"
#include "service/smtpd.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { SPACE_MS = 50 }; /* for so long the disk is as full as it was */

static void reject(struct smtpd_session *s, const struct err *e)
{
	smtp_server_reject(&s->smtp, e, &s->out);
}

/*
 * Between messages and after each: a message still being received is dropped, one that is
 * being committed goes on without its session, since a client that hangs up takes nothing
 * back.
 */
void smtpd_event_reset(struct smtpd_session *s)
{
	if (s->store && (s->in_body || s->checking))
		smtpd_store_drop(s->store);
	else if (s->store)
		s->store->session = NULL, s->d->orphans++;
	s->store = NULL;
	s->in_body = s->checking = false;
	s->fate = MTA_TAKEN;
	s->bad_rcpts = 0;
	smtpd_spare_empty(&s->mail_macros);
	s->d->envelopes -= s->rcpts.len;
	smtpd_spare_empty(&s->sender);
	smtpd_spare_empty(&s->rcpts);
	smtpd_spare_empty(&s->locals);
	smtpd_spare_empty(&s->envid);
	s->nrcpts = s->nlocals = 0;
	s->body = SMTP_BODY_NONE;
	s->ret = '-';
}

/*
 * Room for the message and a reserve; RFC 1870 6.1: tell before the octets come. Blocks
 * are of 4096 octets; 0 free means that it is not known, and a full disk shows when it is
 * written to.
 */
static bool check_space(struct smtpd_session *s)
{
	struct smtpd *d = s->d;
	uint64_t want = d->settings.min_free * 4096 + s->smtp.mail.size;
	struct err e;

	if (d->space < want || d->loop.now_ms - d->space_ms >= SPACE_MS) {
		d->space = fs_free_octets(d->queue.tmp);
		d->space_ms = d->loop.now_ms;
	}
	if (d->space == 0 || d->space >= want)
		return true;
	log_warn("queue directory: %llu octets free, less than MinFreeBlocks wants: refusing mail",
		 (unsigned long long)d->space);
	err_temp(&e, "4.3.1", "Insufficient disk space; try again later");
	reject(s, &e);
	return false;
}

/* The sender is stored when the verdict is there: it may be rewritten by it. */
static void on_mail(struct smtpd_session *s)
{
	if (!check_space(s))
		return;
	s->body = s->smtp.mail.body;
	s->ret = s->smtp.mail.ret == SMTP_RET_FULL   ? 'F'
		 : s->smtp.mail.ret == SMTP_RET_HDRS ? 'H'
						     : '-';
	buf_reset(&s->envid);
	buf_put(&s->envid, s->smtp.mail.envid);
	smtpd_ask(s, MTA_CHECK_MAIL, SPAN(""));
}

static void on_rcpt(struct smtpd_session *s)
{
	struct err e;

	/* More than the queue reads would never leave it. */
	if (s->nrcpts >= QUEUE_RCPTS_MAX ||
	    (s->d->settings.max_rcpts && s->nrcpts >= s->d->settings.max_rcpts)) {
		err_temp(&e, "4.5.3", "Too many recipients");
		reject(s, &e);
		return;
	}
	smtpd_ask(s, MTA_CHECK_RCPT, s->smtp.addr);
}

/*
 * False without room for it: a recipient that is accepted must be there whole, and what all
 * sessions hold together must fit into a small machine.
 */
static bool add_rcpt(struct smtpd_session *s, const struct mta_verdict *v)
{
	size_t before = s->rcpts.len;
	struct qfile_rcpt r = {.state = QFILE_PENDING,
			       .notify = s->smtp.rcpt.notify,
			       .addr = v->address,
			       .orcpt = s->smtp.rcpt.orcpt};

	qfile_put_rcpt(&s->rcpts, &r);
	if (!buf_ok(&s->rcpts) || s->d->envelopes + s->rcpts.len - before > SMTPD_ENVELOPES_MAX) {
		buf_truncate(&s->rcpts, before);
		s->rcpts.overflow = false;
		return false;
	}
	s->d->envelopes += s->rcpts.len - before;
	s->nrcpts++;
	/*
	 * For the fast path: few recipients, all local, and none that wants a success
	 * report, which only the queue role makes.
	 */
	if (v->route != MTA_TO_LOCAL || s->nlocals >= SMTPD_FAST_MAX ||
	    r.notify & SMTP_NOTIFY_SUCCESS)
		return true;
	buf_put(&s->locals, v->user);
	buf_putc(&s->locals, '\0');
	/* User and address alternate, each ended by a NUL. */
	buf_put(&s->locals, v->address);
	buf_putc(&s->locals, '\0');
	/* Without it the message goes through the queue. */
	s->nlocals += buf_ok(&s->locals);
	return true;
}

/* The first address of a transaction, or another recipient. */
static bool take_address(struct smtpd_session *s, const struct mta_verdict *v)
{
	struct err e;

	if (s->asked == MTA_CHECK_MAIL) {
		buf_reset(&s->sender);
		buf_put(&s->sender, v->address);
		buf_reset(&s->mail_macros);
		buf_put(&s->mail_macros, v->macros);
		return true;
	}
	if (add_rcpt(s, v))
		return true;
	log_warn("%s: no memory for recipient %u", s->client, s->nrcpts + 1);
	err_temp(&e, "4.3.1", "No room for more recipients; try again later");
	reject(s, &e);
	return false;
}

/* Of the message as a whole: refused, or it goes on its way. */
static void judged(struct smtpd_session *s, const struct mta_verdict *v)
{
	s->checking = false;
	if (v->err.class != ERR_NONE) {
		log_info("%s: reject=%d %s %s", s->store->id, err_reply_code(&v->err),
			 v->err.status, v->err.text);
		smtpd_store_drop(s->store);
		s->store = NULL;
		reject(s, &v->err);
		smtpd_event_reset(s);
		return;
	}
	if (s->fate == MTA_HELD && s->store->njobs)
		smtpd_store_hold(s->store);
	smtpd_store_end(s->store);
}

static void begin_data(struct smtpd_session *s);
static void begin_tls(struct smtpd_session *s);

void smtpd_event_verdict(struct smtpd_session *s, const struct mta_verdict *v)
{
	bool at_data = s->at_data;

	/* A refused DATA is over. */
	s->at_data = false;
	if (s->connecting) {
		smtpd_ask_connected(s, v);
		return;
	}
	if (v->fate > s->fate) {
		log_info("%s: %s%.*s", s->client,
			 v->fate == MTA_HELD ? "quarantine: " : "message is discarded",
			 SPAN_ARG(v->fate == MTA_HELD ? v->user : SPAN("")));
		s->fate = v->fate;
	}
	if (s->asked == MTA_CHECK_EOM) {
		judged(s, v);
		return;
	}
	if (v->err.class != ERR_NONE) {
		s->bad_rcpts += s->asked == MTA_CHECK_RCPT;
		reject(s, &v->err);
		return;
	}
	if (s->asked != MTA_CHECK_OTHER && !take_address(s, v))
		return;
	if (at_data)
		begin_data(s);
	else if (s->smtp.due == SMTP_EV_STARTTLS)
		begin_tls(s);
	else if (!smtp_server_accept(&s->smtp, &s->out))
		s->closing = true;
}

static void begin_data(struct smtpd_session *s)
{
	struct err e;

	s->at_data = false;

	/* The client is told no path and no errno; they are in the log. */
	if (!smtpd_store_begin(s, &e)) {
		log_err("cannot make a queue file: %s", e.text);
		err_temp(&e, e.status, "cannot store the message now");
		reject(s, &e);
		return;
	}
	/* From here on text may come, and it has somewhere to go. */
	s->in_body = true;
	s->message_ms = s->d->loop.now_ms;
	if (!smtp_server_accept(&s->smtp, &s->out))
		s->closing = true;
}

/* The answer comes when the message is on disk or delivered; the session waits. */
static bool on_end(struct smtpd_session *s)
{
	struct smtpd_store *st = s->store;

	s->in_body = false;
	smtpd_store_flush(st);
	if (!smtpd_store_gather(st))
		return true;
	if (!smtpd_ask_message(s))
		smtpd_store_end(st);
	return !smtp_server_waiting(&s->smtp);
}

static void on_data(struct smtpd_session *s)
{
	char number[16];

	snprintf(number, sizeof number, "%u", s->nrcpts);
	s->at_data = true;
	if (!smtpd_ask_check(s, ROUTE_CHECK_DATA, span_str(number)))
		begin_data(s);
}

/* VRFY, EXPN, ETRN and all the others: the machine's answer, if the ruleset agrees. */
static void on_other(struct smtpd_session *s, enum route_check which, struct span arg)
{
	if (!smtpd_ask_check(s, which, arg) && !smtp_server_accept(&s->smtp, &s->out))
		s->closing = true;
}

/* check_other: the digit of the reply, and the line as far as rulesets take one. */
static void on_unchecked(struct smtpd_session *s)
{
	char mem[MTA_ADDR_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem - 1);
	buf_put(&b, s->smtp.mech);
	buf_put(&b, span_head(s->smtp.text, sizeof mem - 2));
	on_other(s, ROUTE_CHECK_OTHER, buf_span(&b));
}

static void begin_tls(struct smtpd_session *s)
{
	if (smtp_server_accept(&s->smtp, &s->out)) {
		s->want_tls = true;
		return;
	}
	log_warn("STARTTLS with input behind it from %s: connection ended", s->client);
	s->closing = true;
}

static void on_starttls(struct smtpd_session *s)
{
	/* RFC 3207 section 4: 454 is the only answer to a STARTTLS that cannot be done. */
	struct err e;

	if (!s->d->chain) {
		err_temp(&e, "4.3.3", "TLS not available after start");
		reject(s, &e);
	} else if (!smtpd_ask_check(s, ROUTE_SRV_FEATURES, SPAN(""))) {
		begin_tls(s);
	}
}

bool smtpd_event(struct smtpd_session *s, enum smtp_server_event ev)
{
	switch (ev) {
	case SMTP_EV_MAIL:
		on_mail(s);
		break;
	case SMTP_EV_RCPT:
		on_rcpt(s);
		break;
	case SMTP_EV_DATA:
		on_data(s);
		break;
	case SMTP_EV_BODY:
		smtpd_store_text(s->store, s->smtp.text);
		break;
	case SMTP_EV_EOM:
		return on_end(s);
	case SMTP_EV_REFUSED:
	case SMTP_EV_RSET:
		smtpd_event_reset(s);
		break;
	case SMTP_EV_STARTTLS:
		on_starttls(s);
		break;
	case SMTP_EV_VRFY:
		on_other(s, ROUTE_CHECK_VRFY, s->smtp.text);
		break;
	case SMTP_EV_EXPN:
		on_other(s, ROUTE_CHECK_EXPN, s->smtp.text);
		break;
	case SMTP_EV_ETRN:
		on_other(s, ROUTE_CHECK_ETRN, s->smtp.text);
		break;
	case SMTP_EV_OTHER:
		on_unchecked(s);
		break;
	case SMTP_EV_HELO:
		if (!smtp_server_accept(&s->smtp, &s->out))
			s->closing = true;
		break;
	case SMTP_EV_AUTH:
	case SMTP_EV_AUTH_LINE:
		/* Not offered, so only a client that does not look asks for it. */
		smtp_server_reply(&s->smtp, 502, "5.7.0", SPAN("AUTH is not available"), &s->out);
		break;
	case SMTP_EV_ABORT:
		log_info("%s: session ended: %.*s", s->client, SPAN_ARG(s->smtp.text));
		s->closing = true;
		break;
	case SMTP_EV_QUIT:
		s->closing = true;
		break;
	case SMTP_EV_VERB:
	case SMTP_EV_AUTH_ABORT:
	case SMTP_EV_MORE:
	case SMTP_EV_WAIT:
		break;
	}
	return !smtp_server_waiting(&s->smtp) && !s->closing;
}
