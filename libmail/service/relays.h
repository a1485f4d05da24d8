/*
 * relays: handing messages to the relay role, from an event loop.
 *
 * The role is asked of gate when first needed, kept while it has work and RELAYS_IDLE_MS
 * longer.  What is given within one turn of the loop for the same message and target goes
 * as one job, and so over one connection in one transaction.  Every recipient is answered exactly
 * once, from the loop; when the role dies, TEMP: twice is better than never.
 */
#ifndef LETTERBOX_SERVICE_RELAYS_H
#define LETTERBOX_SERVICE_RELAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "service/mta_ipc.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	RELAYS_FLIGHT = 2000, /* recipients sent to the role and not answered; more wait here */
	RELAYS_REMOTE_MAX = 160,
	RELAYS_IDLE_MS = 30000,
};

/* A message; borrowed until its last recipient is answered. */
struct relays_message {
	struct arena *arena; /* for what we note of it */
	int fd;
	/*
	 * Another header's file, its text ended by an empty line, or -1.  Then at is where the
	 * body starts.
	 */
	int header;
	uint64_t at, size;
	const char *id;
	struct span sender, envid;
	uint32_t line_limit; /* this, too: as struct mta_send has them */
	uint32_t most;       /* recipients of a transaction, 0 = as many as there may be */
	char ret, body;
	bool first;
};

/* One recipient on its way; linked, never copied. */
struct relays_rcpt {
	struct span addr, orcpt; /* borrowed until done */
	unsigned notify;
	/* The outcome: ERR_NONE is success; the text is the server's where code is not 0. */
	struct err err;
	unsigned code;
	char remote[RELAYS_REMOTE_MAX]; /* "mx.example [192.0.2.1]", "" = nobody was reached */
	void (*done)(struct relays_rcpt *r);
	void *owner;              /* the caller's */
	struct relays_rcpt *next; /* the module's */
	bool answered;
};

struct relays_job;

struct relays {
	struct loop *loop;
	/* Sends MTA_RELAY to gate. */
	void (*ask)(struct relays *r);
	struct ipc channel;
	struct loop_timer timer; /* the end of a turn, and of the idle time */
	struct relays_job *jobs, **last;
	struct relays_rcpt *failed; /* to be told from the loop */
	size_t flight;
	uint32_t next_number;
	bool asked, stopping;
};

void relays_init(struct relays *r, struct loop *l, void (*ask)(struct relays *r));

/* Takes rcpt until its done is called, never from within this call.  The target is copied. */
void relays_deliver(struct relays *r, const struct relays_message *m, const struct mta_target *t,
		    struct relays_rcpt *rcpt);

/* Gate's answer MTA_RELAY_IS: a channel (taken over), or fd -1 and why not. */
void relays_answer(struct relays *r, int fd, const struct err *e);

/* Gate died, or what waits must end for another reason: all fails with e. */
void relays_fail(struct relays *r, const struct err *e);

/* The program ends: what is half done is finished within seconds, the rest fails TEMP. */
void relays_stop(struct relays *r);

#endif
