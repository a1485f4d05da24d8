/*
 * cfgen: from the variables of a definition file to the text of a sendmail.cf.
 *
 * struct cfgen holds every variable's value and where it came from: a default,
 * an assignment of a .def (cfgen_parse), or a caller's (cfgen_set).  cfgen_write
 * makes a configuration from them, in rules of our own; the result loads in
 * sendmail 8.17 too.  Pure: text in, text out; memory in the struct's arena; files
 * named by a value are read through the host.  A daemon makes its built-in
 * policy so, with full = false: then only what routing needs comes out.
 *
 * Variables and their meaning are listed by cfgen_standard and in cfgen(8).
 */
#ifndef LETTERBOX_CF_CFGEN_H
#define LETTERBOX_CF_CFGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

enum {
	CFGEN_VARIABLES = 128,     /* at most; more than the table has */
	CFGEN_VALUE_MAX = 8192,    /* octets of one value */
	CFGEN_DEF_MAX = 1 << 20,   /* octets of a .def */
	CFGEN_OUT_MAX = 4 << 20,   /* octets of a configuration */
	CFGEN_MEMORY_MAX = 4 << 20 /* of the arena */
};

/* What is to be said about the input; texts are printable and live during the call. */
struct cfgen_message {
	bool error;            /* else a warning, and the result is good */
	const char *file;      /* NULL: no file, as with a variable of the environment */
	uint32_t line, column; /* from 1, column in octets; 0: not known */
	const char *text;
	const char *hint; /* what to do, or "" */
};

struct cfgen_host {
	void *ctx;
	void (*report)(void *ctx, const struct cfgen_message *m);
	/* Appends a file's octets to out; false: cannot be read.  NULL: there are no files. */
	bool (*read_file)(void *ctx, struct span path, struct buf *out);
};

struct cfgen_value {
	struct span text;   /* ptr NULL: not set, the default counts */
	const char *source; /* file, or name of an environment variable; borrowed */
	uint32_t line;      /* in the file, 0: none */
};

/* What X_RELAY and O_Name variables said, a line of --explain each. */
struct cfgen_extra {
	struct cfgen_extra *next;
	struct span name;
	struct cfgen_value value;
};

struct cfgen {
	struct arena mem;
	const struct cfgen_host *host;
	struct cfgen_value value[CFGEN_VARIABLES];
	struct cfgen_extra *extra; /* the newest first */
	struct span field[6];      /* of the list item at hand while writing */
	unsigned errors;           /* errors reported so far */
	bool full;                 /* options, headers, comments: a file, not a policy in memory */
};

/* An empty set of values; host is borrowed.  cfgen_free gives the memory back. */
void cfgen_init(struct cfgen *g, const struct cfgen_host *host);
void cfgen_free(struct cfgen *g);

/*
 * Sets a variable, replacing what was set before; value is copied, source borrowed.
 * False after an error report (no such value).  An unknown name is a warning
 * with the nearest known one.
 */
bool cfgen_set(struct cfgen *g, struct span name, struct span value, const char *source,
	       uint32_t line);

/* The value in force; empty when there is none.  Unknown names are a bug. */
struct span cfgen_get(const struct cfgen *g, const char *name);

/* Reads a .def; file is its name for messages, borrowed.  False after an error report. */
bool cfgen_parse(struct cfgen *g, struct span text, const char *file);

/* Appends the configuration.  False after an error report, or when out overflowed. */
bool cfgen_write(struct cfgen *g, struct buf *out);

/* Appends each variable's name, value and source, a line each (cfgen --explain). */
void cfgen_explain(const struct cfgen *g, struct buf *out);

/* Appends NAME=value as a .def has it, quoted where that is needed. */
void cfgen_assign(struct span name, struct span value, struct buf *out);

/*
 * Appends a definition file of that name ("sendmail-v8.def") with every variable, its
 * meaning and its default.  False: no such name; out then has the names that there are.
 */
bool cfgen_standard(struct span name, struct buf *out);

#endif
