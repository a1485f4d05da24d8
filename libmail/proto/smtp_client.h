/*
 * smtp_client: the client's side of SMTP and LMTP, as a pure machine.
 *
 * Octets from the server go in, commands come out (RFC 5321, 2033, 1870, 2920,
 * 3207, 3461, 4954, 6152, 6531).  It serves a submitter on a Unix socket and a
 * relay alike: several messages on one connection, recipients pipelined when the
 * server offers it.  It holds no recipient and no message; it asks for recipient
 * n and says when the body may go.  Whatever happens, each recipient is reported
 * exactly once (SMTP_CLIENT_RCPT), and then the message (SMTP_CLIENT_DONE).
 *
 * The loop: feed input until SMTP_CLIENT_MORE, write `out`, wait for input no
 * longer than smtp_client_timeout says.  Unconsumed input must come again, with
 * more behind it.  The server is hostile: its text is bounded and made printable.
 */
#ifndef LETTERBOX_PROTO_SMTP_CLIENT_H
#define LETTERBOX_PROTO_SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/line.h"

/* Keywords of the EHLO reply; bits of smtp_client.keywords. */
enum {
	SMTP_KW_8BITMIME = 1 << 0,
	SMTP_KW_AUTH = 1 << 1, /* .auth holds the mechanisms */
	SMTP_KW_DSN = 1 << 2,
	SMTP_KW_PIPELINING = 1 << 3,
	SMTP_KW_SIZE = 1 << 4, /* .size_max holds the limit, 0 = none */
	SMTP_KW_SMTPUTF8 = 1 << 5,
	SMTP_KW_STARTTLS = 1 << 6,
	SMTP_KW_STATUS = 1 << 7, /* ENHANCEDSTATUSCODES */
	SMTP_KW_VERB = 1 << 8,
	SMTP_KW_DELIVERBY = 1 << 9,
};

enum {
	SMTP_CLIENT_LINE_MAX = 2048,     /* of a reply; RFC 5321 4.5.3.1.5 says 512 */
	SMTP_CLIENT_LINES_MAX = 100,     /* of one reply, against endless ones */
	SMTP_CLIENT_AUTH_LIST_MAX = 200, /* octets of the mechanisms kept */
	SMTP_CLIENT_WINDOW = 50,         /* commands under way when pipelining */
};

/* When STARTTLS is done. */
enum smtp_client_tls {
	SMTP_TLS_NEVER,
	SMTP_TLS_MAY,  /* if offered; a refusal of STARTTLS goes on in plaintext */
	SMTP_TLS_MUST, /* else the session ends with a TEMP error 4.7.0 */
	SMTP_TLS_ON,   /* runs already (implicit TLS) */
};

struct smtp_client_config {
	struct span name; /* ours, for EHLO */
	bool lmtp;        /* LHLO; one reply per recipient */
	enum smtp_client_tls tls;
	bool auth; /* stop for SMTP_CLIENT_AUTH after EHLO if AUTH is offered */
};

/* What the caller tells of one recipient; spans live until the next call. */
struct smtp_client_rcpt {
	struct span addr;   /* without <> */
	struct span notify; /* "NEVER", "SUCCESS,FAILURE", ...; empty = none */
	struct span orcpt;  /* "rfc822;xtext"; empty = none */
};

/* A message to send.  Borrowed from smtp_client_send until SMTP_CLIENT_DONE. */
struct smtp_client_message {
	struct span from;     /* without <>; empty = the null reverse-path */
	uint64_t size;        /* octets with CRLF, 0 = unknown; sent as SIZE= if offered */
	bool eightbit;        /* BODY=8BITMIME if offered */
	bool eightbit_strict; /* not offered: fail with 5.6.3 instead of sending as it is */
	uint32_t line_limit;  /* octets of a line of the text, as struct line_encoder has it */
	bool utf8;            /* needs SMTPUTF8, else 5.6.7 */
	struct span ret;      /* "FULL", "HDRS" or empty */
	struct span envid;    /* xtext, or empty */
	struct span auth;     /* xtext for AUTH=, or empty */
	size_t rcpts;         /* how many */
	uint8_t *marks;       /* rcpts octets of the caller's, the machine's notes */
	/* Fills *r with recipient n, n < rcpts. */
	void (*rcpt)(void *arg, size_t n, struct smtp_client_rcpt *r);
	void *arg;
};

enum smtp_client_event {
	SMTP_CLIENT_MORE,     /* send out, read more */
	SMTP_CLIENT_STARTTLS, /* the server is ready: handshake, smtp_client_tls_started */
	/* choose from .auth: smtp_client_auth or smtp_client_auth_skip, or quit.  Comes again,
	   with the refusal in .err, when a mechanism failed; until answered it repeats */
	SMTP_CLIENT_AUTH,
	SMTP_CLIENT_CHALLENGE, /* .text (in the input) is base64: smtp_client_auth_line */
	SMTP_CLIENT_READY,     /* greeted: smtp_client_send or smtp_client_quit */
	/* 354: give the body with smtp_client_body and smtp_client_body_end.  If another event
	   than MORE comes before its end, stop giving it */
	SMTP_CLIENT_BODY,
	SMTP_CLIENT_RCPT,   /* recipient .index has its final result in .err and .code */
	SMTP_CLIENT_DONE,   /* all are reported; feed on if closing, else send or quit */
	SMTP_CLIENT_CLOSED, /* close the connection; .err says why, ERR_NONE after QUIT; repeats */
};

