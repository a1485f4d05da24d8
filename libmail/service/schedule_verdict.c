/*
 * What smtpd asks about clients, senders, recipients and commands; see service/schedule.h.
 *
 * A question whose rules need an answer from the domain name system is kept and asked again
 * from its start when that is there: until then it has had no effect.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/schedule.h"

/* A CHECK_RCPT that waits for an account. */
struct pending {
	struct schedule_lookup lookup;
	struct schedule *q;
	uint32_t id; /* smtpd's */
	uint8_t fate;
	bool external;
	char address[MTA_ADDR_MAX];
	char reason[ERR_TEXT_MAX];
};

/* A question that waits for a name; the octets of the check stand behind it. */
struct question {
	struct dns_client_wait wait;
	struct schedule *q;
	uint32_t id;
	uint16_t type;
	unsigned turns;
	int fd; /* of MTA_CHECK_EOM, owned, or -1 */
	struct mta_check check;
	char octets[];
};

static void reply(struct schedule *q, uint32_t id, const struct mta_verdict *v)
{
	char mem[WIRE_MAX];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	mta_ipc_put_verdict(&b, id, v);
	if (buf_ok(&b))
		ipc_send(&q->smtpd, &b, NULL, 0);
}

static void on_account(struct schedule_lookup *l, const struct err *e, struct span name)
{
	struct pending *p = l->owner;
	struct mta_verdict v = {.err = *e,
				.address = span_str(p->address),
				.route = MTA_TO_LOCAL,
				.user = name,
				.fate = p->fate};

	/* sendmail's text; the account module's own would tell strangers too much. */
	if (e->class == ERR_PERM)
		err_perm(&v.err, "5.1.1", "User unknown");
	else if (e->class == ERR_TEMP)
		err_temp(&v.err, "4.3.0", "cannot look the user up now");
	/* A message that is held is for nobody yet; programs and ~/.forward are the queue's
	 * business.
	 */
	if (p->fate == MTA_HELD || p->external || l->forwards) {
		v.route = MTA_TO_QUEUE;
		v.user = span_str(p->reason);
	}
	reply(p->q, p->id, &v);
	free(p);
}

/* "<a@b>", as the client wrote it and as rulesets expect it. */
static struct span bracketed(struct span addr, char *mem, size_t cap)
{
	struct buf b;

	buf_init_fixed(&b, mem, cap);
	buf_putc(&b, '<');
	buf_put(&b, addr);
	buf_putc(&b, '>');
	return buf_span(&b);
}

/* A ruleset's word; false: the verdict is a refusal. */
static bool ask(struct schedule *q, enum route_check which, struct span a, struct span b,
		struct mta_verdict *v)
{
	struct err why;

	switch (route_check(q->config, which, a, b, &why)) {
	case ROUTE_REFUSED:
		v->err = why;
		return false;
	case ROUTE_DISCARDED:
		v->fate = MTA_DROPPED;
		return true;
	case ROUTE_QUARANTINED:
		v->fate = MTA_HELD;
		v->user = arena_dup(&q->config->ev->mem, span_str(why.text));
		return true;
	default:
		return true;
	}
}

/* The account of a local recipient; its answer may come later. */
static void check_user(struct schedule *q, uint32_t id, const struct route *r,
		       struct mta_verdict *v)
{
	struct pending *p = calloc(1, sizeof *p);

	if (!p) {
		err_temp(&v->err, "4.3.0", "out of memory");
		reply(q, id, v);
		return;
	}
	*p = (struct pending){.q = q,
			      .id = id,
			      .fate = v->fate,
			      .external = r->external || r->kind == ROUTE_PROGRAM ||
					  cf_mailer_flag(r->mailer, '%'),
			      .lookup = {.done = on_account, .owner = p}};
	memcpy(p->address, r->address, sizeof p->address);
	span_to_cstr(v->user, p->reason, sizeof p->reason);
	schedule_check_account(q, span_str(r->user), span_str(r->host), &p->lookup);
}

/* What sendmail sets around MAIL, RCPT and DATA: the kind of address, and that nobody tried yet. */
static bool decide(struct schedule *q, const struct mta_check *c, const char *type, struct err *e)
{
	if (!schedule_decide(q, c, e))
		return false;
	if (type) {
		config_set(q->config, "{addr_type}", span_str(type));
		config_set(q->config, "{ntries}", SPAN("0"));
	}
	return true;
}

