/*
 * agent_part: what the files of the agent role share; see agent.h.
 */
#ifndef LETTERBOX_SERVICE_AGENT_PART_H
#define LETTERBOX_SERVICE_AGENT_PART_H

#include "service/agent.h"
#include "service/local.h"
#include "service/mta_ipc.h"

enum {
	AGENT_SECONDS = 600,       /* that a program may take */
	AGENT_SECONDS_MAX = 86400, /* ... by W= */
	AGENT_WORDS = 100,         /* of a program's arguments */
	AGENT_OUTPUT = 4096,       /* octets kept of what a program says */
};

struct agent_program {
	bool folder;             /* path is a folder; the first argument names a program in it */
	const char *path;        /* absolute */
	const char *user, *home; /* for the environment; "" when there are none */
	struct buf *work;        /* of LOCAL_WORK_MAX */
};

/*
 * Gives the message to the program, whole, as its standard input, and fills job->err by its exit
 * status: 0 delivered; sysexits TEMP or PERM with sendmail's status and words; ended by a signal or
 * by us, or not to be started: TEMP.  A folder must be root's (or ours) and written by nobody
 * else; what is not in it is PERM 5.5.0, as smrsh has it.  One with MTA_FORM_LMTP says the outcome
 * itself.
 */
void agent_program_deliver(const struct agent_program *p, const struct mta_program *how,
			   struct local_job *job);

/* One recipient of a message for a program that speaks LMTP (RFC 2033). */
struct agent_lmtp {
	struct span sender, rcpt;
	int message;    /* read from its offset on; LF or CRLF lines */
	bool spoken;    /* it was started */
	struct err err; /* ... and the outcome, TEMP unless it answered for the recipient */
};

/* For struct run: arg is a struct agent_lmtp. */
void agent_lmtp_talk(void *arg, int fd, uint64_t deadline_ms);

#endif
