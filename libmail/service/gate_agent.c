/*
 * Delivery agents; see service/gate_agent.h.
 *
 * Runs as root in paths that users may partly own: never follows a link, and makes
 * names only in directories that root alone controls.
 */
#include "service/gate_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "service/forward.h"
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

static int start(const struct account *a, enum mta_box_kind kind, uint32_t spool_gid,
		 struct span forward, struct err *e)
{
	struct proc_child child;
	char mem[WIRE_MAX];
	struct mta_box box = {.kind = (uint8_t)kind,
			      .user = span_str(a->name),
			      .mailbox = span_str(a->mailbox),
			      .home = span_str(a->home),
			      .forward = forward,
			      .uid = a->uid,
			      .gid = a->gid,
			      .spool_gid = spool_gid};
	struct buf b;

	if (geteuid() != 0 && a->uid != geteuid()) {
		err_temp(e, "4.3.5", "cannot become uid %u to deliver to %s: not started as root",
			 (unsigned)a->uid, a->name);
		return -1;
	}
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

/* "user:group", ':' or for it '.' or '/', names or numbers; false: there is none of that name. */
static bool find_user(struct span spec, struct account *a)
{
	size_t end = 0;
	struct span group;
	const struct passwd *pw = NULL;
	const struct group *gr;
	char name[64];
	uint64_t n;

	while (end < spec.len && !strchr(":./", spec.ptr[end]))
		end++;
	group = span_skip(spec, end + 1);
	if (!span_to_cstr(span_head(spec, end), name, sizeof name))
		return false;
	if (num_parse(span_str(name), UINT32_MAX - 1, &n))
		a->uid = a->gid = (uid_t)n;
	else if (!(pw = getpwnam(name)))
		return false;
	if (!pw)
		pw = getpwuid(a->uid);
	if (pw) {
		a->uid = pw->pw_uid;
		a->gid = pw->pw_gid;
		snprintf(a->name, sizeof a->name, "%s", pw->pw_name);
	}
	if (group.len == 0)
		return true;
	if (num_parse(group, UINT32_MAX - 1, &n)) {
		a->gid = (gid_t)n;
		return true;
	}
	if (!span_to_cstr(group, name, sizeof name) || !(gr = getgrnam(name)))
		return false;
	a->gid = gr->gr_gid;
	return true;
}

/* Who programs and files are run and written as; user may be empty: DefaultUser. */
static bool choose_user(const struct settings *s, struct span user, struct account *a,
			struct err *e)
{
	/* sendmail's own choice when none is configured; 1:1 is daemon. */
	static const char *const usual[] = {"mailnull", "sendmail", "daemon", "1:1"};
	bool found;

	if (geteuid() != 0) {
		a->uid = geteuid();
		a->gid = getegid();
		return true;
	}
	if (user.len == 0)
		user = span_str(s->default_user);
	found = user.len && find_user(user, a);
	for (size_t i = 0; user.len == 0 && !found && i < sizeof usual / sizeof usual[0]; i++)
		found = find_user(span_str(usual[i]), a);
	if (!found)
		return err_temp(e, "4.3.5", "user %.*s: no such account", SPAN_ARG(user));
	return a->uid != 0 ||
	       err_temp(e, "4.3.5", "user %.*s: nothing is run as root", SPAN_ARG(user));
}

/* The entry "name=path=user" of the configuration's programs. */
static bool find_program(const struct settings *s, struct span name, struct span *path,
			 struct span *user)
{
	struct span list = span_str(s->programs);

