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
#include "cfgen.h"
#include "service/policy.h"
#include "sys/fs.h"

enum { O_OUTPUT = 1, O_EXPLAIN, O_STANDARD, O_CHECK, O_FROM, O_INTERVIEW, O_HELP };

static const struct opt_spec specs[] = {
    {'o', "output", OPT_REQUIRED, O_OUTPUT},   {'e', "explain", OPT_NONE, O_EXPLAIN},
    {0, "standard", OPT_REQUIRED, O_STANDARD}, {0, "check", OPT_REQUIRED, O_CHECK},
    {0, "from", OPT_REQUIRED, O_FROM},         {'i', "interactive", OPT_NONE, O_INTERVIEW},
    {'h', "help", OPT_NONE, O_HELP},           {0, NULL, OPT_NONE, 0},
};

static const char usage[] = "usage: cfgen [-e] [-o FILE] [FILE.def]\n"
			    "       cfgen --standard NAME\n"
			    "       cfgen --check FILE.cf\n"
			    "       cfgen [-o FILE] --from KIND [FILE]\n"
			    "       cfgen -i [-o FILE]\n";

struct task {
	int what; /* O_OUTPUT: the configuration */
	const char *output, *argument;
};

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

static const struct cfgen_host host = {NULL, report, policy_read_file};

/* A pipe can end here: "-" is standard input. */
int cfgen_read_input(const char *path, struct buf *out)
{
	struct err e = {.sys = 0};
	ssize_t n = 0;
	char *at;

	if (strcmp(path, "-") != 0) {
		if (fs_read_all(AT_FDCWD, path, FS_FOLLOW, out, &e))
			return 0;
		fprintf(stderr, "cfgen: %s: %s\n", path, e.text);
		return EXIT_NOINPUT;
	}
	while ((at = buf_reserve(out, BUFSIZ)) && (n = read(STDIN_FILENO, at, BUFSIZ)) > 0)
		out->len += (size_t)n;
	if (at && n == 0)
		return 0;
	fprintf(stderr, "cfgen: standard input: %s\n", strerror(at ? errno : EFBIG));
	return EXIT_NOINPUT;
}

int cfgen_write_out(const struct buf *out, const char *path)
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

/* Without a definition file the environment counts, as for the daemon. */
static int read_values(struct cfgen *g, const char *path)
{
	static struct settings s;
	struct buf text;
	struct err e;
	int status;

	if (!path && access(POLICY_DEF, F_OK) != 0 && errno == ENOENT) {
		if (settings_init(&s, &e))
			return policy_set(g, &s) ? 0 : EXIT_DATAERR;
		fprintf(stderr, "cfgen: %s\n", e.text);
		return EXIT_CONFIG;
	}
	if (!path)
		path = POLICY_DEF;
	buf_init(&text, CFGEN_DEF_MAX);
	status = cfgen_read_input(path, &text);
	if (status == 0 && !cfgen_parse(g, buf_span(&text), path))
		status = EXIT_DATAERR;
	buf_wipe(&text);
	return status;
}

static int generate(const struct task *t)
{
	struct cfgen g;
	struct buf out;
	int status;

	buf_init(&out, CFGEN_OUT_MAX);
	cfgen_init(&g, &host);
	status = read_values(&g, t->argument);
	if (status == 0 && !cfgen_write(&g, &out))
		status = EXIT_DATAERR;
	if (status == 0 && t->what == O_EXPLAIN) {
		buf_reset(&out);
		cfgen_explain(&g, &out);
	}
	if (status == 0)
		status = cfgen_write_out(&out, t->output);
	cfgen_free(&g);
	buf_wipe(&out);
	return status;
}

static int standard(const struct task *t)
{
	struct buf out;
	int status = EXIT_USAGE;

	buf_init(&out, CFGEN_OUT_MAX);
	if (cfgen_standard(span_str(t->argument), &out))
		status = cfgen_write_out(&out, t->output);
	else
		fprintf(stderr, "cfgen: there is no %s, but\n%s", t->argument, buf_cstr(&out));
	buf_free(&out);
	return status;
}

static int run(const struct task *t, const char *operand)
{
	switch (t->what) {
	case O_STANDARD:
		return standard(t);
	case O_CHECK:
		return cfgen_check(t->argument);
	case O_FROM:
		return cfgen_import(t->argument, operand, t->output);
	case O_INTERVIEW:
		return cfgen_interview(t->output);
	default:
		return generate(&(struct task){t->what, t->output, operand});
	}
}

int cfgen_main(int argc, char **argv)
{
	struct task t = {O_OUTPUT, NULL, NULL};
	struct opt_state s;
	int id;

	opt_init(&s, specs, argc, argv, false);
	while ((id = opt_next(&s)) != OPT_END) {
		if (id == O_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (id < 0) {
			fprintf(stderr, "cfgen: %s: %s\n%s", s.word,
				id == OPT_MISSING ? "an argument is missing" : "unknown option",
				usage);
			return EXIT_USAGE;
		}
		if (id == O_OUTPUT) {
			t.output = s.value;
			continue;
		}
		t.what = id;
		t.argument = s.value;
	}
	if (argc - s.at > 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	return run(&t, argv[s.at]);
}
