/*
 * gate: the process that "sendmail -bd" becomes: it owns what the others may not have.
 *
 * Binds the listening sockets, holds the TLS key, knows the users, starts and restarts
 * the roles, and starts a delivery agent for an account when a role asks.  It reads no
 * network and no message octet.  The same process serves one session on standard input
 * (-bs) and one queue run (-q) without listeners.
 */
#ifndef LETTERBOX_SERVICE_GATE_H
#define LETTERBOX_SERVICE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "service/queue_select.h"
#include "service/settings.h"

struct gate_plan {
	bool listen;         /* -bd, -bD: the settings' listeners and the submission socket */
	int session;         /* -bs: a connected stream socket, taken over; -1 else */
	bool run_once;       /* -q: one run of the queue, then end */
	uint64_t interval_s; /* -q30m: a forced run every so often, 0 = none */
	const struct queue_select *select; /* messages that -q is for; NULL: all */
	const char *only;                  /* the one message that the run is for, or NULL */
	bool daemon;                       /* stays until it is told to end */
	bool foreground;                   /* -bD: stay; else the caller has daemonized already */
	int config;                        /* a file of the configuration's text, taken over */
	const char *name;                  /* where that is from */
	/*
	 * On SIGHUP: the settings anew, without what the configuration says; false and e: they are
	 * wrong now.  NULL: nothing is read again.
	 */
	bool (*again)(void *arg, struct settings *s, struct err *e);
	void *arg;
};

/*
 * Runs until SIGTERM, or until the session or run is over.  Returns an exit status of sysexits.
 * ready_fd (-1: none) gets one octet when the daemon answers, and is closed.
 */
int gate_run(struct settings *s, const struct gate_plan *plan, int ready_fd);

/* Makes the queue's directories, owned by the mail account when root. */
bool gate_make_queue(const struct settings *s, struct err *e);

#endif
