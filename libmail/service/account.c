/*
 * Finding mail users; see service/account.h.  Passwords are in account_password.c.
 *
 * The cached users file keeps everything but secrets, so a process that only routes mail
 * holds none, whatever it is made to show.
 */
#include "service/account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "service/account_part.h"
#include "sys/box.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { PASSWD_MAX = 4096 /* octets of one passwd entry */ };

bool account_name_ok(struct span name)
{
	return passwdfile_is_user(name);
}

/* Appends what %c stands for; false for a letter without meaning. */
static bool put_variable(struct buf *out, char c, const struct account *a)
{
	struct span domain = span_str(a->name), local = span_cut(&domain, '@');

	switch (c) {
	case 'u':
		buf_puts(out, a->name);
		return true;
	case 'n':
		buf_put(out, local);
		return true;
	case 'd':
		buf_put(out, domain);
		return true;
	case 'h':
		buf_puts(out, a->home);
		return true;
	case '%':
		buf_putc(out, c);
		return true;
	default:
		return false;
	}
}

/*
 * Appends the template with its variables replaced, once. What a name brings in is not
 * looked at again, and no shell is near: names were checked, too (account_name_ok).
 */
static bool expand(struct span t, const struct account *a, struct buf *out, struct err *e)
{
	if (span_starts(t, SPAN("~/"))) {
		buf_puts(out, a->home);
		t = span_skip(t, 1);
	}
	while (t.len) {
		size_t n = span_index(t, '%');

		buf_put(out, span_head(t, n));
		t = span_skip(t, n);
		if (t.len == 0)
			break;
		if (t.len < 2 || !put_variable(out, t.ptr[1], a))
			return err_temp(e, "4.3.5", "mailbox template: %%%c has no meaning",
					t.len < 2 ? ' ' : t.ptr[1]);
		t = span_skip(t, 2);
	}
	return true;
}

static bool put_mailbox(struct span t, bool slash, struct account *a, struct err *e)
{
	struct buf b;

	buf_init_fixed(&b, a->mailbox, sizeof a->mailbox);
	if (!expand(t, a, &b, e))
		return false;
	if (slash && b.len && b.ptr[b.len - 1] != '/')
		buf_putc(&b, '/');
	buf_cstr(&b);
	if (!buf_ok(&b))
		return err_temp(e, "4.3.5", "%s: mailbox path too long", a->name);
	/* A relative path would depend on where the process happens to be. */
	if (b.len == 0 || b.ptr[0] != '/')
		return err_temp(e, "4.3.5", "%s: mailbox path \"%.100s\" is not absolute", a->name,
				a->mailbox);
	return true;
}

/* What a users-file line says: "maildir:PATH:...", "mbox:PATH:INBOX=PATH", or PATH. */
static bool put_own_mailbox(struct span field, struct account *a, struct err *e)
{
	bool maildir = ascii_starts_nocase(field, SPAN("maildir:"));
	struct span rest = field, path;

	if (maildir || ascii_starts_nocase(field, SPAN("mbox:")))
		span_cut(&rest, ':');
	path = span_cut(&rest, ':');
	while (rest.len) {
		struct span word = span_cut(&rest, ':');

		if (span_starts(word, SPAN("INBOX=")))
			path = span_skip(word, 6);
	}
	return put_mailbox(path, maildir, a, e);
}

static bool set(char *to, size_t cap, const char *from)
{
	if (strlen(from) >= cap)
		return false;
	memcpy(to, from, strlen(from) + 1);
	return true;
}

bool account_source_init(struct account_source *s, const char *users, const char *mailbox,
			 struct err *e)
{
	/*
	 * Tried on an example, so that a wrong template is told at start and not with the
	 * first mail.
	 */
	struct account probe = {.name = "u", .home = "/"};

	*s = (struct account_source){.seen_size = UINT64_MAX};
	buf_init(&s->cache, ACCOUNT_USERS_MAX);
	if (!mailbox || !mailbox[0])
		mailbox = ACCOUNT_MAILBOX;
	if (!set(s->users, sizeof s->users, users ? users : "") ||
	    !set(s->template, sizeof s->template, mailbox))
		return err_perm(e, "5.3.5", "path too long: %.100s", mailbox);
	if (!put_mailbox(span_str(mailbox), false, &probe, e)) {
		/* Here it is the command line that is wrong, and no message waits. */
		e->class = ERR_PERM;
		return false;
	}
	return true;
}

void account_source_warn(const struct account_source *s)
{
	if (s->users[0] && access(s->users, R_OK) != 0)
		log_warn("users file %s: %s; nobody is known until it can be read", s->users,
			 strerror(errno));
}

