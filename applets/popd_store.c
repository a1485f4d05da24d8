/*
 * popd's store: one mailbox for one session, as its owner; see popd.h.
 *
 * Blocking: requests in, answers out (proto/pop3_reply.h), until the socket ends.  Deletions
 * are applied for POP3_QUIT alone; whatever else ends the session leaves the mailbox as it is.
 * Answers are gathered while requests wait, so that pipelined ones cost few system calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "popd_ipc.h"
#include "proto/pop3_reply.h"
#include "service/mailbox.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/ipc.h"
#include "sys/log.h"
#include "sys/proc.h"

enum {
	SETUP_WAIT_MS = 10000,
	OUT_MAX = 64 << 10,
	ROOM_MIN = 1024, /* for a reply line and a beginning of what follows it */
};

struct store {
	struct popd_box who;
	int fd;
	struct mailbox *mailbox; /* NULL once it is committed */
	size_t count, live;      /* messages; those not marked deleted */
	uint64_t octets;         /* of those, when weighed */
	bool weighed;
	struct buf out; /* frames that are not sent */
	size_t frame;   /* where the open frame's head is */
	bool over;
};

static bool flush(struct store *s)
{
	bool ok = fs_write(s->fd, buf_span(&s->out));

	buf_reset(&s->out);
	return ok;
}

/* Opens a frame with room for a line at the least. */
static bool open_frame(struct store *s)
{
	if (OUT_MAX - s->out.len < ROOM_MIN && !flush(s))
		return false;
	s->frame = s->out.len;
	return buf_reserve(&s->out, POP3_HEAD) && (s->out.len += POP3_HEAD);
}

static void close_frame(struct store *s, enum pop3_kind kind)
{
	pop3_put_head((unsigned char *)s->out.ptr + s->frame, kind,
		      s->out.len - s->frame - POP3_HEAD);
}

/* Goes on in a new frame when this one has no room for a line. */
static bool continue_frame(struct store *s)
{
	if (OUT_MAX - s->out.len >= ROOM_MIN)
		return true;
	close_frame(s, POP3_PART);
	return flush(s) && open_frame(s);
}

/* A whole answer was put into the open frame. */
static bool finish(struct store *s, bool ok)
{
	close_frame(s, ok ? POP3_OK : POP3_ERR);
	return true;
}

static bool refuse(struct store *s, const struct err *e)
{
	log_err("mailbox of %s: %s", s->who.user, e->text);
	pop3_reply_error(&s->out, e, e->sys == EBUSY);
	return finish(s, false);
}

/* Octets of message i; 0 when another program took it away. */
static uint64_t octets_of(struct store *s, size_t i)
{
	uint64_t octets = 0;
	struct err e;

	if (!mailbox_octets(s->mailbox, i, &octets, &e))
		log_warn("mailbox of %s: %s", s->who.user, e.text);
	return octets;
}

static bool is_deleted(const struct store *s, size_t i)
{
	return mailbox_flags(s->mailbox, i) & MAILBOX_DELETED;
}

static void weigh(struct store *s)
{
	if (s->weighed)
		return;
	s->octets = 0;
	for (size_t i = 0; i < s->count; i++)
		if (!is_deleted(s, i))
			s->octets += octets_of(s, i);
	s->weighed = true;
}

/* The message's index; false when it is not to be had, and then it is answered. */
static bool find(struct store *s, const struct pop3_request *r, size_t *i)
{
	bool there = r->msg <= s->count;

	*i = r->msg - 1;
	if (there && !is_deleted(s, *i))
		return true;
	pop3_reply_missing(&s->out, r->msg, there);
	finish(s, false);
	return false;
}

static bool do_stat(struct store *s, const struct pop3_request *r)
{
	(void)r;
	weigh(s);
	pop3_reply_stat(&s->out, s->live, s->octets);
	return finish(s, true);
}

static void put_item(struct store *s, enum pop3_op op, size_t i, bool single)
{
	char uid[MAILBOX_UID_MAX + 1];

	if (op == POP3_LIST) {
		(single ? pop3_reply_list : pop3_put_list)(&s->out, i + 1, octets_of(s, i));
		return;
	}
	mailbox_uid(s->mailbox, i, uid);
	(single ? pop3_reply_uidl : pop3_put_uidl)(&s->out, i + 1, uid);
}

