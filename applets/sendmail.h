/*
 * sendmail: what the files of the sendmail applet share.
 *
 *	sendmail.c         entry points, modes
 *	sendmail_options.c the command line
 *	sendmail_read.c    the message on standard input, its recipients and header
 *	sendmail_submit.c  the three ways to safety: queue, daemon, direct delivery
 *	sendmail_smtp.c    talking to the daemon
 *	sendmail_daemon.c  -bd, -bD, -q, -bs
 *	sendmail_verify.c  -bv
 *	mailq.c            -bp
 */
#ifndef LETTERBOX_APPLETS_SENDMAIL_H
#define LETTERBOX_APPLETS_SENDMAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "format/submit.h"
#include "mailq.h"
#include "sendmail_test.h"
#include "service/settings.h"

enum {
	SENDMAIL_RCPTS_MAX = 10000,
	SENDMAIL_HEADER_MAX = 1 << 20, /* octets of header held while recipients are looked for */
};

struct sendmail_rcpt {
	char *addr;     /* addr-spec as the user gave it, NUL-terminated */
	struct err err; /* why it was refused */
	bool direct;    /* came from the command line */
	bool reported;  /* its failure was told */
};

/* One submission. */
struct sendmail {
	struct settings settings;
	const char *program;   /* argv[0], for messages */
	const char *from;      /* -f, -r, NULL: the caller */
	const char *full_name; /* -F */
	bool from_header;      /* -t */
	bool verbose;
	bool no_alias;        /* -n */
	char error_mode;      /* 'p', 'm', 'q', 'w', 'e' */
	char delivery_mode;   /* 'b', 'i', 'q', 'd'; 0: not given */
	char body;            /* enum qfile_body */
	unsigned notify;      /* -N */
	char ret;             /* -R: 'F', 'H', '-' */
	const char *envid;    /* -V */
	const char *protocol; /* -p */
	char sender[1024];    /* resolved */
	struct sendmail_rcpt *rcpts;
	size_t count, room;
	struct buf head; /* what was read before the recipients were known */
	struct submit filter;
	struct buf from_field, date_field, id_field;
	bool input_done, lone_dots, at_line, head_given; /* state of reading */
	unsigned char held; /* octets of a possible lone dot held back */
	int status;         /* exit status so far */
};

struct sendmail_run {
	bool daemon, foreground; /* -bd, -bD */
	bool queue;              /* -q */
	uint64_t interval_s;     /* -q30m */
};

/* The whole command line. */
struct sendmail_command {
	struct sendmail m;
	char mode; /* letter behind -b */
	struct sendmail_run run;
	struct mailq_options list;
	int argc;
	char **argv;
};

/* ---- sendmail_options.c ---- */

/* Reads the options; 0, or the status to end with.  *late is one to end with all the same. */
int sendmail_parse(struct sendmail_command *c, int argc, char **argv, int *late);

/*
 * True for -bt; fills t.  Address test mode reads a sendmail.cf only, so it is known before our
 * settings are read.
 */
bool sendmail_wants_test(int argc, char **argv, struct sendmail_test_options *t);

/* ---- sendmail_read.c ---- */

/* Adds the addresses in text (a header value or an argument); false: out of memory. */
bool sendmail_add_rcpts(struct sendmail *m, struct span text, bool direct);

/* Gives back what a submission holds. */
void sendmail_free(struct sendmail *m);

/* Works out who sends; fills m->sender. */
void sendmail_find_sender(struct sendmail *m);

/* Reads up to the end of the header, adds -t's recipients, prepares the header's repair. */
bool sendmail_read_head(struct sendmail *m, struct err *e);

/*
 * The next part of the message as it is to be stored (LF lines): appended to out.  *done is set at
 * the end.  Call until then.  False: standard input failed.
 */
bool sendmail_read_text(struct sendmail *m, struct buf *out, bool *done, struct err *e);

/* ---- sendmail_submit.c ---- */

/* Reads, submits, reports: an exit status. */
int sendmail_submit(struct sendmail *m);

/* Saves what there is of the message in dead.letter and says so. */
void sendmail_dead_letter(struct sendmail *m);

/* ---- sendmail_smtp.c ---- */

/*
 * Submits through the daemon's socket (taken over): refused recipients get their err.  False with
 * e: nothing was accepted.
 */
bool sendmail_smtp(struct sendmail *m, int fd, struct err *e);

/* ---- sendmail_verify.c ---- */

/* -bv: prints where each recipient would go; an exit status. */
int sendmail_verify(struct sendmail *m);

/* ---- sendmail_daemon.c ---- */

int sendmail_daemon(struct sendmail *m, const struct sendmail_run *run);
int sendmail_session(struct sendmail *m);

/* Starts a queue run in the background; waits for its end at most wait_ms. */
void sendmail_start_run(struct sendmail *m, int wait_ms);

#endif
