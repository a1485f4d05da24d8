/*
 * charset: UTF-8 checked, old charsets made UTF-8, and text made safe for a terminal.
 *
 * Inside, text is UTF-8 (RFC 3629).  Known charsets: us-ascii, utf-8, iso-8859-1, iso-8859-15 and
 * windows-1252, with their usual other names; iso-8859-1 is read as windows-1252, as
 * everybody does.  Octets that mean nothing become U+FFFD.
 */
#ifndef LETTERBOX_FORMAT_CHARSET_H
#define LETTERBOX_FORMAT_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { CHARSET_CHAR_MAX = 4 }; /* octets of a UTF-8 character */

/*
 * Octets of the UTF-8 character at the front of s and its code point in *cp (may be NULL);
 * 0 when s is empty or does not begin with a well-formed one (overlong, surrogate, too large).
 */
size_t charset_utf8_next(struct span s, uint32_t *cp);

/* All of s is well-formed. */
bool charset_is_utf8(struct span s);

/* No octet above 0x7f. */
bool charset_is_ascii(struct span s);

/* Appends a code point below 0x110000 as UTF-8. */
void charset_put_utf8(struct buf *out, uint32_t cp);

/*
 * Appends in, written in the named charset (case-blind), as UTF-8.  False, and nothing
 * appended, for a charset not known.
 */
bool charset_to_utf8(struct span name, struct span in, struct buf *out);

/*
 * Appends UTF-8 text with all that could steer a terminal replaced: controls but tab (and LF if
 * multiline) and C1 controls by '?', bidirectional overrides and octets that are no UTF-8 by
 * U+FFFD, CR left out before LF.
 */
void charset_put_printable(struct buf *out, struct span in, bool multiline);

/*
 * The longest head of s within n octets that does not end inside a character; with ill-formed
 * text simply n octets.
 */
struct span charset_head(struct span s, size_t n);

#endif
