/*
 * aliases: sendmail's alias file, and the lists on its right sides.
 *
 * An entry is "name: target, target ...".  A line that begins with a blank continues the entry
 * before it, and so does whatever follows a backslash at the end of a line; "#" and empty lines
 * are passed over.  Names are looked up in any case.  Right sides are kept as they are
 * written, since the address parser must see their quotes.
 */
#ifndef LETTERBOX_FORMAT_ALIASES_H
#define LETTERBOX_FORMAT_ALIASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum aliases_event {
	ALIASES_END,
	ALIASES_ENTRY,
	ALIASES_NO_COLON, /* left: what stands there instead */
	ALIASES_NO_VALUE, /* left: the name that has none */
	ALIASES_STRAY,    /* a continuation of nothing; further ones are passed over silently */
};

/* Reads a file that is in memory; joins lines in place, so the text is changed. */
struct aliases_reader {
	char *text;
	size_t len, at;
	uint32_t line; /* number of the last line read */
	bool skipping; /* continuation lines are passed over */
};

struct aliases_entry {
	struct span left;  /* all before the colon, as written */
	struct span right; /* behind it, from the first octet that is no blank */
};

void aliases_reader_init(struct aliases_reader *r, char *text, size_t len);

/* The next entry or mistake.  Spans point into the text and stay valid. */
enum aliases_event aliases_read(struct aliases_reader *r, struct aliases_entry *out);

/*
 * The name in a left side: without blanks at its ends, and without quotes that it does not
 * need, as lookups have it.  Part of left.
 */
struct span aliases_name(struct span left);

enum aliases_kind {
	ALIASES_ADDRESS,
	ALIASES_EXACT,   /* \user: not to be looked up again */
	ALIASES_PROGRAM, /* |command */
	ALIASES_FILE,    /* /path */
	ALIASES_INCLUDE, /* :include:/path */
};

struct aliases_target {
	enum aliases_kind kind;
	struct span text;  /* as written, without blanks at its ends: what an address parser gets */
	struct span value; /* user, command or path, without the mark and its quotes */
};

/*
 * Takes the text up to delim (',' or ' ') off a list, without blanks at its ends; delim counts
 * outside of quotes, comments and angle brackets.
 */
struct span aliases_cut(struct span *list, char delim);

/*
 * Takes the next target off a list, which ends at a comma outside of quotes, comments and
 * angle brackets.  Empty ones are passed over.  False at the end.
 */
bool aliases_next(struct span *list, struct aliases_target *out);

/* Takes the next line with a list off an :include: file or ~/.forward; false at the end. */
bool aliases_next_list(struct span *text, struct span *list);

#endif
