/*
 * stdio_session: one SMTP or LMTP session on standard input and output, delivering
 * directly (service/direct.h): "deliver -l", and "sendmail -bs" without queue and daemon.
 *
 * Blocking.  A recipient must be a local account; each message is answered when it is
 * in the mailboxes, for LMTP per recipient (RFC 2033), so nothing is ever queued here.
 */
#ifndef LETTERBOX_SERVICE_STDIO_SESSION_H
#define LETTERBOX_SERVICE_STDIO_SESSION_H

#include <stdbool.h>

#include "service/account.h"
#include "service/config.h"
#include "service/settings.h"

enum { STDIO_SESSION_RCPTS_MAX = 1000 };

/*
 * c decides where recipients are; LMTP needs none.  Returns an exit
 * status: 0 after QUIT or end of input, 75 when we could not go on.
 */
int stdio_session_run(const struct settings *s, struct config *c, struct account_source *accounts,
		      bool lmtp);

#endif
