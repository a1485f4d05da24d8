/*
 * Reports about messages, as queue files; see service/bounce.h and format/dsn.h.
 */
#include "service/bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "format/dsn.h"
#include "format/xtext.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

enum {
	NOTIFY_NEVER = 1, /* bits of struct qfile_rcpt.notify */
	NOTIFY_FAILURE = 4,
	NOTIFY_DELAY = 8,
};

/* Where the report goes; false: nowhere. */
static bool choose_target(const struct settings *s, const struct queue_item *item,
			  enum bounce_kind kind, struct buf *to, unsigned *flags)
{
	/*
	 * To the sender. A report has none, so if one fails postmaster gets it (a double
	 * bounce), and if that fails, too, nothing more is said: mail must not breed mail
	 * (RFC 5321 section 6.1).
	 */
	*flags = QFILE_BOUNCE;
	if (item->head.sender.len) {
		*flags = 0;
		buf_put(to, item->head.sender);
		return true;
	}
	if (kind == BOUNCE_DELAYED)
		return false;
	if (item->head.state.flags & QFILE_BOUNCE) {
		log_err("%s: a report to postmaster cannot be delivered: dropped", item->id);
		return false;
	}
	buf_puts(to, "postmaster@");
	buf_puts(to, s->hostname);
	return true;
}

static bool wanted(const struct qfile_rcpt *r, enum bounce_kind kind)
{
	unsigned bit = kind == BOUNCE_FAILED ? NOTIFY_FAILURE : NOTIFY_DELAY;

	if (r->state != (kind == BOUNCE_FAILED ? QFILE_FAILED : QFILE_PENDING))
		return false;
	/* Without NOTIFY failures are reported, and delays too (RFC 3461 4.1). */
	return r->notify == 0 || (!(r->notify & NOTIFY_NEVER) && r->notify & bit);
}

/* A server's words begin with the code of its reply, ours do not. */
static bool is_reply(struct span text)
{
	return text.len > 4 && ascii_is_digit(text.ptr[0]) && ascii_is_digit(text.ptr[1]) &&
	       ascii_is_digit(text.ptr[2]) && text.ptr[3] == ' ';
}

static size_t collect(const struct queue_item *item, enum bounce_kind kind,
		      struct dsn_recipient *out)
{
	size_t n = 0;

	for (size_t i = 0; i < item->count; i++) {
		const struct qfile_rcpt *r = &item->rcpts[i];

		if (!wanted(r, kind))
			continue;
		out[n++] = (struct dsn_recipient){
		    .final = r->addr,
		    .original = r->orcpt,
		    .action = kind == BOUNCE_FAILED ? DSN_FAILED : DSN_DELAYED,
		    .status = span_str(r->status),
		    .diagnostic = r->reply.len ? r->reply : span_str(r->text),
		    .smtp = is_reply(r->reply.len ? r->reply : span_str(r->text)),
		    .remote = span_head(r->remote, span_index(r->remote, ' ')),
		    .attempt = clock_wall().s,
		};
	}
	return n;
}

/* All of it goes back where the sender asked for that, and it is not too large. */
static bool returns_whole(const struct settings *s, const struct queue_item *item,
			  enum bounce_kind kind)
{
	return kind == BOUNCE_FAILED && item->head.ret == 'F' && item->size <= BOUNCE_WHOLE_MAX &&
	       !(s->privacy & PRIVACY_NOBODYRETURN);
}

/*
 * The message, or its header up to the empty line or BOUNCE_HEADER_MAX: enough to tell which
 * message it was, without the content (RET=HDRS is the default here).
 */
static void put_original(const struct queue_item *item, bool whole, struct buf *out)
{
	size_t max = whole ? BOUNCE_WHOLE_MAX : BOUNCE_HEADER_MAX;
	size_t room = item->size < max ? (size_t)item->size : max;
	char *mem = malloc(room ? room : 1);
	ssize_t got = mem ? fs_pread(item->fd, mem, room, (off_t)item->message_at) : -1;
	struct span rest = span_make(mem, got > 0 ? (size_t)got : 0);

	if (whole)
		buf_put(out, rest);
	while (!whole && rest.len && rest.ptr[0] != '\n') {
		size_t eol = span_index(rest, '\n');

		buf_put(out, span_head(rest, eol));
		buf_putc(out, '\n');
		rest = span_skip(rest, eol + 1);
	}
	free(mem);
}