/* What is waited for, as sendmail's Timeout.* options name it. */
enum smtp_client_phase {
	SMTP_PHASE_INITIAL,
	SMTP_PHASE_HELO,
	SMTP_PHASE_STARTTLS,
	SMTP_PHASE_AUTH,
	SMTP_PHASE_MAIL,
	SMTP_PHASE_RCPT,
	SMTP_PHASE_DATAINIT,
	SMTP_PHASE_DATABLOCK,
	SMTP_PHASE_DATAFINAL,
	SMTP_PHASE_RSET,
	SMTP_PHASE_QUIT,
	SMTP_PHASES,
};

/* A connection.  The fields above the line are for reading; the rest is private. */
struct smtp_client {
	struct err err;   /* RCPT, CLOSED, AUTH: ERR_NONE = success; .text is the server's */
	int code;         /* the last reply's three digits, 0 = none */
	size_t index;     /* RCPT */
	struct span text; /* CHALLENGE */
	uint32_t keywords;
	uint64_t size_max;
	bool esmtp; /* EHLO or LHLO was taken */
	bool tls;
	bool authenticated;
	bool closing;                         /* the connection takes no further message */
	char auth[SMTP_CLIENT_AUTH_LIST_MAX]; /* mechanisms, blank-separated, NUL-ended */
	/* ---- */
	const struct smtp_client_config *cfg;
	const struct smtp_client_message *msg; /* NULL between messages */
	struct line line;
	struct line_encoder body;
	struct err first; /* what recipients without a result of their own get */
	int first_code;   /* MAIL's */
	size_t sent;      /* commands of the transaction written: MAIL, RCPTs, DATA */
	size_t got;       /* ... and answered */
	size_t accepted;
	size_t next;    /* the first recipient not looked at when reporting */
	unsigned lines; /* of the reply being read */
	uint8_t state;
	bool dirty; /* the server has a transaction that needs RSET */
	bool mail_ok;
	bool default_status; /* the reply had no enhanced status */
};

/* A new connection, before any input.  cfg is borrowed. */
void smtp_client_init(struct smtp_client *c, const struct smtp_client_config *cfg);

/* Consumes input up to the next event; commands go to out. */
enum smtp_client_event smtp_client_feed(struct smtp_client *c, struct span in, size_t *used,
					struct buf *out);

/* What is waited for now, and the least that RFC 5321 4.5.3.2 allows, in seconds. */
enum smtp_client_phase smtp_client_phase(const struct smtp_client *c);
unsigned smtp_client_timeout(enum smtp_client_phase phase);

/*
 * Starts a message, after READY or DONE.  Go on with feed (with no input if there
 * is none): it writes MAIL and what may be pipelined behind it.
 */
void smtp_client_send(struct smtp_client *c, const struct smtp_client_message *msg,
		      struct buf *out);

/* After SMTP_CLIENT_BODY: message octets with LF or CRLF lines, any chunking. */
void smtp_client_body(struct smtp_client *c, struct span text, struct buf *out);

/* The message is complete: writes the final dot. */
void smtp_client_body_end(struct smtp_client *c, struct buf *out);

/*
 * The message cannot be completed (its file is unreadable): the connection must
 * not see a final dot.  Feed on: recipients are reported with e, then DONE, CLOSED.
 */
void smtp_client_body_abort(struct smtp_client *c, const struct err *e);

/* TLS runs: what was learnt before is forgotten, EHLO is said again. */
void smtp_client_tls_started(struct smtp_client *c, struct buf *out);

/*
 * AUTH mech, with an initial response in base64 ("=" for an empty one) or none
 * (initial.len 0).  Then CHALLENGE..., then READY, or AUTH again when refused.
 */
void smtp_client_auth(struct smtp_client *c, struct span mech, struct span initial,
		      struct buf *out);

/* The answer to a challenge, in base64, or "*" to cancel. */
void smtp_client_auth_line(struct smtp_client *c, struct span text, struct buf *out);

/* Goes on without AUTH: READY follows. */
void smtp_client_auth_skip(struct smtp_client *c);

/* Says QUIT; CLOSED follows. */
void smtp_client_quit(struct smtp_client *c, struct buf *out);

/*
 * The connection is gone (end of file, reset, timeout; e says which): feed on
 * without input to have the recipients left reported, then DONE, CLOSED.
 */
void smtp_client_lost(struct smtp_client *c, const struct err *e);

#endif
