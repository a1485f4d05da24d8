/*
 * cf: the sendmail.cf engine, from the text of a configuration to rewritten
 * addresses.
 *
 * struct cf is one compiled configuration: cf_init, cf_load, cf_finish; after
 * that it is only read, so that a daemon holds one and swaps it.  The calls
 * marked "building" may change it before it is shared.  struct cf_eval is what
 * one evaluation needs besides: macros set at run time, scratch memory and the
 * caller's struct cf_host, through which everything outside (map data, files,
 * messages, traces) goes.  The language is that of the operations guide of
 * sendmail 8.17, and messages and limits are sendmail's.
 *
 * Internal text: octets 0x80 to 0x9f stand for the $ operators (enum cf_op); a macro's or
 * class's name behind one is a single octet, its identifier.
 */
#ifndef LETTERBOX_CF_CF_H
#define LETTERBOX_CF_CF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

enum cf_op {
	CF_ANY0 = 0x90,      /* $* */
	CF_ANY1,             /* $+ */
	CF_ONE,              /* $- */
	CF_CLASS,            /* $=x */
	CF_NCLASS,           /* $~x */
	CF_REPL,             /* $1 */
	CF_MAILER,           /* $# */
	CF_HOST,             /* $@, on a left side: no token */
	CF_USER,             /* $: */
	CF_CALL,             /* $> */
	CF_IF,               /* $?x */
	CF_ELSE,             /* $| */
	CF_FI,               /* $. */
	CF_CANON,            /* $[ */
	CF_CANONEND,         /* $] */
	CF_LOOKUP,           /* $( */
	CF_LOOKUPEND = 0x80, /* $) */
	CF_MACRO,            /* $x, replaced when read */
	CF_DEFER,            /* $&x, replaced when used */
	CF_LITERAL,          /* the next octet is data, although 0x80 to 0x9f */
};

/* sendmail's own limits (conf.h of 8.17); more is refused with its texts. */
enum {
	CF_LINE = 2048,      /* MAXLINE: a line, an expanded macro */
	CF_NAME = 256,       /* MAXNAME: an address, a token */
	CF_ATOMS = 1000,     /* MAXATOM: tokens of an address */
	CF_FUZZY = 9,        /* MAXMATCH: $1 to $9 */
	CF_RULESETS = 200,   /* MAXRWSETS: numbers below half, names above */
	CF_DEPTH = 50,       /* MaxRuleRecursion */
	CF_LOOPS = 100,      /* one rule in a row */
	CF_MAP_ARGS = 32,    /* MAX_MAP_ARGS: $@ of one $( */
	CF_LONG_FIRST = 160, /* identifiers from here on are {long} names */
	CF_STEPS = 4000000   /* tokens looked at by one cf_rewrite: ours, bounds its time */
};

/* A token.  Text is borrowed from the configuration or the evaluation. */
struct cf_tok {
	const char *p;
	uint32_t id;  /* of the interned word that it equals but for case, or 0 */
	uint16_t len; /* octets at p; for an operator none */
	uint8_t op;   /* enum cf_op, or 0 for text */
	uint8_t arg;  /* of CF_CLASS, CF_NCLASS, CF_DEFER: the identifier; CF_REPL: the digit */
};

struct cf_rule {
	struct cf_rule *next;
	const struct cf_tok *lhs, *rhs;
	uint64_t need; /* one bit for each literal that the left side must find */
	uint32_t line;
	uint16_t nlhs, nrhs;
	uint16_t least; /* tokens that the left side consumes at least */
};

struct cf_ruleset {
	struct span name; /* empty: only a number */
	struct cf_rule *first, *last;
};

/* A word known to the configuration: rule literals and class members. */
struct cf_word {
	const char *p;
	uint32_t len, hash;
	uint64_t *classes; /* 256 bits, or NULL */
	int16_t map;       /* index of the map of this name, or -1 */
};

