/*
 * gate_agent: starting a delivery agent for an account; see gate.h.
 */
#ifndef LETTERBOX_SERVICE_GATE_AGENT_H
#define LETTERBOX_SERVICE_GATE_AGENT_H

#include "base/err.h"
#include "service/account.h"
#include "service/settings.h"

/*
 * Starts the role "agent" for key and tells it what it is for.  Returns the channel for
 * whoever asked, or -1.  Keys:
 *
 *	alice          her mailbox; as root it makes a missing file or Maildir where only root
 *	               may (a spool directory of root's)
 *	/path          a file that an alias names, as DefaultUser
 *	alice/path     one that alice's ~/.forward names, as her
 *	alice:detail/path   ... the one that counts for alice+detail
 *	:alice/detail  reads the ~/.forward that counts for alice+detail, and no other file but the
 *	               lists that it includes, as her
 *	|mailer        the program of a mailer that settings.programs has, as its U=, else as
 *	|mailer/alice  alice (her mailbox is made, too), else as DefaultUser
 *	|mailer/alice:detail   a command of hers, when the mailer is a shell
 *
 * Files and commands of root's ~/.forward are DefaultUser's business, too; those of a user without
 * a valid shell are refused (PERM 5.7.1).
 *
 * Who asks may be taken over by a stranger: so the programs are those of the configuration, never
 * is one run as root, and what a ~/.forward is said to name its agent looks for there.  An ordinary
 * process runs all as itself.
 */
int gate_agent_start(const struct settings *s, struct account_source *accounts, struct span key,
		     struct err *e);

#endif
