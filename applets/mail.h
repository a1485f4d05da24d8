/*
 * mail: what the parts of the mail applet share.
 *
 * The applet has two halves.  Sending composes a struct mail_letter (mail_compose.c),
 * writes it as a message (mail_build.c) into the standard input of the sendmail applet
 * (mail_send.c).  Reading runs commands (mail_cmd.c: the table) on the messages of one
 * folder (mail_folder.c).  Variables, aliases and header lists (mail_vars.c) serve both.
 *
 * One process, one user, blocking: memory that runs out ends the program (mail_alloc), and
 * what a user typed is a C string.  Message octets stay spans, files and descriptors.
 */
#ifndef LETTERBOX_APPLETS_MAIL_H
#define LETTERBOX_APPLETS_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

/* A sorted list of names with values: variables, aliases, ignored header names. */
struct mail_pair {
	struct mail_pair *next;
	char *name;
	char *value;
};

/* Lines from a descriptor; see mail_input.c. */
struct mail_input {
	int fd;
	struct buf pending; /* read, not yet handed out */
	size_t at;          /* of pending: handed out up to here */
	bool whole;         /* the last line ended in a newline, or with the input */
};

/* MAIL_INTERRUPT and MAIL_HANGUP: SIGINT, SIGHUP came; the latter comes again and again. */
enum mail_line { MAIL_LINE, MAIL_EOF, MAIL_INTERRUPT, MAIL_HANGUP };

struct mail_folder;

struct mail {
	struct mail_pair *vars, *aliases, *alternates;
	struct mail_pair *ignored, *retained; /* header names in lower case */
	struct mail_input input;              /* standard input */
	struct mail_folder *folder;           /* NULL when sending */
	bool interactive;                     /* a person types: prompt, and ask */
	bool tilde;                           /* honour ~ escapes */
	bool skipping;                        /* inside an if that does not hold */
	bool in_if;                           /* an if was not ended yet */
	bool over;                            /* quit or exit: read no more commands */
	bool reading;                         /* the half: reading a folder, not sending */
	bool read_only, verbose, debug;       /* -R, -v, -d */
	bool quiet;                           /* -e: say nothing */
	unsigned sourcing;                    /* depth of files being read */
	int status;                           /* what main will return */
};

/* What is being written.  Address lists are texts as the user gave them. */
struct mail_letter {
	struct buf to, cc, bcc; /* "a@b, Name <c@d>" */
	struct buf subject;     /* one line, UTF-8 or the user's charset */
	struct buf headers;     /* further header lines, each ended by a newline */
	const char *from;       /* -r: From line and envelope sender, or NULL */
	const char *quote;      /* -q: a file whose text starts the body, or NULL */
	struct buf attach;      /* files by name, each ended by a NUL */
	bool subject_given;     /* -s: do not ask */
	bool take_headers;      /* -t: the text starts with header lines */
	bool dash_ok;           /* recipients may start with '-' */
	FILE *body;             /* unlinked file, read and write */
};

/* ---- memory (mail_vars.c): never NULL; out of memory ends the program with EX_OSERR ---- */
void *mail_alloc(size_t n);
char *mail_strdup(const char *s);

/* ---- lists and variables (mail_vars.c) ---- */

/* The value of name, or NULL.  Borrowed until the pair changes. */
const char *mail_pair_get(const struct mail_pair *list, const char *name);
/* Sets or replaces; keeps the list sorted. */
void mail_pair_set(struct mail_pair **list, const char *name, const char *value);
void mail_pair_unset(struct mail_pair **list, const char *name);
void mail_pair_free(struct mail_pair **list);

/*
 * The value of an internal variable; for names in capitals (HOME, DEAD, PAGER, ...) the
 * environment is asked when there is no such variable.  NULL when unset.
 */
const char *mail_value(const struct mail *m, const char *name);

/* The values POSIX says are set at the start, and the letterbox defaults. */
void mail_vars_defaults(struct mail *m);

/* "name", "name=value" or "noname", as set takes them. */
void mail_set(struct mail *m, const char *assignment);

/* The user's name: LOGNAME or USER, the passwd entry, or "uidN". */
const char *mail_user_name(void);

/*
 * The path a user's file name means: ~ and + (the variable folder) in front replaced, "%" and
 * "%user" a system mailbox, "&" MBOX.  False and a message when it is too long.
 */
bool mail_file_name(const struct mail *m, const char *name, char *path, size_t cap);

/* ---- input (mail_input.c) ---- */

void mail_input_init(struct mail_input *in, int fd);
void mail_input_free(struct mail_input *in);

/*
 * The next line without its newline into line.  A line longer than MAIL_LINE_MAX comes in
 * pieces: in->whole is false for all but the last.
 */
enum mail_line mail_input_line(struct mail_input *in, struct buf *line);

/* Copies all that is left to out; false when reading failed (errno). */
bool mail_input_drain(struct mail_input *in, FILE *out);

/* SIGINT and SIGHUP end reads from now on (ignore: SIGINT does nothing). */
void mail_input_catch(bool ignore);

/* ---- running programs (mail_run.c) ---- */

/*
 * Runs the file path with argv and waits: its exit status, 128 + the signal that ended it,
 * or 127 when it did not start (said on standard error).  Descriptors 0 and 1 become in and
 * out; -1 leaves ours.  Interrupts are the child's alone meanwhile.
 */
