/*
 * What the protocol machine asks for: addresses are sent to the queue role for a
 * verdict, messages to smtpd_store.c.  See service/smtpd.h.
 */
#include <stdio.h>
#include <string.h>

#include "service/smtpd.h"
#include "sys/fs.h"
#include "sys/log.h"

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
	if (s->store && s->in_body)
		smtpd_store_drop(s->store);
	else if (s->store)
		s->store->session = NULL, s->d->orphans++;
	s->store = NULL;
	s->in_body = false;
	s->d->envelopes -= s->rcpts.len;
	smtpd_spare_empty(&s->sender);
	smtpd_spare_empty(&s->rcpts);
	smtpd_spare_empty(&s->locals);
	smtpd_spare_empty(&s->envid);
	s->nrcpts = s->nlocals = 0;
	s->body = SMTP_BODY_NONE;
	s->ret = '-';
}

/* One question is open at a time: the machine takes no further command until it is answered. */
static void ask(struct smtpd_session *s, enum mta_type type, struct span rcpt)
{
	char mem[WIRE_MAX];
	struct buf b;
	struct mta_check c = {
	    .origin = {.addr = span_str(s->addr),
		       .helo = smtp_server_helo(&s->smtp),
		       .uid = s->uid,
		       .tls = s->smtp.tls},
	    .sender = type == MTA_CHECK_MAIL ? s->smtp.addr : buf_span(&s->sender),
	    .rcpt = rcpt,
	};
	struct err e;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_check(&b, type, s->id, &c);
	if (!buf_ok(&b) || !ipc_is_open(&s->d->queue_role)) {
		err_temp(&e, "4.3.0", "address verification is not available now");
		reject(s, &e);
		return;
	}
	s->asked_open = true;
	/* The answer finds the session by its id, or nothing if it has gone meanwhile. */
	ipc_send(&s->d->queue_role, &b, NULL, 0);
}

/*
 * Room for the message and a reserve; RFC 1870 6.1: tell before the octets come. Blocks
 * are of 4096 octets; 0 free means that it is not known, and a full disk shows when it is
 * written to.
 */
static bool check_space(struct smtpd_session *s)
{
	uint64_t free = fs_free_octets(s->d->queue.tmp);
	uint64_t want = s->d->settings.min_free * 4096 + s->smtp.mail.size;
	struct err e;

	if (free == 0 || free >= want)
		return true;
	log_warn("queue directory: %llu octets free, less than MinFreeBlocks wants: refusing mail",
		 (unsigned long long)free);
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
	ask(s, MTA_CHECK_MAIL, SPAN(""));
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
	ask(s, MTA_CHECK_RCPT, s->smtp.addr);
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

void smtpd_event_verdict(struct smtpd_session *s, const struct mta_verdict *v)
{
	struct err e;

	if (v->err.class != ERR_NONE) {
		reject(s, &v->err);
		return;
	}
	if (s->asked == MTA_CHECK_MAIL) {
		buf_reset(&s->sender);
		buf_put(&s->sender, v->address);
	} else if (!add_rcpt(s, v)) {
		log_warn("%s: no memory for recipient %u", s->client, s->nrcpts + 1);
		err_temp(&e, "4.3.1", "No room for more recipients; try again later");
		reject(s, &e);
		return;
	}
	if (!smtp_server_accept(&s->smtp, &s->out))
		s->closing = true;
}

static void on_data(struct smtpd_session *s)
{
	struct err e;

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
	s->in_body = false;
	smtpd_store_flush(s->store);
	smtpd_store_end(s->store);
	return !smtp_server_waiting(&s->smtp);
}

static void on_starttls(struct smtpd_session *s)
{
	/* RFC 3207 section 4: 454 is the only answer to a STARTTLS that cannot be done. */
	struct err e;

	if (!s->d->chain) {
		err_temp(&e, "4.3.3", "TLS not available after start");
		reject(s, &e);
	} else if (smtp_server_accept(&s->smtp, &s->out)) {
		s->want_tls = true;
	} else {
		log_warn("STARTTLS with input behind it from %s: connection ended", s->client);
		s->closing = true;
	}
}

bool smtpd_event(struct smtpd_session *s, enum smtp_server_event ev)
{
	switch (ev) {
	case SMTP_EV_MAIL:
		/* The flag tells smtpd_event_verdict which of the two was asked. */
		s->asked = MTA_CHECK_MAIL;
		on_mail(s);
		break;
	case SMTP_EV_RCPT:
		s->asked = MTA_CHECK_RCPT;
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
	case SMTP_EV_HELO:
	case SMTP_EV_VRFY:
	case SMTP_EV_EXPN:
	case SMTP_EV_ETRN:
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
