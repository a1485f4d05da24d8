/*
 * sendmail: what the files of the sendmail applet share.
 *
 *	sendmail.c         entry points, modes
 *	sendmail_options.c the command line
 *	sendmail_value.c   values of its options
 *	sendmail_queue.c   -q and -Q: what is run, what is held back
 *	sendmail_traffic.c -X, and the dialogue that -v shows
 *	sendmail_read.c    the message on standard input, its recipients and header
 *	sendmail_submit.c  the three ways to safety: queue, daemon, direct delivery
 *	sendmail_smtp.c    talking to the daemon
 *	sendmail_daemon.c  -bd, -bD, -q, -bs
 *	sendmail_verify.c  -bv
 *	sendmail_aliases.c -bi, newaliases
 *	sendmail_check.c   -bC
 *	sendmail_explain.c --explain
 *	sendmail_limits.c  -d0.1
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
#include "service/alias.h"
#include "service/config.h"
#include "service/queue.h"
#include "service/settings.h"

enum {
	SENDMAIL_RCPTS_MAX = QUEUE_RCPTS_MAX,
	SENDMAIL_HEADER_MAX = 1 << 20, /* octets of header held while recipients are looked for */
};

struct sendmail_rcpt {
	char *addr;     /* addr-spec as the user gave it, NUL-terminated */
	uint32_t key;   /* address_key of it */
	struct err err; /* why it was refused */
	bool direct;    /* came from the command line */
	bool reported;  /* its failure was told */
};

/* One submission. */
struct sendmail {
	struct settings settings;
	struct config_text text;
	struct config *config;
	const char *program;   /* argv[0], for messages */
	const char *from;      /* -f, -r, NULL: the caller */
	char from_letter;      /* the option it came by */
	const char *full_name; /* -F */
	bool from_header;      /* -t */
	bool verbose;
	bool gateway;                 /* -G: passes through, nothing is repaired */
	bool no_alias;                /* -n */
	char error_mode;              /* 'p', 'm', 'q', 'w', 'e' */
	char delivery_mode;           /* 'b', 'i', 'q', 'd'; 0: not given */
	char body;                    /* enum qfile_body */
	unsigned notify;              /* -N */
	char ret;                     /* -R: 'F', 'H', '-' */
	const char *envid;            /* -V */
	char protocol[32], host[256]; /* -p, for Received: "" is not given */
	int traffic;                  /* -X, or -1 */
	struct buf traffic_line[2];   /* the beginning of a line, by enum sendmail_way */
	char sender[1024];            /* resolved */
	struct sendmail_rcpt *rcpts;
	size_t count, room;
	struct buf warning; /* a field about the sender, or empty */
	struct buf head;    /* what was read before the recipients were known */
	struct submit filter;
	struct buf from_field, date_field, id_field;
	bool input_done, lone_dots, at_line, head_given; /* state of reading */
	unsigned char held; /* octets of a possible lone dot held back */
	int status;         /* exit status so far */
};

struct sendmail_run {
	bool daemon, foreground; /* -bd, -bD */
	bool queue;              /* -q */
	bool stay;               /* -qp: each message when it is due */
	uint64_t interval_s;     /* -q30m */
};

/* The whole command line. */
struct sendmail_command {
	struct sendmail m;
	char mode; /* letter behind -b */
	struct sendmail_run run;
	struct mailq_options list;
	bool hold;              /* -Q */
	const char *reason;     /* of -Q; NULL: let go */
	const char *explain;    /* --explain */
	const char *traffic;    /* -X */
	const char *debug_file; /* -D */
	int all_argc;           /* the whole command line, for reading it again */
	char **all_argv;
	const char *debug; /* -d; NULL: none */
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

/* ---- sendmail_value.c ---- */

/* Prints a refusal as sendmail does; the status to end with. */
int sendmail_refuse(const char *before, const char *value, const char *behind);

/* Each takes an option's value: 0, or the status to end with. */
int sendmail_set_notify(struct sendmail *m, const char *value);
int sendmail_set_ret(struct sendmail *m, const char *value);
int sendmail_set_body(struct sendmail *m, const char *value, int *late);
int sendmail_set_hops(const char *value);
int sendmail_set_envid(struct sendmail *m, const char *value);
int sendmail_set_sender(struct sendmail *m, const char *value, char letter);
void sendmail_set_protocol(struct sendmail *m, const char *value);

/* ---- sendmail_queue.c ---- */

int sendmail_set_queue_run(struct sendmail_command *c, const char *value);

/* What PrivacyOptions leaves to this caller: PRIVACY_RESTRICTMAILQ or PRIVACY_RESTRICTQRUN. */
bool sendmail_may(const struct sendmail *m, enum settings_privacy what);

/* -Q: holds the chosen messages back or lets them go; an exit status. */
int sendmail_hold(struct sendmail_command *c);

/* ---- sendmail_traffic.c ---- */

enum sendmail_way { SENDMAIL_IN, SENDMAIL_OUT };

/*
 * Opens a file to be appended to, with no more rights than the caller has; only root gets one
 * made.  -1: it was said why.
 */
int sendmail_open_log(const char *path);
int sendmail_open_traffic(struct sendmail *m, const char *path);

/* Notes octets that came in or go out, whole lines at a time; the end of one way. */
void sendmail_traffic(struct sendmail *m, enum sendmail_way way, struct span octets);
void sendmail_traffic_end(struct sendmail *m, enum sendmail_way way);

/* Prints lines for -v. */
void sendmail_show(struct sendmail *m, const char *before, struct span octets);

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

struct route;

/* Where an address goes, by the configuration; fails as route_recipient. */
bool sendmail_route(struct sendmail *m, struct span addr, struct route *r, struct err *e);

/* -bv: prints where each recipient would go; an exit status. */
int sendmail_verify(struct sendmail *m, int argc, char **argv);

/* The alias files of the configuration; PERM for what AliasFile cannot mean. */
bool sendmail_aliases(struct sendmail *m, struct alias *a, struct err *e);

/* ---- sendmail_check.c: -bC ---- */

/* The text whose messages sendmail_check_tell gets, as config_load calls it. */
void sendmail_check_start(struct span text);
void sendmail_check_tell(const char *text);

/* ---- sendmail_explain.c ---- */

/* --explain ADDRESS: what decides about it, as a tree; an exit status. */
int sendmail_explain(struct sendmail *m, const char *addr);

/* ---- sendmail_aliases.c ---- */

/* -bi, newaliases: an exit status. */
int sendmail_rebuild(struct sendmail *m);

/* ---- sendmail_limits.c ---- */

/* Prints version, identity and the table of limits where the value of -d names category 0. */
void sendmail_debug(const struct settings *s, const char *debug);

/* ---- sendmail_daemon.c ---- */

int sendmail_daemon(struct sendmail_command *c);
int sendmail_session(struct sendmail *m);

/*
 * Starts a queue run in the background; waits for its end at most wait_ms.  With -v it is for
 * id alone, tells what it does on standard output, and is waited for.
 */
void sendmail_start_run(struct sendmail *m, const char *id, int wait_ms);

#endif
