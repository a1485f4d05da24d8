/*
 * cfgen_part: what the files of the generator share; see cf/cfgen.h.
 *
 * The configuration comes from a template.  A line of it that starts with ~ steers:
 *   ~?COND   ~:   ~.     lines up to ~: or ~. when COND holds, else those behind ~:
 *   ~*LIST   ~.          lines once for each item of a list
 * COND is NAME (set, and neither "no" nor "none"), NAME=a|b (one of these), or either with a
 * ! before.  In all others %NAME% is a value, %>NAME% a relay as $#mailer $@ host, and
 * %1% to %5% are parts of the item: before its =, behind it, and that split at colons.
 */
#ifndef LETTERBOX_CF_CFGEN_PART_H
#define LETTERBOX_CF_CFGEN_PART_H

#include "cf/cfgen.h"

/*
 * A row of the table of variables.  kind says which values there are: "" any text, "1" one
 * word, "*" words, "#" a number, "|" lines, else the choices, divided by "|".  A row
 * without help is internal; one without a name is a heading of the standard file.
 */
struct cfgen_variable {
	const char *name, *kind, *fallback, *help;
};

extern const struct cfgen_variable cfgen_variables[];
/* Names, options, mailers; and the rulesets. */
extern const char cfgen_head[], cfgen_rules[];

/* The row's number, or -1. */
int cfgen_find(struct span name);

/* The known name that looks most like it, or NULL when none does. */
const char *cfgen_nearest(struct span name);

/* Sets an internal variable to a copy of text. */
void cfgen_derive(struct cfgen *g, const char *name, struct span text, const char *source);

/* Takes the next word off a list (blanks, commas, continued lines; lines: only line ends). */
struct span cfgen_word(struct span *list, bool lines);

/* Is value one of the choices "a|b|c"? */
bool cfgen_is_one_of(struct span value, const char *choices);

/*
 * Values that follow from others: names, operating system, type of output; the template's
 * lists of lines; the relay's address.  False after a report.
 */
bool cfgen_prepare(struct cfgen *g);
bool cfgen_prepare_lists(struct cfgen *g);
bool cfgen_prepare_relay(struct cfgen *g);

void cfgen_report(struct cfgen *g, bool error, const char *file, uint32_t line, uint32_t column,
		  const char *hint, const char *fmt, ...) __attribute__((format(printf, 7, 8)));

#endif
