/*
 * qfile: the queue file: one message with its envelope, in one file.
 *
 * Text, one record a line, so that a person with "less" can read a queue:
 *
 *	LBQ1 CREATED NEXT TRIES FLAGS STATUS...  state line, fixed width, rewritten in place
 *	F sender                                 null return path: "F -"
 *	I info                                   where it came from, for DSNs and logs
 *	O ret envid body submitter               DSN options, body type, account
 *	R STATE NOTIFY STATUS TEXT... addr orcpt [owner]
 *	                                         one per recipient, fixed head, rewritten in place
 *	.                                        end of the envelope, then the message
 *
 * Message lines end in LF only; the proto floor lets no bare CR or LF pass, so
 * nothing is lost.  Addresses and free text are written with every octet outside
 * 0x21..0x7e, and '+' and '=', as "+XX" (as RFC 3461 xtext), so no stranger's text
 * can make a record.  An empty value is "-"; one that is "-" itself is "+2D".
 * The file does not know its own name, the queue id.
 */
#ifndef LETTERBOX_FORMAT_QFILE_H
#define LETTERBOX_FORMAT_QFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum {
	QFILE_TEXT_MAX = 120, /* octets of a status text kept in the file */
	QFILE_STATE_LEN = 5 + 11 + 11 + 6 + 2 + QFILE_TEXT_MAX + 1,
	QFILE_RCPT_HEAD = 2 + 2 + 2 + 9 + QFILE_TEXT_MAX + 1,
	QFILE_FIELD_MAX = 1024,       /* octets of one address, decoded */
	QFILE_ENVELOPE_MAX = 4 << 20, /* octets before the message: 10,000 recipients */
};

/* Message flags, a hexadecimal digit in the file. */
enum qfile_flag {
	QFILE_WARNED = 1 << 0,   /* a delay warning was sent */
	QFILE_HELD = 1 << 1,     /* quarantined: not tried */
	QFILE_BOUNCE = 1 << 2,   /* we made it: its failure is for postmaster at most */
	QFILE_NO_ALIAS = 1 << 3, /* recipients are meant as they are */
};

enum qfile_rcpt_state {
	QFILE_PENDING = '-',
	QFILE_DONE = 'D',   /* delivered or handed on */
	QFILE_FAILED = 'F', /* permanently; its bounce is owed */
	QFILE_BOUNCED = 'B',
};

enum qfile_body { QFILE_BODY_UNKNOWN = '-', QFILE_BODY_7BIT = '7', QFILE_BODY_8BIT = '8' };

struct qfile_state {
	int64_t created; /* seconds since 1970 */
	int64_t next;    /* not tried before */
	uint32_t tries;
	unsigned flags;                /* enum qfile_flag */
	char text[QFILE_TEXT_MAX + 1]; /* why it is still here, "" = not tried */
};

struct qfile_head {
	struct qfile_state state;
	struct span sender;    /* "" = null return path */
	struct span info;      /* "host [192.0.2.1]", "root@localhost" */
	char ret;              /* 'F' full, 'H' headers, '-' not given */
	struct span envid;     /* ENVID as sent */
	char body;             /* enum qfile_body */
	struct span submitter; /* account that submitted, or "" */
};

struct qfile_rcpt {
	char state;      /* enum qfile_rcpt_state */
	unsigned notify; /* bits of RFC 3461 NOTIFY as proto/smtp_server.h has them */
	char status[9];  /* enhanced status of the last attempt, "" = none */
	char text[QFILE_TEXT_MAX + 1];
	struct span addr;
	struct span orcpt; /* as sent, or "" */
	struct span owner; /* whose ~/.forward names the program or file, or "" */
	size_t at;         /* reading: offset of the record in the file */
	/* Not in the file, for a report that is made at once: text in full; the host that said it.
	 */
	struct span reply, remote;
};

/* Appends the records before the recipients; one recipient; the end of the envelope. */
void qfile_put_head(struct buf *out, const struct qfile_head *h);
void qfile_put_rcpt(struct buf *out, const struct qfile_rcpt *r);
void qfile_put_end(struct buf *out);

/* The octets for offset 0 (QFILE_STATE_LEN), and for offset r->at (QFILE_RCPT_HEAD). */
void qfile_put_state(struct buf *out, const struct qfile_state *s);
void qfile_put_rcpt_head(struct buf *out, const struct qfile_rcpt *r);

/*
 * Reads an envelope from the file's first octets.  Decoded values go to text: the
 * caller's, fixed, at least as large as what is read; they live as long as it does.
 */
struct qfile_reader {
	struct span rest;
	size_t at; /* offset in the file */
	struct buf *text;
};

void qfile_reader_init(struct qfile_reader *r, struct span octets, struct buf *text);

/* Fails PERM 5.6.0 when the file is none of ours or is damaged. */
bool qfile_read_head(struct qfile_reader *r, struct qfile_head *h, struct err *e);

/*
 * The next recipient: 1; 0 at the end of the envelope, where r->at is the message's
 * start; -1 on damage, also when the octets end before the envelope does.
 */
int qfile_read_rcpt(struct qfile_reader *r, struct qfile_rcpt *rcpt, struct err *e);

#endif