/* The kinds of map; those from CFM_TEXT on are the host's. */
enum cf_map_kind {
	CFM_NONE, /* an unknown class: never matches */
	CFM_DEQUOTE,
	CFM_ARITH,
	CFM_MACRO,
	CFM_NULL,
	CFM_SEQUENCE,
	CFM_SWITCH,
	CFM_STAB,
	CFM_TEXT,
	CFM_HASH, /* hash, btree, dbm, implicit: text in makemap's form, or cdb */
	CFM_CDB,
	CFM_HOST,
	CFM_DNS,
	CFM_BESTMX,
	CFM_USER,
	CFM_REGEX,
	CFM_SYSLOG,
	CFM_SOCKET,
	CFM_PROGRAM,
	CFM_ARPA,
};

/* A K line.  The single-letter fields hold a flag's argument, empty when not given. */
struct cf_map {
	struct span name, class;
	enum cf_map_kind kind;
	bool is_open;     /* the K line was good */
	uint64_t letters; /* the flags given; see cf_map_flag */
	struct span a, T, k, v, z, S, d, R, file, rest;
	char space;            /* what -S or -s replaces spaces by, 0: default */
	struct span member[8]; /* sequence: map names */
	int members;
	void *impl; /* the host's data */
};

/* An M line; rulesets are numbers, 0: none.  charset labels nothing: no text is made MIME here. */
struct cf_mailer {
	struct span name, path, argv, dir, eol, queue, root, charset;
	struct span type[3]; /* T=: MTA, address, diagnostic types */
	uint64_t flags[2];   /* bit per ASCII letter */
	int se, sh, re, rh;  /* sender and recipient, envelope and header */
	long max_size, line_limit, max_rcpt, max_msgs, wait, nice;
	long uid, gid;           /* -1: none given as a number */
	struct span user, group; /* U= as written */
};

/* H, P, E, L, X, Q and T lines as they are, in internal text. */
struct cf_line {
	struct cf_line *next;
	char kind;
	uint32_t line;
	struct span text;
};

struct cf_option {
	struct cf_option *next;
	uint8_t id;
	struct span value;
};

struct cf_member {
	struct cf_member *next;
	struct span text; /* in the case in which it was added */
};

enum { CF_MAILERS = 25, CF_MAPS = 512 }; /* MAXMAILERS; maps: ours */

struct cf {
	struct arena mem;
	int level; /* of the V line */
	struct span vendor;
	uint8_t types[256];    /* token types, parentheses operators */
	bool chars, split;     /* OperatorChars were set; a rule was split by them: they stay */
	char blank;            /* BlankSub */
	struct cf_word *words; /* [0] unused */
	uint32_t nwords, capwords, nslots;
	uint32_t *slots;        /* open addressing over words */
	struct span macro[256]; /* ptr NULL: undefined */
	struct span long_name[256];
	int longs;               /* identifiers given out above CF_LONG_FIRST */
	uint16_t class_len[256]; /* longest member */
	struct cf_ruleset rs[CF_RULESETS];
	int next_named;
	struct cf_map *maps[CF_MAPS];
	int nmaps;
	struct cf_mailer *mailers[CF_MAILERS];
	int nmailers;
	struct cf_line *lines, **lines_tail;
	struct cf_option *options, **options_tail;
	struct cf_member *members[256];
	unsigned errors; /* messages that make the exit status 70 */
};

struct cf_eval;

/* What a trace call shows; ruleset names are those -bt prints. */
enum cf_step {
	CF_STEP_INPUT,
	CF_STEP_RETURNS,
	CF_STEP_TRYING,      /* rule */
	CF_STEP_FAILS,       /* rule */
	CF_STEP_MATCHES,     /* rule */
	CF_STEP_REWRITTEN,   /* tokens */
	CF_STEP_MACRO_LEFT,  /* status = a $&x of a left side, text = its value */
	CF_STEP_MACRO_RIGHT, /* the same of a right side */
	CF_STEP_SKIPPED,     /* a call of a ruleset without rules */
	CF_STEP_LOOKUP,      /* map, text = key */
	CF_STEP_FOUND,       /* map, text = value */
	CF_STEP_MISSING,     /* map, status */
	CF_STEP_CRACKED,     /* name, text with the $g */
};

struct cf_trace {
	enum cf_step step;
	struct span name;
	const struct cf_tok *tok;
	size_t n;
	const struct cf_rule *rule;
	const struct cf_map *map;
	struct span text;
	const struct span *args; /* of CF_STEP_LOOKUP, ending in a NULL ptr, or NULL */
	int status;
};

