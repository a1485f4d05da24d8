/*
 * cf_header: the header of a message as a mailer gets it, by the H lines, the rulesets and the
 * mailer's flags.
 *
 * sendmail's putheader: fields that H lines ask for and the message lacks come first, then the
 * message's own; addresses are rewritten for the mailer, lists folded at 78 octets (or L=).
 * Bcc, Return-Path and Content-Length of the message are left out.  Macros that H lines use ($g,
 * $f, $x, $i, $a, $b ...) are the caller's to set.  Lines end in LF.
 *
 * Every call here gives the scratch memory of the evaluation up (cf_eval_reset).
 */
#ifndef LETTERBOX_CF_CF_HEADER_H
#define LETTERBOX_CF_CF_HEADER_H

#include "cf/cf_addr.h"

enum {
	CF_HEADER_ADDRS = 10000, /* addresses rewritten in one header; others stay as they are */
	CF_HEADER_WINDOW = 4096, /* octets of one address in a list; a longer one stays as it is */
	CF_HEADER_LINES = 64,    /* H lines with a value of their own */
};

/* An H line taken apart.  A ruleset H line has no value. */
struct cf_header_line {
	struct span name;    /* "*" for all fields */
	struct span value;   /* internal text, blank in front kept */
	struct span ruleset; /* its name, or empty */
	bool comments;       /* $>+: the ruleset sees comments as well */
	bool conditional;    /* ?...? stands in front */
	uint64_t flags[2];   /* mailer flags, one of which is needed */
	unsigned char macro; /* or this macro, when not 0 */
};

/* The H line at *at (first: cf->lines) or behind it; false when there is none. */
bool cf_header_line(struct cf_eval *ev, const struct cf_line **at, struct cf_header_line *out);

/*
 * The ruleset that checks fields of this name, or -1; sets comments to whether it wants them.
 * "H*" is for fields without one of their own.
 */
int cf_header_ruleset(struct cf_eval *ev, struct span name, bool *comments);

/* Who sends, as sendmail's setsender leaves it. */
struct cf_sender {
	char address[CF_NAME]; /* by rulesets 3, 1 and 4: $f; empty for <> */
	char domain[CF_NAME];  /* "@host" when the mailer that it resolves to has F=C, else empty */
	char user[CF_NAME];    /* of a sender whose mailer has F=l, else empty */
	char given[CF_NAME];   /* as it was given */
};

/* Fills out; false when the address resolves to nothing: address is then the text itself. */
bool cf_header_sender(struct cf_eval *ev, struct span from, struct cf_sender *out);

/* The envelope sender as mailer m gives it ($g): appended.  Returns the status. */
int cf_header_return_path(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
			  struct buf *out);

/*
 * The header block (whatever line ends) as mailer m gets it, appended to out with an LF behind
 * each line and no empty line at its end.  received: a Received field of ours is there
 * already, and no H line adds one.  EXIT_TEMPFAIL: a map failed for now.
 */
int cf_header_write(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
		    struct span header, bool received, struct buf *out);

/* The line "From sender date" in front of a message, unless the mailer has F=n; appended. */
void cf_header_from_line(struct cf_eval *ev, const struct cf_mailer *m, struct buf *out);

/* ---- shared by the files of this module ---- */

/* One address field, rewritten and folded: "Name: a, b" and LF. */
int cf_header_list(struct cf_eval *ev, const struct cf_sender *s, const struct cf_mailer *m,
		   struct span name, struct span value, bool sender, bool old_style,
		   unsigned *addresses, struct buf *out);

#endif
