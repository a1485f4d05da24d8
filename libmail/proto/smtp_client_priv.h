/*
 * smtp_client_priv: what the files of the SMTP client machine share; nobody else includes it.
 *
 * Replies are read into smtp_client.err and .code by one file, commands written by
 * another; the third moves between the states below.
 */
#ifndef LETTERBOX_PROTO_SMTP_CLIENT_PRIV_H
#define LETTERBOX_PROTO_SMTP_CLIENT_PRIV_H

#include "proto/smtp_client.h"

/* smtp_client.state: whose reply comes next, or what the caller owes us. */
enum {
	SMTP_CL_GREETING,
	SMTP_CL_EHLO,
	SMTP_CL_HELO,
	SMTP_CL_STARTTLS,
	SMTP_CL_TLS,      /* the caller's: the handshake */
	SMTP_CL_AUTH_ASK, /* the caller's: a mechanism */
	SMTP_CL_AUTH,
	SMTP_CL_CHALLENGE, /* the caller's: a response */
	SMTP_CL_GREETED,   /* READY is to be told */
	SMTP_CL_IDLE,      /* the caller's: a message or QUIT */
	SMTP_CL_RSET,
	SMTP_CL_TRANSACTION, /* MAIL, RCPT, DATA */
	SMTP_CL_BODY,        /* the caller's: the message text */
	SMTP_CL_FINAL,
	SMTP_CL_REPORT, /* recipients left get .first */
	SMTP_CL_QUIT,
	SMTP_CL_CLOSED,
};

/* Besides enum smtp_client_event: the caller need not know. */
enum { SMTP_CLIENT_NONE = 255 };

/* Octets of smtp_client_message.marks. */
enum { SMTP_MARK_NONE, SMTP_MARK_ACCEPTED, SMTP_MARK_REPORTED };

enum smtp_client_reply {
	SMTP_REPLY_PART,  /* another line belongs to it */
	SMTP_REPLY_WHOLE, /* c->code and c->err are it */
	SMTP_REPLY_BAD,   /* c->err says what is wrong with it */
};

/*
 * Takes one line of a reply.  code and err follow the first line, text is joined from all of
 * them; in state EHLO the keywords are noted.
 */
enum smtp_client_reply smtp_client_reply_line(struct smtp_client *c, struct span line);

/* "LHLO NAME", "EHLO NAME" or "HELO NAME"; forgets the keywords known so far. */
void smtp_client_command_helo(struct smtp_client *c, bool extended, struct buf *out);

/* Writes line, CRLF included, and moves to state. */
void smtp_client_say(struct smtp_client *c, const char *line, unsigned state, struct buf *out);

/* Command n of the transaction: MAIL, a RCPT for each recipient, DATA. */
void smtp_client_command(const struct smtp_client *c, size_t n, struct buf *out);

/* True when msg cannot go over this connection; *e says why, for all recipients. */
bool smtp_client_command_refuses(const struct smtp_client *c, const struct smtp_client_message *msg,
				 struct err *e);

/* Begins a transaction with MAIL. */
void smtp_client_start(struct smtp_client *c, struct buf *out);

/* A reply within a transaction; one behind the final dot.  Return an event or NONE. */
unsigned smtp_client_on_transaction(struct smtp_client *c, struct buf *out);
unsigned smtp_client_on_final(struct smtp_client *c);

/* In state REPORT: the next recipient without a result, or the end of the message. */
unsigned smtp_client_report_next(struct smtp_client *c);

/* The connection is of no more use, c->err says why; recipients left get that. */
unsigned smtp_client_finish(struct smtp_client *c);

/* The same for a reply whose code has no meaning here. */
unsigned smtp_client_unexpected(struct smtp_client *c);

#endif
