/*
 * mime: content types, transfer encodings and multipart bodies (RFC 2045, 2046, 2183, 2231).
 *
 * Streaming machines take chunks of any size and hold constant memory.  Nesting is the caller's:
 * the data of one mime_parts is fed to another, to whatever depth the caller allows.
 */
#ifndef LETTERBOX_FORMAT_MIME_H
#define LETTERBOX_FORMAT_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	MIME_BOUNDARY_MAX = 70, /* RFC 2046 5.1.1 */
	MIME_LINE_MAX = 76,     /* of encoded text, RFC 2045 6.7 and 6.8 */
	MIME_DEPTH_MAX = 32,    /* nested multiparts worth following */
};

/* ---- Content-Type, Content-Disposition, Content-Transfer-Encoding ---- */

struct mime_type {
	struct span type, subtype; /* as written; compare case-blind */
	struct span params;        /* for mime_param */
};

/* A Content-Type value.  False, and text/plain, when it is none (RFC 2045 5.2). */
bool mime_parse_type(struct span value, struct mime_type *out);

/* Case-blind comparison; subtype NULL matches any. */
bool mime_type_is(const struct mime_type *t, const char *type, const char *subtype);

/* Splits "attachment; filename=x" into its word and what mime_param takes. */
void mime_parse_value(struct span value, struct span *word, struct span *params);

/*
 * Appends the value of a parameter as UTF-8: quotes, comments and folds gone, RFC 2231 charsets
 * and continuations put together, encoded words (which have no place there but are common)
 * decoded.  False when it is absent.  Hostile: a file name may be "../x".
 */
bool mime_param(struct span params, struct span name, struct buf *out);

/* Appends "; name=value", quoted, or as RFC 2231 has it for text beyond ASCII. */
void mime_put_param(struct buf *out, struct span name, struct span value);

enum mime_encoding {
	MIME_7BIT,
	MIME_8BIT,
	MIME_BINARY,
	MIME_QP,
	MIME_BASE64,
	MIME_UNKNOWN, /* to be treated as application/octet-stream, RFC 2045 6.4 */
};

/* A Content-Transfer-Encoding value; the empty one is MIME_7BIT. */
enum mime_encoding mime_parse_encoding(struct span value);

/* "quoted-printable" and the like. */
const char *mime_encoding_name(enum mime_encoding e);

/* ---- which encoding a text needs ---- */

struct mime_survey {
	uint64_t octets, high;  /* all, and those above 0x7f */
	size_t column, longest; /* of the line now, and of the longest line */
	bool binary;            /* NUL, or a CR without LF */
	bool cr;                /* the last octet was a CR */
};

/* Start from {0}; feed the whole text. */
void mime_survey_feed(struct mime_survey *s, struct span in);

/*
 * The choice: 7bit if nothing speaks against it, 8bit if allowed and enough, else
 * quoted-printable for mostly ASCII and base64 for the rest.
 */
enum mime_encoding mime_survey_choose(const struct mime_survey *s, bool allow_8bit);

/* ---- encoders and decoders ---- */

struct mime_encoder {
	enum mime_encoding kind; /* MIME_QP, MIME_BASE64; others copy */
	const char *eol;         /* "\n" or "\r\n" for the lines written */
	size_t column;
	unsigned char held[3]; /* base64: octets of a group; quoted-printable: CR or blank */
	size_t held_len;
};

void mime_encoder_init(struct mime_encoder *e, enum mime_encoding kind, const char *eol);

/*
 * Appends in encoded.  Quoted-printable takes LF and CRLF as line ends and also encodes a
 * "From " or "." at the start of a line, which mailboxes and SMTP would change.  Base64 takes
 * octets as they are: text must have CRLF before (RFC 2045 6.8).
 */
void mime_encode(struct mime_encoder *e, struct span in, struct buf *out);

/* Appends what was held back, and ends the last line (base64 always, text if it had none). */
void mime_encode_finish(struct mime_encoder *e, struct buf *out);

struct mime_decoder {
	enum mime_encoding kind;
	uint32_t bits;  /* base64: bits not yet written */
	unsigned nbits; /* how many */
	bool ended;     /* base64: padding was seen */
	char held[80];  /* quoted-printable: a line's trailing blanks, or part of "=XY" */
	size_t held_len;
};

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding kind);

/*
 * Appends in decoded.  Lenient (RFC 2045 6.7, 6.8): base64 skips octets outside the alphabet,
 * quoted-printable passes on a "=" that begins no escape.  Line ends stay as they are.
 */
void mime_decode(struct mime_decoder *d, struct span in, struct buf *out);

/* Appends what was held back. */
void mime_decode_finish(struct mime_decoder *d, struct buf *out);

/* ---- multipart bodies ---- */

enum mime_event {
	MIME_MORE, /* all input is used up */
	MIME_PART, /* a part begins; its header and body follow as data */
	MIME_DATA, /* octets of the part */
	MIME_END,  /* the closing delimiter; what follows is ignored */
};

enum mime_place { MIME_IN_LINE, MIME_AT_LINE, MIME_AT_CR };

struct mime_parts {
	char delimiter[MIME_BOUNDARY_MAX + 2]; /* "--" and the boundary */
	size_t delimiter_len;
	char held[MIME_BOUNDARY_MAX + 64]; /* a line end and a line that may be a delimiter */
	size_t held_len;
	size_t eol_len; /* octets of that line end */
	unsigned parts; /* parts seen so far */
	enum mime_place place;
	bool in_part; /* not in the preamble or epilogue */
	bool ended;   /* the closing delimiter was seen */
};

/* False for a boundary that is empty or above the maximum: then there are no parts to find. */
bool mime_parts_init(struct mime_parts *p, struct span boundary);

/*
 * Takes octets from the front of *in up to the next event.  At MIME_DATA *data is valid until the
 * next call; the line end before a delimiter belongs to it and is not data (RFC 2046 5.1.1).
 */
enum mime_event mime_parts_next(struct mime_parts *p, struct span *in, struct span *data);

/* After the last input: MIME_DATA or MIME_END for what was held back, then MIME_MORE. */
enum mime_event mime_parts_finish(struct mime_parts *p, struct span *data);

#endif
