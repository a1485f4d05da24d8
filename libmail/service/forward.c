/*
 * Reading ~/.forward; see service/forward.h, and sendmail's forward, include and safefile.
 *
 * The checks are of what was opened and of all names that led there, the last of them behind any
 * links: who could put another file there could choose where the mail goes, or as whom a program
 * runs.
 */
#include "service/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/aliases.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { STEP = 4096, LISTS_MAX = 100, GROUPS_MAX = 256 };

/* What $c stands for; false: nothing that could be part of a path. */
static bool put_macro(const struct settings *s, const struct account *a, struct span detail, char c,
		      struct buf *out)
{
	struct span name = span_str(s->hostname), value = SPAN("");

	if (c == 'z') {
		/* Below the root directory, not below "//". */
		buf_puts(out, strcmp(a->home, "/") == 0 ? "" : a->home);
		return a->home[0] != '\0';
	}
	if (c == 'u')
		value = span_str(a->name);
	else if (c == 'h')
		value = detail;
	else if (c == 'w')
		value = span_cut(&name, '.');
	buf_put(out, value);
	/* Of strangers' choice: it must not lead anywhere else. */
	return value.len && value.len <= FORWARD_DETAIL_MAX && !memchr(value.ptr, '/', value.len) &&
	       !memchr(value.ptr, ':', value.len);
}

bool forward_put_paths(const struct settings *s, const struct account *a, struct span detail,
		       struct buf *out)
{
	struct span list = span_str(s->forward);

	while (list.len) {
		struct span one = span_cut(&list, ':');
		size_t start = out->len, i = 0;
		bool ok = true;

		if (start)
			buf_putc(out, ':');
		for (; ok && i < one.len; i++) {
			if (one.ptr[i] == '$' && i + 1 < one.len)
				ok = put_macro(s, a, detail, one.ptr[++i], out);
			else
				buf_putc(out, one.ptr[i]);
		}
		if (!ok || one.len == 0)
			buf_truncate(out, start);
	}
	return buf_ok(out);
}

bool forward_is_there(struct span paths)
{
	char path[PATH_MAX];
	struct stat st;

	while (paths.len)
		if (span_to_cstr(span_cut(&paths, ':'), path, sizeof path) &&
		    (lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)))
			return true;
	return false;
}

/* By errno; a home that cannot be entered is one that is not there yet, so only files differ. */
static bool failed(struct err *e, bool found)
{
	int sys = errno;

	if (sys == ENOENT || sys == ENOTDIR || sys == ELOOP || sys == ENAMETOOLONG ||
	    (found && sys == EACCES))
		err_perm(e, "5.2.4", "%s", strerror(sys));
	else
		err_temp(e, "4.2.4", "%s", strerror(sys));
	e->sys = sys;
	return false;
}

static bool unsafe(struct err *e, const char *why)
{
	err_perm(e, "5.2.4", "%s", why);
	e->sys = 0;
	return false;
}

static bool check_file(const struct stat *st, uid_t uid, struct err *e)
{
	if (!S_ISREG(st->st_mode))
		return unsafe(e, "Regular files only");
	if (st->st_mode & S_IWOTH)
		return unsafe(e, "World writable file");
	if (st->st_mode & S_IWGRP)
		return unsafe(e, "Group writable file");
	return st->st_uid == uid || st->st_uid == 0 || unsafe(e, "Owned by another user");
}

static bool check_dirs(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	mode_t mode;
	int shared = fs_find_shared_dir(path, true, dir, sizeof dir, &mode);

	if (shared > 0)
		return unsafe(e, mode & S_IWOTH ? "World writable directory"
						: "Group writable directory");
	return shared == 0 || failed(e, false);
}

static bool copy(int fd, struct buf *out, struct err *e)
{
	size_t start = out->len;
	ssize_t got = 1;
	char *at;

	/* Not by its length, which a file that is no plain one does not tell. */
	for (off_t off = 0; got > 0; off += got) {
		size_t room = out->max - out->len, step = room < STEP ? room : STEP;
		char more = 0;

		at = step ? buf_reserve(out, step) : &more;
		got = at ? fs_pread(fd, at, step ? step : 1, off) : 0;
		if (!at || (!step && got > 0)) {
			buf_truncate(out, start);
			return at ? unsafe(e, "File too large")
				  : err_temp(e, "4.3.0", "out of memory");
		}
		if (got > 0)
			out->len += (size_t)got;
	}
	if (got == 0)
		return true;
	buf_truncate(out, start);
	return failed(e, true);
}

