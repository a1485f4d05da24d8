/* See service/gate_relay.h. */
#include "service/gate_relay.h"

#include <unistd.h>

#include "service/mta_ipc.h"
#include "service/route.h"
#include "sys/ipc.h"
#include "sys/proc.h"

struct target {
	int fd;
	struct buf b;
	bool ok;
	struct err *e;
};

static void send_begun(struct target *t)
{
	t->ok = t->ok && ipc_send_now(t->fd, &t->b, NULL, 0, t->e);
	wire_begin(&t->b, MTA_SETTING, 0);
}

static void put_setting(void *arg, const char *name, struct span value)
{
	struct target *t = arg;

	while (!mta_ipc_put_setting(&t->b, span_str(name), value))
		send_begun(t);
}

int gate_relay_start(const struct settings *s, const char *name, int config, struct err *e)
{
	struct proc_child child;
	struct target t = {.ok = true, .e = e};
	char mem[WIRE_MAX];

	if (!proc_spawn_role("relay", &child, e))
		return -1;
	t.fd = child.control;
	buf_init_fixed(&t.b, mem, sizeof mem);
	wire_begin(&t.b, MTA_SETTING, 0);
	settings_each(s, put_setting, &t);
	send_begun(&t);
	if (s->checks & ROUTE_BY_RELAY) {
		mta_ipc_put_text(&t.b, MTA_CONFIG, 0, span_str(name));
		t.ok = t.ok && ipc_send_now(child.control, &t.b, &config, 1, e);
	}
	wire_begin(&t.b, MTA_START, 0);
	if (t.ok && ipc_send_now(child.control, &t.b, NULL, 0, e))
		return child.control;
	close(child.control);
	return -1;
}
