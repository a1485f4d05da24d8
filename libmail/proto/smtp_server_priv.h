/*
 * smtp_server_priv: what the files of the SMTP server machine share; nobody else includes it.
 *
 * A reply of the machine's own is first a struct smtp_server_fault when it may be
 * counted or replaced on its way (parameters), and goes out through the one
 * writer, smtp_server_put, which owns codes, separators and the length of lines.
 */
#ifndef LETTERBOX_PROTO_SMTP_SERVER_PRIV_H
#define LETTERBOX_PROTO_SMTP_SERVER_PRIV_H

#include "proto/smtp_server.h"

/* smtp_server.state: what the next octets are. */
enum {
	SMTP_ST_NEW, /* before the greeting */
	SMTP_ST_COMMAND,
	SMTP_ST_AUTH, /* a response to a challenge */
	SMTP_ST_BODY,
	SMTP_ST_TLS, /* 220 is written, the handshake is the program's */
	SMTP_ST_CLOSED,
};

/* Besides enum smtp_server_event: the machine has answered, the program need not know. */
enum { SMTP_EV_NONE = 255 };

/* What the handler of a command needs besides the session. */
struct smtp_server_turn {
	struct span line; /* the whole command line */
	struct span arg;  /* without the verb, trimmed */
	bool more;        /* input stands behind the line */
	struct buf *out;
};

/* sendmail's MAXSHORTSTR: longer text is echoed as its first and last 100 octets. */
enum { SMTP_ECHO_MAX = 203, SMTP_ECHO_END = 100 };

/* A refusal that is not written yet. */
struct smtp_server_fault {
	int code;
	const char *status;
	char text[SMTP_REPLY_MAX];
};

/* Fills f and returns false. */
bool smtp_server_fault(struct smtp_server_fault *f, int code, const char *status, const char *fmt,
		       ...) __attribute__((format(printf, 4, 5)));

/*
 * Writes a reply, a line of it for each line of text.  more: another one follows, so the last
 * line is a continuation too.  status NULL: none.
 */
void smtp_server_put(struct buf *out, int code, const char *status, struct span text, bool more);

/* The same for one line of printf's making, at most SMTP_REPLY_MAX octets. */
void smtp_server_putf(struct buf *out, int code, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Parses what stands behind MAIL or RCPT: "FROM:" or "TO:", the path (into s->arg, path, addr,
 * local, domain) and the parameters (s->mail, s->rcpt).
 */
bool smtp_server_param_mail(struct smtp_server *s, struct span arg, struct smtp_server_fault *f);
bool smtp_server_param_rcpt(struct smtp_server *s, struct span arg, struct smtp_server_fault *f);

/* Copies text, cut to ends if long, for an echo; returns it as a C string. */
const char *smtp_server_echo(struct span text, char echo[static SMTP_ECHO_MAX + 1]);

/* The mechanisms offered now; empty when there is no AUTH. */
struct span smtp_server_mechs(const struct smtp_server *s);

/* The transaction is over: nothing of it may be seen by the next one. */
void smtp_server_drop(struct smtp_server *s);

/* Runs one command line; returns an event or SMTP_EV_NONE. */
unsigned smtp_server_command(struct smtp_server *s, struct smtp_server_turn *t);

/* One wrong command more would be too many. */
bool smtp_server_is_last(const struct smtp_server *s);

/* A reply to a wrong command; too many of them end the session (SMTP_EV_ABORT). */
unsigned smtp_server_wrong(struct smtp_server *s, struct buf *out, int code, const char *status,
			   const char *text);

/* Notes that event waits for its answer, and returns it. */
unsigned smtp_server_due(struct smtp_server *s, unsigned event);

/* Keeps text in s->text for the program and for the reply; false when it is too long. */
bool smtp_server_keep(struct smtp_server *s, struct span text);

/* Answers HELO and EHLO with our name and keywords. */
void smtp_server_put_helo(const struct smtp_server *s, struct buf *out);

#endif
