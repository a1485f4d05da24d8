/*
 * The roles' messages: any octets, read as every type there is; what a getter accepts is
 * bounded as the header says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "service/mta_ipc.h"

static void check(bool ok, struct span s, size_t max)
{
	if (ok && s.len > max)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in, start;
	struct mta_check c;
	struct mta_verdict v;
	struct mta_box x;
	struct mta_deliver d;
	struct mta_send m;
	struct mta_send_to to;
	struct mta_sent sent;
	struct span a, b;
	struct err e;
	uint32_t n;
	bool ok;

	if (!wire_open(&start, span_make(data, size)))
		return 0;
	in = start;
	ok = mta_ipc_get_check(&in, &c);
	check(ok, c.sender, MTA_ADDR_MAX);
	check(ok, c.rcpt, MTA_ADDR_MAX);
	in = start;
	ok = mta_ipc_get_verdict(&in, &v);
	check(ok, v.user, MTA_NAME_MAX);
	in = start;
	ok = mta_ipc_get_box(&in, &x);
	check(ok, x.mailbox, MTA_PATH_MAX - 1);
	in = start;
	ok = mta_ipc_get_deliver(&in, &d);
	check(ok, d.id, MTA_NAME_MAX);
	in = start;
	ok = mta_ipc_get_send(&in, &m);
	check(ok, m.target.hosts, MTA_ADDR_MAX);
	check(ok, m.target.helo, MTA_NAME_MAX);
	if (ok && (m.rcpts == 0 || m.rcpts > MTA_SEND_RCPTS))
		abort();
	in = start;
	ok = mta_ipc_get_send_to(&in, &to);
	check(ok, to.orcpt, MTA_ADDR_MAX);
	in = start;
	ok = mta_ipc_get_sent(&in, &sent);
	check(ok, sent.remote, MTA_ADDR_MAX);
	in = start;
	mta_ipc_get_text(&in, &a);
	in = start;
	while (mta_ipc_get_setting(&in, &a, &b))
		;
	in = start;
	mta_ipc_get_number(&in, &n);
	in = start;
	mta_ipc_get_outcome(&in, &e, &a);
	return 0;
}
