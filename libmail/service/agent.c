/*
 * The delivery agent: a role under the recipient's uid that stores messages into
 * one mailbox, or gives them to one program (agent_program.c).  It knows nobody else's mailbox
 * and meets no network octet.
 *
 * Started by gate for one account, it is then handed to whoever asked (smtpd or
 * queue): the control socket's other end is theirs, and its end is the agent's.
 * All messages that wait on the socket are one batch: one lock, one flush.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/agent_part.h"
#include "service/forward.h"
#include "service/local.h"
#include "service/mta_ipc.h"
#include "sys/box.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/ipc.h"
#include "sys/log.h"
#include "sys/proc.h"

enum {
	SETUP_WAIT_MS = 10000,
	READ_S = 60,         /* of a ~/.forward and its lists */
	LOCK_WAIT_MS = 5000, /* the SMTP client waits meanwhile; then the queue takes over */
};

/* What the messages of one batch take at most, and one more that is being read. */
enum { ARENA = (1 << 20) + WIRE_LARGE_MAX };

struct slot {
	uint32_t id;
	char qid[32];
	struct mta_program program;
};

struct agent {
	uint8_t kind; /* enum mta_box_kind */
	bool niced;
	char user[MTA_NAME_MAX + 1];
	char mailbox[MTA_PATH_MAX];
	char home[MTA_PATH_MAX];
	char forward[MTA_PATH_MAX]; /* what must name the file or command; or "" */
	struct slot slots[LOCAL_BATCH_MAX];
	struct local_job jobs[LOCAL_BATCH_MAX];
	size_t n;
	size_t used; /* octets of the arena */
	struct buf work[2];
	char arena[ARENA]; /* the messages as received, for the jobs' spans */
};

static bool is_reader(const struct agent *a)
{
	return a->kind == MTA_BOX_FORWARD;
}

/*
 * The directory that Landlock must allow: of the mbox, or above the Maildir.  Dot-locks and
 * temporary files are made there, so the file alone would not be enough.
 */
static void parent_of(const char *path, char *out, size_t cap)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 1 && path[len - 1] != '/')
		len--;
	span_to_cstr(span_make(path, len), out, cap);
}

