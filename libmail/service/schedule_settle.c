/* What an outcome means for a recipient; see service/schedule_part.h. */
#include <stdio.h>
#include <string.h>

#include "service/schedule_part.h"
#include "sys/log.h"

/* sendmail's RecipientFactor and RetryFactor, of which its priorities are made. */
enum { RCPT_FACTOR = 30000, TRY_FACTOR = 90000 };

/* A temporary failure of a message that is too old is a permanent one. */
static void expire(const struct work *w, struct err *e)
{
	uint64_t limit = w->q->settings.queue_return_s;
	char why[ERR_TEXT_MAX];

	if (e->class != ERR_TEMP || !limit || schedule_age(w) <= (int64_t)limit)
		return;
	memcpy(why, e->text, sizeof why);
	err_perm(e, "4.4.7", "Message could not be delivered for %llu hours: %.150s",
		 (unsigned long long)(limit / 3600), why);
}

/* "00:01:05", "1+02:00:00": as sendmail writes delays. */
static void put_delay(char out[24], int64_t s)
{
	int n = 0;

	if (s < 0)
		s = 0;
	if (s >= 86400)
		n = snprintf(out, 24, "%lld+", (long long)(s / 86400));
	snprintf(out + n, 24 - (size_t)n, "%02d:%02d:%02d", (int)(s / 3600 % 24),
		 (int)(s / 60 % 60), (int)(s % 60));
}

static void put_log(const struct work *w, const struct task *t, const char *stat)
{
	const struct qfile_rcpt *r = &w->item.rcpts[t->rcpt];
	const struct qfile_state *state = &w->item.head.state;
	char delay[24], xdelay[24];

	put_delay(delay, schedule_age(w));
	if (!t->mailer) {
		log_info("%s: to=<%.*s>, delay=%s, dsn=%s, stat=%s", w->item.id, SPAN_ARG(r->addr),
			 delay, r->status, stat);
		return;
	}
	put_delay(xdelay, (int64_t)(w->q->loop.now_ms - t->started_ms) / 1000);
	log_info("%s: to=<%.*s>, delay=%s, xdelay=%s, mailer=%s, pri=%llu%s%s, dsn=%s, stat=%s",
		 w->item.id, SPAN_ARG(r->addr), delay, xdelay, t->mailer,
		 (unsigned long long)(w->item.size + w->item.count * RCPT_FACTOR +
				      (state->tries - 1ULL) * TRY_FACTOR),
		 t->remote.remote[0] ? ", relay=" : "", t->remote.remote, r->status, stat);
}

void schedule_settle(struct work *w, struct task *t)
{
	struct qfile_rcpt *r = &w->item.rcpts[t->rcpt];
	struct qfile_state *state = &w->item.head.state;
	const char *why = t->reply[0] ? t->reply : t->err.text;
	char stat[ERR_TEXT_MAX + 64];

	expire(w, &t->err);
	if (t->err.class == ERR_PERM && strcmp(t->err.status, "4.4.7") == 0)
		why = t->err.text;
	if (t->err.class == ERR_NONE && t->reply[0])
		snprintf(stat, sizeof stat, "Sent (%s)", t->err.text);
	else if (t->err.class == ERR_NONE)
		snprintf(stat, sizeof stat, "Sent");
	else
		snprintf(stat, sizeof stat, "%s%s", t->err.class == ERR_TEMP ? "Deferred: " : "",
			 why);
	r->state = t->err.class == ERR_NONE   ? QFILE_DONE
		   : t->err.class == ERR_TEMP ? QFILE_PENDING
					      : QFILE_FAILED;
	snprintf(r->status, sizeof r->status, "%.8s", t->err.class ? t->err.status : "2.0.0");
	snprintf(r->text, sizeof r->text, "%.*s", QFILE_TEXT_MAX, t->err.class ? why : stat);
	/* For the report, which has more room than the file. */
	if (t->err.class != ERR_NONE)
		r->reply = span_str(why);
	r->remote = span_str(t->remote.remote);
	/* Of a quarantined message the reason for that stays. */
	if (t->err.class == ERR_TEMP && !(state->flags & QFILE_HELD))
		snprintf(state->text, sizeof state->text, "%.*s", QFILE_TEXT_MAX, stat);
	schedule_choose_tell(w->q, r->addr, "%s", stat);
	put_log(w, t, stat);
}
