/*
 * The set-up dialogue of a role; see service/role.h.
 */
#include "service/role.h"

#include <unistd.h>

#include "service/mta_ipc.h"
#include "sys/proc.h"

enum { SETUP_WAIT_MS = 10000 };

static void begin_lists(struct settings *s)
{
	s->listener_count = 0;
	s->local[0] = s->trusted[0] = '\0';
	s->privacy = 0;
}

bool role_setting(struct settings *s, struct wire_in *in, struct err *e)
{
	struct span name, value;

	while (mta_ipc_get_setting(in, &name, &value)) {
		if (name.len == 0)
			begin_lists(s);
		else if (!settings_set(s, name, value, e))
			return false;
	}
	settings_use_log(s);
	return !in->bad || err_temp(e, "4.3.0", "malformed setting");
}

bool role_setup(struct settings *s,
		bool (*on_message)(void *arg, struct wire_in *in, int fds[IPC_FDS_MAX]), void *arg,
		struct err *e)
{
	/* Gate's list is complete; what the environment gave must not be added to. */
	begin_lists(s);
	for (;;) {
		char mem[WIRE_MAX];
		int fds[IPC_FDS_MAX];
		struct wire_in in;
		int got = ipc_receive(PROC_CONTROL_FD, SETUP_WAIT_MS, mem, &in, fds, e);
		bool ok = got > 0;

		if (got == 0)
			return err_temp(e, "4.3.0", "gate ended during set-up");
		if (ok && in.type == MTA_START) {
			settings_use_log(s);
			return true;
		}
		if (ok && in.type == MTA_SETTING)
			ok = role_setting(s, &in, e);
		else if (ok && !on_message(arg, &in, fds))
			ok = err_temp(e, "4.3.0", "malformed set-up message %u", in.type);
		for (int i = 0; got > 0 && i < IPC_FDS_MAX; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (!ok)
			return false;
	}
}
