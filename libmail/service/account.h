/*
 * account: who a mail user is, where the mail lies, and whether a password is right.
 *
 * Two sources: a users file in Dovecot's passwd-file format (format/passwdfile.h), or,
 * when none is given, the system's accounts (passwd and shadow).  A users-file line with
 * empty uid belongs to the process's own uid, or, when that is root, to the account that the
 * roles run as (sys/box.h).  An ordinary process can be nobody but itself, and needs no
 * passwd entry for that: without one its own name is $LOGNAME or $USER, or "uid" and its number.
 *
 * Names come from the network: what passwdfile_is_user refuses ('/', blanks, controls,
 * ':', "..", a leading '.' or '-', more than ACCOUNT_NAME_MAX octets) is no account.  A name is
 * looked up as it stands and then in lower case; struct account holds it as the source spells it.
 *
 * No secret stays in memory: the cached users file has its secrets blotted out, and a
 * password check reads them afresh and wipes them.  All calls block; none asks the network.
 */
#ifndef LETTERBOX_SERVICE_ACCOUNT_H
#define LETTERBOX_SERVICE_ACCOUNT_H

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "format/passwdfile.h"

#define ACCOUNT_MAILBOX "/var/mail/%u" /* the template when none is given */

enum {
	ACCOUNT_NAME_MAX = PASSWDFILE_USER_MAX,
	ACCOUNT_PATH_MAX = 1024,     /* with its NUL */
	ACCOUNT_GECOS_MAX = 128,     /* with its NUL; a longer full name is cut */
	ACCOUNT_SHELL_MAX = 128,     /* with its NUL */
	ACCOUNT_PASSWORD_MAX = 255,  /* octets; RFC 2449 section 4 limits the line */
	ACCOUNT_SECRET_MAX = 512,    /* of a stored one, scheme and NUL included */
	ACCOUNT_USERS_MAX = 8 << 20, /* octets of a users file: some 80,000 users */
};

struct account {
	char name[ACCOUNT_NAME_MAX + 1];
	uid_t uid;
	gid_t gid;
	char gecos[ACCOUNT_GECOS_MAX];  /* full name, or "" */
	char home[ACCOUNT_PATH_MAX];    /* absolute, or "" when there is none */
	char shell[ACCOUNT_SHELL_MAX];  /* "" when there is none; a longer one is cut */
	char mailbox[ACCOUNT_PATH_MAX]; /* absolute; a trailing '/' means Maildir */
};

struct account_source {
	char users[ACCOUNT_PATH_MAX];    /* "": system accounts */
	char template[ACCOUNT_PATH_MAX]; /* of the mailbox */
	struct buf cache;                /* the users file, secrets blotted out */
	int64_t seen_mtime[2];           /* s and ns; with the two below: what is cached */
	uint64_t seen_size, seen_inode;
};

/*
 * users and mailbox may be NULL or "": system accounts, ACCOUNT_MAILBOX.  In the template
 * %u is the user, %n and %d the parts of the user around '@' (no '@': %n is all, %d is
 * empty), %h the home directory, %% a per cent sign.  Fails PERM for a path that is too
 * long, an unknown % or a template that is not absolute ("%h/Maildir/" is).
 */
bool account_source_init(struct account_source *s, const char *users, const char *mailbox,
			 struct err *e);

/* For a daemon's start: a users file that cannot be read is logged; it may come later. */
void account_source_warn(const struct account_source *s);

void account_source_free(struct account_source *s);

/*
 * Fills out for name.  Fails PERM 5.1.1 when there is no such account, TEMP when the source
 * cannot be read, or (sys EPERM) names somebody we cannot become.  A users-file line may name the
 * mailbox by an extra field (mail= or userdb_mail=, "maildir:PATH", "mbox:PATH" or PATH,
 * with % as in the template and a leading "~/" for the home directory).
 */
bool account_find(struct account_source *s, struct span name, struct account *out, struct err *e);

/* What is needed to check a password; holds a secret until account_prove. */
struct account_proof {
	struct account account;
	struct err err; /* ERR_NONE: the right password opens the account */
	char stored[ACCOUNT_SECRET_MAX];
};

/*
 * The first half of a login: finds name as account_find does, and what its password is compared
 * with.  Reads shadow or the users file anew: call it in a process that ends, or that may hold
 * what it reads.
 */
void account_get_proof(struct account_source *s, struct span name, struct account_proof *p);

/*
 * The second half, which calls no system: true only when password is the right one of
 * p->account; wipes p->stored.  PERM 5.7.8: wrong, empty, no such account, locked; e->text tells
 * which for the log, and must not reach the client.  TEMP 4.7.0: cannot be told (file
 * unreadable, or a scheme that proto/secret.h has not, as yescrypt).  Takes about as long for a
 * name that is not there.
 */
bool account_prove(struct account_proof *p, struct span password, struct err *e);

/* Is this name fit to be looked up at all (see above)? */
bool account_name_ok(struct span name);

/*
 * The full name in a passwd entry, as sendmail takes it: up to "," ";" or "%", with the user's
 * name for "&".
 */
void account_put_full_name(const struct passwd *pw, struct buf *out);

/*
 * Checks password against a stored "{SCHEME}secret" or crypt string.  Schemes: PLAIN,
 * CRYPT, SHA256-CRYPT, SHA512-CRYPT, BLF-CRYPT, MD5-CRYPT, SCRAM-SHA-256.  Fails as above.
 */
bool account_secret_fits(struct span stored, struct span password, struct err *e);

#endif
