/*
 * mail_folder: the open folder of the mail applet and its messages.
 *
 * Messages are numbered from 1 for the user and from 0 here.  Marks and states live in the
 * array until the folder is left; only then is the mailbox changed, under its lock, so that
 * mail which arrived meanwhile stays.  POSIX mailx, "Commands in mailx": the message states.
 */
#ifndef LETTERBOX_APPLETS_MAIL_FOLDER_H
#define LETTERBOX_APPLETS_MAIL_FOLDER_H

#include "mail.h"

enum {
	MSG_NEW = 1,  /* nobody has seen it listed before this session */
	MSG_READ = 2, /* printed, now or earlier */
	MSG_DELETED = 4,
	MSG_SAVED = 8,    /* save: leaves the system mailbox unless keepsave is set */
	MSG_HELD = 16,    /* hold: stays in the system mailbox */
	MSG_MBOX = 32,    /* mbox: goes to MBOX even if hold is set */
	MSG_TOUCHED = 64, /* used in this session: moves to MBOX on quit */
	MSG_MARK = 128,   /* in the message list being worked on */
	MSG_KNOWN = 256,  /* the fields below flags are filled in */
	MSG_ANSWERED = 512,
};

struct mail_message {
	unsigned flags;
	uint64_t size;  /* octets as stored, with line ends of one octet */
	uint64_t lines; /* lines, header and body */
	char date[20];  /* "Tue Nov 24 03:18" */
	char *sender;   /* address, printable */
	char *subject;  /* decoded and printable */
};

struct mailbox;

struct mail_folder {
	char name[4096];          /* as shown */
	struct mail_message *msg; /* count of them */
	size_t count;
	size_t dot;    /* the current message; count when there is none */
	size_t screen; /* first message of the screenful that z moves from */
	bool printed;  /* dot was printed: next goes on to the one behind */
	bool system;   /* a system mailbox: read messages go to MBOX on quit */
	struct mailbox *box;
};

/* ---- mail_folder.c ---- */

/* Opens path (or, NULL, user's system mailbox); *m->folder is replaced.  False with a message. */
bool mail_folder_open(struct mail *m, const char *path, const char *user);

/* Commits (POSIX quit) or forgets (exit) the changes and closes. */
bool mail_folder_close(struct mail *m, bool commit);

/* Says so when mail came since the folder was opened (or last asked). */
void mail_folder_news(struct mail *m);

/* Fills in what the header list shows. */
struct mail_message *mail_folder_known(struct mail *m, size_t i);

/* Gives message i, LF line ends, to take in chunks of at most 4 KiB. */
bool mail_folder_read(struct mail *m, size_t i, void (*take)(void *to, struct span octets),
		      void *to);

/* The header block alone, with its empty line, appended to out. */
bool mail_folder_header(struct mail *m, size_t i, struct buf *out);

/* Appends message i to a folder (an mbox file, or a Maildir if it is a directory). */
bool mail_folder_copy(struct mail *m, size_t i, const char *path);

/* The path of the user's system mailbox, user NULL: one's own. */
void mail_folder_system(const char *user, char *path, size_t cap);

/* "NAME": 3 messages 1 new 2 unread */
void mail_folder_summary(const struct mail *m);

/* ---- mail_list.c ---- */

/*
 * Marks the messages that words name (none: the current one).  dead: deleted messages are
 * what is wanted, else they are passed over.  False, with a message, when nothing applies.
 */
bool mail_list_mark(struct mail *m, int words, const char *const *word, bool dead);

/* The next marked message from i on; count at the end. */
size_t mail_list_next(const struct mail_folder *f, size_t i);

/* ---- mail_show.c ---- */

/* One line of the header list. */
void mail_show_line(struct mail *m, size_t i, FILE *out);

/*
 * Writes message i for reading: parts decoded, controls made visible, ignored header fields
 * left out unless all is set; body lines after the first lines are left out (lines > 0).
 */
void mail_show_message(struct mail *m, size_t i, bool all, size_t lines, FILE *out);

/* A header block: the fields that are not ignored (all: every one), and an empty line. */
void mail_show_header(struct mail *m, struct span block, bool all, FILE *out);

/* Writes the decoded text of message i and nothing else. */
void mail_show_body(struct mail *m, size_t i, FILE *out);

/* Appends a header value for people: unfolded, encoded words decoded, controls visible. */
void mail_show_text(struct span value, struct buf *out);

/* Columns and rows of the terminal, or 80 and 24. */
void mail_show_size(int *columns, int *rows);

/* ---- commands: mail_read.c, mail_save.c, mail_reply.c ---- */

bool mail_read_next(struct mail *m, struct mail_args *a);
bool mail_read_back(struct mail *m, struct mail_args *a);
bool mail_read_print(struct mail *m, struct mail_args *a);
bool mail_read_print_all(struct mail *m, struct mail_args *a);
bool mail_read_top(struct mail *m, struct mail_args *a);
bool mail_read_headers(struct mail *m, struct mail_args *a);
bool mail_read_scroll(struct mail *m, struct mail_args *a);
bool mail_read_from(struct mail *m, struct mail_args *a);
bool mail_read_number(struct mail *m, struct mail_args *a);
bool mail_read_sizes(struct mail *m, struct mail_args *a);
bool mail_read_delete(struct mail *m, struct mail_args *a);
bool mail_read_delete_print(struct mail *m, struct mail_args *a);
bool mail_read_undelete(struct mail *m, struct mail_args *a);
bool mail_read_hold(struct mail *m, struct mail_args *a);
bool mail_read_mbox(struct mail *m, struct mail_args *a);
bool mail_read_touch(struct mail *m, struct mail_args *a);
bool mail_read_unread(struct mail *m, struct mail_args *a);
bool mail_read_quit(struct mail *m, struct mail_args *a);
bool mail_read_exit(struct mail *m, struct mail_args *a);
bool mail_read_help(struct mail *m, struct mail_args *a);

bool mail_save_save(struct mail *m, struct mail_args *a);
bool mail_save_copy(struct mail *m, struct mail_args *a);
bool mail_save_write(struct mail *m, struct mail_args *a);
bool mail_save_pipe(struct mail *m, struct mail_args *a);
bool mail_save_shell(struct mail *m, struct mail_args *a);
bool mail_save_edit(struct mail *m, struct mail_args *a);
bool mail_save_file(struct mail *m, struct mail_args *a);

bool mail_reply_mail(struct mail *m, struct mail_args *a);
bool mail_reply_all(struct mail *m, struct mail_args *a);
bool mail_reply_sender(struct mail *m, struct mail_args *a);

#endif
