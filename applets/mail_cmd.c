/*
 * The commands: one table, the words of a line, and the loop that reads lines.
 * POSIX mailx, "Commands in mailx"; the abbreviations are those of its synopses.
 *
 * The order of the rows is the precedence: a word means the first row it is a prefix of.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "mail_folder.h"

enum {
	STRINGS = 1, /* rest is split into words */
	LIST = 2,    /* words are a message list; none: the current message */
	DEAD = 4,    /* the list is of deleted messages */
	FILE1 = 8,   /* the last word is no part of the list */
	FOLDER = 16, /* needs an open folder: not for start-up files */
	ALWAYS = 32, /* run even where an if does not hold */
	TTY = 64,    /* runs programs: for a person, never for piped input */
};

struct command {
	char name[11];
	unsigned char flags;
	bool (*run)(struct mail *m, struct mail_args *a);
};

enum { MSGS = LIST | FOLDER, LINE_MAX_OCTETS = 65536 };

static const struct command table[] = {
    {"next", STRINGS | FOLDER, mail_read_next},
    {"alias", STRINGS, mail_rc_alias},
    {"print", MSGS, mail_read_print},
    {"type", MSGS, mail_read_print},
    {"Print", MSGS, mail_read_print_all},
    {"Type", MSGS, mail_read_print_all},
    {"alternates", STRINGS, mail_rc_alternates},
    {"copy", MSGS | FILE1, mail_save_copy},
    {"cd", STRINGS, mail_rc_cd},
    {"chdir", STRINGS, mail_rc_cd},
    {"delete", MSGS, mail_read_delete},
    {"discard", STRINGS, mail_rc_ignore},
    {"dp", MSGS, mail_read_delete_print},
    {"dt", MSGS, mail_read_delete_print},
    {"edit", MSGS | TTY, mail_save_edit},
    {"echo", STRINGS, mail_rc_echo},
    {"else", STRINGS | ALWAYS, mail_rc_else},
    {"endif", STRINGS | ALWAYS, mail_rc_endif},
    {"exit", FOLDER, mail_read_exit},
    {"from", MSGS, mail_read_from},
    {"file", STRINGS | FOLDER, mail_save_file},
    {"folder", STRINGS | FOLDER, mail_save_file},
    {"followup", MSGS, mail_reply_all},
    {"group", STRINGS, mail_rc_alias},
    {"headers", STRINGS | FOLDER, mail_read_headers},
    {"help", 0, mail_read_help},
    {"hold", MSGS, mail_read_hold},
    {"if", STRINGS | ALWAYS, mail_rc_if},
    {"ignore", STRINGS, mail_rc_ignore},
    {"list", 0, mail_read_help},
    {"mail", FOLDER, mail_reply_mail},
    {"mbox", MSGS, mail_read_mbox},
    {"new", MSGS, mail_read_unread},
    {"New", MSGS, mail_read_unread},
    {"quit", FOLDER, mail_read_quit},
    {"preserve", MSGS, mail_read_hold},
    {"pipe", FOLDER | TTY, mail_save_pipe},
    {"reply", MSGS, mail_reply_all},
    {"respond", MSGS, mail_reply_all},
    {"retain", STRINGS, mail_rc_retain},
    {"Reply", MSGS, mail_reply_sender},
    {"Respond", MSGS, mail_reply_sender},
    {"save", MSGS | FILE1, mail_save_save},
    {"set", STRINGS, mail_rc_set},
    {"shell", TTY, mail_save_shell},
    {"size", MSGS, mail_read_sizes},
    {"source", STRINGS, mail_rc_source},
    {"top", MSGS, mail_read_top},
    {"touch", MSGS, mail_read_touch},
    {"undelete", MSGS | DEAD, mail_read_undelete},
    {"unalias", STRINGS, mail_rc_unalias},
    {"unread", MSGS, mail_read_unread},
    {"unset", STRINGS, mail_rc_unset},
    {"visual", MSGS | TTY, mail_save_edit},
    {"write", MSGS | FILE1, mail_save_write},
    {"xit", FOLDER, mail_read_exit},
    {"z", FOLDER, mail_read_scroll},
    {"=", FOLDER, mail_read_number},
    {"?", 0, mail_read_help},
    {"!", TTY, mail_save_shell},
    {"|", FOLDER | TTY, mail_save_pipe},
    {"-", STRINGS | FOLDER, mail_read_back},
    {"+", STRINGS | FOLDER, mail_read_next},
};

static const struct command *find(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strncmp(table[i].name, word, len) == 0)
			return &table[i];
	return NULL;
}

bool mail_cmd_known(struct span name)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (span_eq(span_str(table[i].name), name))
			return true;
	return false;
}

