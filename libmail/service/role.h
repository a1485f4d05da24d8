/*
 * role: what the roles of "sendmail -bd" have in common at their start.
 */
#ifndef LETTERBOX_SERVICE_ROLE_H
#define LETTERBOX_SERVICE_ROLE_H

#include <stdbool.h>

#include "base/wire.h"
#include "service/settings.h"
#include "sys/ipc.h"

/*
 * Reads gate's messages from the control socket up to START: settings are applied, the
 * others given to on_message (which takes descriptors by setting them to -1; false: malformed).
 * Fails TEMP when gate is silent, gone or malformed.
 */
bool role_setup(struct settings *s,
		bool (*on_message)(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX]), void *arg,
		struct err *e);

/* One message of settings, also to a role at work; an empty name has lists begin anew. */
bool role_setting(struct settings *s, struct wire_in *in, struct err *e);

#endif
