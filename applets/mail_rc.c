/*
 * Start-up files and the commands that may stand in them: set, alias, ignore, if and so
 * on.  POSIX mailx, "Start-Up in mailx" and "Commands in mailx".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "mail.h"

/* A file that sources itself must end somewhere. */
enum { SOURCE_DEPTH_MAX = 8, RC_LINE_MAX = 65536 };

/* Printed in a form that can be sourced again. */
bool mail_rc_set(struct mail *m, struct mail_args *a)
{
	if (a->words == 0)
		for (const struct mail_pair *v = m->vars; v; v = v->next) {
			if (*v->value)
				printf("%s=\"%s\"\n", v->name, v->value);
			else
				puts(v->name);
		}
	for (int i = 0; i < a->words; i++)
		mail_set(m, a->word[i]);
	return true;
}

/* ask and asksub are one variable: see mail_set. */
bool mail_rc_unset(struct mail *m, struct mail_args *a)
{
	for (int i = 0; i < a->words; i++)
		mail_pair_unset(&m->vars, strcmp(a->word[i], "ask") == 0 ? "asksub" : a->word[i]);
	return true;
}

static void print_alias(const struct mail_pair *alias)
{
	printf("%s\t%s\n", alias->name, alias->value);
}

/* A second alias of a name adds to it, as in BSD: system and own file may share a group. */
bool mail_rc_alias(struct mail *m, struct mail_args *a)
{
	struct buf list;

	if (a->words < 2) {
		for (const struct mail_pair *p = m->aliases; p; p = p->next)
			if (!a->words || strcmp(p->name, a->word[0]) == 0)
				print_alias(p);
		return true;
	}
	buf_init(&list, RC_LINE_MAX);
	if (mail_pair_get(m->aliases, a->word[0]))
		buf_puts(&list, mail_pair_get(m->aliases, a->word[0]));
	for (int i = 1; i < a->words; i++)
		buf_printf(&list, "%s%s", list.len ? ", " : "", a->word[i]);
	mail_pair_set(&m->aliases, a->word[0], buf_cstr(&list));
	buf_free(&list);
	return true;
}

bool mail_rc_unalias(struct mail *m, struct mail_args *a)
{
	for (int i = 0; i < a->words; i++)
		mail_pair_unset(&m->aliases, a->word[i]);
	return true;
}

/* Folded once here, for fields and addresses are compared without regard to case. */
static bool edit_names(struct mail_pair **list, const struct mail_args *a)
{
	if (a->words == 0)
		for (const struct mail_pair *p = *list; p; p = p->next)
			puts(p->name);
	for (int i = 0; i < a->words; i++) {
		char *name = mail_strdup(a->word[i]);

		ascii_fold(name, strlen(name));
		mail_pair_set(list, name, "");
		free(name);
	}
	return true;
}

bool mail_rc_alternates(struct mail *m, struct mail_args *a)
{
	return edit_names(&m->alternates, a);
}

bool mail_rc_ignore(struct mail *m, struct mail_args *a)
{
	return edit_names(&m->ignored, a);
}

bool mail_rc_retain(struct mail *m, struct mail_args *a)
{
	return edit_names(&m->retained, a);
}

/* POSIX has no nested if; refusing it is better than to take the inner endif for the outer. */
bool mail_rc_if(struct mail *m, struct mail_args *a)
{
	char what = a->words ? ascii_lower(a->word[0][0]) : 0;
	bool tty = isatty(0);

	if (m->in_if) {
		fputs("mail: if: already inside one\n", stderr);
		return false;
	}
	m->in_if = true;
	/* r(eceive) and s(end) are POSIX's; t(erminal) is what the BSD files ask. */
	m->skipping = !(what == 'r' ? m->reading : what == 's' ? !m->reading : what == 't' && tty);
	return true;
}

bool mail_rc_else(struct mail *m, struct mail_args *a)
{
	(void)a;
	if (!m->in_if)
		fputs("mail: else without if\n", stderr);
	else
		m->skipping = !m->skipping;
	return m->in_if;
}

bool mail_rc_endif(struct mail *m, struct mail_args *a)
{
	bool ok = m->in_if;

	(void)a;
	if (!ok)
		fputs("mail: endif without if\n", stderr);
	m->in_if = m->skipping = false;
	return ok;
}

bool mail_rc_echo(struct mail *m, struct mail_args *a)
{
	(void)m;
	for (int i = 0; i < a->words; i++)
		printf("%s%s", i ? " " : "", a->word[i]);
	putchar('\n');
	return true;
}

bool mail_rc_cd(struct mail *m, struct mail_args *a)
{
	char path[4096];

	if (!mail_file_name(m, a->words ? a->word[0] : "~", path, sizeof path))
		return false;
	if (chdir(path) == 0)
		return true;
	fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
	return false;
}

/*
 * Lines end in a backslash to go on (POSIX); a missing file is an error only when it was named by
 * the user.
 */
bool mail_rc_file(struct mail *m, const char *path, bool must)
{
	struct mail_input in;
	struct buf line, joined;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = true;

	if (fd < 0) {
		if (must)
			fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
		return !must;
	}
	mail_input_init(&in, fd);
	buf_init(&line, RC_LINE_MAX);
	buf_init(&joined, RC_LINE_MAX);
	m->sourcing++;
	while (!m->over && mail_input_line(&in, &line) == MAIL_LINE) {
		buf_put(&joined, buf_span(&line));
		if (span_ends(buf_span(&joined), SPAN("\\"))) {
			buf_truncate(&joined, joined.len - 1);
			continue;
		}
		/* One bad line is reported and skipped: the next may matter more. */
		if (!mail_cmd_run(m, buf_cstr(&joined)))
			ok = false;
		buf_reset(&joined);
	}
	m->sourcing--;
	mail_input_free(&in);
	buf_free(&line);
	buf_free(&joined);
	close(fd);
	return ok;
}

bool mail_rc_source(struct mail *m, struct mail_args *a)
{
	char path[4096];

	if (m->sourcing >= SOURCE_DEPTH_MAX) {
		fputs("mail: source: files nested too deep\n", stderr);
		return false;
	}
	return a->words && mail_file_name(m, a->word[0], path, sizeof path) &&
	       mail_rc_file(m, path, true);
}

/* The own file last, so that it wins. An if left open at the end must not skip what is typed. */
void mail_rc_load(struct mail *m, bool own_only)
{
	const char *own = getenv("MAILRC");
	char path[4096];

	if (!own_only)
		mail_rc_file(m, "/etc/mail.rc", false);
	m->in_if = m->skipping = false;
	if (mail_file_name(m, own && *own ? own : "~/.mailrc", path, sizeof path))
		mail_rc_file(m, path, false);
	m->in_if = m->skipping = false;
}
