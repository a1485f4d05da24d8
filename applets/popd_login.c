/*
 * Logins in popd's gate: passwords are checked in children, stores are started.
 *
 * The child is a copy of the gate that finds what one password is compared with, gives up all
 * that it could do, compares, says the outcome and ends: what it read of shadow or users file goes
 * with it, and the gate waits for no hash.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "popd.h"
#include "sys/box.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/proc.h"

/* A bcrypt of the greatest cost takes some ten seconds, and more on a small machine. */
enum { CHECK_CPU_S = 60, CHECK_MEMORY = 64 << 20 };

/* The group that a mail spool belongs to, so that locks and new files can be made in it. */
static uint32_t spool_group(const char *mailbox)
{
	char dir[ACCOUNT_PATH_MAX], real[PATH_MAX];
	struct span path = span_str(mailbox);
	struct stat st;

	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	/* A Maildir is its owner's own; only the directory of an mbox is others'. */
	if (geteuid() != 0 || path.len == strlen(mailbox) || path.len < 2 ||
	    !span_to_cstr(path, dir, sizeof dir) || !fs_is_roots_place(dir, real) ||
	    lstat(real, &st) != 0)
		return UINT32_MAX;
	if (st.st_uid != 0 || !(st.st_mode & S_IWGRP) || st.st_mode & S_IWOTH || st.st_gid == 0)
		return UINT32_MAX;
	return st.st_gid;
}

/* Starts the owner's store; returns net's end of the socket between them, or -1. */
static int start_store(struct popd_gate *g, const struct account *a, struct err *e)
{
	struct popd_box box = {.uid = a->uid, .gid = a->gid, .spool_gid = spool_group(a->mailbox)};
	struct proc_child child;
	int pair[2];
	bool ok;

	memcpy(box.user, a->name, sizeof box.user);
	memcpy(box.mailbox, a->mailbox, sizeof box.mailbox);
	memcpy(box.home, a->home, sizeof box.home);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		err_errno(e, errno, "socketpair");
		return -1;
	}
	ok = proc_spawn_role("popd-store", &child, e);
	if (ok) {
		g->children++;
		popd_ipc_put_box(&g->b, &box);
		ok = ipc_send_now(child.control, &g->b, &pair[1], 1, e);
		close(child.control);
	}
	close(pair[1]);
	if (ok)
		return pair[0];
	close(pair[0]);
	return -1;
}

/*
 * Exactly once a login: net has one waiting session under this id, and a second answer would let
 * in whoever got the id next.
 */
