/*
 * direct: final delivery to one account, now, by this process or a child of it.
 *
 * For programs without the daemon's roles: the deliver applet, and sendmail where
 * neither a queue nor a daemon can be reached.  As root a child becomes the
 * recipient first; else only mailboxes of our own uid can be delivered to.
 */
#ifndef LETTERBOX_SERVICE_DIRECT_H
#define LETTERBOX_SERVICE_DIRECT_H

#include <stdbool.h>

#include "service/account.h"
#include "service/local.h"
#include "service/settings.h"

enum { DIRECT_LOCK_WAIT_MS = 60000 };

/*
 * The account that a recipient means: who as it stands, which may be a user of that full name, else
 * the part before the "@", else that without "+detail", else root for postmaster (RFC 5321
 * 4.5.1).  Fails as account_find.
 */
bool direct_find(struct account_source *accounts, struct span who, struct account *out,
		 struct err *e);

/*
 * May mail for a go into the mailbox now?  TEMP 4.3.5 when a ~/.forward may say otherwise, which
 * needs a queue.  Not for programs that are final delivery by themselves.
 */
bool direct_may(const struct settings *s, const struct account *a, struct span detail,
		struct err *e);

/*
 * Delivers job to a's mailbox, or to path when it is not NULL (its directory is made); false with
 * job->err.  TEMP 4.3.5 with sys EPERM when the account is another uid's and we are not root.
 */
bool direct_deliver(const struct account *a, const char *path, struct local_job *job);

/*
 * An open, unnamed file for a message on its way: TMPDIR, else /tmp, else memory.  -1 and e.
 */
int direct_spool(struct err *e);

#endif
