/*
 * cf_part: what the engine's files share among themselves; nobody else includes
 * it.  Ownership and errors are as in cf/cf.h.
 */
#ifndef LETTERBOX_CF_CF_PART_H
#define LETTERBOX_CF_CF_PART_H

#include "cf/cf.h"
#include "cf/cf_addr.h"

/* The character behind the $ of an operator and back; 0 for those named otherwise. */
char cf_op_char(int op);
int cf_op_of(char c);

/* Is the octet behind it its argument? */
bool cf_op_has_arg(int op);

/* Is there anything that cf_expand might replace? */
bool cf_has_macro(struct span text);

enum { CF_TYPE_ATOM = 1 }; /* of cf->types: sticks to its like */

/* A field up to delim without quotes and backslashes, copied; *s becomes what follows. */
struct span cf_munch(struct cf *cf, struct span *s, char delim);

/* Reports with one %.*s: a line in internal text, \001 standing for each "$" as in sendmail. */
void cf_report_line(struct cf_eval *ev, const char *fmt, struct span line);

/*
 * The next "Code=value" of an M, Q or X line, whose messages call it what ("mailer ") and name.
 * 0 at the end, -1 after a report.
 */
int cf_equate(struct cf_eval *ev, const char *what, struct span name, struct span *line,
	      struct span *value);

/* Tells each unit of time that is none ("5x"), as sendmail's convtime. */
void cf_check_time(struct cf_eval *ev, struct span v);

/* The number in column col (from 0) of name's line in a file such as passwd(5), or -1. */
long cf_account_id(struct cf_eval *ev, const char *file, struct span name, int col);

/* Building: flags that local, prog and *file* have, or have not, whatever is written. */
void cf_mailers_complete(struct cf *cf);

/* Reports what is wrong with an H, P, Q or X line; false: it is not to be kept. */
bool cf_line_check(struct cf_eval *ev, struct span line);

/* Is there a queue group of this name? */
bool cf_queue_known(const struct cf *cf, struct span name);

/* The token types for these OperatorChars. */
void cf_set_operators(struct cf *cf, struct span chars);

/* A token array of CF_ATOMS + 1 that nobody keeps across calls. */
struct cf_tok *cf_scratch(struct cf_eval *ev);

/* Building: an F line's text behind the class, adding to class id. */
void cf_class_file(struct cf_eval *ev, int id, struct span text);

/* One $( key $@ arg $: default $), tokens at..end, of which end is the closing operator. */
struct cf_lookup {
	const struct cf_tok *key, *dflt;
	size_t nkey, ndflt;
	struct span arg[CF_MAP_ARGS + 1];
	int nargs;
	bool has_dflt;
};

/* Takes the tokens between $( name and $) apart; l borrows them. */
void cf_lookup_split(struct cf_eval *ev, const struct cf_tok *tok, size_t n, struct cf_lookup *l);

enum { CF_CALLS = 16 }; /* MAX_SUBR: $> in one right side, this number excluded */

/*
 * Where the $> of tok are and what they call, at most CF_CALLS of each: their number, -1 after
 * a report.  Calls of rulesets without rules are taken out.
 */
int cf_calls_find(struct cf_eval *ev, struct cf_tok *tok, size_t *n, size_t *at, int *called);

/* Takes the quotes out of the names behind $> in a rule that was used: it is shown without them. */
void cf_calls_unquote(struct cf_eval *ev, const struct cf_rule *r);

/* A step of ruleset rs to the host's trace, if there is one. */
void cf_trace_ruleset(const struct cf_eval *ev, enum cf_step step, int rs,
		      const struct cf_rule *rule, const struct cf_tok *tok, size_t n);

/* The value that makes a macro undefined, whatever the configuration says (cf_macro_set). */
extern const struct span cf_macro_none;

/* The operator is the key, the operands are arguments 1 and 2; wrong ones are EXIT_CONFIG. */
bool cf_arith(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
	      struct buf *out, int *status);

/* s without its quotes; a backslash only protects what is behind it from being taken for one. */
struct span cf_strip_quotes(struct cf_eval *ev, struct span s);

/* cf_join into scratch memory; size is at most CF_LINE. */
struct span cf_join_kept(struct cf_eval *ev, const struct cf_tok *tok, size_t n, char space,
			 size_t size);

/* What a mailer triple names (buildaddr); reports, and false for the error mailer too. */
bool cf_addr_build(struct cf_eval *ev, struct cf_tok *tok, size_t n, unsigned flags,
		   struct cf_addr *a);

/* The length of the enhanced status code "d.d.d" (RFC 3463) that s starts with, or 0. */
size_t cf_enhanced_length(struct span s);

/* A report that is a warning: no error, no line. */
void cf_note(struct cf_eval *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
