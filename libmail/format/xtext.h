/*
 * xtext: the encoding of ENVID, ORCPT and AUTH= values in SMTP, RFC 3461 section 4.
 *
 * "+" and two upper case hexadecimal digits stand for an octet that may not appear as itself.
 */
#ifndef LETTERBOX_FORMAT_XTEXT_H
#define LETTERBOX_FORMAT_XTEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* Appends raw with everything but 0x21-0x7e without '+' and '=' encoded. */
void xtext_encode(struct span raw, struct buf *out);

/*
 * Appends what xtext encodes.  False, with out as before, when it is none.  The result is hostile:
 * it may hold any octet.  Hexadecimal digits are taken in either case.
 */
bool xtext_decode(struct span xtext, struct buf *out);

/* Is this xtext? */
bool xtext_is_valid(struct span s);

#endif
