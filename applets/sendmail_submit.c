/*
 * A message from a program: into the queue when we may write it, else to the daemon,
 * else straight into mailboxes.  Exit status 0 only when it is durable.
 *
 * Messages to people are sendmail's, on standard output.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/date.h"
#include "format/mbox.h"
#include "sendmail.h"
#include "service/account.h"
#include "service/alias.h"
#include "service/direct.h"
#include "service/gate.h"
#include "service/gate_listen.h"
#include "service/queue.h"
#include "service/route.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

/* A run in the background is waited for a moment, since a container may end with this process. */
enum { RUN_WAIT_MS = 10000, TEXT_MAX = 2 << 20 };

static void note_status(struct sendmail *m, const struct err *e)
{
	int status = err_exit_code(e);

	/* A temporary failure outweighs a permanent one: the caller should try again. */
	if (status && (m->status == 0 || status == EXIT_TEMPFAIL))
		m->status = status;
}

/*
 * The last place of a message that nobody took: a person's only copy may be the one we have read.
 * O_NOFOLLOW, since /var/tmp is everybody's.
 */
void sendmail_dead_letter(struct sendmail *m)
{
	const char *home = getenv("HOME");
	char path[1024];
	struct mbox_quote q;
	struct buf text, out;
	struct clock_wall now = clock_wall();
	bool done = false, ok;
	struct err e;
	int fd;

	snprintf(path, sizeof path, "%.1000s/dead.letter", home && *home ? home : "/var/tmp");
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		printf("%s: %s; the message is lost\n", path, strerror(errno));
		return;
	}
	buf_init(&text, TEXT_MAX);
	buf_init(&out, 2 * TEXT_MAX);
	mbox_quote_init(&q);
	mbox_put_from(&out, span_str(m->sender), now.s, clock_zone(now.s));
	for (ok = true; ok && !done; buf_reset(&text)) {
		ok = sendmail_read_text(m, &text, &done, &e);
		mbox_quote_feed(&q, buf_span(&text), &out);
		ok = ok && buf_ok(&out) && fs_write(fd, buf_span(&out));
		buf_reset(&out);
	}
	mbox_quote_finish(&q, &out);
	ok = ok && fs_write(fd, buf_span(&out)) && fdatasync(fd) == 0;
	ok = close(fd) == 0 && ok;
	buf_free(&text);
	buf_free(&out);
	if (ok)
		printf("%s... Saved message in %s\n", path, path);
	else
		printf("%s: the message could not be saved\n", path);
}

/* Says what became of refused recipients; -oeq and friends keep quiet. */
static size_t report(struct sendmail *m)
{
	bool quiet = strchr("mqwe", m->error_mode) != NULL;
	size_t good = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct sendmail_rcpt *r = &m->rcpts[i];
		const char *text;

		if (r->err.class == ERR_NONE) {
			good++;
			continue;
		}
		note_status(m, &r->err);
		if (quiet || r->reported)
			continue;
		/* A daemon's text names the recipient too: not twice. */
		text = strstr(r->err.text, "... ");
		printf("%s... %s\n", r->addr, text ? text + 4 : r->err.text);
		r->reported = true;
	}
	return good;
}

/*
 * Finds recipients that cannot be: malformed ones, and unknown local users as far as we can
 * look them up.
 */
static void check_rcpts(struct sendmail *m, struct account_source *accounts, bool look_up)
{
	for (size_t i = 0; i < m->count; i++) {
		struct sendmail_rcpt *r = &m->rcpts[i];
		struct account a;
		struct route route;
		struct err e;

		if (!sendmail_route(m, span_str(r->addr), &route, &r->err))
			continue;
		if (!route_is_open(&route, &r->err))
			memcpy(r->err.status, "5.1.3", sizeof "5.1.3");
		else if (look_up && route.kind == ROUTE_LOCAL &&
			 !route_account(accounts, &route, &a, &e) && e.class == ERR_PERM &&
			 !alias_knows(m->settings.aliases, route.user, route.host))
			err_perm(&r->err, "5.1.1", "User unknown");
	}
}

/*
 * What is queued is the address as routing gave it; the submitter is the real uid, which a
 * program cannot make up.
 */
