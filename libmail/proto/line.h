/*
 * line: the one owner of line endings on the wire.
 *
 * Three small machines that take any chunking of their input:
 * - struct line splits command and reply lines (RFC 5321 2.3.8, 4.5.3.1.4);
 * - struct line_body decodes a DATA body: undoes dot-stuffing and finds the
 *   only end there is, CRLF.CRLF (RFC 5321 4.1.1.4, 4.5.2);
 * - struct line_encoder makes such a body out of any octets.
 * None allocates; none looks at the clock; NUL and 8-bit are data in bodies.
 * A bare CR or bare LF is never passed on: it is refused or repaired.
 */
#ifndef LETTERBOX_PROTO_LINE_H
#define LETTERBOX_PROTO_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	LINE_COMMAND_MAX = 512,   /* RFC 5321 4.5.3.1.4, with CRLF */
	LINE_SENDMAIL_MAX = 2048, /* what sendmail takes in a command */
	LINE_AUTH_MAX = 12288,    /* RFC 4954 4, with CRLF */
	LINE_TEXT_MAX = 998,      /* RFC 5321 4.5.3.1.6 and RFC 5322 2.1.1, without CRLF */
};

enum line_kind {
	LINE_MORE, /* no whole line in the input yet */
	LINE_OK,   /* *text is the line without its ending */
	LINE_LONG, /* longer than max; swallowed up to its CRLF */
	LINE_BAD,  /* holds a bare CR, a bare LF or a NUL; swallowed up to its CRLF */
};

/* Zero-initialized at the start of a connection. */
struct line {
	size_t seen;   /* octets of the unconsumed input already looked at */
	bool skipping; /* inside a line that was reported LONG or BAD */
	bool lenient;  /* LF alone ends a line too: terminals, replies of servers */
};

/*
 * Takes the next line of at most max octets, ending included, out of in.  *used
 * octets are done with; the rest must come again, with more behind it, in the
 * next call.  LINE_LONG and LINE_BAD come as soon as they are certain, so a
 * buffer of max octets is enough and a client without CR is not left waiting.
 */
enum line_kind line_next(struct line *l, struct span in, size_t max, size_t *used,
			 struct span *text);

/* What becomes of a bare CR or bare LF in a body. */
enum line_policy {
	LINE_REFUSE,  /* read on to the real end, put nothing more out (sendmail 8.18) */
	LINE_REPAIR,  /* a space takes its place (sendmail's srv_features u2, g2) */
	LINE_LENIENT, /* LF ends a line and LF.LF the body; CR as REPAIR: local stdio only */
};

/* What a body held; bits of line_body.flags. */
enum {
	LINE_HAS_BARE_CR = 1,
	LINE_HAS_BARE_LF = 2,
	LINE_HAS_8BIT = 4,
	LINE_HAS_NUL = 8,
	LINE_HAS_LONG = 16, /* a line above LINE_TEXT_MAX; it is not cut */
};

struct line_body {
	uint64_t octets;         /* of decoded text seen, CRLFs counted as two */
	size_t column;           /* octets since the last line ending */
	enum line_policy policy; /* set by line_body_init */
	uint8_t state;           /* private */
	uint8_t flags;           /* LINE_HAS_* */
};

enum line_body_event {
	LINE_BODY_MORE, /* all input consumed */
	LINE_BODY_DATA, /* *out holds decoded octets */
	LINE_BODY_END,  /* the final dot was consumed; what follows is a command */
};

/* Starts a body, at the beginning of its first line. */
void line_body_init(struct line_body *b, enum line_policy policy);

/*
 * Decodes from in; *used octets are done with, none need come again.  *out points
 * into in or to constant octets, and joins as many lines as need no change.  Call
 * again with the rest until LINE_BODY_MORE or LINE_BODY_END.
 */
enum line_body_event line_body_next(struct line_body *b, struct span in, size_t *used,
				    struct span *out);

/* True when LINE_REFUSE met a bare CR or LF: the message must be answered 5.6.11. */
bool line_body_refused(const struct line_body *b);

/* Zero-initialized at the start of a body, but for limit. */
struct line_encoder {
	uint32_t limit;  /* octets of a line; the rest goes to lines of its own; 0 = any length */
	uint32_t column; /* private, as the next */
	uint8_t state;
};

/*
 * Appends in to out as DATA text: LF and CRLF become CRLF, a leading dot is
 * doubled, a CR without LF becomes a space.  At most 2 octets out per octet in;
 * a CR at the end of in is held back.  Where a line passes the limit, sendmail's "!", a line
 * end and a space are put in; then it is 4 octets more for each limit octets.
 */
void line_encode(struct line_encoder *e, struct span in, struct buf *out);

/* Ends the last line if need be and appends the final ".CRLF". */
void line_encode_end(struct line_encoder *e, struct buf *out);

#endif
