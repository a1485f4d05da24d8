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
	wire_put_span(b, v->features);
	wire_put_u32(b, v->pause_ms);
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
	v->features = wire_get_span(in, MTA_FEATURES_MAX);
	v->pause_ms = wire_get_u32(in);
	return wire_end(in) && route <= MTA_TO_LOCAL && v->fate <= MTA_HELD;
}

void mta_ipc_put_box(struct buf *b, const struct mta_box *x)
{
	wire_begin(b, MTA_BOX, 0);
	wire_put_u8(b, x->kind);
	wire_put_span(b, x->user);
	wire_put_span(b, x->mailbox);
	wire_put_span(b, x->home);
	wire_put_span(b, x->forward);
	wire_put_u32(b, x->uid);
	wire_put_u32(b, x->gid);
	wire_put_u32(b, x->spool_gid);
}

bool mta_ipc_get_box(struct wire_in *in, struct mta_box *x)
{
	x->kind = wire_get_u8(in);
	x->user = wire_get_span(in, MTA_NAME_MAX);
	/* Room for the NUL that the path gets in the agent. */
	x->mailbox = wire_get_span(in, MTA_PATH_MAX - 1);
	x->home = wire_get_span(in, MTA_PATH_MAX - 1);
	x->forward = wire_get_span(in, MTA_PATH_MAX - 1);
	x->uid = wire_get_u32(in);
	x->gid = wire_get_u32(in);
	x->spool_gid = wire_get_u32(in);
	return wire_end(in) && x->kind <= MTA_BOX_PROGRAM;
}

void mta_ipc_put_deliver(struct buf *b, uint32_t id, const struct mta_deliver *d)
{
	wire_begin(b, MTA_DELIVER, id);
	wire_put_span(b, d->id);
	wire_put_span(b, d->sender);
	wire_put_span(b, d->rcpt);
	wire_put_u64(b, d->at);
	wire_put_span(b, d->program.words);
	wire_put_u32(b, d->program.limit);
	wire_put_u32(b, d->program.seconds);
	wire_put_u8(b, (uint8_t)d->program.nice);
	wire_put_u8(b, d->program.form);
	wire_put_span(b, d->program.folders);
	wire_put_tail(b, d->text.len);
}

bool mta_ipc_get_deliver(struct wire_in *in, struct mta_deliver *d)
{
	d->id = wire_get_span(in, MTA_NAME_MAX);
	d->sender = wire_get_span(in, MTA_ADDR_MAX);
	d->rcpt = wire_get_span(in, MTA_ADDR_MAX);
	d->at = wire_get_u64(in);
	d->program.words = wire_get_span(in, MTA_WORDS_MAX);
	d->program.limit = wire_get_u32(in);
	d->program.seconds = wire_get_u32(in);
	d->program.nice = (int8_t)wire_get_u8(in);
	d->program.form = wire_get_u8(in);
	d->program.folders = wire_get_span(in, MTA_PATH_MAX);
	d->text = wire_get_span(in, MTA_TEXT_MAX);
	return wire_end(in);
}

static void put_target(struct buf *b, const struct mta_target *t)
{
	wire_put_u8(b, (uint8_t)t->protocol);
	wire_put_u8(b, (uint8_t)t->tls);
	wire_put_u8(b, t->auth);
	wire_put_u32(b, t->port);
	wire_put_span(b, t->hosts);
	wire_put_span(b, t->helo);
	wire_put_u32(b, t->max_messages);
}

static bool get_target(struct wire_in *in, struct mta_target *t)
{
	uint8_t protocol = wire_get_u8(in), tls = wire_get_u8(in);
	uint32_t port;

	t->protocol = protocol == MTA_LMTP ? MTA_LMTP : MTA_SMTP;
	t->tls = tls <= MTA_TLS_AT_ONCE ? (enum mta_tls)tls : MTA_TLS_MUST;
	t->auth = wire_get_u8(in) != 0;
	port = wire_get_u32(in);
	t->port = (uint16_t)port;
	t->hosts = wire_get_span(in, MTA_ADDR_MAX);
	t->helo = wire_get_span(in, MTA_NAME_MAX);
	t->max_messages = wire_get_u32(in);
	return protocol <= MTA_LMTP && tls <= MTA_TLS_AT_ONCE && port <= UINT16_MAX && t->hosts.len;
}