static void put_envelope(struct sendmail *m, struct buf *out)
{
	char info[64];
	struct qfile_head h = {
	    .state = {.created = clock_wall().s, .flags = m->no_alias ? QFILE_NO_ALIAS : 0},
	    .sender = span_str(m->sender),
	    .ret = m->ret,
	    .envid = span_str(m->envid),
	    .body = m->body,
	};

	snprintf(info, sizeof info, "uid%u@localhost", (unsigned)getuid());
	h.info = h.submitter = span_str(info);
	qfile_put_head(out, &h);
	for (size_t i = 0; i < m->count; i++) {
		struct qfile_rcpt r = {.state = QFILE_PENDING, .notify = m->notify};
		struct route route;

		if (m->rcpts[i].err.class != ERR_NONE ||
		    !sendmail_route(m, span_str(m->rcpts[i].addr), &route, &m->rcpts[i].err))
			continue;
		r.addr = span_str(route.address);
		qfile_put_rcpt(out, &r);
	}
	qfile_put_end(out);
}

/*
 * RFC 5321 section 4.4; a "with" clause only by -p, for no protocol was spoken here. LF: the
 * queue's line end.
 */
static void put_received(const struct sendmail *m, const char *id, struct buf *out)
{
	int64_t now = clock_wall().s;

	if (m->host[0])
		buf_printf(out, "Received: from %s (uid%u@localhost)", m->host, (unsigned)getuid());
	else
		buf_printf(out, "Received: (from uid%u@localhost)", (unsigned)getuid());
	buf_printf(out, "\n\tby %s (letterbox/Submit)%s%s id %s;\n\t", m->settings.hostname,
		   m->protocol[0] ? " with " : "", m->protocol, id);
	date_put(out, now, clock_zone(now));
	buf_putc(out, '\n');
}

/* Copies the message to where write_part puts it. */
static bool stream(struct sendmail *m, bool (*write_part)(void *arg, struct span part), void *arg,
		   struct err *e)
{
	struct buf text;
	bool done = false, ok = true;

	buf_init(&text, TEXT_MAX);
	while (ok && !done) {
		buf_reset(&text);
		ok = sendmail_read_text(m, &text, &done, e);
		if (ok && !write_part(arg, buf_span(&text)))
			ok = err_errno(e, errno, "cannot store the message");
	}
	buf_free(&text);
	return ok;
}

static bool write_queue(void *arg, struct span part)
{
	struct queue_writer *w = arg;

	queue_write(w, part);
	return true; /* w keeps the first failure */
}

/*
 * Nothing is seen by a queue run before the commit, so that a program that dies half-way leaves
 * no half message.
 */
static bool into_queue(struct sendmail *m, const struct queue *q, char id[QUEUE_ID_MAX],
		       struct err *e)
{
	struct queue_writer w = {.fd = -1};
	struct buf head;
	bool ok;

	buf_init(&head, QFILE_ENVELOPE_MAX);
	queue_make_id(id, clock_wall().s, rand_u64());
	put_envelope(m, &head);
	put_received(m, id, &head);
	ok = buf_ok(&head) || err_temp(e, "4.3.0", "envelope too large");
	ok = ok && queue_create(q, &w, id, buf_span(&head), e);
	buf_free(&head);
	ok = ok && stream(m, write_queue, &w, e);
	if (!ok)
		queue_discard(q, &w);
	if (!ok || !queue_commit(q, &w, e))
		return false;
	log_info("%s: from=<%s>, size=%llu, nrcpts=%zu, relay=uid%u@localhost", id, m->sender,
		 (unsigned long long)w.octets, m->count, (unsigned)getuid());
	return true;
}

static bool write_file(void *arg, struct span part)
{
	return fs_write(*(int *)arg, part);
}

/* No queue, no daemon: into mailboxes now, and the exit status tells the truth. */
static bool into_mailboxes(struct sendmail *m, struct account_source *accounts, struct err *e)
{
	int fd = direct_spool(e);
	size_t delivered = 0;

	if (fd < 0 || !stream(m, write_file, &fd, e)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (size_t i = 0; i < m->count; i++) {
		struct sendmail_rcpt *r = &m->rcpts[i];
		struct local_job job = {.fd = fd, .sender = span_str(m->sender)};
		struct account a;
		struct route route;

		if (r->err.class != ERR_NONE ||
		    !sendmail_route(m, span_str(r->addr), &route, &r->err))
			continue;
		job.rcpt = span_str(route.address);
		/* An alias is not for its namesake's mailbox, and needs the queue. */
		if (route.kind != ROUTE_LOCAL ||
		    (!m->no_alias && alias_knows(m->settings.aliases, route.user, route.host)))
			err_temp(&r->err, "4.3.5",
				 "no daemon answers and the queue %.120s cannot be written",
				 m->settings.queue);
		else if (route_account(accounts, &route, &a, &r->err) &&
			 direct_may(&m->settings, &a, span_str(route.host), &r->err) &&
			 !direct_deliver(&a, NULL, &job))
			r->err = job.err;
		if (r->err.sys == EPERM && r->err.class == ERR_TEMP)
			err_temp(&r->err, "4.3.5",
				 "no daemon answers (sendmail -bd): only root could deliver");
		delivered += r->err.class == ERR_NONE;
		if (m->verbose && r->err.class == ERR_NONE)
			printf("%s... Connecting to local...\n%s... Sent\n", r->addr, r->addr);
	}
	close(fd);
	if (delivered == 0 && m->count)
		*e = m->rcpts[0].err;
	return true;
}

/* -oem, -oee: the status tells of unknown users, and a report goes out: they are queued, too. */
static void answer_by_mail(struct sendmail *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct err *e = &m->rcpts[i].err;

		if (strcmp(e->status, "5.1.1") != 0)
			continue;
		note_status(m, e);
		*e = (struct err){0};
	}
}

