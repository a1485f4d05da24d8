/*
 * sendmail_verify: what the files of -bv share; see sendmail_verify.c.
 *
 * Addresses are in a list by host, those that others stand for, too; all memory is the arena's.
 */
#ifndef LETTERBOX_APPLETS_SENDMAIL_VERIFY_H
#define LETTERBOX_APPLETS_SENDMAIL_VERIFY_H

#include "base/arena.h"
#include "sendmail.h"
#include "service/account.h"

struct addr {
	struct addr *next, *parent;
	const struct cf_mailer *mailer;
	struct span text, host, user;
	struct span shellless;  /* the user whose programs and files do not count */
	bool has_host, primary; /* primary: from the command line, not an alias */
	bool dead;              /* others stand for it */
	bool bad;               /* an error was told */
	bool ok;                /* to be delivered */
	bool self;              /* an alias that names itself: the user of that name gets it too */
};

struct verify {
	struct sendmail *m;
	struct alias aliases;
	struct account_source accounts;
	struct arena mem;
	struct addr *queue;
	unsigned count;
	const char *file; /* that is being read, or NULL */
	unsigned line;
	bool commas; /* lists are in the new style */
	bool warned; /* something was repaired */
	int status;  /* of the first error */
};

/* Texts of sendmail begin with the file and line that it is at; status is of an error, or 0. */
void sendmail_verify_where(const struct verify *v);
void sendmail_verify_say(struct verify *v, struct span to, const char *text, int status);

/* Takes the lines of a list, "forwarding" or "sending" to it; returns how many addresses it has. */
unsigned sendmail_verify_lines(struct verify *v, struct span text, const char *path,
			       const char *how, struct addr *a, int depth);

bool sendmail_verify_same(const struct addr *a, const struct addr *b);

/* ---- sendmail_verify_user.c ---- */

/*
 * An address that stands for itself in the end (sendmail's self_reference): the first on the way
 * that is a user gets the mail as well; true then, and the address is to be dropped.
 */
bool sendmail_verify_loop(struct verify *v, struct addr *a);

/* Looks the account of a up, with the ~/.forward there is. */
void sendmail_verify_user(struct verify *v, struct addr *a, int depth);

#endif
