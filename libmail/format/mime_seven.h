/*
 * mime_seven: a message for a server without 8BITMIME (RFC 6152 3), as a stream.
 *
 * Parts whose Content-Transfer-Encoding is 8bit or binary become quoted-printable, at any depth
 * up to MIME_SEVEN_DEPTH; what contains them then is 7bit, which needs no field.  All else,
 * also text that never said what it is, goes through as it came.  Signatures break over it.
 */
#ifndef LETTERBOX_FORMAT_MIME_SEVEN_H
#define LETTERBOX_FORMAT_MIME_SEVEN_H

#include "format/mime.h"

enum {
	MIME_SEVEN_DEPTH = 8,          /* of multiparts in each other */
	MIME_SEVEN_HEADER_MAX = 65536, /* octets of one part's header; a longer one is not read */
	MIME_SEVEN_LINE = 256,         /* no delimiter is longer, but for blanks behind it */
};

struct mime_seven {
	char boundary[MIME_SEVEN_DEPTH][MIME_BOUNDARY_MAX + 1];
	size_t depth;
	struct buf header; /* of the part, until it is whole */
	struct buf line;   /* the start of a line that may be a delimiter, in held */
	char held[MIME_SEVEN_LINE];
	struct mime_encoder encoder;
	bool in_header, encoding, in_line;
};

void mime_seven_init(struct mime_seven *m);

/*
 * Appends what in becomes, LF or CRLF lines in any chunking; at most three times its octets.  Where
 * memory fails here, out overflows: what it has is not the message.  m stays where it is.
 */
void mime_seven_feed(struct mime_seven *m, struct span in, struct buf *out);

/* Appends the rest, and gives the memory back; harmless twice. */
void mime_seven_finish(struct mime_seven *m, struct buf *out);

#endif