/* Words are cut out of text itself: quotes go, so a word is never longer than it was. */
bool mail_cmd_split(char *text, struct mail_args *a)
{
	char *out = text;

	while (a->words < MAIL_WORDS_MAX) {
		char quote = 0;

		while (ascii_is_blank(*text))
			text++;
		if (!*text)
			return true;
		a->word[a->words++] = out = text;
		for (; *text && (quote || !ascii_is_blank(*text)); text++) {
			/* A backslash protects the next octet, but not in single quotes, as in sh.
			 */
			if (*text == quote)
				quote = 0;
			else if (!quote && (*text == '"' || *text == '\''))
				quote = *text;
			else if (*text == '\\' && quote != '\'' && text[1])
				*out++ = *++text;
			else
				*out++ = *text;
		}
		if (quote) {
			fputs("mail: a quote is not closed\n", stderr);
			return false;
		}
		text += *text != '\0';
		*out = '\0';
	}
	fputs("mail: too many words\n", stderr);
	return false;
}

static bool run(struct mail *m, const struct command *c, struct mail_args *a, char *copy)
{
	int list;

	/* A start-up file runs before any mailbox is open. */
	if ((c->flags & FOLDER) && (!m->folder || m->sourcing)) {
		fprintf(stderr, "mail: %s: not in a start-up file\n", c->name);
		return false;
	}
	/* A command in piped input would let whoever wrote the letter run programs. */
	if ((c->flags & TTY) && !isatty(0)) {
		fprintf(stderr, "mail: %s: only at a terminal\n", c->name);
		return false;
	}
	if ((c->flags & (STRINGS | LIST)) && !mail_cmd_split(copy, a))
		return false;
	/* "save" and its like: the last word is the file, if there is any word. */
	list = a->words - ((c->flags & FILE1) && a->words);
	if ((c->flags & LIST) && !mail_list_mark(m, list, a->word, c->flags & DEAD))
		return false;
	return c->run(m, a);
}

bool mail_cmd_run(struct mail *m, const char *line)
{
	const struct command *c;
	struct mail_args a = {0};
	struct span rest;
	size_t len = 0;
	char *copy;
	bool ok;

	while (ascii_is_blank(*line))
		line++;
	while (ascii_is_alpha(line[len]))
		len++;
	/* A line without a command is a message list for "next"; next takes an empty one too. */
	if (!len && line[0] && strchr("=?!|-+", line[0]))
		len = 1;
	if (line[0] == '#' || (!line[0] && m->sourcing))
		return true;
	c = find(line, len);
	if (m->skipping && !(c && (c->flags & ALWAYS)))
		return true;
	if (!c) {
		fprintf(stderr, "Unknown command: \"%.*s\"\n", (int)(len < 40 ? len : 40), line);
		return false;
	}
	a.name = c->name;
	rest = span_trim(span_str(line + len));
	/*
	 * Twice: the rest as it was typed, for commands that take it whole, and one to cut
	 * words from.
	 */
	copy = mail_alloc(2 * (rest.len + 1));
	memcpy(copy, rest.ptr, rest.len);
	memcpy(copy + rest.len + 1, rest.ptr, rest.len);
	a.rest = copy;
	ok = run(m, c, &a, copy + rest.len + 1);
	free(copy);
	return ok;
}

void mail_cmd_loop(struct mail *m)
{
	const char *prompt;
	unsigned ends = 0;
	struct buf line;

	buf_init(&line, LINE_MAX_OCTETS + 1);
	while (!m->over) {
		enum mail_line got;

		prompt = mail_value(m, "prompt");
		/* Between two commands, so the text of no command is broken by it. */
		if (m->interactive && m->folder)
			mail_folder_news(m);
		if (m->interactive)
			fputs(prompt                                                       ? prompt
			      : mail_value(m, "posix") || mail_value(m, "POSIXLY_CORRECT") ? "? "
											   : "& ",
			      stdout);
		fflush(stdout);
		got = mail_input_line(&m->input, &line);
		if (got == MAIL_INTERRUPT) {
			puts("\nInterrupt");
			continue;
		}
		if (got == MAIL_HANGUP) {
			mail_cmd_run(m, "exit");
			break;
		}
		/* 25 times, so that a terminal that is gone does not keep us for ever. */
		if (got == MAIL_EOF && m->interactive && mail_value(m, "ignoreeof") &&
		    ends++ < 25) {
			puts("Use \"quit\" to quit.");
			continue;
		}
		if (got == MAIL_EOF) {
			if (m->interactive)
				putchar('\n');
			mail_cmd_run(m, "quit");
			break;
		}
		mail_cmd_run(m, buf_cstr(&line));
	}
	buf_free(&line);
}
