/*
 * gate_relay: starting the relay role when the queue role wants it; see gate.h.
 */
#ifndef LETTERBOX_SERVICE_GATE_RELAY_H
#define LETTERBOX_SERVICE_GATE_RELAY_H

#include "base/err.h"
#include "service/settings.h"

/*
 * Starts the role "relay" with these settings and, when it is to ask it for passwords, the
 * configuration: its name and a file of its text.  Returns the channel for the queue role, or -1.
 * The role ends when that channel closes, and is started anew when it is asked for again.
 */
int gate_relay_start(const struct settings *s, const char *name, int config, struct err *e);

#endif