/* False: the answer needs one from elsewhere; nothing was said. */
static bool check_rcpt(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	struct mta_verdict v = {.route = MTA_TO_QUEUE};
	struct span none = {NULL, 0};
	char mem[MTA_ADDR_MAX + 2];
	bool is_alias, ok;
	struct route r;

	ok = decide(q, c, "e r", &v.err) &&
	     route_recipient(q->config, &q->settings, c->rcpt, &r, &v.err) &&
	     ask(q, ROUTE_CHECK_RCPT, bracketed(c->rcpt, mem, sizeof mem), none, &v) &&
	     route_is_open(&r, &v.err) && schedule_resolve(q, &r, &is_alias, NULL, &v.err);
	if (route_pending(q->config))
		return false;
	v.address = ok ? span_str(r.address) : none;
	if (ok && (r.kind == ROUTE_LOCAL || r.kind == ROUTE_PROGRAM) && !is_alias && !r.deferred &&
	    cf_mailer_flag(r.mailer, 'w'))
		check_user(q, id, &r, &v);
	else
		reply(q, id, &v);
	return true;
}

/* The sender to use: what a local caller may be, and well-formed. */
static bool choose_sender(struct schedule *q, const struct mta_check *c, struct buf *sender,
			  struct err *e)
{
	const char *name = "";
	bool trusted = false;

	/* UINT32_MAX: from the network, and so nobody's uid. */
	if (c->origin.uid != UINT32_MAX) {
		struct passwd *pw = getpwuid((uid_t)c->origin.uid);

		name = pw ? pw->pw_name : "";
		trusted = route_is_trusted(q->config, &q->settings, (uid_t)c->origin.uid, geteuid(),
					   name);
	}
	return route_sender(&q->settings, &c->origin, c->sender, name, trusted, sender, e);
}

static bool check_mail(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	char mem[MTA_ADDR_MAX], list[MTA_MACROS_MAX], arg[MTA_ADDR_MAX + 2];
	struct span none = {NULL, 0};
	struct mta_verdict v = {0};
	struct buf sender, macros;

	buf_init_fixed(&sender, mem, sizeof mem);
	buf_init_fixed(&macros, list, sizeof list);
	/* Rulesets see the address as it was given. */
	route_put_macro(&macros, "f", c->sender);
	route_put_macro(&macros, "{mail_from}", bracketed(c->sender, arg, sizeof arg));
	if (decide(q, c, "e s", &v.err) &&
	    route_parse_sender(q->config, c->sender, &macros, &v.err) &&
	    choose_sender(q, c, &sender, &v.err) &&
	    ask(q, ROUTE_CHECK_MAIL, bracketed(c->sender, arg, sizeof arg), none, &v)) {
		v.address = buf_span(&sender);
		if (buf_ok(&macros))
			v.macros = buf_span(&macros);
	}
	if (route_pending(q->config))
		return false;
	reply(q, id, &v);
	return true;
}

static bool check_connect(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	char mem[DNS_NAME_MAX], list[MTA_MACROS_MAX], shown[DNS_NAME_MAX + 2];
	char features[MTA_FEATURES_MAX + 1];
	struct mta_verdict v = {0};
	struct buf name, macros, show, letters;
	const char *how;

	buf_init_fixed(&name, mem, sizeof mem);
	buf_init_fixed(&macros, list, sizeof list);
	buf_init_fixed(&show, shown, sizeof shown);
	buf_init_fixed(&letters, features, sizeof features);
	if (!schedule_decide(q, c, &v.err)) {
		reply(q, id, &v);
		return true;
	}
	if (!schedule_client_name(q, c->origin.addr, &name, &how))
		return false;
	/* A name that is not known to be the client's is none. */
	if (name.len && strcmp(how, "TEMP") != 0)
		buf_put(&show, buf_span(&name));
	else
		buf_printf(&show, "[%.*s]", SPAN_ARG(c->origin.addr));
	route_put_macro(&macros, "{client_name}", buf_span(&show));
	route_put_macro(&macros, "{client_ptr}", name.len ? buf_span(&name) : buf_span(&show));
	route_put_macro(&macros, "{client_resolve}", span_str(how));
	route_set_macros(q->config, buf_span(&macros));
	if (ask(q, ROUTE_CHECK_RELAY, buf_span(&show), route_client_addr(q->config), &v))
		schedule_client_service(q, buf_span(&show), &letters, &v);
	if (route_pending(q->config))
		return false;
	v.macros = buf_span(&macros);
	v.address = name.len && strcmp(how, "TEMP") != 0 ? buf_span(&name) : SPAN("");
	reply(q, id, &v);
	return true;
}

/* tls_srv_features, before STARTTLS is answered. */
static void check_tls(struct schedule *q, struct mta_verdict *v)
{
	struct config *c = q->config;
	size_t used;
	int name = cf_macro_id(c->ev, SPAN("{client_name}"), &used);
	char fallback;

	if (!route_features(c, ROUTE_TLS_SRV_FEATURES, name ? cf_macro_get(c->ev, name) : SPAN(""),
			    route_client_addr(c), &fallback))
		err_temp(&v->err, "4.3.3", "TLS currently not available");
}