void account_source_free(struct account_source *s)
{
	buf_free(&s->cache);
}

/* Overwrites the second field of every line: the secrets, which this process need not hold. */
static void blot(struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		struct span line = span_make(b->ptr + at, b->len - at);
		size_t len = span_index(line, '\n'), user, secret;

		line = span_head(line, len);
		user = span_index(line, ':');
		secret = span_index(span_skip(line, user + 1), ':');
		if (user < len)
			memset(b->ptr + at + user + 1, '*', secret);
		at += len + 1;
	}
}

/* Brings the cache up to date. */
static bool refresh(struct account_source *s, struct err *e)
{
	struct stat st;

	/* Size and inode too: an editor may write twice within one tick of the clock. */
	if (stat(s->users, &st) != 0)
		return err_errno(e, errno, "%s", s->users);
	if (st.st_mtim.tv_sec == s->seen_mtime[0] && st.st_mtim.tv_nsec == s->seen_mtime[1] &&
	    (uint64_t)st.st_size == s->seen_size && (uint64_t)st.st_ino == s->seen_inode)
		return true;
	buf_wipe(&s->cache);
	if (!fs_read_all(AT_FDCWD, s->users, FS_FOLLOW, &s->cache, e)) {
		/* What cannot be read today is no reason to bounce mail. */
		e->class = ERR_TEMP;
		buf_wipe(&s->cache);
		s->seen_size = UINT64_MAX;
		return false;
	}
	blot(&s->cache);
	if (st.st_mode & S_IROTH)
		log_warn("%s: its passwords can be read by everybody", s->users);
	s->seen_mtime[0] = st.st_mtim.tv_sec;
	s->seen_mtime[1] = st.st_mtim.tv_nsec;
	s->seen_size = (uint64_t)st.st_size;
	s->seen_inode = (uint64_t)st.st_ino;
	return true;
}

static bool by_id(uid_t uid, struct passwd *pw, char mem[PASSWD_MAX])
{
	struct passwd *found = NULL;

	return getpwuid_r(uid, pw, mem, PASSWD_MAX, &found) == 0 && found;
}

/* Whose the mail of a users-file line is. */
static bool put_owner(const struct passwdfile_entry *entry, struct account *a, struct err *e)
{
	char mem[PASSWD_MAX];
	struct passwd pw;
	bool change;

	/* No uid in the line: virtual users all belong to the mail account (or to us, not root). */
	a->uid = geteuid();
	a->gid = getegid();
	if (entry->has_uid) {
		a->uid = entry->uid;
		if (!entry->has_gid)
			a->gid = by_id(a->uid, &pw, mem) ? pw.pw_gid : (gid_t)a->uid;
	} else if (a->uid == 0 && !box_account(&a->uid, &a->gid, &change, e)) {
		return false;
	}
	if (entry->has_gid)
		a->gid = entry->gid;
	return true;
}

static void put_text(char *to, size_t cap, struct span from)
{
	span_to_cstr(span_head(from, cap - 1), to, cap);
}

bool account_fill(const struct account_source *s, const struct passwdfile_entry *entry,
		  struct account *a, struct err *e)
{
	*a = (struct account){0};
	put_text(a->name, sizeof a->name, entry->user);
	put_text(a->gecos, sizeof a->gecos, entry->gecos);
	put_text(a->shell, sizeof a->shell, entry->shell);
	if (!span_to_cstr(entry->home, a->home, sizeof a->home))
		return err_temp(e, "4.3.5", "%s: home directory too long", a->name);
	if (!put_owner(entry, a, e))
		return false;
	if (entry->mailbox.len)
		return put_own_mailbox(entry->mailbox, a, e);
	return put_mailbox(span_str(s->template), false, a, e);
}

bool account_lookup(struct span file, struct span name, struct passwdfile_entry *entry,
		    struct err *e)
{
	char folded[ACCOUNT_NAME_MAX];
	enum passwdfile_result r = passwdfile_find(file, name, entry, e);

	/* Names as written first: a file may have both Root and root. */
	if (r == PASSWDFILE_ABSENT) {
		memcpy(folded, name.ptr, name.len);
		ascii_fold(folded, name.len);
		r = passwdfile_find(file, span_make(folded, name.len), entry, e);
	}
	/* A damaged line says nothing about whether the user exists. */
	if (r == PASSWDFILE_BAD)
		e->class = ERR_TEMP;
	if (r == PASSWDFILE_ABSENT)
		err_perm(e, "5.1.1", "no such user: %.*s", SPAN_ARG(name));
	return r == PASSWDFILE_FOUND;
}

static bool find_in_file(struct account_source *s, struct span name, struct account *out,
			 struct err *e)
{
	struct passwdfile_entry entry;