/* The caller's side; ctx is passed back. */
struct cf_host {
	void *ctx;
	/* A message: line of the file (0: none), reply code with blank or "", text. */
	void (*report)(void *ctx, uint32_t line, const char *code, struct span text);
	/* Or NULL. */
	void (*trace)(void *ctx, const struct cf_trace *t);
	/*
	 * Looks key up in a map of a host's kind and appends the raw value to out.
	 * Returns a sysexits status: 0 found, EXIT_UNAVAILABLE (or another) not
	 * found, EXIT_TEMPFAIL try again.  args end in a NULL ptr.
	 */
	int (*lookup)(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		      const struct span *args, struct buf *out);
	/* Called for each K line once its flags are parsed; false: a report was made. */
	bool (*open_map)(void *ctx, struct cf_eval *ev, struct cf_map *m);
	/* Reads a class file; 0, or the errno value. */
	int (*read_file)(void *ctx, struct span path, struct buf *out);
};

struct cf_eval {
	struct cf *cf;
	const struct cf_host *host;
	struct arena mem;                   /* scratch: emptied by cf_eval_reset */
	struct span macro[256];             /* set at run time; ptr NULL: the configuration's */
	struct arena kept;                  /* values of those */
	struct cf_tok *level[CF_DEPTH + 5]; /* workspaces, kept; the last two for passing use */
	struct span to;                     /* the address that messages name, or empty */
	bool building;                      /* words may be added */
	uint32_t line;                      /* while reading a configuration */
	uint32_t fuel;                      /* steps left of CF_STEPS */
	bool tired;                         /* set when they were used up */
	int status;                         /* the last error's sysexits status, 0: none */
	int debug;                          /* level of category 21 */
	int debug_maps;                     /* level of category 60 */
	bool delivering_deferred;
};

/* Building: an empty configuration with sendmail's predefined macros and mailers. */
void cf_init(struct cf *cf);
void cf_free(struct cf *cf);

/* An evaluation of cf.  cf_eval_reset gives scratch memory back, keeps macros. */
void cf_eval_init(struct cf_eval *ev, struct cf *cf, const struct cf_host *host);
void cf_eval_reset(struct cf_eval *ev);
void cf_eval_free(struct cf_eval *ev);

/*
 * Building: reads a configuration.  Mistakes are reported and reading goes on,
 * as sendmail does; cf->errors counts them.  False only without memory.
 */
bool cf_load(struct cf_eval *ev, struct span text);

/* Building: one option by its long name or letter, as -O and -o give it. */
void cf_option_set(struct cf_eval *ev, char letter, struct span text);

/* The value of an option by its long name; empty when not set. */
struct span cf_option_get(const struct cf *cf, const char *name);

/* The long name of an option that was set. */
const char *cf_option_name(const struct cf_option *o);