/* check_data and those of other commands: "N argument", N the check's number. */
static bool check_other(struct schedule *q, uint32_t id, const struct mta_check *c)
{
	struct span arg = c->rcpt, other = {NULL, 0};
	struct mta_verdict v = {0};
	unsigned which = c->rcpt.len ? (unsigned char)c->rcpt.ptr[0] : 0;

	arg = span_skip(arg, 1);
	if (which == ROUTE_TLS_CLIENT) {
		other = SPAN("STARTTLS");
	} else if (which == ROUTE_CHECK_OTHER) {
		other = span_head(arg, 1);
		arg = span_skip(arg, 1);
	}
	if (which == ROUTE_SRV_FEATURES) {
		if (decide(q, c, NULL, &v.err))
			check_tls(q, &v);
	} else if (which != ROUTE_TLS_CLIENT &&
		   (which < ROUTE_CHECK_DATA || which > ROUTE_CHECK_OTHER)) {
		err_temp(&v.err, "4.3.0", "malformed check");
	} else if (decide(q, c, which == ROUTE_CHECK_DATA ? "e r" : NULL, &v.err)) {
		ask(q, (enum route_check)which, arg, other, &v);
	}
	if (route_pending(q->config))
		return false;
	reply(q, id, &v);
	return true;
}

static bool check_headers(struct schedule *q, uint32_t id, const struct mta_check *c, int fd)
{
	struct mta_verdict v = {0};
	struct schedule_headers h = {.verdict = &v};

	if (decide(q, c, "e r", &v.err))
		schedule_check_headers(q, c, fd, &h);
	if (route_pending(q->config))
		return false;
	reply(q, id, &v);
	return true;
}

static bool run(struct schedule *q, uint16_t type, uint32_t id, const struct mta_check *c, int fd)
{
	switch (type) {
	case MTA_CHECK_EOM:
		return check_headers(q, id, c, fd);
	case MTA_CHECK_MAIL:
		return check_mail(q, id, c);
	case MTA_CHECK_RCPT:
		return check_rcpt(q, id, c);
	case MTA_CHECK_CONNECT:
		return check_connect(q, id, c);
	default:
		return check_other(q, id, c);
	}
}

static void fail(struct schedule *q, uint32_t id, const struct err *e)
{
	struct mta_verdict v = {.err = *e};

	reply(q, id, &v);
}

static void drop(struct question *k)
{
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

static void on_name(struct dns_client_wait *w)
{
	struct question *k = (struct question *)w;
	struct err e;

	if (!run(k->q, k->type, k->id, &k->check, k->fd)) {
		if (schedule_await(k->q, &k->wait, &k->turns, &e))
			return;
		fail(k->q, k->id, &e);
	}
	drop(k);
}

static struct span put(char **at, struct span s)
{
	char *p = *at;

	if (s.len)
		memcpy(p, s.ptr, s.len);
	*at += s.len;
	return span_make(p, s.len);
}

/* A copy of the question, which outlives its message. */
static struct question *keep(struct schedule *q, uint16_t type, uint32_t id,
			     const struct mta_check *c, int fd)
{
	struct question *k =
	    calloc(1, sizeof *k + c->origin.addr.len + c->origin.helo.len + c->origin.auth.len +
			  c->sender.len + c->rcpt.len + c->macros.len);
	char *at;

	if (!k)
		return NULL;
	*k = (struct question){.wait.done = on_name, .q = q, .id = id, .type = type, .check = *c};
	k->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	at = k->octets;
	k->check.origin.addr = put(&at, c->origin.addr);
	k->check.origin.helo = put(&at, c->origin.helo);
	k->check.origin.auth = put(&at, c->origin.auth);
	k->check.sender = put(&at, c->sender);
	k->check.rcpt = put(&at, c->rcpt);
	k->check.macros = put(&at, c->macros);
	return k;
}

bool schedule_verdict(struct schedule *q, struct wire_in *in, int fd)
{
	struct question *k;
	struct mta_check c;
	struct err e;

	if (!mta_ipc_get_check(in, &c))
		return false;
	if (run(q, in->type, in->id, &c, fd))
		return true;
	k = keep(q, in->type, in->id, &c, fd);
	if (!k) {
		err_temp(&e, "4.3.0", "out of memory");
		fail(q, in->id, &e);
	} else if (!schedule_await(q, &k->wait, &k->turns, &e)) {
		fail(q, in->id, &e);
		drop(k);
	}
	return true;
}
