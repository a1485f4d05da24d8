/* See service/gate_relay.h. */
#include "service/gate_relay.h"

#include <unistd.h>

#include "service/mta_ipc.h"
#include "service/route.h"
#include "sys/ipc.h"
#include "sys/proc.h"

struct target {
	int fd;
	bool ok;
	struct err *e;
};

static void send_setting(void *arg, const char *name, struct span value)
{
	struct target *t = arg;
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_pair(&b, MTA_SETTING, span_str(name), value);
	t->ok = t->ok && ipc_send_now(t->fd, &b, NULL, 0, t->e);
}

int gate_relay_start(const struct settings *s, const char *name, int config, struct err *e)
{
	struct proc_child child;
	struct target t = {.ok = true, .e = e};
	char mem[WIRE_MAX];
	struct buf b;

	if (!proc_spawn_role("relay", &child, e))
		return -1;
	t.fd = child.control;
	settings_each(s, send_setting, &t);
	buf_init_fixed(&b, mem, sizeof mem);
	if (s->checks & ROUTE_BY_RELAY) {
		mta_ipc_put_text(&b, MTA_CONFIG, 0, span_str(name));
		t.ok = t.ok && ipc_send_now(child.control, &b, &config, 1, e);
	}
	wire_begin(&b, MTA_START, 0);
	if (t.ok && ipc_send_now(child.control, &b, NULL, 0, e))
		return child.control;
	close(child.control);
	return -1;
}
