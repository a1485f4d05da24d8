/*
 * command: the command of an alias "|program words", taken apart without a shell.
 *
 * The rules are smrsh's: the program is named, not where it lies, so all before its last '/' is
 * dropped; "exec" in front is dropped too; of a shell's language only quotes and backslashes
 * have a meaning, and what would do more than start that program is refused.
 */
#ifndef LETTERBOX_FORMAT_COMMAND_H
#define LETTERBOX_FORMAT_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the words of text (without the '|'), each ended by a NUL; the first is the program's
 * base name, never empty, "." or "..".  Fails PERM 5.5.0 with smrsh's text; out has then no use.
 */
bool command_split(struct span text, struct buf *out, struct err *e);

#endif
