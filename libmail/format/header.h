/*
 * header: the header block of a message, read in any chunking and written folded.
 *
 * RFC 5322 2.2 and 4.5.  A field is "Name: value" with folded lines; lines end in LF or CRLF.
 * The block ends at an empty line, or where a line begins that can be no field: that line then is
 * the first of the body, as sendmail does it, so a message without header or without the empty
 * line is read whole.  A leading "From " line of an mbox is reported and left out.
 *
 * The reader keeps one field in memory, at most max_field octets.
 */
#ifndef LETTERBOX_FORMAT_HEADER_H
#define LETTERBOX_FORMAT_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	HEADER_NAME_MAX = 998,    /* a name cannot be longer than a line, RFC 5322 2.1.1 */
	HEADER_FIELD_MAX = 65536, /* default for one field; lists with 1000 addressees exist */
	HEADER_TOTAL_MAX = 32768, /* default for the block: sendmail's MaxHeadersLength */
	HEADER_FOLD_AT = 78,      /* should not be passed, RFC 5322 2.1.1 */
	HEADER_LINE_MAX = 998,    /* must not be passed, RFC 5322 2.1.1 */
};

struct header_field {
	struct span raw;   /* everything, with the final line end */
	struct span name;  /* before the colon, without blanks */
	struct span value; /* behind it; blanks and line ends at both ends cut, folds inside kept */
	bool cut;          /* longer than max_field: the end of it is lost */
};

enum header_event {
	HEADER_MORE,    /* all input is used up */
	HEADER_FIELD,   /* a field; valid until the next call */
	HEADER_FROM,    /* the mbox line "From ..."; raw and value are set */
	HEADER_BODY,    /* the body begins; see header_reader_next.  Comes again and again */
	HEADER_TOO_BIG, /* more than max_total octets, or no memory; comes again and again */
};

enum header_state {
	HEADER_AT_START, /* first octet of the block */
	HEADER_AT_LINE,  /* first octet of a later line */
	HEADER_AT_CR,    /* behind a CR at the start of a line */
	HEADER_IN_NAME,
	HEADER_IN_GAP, /* blanks between name and colon, RFC 5322 4.5 */
	HEADER_IN_VALUE,
	HEADER_IN_FROM,
	HEADER_IN_BODY,
	HEADER_STOPPED, /* max_total passed, or no memory */
};

struct header_reader {
	struct buf field; /* the field, or start of a line, being gathered */
	size_t name_len;  /* octets of its name */
	size_t colon;     /* index behind its colon */
	size_t total;     /* octets of the block seen so far */
	size_t fields;    /* fields handed out so far */
	size_t max_total; /* 0: no limit */
	enum header_state state;
	bool cut;            /* this field passed max_field */
	bool done;           /* the field in the buf was handed out */
	bool first;          /* in the first line of the block */
	bool empty_line;     /* the body began behind an empty line */
	struct span pending; /* with HEADER_BODY: octets already taken that belong to the body */
};

/*
 * max_field (at least a line is taken) bounds memory, max_total the block (0: unbounded).
 * Allocates when first fed.
 */
void header_reader_init(struct header_reader *r, size_t max_field, size_t max_total);

/* Starts anew with the same maxima and memory. */
void header_reader_reset(struct header_reader *r);

/* Gives the memory back. */
void header_reader_free(struct header_reader *r);

/*
 * Takes octets from the front of *in up to the next event.  At HEADER_BODY the body is
 * r->pending (usually empty), then *in, then what the caller has not fed yet.
 */
enum header_event header_reader_next(struct header_reader *r, struct span *in,
				     struct header_field *out);

/* After the last input: the field that was open (HEADER_FIELD), then HEADER_BODY. */
enum header_event header_reader_finish(struct header_reader *r, struct header_field *out);

/*
 * The next field of a whole block in memory, without copying; false at its end, and *block is
 * then the body (behind the empty line).  A "From " line ends it: see header_skip_from.
 */
bool header_next(struct span *block, struct header_field *out);

/* Skips the mbox line "From ..." that a block may begin with. */
void header_skip_from(struct span *block);

/* The first field called name (case-blind) in a block; false when there is none. */
bool header_find(struct span block, struct span name, struct header_field *out);

/* Is this line (or the start of one) "Name:" with an acceptable name?  Length of the name or 0. */
size_t header_name_length(struct span line);

/* Appends value with each fold replaced by its blanks alone (RFC 5322 2.2.3); stray CR, LF and
 * NUL become blanks, so that the result is always one line. */
void header_unfold(struct span value, struct buf *out);

/*
 * Appends "Name: value" and eol ("\n" or "\r\n").  The value is unfolded first, then folded at
 * blanks so that lines stay within HEADER_FOLD_AT where it has blanks, and within
 * HEADER_LINE_MAX always: a longer word is broken.  No octet of value can start a new field.
 */
void header_put_field(struct buf *out, struct span name, struct span value, const char *eol);

#endif
