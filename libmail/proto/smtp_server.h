/*
 * smtp_server: one SMTP or LMTP session's server side, as a pure machine.
 *
 * Octets from the client go in, replies and events come out (RFC 5321, 2033,
 * 1870, 2034, 2920, 3207, 3461, 4954, 6152; reply texts are sendmail's).  The
 * machine decides syntax and sequence; the program behind it decides addresses,
 * policy and storage.  It holds no list of recipients and allocates nothing.
 *
 * The loop: feed input until SMTP_EV_MORE, write `out` to the client.  An event
 * marked "answer" pauses the machine (feed gives SMTP_EV_WAIT and consumes
 * nothing) until accept, reply or reject was called exactly once.  Spans marked
 * "input" lie in the input that was fed and die when it moves; all others live
 * until the next event.  Unconsumed input must come again, with more behind it, in the next feed;
 * the program's buffer must hold config.line_max octets, LINE_AUTH_MAX if AUTH is offered.
 */
#ifndef LETTERBOX_PROTO_SMTP_SERVER_H
#define LETTERBOX_PROTO_SMTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/line.h"

/* config.flags: what is offered, and how strict we are. */
enum {
	SMTP_OFFER_PIPELINING = 1 << 0,
	SMTP_OFFER_EXPN = 1 << 1, /* else EXPN is answered 502 5.7.0 */
	SMTP_OFFER_VERB = 1 << 2,
	SMTP_OFFER_8BITMIME = 1 << 3,
	SMTP_OFFER_SIZE = 1 << 4,
	SMTP_OFFER_DSN = 1 << 5,
	SMTP_OFFER_ETRN = 1 << 6,
	SMTP_OFFER_DELIVERBY = 1 << 7,
	SMTP_OFFER_HELP = 1 << 8,
	SMTP_OFFER_STARTTLS = 1 << 9, /* shown until TLS runs */
	SMTP_OFFER_SMTPUTF8 = 1 << 10,
	SMTP_OFFER_VRFY = 1 << 11,     /* no keyword; without it VRFY is answered 252 2.5.2 */
	SMTP_LMTP = 1 << 12,           /* LHLO, and one reply per recipient after the dot */
	SMTP_NEED_HELO = 1 << 13,      /* PrivacyOptions needmailhelo */
	SMTP_NEED_VRFY_HELO = 1 << 14, /* needvrfyhelo */
	SMTP_NEED_EXPN_HELO = 1 << 15, /* needexpnhelo */
	SMTP_NEED_AUTH = 1 << 16,      /* MAIL before AUTH: 530 5.7.0 */
	SMTP_NEED_TLS = 1 << 17,    /* all but EHLO, STARTTLS, NOOP, RSET, QUIT before TLS: 530 */
	SMTP_EARLY_OK = 1 << 18,    /* srv_features F: input before our EHLO/DATA reply is taken */
	SMTP_LENIENT = 1 << 19,     /* LF ends a command: -bs on a terminal or pipe */
	SMTP_NUL_REFUSED = 1 << 20, /* RejectNUL: a body with NUL gets 550 5.6.0 */
	SMTP_ASK_OTHER = 1 << 21,   /* NOOP, VERB and unknown commands are the program's, too */
	/* what sendmail offers on its standard input, TLS and AUTH apart */
	SMTP_OFFER_USUAL = SMTP_OFFER_PIPELINING | SMTP_OFFER_EXPN | SMTP_OFFER_VERB |
			   SMTP_OFFER_8BITMIME | SMTP_OFFER_SIZE | SMTP_OFFER_DSN |
			   SMTP_OFFER_ETRN | SMTP_OFFER_HELP | SMTP_OFFER_VRFY,
};

enum {
	SMTP_BAD_COMMANDS_MAX = 25, /* sendmail's MAXBADCOMMANDS */
	SMTP_HELO_MAX = 255,        /* RFC 5321 4.5.3.1.2 */
	SMTP_PATH_MAX = 256,        /* RFC 5321 4.5.3.1.3 */
	SMTP_REPLY_MAX = 512,       /* RFC 5321 4.5.3.1.5, with CRLF */
	SMTP_ENVID_MAX = 100,       /* RFC 3461 4.4 */
	SMTP_ORCPT_MAX = 500,       /* RFC 3461 4.2 */
};

/* Borrowed for the session's life; shared by all sessions of a listener. */
struct smtp_server_config {
	struct span name;      /* our host name ($j), in greeting, HELO and 421 */
	struct span product;   /* greeting text between name and ";", e.g. "ESMTP letterbox 1.0" */
	struct span version;   /* for HELP, e.g. "letterbox 1.0" */
	struct span auth;      /* mechanisms offered without TLS, "" = AUTH is off */
	struct span auth_tls;  /* mechanisms offered once TLS runs */
	uint64_t size_max;     /* MaxMessageSize, 0 = none */
	uint32_t flags;        /* SMTP_OFFER_* and the others above */
	unsigned bad_max;      /* 0 = SMTP_BAD_COMMANDS_MAX */
	unsigned bad_rcpts;    /* recipients refused for good in a session; 0 = no limit */
	size_t line_max;       /* command line, 0 = LINE_SENDMAIL_MAX; AUTH lines: LINE_AUTH_MAX */
	enum line_policy bare; /* bare CR or LF in message text */
};

