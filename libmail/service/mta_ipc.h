/*
 * mta_ipc: the messages between the roles of "sendmail -bd".
 *
 *	gate  -> role    SETTING LISTENER SESSION PEER CHAIN SELECT QUEUED START RUN
 *	role  -> gate    AGENT ACCOUNT READY IDLE TELL
 *	gate  -> role    AGENT_IS ACCOUNT_IS ACCOUNT_FORWARDS CONFIG
 *	smtpd -> queue   CHECK_... QUEUED                    queue -> smtpd   VERDICT
 *	gate  -> agent   BOX          smtpd, queue -> agent  DELIVER      agent -> *  DELIVERED
 *	queue -> gate    RELAY        gate -> queue          RELAY_IS
 *	queue -> relay   SEND SEND_TO STOP                   relay -> queue   SENT
 *
 * Every getter checks all bounds and that nothing is left over; false ends the sender.
 * Spans are borrowed from the received octets.
 */
#ifndef LETTERBOX_SERVICE_MTA_IPC_H
#define LETTERBOX_SERVICE_MTA_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "base/wire.h"

enum mta_type {
	MTA_SETTING = 1, /* name, value, any number of times: options of struct settings */
	MTA_LISTENER,    /* kind, name; with a listening socket */
	MTA_SESSION,     /* uid, peer; with one connected stream, or an input and an output */
	MTA_PEER,        /* with the channel to the other role; to gate: smtpd has none */
	MTA_CHAIN,       /* generation; with a file of the certificate chain in DER */
	MTA_SIGN_FD,     /* with the socket on which signatures are asked for (service/signer.h) */
	MTA_START,       /* all is sent: close the box and work */
	MTA_READY,       /* a role is at work */
	MTA_RUN,         /* queue, number: try everything now. 0: and say IDLE then; before START,
			    any other: again every so many seconds */
	MTA_SELECT,      /* queue, before START: a rule of service/queue_select.h */
	MTA_TELL,        /* a line for whoever started a queue run with -v */
	MTA_IDLE,        /* a role of a one-shot run has nothing left to do */
	MTA_ACCOUNT,     /* name; and a NUL and the detail where there is one */
	MTA_ACCOUNT_IS,  /* err, name as the source spells it */
	MTA_ACCOUNT_FORWARDS, /* the same of one that has a ~/.forward, or may have one */
	MTA_AGENT,            /* account name */
	MTA_AGENT_IS,         /* err; with the channel to a delivery agent */
	MTA_CHECK_MAIL,
	MTA_CHECK_RCPT,
	MTA_CHECK_CONNECT,
	MTA_CHECK_EOM,   /* with the message's file: its header fields */
	MTA_CHECK_OTHER, /* rcpt: an octet, the number of enum route_check, and the argument */
	MTA_VERDICT,
	/*
	 * ids of new messages, ' ' behind each, or none: look; from gate, before START: the one
	 * the run is for
	 */
	MTA_QUEUED,
	MTA_BOX,       /* for an agent: whose mailbox, or which program as whom */
	MTA_DELIVER,   /* one message; with its file (and that of another header), or the message
			  itself at its end */
	MTA_DELIVERED, /* err */
	MTA_CONFIG,    /* for queue: name; with a file of the configuration's text */
	MTA_RELAY,     /* nothing: the relay role is wanted */
	MTA_RELAY_IS,  /* err; with the channel to it */
	/* a message, where it goes, and recipients; with its file, and perhaps another header's */
	MTA_SEND,
	MTA_SEND_TO, /* more of them, with its id, until there are as many as SEND said */
	MTA_SENT,    /* what became of one recipient */
	MTA_STOP,    /* finish what is half done within seconds, and answer the rest */
};

/* SMTPS: TCP, with TLS from the start (RFC 8314); a session of it is a TCP one. */
enum mta_listener { MTA_L_TCP, MTA_L_SUBMIT, MTA_L_SMTPS };

enum {
	MTA_ADDR_MAX = 1024,
	MTA_NAME_MAX = 255,
	MTA_PATH_MAX = 1024,
	MTA_MACROS_MAX = 1800,
	MTA_FEATURES_MAX = 32,
	MTA_PAUSE_MAX = 300000, /* sendmail's limit of greet_pause, in ms */
	MTA_WORDS_MAX = 1400,   /* octets of a program's arguments */
	MTA_TEXT_MAX = 16384,   /* octets of a message that travels without a file */
};

