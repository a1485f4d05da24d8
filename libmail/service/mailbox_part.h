/*
 * mailbox_part: what the files of the mailbox module share; see mailbox.h.
 *
 * mailbox.c opens, closes and answers; mailbox_scan.c goes through an mbox once, with the
 * loops of mailbox_hash.c; mailbox_dir.c lists a Maildir, mailbox_dir_commit.c changes it;
 * mailbox_read.c reads messages; mailbox_commit.c and mailbox_journal.c commit an mbox,
 * mailbox_mark.c writes what is kept; mailbox_append.c adds a message to either kind.
 */
#ifndef LETTERBOX_SERVICE_MAILBOX_PART_H
#define LETTERBOX_SERVICE_MAILBOX_PART_H

#include <limits.h>
#include <sys/stat.h>

#include "format/maildir.h"
#include "service/mailbox.h"
#include "sys/lock.h"

/* Bits of mailbox_msg.flags above those of enum mailbox_flag. */
enum {
	MSG_SEPARATOR = 3 << 8,      /* octets of the empty line at its end: 0, 1 or 2 */
	MSG_SEPARATOR_SHIFT = 8,     /* where that number stands */
	MSG_UNFINISHED = 1 << 10,    /* the last line has no line end */
	MSG_UNFINISHED_CR = 1 << 11, /* and ends in CR */
	MSG_CHANGED = 1 << 12,       /* marks differ from what is stored */
	MSG_SIZED = 1 << 13,         /* Maildir: octets, length and lines are known from the file */
	MSG_WEIGHED = 1 << 15,       /* Maildir: octets are known from the name */
	MSG_IN_NEW = 1 << 14,        /* Maildir: the file is in new/ */
	/* More '>' before "From " are no quoting: no line may be that long (RFC 5322 2.1.1). */
	MAILBOX_QUOTES_MAX = 2048,
	MAILBOX_PATH_MAX = 1024,
	MAILBOX_DIR_FILE = 4 + MAILDIR_NAME_MAX + 1, /* octets of "new/NAME" and its NUL */
	MSG_STORED = MAILBOX_SEEN | MAILBOX_OLD | MAILBOX_ANSWERED | MAILBOX_FLAGGED |
		     MAILBOX_DRAFT | MAILBOX_TRASHED | MAILBOX_PASSED,
};

/* 40 octets, as mailbox.h promises. */
struct mailbox_msg {
	uint64_t at;            /* mbox: offset of the From_ line; Maildir: of the name in names */
	uint64_t uid;           /* hash; Maildir: 0 when the name serves */
	uint64_t octets : 48;   /* with CRLF */
	uint64_t flags : 16;    /* enum mailbox_flag and the bits above */
	uint64_t length : 48;   /* octets in the file, for an mbox with From_ line and separator */
	uint64_t head_len : 16; /* mbox: of the From_ line; Maildir: of the file's name */
	uint32_t lines;
	uint32_t bare; /* line ends without CR */
};

struct mailbox {
	char path[MAILBOX_PATH_MAX];
	char journal[MAILBOX_PATH_MAX]; /* the journal's path, "" when there can be none */
	unsigned how;
	bool maildir;
	int fd;             /* the mbox, or the Maildir; -1: missing, and so empty */
	struct stat st;     /* of the mbox, or of new/, when it was scanned */
	uint64_t asked;     /* size of the mbox when mailbox_has_grown last looked */
	uint64_t first;     /* where the first listed message begins */
	struct buf msgs;    /* struct mailbox_msg, packed */
	struct buf names;   /* Maildir: file names, each ended by NUL */
	char *window;       /* MAILBOX_WINDOW octets, and one more before them */
	uint64_t window_at; /* the file offset they were read from */
	size_t window_len;
	size_t window_of; /* 0: the mbox; else 1 + the number of a Maildir message */
};

static inline size_t msg_count(const struct mailbox *m)
{
	return m->msgs.len / sizeof(struct mailbox_msg);
}

static inline struct mailbox_msg *msg_at(const struct mailbox *m, size_t i)
{
	return (struct mailbox_msg *)(void *)m->msgs.ptr + i;
}

/* Maildir: the file's name, without its folder. */
static inline struct span msg_name(const struct mailbox *m, const struct mailbox_msg *msg)
{
	return span_make(m->names.ptr + msg->at, msg->head_len);
}

static inline unsigned msg_separator(const struct mailbox_msg *msg)
{
	return (msg->flags & MSG_SEPARATOR) >> MSG_SEPARATOR_SHIFT;
}

/* Offset behind the last octet of an mbox message's text. */
static inline uint64_t msg_end(const struct mailbox_msg *msg)
{
	return msg->at + msg->length - msg_separator(msg);
}

/* ---- mailbox_scan.c ---- */

/*
 * Fills msgs from the first `size` octets of m->fd.  Fails PERM 5.2.0 when it is no mbox.
 */
