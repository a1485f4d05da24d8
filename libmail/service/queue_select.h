/*
 * queue_select: which messages a queue run or a listing is for, as sendmail's -q options
 * say: [!]I text of the id, R of a recipient, S of the sender, Q of the quarantine reason.
 *
 * Rules of one kind are alternatives, the kinds narrow each other, "!" turns a rule around.
 * Texts are parts and no patterns; but for the id, case does not matter.  Quarantined messages
 * are chosen only when a Q rule is there, and then no others are.
 */
#ifndef LETTERBOX_SERVICE_QUEUE_SELECT_H
#define LETTERBOX_SERVICE_QUEUE_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "service/queue.h"

enum { QUEUE_SELECT_MAX = 16 };

struct queue_select {
	const char *rule[QUEUE_SELECT_MAX]; /* "!Itext", borrowed */
	size_t count;
	bool any;  /* quarantined or not: both are shown */
	bool none; /* -qL: what sendmail has lost, which cannot be here */
};

/* Takes one rule as it stands behind -q.  False: it is none, or there are too many. */
bool queue_select_add(struct queue_select *s, const char *rule);

/* True when only quarantined messages are chosen. */
bool queue_select_held(const struct queue_select *s);

bool queue_select_match(const struct queue_select *s, const struct queue_item *item);

#endif
