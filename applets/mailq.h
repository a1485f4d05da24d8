/*
 * mailq: printing the queue, for the sendmail applet's -bp; see mailq.c.
 */
#ifndef LETTERBOX_APPLETS_MAILQ_H
#define LETTERBOX_APPLETS_MAILQ_H

#include <stdbool.h>

#include "service/queue_select.h"
#include "service/settings.h"

struct mailq_options {
	bool json, count, oldest, verbose;
	struct queue_select select;
};

/* An exit status. */
int mailq_list(const struct settings *s, const struct mailq_options *o);

#endif
