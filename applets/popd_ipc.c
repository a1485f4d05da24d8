/*
 * popd's messages; see popd_ipc.h.
 */
#include "popd_ipc.h"

/* The two octets are the length that wire puts before a span. */
enum { TEXT_MAX = WIRE_MAX - WIRE_HEADER - 2 };

/*
 * Each get reads the fields in the order its put wrote them. Only wire_end says whether all were
 * there: a short message sets a flag in the reader, so fields need no check one by one.
 */
void popd_ipc_put_config(struct buf *b, const struct popd_config *c)
{
	wire_begin(b, POPD_CONFIG, 0);
	wire_put_span(b, span_str(c->host));
	wire_put_u8(b, c->require_tls);
	wire_put_u32(b, c->max_sessions);
	wire_put_u32(b, c->max_per_source);
	wire_put_u32(b, c->idle_s);
}

bool popd_ipc_get_config(struct wire_in *in, struct popd_config *c)
{
	*c = (struct popd_config){0};
	wire_get_cstr(in, c->host, sizeof c->host);
	c->require_tls = wire_get_u8(in);
	c->max_sessions = wire_get_u32(in);
	c->max_per_source = wire_get_u32(in);
	c->idle_s = wire_get_u32(in);
	return wire_end(in);
}

void popd_ipc_put_login(struct buf *b, uint32_t id, const struct popd_login *l)
{
	wire_begin(b, POPD_LOGIN, id);
	wire_put_span(b, span_str(l->addr));
	wire_put_u8(b, l->tls);
	wire_put_span(b, l->user);
	wire_put_span(b, l->password);
}

/* user and password borrow from the message: they must be copied before the next is received. */
bool popd_ipc_get_login(struct wire_in *in, struct popd_login *l)
{
	wire_get_cstr(in, l->addr, sizeof l->addr);
	l->tls = wire_get_u8(in);
	l->user = wire_get_span(in, POP3_USER_MAX);
	l->password = wire_get_span(in, POP3_USER_MAX);
	return wire_end(in);
}

/* The account goes along even when the login failed: it is empty then, and one form is enough. */
void popd_ipc_put_checked(struct buf *b, const struct popd_checked *c)
{
	const struct account *a = &c->account;

	wire_begin(b, POPD_CHECKED, 0);
	wire_put_err(b, &c->err);
	wire_put_span(b, span_str(a->name));
	wire_put_u32(b, a->uid);
	wire_put_u32(b, a->gid);
	wire_put_span(b, span_str(a->home));
	wire_put_span(b, span_str(a->mailbox));
}

bool popd_ipc_get_checked(struct wire_in *in, struct popd_checked *c)
{
	struct account *a = &c->account;

	*c = (struct popd_checked){.err.class = ERR_NONE};
	wire_get_err(in, &c->err);
	wire_get_cstr(in, a->name, sizeof a->name);
	a->uid = wire_get_u32(in);
	a->gid = wire_get_u32(in);
	wire_get_cstr(in, a->home, sizeof a->home);
	wire_get_cstr(in, a->mailbox, sizeof a->mailbox);
	return wire_end(in);
}

void popd_ipc_put_box(struct buf *b, const struct popd_box *x)
{
	wire_begin(b, POPD_BOX, 0);
	wire_put_span(b, span_str(x->user));
	wire_put_span(b, span_str(x->mailbox));
	wire_put_span(b, span_str(x->home));
	wire_put_u32(b, x->uid);
	wire_put_u32(b, x->gid);
	wire_put_u32(b, x->spool_gid);
}

/* A relative mailbox would depend on the directory a store happens to start in: refused here. */
bool popd_ipc_get_box(struct wire_in *in, struct popd_box *x)
{
	wire_get_cstr(in, x->user, sizeof x->user);
	wire_get_cstr(in, x->mailbox, sizeof x->mailbox);
	wire_get_cstr(in, x->home, sizeof x->home);
	x->uid = wire_get_u32(in);
	x->gid = wire_get_u32(in);
	x->spool_gid = wire_get_u32(in);
	return wire_end(in) && x->mailbox[0] == '/';
}

/* Messages that only say one thing share this form; a descriptor may travel with them. */
void popd_ipc_put_number(struct buf *b, enum popd_type type, uint32_t id, uint32_t v)
{
	wire_begin(b, (uint16_t)type, id);
	wire_put_u32(b, v);
}

bool popd_ipc_get_number(struct wire_in *in, uint32_t *v)
{
	*v = wire_get_u32(in);
	return wire_end(in);
}

void popd_ipc_put_text(struct buf *b, enum popd_type type, struct span text)
{
	wire_begin(b, (uint16_t)type, 0);
	wire_put_span(b, text);
}

bool popd_ipc_get_text(struct wire_in *in, struct span *text)
{
	*text = wire_get_span(in, TEXT_MAX);
	return wire_end(in);
}
