/*
 * route: who may send to whom, and by which mailer.
 *
 * One interface in front of the policy: an envelope and a recipient go in; a mailer,
 * host and user, or an error, come out.  The policy is the built-in one: domains of this
 * host go to the local mailer, everything else to the relay, for those who may.
 * Looks at nothing but its arguments; whether a local user exists is asked of
 * service/account.h by the caller.
 */
#ifndef LETTERBOX_SERVICE_ROUTE_H
#define LETTERBOX_SERVICE_ROUTE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"
#include "service/mta_ipc.h"
#include "service/settings.h"

enum route_mailer { ROUTE_LOCAL, ROUTE_RELAY };

struct route {
	enum route_mailer mailer;
	char user[MTA_NAME_MAX + 1]; /* ROUTE_LOCAL: account name, detail still on it */
	char host[MTA_NAME_MAX + 1]; /* ROUTE_RELAY: the domain */
	char address[MTA_ADDR_MAX];  /* the recipient, qualified */
};

/*
 * Routes a recipient.  PERM 5.1.3 malformed address.  Relay permission is route_may_relay's.
 */
bool route_recipient(const struct settings *s, struct span rcpt, struct route *out, struct err *e);

struct account;
struct account_source;

/*
 * The account of a ROUTE_LOCAL result: the name as it stands, without "+detail", and for
 * postmaster also root (RFC 5321 4.5.1).  Fails as account_find.
 */
bool route_account(struct account_source *accounts, const struct route *r, struct account *out,
		   struct err *e);

/*
 * The next name to try when user was not found, in place; false when there is none.
 */
bool route_other_name(char *user, size_t cap);

/* True for local programs, loopback clients and authenticated ones; else PERM 5.7.1. */
bool route_may_relay(const struct mta_origin *o, struct err *e);

/*
 * The sender to put on the envelope: qualified; for a local caller who is not trusted, their own
 * address (name is the account of the caller's uid, "" when it has none).  PERM 5.1.7 malformed.
 */
bool route_sender(const struct settings *s, const struct mta_origin *o, struct span sender,
		  const char *name, bool trusted, struct buf *out, struct err *e);

/* True when the caller may set any sender: root, the daemon's own uid, or a TrustedUsers name. */
bool route_is_trusted(const struct settings *s, uid_t uid, uid_t own, const char *name);

#endif
