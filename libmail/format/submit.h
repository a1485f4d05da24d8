/*
 * submit: what happens to a message's text on its way into the queue.
 *
 * A filter that takes the message in any chunking, with LF or CRLF lines, and gives it
 * back with LF lines.  It counts Received: fields (a loop, RFC 5321 6.3) and octets of
 * the header.  For a message that a local program submits it also does what RFC 6409
 * section 8 lets a submission server do: adds From, Date and Message-ID when they are
 * missing, takes Bcc out, drops a leading mbox "From " line, and gives a message without
 * a header an empty line before its body.
 *
 * Holds at most the start of one line; a field's length does not matter.
 */
#ifndef LETTERBOX_FORMAT_SUBMIT_H
#define LETTERBOX_FORMAT_SUBMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	SUBMIT_FIX = 1 << 0,      /* add, strip, repair: submission, not relay */
	SUBMIT_KEEP_BCC = 1 << 1, /* with SUBMIT_FIX: Bcc stays */
	SUBMIT_MBOX = 1 << 2,     /* what an mbox's reader would believe of its own is dropped */
};

enum { SUBMIT_NAME_MAX = 24 }; /* octets of a line looked at; longer names interest nobody */

/* Complete fields to be added when missing, LF-ended, borrowed until the header is over. */
struct submit_fields {
	struct span from, date, message_id, to;
};

struct submit {
	unsigned flags;
	struct submit_fields fields;
	unsigned hops; /* Received: fields seen */
	size_t header; /* octets of header lines as they came, line ends included */
	bool has_from, has_date, has_message_id, has_to, has_bcc;
	bool in_header, first_line, skipping, mid_line;
	size_t line;                 /* octets of the line so far */
	size_t crs;                  /* CRs held back */
	char start[SUBMIT_NAME_MAX]; /* of the header line being looked at */
	size_t start_len;
	bool deciding; /* start is being filled */
};

void submit_init(struct submit *s, unsigned flags, const struct submit_fields *fields);

/* Appends the filtered text to out. */
void submit_feed(struct submit *s, struct span in, struct buf *out);

/* The message is over: appends what was held back and still has to be added, ends the last line. */
void submit_finish(struct submit *s, struct buf *out);

#endif
