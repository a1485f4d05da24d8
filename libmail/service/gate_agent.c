/*
 * Delivery agents; see service/gate_agent.h.
 *
 * Runs as root in paths that users may partly own: never follows a link, and makes
 * names only in directories that root alone controls.
 */
#include "service/gate_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/mta_ipc.h"
#include "sys/fs.h"
#include "sys/ipc.h"
#include "sys/log.h"
#include "sys/proc.h"

/* Splits "/var/mail/alice" or "/home/alice/Maildir/": the directory, and the last name. */
static bool split(const char *path, char *dir, size_t cap, char *name, size_t name_cap)
{
	struct span p = span_str(path);
	size_t at;

	while (p.len > 1 && p.ptr[p.len - 1] == '/')
		p.len--;
	for (at = p.len; at > 0 && p.ptr[at - 1] != '/'; at--)
		;
	return at > 0 && span_to_cstr(span_head(p, at), dir, cap) &&
	       span_to_cstr(span_skip(p, at), name, name_cap) && name[0];
}

/* Makes what is missing in a directory of root's; whatever fails shows in the agent. */
static void make_mailbox(const struct account *a, int dir, const char *name, const struct stat *st)
{
	bool maildir = a->mailbox[strlen(a->mailbox) - 1] == '/';
	int fd;

	/* Anybody's directory (sticky /tmp, a home): there the agent makes it, as its owner. */
	if (st->st_uid != 0 || st->st_mode & S_IWOTH)
		return;
	if (maildir) {
		if (mkdirat(dir, name, 0700) == 0 &&
		    fchownat(dir, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) != 0)
			log_warn("%s: chown: %s", a->mailbox, strerror(errno));
		return;
	}
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (fchown(fd, a->uid, a->gid) != 0)
		log_warn("%s: chown: %s", a->mailbox, strerror(errno));
	close(fd);
}

/* Prepares the mailbox; returns the group that may make dot-locks beside it, or UINT32_MAX. */
static uint32_t prepare(const struct account *a)
{
	char path[ACCOUNT_PATH_MAX], name[256], real[PATH_MAX];
	uint32_t group = UINT32_MAX;
	struct stat st;
	int dir;

	if (geteuid() != 0 || !split(a->mailbox, path, sizeof path, name, sizeof name))
		return group;
	/* Where a user can put a link, it would lead into any directory of root's. */
	if (!fs_is_roots_place(path, real))
		return group;
	dir = open(real, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return group;
	if (fstat(dir, &st) == 0) {
		make_mailbox(a, dir, name, &st);
		if (st.st_uid == 0 && st.st_mode & S_IWGRP && !(st.st_mode & S_IWOTH) &&
		    st.st_gid != 0)
			group = st.st_gid;
	}
	close(dir);
	return group;
}

int gate_agent_start(const struct account *a, struct err *e)
{
	struct proc_child child;
	char mem[WIRE_MAX];
	struct mta_box box = {.user = span_str(a->name),
			      .mailbox = span_str(a->mailbox),
			      .home = span_str(a->home),
			      .uid = a->uid,
			      .gid = a->gid};
	struct buf b;

	if (geteuid() != 0 && a->uid != geteuid()) {
		err_temp(e, "4.3.5", "cannot become uid %u to deliver to %s: not started as root",
			 (unsigned)a->uid, a->name);
		return -1;
	}
	box.spool_gid = prepare(a);
	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_box(&b, &box);
	if (!buf_ok(&b)) {
		err_temp(e, "4.3.5", "paths of %s are too long", a->name);
		return -1;
	}
	if (!proc_spawn_role("agent", &child, e))
		return -1;
	if (ipc_send_now(child.control, &b, NULL, 0, e))
		return child.control;
	close(child.control);
	return -1;
}