void mta_ipc_put_send(struct buf *b, uint32_t id, const struct mta_send *m)
{
	wire_begin(b, MTA_SEND, id);
	put_target(b, &m->target);
	wire_put_span(b, m->id);
	wire_put_span(b, m->sender);
	wire_put_span(b, m->envid);
	wire_put_u64(b, m->at);
	wire_put_u64(b, m->size);
	wire_put_u32(b, m->rcpts);
	wire_put_u32(b, m->line_limit);
	wire_put_u8(b, (uint8_t)m->ret);
	wire_put_u8(b, (uint8_t)m->body);
	wire_put_u8(b, m->first);
}

bool mta_ipc_get_send(struct wire_in *in, struct mta_send *m)
{
	bool ok = get_target(in, &m->target);

	m->id = wire_get_span(in, MTA_NAME_MAX);
	m->sender = wire_get_span(in, MTA_ADDR_MAX);
	m->envid = wire_get_span(in, MTA_NAME_MAX);
	m->at = wire_get_u64(in);
	m->size = wire_get_u64(in);
	m->rcpts = wire_get_u32(in);
	m->line_limit = wire_get_u32(in);
	m->ret = (char)wire_get_u8(in);
	m->body = (char)wire_get_u8(in);
	m->first = wire_get_u8(in) != 0;
	/* An offset beyond what a file can have would be a negative one for the system. */
	return !in->bad && ok && m->rcpts > 0 && m->rcpts <= MTA_SEND_RCPTS && m->at <= INT64_MAX;
}

bool mta_ipc_put_send_to(struct buf *b, const struct mta_send_to *r)
{
	enum { LENGTHS_AND_NOTIFY = 5 };

	if (b->len + r->addr.len + r->orcpt.len + LENGTHS_AND_NOTIFY > WIRE_MAX)
		return false;
	wire_put_span(b, r->addr);
	wire_put_span(b, r->orcpt);
	wire_put_u8(b, r->notify);
	return true;
}

bool mta_ipc_get_send_to(struct wire_in *in, struct mta_send_to *r)
{
	r->addr = wire_get_span(in, MTA_ADDR_MAX);
	r->orcpt = wire_get_span(in, MTA_ADDR_MAX);
	r->notify = wire_get_u8(in);
	return !in->bad;
}

void mta_ipc_put_sent(struct buf *b, uint32_t id, const struct mta_sent *r)
{
	wire_begin(b, MTA_SENT, id);
	wire_put_u32(b, r->index);
	wire_put_err(b, &r->err);
	wire_put_u32(b, r->code);
	wire_put_span(b, r->remote);
}

bool mta_ipc_get_sent(struct wire_in *in, struct mta_sent *r)
{
	uint32_t code;

	r->index = wire_get_u32(in);
	wire_get_err(in, &r->err);
	code = wire_get_u32(in);
	r->code = (uint16_t)code;
	r->remote = wire_get_span(in, MTA_ADDR_MAX);
	return wire_end(in) && code < 1000;
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

bool mta_ipc_put_setting(struct buf *b, struct span name, struct span value)
{
	enum { LENGTHS = 2 * sizeof(uint16_t) };

	if (b->len > WIRE_HEADER && b->len + LENGTHS + name.len + value.len > WIRE_MAX)
		return false;
	wire_put_span(b, name);
	wire_put_span(b, value);
	return true;
}

bool mta_ipc_get_setting(struct wire_in *in, struct span *name, struct span *value)
{
	if (wire_end(in))
		return false;
	*name = wire_get_span(in, WIRE_MAX);
	*value = wire_get_span(in, WIRE_MAX);
	return !in->bad;
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
