/*
 * Names with values, for variables, aliases and header lists, and what is derived from
 * them: file names, the user's name.  POSIX mailx, "Internal Variables in mailx".
 *
 * Nothing here prints or runs anything; a name is never expanded by a shell.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "mail_folder.h"

/* An interactive program without memory can only end; nothing in the mailbox has changed yet. */
void *mail_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p) {
		fputs("mail: out of memory\n", stderr);
		exit(EXIT_OSERR);
	}
	return p;
}

char *mail_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(mail_alloc(n), s, n);
}

const char *mail_pair_get(const struct mail_pair *list, const char *name)
{
	for (; list; list = list->next)
		if (strcmp(list->name, name) == 0)
			return list->value;
	return NULL;
}

/*
 * Sorted on insertion, so that set and alias print in order. value may be the old one of the same
 * pair: copied before that is freed.
 */
void mail_pair_set(struct mail_pair **list, const char *name, const char *value)
{
	char *copy = mail_strdup(value);
	struct mail_pair *pair;

	while (*list && strcmp((*list)->name, name) < 0)
		list = &(*list)->next;
	pair = *list;
	if (pair && strcmp(pair->name, name) == 0) {
		free(pair->value);
		pair->value = copy;
		return;
	}
	pair = mail_alloc(sizeof *pair);
	*pair = (struct mail_pair){.next = *list, .name = mail_strdup(name), .value = copy};
	*list = pair;
}

void mail_pair_unset(struct mail_pair **list, const char *name)
{
	struct mail_pair *pair;

	while (*list && strcmp((*list)->name, name) != 0)
		list = &(*list)->next;
	pair = *list;
	if (!pair)
		return;
	*list = pair->next;
	free(pair->name);
	free(pair->value);
	free(pair);
}

void mail_pair_free(struct mail_pair **list)
{
	while (*list)
		mail_pair_unset(list, (*list)->name);
}

/*
 * Upper-case names fall back to the environment (POSIX), lower-case ones do not: a stray HOLD or
 * hold of some other program must not change what quit does.
 */
const char *mail_value(const struct mail *m, const char *name)
{
	const char *value = mail_pair_get(m->vars, name);

	if (!value && ascii_upper(name[0]) == name[0])
		value = getenv(name);
	return value;
}

/* Hidden fields are those that programs write for programs. */
void mail_vars_defaults(struct mail *m)
{
	/* asksub, header and save are POSIX's; dot is what every BSD mail.rc sets. */
	static const char *const set[] = {"asksub", "dot", "header", "save"};
	static const char *const hidden[] = {
	    "content-length", "content-transfer-encoding",
	    "content-type",   "delivered-to",
	    "dkim-signature", "envelope-to",
	    "lines",          "message-id",
	    "mime-version",   "received",
	    "references",     "return-path",
	    "status",         "via",
	    "x-status",       "x-uid",
	};

	for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
		mail_pair_set(&m->vars, set[i], "");
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		mail_pair_set(&m->ignored, hidden[i], "");
	mail_pair_set(&m->vars, "escape", "~");
	mail_pair_set(&m->vars, "toplines", "5");
	mail_pair_set(&m->vars, "indentprefix", "\t");
}

void mail_set(struct mail *m, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	char *name = mail_strdup(assignment);

	if (eq)
		name[eq - assignment] = '\0';
	/* "ask" is the older name of "asksub", and "mta" the newer one of "sendmail". */
	if (strcmp(name, "ask") == 0)
		mail_pair_set(&m->vars, "asksub", eq ? eq + 1 : "");
	else if (strcmp(name, "mta") == 0)
		mail_pair_set(&m->vars, "sendmail", eq ? eq + 1 : "");
	else if (!eq && strncmp(name, "no", 2) == 0 && name[2])
		mail_pair_unset(&m->vars, strcmp(name, "noask") == 0 ? "asksub" : name + 2);
	else if (name[0])
		mail_pair_set(&m->vars, name, eq ? eq + 1 : "");
	free(name);
}

/* A name with a slash would lead out of the spool directory. */
const char *mail_user_name(void)
{
	static char made[32];
	const struct passwd *pw;
	const char *name = getenv("LOGNAME");

	if (!name || !*name)
		name = getenv("USER");
	if (name && *name && !strchr(name, '/'))
		return name;
	pw = getpwuid(getuid());
	if (pw)
		return pw->pw_name;
	snprintf(made, sizeof made, "uid%lu", (unsigned long)getuid());
	return made;
}

/*
 * Expanded here and not by a shell: a file name from a letter or an rc file runs nothing. A path
 * that does not fit is refused, since a cut one is another file.
 */
bool mail_file_name(const struct mail *m, const char *name, char *path, size_t cap)
{
	const char *home = getenv("HOME");
	const char *folder = mail_value(m, "folder");
	int n;

	if (!home || !*home)
		home = ".";
	if (name[0] == '%') {
		mail_folder_system(name[1] ? name + 1 : NULL, path, cap);
		return true;
	}
	if (strcmp(name, "&") == 0) {
		const char *mbox = mail_value(m, "MBOX");

		name = mbox && *mbox && *mbox != '&' ? mbox : "~/mbox";
	}
	if (name[0] == '~' && (name[1] == '/' || !name[1])) {
		n = snprintf(path, cap, "%s%s", home, name + 1);
	} else if (name[0] == '+' && name[1] && folder && *folder) {
		bool below = folder[0] != '/' && folder[0] != '~';

		if (folder[0] == '~')
			folder++;
		n = snprintf(path, cap, "%s%s%s/%s", folder[-1] == '~' || below ? home : "",
			     below ? "/" : "", folder, name + 1);
	} else {
		n = snprintf(path, cap, "%s", name);
	}
	if (n >= 0 && (size_t)n < cap)
		return true;
	fprintf(stderr, "mail: %.40s...: file name too long\n", name);
	return false;
}
