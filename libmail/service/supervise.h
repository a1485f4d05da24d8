/*
 * supervise: a gate's keeping of its roles.
 *
 * Starts each role, opens its control channel in the gate's loop, hands it what
 * it needs again after every (re)start, says in the log how one died, and starts it
 * anew: at once when it lived long, after 1, 2, 4 ... 30 s when it died young.  A role
 * whose channel broke (it sent something malformed, or let too much pile up) is killed
 * and counts as dead.  The structs are the gate's and must stay where they are.
 *
 * Stopping: every role gets SIGTERM, its channel stays open while it finishes what is in
 * flight; what is left when the grace is over is killed.  The gate must have SIGCHLD and
 * SIGTERM among its loop_signals.
 */
#ifndef LETTERBOX_SERVICE_SUPERVISE_H
#define LETTERBOX_SERVICE_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	SUPERVISE_YOUNG_MS = 30000,    /* a role that ended earlier died young */
	SUPERVISE_BACKOFF_MS = 1000,   /* the first wait; doubles */
	SUPERVISE_BACKOFF_MAX = 30000, /* its end: mail is taken again within this time */
	SUPERVISE_GRACE_MS = 10000,    /* container runtimes kill 10 s after SIGTERM */
};

struct supervise;

struct supervise_role {
	/* Set by the gate before supervise_add. */
	const char *name;
	/* The role runs and channel is open: send it settings, listeners, its ends of pairs to
	 * peers. */
	void (*setup)(struct supervise_role *r);
	/* As on_message of struct ipc; false has the role killed. */
	bool (*on_message)(struct supervise_role *r, struct wire_in *in, int fds[IPC_FDS_MAX]);
	/* May be NULL.  The role is gone: answer or drop what it was asked.  Not called before
	 * setup. */
	void (*on_down)(struct supervise_role *r);

	struct ipc channel; /* for ipc_send; does nothing while the role is down */
	pid_t pid;          /* 0 while it is down */

	/* The supervisor's. */
	struct supervise *supervise;
	struct supervise_role *next;
	struct loop_timer retry;
	uint64_t started_ms;
	uint32_t wait_ms; /* the last back-off */
};

struct supervise {
	struct loop *loop;
	struct supervise_role *first, **last;
	/* May be NULL.  A child ended that is no role: one of the gate's, or an orphan given to
	 * PID 1. */
	void (*on_child)(struct supervise *s, pid_t pid, int status);
	/* After supervise_stop: the last role is gone. */
	void (*on_stopped)(struct supervise *s);
	bool stopping;
	struct loop_timer grace;
};

void supervise_init(struct supervise *s, struct loop *l,
		    void (*on_child)(struct supervise *s, pid_t pid, int status),
		    void (*on_stopped)(struct supervise *s));

/* Adds a role that supervise_start will start; roles start in this order. */
void supervise_add(struct supervise *s, struct supervise_role *r);

/* Starts all roles; when one cannot be started at all, kills the others and fails. */
bool supervise_start(struct supervise *s, struct err *e);

/* On SIGCHLD: reaps every ended child. */
void supervise_reap(struct supervise *s);

/*
 * Asks all roles to finish and calls on_stopped from the loop when they are gone, after at most
 * about grace_ms.  A second call kills what is left at once.
 */
void supervise_stop(struct supervise *s, uint32_t grace_ms);

/* Sends signo to every running role (SIGHUP, SIGUSR1). */
void supervise_signal(struct supervise *s, int signo);

/* "exit status 3", "signal 11 (Segmentation fault)" for log lines: out has cap octets. */
void supervise_describe(int status, char *out, size_t cap);

#endif