enum smtp_server_event {
	SMTP_EV_MORE, /* all is consumed but perhaps the start of a line: read more */
	SMTP_EV_WAIT, /* an answer is due; nothing was consumed */
	SMTP_EV_HELO, /* answer; smtp_server_helo(), .esmtp; no transaction is open */
	SMTP_EV_MAIL, /* answer; .path, .addr, .mail */
	SMTP_EV_RCPT, /* answer; .path, .addr, .rcpt */
	SMTP_EV_DATA, /* answer; accept writes 354, and octets of the body follow */
	SMTP_EV_BODY, /* .text (input): decoded message octets, CRLF lines; several per message */
	SMTP_EV_EOM,  /* answer, see smtp_server_accept_eom; .body.octets, .body.flags */
	/* instead of EOM: the machine refused the message (bare CR or LF, size, NUL) and has
	   replied; the transaction is over, drop what was stored; .text says why */
	SMTP_EV_REFUSED,
	SMTP_EV_VRFY, /* answer; .text is the argument */
	SMTP_EV_EXPN, /* answer; .text */
	SMTP_EV_ETRN, /* answer; .text is a node, "@domain" or "#queue group" */
	SMTP_EV_VERB, /* verbose mode was asked for and granted; the reply is written */
	/* answer, or smtp_server_challenge; .mech and, if .has_text, .text (both input): the
	   initial response in base64, "=" for an empty one.  Reply 501 5.5.4 if undecodable */
	SMTP_EV_AUTH,
	SMTP_EV_AUTH_LINE,  /* answer, or challenge; .text (input) responds to a challenge */
	SMTP_EV_AUTH_ABORT, /* the client gave up, or its line was bad; 501 is written */
	SMTP_EV_STARTTLS,   /* answer; accepted: flush, handshake, smtp_server_tls_started */
	SMTP_EV_RSET,  /* forget the transaction: RSET (answered), or HELO in the midst of one */
	SMTP_EV_QUIT,  /* 221 is written: flush and close */
	SMTP_EV_ABORT, /* the reply is written: flush and close; .text says why */
	/* answer; .text (input) is the command line, .mech "2" or "5", the first digit of the
	   reply that accept has written: sendmail's check_other */
	SMTP_EV_OTHER,
};

enum smtp_body { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME };
enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

/* Bits of NOTIFY= (RFC 3461 4.1); 0 = not given. */
enum {
	SMTP_NOTIFY_NEVER = 1,
	SMTP_NOTIFY_SUCCESS = 2,
	SMTP_NOTIFY_FAILURE = 4,
	SMTP_NOTIFY_DELAY = 8
};

/* The parameters of MAIL, validated; spans are as sent (xtext undecoded). */
struct smtp_mail {
	uint64_t size;      /* SIZE=, 0 = not given */
	int64_t by_seconds; /* BY= (RFC 2852) */
	char by_mode;       /* 'N', 'R' or 0 = not given */
	bool by_trace;
	bool utf8;           /* SMTPUTF8 */
	enum smtp_body body; /* BODY= */
	enum smtp_ret ret;   /* RET= */
	/* both in the input: copy them before it moves */
	struct span envid; /* ENVID=, xtext */
	struct span auth;  /* AUTH=, xtext; "<>" = nobody */
};

/* The parameters of RCPT. */
struct smtp_rcpt {
	unsigned notify;   /* SMTP_NOTIFY_* */
	struct span orcpt; /* in the input; ORCPT= "type;xtext" */
};

/* A session.  The fields above the line are for reading; the rest is private. */
struct smtp_server {
	struct span path;   /* MAIL, RCPT: the address as written, with its <> if any */
	struct span addr;   /* the same without <> and source route; empty for <> */
	struct span local;  /* of addr, as written */
	struct span domain; /* of addr; empty when it has none */
	struct span text;   /* see the events */
	struct span mech;   /* AUTH: as written, but one of those offered */
	struct smtp_mail mail;
	struct smtp_rcpt rcpt;
	struct line_body body; /* counts and flags of the current message */
	size_t rcpts;          /* recipients accepted in this transaction */
	unsigned bad;          /* commands that were wrong so far */
	unsigned bad_rcpts;    /* recipients that the program refused with 5xx so far */
	bool esmtp;            /* greeted by EHLO or LHLO */
	bool has_text;
	bool in_mail;       /* a transaction is open */
	bool tls;           /* smtp_server_tls_started was called */
	bool authenticated; /* AUTH succeeded */
	bool early;         /* the client sent input that it had to hold back */
	/* ---- */
	const struct smtp_server_config *cfg;
	uint32_t flags; /* of cfg, and what smtp_server_feature changed */
	struct span client;
	struct span refusal; /* why every command is refused; ptr NULL = it is not */
	struct line line;
	size_t answers; /* replies still due after the dot */
	uint8_t state;
	uint8_t due; /* the event that waits for its answer, or 0 */
	bool first;  /* no command was seen yet */
	bool again;  /* the line is to be run once more */
	char other;  /* what the program said to such a line: 'y', 'n', or 0 */
	bool greeted;
	uint8_t helo_len;
	char helo[SMTP_HELO_MAX + 1];
	char arg[SMTP_PATH_MAX + 2]; /* what path, addr and text of most events point into */
};

