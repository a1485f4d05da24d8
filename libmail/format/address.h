/*
 * address: SMTP paths (RFC 5321 4.1.2) and addresses in header fields (RFC 5322 3.4, 4.4).
 *
 * Everything works on borrowed spans: results point into the input and live as long as it does.
 * Linear time, never reads past the end, allocates nothing.  Octets above 0x7f are taken as
 * UTF-8 letters (RFC 6531 3.3); controls and NUL are refused everywhere, also inside quotes.
 *
 * An address without a domain is an ordinary value ("root", "postmaster"): the caller qualifies.
 */
#ifndef LETTERBOX_FORMAT_ADDRESS_H
#define LETTERBOX_FORMAT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * RFC 5321 4.5.3.1.1-3.  A path counts its two brackets.  64 octets of local part are what
 * everybody must take; return paths of lists are often longer, so that is only reported.
 */
enum { ADDRESS_LOCAL_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_PATH_MAX = 256 };

/* A DNS label, RFC 1035 2.3.4. */
enum { ADDRESS_LABEL_MAX = 63 };

enum address_error {
	ADDRESS_OK,
	ADDRESS_MISSING,    /* nothing where an address should stand */
	ADDRESS_UNBALANCED, /* a bracket, quote or comment is not closed */
	ADDRESS_BAD_LOCAL,  /* empty local part, or an octet that may not stand there */
	ADDRESS_BAD_DOMAIN, /* empty or malformed domain or address literal */
	ADDRESS_TOO_LONG,   /* past ADDRESS_PATH_MAX */
};

/* What was wrong, for a reply: "Unbalanced '<'" and the like; "" for ADDRESS_OK. */
const char *address_error_text(enum address_error e);

struct address_path {
	struct span mailbox; /* local@domain as written; source route and final dot dropped */
	struct span local;   /* as written, quotes and backslashes kept; empty for <> */
	struct span domain;  /* with the brackets of a literal; empty when there is none */
	struct span rest;    /* what follows the path, without blanks at either end */
	bool null;           /* the null path <> */
	bool long_local;     /* local part above ADDRESS_LOCAL_MAX */
	bool eightbit;       /* needs SMTPUTF8 */
};

/*
 * The argument of MAIL FROM: or RCPT TO: (text behind the colon, without line end).  Takes what
 * sendmail takes: blanks before and inside the brackets, no brackets at all, a source route
 * (dropped, RFC 5321 appendix C), a missing domain, dots anywhere in the local part, [host].
 */
enum address_error address_parse_path(struct span in, struct address_path *out);

/*
 * One bare addr-spec and nothing else: no brackets, comments or blanks.  Fills all of out but
 * rest.  The empty span is ADDRESS_MISSING.
 */
enum address_error address_parse(struct span in, struct address_path *out);

/* Splits at the last '@' outside quotes; without one, domain is empty.  Never fails. */
void address_split(struct span addr, struct span *local, struct span *domain);

/* user+detail: splits at the first '+' behind the first octet.  False: no detail; user is all. */
bool address_split_detail(struct span local, struct span *user, struct span *detail);

/* Same mailbox: local parts octet for octet, domains but for ASCII case and a final dot. */
bool address_eq(struct span a, struct span b);

/* A number that equal addresses share, and hardly any others: long lists are compared by it. */
uint32_t address_key(struct span addr);

/* Is this local part (or address without domain) "postmaster", case-blind (RFC 5321 4.5.1)? */
bool address_is_postmaster(struct span local);

enum address_literal {
	ADDRESS_LITERAL_NONE, /* no brackets, or nothing usable inside */
	ADDRESS_LITERAL_IPV4, /* [192.0.2.1] */
	ADDRESS_LITERAL_IPV6, /* [IPv6:2001:db8::1] */
	ADDRESS_LITERAL_NAME, /* [host.name], sendmail's way to say "no MX" */
};

/* The kind of an address literal; *inner becomes the IP address or name alone. */
enum address_literal address_literal_kind(struct span domain, struct span *inner);

/* A domain name of labels (letters, digits, '-', '_', UTF-8), one final dot allowed. */
bool address_is_domain(struct span s);

/* Appends local without quotes and backslashes: the name to look a user up by. */
void address_put_unquoted(struct span local, struct buf *out);

/*
 * Appends name as a local part, quoted if it needs to be (RFC 5321 4.1.2).  Quotes add octets:
 * what came from a path near ADDRESS_PATH_MAX may no longer fit in one.
 */
void address_put_quoted(struct span name, struct buf *out);

/*
 * Fit for a program's argument vector and for file names built from it: only ASCII letters,
 * digits and "._+-=%@#~^", no '-' or '.' first, at most one '@', no "..".  A mailer without
 * this property of its arguments must not be run (no address reaches a shell at all).
 */
bool address_is_safe(struct span addr);

/* ---- header fields: To, Cc, Bcc, From, Sender, Reply-To, Resent-* ---- */

struct address_item {
	struct span raw;     /* the element as written, trimmed */
	struct span addr;    /* its addr-spec as written, may hold comments and blanks */
	struct span name;    /* display name as written (phrase), empty when there is none */
	struct span comment; /* inside of the last comment at this level, or empty */
	struct span group;   /* the display name of the group it stands in */
	bool in_group;       /* group membership (a group's name may be empty) */
	bool bracketed;      /* the address stood in < > */
	bool bad;            /* unbalanced quote, comment or bracket: addr is a guess */
};

struct address_list {
	struct span in;    /* the field's value, folded or not */
	size_t at;         /* next octet to look at */
	struct span group; /* name of the open group */
	bool in_group;     /* between ':' and ';' */
};

/* Starts on a field's value, which is borrowed. */
void address_list_init(struct address_list *l, struct span value);

/*
 * The next mailbox, in and outside of groups; empty elements and empty groups give none, and a
 * semicolon outside a group separates like a comma.  False at the end.  A route inside the
 * brackets is left out of addr (RFC 5322 4.4).
 */
bool address_list_next(struct address_list *l, struct address_item *out);

/*
 * Appends item.addr as a clean addr-spec: comments, blanks and folds gone ("john . doe (x) @b"
 * becomes john.doe@b), then checked as address_parse does.  On an error out is as before.
 */
enum address_error address_put_clean(struct span addr, struct buf *out);

/* Appends a display name as text: quotes, backslashes and folds gone; encoded words stay. */
void address_put_name(struct span name, struct buf *out);

/* Appends text as a phrase, quoted when it holds specials (RFC 5322 3.2.3). */
void address_put_phrase(struct span text, struct buf *out);

#endif
