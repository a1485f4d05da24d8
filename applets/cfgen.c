/*
 * cfgen: makes a sendmail.cf from a definition file.
 *
 * The generator is libmail/cf/cfgen.h, which touches nothing outside; files, terminal and
 * messages are here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "applets.h"
#include "base/err.h"
#include "base/opt.h"
#include "cf/cfgen.h"
#include "sys/fs.h"

enum { O_OUTPUT = 1, O_EXPLAIN, O_STANDARD, O_HELP };

static const struct opt_spec specs[] = {
    {'o', "output", OPT_REQUIRED, O_OUTPUT},
    {'e', "explain", OPT_NONE, O_EXPLAIN},
    {0, "standard", OPT_REQUIRED, O_STANDARD},
    {0, "help", OPT_NONE, O_HELP},
    {0, NULL, OPT_NONE, 0},
};

static const char usage[] = "usage: cfgen [-o FILE] [--explain] [FILE.def]\n"
			    "       cfgen --standard NAME\n";

static void report(void *ctx, const struct cfgen_message *m)
{
	(void)ctx;
	if (m->file && m->line)
		fprintf(stderr, "%s:%u:%u: ", m->file, (unsigned)m->line, (unsigned)m->column);
	else
		fprintf(stderr, "cfgen: %s%s", m->file ? m->file : "", m->file ? ": " : "");
	fprintf(stderr, "%s: %s%s%s%s\n", m->error ? "error" : "warning", m->text,
		*m->hint ? " (" : "", m->hint, *m->hint ? ")" : "");
}

static bool read_file(void *ctx, struct span path, struct buf *out)
{
	char name[4096];
	struct err e;

	(void)ctx;
	return span_to_cstr(path, name, sizeof name) &&
	       fs_read_all(AT_FDCWD, name, FS_FOLLOW, out, &e);
}

static const struct cfgen_host host = {NULL, report, read_file};

/* "-" is standard input, so that a pipe can end here. */
static bool read_input(const char *path, struct buf *out, struct err *e)
{
	ssize_t n;
	char *at;

	if (strcmp(path, "-") != 0)
		return fs_read_all(AT_FDCWD, path, FS_FOLLOW, out, e);
	do {
		at = buf_reserve(out, 4096);
		n = at ? read(STDIN_FILENO, at, 4096) : -1;
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0);
	return n == 0 || err_errno(e, at ? errno : EFBIG, "standard input");
}

static int write_out(const struct buf *out, const char *path)
{
	struct err e;

	if (path) {
		if (fs_replace(AT_FDCWD, path, 0644, buf_span(out), &e))
			return 0;
		fprintf(stderr, "cfgen: %s\n", e.text);
		return EXIT_CANTCREAT;
	}
	if (fwrite(out->ptr, 1, out->len, stdout) == out->len && fflush(stdout) == 0)
		return 0;
	fprintf(stderr, "cfgen: standard output: %s\n", strerror(errno));
	return EXIT_IOERR;
}

static int generate(const char *path, bool explain, const char *output)
{
	struct cfgen g;
	struct buf text, out;
	struct err e = {0};
	int status = EXIT_NOINPUT;

	buf_init(&text, CFGEN_DEF_MAX);
	buf_init(&out, CFGEN_OUT_MAX);
	cfgen_init(&g, &host);
	if (!read_input(path, &text, &e)) {
		fprintf(stderr, "cfgen: %s: %s\n", path, e.text);
	} else if (!cfgen_parse(&g, buf_span(&text), path) || !cfgen_write(&g, &out)) {
		status = EXIT_DATAERR;
	} else {
		if (explain) {
			buf_reset(&out);
			cfgen_explain(&g, &out);
		}
		status = write_out(&out, output);
	}
	cfgen_free(&g);
	buf_free(&text);
	buf_free(&out);
	return status;
}

static int standard(const char *name)
{
	struct buf out;
	int status = EXIT_USAGE;

	buf_init(&out, CFGEN_OUT_MAX);
	if (cfgen_standard(span_str(name), &out))
		status = write_out(&out, NULL);
	else
		fprintf(stderr, "cfgen: there is no %s, but\n%s", name, buf_cstr(&out));
	buf_free(&out);
	return status;
}

int cfgen_main(int argc, char **argv)
{
	const char *output = NULL;
	bool explain = false;
	struct opt_state s;
	int id, operands;

	opt_init(&s, specs, argc, argv, false);
	while ((id = opt_next(&s)) != OPT_END) {
		switch (id) {
		case O_OUTPUT:
			output = s.value;
			break;
		case O_EXPLAIN:
			explain = true;
			break;
		case O_STANDARD:
			return standard(s.value);
		case O_HELP:
			fputs(usage, stdout);
			return 0;
		default:
			fprintf(stderr, "cfgen: %s: %s\n%s", s.word,
				id == OPT_MISSING ? "an argument is missing" : "unknown option",
				usage);
			return EXIT_USAGE;
		}
	}
	operands = argc - s.at;
	if (operands > 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return generate(operands ? argv[s.at] : "/etc/mail/sendmail.def", explain, output);
}