static bool enter(struct agent *a, struct err *e)
{
	char mem[WIRE_MAX], spool[MTA_PATH_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	struct mta_box x;
	struct box box = {
	    .role = "agent", .allow = BOX_FILES | BOX_THREADS, .drop = true, .max_files = 256};

	if (ipc_receive(PROC_CONTROL_FD, SETUP_WAIT_MS, mem, &in, fds, e) <= 0)
		return false;
	if (in.type != MTA_BOX || !mta_ipc_get_box(&in, &x) || x.mailbox.len == 0 ||
	    !span_to_cstr(x.user, a->user, sizeof a->user) ||
	    !span_to_cstr(x.mailbox, a->mailbox, sizeof a->mailbox) ||
	    !span_to_cstr(x.home, a->home, sizeof a->home) ||
	    !span_to_cstr(x.forward, a->forward, sizeof a->forward))
		return err_temp(e, "4.3.0", "malformed set-up message");
	clock_init();
	a->kind = x.kind;
	if (x.kind >= MTA_BOX_COMMAND)
		return box_become(x.uid, x.gid, e);
	box.uid = x.uid;
	box.gid = x.gid;
	if (is_reader(a)) {
		/* Links may lead to wherever the user keeps such files; it reads, and no more. */
		box.allow = BOX_READ;
		box.paths[0] = (struct box_path){"/", false};
		return box_enter(&box, e);
	}
	parent_of(a->mailbox, spool, sizeof spool);
	box.has_extra = x.spool_gid != UINT32_MAX;
	box.extra_gid = x.spool_gid;
	box.paths[0] = (struct box_path){spool, true};
	/* Where sys/commit.h learns whether one flush serves a whole batch. */
	box.paths[2] = (struct box_path){"/sys/fs/ext4", false};
	/* A Maildir below home may have to be made with its parents. */
	if (a->home[0] && a->mailbox[strlen(a->mailbox) - 1] == '/' &&
	    strncmp(a->mailbox, a->home, strlen(a->home)) == 0)
		box.paths[1] = (struct box_path){a->home, true};
	if (a->forward[0])
		box.paths[1] = (struct box_path){"/", false};
	return box_enter(&box, e);
}

/* One message from the socket into the batch: 1, 0 at the end of the peer, -1 on a timeout. */
static int take(struct agent *a, int wait_ms, struct err *e)
{
	int fds[IPC_FDS_MAX] = {-1, -1};
	struct stat st = {0};
	struct slot *s = &a->slots[a->n];
	char *mem = a->arena + a->used;
	struct mta_deliver d;
	struct wire_in in;
	int got = ipc_receive_large(PROC_CONTROL_FD, wait_ms, mem, &in, fds, e);

	if (got > 0 &&
	    (in.type != MTA_DELIVER || !mta_ipc_get_deliver(&in, &d) ||
	     (fds[0] < 0) == (d.text.len == 0) || (fds[1] >= 0 && fstat(fds[1], &st) != 0) ||
	     !span_to_cstr(d.id, s->qid, sizeof s->qid)))
		got = 0;
	if (got <= 0) {
		for (int i = 0; i < IPC_FDS_MAX; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		return got;
	}
	s->id = in.id;
	s->program = d.program;
	a->used = (size_t)(in.rest.ptr - a->arena);
	a->jobs[a->n++] = (struct local_job){.fd = fds[0],
					     .at = d.at,
					     .header = fds[1] < 0 ? 0 : fds[1],
					     .head = (uint64_t)st.st_size,
					     .text = d.text,
					     .sender = d.sender,
					     .rcpt = d.rcpt};
	return 1;
}

/* Is there room for another one in this batch?  A program is answered for at once. */
static bool has_room(const struct agent *a)
{
	return a->kind < MTA_BOX_FORWARD && a->n < LOCAL_BATCH_MAX &&
	       a->used <= sizeof a->arena - WIRE_LARGE_MAX;
}

static void note(const struct agent *a, const struct slot *slot, const struct local_job *job)
{
	const char *mailer = a->kind == MTA_BOX_MAILBOX ? "local"
			     : a->kind == MTA_BOX_FILE  ? "*file*"
							: "prog";

	if (job->err.class == ERR_NONE)
		log_info("%s: to=<%.*s>, mailer=%s, user=%s, stat=Sent", slot->qid,
			 SPAN_ARG(job->rcpt), mailer, a->user);
	else
		log_warn("%s: to=<%.*s>, mailer=%s, user=%s, dsn=%s, stat=%s", slot->qid,
			 SPAN_ARG(job->rcpt), mailer, a->user, job->err.status, job->err.text);
}

/* Answered only when the whole batch is on disk. */
static bool answer(struct agent *a, struct err *e)
{
	char mem[WIRE_MAX];
	struct buf b;
	bool ok = true;

	buf_init_fixed(&b, mem, sizeof mem);
	for (size_t i = 0; i < a->n; i++) {
		mta_ipc_put_outcome(&b, MTA_DELIVERED, a->slots[i].id, &a->jobs[i].err, SPAN(""));
		ok = ok && ipc_send_now(PROC_CONTROL_FD, &b, NULL, 0, e);
		if (!is_reader(a))
			note(a, &a->slots[i], &a->jobs[i]);
		if (a->jobs[i].fd >= 0)
			close(a->jobs[i].fd);
		if (a->jobs[i].header)
			close(a->jobs[i].header);
	}
	a->n = a->used = 0;
	return ok;
}

/* What a ~/.forward says, into a->work. */
static bool read_forward(struct agent *a, const char *paths, struct err *e)
{
	bool ok;

	*e = (struct err){0};
	buf_reset(a->work);
	/* Links lead where the user wants, to what never answers, too: then this process ends. */
	proc_end_after(READ_S);
	ok = forward_read(span_str(paths), geteuid(), a->work, e);
	proc_end_after(0);
	return ok;
}

/* A file of the user's for the queue role, which puts nothing else in its place. */
static void read_file(struct agent *a)
{
	struct local_job *job = &a->jobs[0];

	if (read_forward(a, a->mailbox, &job->err) && !fs_write(job->fd, buf_span(a->work)))
		err_errno(&job->err, errno, "cannot pass on %s", a->mailbox);
}

/*
 * Whose the file or command is must have asked for it: that a queue file says so proves nothing,
 * since who writes those may be a stranger.  It may be the user's again in a moment.
 */
static bool is_wanted(struct agent *a)
{
	struct err *e = &a->jobs[0].err;
	bool is_file = a->kind == MTA_BOX_FILE;

	if (!a->forward[0])
		return true;
	if (read_forward(a, a->forward, e) &&
	    !forward_names(buf_span(a->work), span_str(is_file ? a->mailbox : ""),
			   is_file ? SPAN("") : a->slots[0].program.words))
		err_temp(e, "4.2.4", "no ~/.forward of %s has this target now", a->user);
	buf_reset(a->work);
	for (size_t i = 1; i < a->n; i++)
		a->jobs[i].err = *e;
	return e->class == ERR_NONE;
}

static void deliver(struct agent *a)
{
	struct local_box box = {.path = a->mailbox,
				.wait_ms = LOCK_WAIT_MS,
				.file = a->kind == MTA_BOX_FILE,
				.work = a->work};
	struct agent_program p = {.folder = a->kind == MTA_BOX_COMMAND,
				  .path = a->mailbox,
				  .user = a->user,
				  .home = a->home,
				  .work = a->work};

	if (is_reader(a))
		read_file(a);
	else if (!is_wanted(a))
		return;
	else if (a->kind < MTA_BOX_COMMAND)
		local_deliver(&box, a->jobs, a->n);
	else {
		/* An agent of programs is one mailer's. */
		if (!a->niced)
			(void)!nice(a->slots[0].program.nice);
		a->niced = true;
		agent_program_deliver(&p, &a->slots[0].program, &a->jobs[0]);
	}
}

int agent_main(int argc, char **argv)
{
	struct agent *a = calloc(1, sizeof *a);
	struct err e = {0};

	(void)argc;
	(void)argv;
	proc_enter_role("agent");
	log_init("sendmail", LOG_T_AUTO);
	if (!a || !enter(a, &e)) {
		if (e.class != ERR_NONE)
			log_err("agent: %s", e.text);
		free(a);
		return EXIT_TEMPFAIL;
	}
	buf_init(&a->work[0], LOCAL_WORK_MAX);
	buf_init(&a->work[1], LOCAL_WORK_MAX);
	/* Waits for one, then takes all that are there already. */
	while (take(a, -1, &e) > 0) {
		while (has_room(a) && take(a, 0, &e) > 0)
			;
		deliver(a);
		if (!answer(a, &e))
			break;
	}
	buf_free(&a->work[0]);
	buf_free(&a->work[1]);
	free(a);
	return 0;
}
