/*
 * mailbox: one mailbox, mbox file or Maildir, opened as its owner: list, read, mark, commit.
 *
 * Blocking code for a process of its own (popd's store, the mail applet).  Messages are
 * numbered from 0 in the order of delivery, and the numbers stay until the mailbox is closed; mail
 *that arrives meanwhile is not seen, and is kept.  Marks (deleted, seen, ...) live in memory until
 *mailbox_commit.  The list costs 40 octets a message, in a Maildir also its name.
 *
 * What counts as a message of an mbox is told in format/mbox.h: a From_ line at the start or
 * behind an empty line, which is the separator and belongs to nobody.  mboxrd quoting is
 * undone when read.  Line ends are LF; CRLF is passed as it is.  A first message that holds
 * another program's notes (X-IMAP:) is not listed, and kept.
 *
 * Locks.  For scanning, appending and committing an mbox is locked as sys/lock.h says and
 * released at once, so that delivery never waits for a slow client.  MAILBOX_SESSION takes
 * a second lock that only sessions look at (flock on the file or the Maildir; where the
 * file system has none, it is gone without), held until close.
 *
 * Commit of an mbox.  Under the lock, what was scanned must still be there, unchanged, under
 * the mailbox's name; what lies behind it is new mail.  Let P be the part before the first
 * message that changes, D what is to follow it (the rest of what is kept, and new mail).
 *
 *	case                            step                        a crash or error leaves
 *	nothing changes                 none                        old
 *	D is empty                      ftruncate to P, flush       old or new
 *	a file can be made beside it,   P and D to .NAME.new,       old; .NAME.new is taken
 *	 of the same owner and mode      flush                       away by the next commit
 *	                                rename, flush directory     old or new
 *	                                unlock; relock the old      new; mail that a program
 *	                                 inode, move to the new      which waited on the old inode
 *	                                 what was appended there     (and did not look again) put
 *	                                                             there is lost
 *	else, with a journal directory  D to the journal, flush     old, and an unfinished
 *	 (the owner's home)                                          journal, which is dropped
 *	                                ftruncate to P, flush,      P and a part of D; the next
 *	                                 append D, flush             open here completes it
 *	                                remove the journal          new
 *	else                            refused TEMP                old
 *
 * A journal is complete when its header's hash fits its contents.  Replaying finds how much
 * of D is there already; what stands behind that was delivered after the crash and is kept.
 *
 * Commit of a Maildir: rename each file (flags; new/ to cur/; a deleted one to
 * tmp/deleted.NAME), flush the directories.  A crash leaves some of the marks applied; every
 * message is whole always.  Closing a mailbox unlinks tmp/deleted.*, its own and what others
 * left: that can take seconds, and the commit's success is told before.
 */
#ifndef LETTERBOX_SERVICE_MAILBOX_H
#define LETTERBOX_SERVICE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

struct mailbox;

enum {
	MAILBOX_UID_MAX = 70,         /* RFC 1939 section 7, UIDL */
	MAILBOX_LOCK_WAIT_MS = 30000, /* others may hold a lock while they deliver */
	MAILBOX_NAME_MAX = 255,       /* of a Maildir file; a longer one is passed over */
	MAILBOX_WINDOW = 128 << 10,   /* octets read at a time; of memory, while open */
};

/* How to open; bits. */
enum mailbox_how {
	MAILBOX_SESSION = 1 << 0,    /* exclusive among sessions; busy: TEMP 4.2.0, sys EBUSY */
	MAILBOX_READ_ONLY = 1 << 1,  /* never commits; needs no right to write */
	MAILBOX_MUST_EXIST = 1 << 2, /* else a missing mailbox is an empty one */
};

/* Marks; Maildir letter and mbox header beside them. */
enum mailbox_flag {
	MAILBOX_SEEN = 1 << 0,     /* S; Status: R */
	MAILBOX_OLD = 1 << 1,      /* in cur/; Status: O */
	MAILBOX_ANSWERED = 1 << 2, /* R; X-Status: A */
	MAILBOX_FLAGGED = 1 << 3,  /* F; X-Status: F */
	MAILBOX_DRAFT = 1 << 4,    /* D; X-Status: T */
	MAILBOX_TRASHED = 1 << 5,  /* T; X-Status: D: another program's mark, still there */
	MAILBOX_PASSED = 1 << 6,   /* P (forwarded); Maildir only */
	MAILBOX_DELETED = 1 << 7,  /* goes at commit */
};

struct mailbox_info {
	uint64_t octets; /* with CRLF line ends, not dot-stuffed: what LIST says */
	uint64_t size;   /* with LF line ends: what the MAILBOX_LF form gives */
	uint32_t lines;  /* of header and body together */
	unsigned flags;  /* enum mailbox_flag */
};

