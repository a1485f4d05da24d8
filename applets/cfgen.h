/*
 * cfgen: what the files of this applet share.
 *
 * All of them return sysexits statuses and say on standard error what was wrong.
 */
#ifndef LETTERBOX_APPLETS_CFGEN_H
#define LETTERBOX_APPLETS_CFGEN_H

#include "base/buf.h"

/* Appends a file, "-" being standard input. */
int cfgen_read_input(const char *path, struct buf *out);

/* Writes to path at once, or with NULL to standard output. */
int cfgen_write_out(const struct buf *out, const char *path);

/*
 * Prints the definition file that is equivalent to another mailer's configuration.
 * what: a kind, or a path that ends in one; path: its file, NULL: the usual one.
 */
int cfgen_import(const char *what, const char *path, const char *output);

/* Asks on the terminal and writes a definition file. */
int cfgen_interview(const char *output);

/* Reads a sendmail.cf as sendmail does and prints what is wrong; 65 when something is. */
int cfgen_check(const char *path);

#endif