/* Where a transaction comes from: what policy may look at. */
struct mta_origin {
	struct span addr; /* "192.0.2.1", "IPv6:2001:db8::1", "" = local socket */
	struct span helo;
	uint32_t uid; /* of a local caller, UINT32_MAX else */
	bool tls;
	struct span auth; /* authenticated as, or "" */
};

struct mta_check {
	struct mta_origin origin;
	struct span sender; /* without <>; as the client gave it */
	struct span rcpt;   /* CHECK_RCPT; of other checks the argument of their ruleset */
	struct span macros; /* name NUL value NUL ...: what rulesets may look at besides */
};

/* What becomes of an accepted transaction. */
enum mta_fate { MTA_TAKEN, MTA_DROPPED, MTA_HELD };

enum mta_route { MTA_TO_QUEUE, MTA_TO_LOCAL };

/* The answer to a check: err.class ERR_NONE accepts. */
struct mta_verdict {
	struct err err;
	struct span
	    address; /* CHECK_MAIL: the sender to use; CHECK_RCPT: the qualified recipient */
	enum mta_route route;
	struct span user;   /* MTA_TO_LOCAL: the account */
	struct span macros; /* to go with the next checks of the session or transaction */
	uint8_t fate;       /* enum mta_fate; with MTA_HELD err.text is the reason */
	/* CHECK_CONNECT: letters of srv_features, and how long the client has to wait */
	struct span features;
	uint32_t pause_ms;
};

/* What an agent is for; the name of each is in struct mta_box.mailbox. */
enum mta_box_kind {
	MTA_BOX_MAILBOX,
	MTA_BOX_FILE,    /* any file: *file* */
	MTA_BOX_FORWARD, /* the paths of a ~/.forward, which is copied to the job's file */
	MTA_BOX_COMMAND, /* programs of a folder, named by each message */
	MTA_BOX_PROGRAM, /* one program */
};

struct mta_box {
	uint8_t kind;
	struct span user, mailbox, home;
	struct span forward; /* FILE, COMMAND: paths of the ~/.forward that must name it; or "" */
	uint32_t uid, gid,
	    spool_gid; /* spool_gid: group that may make dot-locks, UINT32_MAX: none */
};

/* What a program gets besides the message, bits of form. */
enum mta_form {
	MTA_FORM_QUOTE = 1, /* F=E: '>' before "From " */
	MTA_FORM_CRLF = 2,  /* E=\r\n */
	MTA_FORM_STRIP = 4, /* F=7 */
	MTA_FORM_BLANK = 8, /* F=b: an empty line at the end */
	MTA_FORM_DOTS = 16, /* F=X: a dot more before a line's first one */
	MTA_FORM_LMTP = 32, /* F=z: it speaks LMTP; behind its words there is the recipient */
};

struct mta_program {
	struct span words; /* each ends in NUL; the first is argv[0] */
	uint32_t limit;    /* L=: octets of a line, 0 = any */
	uint32_t seconds;  /* W=: 0 = as long as programs may run */
	int8_t nice;       /* N=, from 0 on */
	uint8_t form;
	struct span
	    folders; /* D=: a:b:c, the first that can be entered; one that is empty: the home */
};

struct mta_deliver {
	struct span id; /* queue id, for the log */
	struct span sender, rcpt;
	uint64_t at;      /* where the message (with another header: its body) starts in the file */
	struct span text; /* the message itself, when it is short and comes without a file */
	struct mta_program program;
};

enum mta_protocol { MTA_SMTP, MTA_LMTP };

/* What TLS an outgoing connection gets. */
enum mta_tls {
	MTA_TLS_NEVER,
	MTA_TLS_MAY,      /* where it is offered, unverified; in the clear where it fails */
	MTA_TLS_MUST,     /* encrypted, or not at all */
	MTA_TLS_VERIFIED, /* ... by a server that can prove its name */
	MTA_TLS_AT_ONCE,  /* VERIFIED, without STARTTLS: port 465 (RFC 8314) */
};

/*
 * Where a message goes and how: what a mailer and its host say.  Equal targets share
 * connections.
 */
