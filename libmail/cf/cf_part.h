/*
 * cf_part: what the engine's files share among themselves; nobody else includes
 * it.  Ownership and errors are as in cf/cf.h.
 */
#ifndef LETTERBOX_CF_CF_PART_H
#define LETTERBOX_CF_CF_PART_H

#include "cf/cf.h"

/* The character behind the $ of an operator and back; 0 for those named otherwise. */
char cf_op_char(int op);
int cf_op_of(char c);

/* A field up to delim without quotes and backslashes, copied; *s becomes what follows. */
struct span cf_munch(struct cf *cf, struct span *s, char delim);

/* Is there a queue group of this name? */
bool cf_queue_known(const struct cf *cf, struct span name);

/* The token types for these OperatorChars. */
void cf_set_operators(struct cf *cf, struct span chars);

/* A token array of CF_ATOMS + 1 that nobody keeps across calls. */
struct cf_tok *cf_scratch(struct cf_eval *ev);

/* Building: an F line's text behind the class, adding to class id. */
void cf_class_file(struct cf_eval *ev, int id, struct span text);

#endif
