/*
 * The ~ escapes of a letter being written.  POSIX mailx, "Command Escapes in mailx".
 *
 * They run programs and read files with the user's rights, so they exist only where a
 * person types (or asked for them with -~): see mail_compose.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "mail_compose.h"
#include "mail_folder.h"

static const char escape_help[] =
    "~~ TEXT     a line that starts with ~        ~p          print the letter\n"
    "~t ADDR...  add to To                        ~m ~M LIST  put in messages, indented\n"
    "~c ADDR...  add to Cc                        ~f ~F LIST  put in messages\n"
    "~b ADDR...  add to Bcc                       ~r ~< FILE  put in a file (!COMMAND: its "
    "output)\n"
    "~s TEXT     set the subject                  ~d          put in dead.letter\n"
    "~h          ask for all of them              ~i NAME     put in a variable; ~a ~A sign, Sign\n"
    "~@ FILE     attach a file                    ~w FILE     write the text to a file\n"
    "~e ~v       edit the text                    ~| COMMAND  filter the text\n"
    "~! COMMAND  run a command                    ~: COMMAND  run a command of mail\n"
    "~q          quit, keep dead.letter           ~x          quit, keep nothing\n"
    "~.          end of the letter\n";

/* Back to the end after each look: the body is one stream, and the next line must be appended. */
static void show(struct mail_letter *l)
{
	fputs("-------\nMessage contains:\n", stdout);
	printf("To: %s\n", buf_cstr(&l->to));
	if (l->subject.len)
		printf("Subject: %s\n", buf_cstr(&l->subject));
	if (l->cc.len)
		printf("Cc: %s\n", buf_cstr(&l->cc));
	if (l->bcc.len)
		printf("Bcc: %s\n", buf_cstr(&l->bcc));
	for (struct span left = buf_span(&l->attach); left.len;)
		printf("Attachment: %s\n", span_cut(&left, '\0').ptr);
	putchar('\n');
	mail_run_copy(l->body, stdout);
	fseek(l->body, 0, SEEK_END);
	puts("(continue)");
}

/*
 * The command writes into the file itself: stdio must have flushed before, and seek behind it
 * after.
 */
static void insert_output(const struct mail *m, struct mail_letter *l, const char *command)
{
	fflush(l->body);
	fseek(l->body, 0, SEEK_END);
	mail_run_shell(m, command, NULL, -1, fileno(l->body));
	fseek(l->body, 0, SEEK_END);
}

/* Into a second file: a filter that fails must not cost the text that was typed. */
static void filter(const struct mail *m, struct mail_letter *l, const char *command)
{
	FILE *out = mail_run_temp();
	int status;

	fflush(l->body);
	lseek(fileno(l->body), 0, SEEK_SET);
	status = mail_run_shell(m, command, NULL, fileno(l->body), fileno(out));
	if (status == 0) {
		FILE *old = l->body;

		l->body = out;
		out = old;
	} else {
		fprintf(stderr, "mail: %s: exit status %d; the text is as it was\n", command,
			status);
	}
	fclose(out);
	fseek(l->body, 0, SEEK_END);
	puts("(continue)");
}

/* Appends, as POSIX wants of ~w: an existing file is never cut. */
static void write_text(const struct mail *m, struct mail_letter *l, const char *name)
{
	char path[4096];
	FILE *f;

	if (!mail_file_name(m, name, path, sizeof path))
		return;
	f = fopen(path, "ae");
	if (!f || !mail_run_copy(l->body, f) || fflush(f) != 0)
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
	if (f)
		fclose(f);
	fseek(l->body, 0, SEEK_END);
}

/* ~m ~M ~f ~F ~u ~U: messages of the folder being read; m, M and u are indented. */
static void insert_messages(struct mail *m, struct mail_letter *l, char kind, char *list)
{
	const char *indent = mail_value(m, "indentprefix");
	struct mail_args a = {0};
	FILE *text;
	int c, last = '\n';

	if (!m->folder) {
		fputs("mail: no messages are being read\n", stderr);
		return;
	}
	if (!mail_cmd_split(list, &a) || !mail_list_mark(m, a.words, a.word, false))
		return;
	text = mail_run_temp();
	for (size_t i = mail_list_next(m->folder, 0); i < m->folder->count;
	     i = mail_list_next(m->folder, i + 1))
		mail_show_message(m, i, kind == 'M' || kind == 'F', 0, text);
	rewind(text);
	while ((c = getc(text)) != EOF) {
		if (last == '\n' && ascii_lower(kind) == 'm' && indent)
			fputs(indent, l->body);
		putc(c, l->body);
		last = c;
	}
	fclose(text);
	puts("(continue)");
}

