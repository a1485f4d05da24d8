/*
 * gate_agent: starting a delivery agent for an account; see gate.h.
 */
#ifndef LETTERBOX_SERVICE_GATE_AGENT_H
#define LETTERBOX_SERVICE_GATE_AGENT_H

#include "base/err.h"
#include "service/account.h"

/*
 * Starts the role "agent" for a and tells it whose mailbox it has.  Returns the channel for
 * whoever asked, or -1.  As root also makes a missing mailbox file or Maildir where only
 * root may (a spool directory of root's), owned by the account.
 */
int gate_agent_start(const struct account *a, struct err *e);

#endif
