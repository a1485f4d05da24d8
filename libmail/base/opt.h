/*
 * opt: command line options from a table.
 *
 * Not getopt: musl's knows no option whose argument must be attached
 * ("-q" against "-q10m"), and an unknown option must not end the program that
 * a crontab depends on.  Short options may be bundled ("-ti"); an argument is
 * the rest of the word or the next word ("-fuser", "-f user"); long options
 * take "--name=value" or "--name value"; "--" ends the options, and so does the
 * first word that is none, unless the table is permuted.
 */
#ifndef LETTERBOX_BASE_OPT_H
#define LETTERBOX_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>

enum opt_arg {
	OPT_NONE,     /* a flag */
	OPT_REQUIRED, /* an argument, attached or the next word */
	OPT_ATTACHED, /* an argument only when attached; else NULL */
};

struct opt_spec {
	char letter;      /* 0 for long only */
	const char *name; /* long name without dashes, or NULL */
	enum opt_arg arg; /* does it take an argument */
	int id;           /* what opt_next returns; > 0 */
};

enum {
	OPT_END = 0,      /* no option left: operands start at s->argv[s->at] */
	OPT_UNKNOWN = -1, /* s->word names it; parsing can go on */
	OPT_MISSING = -2, /* a required argument is not there; s->word names the option */
	OPT_OPERAND = -3, /* permuted tables only: s->value is an operand */
};

struct opt_state {
	const struct opt_spec *specs; /* ends in a row with id 0 */
	char **argv;                  /* borrowed; argv[0] is skipped */
	int argc;
	int at;             /* index of the next word */
	const char *bundle; /* rest of a word of short options, or NULL */
	bool permute;       /* options may stand behind operands */
	bool ended;         /* "--" was seen */
	char word[64];      /* "-x" or "--name" of the last option, for messages */
	const char *value;  /* its argument, or NULL */
};

/* Starts parsing argv[1..]; specs and argv are borrowed. */
void opt_init(struct opt_state *s, const struct opt_spec *specs, int argc, char **argv,
	      bool permute);

/* The id of the next option, or one of the values above. */
int opt_next(struct opt_state *s);

#endif