int mail_run(const char *path, const char *const *argv, int in, int out);

/* The same for SHELL -c command [operand as $0]. */
int mail_run_shell(const struct mail *m, const char *command, const char *operand, int in, int out);

/* An unlinked read-write file in TMPDIR or /tmp, else in memory.  Ends the program on failure. */
FILE *mail_run_temp(void);

/* Lets the user edit the contents of *f with VISUAL or EDITOR; *f is replaced by the result. */
bool mail_run_editor(const struct mail *m, bool visual, FILE **f);

/* Writes octets; errors show in ferror(to). */
void mail_put(struct span s, FILE *to);

/* Appends all of from, from its start, to to; false on a read or write error. */
bool mail_run_copy(FILE *from, FILE *to);

/* ---- sending ---- */

/* All recipients of a letter; a header value may name as many as fit. */
enum { MAIL_HEADER_MAX = 1 << 20 };

struct mail_rcpts {
	struct buf envelope; /* addresses, each ended by a NUL, none twice */
	size_t count;
	bool dash_ok; /* addresses may start with '-' */
	bool literal; /* no aliases: a sender, not a recipient */
};

/*
 * Adds the addresses of list, aliases expanded, and (unless NULL) appends them to a header
 * value.  False, with a message, for a malformed or refused one (mail_rcpt.c).
 */
bool mail_rcpt_add(const struct mail *m, struct mail_rcpts *r, struct span list,
		   struct buf *header);

void mail_letter_init(struct mail_letter *l);
void mail_letter_free(struct mail_letter *l);

/* Appends addresses to one of the letter's lists. */
void mail_letter_list(struct buf *list, struct span more);

/* Adds a file; it is read when the letter is sent. */
void mail_letter_attach(struct mail_letter *l, const char *name);

/* Appends "NAME: VALUE" as a header line, controls made blanks; false when it is none. */
bool mail_letter_header(struct mail_letter *l, const char *line);

/*
 * -t: moves To, Cc, Bcc, Subject and other fields at the start of the body into the letter
 * (mail_headers.c).
 */
bool mail_letter_take_headers(struct mail_letter *l);

/* Writes the letter as a message, without Bcc; false with a message (mail_build.c). */
bool mail_build(const struct mail *m, struct mail_letter *l, const struct buf *to,
		const struct buf *cc, FILE *out);

/* Builds and hands it over; on failure saves dead.letter.  An exit status (mail_send.c). */
int mail_send(struct mail *m, struct mail_letter *l);

/* Appends what there is of a letter to DEAD, if the variable save is set. */
void mail_send_dead(const struct mail *m, struct mail_letter *l);

/*
 * Appends a message (a file with LF line ends) to the mbox file path, which is made with
 * mode 0600 if need be, under its lock, or to the Maildir of that name (mail_append.c).
 */
bool mail_append(const char *path, FILE *msg, const char *sender, int64_t date, struct err *e);

/*
 * Asks for what is missing, reads the body (with ~ escapes where they are allowed) from
 * m->input.  False: the user gave up, nothing is to be sent (mail_compose.c).
 */
bool mail_compose(struct mail *m, struct mail_letter *l);

/* ---- commands (mail_cmd.c: the table; mail_cmd_*.c and others: the rows) ---- */

enum { MAIL_WORDS_MAX = 64 };

struct mail_args {
	const char *name; /* the command's name as in the table */
	const char *rest; /* what follows the name, blanks cut at both ends */
	int words;        /* rest in words, quotes resolved; message lists are cut off */
	const char *word[MAIL_WORDS_MAX];
};

/*
 * Splits text in place: blanks separate, quotes of either kind and backslashes keep them
 * (POSIX mailx, "argument" in "Commands").  False for an open quote or too many words.
 */
bool mail_cmd_split(char *text, struct mail_args *a);

/* Runs one line; false and a message when it failed. */
bool mail_cmd_run(struct mail *m, const char *line);

/* Is there a command with just this name? */
bool mail_cmd_known(struct span name);

/* Commands from standard input until quit, exit or the end. */
void mail_cmd_loop(struct mail *m);

/* Reads commands from a file; a missing one is an error when must is set. */
bool mail_rc_file(struct mail *m, const char *path, bool must);

/* /etc/mail.rc unless own_only, and MAILRC or ~/.mailrc. */
void mail_rc_load(struct mail *m, bool own_only);

bool mail_rc_set(struct mail *m, struct mail_args *a);
bool mail_rc_unset(struct mail *m, struct mail_args *a);
bool mail_rc_alias(struct mail *m, struct mail_args *a);
bool mail_rc_unalias(struct mail *m, struct mail_args *a);
bool mail_rc_alternates(struct mail *m, struct mail_args *a);
bool mail_rc_ignore(struct mail *m, struct mail_args *a);
bool mail_rc_retain(struct mail *m, struct mail_args *a);
bool mail_rc_if(struct mail *m, struct mail_args *a);
bool mail_rc_else(struct mail *m, struct mail_args *a);
bool mail_rc_endif(struct mail *m, struct mail_args *a);
bool mail_rc_source(struct mail *m, struct mail_args *a);
bool mail_rc_echo(struct mail *m, struct mail_args *a);
bool mail_rc_cd(struct mail *m, struct mail_args *a);

#endif