static bool do_list(struct store *s, const struct pop3_request *r)
{
	size_t one;

	if (r->msg) {
		if (!find(s, r, &one))
			return true;
		put_item(s, r->op, one, true);
		return finish(s, true);
	}
	pop3_reply_all(&s->out, s->live);
	for (size_t i = 0; i < s->count; i++) {
		if (is_deleted(s, i))
			continue;
		if (!continue_frame(s))
			return false;
		put_item(s, r->op, i, false);
	}
	pop3_put_dot(&s->out);
	return finish(s, true);
}

/* The octets of a message; false and *e when its reading failed. */
static bool put_message(struct store *s, struct mailbox_reader *reader, bool *sent, struct err *e)
{
	size_t got = 1;

	*sent = true;
	while (got) {
		if (!continue_frame(s)) {
			*sent = false;
			return true;
		}
		if (!mailbox_read(reader, s->out.ptr + s->out.len,
				  OUT_MAX - s->out.len - ROOM_MIN / 2, &got, e))
			return false;
		s->out.len += got;
	}
	return true;
}

static bool do_retr(struct store *s, const struct pop3_request *r)
{
	uint64_t lines = r->op == POP3_TOP ? r->lines : MAILBOX_WHOLE;
	struct mailbox_reader reader;
	struct err e;
	size_t i;
	bool ok, sent = true;

	if (!find(s, r, &i))
		return true;
	if (!mailbox_read_open(s->mailbox, i, MAILBOX_DOTTED, lines, &reader, &e))
		return refuse(s, &e);
	if (r->op == POP3_RETR)
		pop3_reply_retr(&s->out, octets_of(s, i));
	else
		pop3_reply_top(&s->out);
	ok = put_message(s, &reader, &sent, &e);
	mailbox_read_close(&reader);
	/* Once +OK is on its way only the end of the connection can say that it failed. */
	if (!ok)
		log_err("mailbox of %s: %s", s->who.user, e.text);
	if (!ok || !sent)
		return false;
	pop3_put_dot(&s->out);
	return finish(s, true);
}

static bool do_dele(struct store *s, const struct pop3_request *r)
{
	size_t i;

	if (!find(s, r, &i))
		return true;
	if (s->weighed)
		s->octets -= octets_of(s, i);
	s->live--;
	mailbox_mark(s->mailbox, i, MAILBOX_DELETED, 0);
	pop3_reply_dele(&s->out, r->msg);
	return finish(s, true);
}

static bool do_rset(struct store *s, const struct pop3_request *r)
{
	(void)r;
	for (size_t i = 0; i < s->count; i++)
		mailbox_mark(s->mailbox, i, 0, MAILBOX_DELETED);
	s->live = s->count;
	s->weighed = false;
	pop3_reply_rset(&s->out, s->live);
	return finish(s, true);
}

static bool do_quit(struct store *s, const struct pop3_request *r)
{
	struct mailbox_result result;
	struct err e;

	(void)r;
	s->over = true;
	if (!mailbox_commit(s->mailbox, &result, &e))
		return refuse(s, &e);
	pop3_reply_quit(&s->out, result.deleted, result.kept);
	return finish(s, true);
}

static bool handle(struct store *s, const struct pop3_request *r)
{
	static bool (*const handlers[POP3_OPS])(struct store *, const struct pop3_request *) = {
	    [POP3_STAT] = do_stat, [POP3_LIST] = do_list, [POP3_UIDL] = do_list,
	    [POP3_RETR] = do_retr, [POP3_TOP] = do_retr,  [POP3_DELE] = do_dele,
	    [POP3_RSET] = do_rset, [POP3_QUIT] = do_quit};

	return open_frame(s) && handlers[r->op](s, r);
}

