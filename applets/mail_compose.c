/*
 * Reading a letter from the user: prompts, the body, its end, interrupts.
 * POSIX mailx, "Send Mode" and "Asynchronous events".
 *
 * Text that comes through a pipe is data: no line of it is an escape or an end mark
 * (CVE-2021-32749).
 */
#include <errno.h>
#include <string.h>

#include "mail_compose.h"

bool mail_compose_ask(struct mail *m, const char *prompt, struct buf *answer)
{
	struct buf line;
	enum mail_line got;

	buf_init(&line, MAIL_COMPOSE_LINE_MAX);
	/*
	 * An answer that is there already (from a command line) is shown and kept by an
	 * empty line.
	 */
	if (answer->len)
		printf("%s[%s] ", prompt, buf_cstr(answer));
	else
		fputs(prompt, stdout);
	fflush(stdout);
	got = mail_input_line(&m->input, &line);
	if (got == MAIL_LINE && line.len) {
		buf_reset(answer);
		buf_put(answer, buf_span(&line));
	}
	if (got != MAIL_LINE)
		putchar('\n');
	buf_free(&line);
	/* EOF is the empty answer, an interrupt gives the letter up. */
	return got == MAIL_LINE || got == MAIL_EOF;
}

bool mail_compose_insert(struct mail *m, struct mail_letter *l, const char *name)
{
	char path[4096];
	FILE *f;
	bool ok;

	/* "-" is the rest of standard input, as for any other tool. */
	if (strcmp(name, "-") == 0 && !m->interactive)
		return mail_input_drain(&m->input, l->body);
	if (!mail_file_name(m, name, path, sizeof path))
		return false;
	f = fopen(path, "re");
	ok = f && mail_run_copy(f, l->body);
	if (!ok)
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
	if (f)
		fclose(f);
	return ok;
}

/* One line of the body that is no escape and no end. */
static void put_line(struct mail *m, struct mail_letter *l, const struct buf *line)
{
	mail_put(buf_span(line), l->body);
	/* A long line comes in pieces; only the last of them has an end. */
	if (m->input.whole)
		putc('\n', l->body);
}

static bool is_end(const struct mail *m, const struct buf *line)
{
	/* "." ends a letter that is typed (set dot), never one that comes through a pipe. */
	return line->len == 1 && line->ptr[0] == '.' && (m->interactive || m->reading) &&
	       (mail_value(m, "dot") || mail_value(m, "ignoreeof"));
}

/* False: twice interrupted, or ~q, ~x. */
static bool read_body(struct mail *m, struct mail_letter *l)
{
	const char *escape = mail_value(m, "escape");
	bool interrupted = false, start = true;
	enum mail_escape_result result = MAIL_ESCAPE_GO;
	struct buf line;

	buf_init(&line, MAIL_COMPOSE_LINE_MAX);
	while (result == MAIL_ESCAPE_GO) {
		enum mail_line got = mail_input_line(&m->input, &line);

		if (got == MAIL_HANGUP) {
			result = MAIL_ESCAPE_QUIT;
		} else if (got == MAIL_INTERRUPT) {
			if (interrupted)
				result = MAIL_ESCAPE_QUIT;
			else
				puts("\n(Interrupt -- one more to kill letter)");
			interrupted = true;
		} else if (got == MAIL_EOF && m->interactive && mail_value(m, "ignoreeof")) {
			puts("Use \".\" to terminate letter");
		} else if (got == MAIL_EOF || (start && is_end(m, &line))) {
			result = MAIL_ESCAPE_SEND;
		} else if (m->tilde && start && escape && *escape && line.len &&
			   line.ptr[0] == *escape) {
			/* Only at the start of a line, not of a piece of one. */
			result = mail_escape(m, l, &line);
		} else {
			put_line(m, l, &line);
			interrupted = false;
		}
		fflush(stdout);
		start = m->input.whole;
	}
	buf_free(&line);
	if (result == MAIL_ESCAPE_QUIT)
		mail_send_dead(m, l);
	return result == MAIL_ESCAPE_SEND;
}

bool mail_compose(struct mail *m, struct mail_letter *l)
{
	bool ask = m->interactive && !l->take_headers;
	bool ok = true;

	if (ask && !l->to.len && !l->cc.len && !l->bcc.len)
		ok = mail_compose_ask(m, "To: ", &l->to);
	if (ask && ok && mail_value(m, "asksub") && !l->subject_given)
		ok = mail_compose_ask(m, "Subject: ", &l->subject);
	if (!ok)
		return false;
	if (l->quote && !mail_compose_insert(m, l, l->quote))
		return false;
	if (m->tilde || m->interactive || m->reading)
		ok = read_body(m, l);
	else if (!mail_input_drain(&m->input, l->body)) {
		fprintf(stderr, "mail: standard input: %s\n", strerror(errno));
		ok = false;
	}
	if (ok && ask && mail_value(m, "askcc"))
		ok = mail_compose_ask(m, "Cc: ", &l->cc);
	if (ok && ask && mail_value(m, "askbcc"))
		ok = mail_compose_ask(m, "Bcc: ", &l->bcc);
	if (ok && m->interactive && !(mail_value(m, "askcc") || mail_value(m, "askbcc")))
		puts("EOT");
	if (fflush(l->body) != 0 || ferror(l->body)) {
		fprintf(stderr, "mail: temporary file: %s\n", strerror(errno));
		ok = false;
	}
	return ok;
}
