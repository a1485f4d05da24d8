/*
 * bounce: delivery status notifications put into the queue (RFC 3464).
 *
 * A failure report goes to the sender of the message, never in answer to a null
 * sender: then the postmaster of this host gets it (a double bounce), and when that
 * fails too it is dropped with a log line (RFC 5321 4.5.5, 6.1).  Only the message's
 * header is sent back, unless RET=FULL was asked for and it is small enough (RFC 3461 4.3).
 */
#ifndef LETTERBOX_SERVICE_BOUNCE_H
#define LETTERBOX_SERVICE_BOUNCE_H

#include <stdbool.h>

#include "service/queue.h"
#include "service/settings.h"

enum bounce_kind { BOUNCE_FAILED, BOUNCE_DELAYED };

enum {
	BOUNCE_HEADER_MAX = 65536,  /* octets of the message's header that are sent back */
	BOUNCE_WHOLE_MAX = 1 << 20, /* a message that is sent back with its text */
};

/*
 * Writes a report about the recipients of item that are in state QFILE_FAILED (or, for DELAYED,
 * pending) and whose NOTIFY asks for it.  True with w->fd -1: nobody wants one.  Else w is
 * written and must be committed.
 */
bool bounce_write(const struct queue *q, const struct settings *s, const struct queue_item *item,
		  enum bounce_kind kind, struct queue_writer *w, struct err *e);

#endif
