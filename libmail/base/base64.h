/*
 * base64: RFC 4648 section 4, the alphabet of MIME, SASL and PEM.
 *
 * Works on spans; line breaks are the caller's business when encoding and
 * refused when decoding, as SASL demands (RFC 4954 section 4).
 */
#ifndef LETTERBOX_BASE_BASE64_H
#define LETTERBOX_BASE_BASE64_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* Appends the encoding of in, with padding, to out. */
void base64_encode(struct span in, struct buf *out);

/*
 * Appends the octets that in encodes to out.  False for a character outside
 * the alphabet, wrong padding, a length that is no multiple of 4, or bits set
 * in the unused tail; out may then hold a part.
 */
bool base64_decode(struct span in, struct buf *out);

#endif