static void answer(struct popd_check *c, uint32_t verdict, int fd)
{
	struct popd_gate *g = c->gate;

	c->answered = true;
	popd_ipc_put_number(&g->b, POPD_LOGIN_IS, c->id, verdict);
	ipc_send(&g->net.channel, &g->b, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
}

/* The address first: what stands behind it the client may have made up. */
static void refuse(struct popd_check *c, enum pop3_refusal why, const char *reason)
{
	log_info("login failed: ip=%s, tls=%s, reason=%s, user=%s", c->addr, c->tls ? "yes" : "no",
		 reason, buf_cstr(&c->user));
	answer(c, why, -1);
}

/* A wrong name and a wrong password are one answer: nobody may learn which users there are. */
static void conclude(struct popd_check *c, const struct popd_checked *checked)
{
	struct err e = checked->err;
	int fd;

	if (e.class != ERR_NONE) {
		refuse(c, e.class == ERR_PERM ? POP3_WRONG : POP3_TEMPORARY, e.text);
		return;
	}
	fd = start_store(c->gate, &checked->account, &e);
	if (fd < 0)
		refuse(c, POP3_TEMPORARY, e.text);
	else
		answer(c, POPD_RIGHT, fd);
}

/* Wiped, since the next allocation of the same memory may go into a log or a core file. */
static void free_check(struct popd_check *c)
{
	ipc_close(&c->child);
	buf_wipe(&c->user);
	buf_wipe(&c->password);
	free(c);
}

/* The list is as short as POPD_CHECKS_MAX: a walk costs less than a second link. */
static void end_check(struct popd_check *c)
{
	struct popd_gate *g = c->gate;
	struct popd_check **at = &g->checking;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	g->checks--;
	free_check(c);
}

static struct popd_check *of_child(struct ipc *channel)
{
	return (struct popd_check *)((char *)channel - offsetof(struct popd_check, child));
}

static bool on_checked(struct ipc *channel, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct popd_check *c = of_child(channel);
	struct popd_checked checked;

	(void)fds;
	if (c->answered || in->type != POPD_CHECKED || !popd_ipc_get_checked(in, &checked))
		return false;
	conclude(c, &checked);
	/* Its end closes the channel, and that ends the check. */
	return true;
}

/* A crash of the hash function must not leave a client waiting until its timeout. */
static void on_child_gone(struct ipc *channel)
{
	struct popd_check *c = of_child(channel);
	struct popd_gate *g = c->gate;

	if (!c->answered)
		refuse(c, POP3_TEMPORARY, "the process that checked it died");
	end_check(c);
	popd_login_next(g);
}

/* What the copy of a gate has and a check needs not: keys, and what others typed. */
static void forget(struct popd_gate *g)
{
	tlskeys_close(&g->keys);
	for (struct popd_check *c = g->waiting; c; c = c->next)
		buf_wipe(&c->password);
}

static bool enter_box(struct err *e)
{
	struct box box = {.role = "popd-check",
			  .chroot_dir = box_empty_dir(),
			  .max_files = PROC_CONTROL_FD + 1,
			  .max_memory = CHECK_MEMORY,
			  .max_cpu = CHECK_CPU_S};

	return box_account(&box.uid, &box.gid, &box.drop, e) && box_enter(&box, e);
}

/*
 * In the child: the only place where hashes are read, and then, with nothing else in reach,
 * the password. Ends with _exit, for the gate's exit handlers and buffers are not its own.
 */
static _Noreturn void check(struct popd_check *c, int fd)
{
	struct popd_checked out = {.err.class = ERR_NONE};
	struct account_proof proof;
	char mem[WIRE_MAX];
	struct err e;
	struct buf b;

	proc_enter_copy(fd);
	forget(c->gate);
	account_get_proof(&c->gate->accounts, buf_span(&c->user), &proof);
	if (enter_box(&out.err) && account_prove(&proof, buf_span(&c->password), &out.err))
		out.account = proof.account;
	buf_init_fixed(&b, mem, sizeof mem);
	popd_ipc_put_checked(&b, &out);
	_exit(ipc_send_now(PROC_CONTROL_FD, &b, NULL, 0, &e) ? 0 : EXIT_OSERR);
}

/* In the list before anything can fail: end_check takes it out on every way. */
static void start_check(struct popd_check *c)
{
	struct popd_gate *g = c->gate;
	struct err e;
	int pair[2];
	pid_t pid;

	c->next = g->checking;
	g->checking = c;
	g->checks++;
	c->child.watch.fd = -1;
	c->child.on_message = on_checked;
	c->child.on_close = on_child_gone;
	if (!ipc_pair(pair, &e)) {
		refuse(c, POP3_TEMPORARY, e.text);
		end_check(c);
		return;
	}
	pid = fork();
	if (pid == 0)
		check(c, pair[1]);
	close(pair[1]);
	buf_wipe(&c->password);
	g->children += pid > 0;
	if (pid > 0 && ipc_open(&c->child, &g->loop, pair[0], &e))
		return;
	close(pair[0]);
	refuse(c, POP3_TEMPORARY, pid < 0 ? "cannot fork" : e.text);
	end_check(c);
}

/*
 * A bound on children: hashes are slow on purpose, and a flood of logins must not take the host.
 */
void popd_login_next(struct popd_gate *g)
{
	while (g->waiting && g->checks < POPD_CHECKS_MAX) {
		struct popd_check *c = g->waiting;

		g->waiting = c->next;
		if (!g->waiting)
			g->last = &g->waiting;
		g->queued--;
		start_check(c);
	}
}

/*
 * Queued in order of arrival. A full queue is said at once: clients then wait and try again,
 * instead of giving up on a silent server.
 */
bool popd_login(struct popd_gate *g, struct wire_in *in)
{
	struct popd_check *c;
	struct popd_login l;

	if (!popd_ipc_get_login(in, &l))
		return false;
	c = calloc(1, sizeof *c);
	if (!c) {
		popd_ipc_put_number(&g->b, POPD_LOGIN_IS, in->id, POP3_TEMPORARY);
		ipc_send(&g->net.channel, &g->b, NULL, 0);
		return true;
	}
	c->gate = g;
	c->id = in->id;
	c->tls = l.tls;
	c->child.watch.fd = -1;
	memcpy(c->addr, l.addr, sizeof c->addr);
	buf_init(&c->user, POP3_USER_MAX + 1);
	buf_init(&c->password, POP3_USER_MAX + 1);
	buf_put(&c->user, l.user);
	buf_put(&c->password, l.password);
	if (g->queued >= POPD_WAITING_MAX) {
		refuse(c, POP3_BUSY, "too many logins at once");
		free_check(c);
		return true;
	}
	g->queued++;
	*g->last = c;
	g->last = &c->next;
	popd_login_next(g);
	return true;
}

/* When net died: nobody is left who waits for these answers. */
void popd_login_drop(struct popd_gate *g)
{
	while (g->waiting) {
		struct popd_check *c = g->waiting;

		g->waiting = c->next;
		free_check(c);
	}
	g->last = &g->waiting;
	g->queued = 0;
	/* Those with a child end with it; their answers go to a net that does not know them. */
	for (struct popd_check *c = g->checking; c; c = c->next)
		c->answered = true;
}
