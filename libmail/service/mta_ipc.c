/*
 * Encoding and checking of the mail roles' messages; see service/mta_ipc.h.
 *
 * Each message has a put and a get that name the same fields in the same order; whoever
 * changes one changes the other, since both ends are always the same binary and no version
 * is sent.  A get fails on a field that is too long, on too few octets and on too many: a
 * false result ends the sender.  Spans that come out point into the message and live as
 * long as it.
 */
#include "service/mta_ipc.h"

void mta_ipc_put_check(struct buf *b, enum mta_type type, uint32_t id, const struct mta_check *c)
{
	wire_begin(b, (uint16_t)type, id);
	wire_put_span(b, c->origin.addr);
	wire_put_span(b, c->origin.helo);
	wire_put_u32(b, c->origin.uid);
	wire_put_u8(b, c->origin.tls);
	wire_put_span(b, c->origin.auth);
	wire_put_span(b, c->sender);
	wire_put_span(b, c->rcpt);
	wire_put_span(b, c->macros);
}

bool mta_ipc_get_check(struct wire_in *in, struct mta_check *c)
{
	c->origin.addr = wire_get_span(in, MTA_NAME_MAX);
	c->origin.helo = wire_get_span(in, MTA_NAME_MAX);
	/* UINT32_MAX where nobody's uid is known, as over TCP. */
	c->origin.uid = wire_get_u32(in);
	c->origin.tls = wire_get_u8(in) != 0;
	c->origin.auth = wire_get_span(in, MTA_NAME_MAX);
	c->sender = wire_get_span(in, MTA_ADDR_MAX);
	c->rcpt = wire_get_span(in, MTA_ADDR_MAX);
	c->macros = wire_get_span(in, MTA_MACROS_MAX);
	return wire_end(in);
}

void mta_ipc_put_verdict(struct buf *b, uint32_t id, const struct mta_verdict *v)
{
	wire_begin(b, MTA_VERDICT, id);
	wire_put_err(b, &v->err);
	wire_put_span(b, v->address);
	wire_put_u8(b, (uint8_t)v->route);
	wire_put_span(b, v->user);
	wire_put_span(b, v->macros);
	wire_put_u8(b, v->fate);
}

bool mta_ipc_get_verdict(struct wire_in *in, struct mta_verdict *v)
{
	uint8_t route;

	wire_get_err(in, &v->err);
	v->address = wire_get_span(in, MTA_ADDR_MAX);
	route = wire_get_u8(in);
	/* Checked at the end, so that all gets have one way out; any other number is no route. */
	v->route = route == MTA_TO_LOCAL ? MTA_TO_LOCAL : MTA_TO_QUEUE;
	v->user = wire_get_span(in, MTA_NAME_MAX);
	v->macros = wire_get_span(in, MTA_MACROS_MAX);
	v->fate = wire_get_u8(in);
	return wire_end(in) && route <= MTA_TO_LOCAL && v->fate <= MTA_HELD;
}

void mta_ipc_put_box(struct buf *b, const struct mta_box *x)
{
	wire_begin(b, MTA_BOX, 0);
	wire_put_span(b, x->user);
	wire_put_span(b, x->mailbox);
	wire_put_span(b, x->home);
	wire_put_u32(b, x->uid);
	wire_put_u32(b, x->gid);
	wire_put_u32(b, x->spool_gid);
}

bool mta_ipc_get_box(struct wire_in *in, struct mta_box *x)
{
	x->user = wire_get_span(in, MTA_NAME_MAX);
	/* Room for the NUL that the path gets in the agent. */
	x->mailbox = wire_get_span(in, MTA_PATH_MAX - 1);
	x->home = wire_get_span(in, MTA_PATH_MAX - 1);
	x->uid = wire_get_u32(in);
	x->gid = wire_get_u32(in);
	x->spool_gid = wire_get_u32(in);
	return wire_end(in);
}

void mta_ipc_put_deliver(struct buf *b, uint32_t id, const struct mta_deliver *d)
{
	wire_begin(b, MTA_DELIVER, id);
	wire_put_span(b, d->id);
	wire_put_span(b, d->sender);
	wire_put_span(b, d->rcpt);
	wire_put_u64(b, d->at);
	wire_put_tail(b, d->text.len);
}

bool mta_ipc_get_deliver(struct wire_in *in, struct mta_deliver *d)
{
	d->id = wire_get_span(in, MTA_NAME_MAX);
	d->sender = wire_get_span(in, MTA_ADDR_MAX);
	d->rcpt = wire_get_span(in, MTA_ADDR_MAX);
	d->at = wire_get_u64(in);
	d->text = wire_get_span(in, MTA_TEXT_MAX);
	return wire_end(in);
}

void mta_ipc_put_text(struct buf *b, enum mta_type type, uint32_t id, struct span text)
{
	wire_begin(b, (uint16_t)type, id);
	wire_put_span(b, text);
}

bool mta_ipc_get_text(struct wire_in *in, struct span *text)
{
	/* As much as a message can hold: what it may be is the caller's business. */
	*text = wire_get_span(in, WIRE_MAX);
	return wire_end(in);
}

void mta_ipc_put_pair(struct buf *b, enum mta_type type, struct span name, struct span value)
{
	wire_begin(b, (uint16_t)type, 0);
	wire_put_span(b, name);
	wire_put_span(b, value);
}

bool mta_ipc_get_pair(struct wire_in *in, struct span *name, struct span *value)
{
	*name = wire_get_span(in, WIRE_MAX);
	*value = wire_get_span(in, WIRE_MAX);
	return wire_end(in);
}

void mta_ipc_put_number(struct buf *b, enum mta_type type, uint32_t v)
{
	wire_begin(b, (uint16_t)type, 0);
	wire_put_u32(b, v);
}

bool mta_ipc_get_number(struct wire_in *in, uint32_t *v)
{
	*v = wire_get_u32(in);
	return wire_end(in);
}

void mta_ipc_put_outcome(struct buf *b, enum mta_type type, uint32_t id, const struct err *e,
			 struct span text)
{
	wire_begin(b, (uint16_t)type, id);
	wire_put_err(b, e);
	wire_put_span(b, text);
}

bool mta_ipc_get_outcome(struct wire_in *in, struct err *e, struct span *text)
{
	wire_get_err(in, e);
	*text = wire_get_span(in, MTA_NAME_MAX);
	return wire_end(in);
}