static bool serve(struct store *s)
{
	char mem[POP3_OUTSTANDING * POP3_FRAME];
	struct pop3_request r;
	size_t held = 0, at = 0;

	while (!s->over) {
		ssize_t got;

		/* All that came together is answered: say so, then wait. */
		if (held - at < POP3_FRAME) {
			memmove(mem, mem + at, held - at);
			held -= at;
			at = 0;
			if (!flush(s))
				return false;
			got = recv(s->fd, mem + held, sizeof mem - held, 0);
			if (got <= 0)
				return got == 0;
			held += (size_t)got;
			continue;
		}
		if (!pop3_get_request(mem + at, &r) || !handle(s, &r))
			return false;
		at += POP3_FRAME;
	}
	return true;
}

/* Where the mailbox is: its Maildir, or the directory of the mbox, which must be writable. */
static void add_paths(const struct popd_box *who, char dir[ACCOUNT_PATH_MAX],
		      char real[PATH_MAX + 1], struct box *box)
{
	struct span path = span_str(who->mailbox);
	char *slash;

	while (path.len > 1 && path.ptr[path.len - 1] != '/')
		path.len--;
	span_to_cstr(path, dir, ACCOUNT_PATH_MAX);
	box->paths[0] = (struct box_path){dir, true};
	/* The journal of a commit, see service/mailbox.h. */
	if (who->home[0] && path.len < strlen(who->mailbox))
		box->paths[1] = (struct box_path){who->home, true};
	/* A symbolic link leads to another directory. */
	if (path.len == strlen(who->mailbox) || !realpath(who->mailbox, real))
		return;
	slash = strrchr(real, '/');
	slash[1] = '\0';
	box->paths[2] = (struct box_path){real, true};
}

static bool enter(const struct popd_box *who, struct err *e)
{
	char dir[ACCOUNT_PATH_MAX], real[PATH_MAX + 1];
	struct box box = {.role = "popd-store",
			  .allow = BOX_FILES,
			  .drop = true,
			  .uid = who->uid,
			  .gid = who->gid,
			  .has_extra = who->spool_gid != UINT32_MAX,
			  .extra_gid = who->spool_gid,
			  .max_files = 64};

	add_paths(who, dir, real, &box);
	if (!box_enter(&box, e))
		return false;
	if (geteuid() != who->uid)
		return err_temp(e, "4.3.5", "cannot become uid %lu", (unsigned long)who->uid);
	return true;
}

static bool open_mailbox(struct store *s, struct err *e)
{
	const char *home = s->who.home[0] ? s->who.home : NULL;

	s->mailbox = mailbox_open(s->who.mailbox, MAILBOX_SESSION, home, e);
	if (!s->mailbox)
		return false;
	s->count = s->live = mailbox_count(s->mailbox);
	return true;
}

static bool receive_box(struct store *s, struct err *e)
{
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	int got = ipc_receive(PROC_CONTROL_FD, SETUP_WAIT_MS, mem, &in, fds, e);

	if (got == 0)
		return err_temp(e, "4.3.0", "gate ended during set-up");
	if (got < 0)
		return false;
	if (in.type != POPD_BOX || !popd_ipc_get_box(&in, &s->who) || fds[0] < 0)
		return err_temp(e, "4.3.0", "malformed set-up message %u", in.type);
	s->fd = fds[0];
	close(PROC_CONTROL_FD);
	return true;
}

int popd_store_main(int argc, char **argv)
{
	static struct store s;
	struct err e = {.class = ERR_NONE};
	bool ok;

	(void)argc;
	(void)argv;
	proc_enter_role("popd-store");
	log_init("popd", LOG_T_AUTO);
	clock_init();
	if (!receive_box(&s, &e)) {
		log_err("popd-store: %s", e.text);
		return EXIT_OSERR;
	}
	buf_init(&s.out, OUT_MAX);
	if (!buf_reserve(&s.out, OUT_MAX) || !open_frame(&s))
		return EXIT_OSERR;
	ok = enter(&s.who, &e) && open_mailbox(&s, &e);
	if (!ok) {
		refuse(&s, &e);
		flush(&s);
		return 0;
	}
	pop3_reply_open(&s.out, s.count);
	finish(&s, true);
	/* A client that goes away in the midst of an answer is none of our failures. */
	(void)(serve(&s) && flush(&s));
	mailbox_close(s.mailbox);
	return 0;
}
