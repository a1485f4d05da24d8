/*
 * route: who may send to whom, and by which mailer.
 *
 * One interface in front of the policy, which is the compiled sendmail.cf (service/config.h): an
 * envelope and an address go in; mailer, host and user, a verdict or an error come out, with
 * sendmail's texts.  Whether a local user exists is asked of service/account.h by the caller.
 *
 * route_begin comes before each question or few.  A question whose maps need an answer that is
 * under way says so by route_pending: then nothing else it said counts, and all of it is asked
 * again from route_begin on when the answer is there.
 */
#ifndef LETTERBOX_SERVICE_ROUTE_H
#define LETTERBOX_SERVICE_ROUTE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/span.h"
#include "service/config.h"
#include "service/mta_ipc.h"
#include "service/settings.h"

/*
 * What becomes of a recipient.  LOCAL: a user of this host, by the mailer "local".  RELAY: SMTP
 * or LMTP, the mailer's P= is [IPC] or [TCP].  PROGRAM: any other mailer.
 */
enum route_kind {
	ROUTE_LOCAL,
	ROUTE_RELAY,
	ROUTE_PROGRAM,
	ROUTE_FILE,
	ROUTE_INCLUDE,
	ROUTE_DISCARD
};

struct route {
	enum route_kind kind;
	const struct cf_mailer *mailer; /* lives as long as the configuration */
	bool deferred;                  /* a name or map could not be looked up: not now */
	bool external;                  /* LOCAL by a program of the configuration */
	char user[MTA_ADDR_MAX];        /* LOCAL: without the quotes of a quoted name */
	char host[MTA_ADDR_MAX];        /* "" where the mailer has none; may be a list a:b */
	char address[MTA_ADDR_MAX];     /* the recipient, qualified */
};

/* The rulesets that are asked by name; settings.checks has a bit for each that is there. */
enum route_check {
	ROUTE_CHECK_RELAY,
	ROUTE_CHECK_MAIL,
	ROUTE_CHECK_RCPT,
	ROUTE_CHECK_DATA,
	ROUTE_CHECK_EOH,
	ROUTE_CHECK_VRFY,
	ROUTE_CHECK_EXPN,
	ROUTE_CHECK_ETRN,
	ROUTE_CHECK_OTHER,  /* the other commands: line and first digit of the reply */
	ROUTE_CHECK_HEADER, /* not by name: an H line has a ruleset */
	ROUTE_AUTHINFO,     /* this and the next three are asked by the relay role */
	ROUTE_TRY_TLS,
	ROUTE_TLS_SERVER,
	ROUTE_TLS_RCPT,
	ROUTE_CHECK_COMPAT,
	ROUTE_TLS_CLIENT,
	ROUTE_SRV_FEATURES,
	ROUTE_GREET_PAUSE,
	ROUTE_CHECKS,
	ROUTE_CLT_FEATURES = ROUTE_CHECKS, /* for route_words: with the bit of TRY_TLS */
	/*
	 * Bits of settings.checks alone: there are mail filters (InputMailFilters), which nobody
	 * calls, so that each is one that cannot be reached: F=T, F=R of the first that has one.
	 */
	ROUTE_FILTERS = ROUTE_CHECKS,
	ROUTE_FILTERS_TEMP,
	ROUTE_FILTERS_REJECT,
	ROUTE_MACROS, /* and from here on: the configuration looks at one of enum route_macro */
};

/* Macros of a session that few configurations look at; the others are not told of them. */
enum route_macro {
	ROUTE_M_CLIENT_PORT,
	ROUTE_M_CONNECTIONS,
	ROUTE_M_RATE,
	ROUTE_M_TOTAL_RATE,
	ROUTE_M_DAEMON_ADDR,
	ROUTE_M_DAEMON_PORT,
	ROUTE_M_DAEMON_FAMILY,
	ROUTE_M_DAEMON_FLAGS,
	ROUTE_M_IF_ADDR,
	ROUTE_M_IF_NAME,
	ROUTE_M_IF_FAMILY,
	ROUTE_M_COUNT
};

/* A configuration that has one of these is for the relay role, too. */
enum {
	ROUTE_BY_RELAY =
	    1 << ROUTE_AUTHINFO | 1 << ROUTE_TRY_TLS | 1 << ROUTE_TLS_SERVER | 1 << ROUTE_TLS_RCPT
};

_Static_assert(ROUTE_MACROS + ROUTE_M_COUNT <= 32, "bits of settings.checks are made by 1u <<");