/*
 * A new session.  cfg and client are borrowed; client is the text of the HELO
 * reply, e.g. "host.example [192.0.2.1]" or "root@localhost".
 */
void smtp_server_init(struct smtp_server *s, const struct smtp_server_config *cfg,
		      struct span client);

/* Writes "220 NAME PRODUCT; DATE".  Nothing may be fed before. */
void smtp_server_greet(struct smtp_server *s, struct span date, struct buf *out);

/*
 * Greets with a refusal, "CODE NAME TEXT"; 421 also closes.  Afterwards all commands but HELO,
 * NOOP, RSET and QUIT get reason, e.g. "5.7.1 Access denied" with 550, or "450 4.7.1 Later"
 * (borrowed for the session).
 */
void smtp_server_greet_refuse(struct smtp_server *s, int code, struct span text, struct span reason,
			      struct buf *out);

/*
 * A letter of sendmail's srv_features, for this client alone: B VERB, D DSN, E ETRN, P PIPELINING,
 * S STARTTLS, X EXPN are not offered, in lower case they are if cfg has them; l: AUTH is required.
 */
void smtp_server_feature(struct smtp_server *s, char letter);

/* After the greeting: from now on commands are refused, as smtp_server_greet_refuse does. */
void smtp_server_refuse(struct smtp_server *s, struct span reason);

/*
 * Consumes input up to the next event; *used octets are done with.  Replies that
 * need nobody's decision go to out.  Input that arrives while an answer is due
 * may be fed (it gives SMTP_EV_WAIT, consumes nothing, and is noted as early).
 */
enum smtp_server_event smtp_server_feed(struct smtp_server *s, struct span in, size_t *used,
					struct buf *out);

/* The client's name as it gave it in HELO; empty before that. */
struct span smtp_server_helo(const struct smtp_server *s);

/* True while an answer is due. */
bool smtp_server_waiting(const struct smtp_server *s);

/* True once the session is over: flush and close. */
bool smtp_server_closed(const struct smtp_server *s);

/*
 * Answers the event that is due with the machine's positive text.  False when the client sent
 * input it had to hold back (transaction stuffing, plaintext behind STARTTLS): 554 was written
 * instead and the session is over, or, for HELO, every later command is refused.
 */
bool smtp_server_accept(struct smtp_server *s, struct buf *out);

/*
 * Answers EOM with "250 2.0.0 QID Message accepted for delivery".  LMTP: call it
 * (or reject, or reply) once for each accepted recipient, in the order of RCPT.
 */
void smtp_server_accept_eom(struct smtp_server *s, struct span qid, struct buf *out);

/*
 * Answers with a reply of the program's: 2xx accepts, 4xx and 5xx refuse, 421
 * closes, and so does a 5xx for RCPT beyond config.bad_rcpts.  status is "x.y.z" or
 * NULL for none; its class is made to match code.  LF in text starts another line of
 * the reply; the rest is made printable, and lines longer than SMTP_REPLY_MAX are cut.
 */
bool smtp_server_reply(struct smtp_server *s, int code, const char *status, struct span text,
		       struct buf *out);

/*
 * Refuses with the code (err_reply_code), status and text of e, "PATH... " before the text
 * for MAIL and RCPT and the argument for VRFY and EXPN, as sendmail does.
 */
void smtp_server_reject(struct smtp_server *s, const struct err *e, struct buf *out);

/* One line "CODE-STATUS TEXT" before the answer proper (EXPN, HELP). */
void smtp_server_reply_more(struct smtp_server *s, int code, const char *status, struct span text,
			    struct buf *out);

/* Answers AUTH or AUTH_LINE with "334 TEXT"; text is base64 already. */
void smtp_server_challenge(struct smtp_server *s, struct span text, struct buf *out);

/* TLS runs: all that was said before is forgotten (RFC 3207 4.2); EHLO is due. */
void smtp_server_tls_started(struct smtp_server *s);

/*
 * Ends the session from our side (shutdown, timeout, load): writes
 * "421 STATUS NAME TEXT".  Valid at any time, also while an answer is due.
 */
void smtp_server_close(struct smtp_server *s, const char *status, struct span text,
		       struct buf *out);

#endif