	return refresh(s, e) && account_lookup(buf_span(&s->cache), name, &entry, e) &&
	       account_fill(s, &entry, out, e);
}

/* No passwd file at all is how empty containers are (ENOTCONN: nor a name service). */
static bool is_absence(int sys)
{
	return sys == 0 || sys == ENOENT || sys == ESRCH || sys == ENOTCONN || sys == ENOTDIR;
}

bool account_system(const char *name, struct passwd *pw, char *mem, size_t cap, bool *failed)
{
	char folded[ACCOUNT_NAME_MAX + 1];
	struct passwd *found = NULL;
	int sys = getpwnam_r(name, pw, mem, cap, &found);

	if (!found && is_absence(sys)) {
		memcpy(folded, name, strlen(name) + 1);
		ascii_fold(folded, strlen(folded));
		sys = getpwnam_r(folded, pw, mem, cap, &found);
	}
	*failed = !found && !is_absence(sys);
	return found != NULL;
}

void account_put_full_name(const struct passwd *pw, struct buf *out)
{
	const char *p = pw->pw_gecos ? pw->pw_gecos : "";

	for (p += *p == '*'; *p && !strchr(",;%", *p); p++) {
		size_t at = out->len;

		if (*p != '&') {
			buf_putc(out, *p);
			continue;
		}
		buf_puts(out, pw->pw_name);
		if (out->len > at)
			out->ptr[at] = ascii_upper(out->ptr[at]);
	}
}

bool account_from_passwd(const struct account_source *s, const struct passwd *pw, struct account *a,
			 struct err *e)
{
	char name[ACCOUNT_GECOS_MAX];
	struct buf full;

	*a = (struct account){.uid = pw->pw_uid, .gid = pw->pw_gid};
	if (!set(a->name, sizeof a->name, pw->pw_name) ||
	    !set(a->home, sizeof a->home, pw->pw_dir ? pw->pw_dir : ""))
		return err_temp(e, "4.3.5", "%.100s: passwd entry too long", pw->pw_name);
	buf_init_fixed(&full, name, sizeof name);
	account_put_full_name(pw, &full);
	put_text(a->gecos, sizeof a->gecos, buf_span(&full));
	put_text(a->shell, sizeof a->shell, span_str(pw->pw_shell));
	return put_mailbox(span_str(s->template), false, a, e);
}

/* A process without a passwd entry is who its environment says, and "uid1000" always. */
static bool is_own_name(const char *name)
{
	const char *own = getenv("LOGNAME");
	char mem[PASSWD_MAX], uid[16];
	struct passwd pw;

	if (geteuid() == 0 || by_id(geteuid(), &pw, mem))
		return false;
	if (!own || !own[0])
		own = getenv("USER");
	snprintf(uid, sizeof uid, "uid%lu", (unsigned long)geteuid());
	return strcmp(name, uid) == 0 || (own && strcmp(own, name) == 0);
}

static bool find_in_system(const struct account_source *s, struct span name, struct account *out,
			   struct err *e)
{
	char text[ACCOUNT_NAME_MAX + 1], mem[PASSWD_MAX];
	const char *home = getenv("HOME");
	struct passwd pw;
	bool failed;

	span_to_cstr(name, text, sizeof text);
	if (account_system(text, &pw, mem, sizeof mem, &failed))
		return account_from_passwd(s, &pw, out, e);
	/* Reading accounts failed, which must never look like "no such user". */
	if (failed)
		return err_temp(e, "4.3.0", "accounts cannot be read");
	if (!is_own_name(text))
		return err_perm(e, "5.1.1", "no such user: %s", text);
	pw = (struct passwd){.pw_name = text,
			     .pw_uid = geteuid(),
			     .pw_gid = getegid(),
			     .pw_dir = (char *)(home && home[0] == '/' ? home : ""),
			     .pw_gecos = (char *)""};
	return account_from_passwd(s, &pw, out, e);
}

/* Without root a delivery for somebody else's uid would fail later, with less to say. */
bool account_can_become(const struct account *a, struct err *e)
{
	if (geteuid() == 0 || a->uid == geteuid())
		return true;
	err_temp(e, "4.3.5", "%s is uid %lu, and this process is not root", a->name,
		 (unsigned long)a->uid);
	e->sys = EPERM; /* another user's, which is no matter of trying again */
	return false;
}

bool account_find(struct account_source *s, struct span name, struct account *out, struct err *e)
{
	if (!account_name_ok(name))
		return err_perm(e, "5.1.1", "no such user");
	return (s->users[0] ? find_in_file(s, name, out, e) : find_in_system(s, name, out, e)) &&
	       account_can_become(out, e);
}
