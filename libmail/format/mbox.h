/*
 * mbox: the mboxrd format (RFC 4155 and qmail's mbox(5)), streaming.
 *
 * A message is a line "From sender date", the message with LF line ends, and an empty line.
 * Any line of the message that begins with ">" any number of times and "From " gets one ">"
 * more, and loses it again when read: the only variant that gives back what was put in.
 * Content-Length is ignored, since anybody can write one.
 *
 * All machines take chunks of any size, hold constant memory and have no line limit.
 */
#ifndef LETTERBOX_FORMAT_MBOX_H
#define LETTERBOX_FORMAT_MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "format/header.h"

/* A From_ line longer than this is text: a path of 256 octets, a date, and room for oddities. */
enum { MBOX_FROM_MAX = 512 };

/*
 * Appends "From sender Tue Nov 24 03:18:05 2026\n".  An empty sender becomes MAILER-DAEMON;
 * blanks and controls in it become '_', so that nobody can write a line of their own.
 */
void mbox_put_from(struct buf *out, struct span sender, int64_t t, int offset);

/*
 * Is line (line end or not) a From_ line: "From ", a sender, a date?  sender and t may be NULL;
 * the sender is empty for "From Tue Nov ...".
 */
bool mbox_parse_from(struct span line, struct span *sender, int64_t *t);

/* ---- writing: message octets in, mbox octets out ---- */

enum mbox_place {
	MBOX_AT_LINE, /* start of a line, ">" seen or not */
	MBOX_IN_FROM, /* part of "From " behind it */
	MBOX_IN_LINE, /* anywhere else */
};

struct mbox_quote {
	enum mbox_place place;
	unsigned char matched; /* octets of "From " seen and held back */
	bool begun;            /* this line has a \">\" already */
	bool cr;               /* a CR is held back: is a LF behind it? */
};

void mbox_quote_init(struct mbox_quote *q);

/* Appends in with From_ lines quoted and CRLF made LF (a CR alone stays). At most twice in. */
void mbox_quote_feed(struct mbox_quote *q, struct span in, struct buf *out);

/* Appends what was held back, a line end if the last line lacks one, and the empty line. */
void mbox_quote_finish(struct mbox_quote *q, struct buf *out);

/* ---- reading one message: the octets between its bounds in, the message out ---- */

struct mbox_unquote {
	enum mbox_place place;
	unsigned char matched; /* as in mbox_quote */
	bool held;             /* a ">" is held back: is "From " behind it? */
	bool crlf;             /* make line ends CRLF */
	bool cr;               /* the last octet was a CR */
};

/* With crlf, each LF without a CR before it gets one: the form of POP3 and SMTP. */
void mbox_unquote_init(struct mbox_unquote *u, bool crlf);

/* Appends the message's octets. At most twice in, and a few. */
void mbox_unquote_feed(struct mbox_unquote *u, struct span in, struct buf *out);

/* Appends what was held back; with crlf also the line end that the last line may lack. */
void mbox_unquote_finish(struct mbox_unquote *u, struct buf *out);

/* ---- finding the messages of a file ---- */

struct mbox_message {
	uint64_t from;  /* file offset of the From_ line */
	uint64_t start; /* offset of the message, behind that line */
	uint64_t body;  /* offset of its body, behind the empty line; end when there is none */
	uint64_t end;   /* offset behind the message; the separating empty line is not in it */
	uint64_t next;  /* offset behind that: the next From_ line, or the end of the file */
	uint64_t size;  /* octets unquoted, line ends as they are */
	uint64_t crlf;  /* octets unquoted with CRLF: what POP3 LIST and RETR count */
	uint64_t lines; /* line ends, plus one for a last line without */
};

struct mbox_scan {
	uint64_t at;              /* file offset of the next octet to be fed */
	uint64_t line;            /* offset of the line being read */
	struct mbox_message msg;  /* the message being read */
	char from[MBOX_FROM_MAX]; /* a line that may be a From_ line */
	size_t from_len;          /* octets of it */
	enum mbox_place place;
	unsigned char matched;        /* as in mbox_quote, behind a ">" */
	unsigned char blank;          /* octets of an empty line not yet counted */
	bool may_from;                /* the last line was empty, or this is the first */
	bool quoted;                  /* this line begins with ">" */
	bool gathering;               /* this line goes to from[] */
	bool open;                    /* a message is open */
	bool in_header;               /* its empty line was not seen */
	bool cr;                      /* the last octet was a CR */
	bool junk;                    /* the file begins with something else */
	struct header_reader *reader; /* NULL: nobody asks for header fields */
	void (*on_field)(void *ctx, const struct header_field *f);
	void *ctx;
};

/* Starts at a file offset where a message begins (0, or a next or from of an earlier scan). */
void mbox_scan_init(struct mbox_scan *s, uint64_t offset);

/*
 * Also calls on_field for each header field of each message while it is fed; a field is valid
 * during the call.  The reader, initialised by the caller who also frees it, bounds a field.
 */
void mbox_scan_fields(struct mbox_scan *s, struct header_reader *reader,
		      void (*on_field)(void *ctx, const struct header_field *f), void *ctx);

/*
 * Takes octets from the front of *in until a message is complete (true; call again with what
 * is left) or all are used (false).  A From_ line counts only at the start or behind an empty
 * line, and with a date: what other programs left unquoted is not mistaken for a message.
 */
bool mbox_scan_feed(struct mbox_scan *s, struct span *in, struct mbox_message *out);

/* At the end of the file: the last message; false when there is none. */
bool mbox_scan_finish(struct mbox_scan *s, struct mbox_message *out);

/* Octets that belong to no message: the file is no mbox. Valid after the first feed or finish. */
bool mbox_scan_is_junk(const struct mbox_scan *s);

#endif