/* The last H, P, ... line of text with a macro: how messages are made. */
void cf_report(struct cf_eval *ev, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes a comment out of a line, and turns $ notation into internal text: in place; new lengths. */
size_t cf_strip_comment(char *p, size_t len);
size_t cf_translate(struct cf_eval *ev, char *p, size_t len);

/*
 * The identifier named at the start of s ("x" or "{name}") and in *used the
 * octets that it takes; 0 after a report when there is none.
 */
int cf_macro_id(struct cf_eval *ev, struct span s, size_t *used);

/* "x" or "{name}" for an identifier, appended to out. */
void cf_macro_name(const struct cf *cf, int id, struct buf *out);
/* A macro's unexpanded value; ptr NULL when undefined. */
struct span cf_macro_get(const struct cf_eval *ev, int id);

/* Sets a macro for this evaluation (ptr NULL: back to the configuration's). */
void cf_macro_set(struct cf_eval *ev, int id, struct span value);

/* Building: sets a macro of the configuration. */
void cf_macro_define(struct cf *cf, int id, struct span value);

/* Appends text with macros and conditionals replaced ($&x stays) to out. */
void cf_expand(struct cf_eval *ev, struct span text, struct buf *out);

/* Building: adds a word to class id. */
void cf_class_add(struct cf *cf, int id, struct span word);

/* Whether word is in class id, but for case. */
bool cf_class_has(const struct cf *cf, int id, struct span word);

/* Interning: the word's index, 0 when it is unknown (find) or without memory (add). */
uint32_t cf_word_find(const struct cf *cf, const char *p, size_t len);
uint32_t cf_word_add(struct cf *cf, struct span s);

enum cf_scan_kind {
	CF_SCAN_RULE,    /* rule text: no comments (level 9 and up), angles as they are */
	CF_SCAN_TEST,    /* -bt input: no comments, angles balanced */
	CF_SCAN_ADDRESS, /* addresses: comments are dropped */
};

/*
 * Splits text into at most CF_ATOMS tokens, up to delim (0: all of it), and sets
 * *rest to what stands from the delim on.  Repairs and reports what is
 * unbalanced; false when it is too long.  tok holds CF_ATOMS + 1.
 */
bool cf_scan(struct cf_eval *ev, struct span text, char delim, enum cf_scan_kind kind,
	     struct cf_tok *tok, size_t *n, struct span *rest);

/* Joins tokens as an address, space (0: BlankSub) between atoms; cut as sendmail cuts at size. */
void cf_join(const struct cf *cf, const struct cf_tok *tok, size_t n, char space, size_t size,
	     struct buf *out);

/*
 * Appends text, or a token, as -bt shows it: operators by name, 8-bit as M-x, line
 * ends and tabs as \\n, other controls not at all.  cf_show_plain keeps 8-bit octets.
 */
void cf_show(const struct cf *cf, struct span text, struct buf *out);
void cf_show_plain(const struct cf *cf, struct span text, struct buf *out);
void cf_show_tok(const struct cf *cf, const struct cf_tok *tok, struct buf *out);

/*
 * The number of a ruleset named at the start of s; -1 after a report (or, when
 * the name is unknown, silently).  *used is what the name took.  create: Building.
 */
int cf_ruleset_id(struct cf_eval *ev, struct span s, bool create, size_t *used);

/* Its name, or its number in decimal, appended to out. */
void cf_ruleset_name(const struct cf *cf, int rs, struct buf *out);

/* Building: one R line's text behind the R. */
void cf_rule_add(struct cf_eval *ev, int rs, struct span line);

/*
 * Does the left side of rule match tok?  Fills from and to (CF_FUZZY + 1 of
 * each, half-open token ranges) and *fuzzy, their number.
 */
bool cf_match(struct cf_eval *ev, const struct cf_rule *rule, const struct cf_tok *tok, size_t n,
	      uint16_t *from, uint16_t *to, int *fuzzy);

/*
 * Runs ruleset rs on the tokens, in place (tok holds CF_ATOMS + 1).  Returns a
 * sysexits status, 0 for success; the tokens stand whatever it is.
 */
int cf_rewrite(struct cf_eval *ev, struct cf_tok *tok, size_t *n, int rs);

/* Takes n steps off the time that is left; false, the first time with a report, when it is up. */
bool cf_spend(struct cf_eval *ev, size_t n);
/* Building: one K line's text behind the K. */
void cf_map_add(struct cf_eval *ev, struct span line);
struct cf_map *cf_map_find(const struct cf *cf, struct span name);

/*
 * Looks a key up as $( does: folding, flags, %1 substitution.  True with the
 * value in out; else *status says why (0 or EXIT_UNAVAILABLE: no match).
 */
bool cf_map_lookup(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		   struct buf *out, int *status);

/* The same without what $( does around it (quotes, -T): how /map asks. */
bool cf_map_raw(struct cf_eval *ev, struct cf_map *m, struct span key, const struct span *args,
		struct buf *out, int *status);

/* Was the flag with this letter given on the K line? */
bool cf_map_flag(const struct cf_map *m, char letter);

/* Building: one M line's text behind the M. */
void cf_mailer_add(struct cf_eval *ev, struct span line);
struct cf_mailer *cf_mailer_find(const struct cf *cf, struct span name);
bool cf_mailer_flag(const struct cf_mailer *m, char letter);

/* Building: the words of a C line's text (behind the name) into class id. */
void cf_class_line(struct cf_eval *ev, int id, struct span text);

#endif