static void put_envelope(const struct settings *s, struct span to, unsigned flags, int64_t now,
			 struct buf *out)
{
	struct qfile_head head = {.state = {.created = now, .flags = flags},
				  .info = span_str(s->hostname),
				  .ret = '-',
				  .body = QFILE_BODY_UNKNOWN};
	/* A null sender and the default NOTIFY: a report that fails is reported to postmaster. */
	struct qfile_rcpt rcpt = {.state = QFILE_PENDING, .addr = to};

	qfile_put_head(out, &head);
	qfile_put_rcpt(out, &rcpt);
	qfile_put_end(out);
}

static void put_message(const struct settings *s, const struct queue_item *item, bool whole,
			const struct dsn_recipient *rcpts, size_t n, struct span to, const char *id,
			struct buf *out)
{
	char boundary[64], message_id[SETTINGS_NAME_MAX + 64], daemon[SETTINGS_NAME_MAX + 16];
	char envid[128];
	struct buf decoded;
	int64_t now = clock_wall().s;
	struct dsn_report r = {.host = span_str(s->hostname),
			       .to = to,
			       .client = item->head.info,
			       .queue_id = span_str(item->id),
			       .arrival = item->head.state.created,
			       .now = now,
			       .expires = item->head.state.created + (int64_t)s->queue_return_s,
			       .zone = clock_zone(now),
			       .eightbit = item->head.body == QFILE_BODY_8BIT,
			       .whole = whole,
			       .eol = "\n",
			       .recipients = rcpts,
			       .nrecipients = n};

	snprintf(boundary, sizeof boundary, "%s.%016llx", id, (unsigned long long)rand_u64());
	snprintf(message_id, sizeof message_id, "%lld.%s@%s", (long long)now, id, s->hostname);
	snprintf(daemon, sizeof daemon, "MAILER-DAEMON@%s", s->hostname);
	buf_init_fixed(&decoded, envid, sizeof envid);
	if (xtext_decode(item->head.envid, &decoded))
		r.envid = buf_span(&decoded);
	r.boundary = span_str(boundary);
	r.message_id = span_str(message_id);
	r.daemon = span_str(daemon);
	dsn_put_head(out, &r);
	put_original(item, whole, out);
	dsn_put_tail(out, &r);
}

/* n is 0 where all recipients said NOTIFY=NEVER, or no such report is due: w->fd stays -1. */
bool bounce_write(const struct queue *q, const struct settings *s, const struct queue_item *item,
		  enum bounce_kind kind, struct queue_writer *w, struct err *e)
{
	struct dsn_recipient *rcpts = calloc(item->count, sizeof *rcpts);
	char id[QUEUE_ID_MAX];
	struct buf to, out, envelope;
	unsigned flags;
	size_t n;
	bool ok = true, whole = returns_whole(s, item, kind);

	*w = (struct queue_writer){.fd = -1};
	buf_init(&to, QFILE_FIELD_MAX);
	buf_init(&envelope, 8192);
	/* Room for the header, the fixed text, and each recipient's fields. */
	buf_init(&out, (whole ? BOUNCE_WHOLE_MAX : BOUNCE_HEADER_MAX) + 8192 + item->count * 4096);
	n = rcpts ? collect(item, kind, rcpts) : 0;
	if (!rcpts) {
		ok = err_temp(e, "4.3.0", "out of memory");
	} else if (n && choose_target(s, item, kind, &to, &flags)) {
		int64_t now = clock_wall().s;

		queue_make_id(id, now, rand_u64());
		put_envelope(s, buf_span(&to), flags, now, &envelope);
		put_message(s, item, whole, rcpts, n, buf_span(&to), id, &out);
		ok = buf_ok(&out) && buf_ok(&envelope);
		if (!ok)
			err_temp(e, "4.3.0", "report too large or out of memory");
		ok = ok && queue_create(q, w, id, buf_span(&envelope), e);
		if (ok)
			queue_write(w, buf_span(&out));
		if (ok && w->err.class != ERR_NONE) {
			*e = w->err;
			ok = false;
			queue_discard(q, w);
		}
	}
	buf_free(&to);
	buf_free(&envelope);
	buf_free(&out);
	free(rcpts);
	return ok;
}
