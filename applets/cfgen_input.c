/*
 * Definition files that nobody wrote by hand: from other mailers, and by questions.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "cf/cfgen.h"
#include "cf/cfgen_from.h"
#include "cfgen.h"
#include "sys/fs.h"

enum { ANSWER_MAX = 256 };

/* The files of nullmailer's directory as lines: "remotes mail.example.org smtp". */
static int read_folder(const char *path, struct buf *out)
{
	struct dirent **names;
	struct err e = {.sys = 0};
	int n = scandir(path, &names, NULL, alphasort);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (n < 0 || dir < 0) {
		fprintf(stderr, "cfgen: %s: %s\n", path, strerror(errno));
		return EXIT_NOINPUT;
	}
	for (int i = 0; i < n; free(names[i++])) {
		const char *name = names[i]->d_name;
		struct buf text;
		struct span rest;

		if (name[0] == '.')
			continue;
		buf_init(&text, CFGEN_VALUE_MAX);
		if (!fs_read_all(dir, name, FS_FOLLOW, &text, &e))
			fprintf(stderr, "cfgen: %s/%s: %s\n", path, name, e.text);
		for (rest = buf_span(&text); rest.len;) {
			struct span line = span_trim(span_cut(&rest, '\n'));

			if (line.len && line.ptr[0] != '#')
				buf_printf(out, "%s %.*s\n", name, SPAN_ARG(line));
		}
		buf_free(&text);
	}
	free(names);
	close(dir);
	return 0;
}

/* "/etc/nullmailer" and "/home/me/.msmtprc" say themselves what they are. */
static struct span kind_of(const char *what)
{
	const char *slash = strrchr(what, '/');

	if (slash)
		what = slash + 1;
	return span_str(*what == '.' ? what + 1 : what);
}

int cfgen_import(const char *what, const char *path, const char *output)
{
	struct span kind = kind_of(what);
	struct buf text, out;
	int status;

	if (!path)
		path = strchr(what, '/') ? what : cfgen_from_path(kind);
	if (!cfgen_from_path(kind) || !path) {
		fprintf(stderr,
			"cfgen: %s: not ssmtp.conf, msmtprc, dma.conf, nullmailer or "
			"main.cf\n",
			what);
		return EXIT_USAGE;
	}
	buf_init(&text, CFGEN_DEF_MAX);
	buf_init(&out, CFGEN_OUT_MAX);
	status = span_eq(kind, SPAN("nullmailer")) ? read_folder(path, &text)
						   : cfgen_read_input(path, &text);
	if (status == 0)
		status = cfgen_from(kind, buf_span(&text), &out) ? cfgen_write_out(&out, output)
								 : EXIT_DATAERR;
	/* Passwords may have been in it. */
	buf_wipe(&text);
	buf_wipe(&out);
	return status;
}

/* The answer to a question, or what is offered; false at the end of input. */
static bool ask(const char *question, const char *offer, char *answer)
{
	size_t n;

	fprintf(stderr, "%s%s%s%s ", question, *offer ? " [" : "", offer, *offer ? "]" : "");
	if (!fgets(answer, ANSWER_MAX, stdin))
		return false;
	n = strcspn(answer, "\r\n");
	answer[n] = '\0';
	if (n == 0)
		snprintf(answer, ANSWER_MAX, "%s", offer);
	return true;
}

static void answer_is(const char *name, const char *value, struct buf *out)
{
	if (*value)
		cfgen_assign(span_str(name), span_str(value), out);
}

static bool is_yes(const char *answer)
{
	return ascii_lower(answer[0]) == 'y';
}

/* Four questions at most: what else there is has a default that works. */
static bool questions(struct buf *out)
{
	char full[ANSWER_MAX] = "", name[ANSWER_MAX], domain[ANSWER_MAX], relay[ANSWER_MAX],
	     boxes[ANSWER_MAX];
	char *dot;

	gethostname(full, sizeof full - 1);
	dot = strchr(full, '.');
	if (dot)
		*dot++ = '\0';
	if (!ask("Name of this host, without its domain?", full, name) ||
	    !ask("Its domain?", dot ? dot : "", domain) ||
	    !ask("A relay for mail to elsewhere (HOST, or smtps://USER@HOST; empty: none)?", "",
		 relay) ||
	    !ask("Are there mailboxes on this host?", *relay ? "no" : "yes", boxes))
		return false;
	answer_is("MY_NAME", name, out);
	answer_is("MY_DOMAIN", domain, out);
	if (!is_yes(boxes) && *relay) {
		answer_is("NULL_CLIENT", relay, out);
		answer_is("FROM_ADDRESS", *domain ? "$m" : "", out);
		return true;
	}
	answer_is("DEFAULT_RELAY", relay, out);
	if (!ask("Domains whose mail is for users here?", domain, relay) ||
	    !ask("Does mail come in from the network?", "yes", boxes))
		return false;
	answer_is("ACCEPT_ADDRS", relay, out);
	answer_is("FROM_ADDRESS", *domain && strstr(relay, domain) ? "$m" : "", out);
	answer_is("LISTEN", is_yes(boxes) ? "*:25" : "127.0.0.1:25", out);
	return true;
}

int cfgen_interview(const char *output)
{
	struct buf out;
	int status = EXIT_USAGE;

	buf_init(&out, CFGEN_OUT_MAX);
	buf_puts(&out, "# made by cfgen -i; cfgen --standard sendmail-v10.def lists the rest\n");
	if (!isatty(STDIN_FILENO))
		fputs("cfgen: -i asks questions, and standard input is no terminal\n", stderr);
	else if (!questions(&out))
		fputs("\ncfgen: no answer, nothing written\n", stderr);
	else
		status = cfgen_write_out(&out, output);
	buf_free(&out);
	return status;
}
