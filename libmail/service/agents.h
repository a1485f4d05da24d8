/*
 * agents: handing messages to delivery agents, from an event loop.
 *
 * One agent per key (an account; "/path" or "|mailer", see service/gate_agent.h) is asked of gate
 * when first needed, kept while it has work and
 * AGENTS_IDLE_MS longer, so that a burst of mail for a mailbox shares locks and flushes.
 * Every job is answered exactly once, from the loop.
 */
#ifndef LETTERBOX_SERVICE_AGENTS_H
#define LETTERBOX_SERVICE_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "service/mta_ipc.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	AGENTS_MAX = 32,    /* at once; more accounts wait their turn in the queue */
	AGENTS_FLIGHT = 64, /* jobs sent to one agent and not answered */
	AGENTS_IDLE_MS = 3000,
};

struct agents_job {
	int fd;           /* of the message; borrowed until done; -1: it is text */
	int header;       /* another header's file, borrowed; 0: none; then at is the body's */
	uint64_t at;      /* where the message starts in the file */
	struct span text; /* the message, borrowed until done, at most MTA_TEXT_MAX */
	const char *id;   /* queue id, borrowed */
	struct span sender, rcpt;   /* borrowed until done */
	struct mta_program program; /* for a program's agent; words borrowed until done */
	struct err err;             /* the outcome; ERR_NONE: delivered and flushed */
	void (*done)(struct agents_job *job);
	void *owner;             /* the caller's */
	struct agents_job *next; /* the module's */
	uint32_t number;
	bool sent;
};

struct agent;

struct agents {
	struct loop *loop;
	/* Sends MTA_AGENT for key with this id to gate. */
	void (*ask)(struct agents *a, uint32_t id, struct span key);
	struct agent *first;
	size_t count;
	uint32_t next_number;
	struct agents_job *lost; /* no memory even for an agent: answered from the loop */
	struct loop_timer later;
};

void agents_init(struct agents *a, struct loop *l,
		 void (*ask)(struct agents *a, uint32_t id, struct span user));

/*
 * Hands the job over until its done is called, never from within this call.  The key has at most
 * MTA_NAME_MAX octets.
 */
void agents_deliver(struct agents *a, struct span key, struct agents_job *job);

/* Gate's answer MTA_AGENT_IS to request id: a channel (taken over), or fd -1 and why not. */
void agents_answer(struct agents *a, uint32_t id, int fd, const struct err *e);

/* Jobs under way. */
size_t agents_pending(const struct agents *a);

/* Gate died: requests that wait for it fail TEMP. */
void agents_gate_lost(struct agents *a);

#endif