	while (list.len) {
		struct span entry = span_cut(&list, ' ');

		if (span_eq(span_cut(&entry, '='), name)) {
			*path = span_cut(&entry, '=');
			*user = entry;
			return true;
		}
	}
	return false;
}

/* The folder of the programs that a command may name: smrsh's, wherever a system has it. */
static const char *command_folder(const struct settings *s)
{
	static const char *const usual[] = {"/etc/mail/smrsh", "/etc/smrsh", "/usr/lib/sm.bin",
					    "/usr/libexec/sm.bin", "/usr/adm/sm.bin"};

	if (s->program_folder[0])
		return s->program_folder;
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (access(usual[i], X_OK) == 0)
			return usual[i];
	return usual[0];
}

static bool put_forward(const struct settings *s, const struct account *a, struct span detail,
			struct buf *paths, struct err *e)
{
	forward_put_paths(s, a, detail, paths);
	buf_cstr(paths);
	return (buf_ok(paths) && paths->len) ||
	       err_temp(e, "4.3.5", "paths of %s are too long", a->name);
}

/*
 * "alice:detail": what a ~/.forward names, and the paths of that; root's is nobody's in particular,
 * as in sendmail.
 */
static bool find_owner(const struct settings *s, struct account_source *accounts, struct span name,
		       const char *what, struct account *a, struct buf *forward, struct err *e)
{
	if (!account_find(accounts, span_cut(&name, ':'), a, e))
		return false;
	if (!forward_has_shell(a, e))
		return e->class == ERR_NONE &&
		       err_perm(e, "5.7.1",
				"User %s@%.100s doesn't have a valid shell for mailing to %s",
				a->name, s->hostname, what);
	if (a->uid || geteuid() != 0)
		return put_forward(s, a, name, forward, e);
	*a = (struct account){.uid = 0};
	return choose_user(s, SPAN(""), a, e);
}

static int start_program(const struct settings *s, struct account_source *accounts, struct span key,
			 struct err *e)
{
	struct span name = span_cut(&key, '/'), path, user;
	uint32_t group = UINT32_MAX;
	struct account a = {0};
	char mem[MTA_PATH_MAX];
	struct buf forward;

	buf_init_fixed(&forward, mem, sizeof mem);
	if (!find_program(s, name, &path, &user)) {
		err_temp(e, "4.3.5", "mailer %.*s: not known when the daemon was started",
			 SPAN_ARG(name));
		return -1;
	}
	if (path.len == 0 && user.len == 0 && key.len) {
		if (!find_owner(s, accounts, key, "programs", &a, &forward, e))
			return -1;
	} else if (user.len == 0 && key.len) {
		if (!account_find(accounts, key, &a, e))
			return -1;
		group = prepare(&a);
		if (a.uid == 0 && geteuid() == 0) {
			err_temp(e, "4.3.5", "mailer %.*s: not run as root", SPAN_ARG(name));
			return -1;
		}
	} else if (!choose_user(s, user, &a, e)) {
		return -1;
	}
	if (!span_to_cstr(path.len ? path : span_str(command_folder(s)), a.mailbox,
			  sizeof a.mailbox)) {
		err_temp(e, "4.3.5", "mailer %.*s: P= is too long", SPAN_ARG(name));
		return -1;
	}
	return start(&a, path.len ? MTA_BOX_PROGRAM : MTA_BOX_COMMAND, group, buf_span(&forward),
		     e);
}

/* "alice/detail" */
static int start_reader(const struct settings *s, struct account_source *accounts, struct span key,
			struct err *e)
{
	struct account a;
	struct buf paths;

	if (!account_find(accounts, span_cut(&key, '/'), &a, e))
		return -1;
	buf_init_fixed(&paths, a.mailbox, sizeof a.mailbox);
	if (!put_forward(s, &a, key, &paths, e))
		return -1;
	return start(&a, MTA_BOX_FORWARD, UINT32_MAX, SPAN(""), e);
}

static int start_file(const struct settings *s, struct account_source *accounts, struct span key,
		      struct err *e)
{
	size_t slash = span_index(key, '/');
	struct account a = {0};
	char mem[MTA_PATH_MAX];
	struct buf forward;

	buf_init_fixed(&forward, mem, sizeof mem);
	if (slash ? !find_owner(s, accounts, span_head(key, slash), "files", &a, &forward, e)
		  : !choose_user(s, SPAN(""), &a, e))
		return -1;
	span_to_cstr(span_skip(key, slash), a.mailbox, sizeof a.mailbox);
	return start(&a, MTA_BOX_FILE, UINT32_MAX, buf_span(&forward), e);
}

int gate_agent_start(const struct settings *s, struct account_source *accounts, struct span key,
		     struct err *e)
{
	struct account a = {0};

	if (span_starts(key, SPAN("|")))
		return start_program(s, accounts, span_skip(key, 1), e);
	if (span_starts(key, SPAN(":")))
		return start_reader(s, accounts, span_skip(key, 1), e);
	if (span_index(key, '/') < key.len)
		return start_file(s, accounts, key, e);
	return account_find(accounts, key, &a, e)
		   ? start(&a, MTA_BOX_MAILBOX, prepare(&a), SPAN(""), e)
		   : -1;
}
