/*
 * encword: encoded words, RFC 2047: text beyond ASCII in subjects and display names.
 *
 * Only for unstructured text, phrases and comments; never for an addr-spec or inside a quoted
 * string (RFC 2047 5).  Both directions are lossless for UTF-8.
 */
#ifndef LETTERBOX_FORMAT_ENCWORD_H
#define LETTERBOX_FORMAT_ENCWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

enum { ENCWORD_MAX = 75 }; /* octets of one encoded word, RFC 2047 2 */

/*
 * Appends UTF-8 text (one line; octets that are no UTF-8 are taken for windows-1252).  ASCII
 * text that cannot be mistaken for an encoded word stays as it is; else the words from the
 * first to the last that need it are encoded, Q or B, whichever is shorter, joined by a blank
 * where the line can be folded.  No character is split.
 */
void encword_encode(struct span text, struct buf *out);

/* Appends a display name: a phrase, quoted as address_put_phrase does, or all of it encoded. */
void encword_put_phrase(struct span text, struct buf *out);

/* Does text need encoding: 8-bit, a control, or "=?" in it? */
bool encword_is_needed(struct span text);

/*
 * Appends a field's text with encoded words made UTF-8 and folds removed.  Blanks between two
 * encoded words vanish.  What is malformed or in an unknown charset stays as written.
 */
void encword_decode(struct span value, struct buf *out);

#endif