/*
 * Opens the mailbox at path: a Maildir when path ends in '/' or is a directory with cur/, new/ and
 * tmp/, else an mbox.  journal_dir (may be NULL) is a directory of the owner for the commit
 * above.  NULL and e on failure: PERM 5.2.0 for what is no mailbox, TEMP for locks and the like.
 */
struct mailbox *mailbox_open(const char *path, unsigned how, const char *journal_dir,
			     struct err *e);

/* Releases everything; uncommitted marks are forgotten.  NULL is allowed. */
void mailbox_close(struct mailbox *m);

/* How many messages, those marked deleted included. */
size_t mailbox_count(const struct mailbox *m);

/* True for a Maildir. */
bool mailbox_is_maildir(const struct mailbox *m);

/*
 * Sizes and marks of message i.  In a Maildir whose file names tell no size this reads the
 * file the first time; it fails TEMP when the file has gone.
 */
bool mailbox_info(struct mailbox *m, size_t i, struct mailbox_info *info, struct err *e);

/* Only info.octets, which a Maildir's file name may tell. */
bool mailbox_octets(struct mailbox *m, size_t i, uint64_t *octets, struct err *e);

/* Only the marks; reads nothing. */
unsigned mailbox_flags(const struct mailbox *m, size_t i);

/* Sets and clears marks, in memory. */
void mailbox_mark(struct mailbox *m, size_t i, unsigned set, unsigned clear);

/*
 * The message's unique name, 1 to 70 of 0x21-0x7e and a NUL: the same in every session, whatever
 * its status, and of no other message of this mailbox.  mbox: 64-bit hash of From_ line,
 * header (without Status and its like) and body.  Maildir: the file's base name, or a hash of it.
 */
void mailbox_uid(const struct mailbox *m, size_t i, char uid[MAILBOX_UID_MAX + 1]);

/*
 * Appends to out "SENDER DATE" of the envelope (no "From ", no LF).  Maildir: from
 * Return-Path and the time in the file's name.
 */
bool mailbox_envelope(struct mailbox *m, size_t i, struct buf *out, struct err *e);

/* How a message is read. */
enum mailbox_form {
	MAILBOX_LF,     /* as stored, unquoted */
	MAILBOX_CRLF,   /* as on the wire; an unfinished last line is finished */
	MAILBOX_DOTTED, /* the same, dot-stuffed (RFC 1939 section 3), without the last dot */
};

#define MAILBOX_WHOLE UINT64_MAX

/* A message being read; hold it, look at nothing in it. */
struct mailbox_reader {
	struct mailbox *mailbox;
	int fd;             /* a Maildir's file or the mbox */
	size_t of;          /* 0: the mbox; else 1 + the number of the Maildir's message */
	uint64_t at, end;   /* in the file */
	uint64_t body_left; /* lines */
	enum mailbox_form form;
	bool in_body, at_line; /* of the next octet */
	bool after_cr;         /* the last octet was CR */
	bool empty;            /* this line holds nothing but line end so far */
	bool finished;
};

/*
 * Starts reading message i: its header, the empty line and the first `lines` lines of its
 * body, or MAILBOX_WHOLE.  Several messages may be read at a time.
 */
bool mailbox_read_open(struct mailbox *m, size_t i, enum mailbox_form form, uint64_t lines,
		       struct mailbox_reader *r, struct err *e);

/*
 * Puts up to cap octets into mem; *got is 0 at the end.  cap is at least 16, since a line's
 * start and end are not split from what is put before them.
 */
bool mailbox_read(struct mailbox_reader *r, char *mem, size_t cap, size_t *got, struct err *e);

void mailbox_read_close(struct mailbox_reader *r);

/* What to append; octets come in LF form through next (0 got: the end; false: give up). */
struct mailbox_source {
	bool (*next)(struct mailbox_source *s, char *mem, size_t cap, size_t *got, struct err *e);
	const char *sender; /* of the From_ line; NULL or "": MAILER-DAEMON */
	int64_t date;       /* of the From_ line, s since 1970 */
	unsigned flags;     /* marks it is stored with */
};

/*
 * Appends one message to the mailbox at path (made with mode 0600 when missing), durably:
 * flushed, or as it was on any error.
 */
bool mailbox_append(const char *path, struct mailbox_source *s, struct err *e);

/* Appends message i of m, with its envelope and marks, to the mailbox at path. */
bool mailbox_copy(struct mailbox *m, size_t i, const char *path, struct err *e);

/* True when mail came since the mailbox was opened (or last asked). */
bool mailbox_has_grown(struct mailbox *m);

/* What a commit did. */
struct mailbox_result {
	size_t deleted; /* messages */
	size_t kept;    /* of those known at open */
	bool grown;     /* new mail lies behind them */
};

/*
 * Applies the marks as told above.  On failure (TEMP) an mbox is as it was, a Maildir may
 * be changed in part.  Afterwards only mailbox_close may be called.  res may be NULL.
 */
bool mailbox_commit(struct mailbox *m, struct mailbox_result *res, struct err *e);

#endif