bool forward_read_file(const char *path, uid_t uid, struct buf *out, struct err *e)
{
	char real[PATH_MAX];
	struct stat st;
	bool ok;
	int fd;

	if (!realpath(path, real) || stat(real, &st) != 0)
		return failed(e, false);
	/* Before it is opened, too: devices and pipes do things then. */
	if (!check_file(&st, uid, e) || !check_dirs(path, e) || !check_dirs(real, e))
		return false;
	fd = open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return failed(e, true);
	ok = fstat(fd, &st) == 0 ? check_file(&st, uid, e) && copy(fd, out, e) : failed(e, true);
	close(fd);
	return ok;
}

struct reader {
	uid_t uid;
	unsigned lists; /* included so far */
	struct buf *out;
};

static bool expand(struct reader *r, struct span text, struct err *e);

/* A list takes its own place, unless it cannot be had: then its name stays, and fails later. */
static bool include(struct reader *r, const struct aliases_target *t, struct err *e)
{
	char path[PATH_MAX] = "";
	struct buf file;
	bool ok;

	buf_init(&file, FORWARD_MAX);
	if (++r->lists > LISTS_MAX || !span_to_cstr(t->value, path, sizeof path))
		ok = unsafe(e, "File too large");
	else
		ok = forward_read_file(path, r->uid, &file, e);
	if (ok) {
		ok = expand(r, buf_span(&file), e);
	} else if (e->class == ERR_PERM) {
		log_warn("Cannot open %s: %s", path, e->text);
		buf_printf(r->out, ",%.*s\n", SPAN_ARG(t->text));
		ok = true;
	}
	buf_free(&file);
	return ok;
}

static bool expand(struct reader *r, struct span text, struct err *e)
{
	struct aliases_target t;
	struct span list;
	bool ok = true;

	/* Each on a line of its own, of which none is a comment. */
	while (ok && aliases_next_list(&text, &list))
		while (ok && aliases_next(&list, &t))
			if (t.kind == ALIASES_INCLUDE)
				ok = include(r, &t, e);
			else
				buf_printf(r->out, ",%.*s\n", SPAN_ARG(t.text));
	return ok && (buf_ok(r->out) || unsafe(e, "File too large"));
}

bool forward_read(struct span paths, uid_t uid, struct buf *out, struct err *e)
{
	struct reader r = {.uid = uid, .out = out};
	char path[PATH_MAX];
	struct buf file;
	bool later = false, found = false;

	buf_init(&file, FORWARD_MAX);
	while (paths.len && !found) {
		if (!span_to_cstr(span_cut(&paths, ':'), path, sizeof path))
			continue;
		*e = (struct err){0};
		buf_reset(&file);
		buf_reset(out);
		found = forward_read_file(path, uid, &file, e) && expand(&r, buf_span(&file), e);
		later |= !found && e->class == ERR_TEMP;
		if (!found && e->class == ERR_TEMP)
			log_err("forward %s: transient error: %s", path, e->text);
		else if (!found && e->sys != ENOENT && e->sys != ENOTDIR)
			log_warn("forward %s: %s", path, e->text);
	}
	buf_free(&file);
	*e = (struct err){0};
	if (!found)
		buf_reset(out);
	return found || !later || err_temp(e, "4.2.4", "transient .forward open error");
}

static bool is_any(char c, const char *set)
{
	return c && strchr(set, c);
}

/*
 * Is meant at the beginning of text, which may be quoted, and what stands behind it no part of it?
 * An address parser drops blanks, or has another character (BlankSub) for them.
 */
