/*
 * route_relay: where a mailer of the configuration sends mail, and how.
 */
#ifndef LETTERBOX_SERVICE_ROUTE_RELAY_H
#define LETTERBOX_SERVICE_ROUTE_RELAY_H

#include "service/mta_ipc.h"
#include "service/route.h"
#include "service/smarthost.h"

/*
 * The target of a ROUTE_RELAY result.  A= of the mailer says "TCP $h PORT" or "FILE PATH", F=z
 * LMTP, m= how many messages a connection takes.  TLS is used where it is offered; for the smart
 * host of the settings as its URL says, with a password.  Spans point into s, r, the mailer
 * and *smart, which is filled.  Fails TEMP 4.3.5 when A= says neither.
 */
bool route_relay(const struct settings *s, const struct route *r, struct smarthost *smart,
		 struct mta_target *out, struct err *e);

#endif
