/*
 * mailq: printing the queue, for the sendmail applet's -bp; see mailq.c.
 */
#ifndef LETTERBOX_APPLETS_MAILQ_H
#define LETTERBOX_APPLETS_MAILQ_H

#include <stdbool.h>
#include <stddef.h>

#include "service/settings.h"

enum { MAILQ_FILTERS = 8 };

/* -qIsub, -qSsub, -qRsub, and with ! before the letter those that do not match. */
struct mailq_filter {
	char what; /* 'I', 'S', 'R' */
	bool negate;
	const char *text;
};

struct mailq_options {
	bool json, count, oldest, verbose;
	struct mailq_filter filter[MAILQ_FILTERS];
	size_t filters;
};

/* An exit status. */
int mailq_list(const struct settings *s, const struct mailq_options *o);

#endif
