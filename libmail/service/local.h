/*
 * local: final delivery into a mailbox, as its owner.
 *
 * Blocking code: it runs in a process of the recipient's uid (the agent role, the
 * deliver applet).  Several messages for one mailbox are stored under one lock and
 * one flush.  What is stored is "Return-Path:" (RFC 5321 4.4) and "Delivered-To:" before the
 * message as it is.
 *
 * mbox: locked as sys/lock.h says, the file checked to be the one that the path
 * still names, appended to (mboxrd), flushed, unlocked.  A message that cannot be
 * written is cut off again and fails alone; a flush that fails cuts off all of them.
 * Maildir: tmp/, flush, link to new/, flush of new/ (sys/commit.h).  Each outcome
 * is in the job; only a flushed message has none.
 */
#ifndef LETTERBOX_SERVICE_LOCAL_H
#define LETTERBOX_SERVICE_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum { LOCAL_BATCH_MAX = 64, LOCAL_TEXT_MAX = 32768, LOCAL_WORK_MAX = 131072 };

struct local_job {
	int fd;             /* of the message; read with pread, offset untouched; -1: see text */
	uint64_t at;        /* where it starts: LF lines */
	int header;         /* of another header, to stand before what starts at at; 0: none */
	uint64_t head;      /* ... its octets, with an empty line */
	struct span text;   /* without a file: the message itself, LOCAL_TEXT_MAX at most */
	struct span sender; /* return path without <>, "" for null */
	struct span rcpt;   /* for Delivered-To, "" for none */
	struct err err;     /* the outcome; ERR_NONE: delivered and flushed */
};

struct local_box {
	const char *path; /* trailing '/' or an existing directory: Maildir; made when missing */
	bool file;        /* not a mailbox: any file that an alias names, by sendmail's rules */
	uint32_t wait_ms; /* for the lock */
	/* memory to work with, two of LOCAL_WORK_MAX, kept by the caller from batch to batch */
	struct buf *work;
};

/*
 * Delivers all jobs (at most LOCAL_BATCH_MAX).  Failures: 4.2.0 locked, 4.3.0/4.3.1 as the
 * system says, 5.2.0 when the path is no mailbox of ours (other owner, a device, a link).
 */
void local_deliver(const struct local_box *box, struct local_job *jobs, size_t n);

/* The Maildir half; the path ends in '/' or is a directory's. */
void local_deliver_maildir(const struct local_box *box, struct local_job *jobs, size_t n);

#endif
