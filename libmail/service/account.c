/*
 * Mail users from a users file or the system; see service/account.h.  Passwords are in
 * account_secret.c.
 *
 * The cached file is for look-ups only: its secrets are overwritten as soon as it is read.
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
#include "format/passwdfile.h"
#include "service/account_part.h"
#include "sys/fs.h"

bool account_name_ok(struct span name)
{
	if (name.len == 0 || name.len > ACCOUNT_NAME_MAX || name.ptr[0] == '.' ||
	    name.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_graph(name.ptr[i]) || name.ptr[i] == '/' || name.ptr[i] == ':')
			return false;
	return true;
}

/* A template may hold %u %n %d %h %% and must give an absolute path. */
static bool check_template(const char *t, struct err *e)
{
	if (t[0] != '/' && strncmp(t, "%h", 2) != 0)
		return err_perm(e, "5.3.5", "mailbox \"%.100s\": must begin with / or %%h", t);
	for (; *t; t++)
		if (*t == '%' && (!t[1] || !strchr("undh%", *++t)))
			return err_perm(e, "5.3.5",
					"mailbox: unknown %%%c; there are %%u %%n %%d %%h %%%%",
					*t);
	return true;
}

bool account_source_init(struct account_source *s, const char *users, const char *mailbox,
			 struct err *e)
{
	*s = (struct account_source){.seen_size = UINT64_MAX};
	buf_init(&s->cache, ACCOUNT_USERS_MAX);
	if (!mailbox || !*mailbox)
		mailbox = ACCOUNT_MAILBOX;
	if (!span_to_cstr(span_str(users), s->users, sizeof s->users) ||
	    !span_to_cstr(span_str(mailbox), s->template, sizeof s->template))
		return err_perm(e, "5.3.5", "users file or mailbox: path too long");
	return check_template(s->template, e);
}

void account_source_free(struct account_source *s)
{
	buf_free(&s->cache);
}

static void expand(const char *t, const struct account *a, struct buf *out)
{
	struct span user = span_str(a->name), domain = user, local = span_cut(&domain, '@');

	for (; *t; t++) {
		if (*t != '%') {
			buf_putc(out, *t);
			continue;
		}
		switch (*++t) {
		case 'u':
			buf_put(out, user);
			break;
		case 'n':
			buf_put(out, local);
			break;
		case 'd':
			buf_put(out, domain);
			break;
		case 'h':
			buf_puts(out, a->home);
			break;
		default:
			buf_putc(out, *t);
			break;
		}
	}
}

/* The mailbox from a template, or from what a users-file line says about it. */
static bool set_mailbox(struct account *a, const char *t, struct err *e)
{
	struct buf out;

	if (strncmp(t, "maildir:", 8) == 0)
		t += 8;
	else if (strncmp(t, "mbox:", 5) == 0)
		t += 5;
	buf_init_fixed(&out, a->mailbox, sizeof a->mailbox);
	if (t[0] == '~' && t[1] == '/') {
		buf_puts(&out, a->home);
		t++;
	}
	expand(t, a, &out);
	buf_cstr(&out);
	if (!buf_ok(&out) || out.len + 1 >= sizeof a->mailbox)
		return err_temp(e, "4.3.5", "mailbox of %s: path too long", a->name);
	if (a->mailbox[0] != '/')
		return err_temp(e, "4.3.5", "mailbox of %s: \"%.80s\" is not absolute (no home?)",
				a->name, a->mailbox);
	return true;
}

void account_blot(struct buf *file)
{
	char *line = file->ptr, *end = line + file->len;

	while (line < end) {
		char *eol = memchr(line, '\n', (size_t)(end - line));
		char *from, *to;

		eol = eol ? eol : end;
		from = memchr(line, ':', (size_t)(eol - line));
		if (from && line[0] != '#') {
			from++;
			to = memchr(from, ':', (size_t)(eol - from));
			memset(from, '*', (size_t)((to ? to : eol) - from));
		}
		line = eol + 1;
	}
}

static bool refresh(struct account_source *s, struct err *e)
{
	struct stat st;

	if (stat(s->users, &st) != 0)
		return err_errno(e, errno, "users file %s", s->users);
	if ((uint64_t)st.st_size == s->seen_size && st.st_ino == s->seen_inode &&
	    st.st_mtim.tv_sec == s->seen_mtime[0] && st.st_mtim.tv_nsec == s->seen_mtime[1])
		return true;
	s->seen_size = UINT64_MAX;
	buf_reset(&s->cache);
	if (!fs_read_all(AT_FDCWD, s->users, FS_FOLLOW, &s->cache, e)) {
		if (s->cache.ptr)
			explicit_bzero(s->cache.ptr, s->cache.cap);
		e->class = ERR_TEMP;
		return false;
	}
	account_blot(&s->cache);
	s->seen_size = (uint64_t)st.st_size;
	s->seen_inode = st.st_ino;
	s->seen_mtime[0] = st.st_mtim.tv_sec;
	s->seen_mtime[1] = st.st_mtim.tv_nsec;
	return true;
}