/* Unset is told: an empty signature would be noticed by the reader of the letter only. */
static void insert_variable(const struct mail *m, struct mail_letter *l, const char *name)
{
	const char *value = mail_value(m, name);

	if (value)
		fprintf(l->body, "%s\n", value);
	else
		fprintf(stderr, "mail: %s: not set\n", name);
}

static void insert_file(struct mail *m, struct mail_letter *l, const char *name)
{
	if (name[0] == '!')
		insert_output(m, l, name + 1);
	else if (*name)
		mail_compose_insert(m, l, name);
	else
		fputs("mail: ~r needs a file name\n", stderr);
}

/* End of file at one question ends them all: what was not asked stays as it is. */
static void ask_headers(struct mail *m, struct mail_letter *l)
{
	if (mail_compose_ask(m, "To: ", &l->to) && mail_compose_ask(m, "Subject: ", &l->subject) &&
	    mail_compose_ask(m, "Cc: ", &l->cc))
		mail_compose_ask(m, "Bcc: ", &l->bcc);
}

/* The editor may replace the file by another: the body is handed over by reference. */
static void edit(const struct mail *m, struct mail_letter *l, bool visual)
{
	mail_run_editor(m, visual, &l->body);
	fseek(l->body, 0, SEEK_END);
	puts("(continue)");
}

/* The escapes that take text; false when c is none of them. */
static bool with_text(struct mail *m, struct mail_letter *l, char c, struct span text, char *arg)
{
	const char *dead = mail_value(m, "DEAD");

	switch (c) {
	case 's':
		buf_reset(&l->subject);
		buf_put(&l->subject, text);
		return true;
	case 't':
		mail_letter_list(&l->to, text);
		return true;
	case 'c':
		mail_letter_list(&l->cc, text);
		return true;
	case 'b':
		mail_letter_list(&l->bcc, text);
		return true;
	case '@':
		mail_letter_attach(l, arg);
		return true;
	case 'r':
	case '<':
		insert_file(m, l, arg);
		return true;
	case 'd':
		insert_file(m, l, dead && *dead ? dead : "~/dead.letter");
		return true;
	case 'i':
		insert_variable(m, l, arg);
		return true;
	case 'a':
	case 'A':
		insert_variable(m, l, c == 'a' ? "sign" : "Sign");
		return true;
	case 'w':
		write_text(m, l, arg);
		return true;
	case '|':
		filter(m, l, arg);
		return true;
	case '!':
		mail_run_shell(m, arg, NULL, -1, -1);
		puts("!");
		return true;
	case ':':
	case '_':
		mail_cmd_run(m, arg);
		return true;
	}
	return false;
}

/* A copy of the argument, since splitting a list writes into it, and ~: may come back here. */
enum mail_escape_result mail_escape(struct mail *m, struct mail_letter *l, struct buf *line)
{
	struct span text = buf_span(line), arg = span_trim(span_skip(text, 2));
	char c = text.len > 1 ? text.ptr[1] : '?';
	char *copy = mail_alloc(arg.len + 1);

	if (arg.len)
		memcpy(copy, arg.ptr, arg.len);
	if (c == text.ptr[0])
		fprintf(l->body, "%s\n", buf_cstr(line) + 1);
	else if (c == 'p')
		show(l);
	else if (c == 'h')
		ask_headers(m, l);
	else if (c == 'e' || c == 'v')
		edit(m, l, c == 'v');
	else if (strchr("mMfFuU", c))
		insert_messages(m, l, c, copy);
	else if (c == '?')
		fputs(escape_help, stdout);
	else if (!strchr(".qQx", c) && !with_text(m, l, c, arg, copy))
		fprintf(stderr, "Unknown tilde escape: ~%c\n", ascii_is_print(c) ? c : '?');
	free(copy);
	return c == '.'               ? MAIL_ESCAPE_SEND
	       : c == 'q' || c == 'Q' ? MAIL_ESCAPE_QUIT
	       : c == 'x'             ? MAIL_ESCAPE_EXIT
				      : MAIL_ESCAPE_GO;
}
