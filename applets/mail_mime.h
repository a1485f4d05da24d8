/*
 * mail_mime: a message fed in any chunking, its readable text written out.
 *
 * Memory: one line or 8 KiB of text, the fields of a header block, per level of nesting.
 */
#ifndef LETTERBOX_APPLETS_MAIL_MIME_H
#define LETTERBOX_APPLETS_MAIL_MIME_H

#include "format/header.h"
#include "format/mime.h"
#include "mail_folder.h"

enum mail_part_kind {
	MAIL_PART_TEXT,    /* decoded and written */
	MAIL_PART_MULTI,   /* its parts are fed on */
	MAIL_PART_MESSAGE, /* message/rfc822: fed on, its header shown */
	MAIL_PART_OTHER,   /* a line says what it is */
	MAIL_PART_SKIPPED, /* an alternative to one that was shown */
};

struct mail_part {
	struct mail_part *parent, *child; /* child: the one being read */
	struct header_reader reader;
	struct buf type, encoding, disposition; /* the fields' values */
	struct buf charset;                     /* of text, "" when it was not said */
	struct buf header;                      /* the whole block of an enclosed message */
	struct buf text;                        /* decoded, not yet written */
	struct mime_decoder decoder;
	struct mime_parts parts;
	enum mail_part_kind kind; /* with in_body */
	uint64_t octets;          /* decoded, of a part that is not shown */
	unsigned depth;
	bool in_body, is_message;
	bool alternative, chosen; /* of a multipart: show one part; it was found */
	bool digest;              /* parts are messages unless they say otherwise */
};

struct mail_mime {
	struct mail *m;
	FILE *out;
	struct mail_part *root;
	uint64_t lines; /* stop after so many lines of text, 0: never */
	uint64_t shown; /* lines so far */
	bool written;   /* some part was */
	bool noted;     /* the last thing written was a line about a part */
	bool raw;       /* octets for a file: no charset made UTF-8, no control replaced */
};

/* Starts on a message, header first; lines and raw may be set before the first feed. */
void mail_mime_init(struct mail_mime *s, struct mail *m, FILE *out);

void mail_mime_feed(struct mail_mime *s, struct span in);

/* Writes what was held back and gives the memory back. */
void mail_mime_finish(struct mail_mime *s);

#endif
