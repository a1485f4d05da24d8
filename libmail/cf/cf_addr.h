/*
 * cf_addr: whole addresses by a configuration's rulesets: what a recipient resolves
 * to, how a mailer writes an address, and which part of a header's text is address.
 *
 * Messages go through the evaluation's host; nothing here keeps state.
 */
#ifndef LETTERBOX_CF_CF_ADDR_H
#define LETTERBOX_CF_CF_ADDR_H

#include "cf/cf.h"

enum {
	CF_ADDR_SENDER = 1,
	CF_ADDR_HEADER = 2,
	CF_ADDR_BARE = 4, /* the address alone, without phrase and comments: an envelope's */
};

/* What ruleset 0 resolved an address to. */
struct cf_addr {
	const struct cf_mailer *mailer; /* NULL with is_error */
	bool is_error, has_host;
	struct span host, user;
	bool deferred;          /* a ruleset failed for now; what is_bad may follow from that */
	bool is_bad;            /* refused for good: an error, or a user that is no name */
	struct span code, text; /* of the error mailer: "553", "Hostname required" */
};

/*
 * Rulesets 3, 0 and the recipient path, as a recipient is parsed.  False (after
 * a report) when it does not resolve.  Spans live until cf_eval_reset.
 */
bool cf_addr_parse(struct cf_eval *ev, struct span addr, unsigned flags, struct cf_addr *out);

/*
 * An address as mailer m shows it (rulesets 3, 1 or 2, the mailer's, 4), with
 * its comments unless it is CF_ADDR_BARE, appended to out.  Returns the status.
 */
int cf_addr_remote(struct cf_eval *ev, struct span addr, const struct cf_mailer *m, unsigned flags,
		   struct buf *out);

/*
 * The same; domain ("@host", or empty) is put behind an address that has none, as F=C of the
 * sender's mailer asks.
 */
int cf_addr_remote_at(struct cf_eval *ev, struct span addr, const struct cf_mailer *m,
		      unsigned flags, struct span domain, struct buf *out);

/*
 * Ruleset 5 (localaddr) for the user and host of a local address (maplocaluser): true when it
 * names a mailer; $#error is false with is_error.  deferred: a map failed for now.
 */
bool cf_addr_local(struct cf_eval *ev, struct span user, struct span host, struct cf_addr *out);

enum cf_verdict {
	CF_CHECK_OK,
	CF_CHECK_REFUSED,
	CF_CHECK_DISCARD,
	CF_CHECK_QUARANTINE,
	CF_CHECK_UNSPLIT, /* no tokens can be made of the arguments; out says "for now" */
};

/*
 * Asks a check_... ruleset about one argument, or two (b.ptr NULL: one): sendmail's rscheck.
 * An undefined ruleset says OK.  Refused: out->code, out->text and out->host as the error
 * mailer has them; quarantine: out->text is the reason.  Arguments are text from outside;
 * comments: whether those in them are dropped, as in addresses.
 */
enum cf_verdict cf_check(struct cf_eval *ev, int rs, struct span a, struct span b, bool comments,
			 struct cf_addr *out);

/*
 * Runs ruleset rs, as authinfo, on a $| b: the words behind the $# of what it returns, of which
 * *count fit; none when it returns something else, or rs is -1.  The status of cf_rewrite.
 */
int cf_check_words(struct cf_eval *ev, int rs, struct span a, struct span b, struct span *words,
		   size_t *count);

/*
 * The same for one that answers in text, as tls_clt_features: EXIT_UNAVAILABLE where that is no
 * text but $#.  rs is one that there is.
 */
int cf_check_text(struct cf_eval *ev, int rs, struct span a, struct span b, struct span *text);

/* The number of a ruleset, or -1 when there is none or it has no rule. */
int cf_check_find(struct cf_eval *ev, const char *name);

/*
 * The reply of a refusal: its code, its enhanced status (at most 11 octets and a NUL) and what
 * is left of the text, as sendmail writes them.
 */
int cf_check_reply(const struct cf_addr *a, char status[12], struct span *text);

/* Is the address too long or not 7-bit?  Then reports so. */
bool cf_addr_invalid(struct cf_eval *ev, struct span addr);

/* Does the configuration take "a:b" as an address, not as a group (ColonOkInAddr)? */
bool cf_colon_ok(const struct cf *cf);

/*
 * The address with what is not address around a $g macro, appended to out; by ColonOkInAddr and
 * MustQuoteChars of cf, which may be NULL.
 */
void cf_crack(const struct cf *cf, struct span addr, struct buf *out);

/* The identifier of macro "x" or "{name}" (see cf_macro_id); 0 where no line has that name. */
int cf_macro_known(const struct cf *cf, struct span name);

#endif