bool account_from_entry(const struct account_source *s, const struct passwdfile_entry *entry,
			struct account *out, struct err *e)
{
	char mail[ACCOUNT_PATH_MAX];

	*out = (struct account){.uid = entry->has_uid ? entry->uid : geteuid(),
				.gid = entry->has_gid ? entry->gid : getegid()};
	if (!span_to_cstr(entry->user, out->name, sizeof out->name) ||
	    !span_to_cstr(entry->home, out->home, sizeof out->home) ||
	    !span_to_cstr(entry->mailbox, mail, sizeof mail))
		return err_temp(e, "4.3.5", "users file: a field of this user is too long");
	span_to_cstr(span_head(entry->gecos, sizeof out->gecos - 1), out->gecos, sizeof out->gecos);
	return set_mailbox(out, mail[0] ? mail : s->template, e);
}

static bool find_in_file(struct account_source *s, struct span name, struct account *out,
			 struct err *e)
{
	struct passwdfile_entry entry;

	if (!refresh(s, e))
		return false;
	switch (passwdfile_find(buf_span(&s->cache), name, &entry, e)) {
	case PASSWDFILE_FOUND:
		return account_from_entry(s, &entry, out, e);
	case PASSWDFILE_BAD:
		e->class = ERR_TEMP;
		return false;
	default:
		return err_perm(e, "5.1.1", "no such user in %s", s->users);
	}
}

/* Not root and without a passwd entry: who we are is who there is. */
static bool find_ourselves(const struct account_source *s, const char *name, struct account *out,
			   struct err *e)
{
	const char *env = getenv("LOGNAME");
	char uid[32];

	if (!env || !*env)
		env = getenv("USER");
	snprintf(uid, sizeof uid, "uid%u", (unsigned)geteuid());
	if (geteuid() == 0 || (strcmp(name, uid) != 0 && (!env || strcmp(name, env) != 0)))
		return err_perm(e, "5.1.1", "no such user");
	*out = (struct account){.uid = geteuid(), .gid = getegid()};
	snprintf(out->name, sizeof out->name, "%s", name);
	env = getenv("HOME");
	snprintf(out->home, sizeof out->home, "%s", env && *env == '/' ? env : "");
	return set_mailbox(out, s->template, e);
}

bool account_from_passwd(const struct account_source *s, const struct passwd *pw,
			 struct account *out, struct err *e)
{
	*out = (struct account){.uid = pw->pw_uid, .gid = pw->pw_gid};
	if (!span_to_cstr(span_str(pw->pw_name), out->name, sizeof out->name) ||
	    !span_to_cstr(span_str(pw->pw_dir), out->home, sizeof out->home))
		return err_temp(e, "4.3.5", "passwd entry: a field is too long");
	snprintf(out->gecos, sizeof out->gecos, "%s", pw->pw_gecos ? pw->pw_gecos : "");
	return set_mailbox(out, s->template, e);
}

static bool find_in_system(const struct account_source *s, struct span name, struct account *out,
			   struct err *e)
{
	char user[ACCOUNT_NAME_MAX + 1];
	struct passwd *pw;

	if (!span_to_cstr(name, user, sizeof user))
		return err_perm(e, "5.1.1", "no such user");
	errno = 0;
	pw = getpwnam(user);
	if (pw)
		return account_from_passwd(s, pw, out, e);
	/* No passwd file at all is how empty containers are; the rest is trouble. */
	if (errno && errno != ENOENT && errno != ESRCH && errno != ENOTCONN)
		return err_errno(e, errno, "cannot look up user %s", user);
	return find_ourselves(s, user, out, e);
}

static bool find_exact(struct account_source *s, struct span name, struct account *out,
		       struct err *e)
{
	return s->users[0] ? find_in_file(s, name, out, e) : find_in_system(s, name, out, e);
}

bool account_find(struct account_source *s, struct span name, struct account *out, struct err *e)
{
	char lower[ACCOUNT_NAME_MAX + 1];

	if (!account_name_ok(name))
		return err_perm(e, "5.1.1", "not a user name");
	if (find_exact(s, name, out, e))
		return true;
	memcpy(lower, name.ptr, name.len);
	ascii_fold(lower, name.len);
	if (e->class == ERR_TEMP || span_eq(name, span_make(lower, name.len)))
		return false;
	return find_exact(s, span_make(lower, name.len), out, e);
}