static bool is_spelled(struct span text, struct span meant)
{
	size_t i = 0, j = 0;

	while (j < meant.len) {
		while (j < meant.len && (!meant.ptr[j] || is_any(meant.ptr[j], " \"'\\")))
			j++;
		while (i < text.len && is_any(text.ptr[i], "\"'\\"))
			i++;
		if (j == meant.len)
			break;
		if (i == text.len)
			return false;
		if (is_any(text.ptr[i], " \t")) {
			i++;
			j += i < text.len && !is_any(text.ptr[i], " \t\"'\\") &&
			     meant.ptr[j] != text.ptr[i] && meant.ptr[j] != '/';
		} else if (text.ptr[i++] != meant.ptr[j++]) {
			return false;
		}
	}
	while (i < text.len && is_any(text.ptr[i], " \t\"'\\"))
		i++;
	return i == text.len || is_any(text.ptr[i], "@>(");
}

/* From the path or command on: a comment, or a name before brackets, may stand in front of it. */
static struct span skip_front(struct span text)
{
	struct span name;
	int deep = 0;

	while (text.len && (deep || is_any(text.ptr[0], "( \t"))) {
		deep += (text.ptr[0] == '(') - (text.ptr[0] == ')');
		text = span_skip(text, 1);
	}
	name = span_skip(text, span_index(text, '<') + 1);
	if (name.len && !is_any(text.ptr[0], "\"|/\\"))
		text = name;
	while (text.len && is_any(text.ptr[0], "\"\\ \t"))
		text = span_skip(text, 1);
	return text;
}

/* What command_split makes its first word of: the program's name, wherever that lies. */
static struct span skip_place(struct span command)
{
	size_t at;

	command = span_trim(command);
	if (span_starts(command, SPAN("exec ")))
		command = span_trim(span_skip(command, 5));
	at = span_index(command, ' ');
	while (at > 0 && command.ptr[at - 1] != '/')
		at--;
	return span_skip(command, at);
}

bool forward_names(struct span targets, struct span path, struct span words)
{
	struct aliases_target t;
	struct span list, text;
	bool found = false;

	while (!found && aliases_next_list(&targets, &list))
		while (!found && aliases_next(&list, &t)) {
			text = skip_front(t.text);
			if (path.len)
				found = is_spelled(text, path);
			else if (words.len && span_starts(text, SPAN("|")))
				found = is_spelled(skip_place(span_skip(text, 1)), words);
		}
	return found;
}

/* As sendmail does it: what the user may not read must not be shown for a link in a home. */
static void read_as(const struct account *a, const char *path, struct buf *out, struct err *e)
{
	bool root = geteuid() == 0;
	gid_t groups[GROUPS_MAX];
	int n = root ? getgroups(GROUPS_MAX, groups) : 0;

	if (n < 0 ||
	    (root && (setgroups(0, NULL) != 0 || setegid(a->gid) != 0 || seteuid(a->uid) != 0)))
		err_errno(e, errno, "%s", a->name);
	else
		forward_read_file(path, a->uid, out, e);
	if (root &&
	    (seteuid(0) != 0 || setegid(0) != 0 || (n > 0 && setgroups((size_t)n, groups) != 0)))
		err_errno(e, errno, "%s", a->name);
}

bool forward_next(struct span *paths, const struct account *a, char path[FORWARD_PATH_MAX],
		  struct buf *out, struct err *e)
{
	while (paths->len) {
		struct span one = span_cut(paths, ':');

		if (!forward_is_there(one) || !span_to_cstr(one, path, FORWARD_PATH_MAX))
			continue;
		*e = (struct err){0};
		buf_reset(out);
		read_as(a, path, out, e);
		return true;
	}
	return false;
}

bool forward_has_shell(const struct account *a, struct err *e)
{
	struct span rest, line;
	struct buf file;
	bool found = a->shell[0] == '\0', later = false;

	*e = (struct err){0};
	buf_init(&file, FORWARD_MAX);
	/* What getusershell(3) does without the file. */
	if (!found && !fs_read_all(AT_FDCWD, "/etc/shells", FS_FOLLOW, &file, e)) {
		later = e->sys != ENOENT;
		e->class = later ? ERR_TEMP : ERR_NONE;
		buf_reset(&file);
		buf_puts(&file, "/bin/sh\n/bin/csh\n");
	}
	for (rest = buf_span(&file); !found && !later && rest.len;) {
		line = span_trim(span_cut(&rest, '\n'));
		found = line.len && (span_eq(line, span_str(a->shell)) ||
				     span_eq(line, SPAN("/SENDMAIL/ANY/SHELL/")));
	}
	buf_free(&file);
	return found;
}
