/*
 * popd's messages: any octets, read as every type there is.  What a getter accepts is bounded
 * as the header says, and comes out the same when it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "applets/popd_ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond)
{
	if (!cond)
		abort();
}

static struct wire_in reopen(const struct buf *b)
{
	struct wire_in in = {0};

	require(buf_ok(b) && wire_open(&in, buf_span(b)));
	return in;
}

static void logins(struct wire_in in, struct buf *b)
{
	struct popd_login l, again;

	if (!popd_ipc_get_login(&in, &l))
		return;
	require(l.user.len <= POP3_USER_MAX && l.password.len <= POP3_USER_MAX);
	require(memchr(l.addr, '\0', sizeof l.addr) != NULL);
	popd_ipc_put_login(b, in.id, &l);
	in = reopen(b);
	require(popd_ipc_get_login(&in, &again) && span_eq(l.user, again.user) &&
		span_eq(l.password, again.password) && l.tls == again.tls &&
		strcmp(l.addr, again.addr) == 0);
}

static void outcomes(struct wire_in in, struct buf *b)
{
	struct popd_checked c, again;

	if (!popd_ipc_get_checked(&in, &c))
		return;
	require(c.err.class <= ERR_PERM);
	for (const char *p = c.err.text; *p; p++)
		require(*p >= 0x20 && *p <= 0x7e);
	popd_ipc_put_checked(b, &c);
	in = reopen(b);
	require(popd_ipc_get_checked(&in, &again) && c.account.uid == again.account.uid &&
		strcmp(c.account.mailbox, again.account.mailbox) == 0);
}

static void boxes(struct wire_in in, struct buf *b)
{
	struct popd_box x, again;

	if (!popd_ipc_get_box(&in, &x))
		return;
	require(x.mailbox[0] == '/' && strlen(x.user) <= ACCOUNT_NAME_MAX);
	popd_ipc_put_box(b, &x);
	in = reopen(b);
	require(popd_ipc_get_box(&in, &again) && strcmp(x.home, again.home) == 0 &&
		x.spool_gid == again.spool_gid);
}

static void configurations(struct wire_in in, struct buf *b)
{
	struct popd_config c, again;

	if (!popd_ipc_get_config(&in, &c))
		return;
	require(strlen(c.host) < sizeof c.host);
	popd_ipc_put_config(b, &c);
	in = reopen(b);
	require(popd_ipc_get_config(&in, &again) && c.idle_s == again.idle_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct wire_in, struct buf *) = {logins, outcomes, boxes,
									configurations};
	char mem[WIRE_MAX];
	struct wire_in start, in;
	struct span text;
	uint32_t number;

	if (!wire_open(&start, span_make(data, size)))
		return 0;
	for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
		struct buf b;

		buf_init_fixed(&b, mem, sizeof mem);
		readers[i](start, &b);
	}
	in = start;
	if (popd_ipc_get_number(&in, &number))
		require(in.rest.len == 0);
	in = start;
	if (popd_ipc_get_text(&in, &text))
		require(text.len <= size);
	return 0;
}