/* Their names, "{client_port}". */
extern const char *const route_macros[ROUTE_M_COUNT];

/* REFUSED fills the error: reply, status, text.  QUARANTINE: its text is the reason. */
enum route_verdict { ROUTE_OK, ROUTE_REFUSED, ROUTE_DISCARDED, ROUTE_QUARANTINED };

/*
 * Begins an evaluation with the macros that m (or nothing: NULL) gives: {client_addr}, $s, $f,
 * {auth_authen} and the like, and those in m->macros.  False: out of memory.
 */
bool route_begin(struct config *c, const struct mta_check *m);

/*
 * Aliases may name programs, files and lists, and nobody from outside: PERM 5.7.1 in sendmail's
 * words when r is one of those.
 */
bool route_is_open(const struct route *r, struct err *e);

/* Did the last question end early? */
bool route_pending(const struct config *c);

/*
 * Routes a recipient: rulesets 3 and 0, the mailer's.  Fails with what $#error says, or as
 * sendmail for a malformed address (PERM 5.1.3); what is deferred is no failure: it is taken, and
 * tried later.  Sets {rcpt_mailer}, {rcpt_host}, {rcpt_addr}.
 */
bool route_recipient(struct config *c, const struct settings *s, struct span rcpt,
		     struct route *out, struct err *e);

/*
 * Ruleset 5 (localaddr) for a result of a mailer with F=5 that is no alias, in place: it may name
 * another user or mailer, and then *changed is set.  Calls are bounded by the caller.  Fails with
 * what $#error says, or TEMP.
 */
bool route_local(struct config *c, struct route *r, bool *changed, struct err *e);

/* Asks one of the check rulesets.  b.ptr NULL: one argument. */
enum route_verdict route_check(struct config *c, enum route_check which, struct span a,
			       struct span b, struct err *e);

/*
 * Asks one that answers in words behind $#: those that there are, at most max, in words; status
 * TEMPFAIL where a map could not be asked.
 */
int route_words(struct config *c, enum route_check which, struct span a, struct span b,
		struct span *words, size_t *max);

/* With the bits of SRV_FEATURES and of TRY_TLS. */
#define ROUTE_TLS_SRV_FEATURES "tls_srv_features"
#define ROUTE_TLS_CLT_FEATURES "tls_clt_features"

/*
 * Asks one of these two about a TLS session with a host that has this name and address.  False: TLS
 * must not be used, since its answer is no list of key=value, has an unknown key, or could not be
 * had.  *fallback is set to the flag c or C, if there is one.
 */
bool route_features(struct config *c, const char *ruleset, struct span name, struct span addr,
		    char *fallback);

/* Asks the ruleset of an H line about a field's value; comments: it wants them. */
enum route_verdict route_check_header(struct config *c, int rs, bool comments, struct span value,
				      struct err *e);

/* The bits of settings.checks. */
unsigned route_checks(struct config *c);

struct account;
struct account_source;

/*
 * The account of a LOCAL result: the name as it stands, without "+detail", and for
 * postmaster also root (RFC 5321 4.5.1).  Fails as account_find.
 */
bool route_account(struct account_source *accounts, const struct route *r, struct account *out,
		   struct err *e);

/*
 * The next name to try when user was not found, in place; false when there is none.
 */
bool route_other_name(char *user, size_t cap);

/*
 * The sender to put on the envelope: qualified; for a local caller who is not trusted, their own
 * address (name is the account of the caller's uid, "" when it has none).  PERM 5.1.7 malformed.
 */
bool route_sender(const struct settings *s, const struct mta_origin *o, struct span sender,
		  const char *name, bool trusted, struct buf *out, struct err *e);

/*
 * Parses a sender as sendmail does, for its errors, and appends {mail_mailer}, {mail_host} and
 * {mail_addr} to macros in the form of mta_check.macros.
 */
bool route_parse_sender(struct config *c, struct span sender, struct buf *macros, struct err *e);

/* Appends a macro to such a list; sets those of one. */
void route_put_macro(struct buf *macros, const char *name, struct span value);
void route_set_macros(struct config *c, struct span macros);

/* The client's address as {client_addr} has it; empty for a local one. */
struct span route_client_addr(const struct config *c);

/*
 * True when the caller may set any sender: root, the daemon's own uid, a TrustedUsers name, or
 * one of class t.  c may be NULL.
 */
bool route_is_trusted(const struct config *c, const struct settings *s, uid_t uid, uid_t own,
		      const char *name);

#endif
