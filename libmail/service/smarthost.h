/*
 * smarthost: the smart host as LETTERBOX_RELAY names it.
 *
 *	smtps://USER@HOST:465      TLS from the start (RFC 8314)
 *	smtp://USER@HOST:587       STARTTLS required
 *	smtp+plain://HOST:25       in the clear; STARTTLS where it is offered
 *	lmtp:/PATH, lmtp://HOST:24 a delivery agent (RFC 2033)
 *
 * User and port may be left out; octets of the user may be "%XX".  Pure.
 */
#ifndef LETTERBOX_SERVICE_SMARTHOST_H
#define LETTERBOX_SERVICE_SMARTHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "service/mta_ipc.h"

enum { SMARTHOST_USER_MAX = 128 };

struct smarthost {
	enum mta_protocol protocol;
	enum mta_tls tls;
	uint16_t port;
	char user[SMARTHOST_USER_MAX]; /* "" = no authentication */
	char hosts[MTA_NAME_MAX + 8];  /* as struct mta_target has it: "[host]" or a path */
};

/* Fails PERM 5.3.5, saying what was expected. */
bool smarthost_parse(struct span url, struct smarthost *out, struct err *e);

#endif
