/*
 * gate_listen: the sockets that gate binds; see gate.h.
 */
#ifndef LETTERBOX_SERVICE_GATE_LISTEN_H
#define LETTERBOX_SERVICE_GATE_LISTEN_H

#include <stdbool.h>

#include "service/settings.h"

enum {
	GATE_BACKLOG = 1024,     /* a short one drops SYNs of busy senders for a second */
	GATE_UNSENT = 128 << 10, /* octets that the kernel keeps besides those on their way */
};

/*
 * Binds a TCP listener; all addresses when it names none.  -1 and e: PERM 5.3.5 when the
 * address is none, TEMP else, with a hint for a port that needs root.
 */
int gate_listen_tcp(const struct settings_listener *l, struct err *e);

/*
 * Binds QUEUE/socket for local submission, mode 0666.  A socket that nobody answers is
 * replaced; one that answers means that another daemon owns this queue: TEMP, sys EADDRINUSE.
 */
int gate_listen_local(const char *queue, struct err *e);

/* Connects to QUEUE/socket; -1 with errno when no daemon is there. */
int gate_listen_connect(const char *queue);

#endif
