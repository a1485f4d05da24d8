/*
 * pop3_reply: what is said between popd's network process and a mailbox's process.
 *
 * Requests are frames of POP3_FRAME octets: op, message, lines, each 32 bits, little-endian.
 * Answers are the very octets for the client, in frames of a 32-bit head (kind in the top
 * octet, length below) and that many octets.  The first answer is to POP3_OPEN, unasked.
 * Both sides take what comes as hostile: a frame of unknown kind or length ends the session.
 *
 * Here, too, are the texts of all replies about mailboxes (RFC 1939 section 5, RFC 2449).
 */
#ifndef LETTERBOX_PROTO_POP3_REPLY_H
#define LETTERBOX_PROTO_POP3_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/pop3.h"

enum {
	POP3_FRAME = 12,          /* octets of a request */
	POP3_HEAD = 4,            /* octets before an answer's text */
	POP3_TEXT_MAX = 64 << 10, /* octets of text in one frame */
};

void pop3_put_request(struct buf *out, const struct pop3_request *r);

/* Reads one request; false when its op or the use of its numbers is not known. */
bool pop3_get_request(const char frame[POP3_FRAME], struct pop3_request *r);

enum pop3_kind {
	POP3_PART = 1, /* more of this answer follows */
	POP3_OK,       /* the end of an answer that begins +OK */
	POP3_ERR,      /* the end of one that begins -ERR */
};

/* Writes the head of a frame of len octets of text. */
void pop3_put_head(unsigned char head[POP3_HEAD], enum pop3_kind kind, size_t len);

/* Reads answers in any chunking. */
struct pop3_answers {
	unsigned char head[POP3_HEAD];
	uint8_t held;  /* octets of the head seen */
	uint8_t kind;  /* of the frame being read */
	uint32_t left; /* octets of its text to come */
};

enum pop3_answer {
	POP3_A_MORE, /* the input is used up */
	POP3_A_TEXT, /* *text is to be sent to the client */
	POP3_A_OK,   /* an answer ended, +OK */
	POP3_A_ERR,  /* an answer ended, -ERR */
	POP3_A_BAD,  /* no frame: the sender must be ended */
};

/* Takes octets from the front of *in up to the next event. *text points into the input. */
enum pop3_answer pop3_get_answer(struct pop3_answers *a, struct span *in, struct span *text);

/* ---- the replies of a mailbox; each appends one line or what is told ---- */

void pop3_reply_open(struct buf *out, uint64_t count);
void pop3_reply_stat(struct buf *out, uint64_t count, uint64_t octets);

/* "+OK n octets", the only line; or the first of all, of which the items and the dot follow. */
void pop3_reply_list(struct buf *out, uint64_t msg, uint64_t octets);
void pop3_reply_uidl(struct buf *out, uint64_t msg, const char *uid);
void pop3_reply_all(struct buf *out, uint64_t count);

/* Lines of a listing: as above without +OK. */
void pop3_put_list(struct buf *out, uint64_t msg, uint64_t octets);
void pop3_put_uidl(struct buf *out, uint64_t msg, const char *uid);

/* Before a message, whose octets and the dot follow. */
void pop3_reply_retr(struct buf *out, uint64_t octets);
void pop3_reply_top(struct buf *out);

/* The end of a multi-line reply. */
void pop3_put_dot(struct buf *out);

void pop3_reply_dele(struct buf *out, uint64_t msg);
void pop3_reply_rset(struct buf *out, uint64_t count);

/* deleted: messages that were removed; left: those that stay. */
void pop3_reply_quit(struct buf *out, uint64_t deleted, uint64_t left);

/* Refusals: no such message (or marked deleted), and failures with the code that fits. */
void pop3_reply_missing(struct buf *out, uint64_t msg, bool deleted);
void pop3_reply_error(struct buf *out, const struct err *e, bool in_use);

#endif
