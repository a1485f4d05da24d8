/*
 * The entry point of the one binary: finds the applet by the name it was called
 * with, or by the first argument of "letterbox APPLET", and runs it.
 *
 * Must not know any applet but through applets.def.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "base/err.h"
#include "base/version.h"
#include "sys/proc.h"

struct row {
	const char *name;
	int (*entry)(int argc, char **argv);
	const char *help; /* NULL for an alias */
};

/*
 * One list, read twice with other macros: an applet cannot be in one table and miss in the other.
 */
static const struct row applets[] = {
#define APPLET(name, entry, help) {name, entry, help},
#define ALIAS(name, entry)        {name, entry, NULL},
#define ROLE(name, entry)
#include "applets.def"
#undef APPLET
#undef ALIAS
#undef ROLE
};

/*
 * Roles are parts of services: not applets, so that nobody starts one by hand and outside its
 * box.
 */
static const struct row roles[] = {
#define APPLET(name, entry, help)
#define ALIAS(name, entry)
#define ROLE(name, entry) {name, entry, NULL},
#include "applets.def"
#undef APPLET
#undef ALIAS
#undef ROLE
};

enum { APPLETS = sizeof applets / sizeof applets[0], ROLES = sizeof roles / sizeof roles[0] };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A few dozen names, once per process: nothing faster would be noticed. */
static const struct row *find(const struct row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static int flush(int status)
{
	/* An earlier write may have failed with nothing left to flush. */
	if ((fflush(stdout) == 0 && !ferror(stdout)) || status)
		return status;
	fprintf(stderr, "letterbox: standard output: %s\n", strerror(errno));
	return EXIT_IOERR;
}

static int list(void)
{
	for (size_t i = 0; i < APPLETS; i++)
		puts(applets[i].name);
	return flush(0);
}

/* 127 is what a shell says of a command that it does not find. */
static int unknown(const char *name)
{
	fprintf(stderr,
		"letterbox: %s: no such applet; \"letterbox --list\" prints those there are\n",
		name);
	return 127;
}

/* An alias has no text of its own: the applet with the same entry lends it. */
static int help(const char *name)
{
	const struct row *row = name ? find(applets, APPLETS, name) : NULL;

	if (name && !row)
		return unknown(name);
	if (row) {
		for (size_t i = 0; i < APPLETS && !row->help; i++)
			if (applets[i].entry == row->entry)
				row = &applets[i];
		printf("%s: %s\nSee the manual page %s.\n", name, row->help, row->name);
		return flush(0);
	}
	puts("usage: letterbox APPLET [ARG...]\n"
	     "       letterbox --list | --help [APPLET] | --version | --install [-s] DIR\n");
	for (size_t i = 0; i < APPLETS; i++)
		if (applets[i].help)
			printf("  %-11s %s\n", applets[i].name, applets[i].help);
	return flush(0);
}

/* Hard links, or with -s symbolic ones, for every applet; existing names are left alone. */
static int install(int argc, char **argv)
{
	bool symbolic = argc > 0 && strcmp(argv[0], "-s") == 0;
	const char *dir = argc > symbolic ? argv[symbolic] : NULL;
	char self[4096], target[4400];
	int status = 0;

	if (!dir || argc > symbolic + 1) {
		fprintf(stderr, "usage: letterbox --install [-s] DIR\n");
		return EXIT_USAGE;
	}
	if (!proc_self_path(self, sizeof self)) {
		fprintf(stderr,
			"letterbox: cannot find the path of this program: is /proc mounted?\n");
		return EXIT_OSERR;
	}
	for (size_t i = 0; i < APPLETS; i++) {
		int failed;

		snprintf(target, sizeof target, "%.4000s/%s", dir, applets[i].name);
		failed = symbolic ? symlink(self, target) : link(self, target);
		if (failed && errno != EEXIST) {
			fprintf(stderr, "letterbox: %s: %s\n", target, strerror(errno));
			status = EXIT_CANTCREAT;
		} else if (failed) {
			fprintf(stderr, "letterbox: %s: is there already, left alone\n", target);
		}
	}
	return status;
}

static int version(void)
{
	puts("letterbox " LETTERBOX_VERSION);
	return flush(0);
}

/* Those that print their usage by themselves. */
static bool has_usage(const char *name)
{
	return strcmp(name, "popd") == 0 || strcmp(name, "deliver") == 0 ||
	       strcmp(name, "cfgen") == 0;
}

/* "sendmail --version" and the like: to no option of a caller's does it say anything. */
static int call(const struct row *row, int argc, char **argv)
{
	if (argc == 2 && row->entry != letterbox_main) {
		if (strcmp(argv[1], "--version") == 0)
			return version();
		if (strcmp(argv[1], "--help") == 0 && !has_usage(row->name))
			return help(row->name);
	}
	return row->entry(argc, argv);
}

int letterbox_main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";
	const struct row *row;

	if (strcmp(word, "--list") == 0)
		return list();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	if (strcmp(word, "--version") == 0)
		return version();
	if (strcmp(word, "--install") == 0)
		return install(argc - 2, argv + 2);
	row = find(applets, APPLETS, base_name(word));
	if (!row)
		return unknown(word);
	return call(row, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "letterbox";
	const struct row *row;

	/*
	 * First of all: with 0 to 2 closed, a file opened later would be taken for standard
	 * error.
	 */
	proc_init();
	if (argc > 1 && strncmp(name, PROC_ROLE_PREFIX, strlen(PROC_ROLE_PREFIX)) == 0) {
		row = find(roles, ROLES, name + strlen(PROC_ROLE_PREFIX));
		if (row)
			return row->entry(argc, argv);
	}
	row = find(applets, APPLETS, base_name(name));
	if (row)
		return call(row, argc, argv);
	/* Copies kept under another name: letterbox.debug, letterbox-1.0. */
	if (strncmp(base_name(name), "letterbox", strlen("letterbox")) == 0)
		return letterbox_main(argc, argv);
	return unknown(base_name(name));
}
