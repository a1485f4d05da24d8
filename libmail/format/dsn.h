/*
 * dsn: delivery status notifications: bounces, delay warnings and receipts.
 *
 * A report is a message of three parts (RFC 6522): a text for people in sendmail's layout, the
 * fields of RFC 3464 for programs, and the header of the message it is about (RFC 3462's
 * text/rfc822-headers), which the caller writes between dsn_put_head and dsn_put_tail.
 *
 * Everything in the structs may be hostile: it is made one line of printable ASCII and cut where
 * it stands, so that nothing can add a field, a line or a part.  Never report to the null
 * sender (RFC 5321 6.1): that is for the caller to know.
 */
#ifndef LETTERBOX_FORMAT_DSN_H
#define LETTERBOX_FORMAT_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	DSN_DIAGNOSTIC_MAX = 900, /* octets of one diagnostic: it must fit on a line */
	DSN_ADDRESS_MAX = 512,    /* of an address, in whatever form a client gave it */
};

/* RFC 3464 2.3.3. */
enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_recipient {
	struct span final;    /* address delivery was tried for */
	struct span original; /* ORCPT, xtext decoded: "rfc822;a@b"; or empty */
	enum dsn_action action;
	struct span status;     /* "5.1.1"; made X.0.0 when it is none (RFC 3463) */
	struct span diagnostic; /* reply or error text, several lines allowed; or empty */
	bool smtp;              /* the diagnostic is a reply of the remote server */
	struct span remote;     /* host that said so, or empty */
	int64_t attempt;        /* time of the last attempt, 0 when there was none */
};

struct dsn_report {
	struct span host;       /* our name */
	struct span daemon;     /* address the report is from: MAILER-DAEMON@host */
	struct span to;         /* address it goes to */
	struct span boundary;   /* unique, RFC 2046 characters, at most MIME_BOUNDARY_MAX */
	struct span message_id; /* without brackets */
	struct span client;     /* where the message came from: "host [address]"; or empty */
	struct span queue_id;   /* of the message, or empty */
	struct span envid;      /* ENVID, xtext decoded; or empty */
	int64_t arrival;        /* when the message came */
	int64_t now;
	int64_t expires; /* delayed: when we give up; 0 when unknown */
	int zone;        /* minutes east of UTC for all dates */
	bool eightbit;   /* what the caller writes has octets above 0x7f */
	bool whole;      /* it is the whole message, not the header */
	const char *eol; /* "\n" or "\r\n" */
	const struct dsn_recipient *recipients;
	size_t nrecipients;
};

/*
 * Appends the report up to the start of its third part's content.  The subject tells of failure if
 * any recipient failed, else of delay if any is delayed, else it is a receipt.  Bytes: about
 * 2 KiB and 2 KiB a recipient at most.
 */
void dsn_put_head(struct buf *out, const struct dsn_report *r);

/* Appends what follows the original header: an end of line and the closing delimiter. */
void dsn_put_tail(struct buf *out, const struct dsn_report *r);

/* A status code as RFC 3463 2 has it: class 2, 4 or 5, and two numbers of 1-3 digits. */
bool dsn_is_status(struct span s);

#endif