struct mta_target {
	enum mta_protocol protocol;
	enum mta_tls tls;
	bool auth;     /* with the relay's own name and password, where AUTH is offered */
	uint16_t port; /* of TCP */
	/*
	 * As sendmail's $@: hosts to be tried in turn, ':' between them.  "name" and "name." are
	 * looked up as mail domains, "[name]" and "[192.0.2.1]" are taken as they are.  One
	 * that starts with '/' is the path of a Unix socket.
	 */
	struct span hosts;
	struct span helo;      /* our name for EHLO */
	uint32_t max_messages; /* of one connection, 0 = no limit */
};

/* A body of 8 bits for a mailer that sends them to every server. */
enum { MTA_BODY_PASS = 'P' };

struct mta_send {
	struct mta_target target;
	struct span id; /* queue id, for the log */
	struct span sender, envid;
	uint64_t at;         /* where in the file the text to send starts */
	uint64_t size;       /* octets to send; what the files have beyond is left out */
	uint32_t rcpts;      /* 1..MTA_SEND_RCPTS */
	uint32_t line_limit; /* of the mailer, 0 = none */
	char ret;            /* as struct qfile_head has it */
	char body;           /* so, too, or MTA_BODY_PASS */
	bool first;          /* nobody has tried to send it yet */
};

struct mta_send_to {
	struct span addr, orcpt;
	uint8_t notify; /* bits of RFC 3461 NOTIFY as in the queue file */
};

struct mta_sent {
	uint32_t index;     /* of the recipient, in their order */
	struct err err;     /* the server's words, or ours */
	uint16_t code;      /* of the server's reply, 0: the words are ours */
	struct span remote; /* "mx.example [192.0.2.1]", or "" */
};

enum { MTA_SEND_RCPTS = 100 }; /* RFC 5321 4.5.3.1.10: every server takes as many */

void mta_ipc_put_send(struct buf *b, uint32_t id, const struct mta_send *m);
bool mta_ipc_get_send(struct wire_in *in, struct mta_send *m);
/* Recipients stand behind the rest of SEND, or alone in SEND_TO; false: it needs another one. */
bool mta_ipc_put_send_to(struct buf *b, const struct mta_send_to *r);
bool mta_ipc_get_send_to(struct wire_in *in, struct mta_send_to *r);
void mta_ipc_put_sent(struct buf *b, uint32_t id, const struct mta_sent *r);
bool mta_ipc_get_sent(struct wire_in *in, struct mta_sent *r);

void mta_ipc_put_check(struct buf *b, enum mta_type type, uint32_t id, const struct mta_check *c);
bool mta_ipc_get_check(struct wire_in *in, struct mta_check *c);

void mta_ipc_put_verdict(struct buf *b, uint32_t id, const struct mta_verdict *v);
bool mta_ipc_get_verdict(struct wire_in *in, struct mta_verdict *v);

void mta_ipc_put_box(struct buf *b, const struct mta_box *x);
bool mta_ipc_get_box(struct wire_in *in, struct mta_box *x);

/* All but the octets of d->text, which the sender puts behind b (ipc_send_tail). */
void mta_ipc_put_deliver(struct buf *b, uint32_t id, const struct mta_deliver *d);
bool mta_ipc_get_deliver(struct wire_in *in, struct mta_deliver *d);

/*
 * Settings, as many as fit into one message that wire_begin began with MTA_SETTING: put is false
 * for one that does not (send, and begin anew); get is for one after the other, false when none is
 * left or what there is is malformed (in->bad).
 */
bool mta_ipc_put_setting(struct buf *b, struct span name, struct span value);
bool mta_ipc_get_setting(struct wire_in *in, struct span *name, struct span *value);

/* Messages of one text, one number, or one error and one text. */
void mta_ipc_put_text(struct buf *b, enum mta_type type, uint32_t id, struct span text);
bool mta_ipc_get_text(struct wire_in *in, struct span *text);
void mta_ipc_put_number(struct buf *b, enum mta_type type, uint32_t v);
bool mta_ipc_get_number(struct wire_in *in, uint32_t *v);
void mta_ipc_put_outcome(struct buf *b, enum mta_type type, uint32_t id, const struct err *e,
			 struct span text);
bool mta_ipc_get_outcome(struct wire_in *in, struct err *e, struct span *text);

#endif
