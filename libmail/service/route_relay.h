/*
 * route_relay: where mail for other hosts goes, and how.
 *
 * The smart host of the settings when there is one, else the mail exchangers of the
 * recipient's domain.
 */
#ifndef LETTERBOX_SERVICE_ROUTE_RELAY_H
#define LETTERBOX_SERVICE_ROUTE_RELAY_H

#include "service/mta_ipc.h"
#include "service/settings.h"
#include "service/smarthost.h"

/*
 * The target of a recipient in domain; its spans point into s, domain and url, which is the
 * caller's and is filled.  Fails PERM 5.3.5 when the smart host's URL is none.
 */
bool route_relay(const struct settings *s, struct span domain, struct smarthost *url,
		 struct mta_target *out, struct err *e);

/* True when a target may be a Unix socket: then the relay role keeps its root directory. */
bool route_relay_has_paths(const struct settings *s);

#endif
