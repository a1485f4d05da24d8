/*
 * cfgen_from: from the configuration of another mailer to a definition file.
 *
 * Kinds: ssmtp.conf, msmtprc, dma.conf, main.cf (postfix), and nullmailer, whose control
 * directory the caller gives as lines "FILE CONTENTS".  Pure.  What cannot be carried
 * over becomes a comment with its line number; an octet that a definition file cannot
 * hold makes its line such a comment.
 */
#ifndef LETTERBOX_CF_CFGEN_FROM_H
#define LETTERBOX_CF_CFGEN_FROM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/* Where that mailer has its file (nullmailer: the directory), or NULL: no such kind. */
const char *cfgen_from_path(struct span kind);

/* Appends the definition file.  False for an unknown kind, or when out overflowed. */
bool cfgen_from(struct span kind, struct span text, struct buf *out);

#endif