bool mailbox_scan(struct mailbox *m, uint64_t size, struct err *e);

/* Makes the hashes unique: a later one of equal ones is changed, always in the same way. */
bool mailbox_scan_unique(struct mailbox *m, struct err *e);

/* ---- mailbox.c ---- */

/* Is path a Maildir, by its trailing '/' or by what is there? */
bool mailbox_is_dir(const char *path);

/* ---- mailbox_hash.c ---- */

struct mailbox_count {
	uint64_t lines; /* line ends */
	uint64_t bare;  /* those without CR */
};

/*
 * Counts text up to the first 'F' or '>' that begins a line (stop), else all of it; returns
 * the octets counted.  The octet before text must be there: a line begins behind LF.
 */
size_t mailbox_skim(struct mailbox_count *c, const char *text, size_t len, bool stop);

/* 64-bit hash of octets in any chunking; not cryptographic (mailbox.h says what it serves). */
struct mailbox_hash {
	uint64_t a, b, total;
	unsigned char tail[16];
};

void mailbox_hash_init(struct mailbox_hash *h);
void mailbox_hash_add(struct mailbox_hash *h, const char *text, size_t len);
uint64_t mailbox_hash_end(struct mailbox_hash *h);

/* Spreads every bit of v over the result, one to one. */
uint64_t mailbox_hash_mix(uint64_t v);

/* ---- mailbox_dir.c ---- */

bool mailbox_dir_scan(struct mailbox *m, struct err *e);

/* Counts octets and lines of message i, once. */
bool mailbox_dir_size(struct mailbox *m, size_t i, struct err *e);

/* Opens the file of message i for reading, wherever another program moved it; -1: e. */
int mailbox_dir_open(struct mailbox *m, size_t i, uint64_t *size, struct err *e);

/* The letter of a mark in a file's name; NUL for one that has none. */
char mailbox_dir_letter(unsigned mark);

/* The message's file, "new/NAME" or "cur/NAME", relative to the Maildir. */
void mailbox_dir_file(const struct mailbox *m, const struct mailbox_msg *msg,
		      char file[MAILBOX_DIR_FILE]);

/* Looks for the file of msg under another name, which becomes its name; false: it is gone. */
bool mailbox_dir_find_again(struct mailbox *m, struct mailbox_msg *msg);

/* ---- mailbox_dir_commit.c ---- */

/* Unlinks what commits took out, also those of a process that died; closes maildir first. */
void mailbox_dir_purge(int maildir);

bool mailbox_dir_commit(struct mailbox *m, struct mailbox_result *res, struct err *e);

/* ---- mailbox_read.c ---- */

/*
 * The octets of fd (known as `of`, see window_of) from at up to end, as many as the window
 * holds and at least min unless end comes first.  Empty at the end of the file; on failure NULL.
 */
bool mailbox_window(struct mailbox *m, int fd, size_t of, uint64_t at, uint64_t end, size_t min,
		    struct span *out, struct err *e);

/* ---- mailbox_commit.c ---- */

bool mailbox_commit_mbox(struct mailbox *m, struct mailbox_result *res, struct err *e);

/* ---- mailbox_mark.c ---- */

enum { MAILBOX_MARKS_MAX = 64 };

/* Appends the header fields that say flags; at most MAILBOX_MARKS_MAX octets. */
void mailbox_put_marks(struct buf *out, unsigned flags);

/* What a commit does to an mbox; "P" and "D" as in mailbox.h. */
struct mailbox_plan {
	size_t first;  /* the first message that changes */
	uint64_t from; /* its offset: the length of P */
	uint64_t tail; /* where new mail begins */
	uint64_t size; /* of the mbox now */
};

/* Gathers what is written to fd; a failure is sticky, errno in sys. */
struct mailbox_out {
	int fd;
	int sys;
	struct buf held;
	uint64_t len; /* octets put so far */
	struct mailbox_hash hash;
};

void mailbox_out_init(struct mailbox_out *o, int fd);
void mailbox_out_put(struct mailbox_out *o, struct span s);

/* Writes what is held, gives the memory back; true when all went well, else errno is set. */
bool mailbox_out_end(struct mailbox_out *o);

/* Puts the octets [at, end) of the mbox. */
bool mailbox_commit_range(struct mailbox *m, struct mailbox_out *o, uint64_t at, uint64_t end,
			  struct err *e);

/* Puts D. */
bool mailbox_commit_rest(struct mailbox *m, const struct mailbox_plan *p, struct mailbox_out *o,
			 struct err *e);

/* ---- mailbox_journal.c ---- */

/* Commits the plan by way of the journal; m->fd is locked. */
bool mailbox_journal_commit(struct mailbox *m, const struct mailbox_plan *p, struct err *e);

/* Completes or drops what a crash left; m->fd is locked.  Nothing to do is success. */
bool mailbox_journal_recover(struct mailbox *m, struct err *e);

#endif
