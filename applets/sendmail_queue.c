/*
 * sendmail -q and -Q: what is run, what is held back; see sendmail.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "sendmail.h"
#include "service/queue.h"
#include "service/queue_select.h"
#include "sys/clock.h"

/*
 * -q, -qf, -q30m; -qp is a runner that stays and tries each message when it is due;
 * -qI -qR -qS -qQ -qL choose messages; -qG names a queue group, and there is only one.
 */
int sendmail_set_queue_run(struct sendmail_command *c, const char *value)
{
	char bad[2] = "";

	c->run.queue = true;
	if (!value || strchr("fG", value[0]))
		return 0;
	if (strchr("!IRSQL", value[0])) {
		if (queue_select_add(&c->list.select, value) || !value[1])
			return 0;
		return c->list.select.count == QUEUE_SELECT_MAX
			   ? sendmail_refuse("Too many selections: -q", value, "")
			   : sendmail_refuse("Invalid time unit `", (char[2]){value[1]}, "'");
	}
	if (value[0] == 'p') {
		c->run.stay = true;
		value++;
	}
	if (!value[0])
		return 0;
	if (num_parse_interval(span_str(value), 60, &c->run.interval_s, bad))
		return 0;
	/* sendmail names the unit that it does not know, or what is there instead of a number. */
	bad[0] = bad[0] ? bad[0] : value[0];
	return sendmail_refuse("Invalid time unit `", bad, "'");
}

/* restrictmailq, restrictqrun: only for root and those whose queue it is. */
bool sendmail_may(const struct sendmail *m, enum settings_privacy what)
{
	struct stat st;

	if (!(m->settings.privacy & what) || getuid() == 0)
		return true;
	return stat(m->settings.queue, &st) == 0 &&
	       (st.st_uid == getuid() || (what == PRIVACY_RESTRICTMAILQ && st.st_gid == getgid()));
}

struct holding {
	const struct queue *queue;
	const struct queue_select *select;
	const char *reason; /* NULL: to be released */
	bool failed;
};

/*
 * The time of the file is set behind the change: the daemon watches for that, and a released
 * message is tried at once.
 */
static bool change(struct queue_item *item, const char *reason, struct err *e)
{
	struct qfile_state *state = &item->head.state;

	if (reason) {
		state->flags |= QFILE_HELD;
		snprintf(state->text, sizeof state->text, "%.*s", QFILE_TEXT_MAX, reason);
	} else {
		state->flags &= ~(unsigned)QFILE_HELD;
		state->text[0] = '\0';
		state->next = 0;
	}
	if (!queue_mark_state(item, e))
		return false;
	if (fdatasync(item->fd) != 0 || futimens(item->fd, NULL) != 0)
		return err_errno(e, errno, "cannot update queue file %s", item->id);
	return true;
}

static bool hold_one(void *arg, const char *id)
{
	struct holding *h = arg;
	struct queue_item item = {0};
	struct err e;

	if (!queue_load(h->queue, id, true, &item, &e)) {
		/* Gone or being delivered: too late to hold it. */
		if (e.sys != ENOENT && e.sys != EAGAIN) {
			fprintf(stderr, "sendmail: %s\n", e.text);
			h->failed = true;
		}
		return true;
	}
	if (queue_select_match(h->select, &item) && !change(&item, h->reason, &e)) {
		fprintf(stderr, "sendmail: %s\n", e.text);
		h->failed = true;
	}
	queue_unload(&item);
	arena_free(&item.arena);
	return true;
}

int sendmail_hold(struct sendmail_command *c)
{
	struct queue q;
	struct holding h = {.queue = &q, .select = &c->list.select, .reason = c->reason};
	struct err e = {0};
	bool ok;

	/* Without a word which, all that are held are let go. */
	if (!c->reason && !queue_select_held(&c->list.select))
		queue_select_add(&c->list.select, "Q");
	if (!queue_open(&q, c->m.settings.queue, false, &e)) {
		fprintf(stderr, "%s: %s\n", c->m.program, e.text);
		return e.sys == EACCES ? EXIT_NOPERM : EXIT_OSFILE;
	}
	ok = queue_each(&q, hold_one, &h, &e);
	queue_close(&q);
	if (!ok)
		fprintf(stderr, "%s: %s\n", c->m.program, e.text);
	return ok && !h.failed ? 0 : EXIT_IOERR;
}
