/*
 * Commands that put messages elsewhere: into files, into programs, into other folders.
 * POSIX mailx, "copy", "save", "write", "pipe", "file".
 *
 * Programs run only at a terminal (mail_cmd.c sees to that), with the words the user typed
 * and the message on their standard input.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "mail_folder.h"

/* The file is the last word; without one POSIX means MBOX ("&"). */
static bool target(const struct mail *m, struct mail_args *a, char *path, size_t cap)
{
	return mail_file_name(m, a->words ? a->word[a->words - 1] : "&", path, cap);
}

static void report(const char *path, bool there)
{
	printf("\"%s\" [%s]\n", path, there ? "Appended" : "New file");
}

static bool save(struct mail *m, struct mail_args *a, unsigned flags)
{
	struct mail_folder *f = m->folder;
	char path[4096];
	struct stat st;
	bool there;

	if (!target(m, a, path, sizeof path))
		return false;
	there = stat(path, &st) == 0;
	/* Message by message: what was saved before a failure is marked, the rest is not. */
	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		if (!mail_folder_copy(m, i, path))
			return false;
		f->msg[i].flags |= flags;
	}
	report(path, there);
	return true;
}

bool mail_save_save(struct mail *m, struct mail_args *a)
{
	return save(m, a, MSG_SAVED | MSG_TOUCHED);
}

bool mail_save_copy(struct mail *m, struct mail_args *a)
{
	return save(m, a, 0);
}

bool mail_save_write(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	char path[4096];
	struct stat st;
	bool there, ok;
	FILE *out;

	/* POSIX gives write no default: text without a header is no mailbox. */
	if (!a->words) {
		fputs("mail: write: which file?\n", stderr);
		return false;
	}
	if (!target(m, a, path, sizeof path))
		return false;
	there = stat(path, &st) == 0;
	out = fopen(path, "ae");
	if (!out) {
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		mail_show_body(m, i, out);
		f->msg[i].flags |= MSG_SAVED | MSG_TOUCHED;
	}
	/* A full disk may show at the close only. */
	ok = !ferror(out);
	ok = fclose(out) == 0 && ok;
	if (ok)
		report(path, there);
	else
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
	return ok;
}

/* "| [LIST] COMMAND": the list is what stands before the first word that is none. */
bool mail_save_pipe(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;
	const char *command = a->rest;
	struct mail_args list = {0};
	char *copy = mail_strdup(a->rest);
	FILE *text;
	bool ok;
	size_t n = 0;

	/* Nothing but numbers and their signs can be told from a command. */
	while (copy[n] && strchr("0123456789-.*^$ ", copy[n]))
		n++;
	copy[n] = '\0';
	command += n;
	ok = mail_cmd_split(copy, &list) && mail_list_mark(m, list.words, list.word, false);
	/* set cmd=...: what "pipe" without a command runs. */
	if (ok && !*command)
		command = mail_value(m, "cmd");
	if (ok && command && *command) {
		text = mail_run_temp();
		for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
			mail_show_message(m, i, true, 0, text);
			f->msg[i].flags |= MSG_TOUCHED | MSG_READ;
		}
		fflush(text);
		/* The child reads through the descriptor, which the stream has moved. */
		lseek(fileno(text), 0, SEEK_SET);
		ok = mail_run_shell(m, command, NULL, fileno(text), -1) == 0;
		fclose(text);
	}
	free(copy);
	return ok;
}

bool mail_save_shell(struct mail *m, struct mail_args *a)
{
	const char *shell = mail_value(m, "SHELL");

	if (a->name[0] == '!')
		mail_run_shell(m, a->rest, NULL, -1, -1);
	else
		mail_run_shell(m, shell && *shell ? shell : "/bin/sh", NULL, -1, -1);
	puts("!");
	return true;
}

/* A copy is what is edited: the message in the folder stays what was received. */
bool mail_save_edit(struct mail *m, struct mail_args *a)
{
	struct mail_folder *f = m->folder;

	for (size_t i = mail_list_next(f, 0); i < f->count; i = mail_list_next(f, i + 1)) {
		FILE *text = mail_run_temp();

		mail_show_message(m, i, true, 0, text);
		mail_run_editor(m, a->name[0] == 'v', &text);
		fclose(text);
		f->msg[i].flags |= MSG_TOUCHED | MSG_READ;
		f->dot = i;
	}
	return true;
}

bool mail_save_file(struct mail *m, struct mail_args *a)
{
	if (a->words == 0) {
		mail_folder_summary(m);
		return true;
	}
	/* The old folder was closed and the new one cannot be opened: nothing is left to do. */
	if (!mail_folder_open(m, a->word[0], NULL)) {
		m->over = !m->folder;
		return false;
	}
	mail_folder_summary(m);
	return !mail_value(m, "header") || mail_cmd_run(m, "headers");
}
