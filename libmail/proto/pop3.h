/*
 * pop3: the server's side of a POP3 session as a pure machine (RFC 1939, 2449, 2595, 3206, 5034).
 *
 * Octets of the client go in, events and replies come out.  The machine knows commands,
 * states, limits and the text of every reply; it holds no mailbox: in the transaction state
 * it turns commands into typed requests, which another process (popd's store) answers with
 * the functions of pop3_reply.h.  Replies must leave in the order of the commands, so while
 * requests are outstanding nothing is answered here (POP3_WAIT).
 *
 * Commands may be pipelined; a line ends in LF, CR before it or not; a line of more than
 * POP3_LINE_MAX octets is used up whole and refused.  STLS with anything behind it in the
 * same read ends the session: it would be cleartext taken for encrypted.
 *
 * A machine is some 400 octets; it allocates only while a line is incomplete.
 */
#ifndef LETTERBOX_PROTO_POP3_H
#define LETTERBOX_PROTO_POP3_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	POP3_LINE_MAX = 1024,  /* octets; RFC 2449 section 4 asks 255, base64 of a login more */
	POP3_USER_MAX = 255,   /* octets of a name, and of a password */
	POP3_BAD_MAX = 10,     /* senseless commands in a row: no client, but an attack */
	POP3_FAILED_MAX = 3,   /* refused logins in a session */
	POP3_OUTSTANDING = 64, /* requests without answer: some 256 KiB of usual messages */
	POP3_REPLY_MAX = 512,  /* octets of a one-line reply, RFC 2449 section 4 */
	POP3_OUT_MAX = 1024,   /* octets that one call may append to out */
};

/* What a mailbox is asked. */
enum pop3_op {
	POP3_OPEN = 0, /* implied by login: its answer is the reply to it */
	POP3_STAT,
	POP3_LIST, /* msg 0: all */
	POP3_UIDL, /* msg 0: all */
	POP3_RETR,
	POP3_TOP, /* lines of the body */
	POP3_DELE,
	POP3_RSET,
	POP3_QUIT, /* apply deletions */
	POP3_OPS,
};

struct pop3_request {
	enum pop3_op op;
	uint32_t msg; /* from 1 */
	uint32_t lines;
};

enum pop3_event {
	POP3_MORE,    /* the input is used up */
	POP3_REPLIED, /* a reply was put into out: go on */
	POP3_WAIT,    /* go on after pop3_answered or a login's outcome; input was not used */
	POP3_LOGIN,   /* user and password are to be checked: pop3_login_... */
	POP3_ASK,     /* request is to be sent to the mailbox */
	POP3_STLS,    /* send out, start TLS, then pop3_tls_started */
	POP3_CLOSE,   /* send out and hang up */
};

/* What a listener allows; shared by its sessions. */
struct pop3_config {
	const char *host; /* for the greeting */
	bool tls;         /* STLS can be had */
	bool plain;       /* logging in without TLS is allowed */
};

enum pop3_state {
	POP3_NEW = 1 << 0,      /* AUTHORIZATION of RFC 1939 */
	POP3_NAMED = 1 << 1,    /* the same, USER was accepted */
	POP3_SASL = 1 << 2,     /* the next line is an answer to AUTH */
	POP3_CHECKING = 1 << 3, /* a login's outcome is awaited */
	POP3_TRANSACTION = 1 << 4,
	POP3_ENDED = 1 << 5,
};

struct pop3 {
	const struct pop3_config *config;
	enum pop3_state state;
	bool is_tls;     /* this connection is encrypted */
	bool skipping;   /* in a line that is too long */
	uint8_t bad;     /* senseless commands in a row */
	uint8_t failed;  /* refused logins */
	uint8_t first;   /* of the ring below */
	uint8_t waiting; /* requests without answer */
	uint8_t ops[POP3_OUTSTANDING];
	struct buf line; /* of an incomplete line, or what AUTH said */
	char user[POP3_USER_MAX + 1];
	struct span password;        /* with POP3_LOGIN, until the next call */
	struct pop3_request request; /* with POP3_ASK */
	uint32_t retrieved, deleted; /* successes, for the log; TOP counts as neither */
};

/* Starts a session; config is borrowed for all its life. */
void pop3_init(struct pop3 *p, const struct pop3_config *config, bool is_tls);

/* Wipes and frees what the machine holds. */
void pop3_free(struct pop3 *p);

/* Appends the greeting; for a server that is full, a refusal. */
void pop3_greet(const struct pop3 *p, struct buf *out);
void pop3_refuse(struct buf *out);

/* Takes octets from the front of *in up to the next event; at most POP3_OUT_MAX octets go to out.
 */
enum pop3_event pop3_next(struct pop3 *p, struct span *in, struct buf *out);

/* Why a login was refused (RFC 3206, 2449 section 8.1). */
enum pop3_refusal {
	POP3_WRONG,     /* [AUTH]: name or password */
	POP3_TEMPORARY, /* [SYS/TEMP]: could not be checked */
	POP3_BUSY,      /* [LOGIN-DELAY]: too many at once, or too soon */
};

/* After POP3_LOGIN: the password is right, and the answer to POP3_OPEN will come. */
void pop3_login_right(struct pop3 *p);

/* After POP3_LOGIN: appends the refusal; after POP3_FAILED_MAX the session ends (POP3_CLOSE next).
 */
void pop3_login_wrong(struct pop3 *p, enum pop3_refusal why, struct buf *out);

/*
 * The oldest outstanding request was answered, +OK or -ERR.  False when there was none.  A
 * failed POP3_OPEN leads back to AUTHORIZATION.  What was asked is put into *op.
 */
bool pop3_answered(struct pop3 *p, bool ok, enum pop3_op *op);

/* The handshake is done: everything known before is forgotten (RFC 2595 section 4). */
void pop3_tls_started(struct pop3 *p);

/* Appends "-ERR ..." before the connection is closed: idle too long, or shutting down. */
void pop3_put_timeout(struct buf *out);
void pop3_put_shutdown(struct buf *out);

#endif