/* Into our own queue, and a run for it when no daemon will see it. */
static bool by_queue(struct sendmail *m, struct account_source *accounts, struct queue *q,
		     struct err *e)
{
	bool wait = m->delivery_mode != 'q' && m->delivery_mode != 'd', ok;
	char id[QUEUE_ID_MAX];
	int fd = -1;

	check_rcpts(m, accounts, true);
	if (m->error_mode == 'm' || m->error_mode == 'e')
		answer_by_mail(m);
	if (report(m) == 0)
		return true;
	ok = into_queue(m, q, id, e);
	if (ok && wait && (fd = gate_listen_connect(m->settings.queue)) < 0)
		sendmail_start_run(m, id, m->delivery_mode == 'i' ? -1 : RUN_WAIT_MS);
	else if (ok && m->verbose)
		for (size_t i = 0; i < m->count; i++)
			if (m->rcpts[i].err.class == ERR_NONE)
				printf("%s... queued\n", m->rcpts[i].addr);
	if (fd >= 0)
		close(fd);
	return ok;
}

/*
 * The queue first: it needs no daemon and survives a crash. Then the daemon, which can write what
 * we cannot; mailboxes only when both are missing, as in a small container. With -v a daemon is
 * asked first, since there is something to be seen then; but it could not be told of -n.
 */
static bool send_somewhere(struct sendmail *m, struct account_source *accounts, struct err *e)
{
	struct queue q;
	struct err unusable = {0};
	int fd = m->verbose && !m->no_alias ? gate_listen_connect(m->settings.queue) : -1;
	bool ok;

	if (fd < 0 && gate_make_queue(&m->settings, &unusable) &&
	    queue_open(&q, m->settings.queue, false, &unusable)) {
		ok = by_queue(m, accounts, &q, e);
		queue_close(&q);
		return ok;
	}
	if (fd < 0)
		fd = gate_listen_connect(m->settings.queue);
	check_rcpts(m, accounts, fd < 0);
	if (report(m) == 0) {
		if (fd >= 0)
			close(fd);
		return true;
	}
	ok = fd >= 0 ? sendmail_smtp(m, fd, e) : into_mailboxes(m, accounts, e);
	if (ok)
		report(m);
	return ok;
}

/* Asked again at the end: a delivery may have failed for all after the report. */
static size_t count_good(const struct sendmail *m)
{
	size_t good = 0;

	for (size_t i = 0; i < m->count; i++)
		good += m->rcpts[i].err.class == ERR_NONE;
	return good;
}

/*
 * The head is read before the recipients are judged, since -t has them there. -oee ends with 0
 * whatever happened: its answer is a mail.
 */
int sendmail_submit(struct sendmail *m)
{
	struct account_source accounts;
	struct err e = {0};

	log_init("sendmail", log_quiet());
	settings_use_log(&m->settings);
	if (!m->from_header && m->count == 0) {
		puts("Recipient names must be specified");
		return EXIT_USAGE;
	}
	if (!account_source_init(&accounts, m->settings.users, m->settings.mailbox, &e)) {
		printf("%s: %s\n", m->program, e.text);
		return EXIT_CONFIG;
	}
	sendmail_find_sender(m);
	if (!sendmail_read_head(m, &e)) {
		printf("%s: %s\n", m->program, e.text);
		return e.class == ERR_PERM ? EXIT_DATAERR : EXIT_TEMPFAIL;
	}
	if (m->count == 0) {
		puts("No recipient addresses found in header");
		return 0;
	}
	if (!send_somewhere(m, &accounts, &e)) {
		note_status(m, &e);
		printf("%s: %s\n", m->program, e.text);
	}
	if (count_good(m) == 0 && !m->head_given && m->error_mode == 'p')
		sendmail_dead_letter(m);
	account_source_free(&accounts);
	return m->error_mode == 'e' ? 0 : m->status;
}
