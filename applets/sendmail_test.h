/*
 * sendmail_test: the address test mode of the sendmail applet (sendmail -bt).
 *
 * It reads a configuration, then lines from standard input, and answers on
 * standard output; messages about the configuration go to standard error.
 */
#ifndef LETTERBOX_APPLETS_SENDMAIL_TEST_H
#define LETTERBOX_APPLETS_SENDMAIL_TEST_H

enum { SENDMAIL_TEST_OPTIONS = 64 };

/* The release whose behaviour -bt has. */
#define SENDMAIL_TEST_VERSION "8.17.1"

struct sendmail_test_options {
	const char *cf_path;    /* -C */
	const char *debug;      /* -d, or NULL */
	const char *debug_file; /* -D: where traces go, or NULL */
	int options;            /* -O (letter ' ') and -o */
	struct {
		char letter;
		const char *text;
	} option[SENDMAIL_TEST_OPTIONS];
};

/* Returns the exit status: that of the last error, EXIT_SOFTWARE for a mistake in the file. */
int sendmail_test_mode(const struct sendmail_test_options *o);

#endif
