/*
 * Mail by the compiled configuration; see service/route.h.
 */
#include "service/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "cf/cf_header.h"
#include "format/address.h"
#include "service/account.h"
#include "service/mailer.h"

/* Names in the order of enum route_check. */
static const char *const check_names[ROUTE_CHECKS] = {
    "check_relay", "check_mail", "check_rcpt",   "check_data", "check_eoh",    "check_vrfy",
    "check_expn",  "check_etrn", "check_other",  NULL,         "authinfo",     "try_tls",
    "tls_server",  "tls_rcpt",   "check_compat", "tls_client", "srv_features", "greet_pause",
};

/* Those that share the bit of one that is asked in the same place. */
static const struct {
	const char *name;
	unsigned bits;
} beside[] = {
    {"clt_features", 1u << ROUTE_TRY_TLS},
    {ROUTE_TLS_CLT_FEATURES, 1u << ROUTE_TRY_TLS},
    {ROUTE_TLS_SRV_FEATURES, 1u << ROUTE_SRV_FEATURES},
};

const char *const route_macros[ROUTE_M_COUNT] = {
    "{client_port}", "{client_connections}", "{client_rate}",  "{total_rate}", "{daemon_addr}",
    "{daemon_port}", "{daemon_family}",      "{daemon_flags}", "{if_addr}",    "{if_name}",
    "{if_family}",
};

void route_put_macro(struct buf *macros, const char *name, struct span value)
{
	buf_puts(macros, name);
	buf_putc(macros, '\0');
	buf_put(macros, value);
	buf_putc(macros, '\0');
}

/* "IPv6:2001:db8::1" as "IPv6:2001:db8:0:0:0:0:0:1". */
static bool put_full(struct span addr, char *out, size_t cap)
{
	unsigned char a[16];
	char text[64];
	int n = 0;

	if (!span_starts(addr, SPAN("IPv6:")) ||
	    !span_to_cstr(span_skip(addr, 5), text, sizeof text) ||
	    inet_pton(AF_INET6, text, a) != 1)
		return false;
	n = snprintf(out, cap, "IPv6");
	for (size_t i = 0; i < sizeof a; i += 2)
		n += snprintf(out + n, cap - (size_t)n, ":%x", (unsigned)(a[i] << 8 | a[i + 1]));
	return true;
}

/* sendmail writes IPv6 addresses in full unless UseCompressedIPv6Addresses says otherwise. */
static struct span spelled(struct config *c, struct span addr)
{
	struct span compressed = cf_option_get(&c->cf, "UseCompressedIPv6Addresses");
	char text[64];

	if (addr.len && !(compressed.len && strchr("TtYy1", compressed.ptr[0])) &&
	    put_full(addr, text, sizeof text))
		addr = span_str(text);
	return arena_dup(&c->ev->mem, addr);
}

/* name NUL value NUL ... */
void route_set_macros(struct config *c, struct span list)
{
	while (list.len) {
		struct span name = span_cut(&list, '\0'), value = span_cut(&list, '\0');
		char mem[64];

		if (name.len && span_to_cstr(name, mem, sizeof mem))
			config_set(c, mem,
				   span_starts(value, SPAN("IPv6:")) ? spelled(c, value) : value);
	}
}

bool route_begin(struct config *c, const struct mta_check *m)
{
	struct cf_eval *ev = config_begin(c);

	c->client = SPAN("");
	if (!ev || !m)
		return ev != NULL;
	c->client = spelled(c, m->origin.addr);
	config_set(c, "{client_addr}", c->client);
	config_set(c, "s", m->origin.helo);
	config_set(c, "f", m->sender);
	if (m->origin.auth.len)
		config_set(c, "{auth_authen}", m->origin.auth);
	route_set_macros(c, m->macros);
	return true;
}

struct span route_client_addr(const struct config *c)
{
	return c->client;
}

bool route_pending(const struct config *c)
{
	return c->pending;
}

/* Reply code, status and text of the first message that an evaluation made. */
static bool heard(const struct config *c, const char *status, struct err *e)
{
	const char *code = c->heard_code;
	const char *own = strlen(code) > 4 ? code + 4 : status;

	if (!c->heard[0])
		return err_perm(e, status, "Malformed address");
	if (code[0] == '4')
		err_temp(e, own, "%s", c->heard);
	else
		err_perm(e, own, "%s", c->heard);
	e->reply = (code[0] - '0') * 100 + (code[1] - '0') * 10 + code[2] - '0';
	return false;
}

/* $#error, or anything else that made an address none. */
static bool refused(const struct config *c, const struct cf_addr *a, struct err *e)
{
	char status[12];
	struct span text;
	int code;

	if (a->code.len < 3)
		return heard(c, "5.1.3", e);
	code = cf_check_reply(a, status, &text);
	if (code < 500)
		err_temp(e, status, "%.*s", SPAN_ARG(text));
	else
		err_perm(e, status, "%.*s", SPAN_ARG(text));
	e->reply = code;
	return false;
}

/*
 * What rules make of a map that failed for now is put off, even when it is an error: sendmail
 * refuses for good then, and mail is lost for a table that could not be read.
 */
static bool no_address(const struct config *c, const struct cf_addr *a, struct err *e)
{
	return a->deferred ? err_temp(e, "4.4.3", "Transient parse error") : refused(c, a, e);
}

static enum route_kind kind_of(const struct cf_mailer *m)
{
	if (mailer_is_ipc(m))
		return ROUTE_RELAY;
	if (span_eq(m->name, SPAN("local")))
		return ROUTE_LOCAL;
	if (span_eq(m->name, SPAN("*file*")))
		return ROUTE_FILE;
	if (span_eq(m->name, SPAN("*include*")))
		return ROUTE_INCLUDE;
	return ascii_eq_nocase(m->name, SPAN("discard")) ? ROUTE_DISCARD : ROUTE_PROGRAM;
}

bool route_is_open(const struct route *r, struct err *e)
{
	const char *what = r->kind == ROUTE_FILE                    ? "files"
			   : r->kind == ROUTE_INCLUDE               ? ":include:s"
			   : span_eq(r->mailer->name, SPAN("prog")) ? "programs"
								    : NULL;

	if (!what)
		return true;
	err_perm(e, "5.7.1", "Cannot mail directly to %s", what);
	e->reply = 550;
	return false;
}

static bool copy(struct span from, char *to, size_t cap, struct err *e)
{
	return span_to_cstr(from, to, cap) || err_perm(e, "5.1.3", "address too long");
}

/* Mailer, host and user; quotes are syntax and no part of a local name. */
static bool take(const struct cf_addr *a, struct route *out, struct err *e)
{
	struct buf user;

	out->mailer = a->mailer;
	out->kind = kind_of(a->mailer);
	out->external = out->kind == ROUTE_LOCAL && mailer_runs(a->mailer);
	if (!copy(a->has_host ? a->host : SPAN(""), out->host, sizeof out->host, e))
		return false;
	/* Those of an alias's command or path are around all of it; F=s: no program gets any. */
	if (out->kind == ROUTE_RELAY ||
	    (out->kind == ROUTE_PROGRAM && !mailer_is_shell(a->mailer) &&
	     !cf_mailer_flag(a->mailer, 's')))
		return copy(a->user, out->user, sizeof out->user, e);
	buf_init_fixed(&user, out->user, sizeof out->user);
	address_put_unquoted(a->user, &user);
	buf_cstr(&user);
	return buf_ok(&user) || err_perm(e, "5.1.3", "address too long");
}

/* Reports and logs name an address that works from anywhere. */
static bool qualify(const struct settings *s, struct span rcpt, struct route *out, struct err *e)
{
	struct buf address;
	bool bare = span_index(rcpt, '@') == rcpt.len && out->kind == ROUTE_LOCAL;

	buf_init_fixed(&address, out->address, sizeof out->address);
	buf_put(&address, rcpt);
	if (bare) {
		buf_putc(&address, '@');
		buf_put(&address, settings_domain(s));
	}
	buf_cstr(&address);
	return buf_ok(&address) || err_perm(e, "5.1.3", "address too long");
}

bool route_recipient(struct config *c, const struct settings *s, struct span rcpt,
		     struct route *out, struct err *e)
{
	struct cf_addr a;
	bool ok;

	*out = (struct route){0};
	ok = cf_addr_parse(c->ev, rcpt, 0, &a);
	if (!config_was_read(c, e))
		return false;
	if (!ok)
		return no_address(c, &a, e);
	if (a.is_bad)
		return a.deferred ? no_address(c, &a, e) : heard(c, "5.1.3", e);
	out->deferred = a.deferred;
	if (!take(&a, out, e) || !qualify(s, rcpt, out, e))
		return false;
	config_set(c, "{rcpt_mailer}", a.mailer->name);
	config_set(c, "{rcpt_host}", a.has_host ? a.host : SPAN(""));
	config_set(c, "{rcpt_addr}", a.user);
	return true;
}

bool route_local(struct config *c, struct route *r, bool *changed, struct err *e)
{
	struct route old = *r;
	struct cf_addr a;
	bool ok;

	*changed = false;
	if (!cf_mailer_flag(r->mailer, '5') || !c->cf.rs[5].first)
		return true;
	ok = cf_addr_local(c->ev, span_str(r->user), span_str(r->host), &a);
	if (!config_was_read(c, e))
		return false;
	if (!ok)
		return a.is_error ? no_address(c, &a, e) : true;
	if (!take(&a, r, e))
		return false;
	r->deferred = a.deferred;
	*changed = r->mailer != old.mailer || strcmp(r->user, old.user) != 0;
	return true;
}

static enum route_verdict judge(struct config *c, enum cf_verdict verdict,
				const struct cf_addr *out, struct err *e)
{
	if (!config_was_read(c, e))
		return ROUTE_REFUSED;
	/* What rules that were stopped make of it is no consent. */
	if (c->ev->tired) {
		err_temp(e, "4.3.0", "the rules take too long");
		/* As if they had not been asked. */
		e->sys = EAGAIN;
		return ROUTE_REFUSED;
	}
	switch (verdict) {
	case CF_CHECK_DISCARD:
		return ROUTE_DISCARDED;
	case CF_CHECK_QUARANTINE:
		err_temp(e, "4.7.0", "%.*s", SPAN_ARG(out->text));
		return ROUTE_QUARANTINED;
	case CF_CHECK_REFUSED:
	case CF_CHECK_UNSPLIT:
		refused(c, out, e);
		return ROUTE_REFUSED;
	default:
		return ROUTE_OK;
	}
}

enum route_verdict route_check(struct config *c, enum route_check which, struct span a,
			       struct span b, struct err *e)
{
	bool comments = which == ROUTE_CHECK_DATA || which == ROUTE_CHECK_EOH;
	struct cf_addr out;

	return judge(
	    c, cf_check(c->ev, cf_check_find(c->ev, check_names[which]), a, b, !comments, &out),
	    &out, e);
}

int route_words(struct config *c, enum route_check which, struct span a, struct span b,
		struct span *words, size_t *max)
{
	const char *name = which == ROUTE_CLT_FEATURES ? beside[0].name : check_names[which];

	return cf_check_words(c->ev, cf_check_find(c->ev, name), a, b, words, max);
}

enum route_verdict route_check_header(struct config *c, int rs, bool comments, struct span value,
				      struct err *e)
{
	struct cf_addr out;
	enum cf_verdict v = cf_check(c->ev, rs, value, (struct span){NULL, 0}, !comments, &out);

	/* What has no tokens (one is too long) has nothing that rules could look at. */
	return v == CF_CHECK_UNSPLIT ? ROUTE_OK : judge(c, v, &out, e);
}

/* F= of the X line "name, S=..., F=T". */
static unsigned filter_bit(const struct config *c, struct span name)
{
	for (const struct cf_line *l = c->cf.lines; l; l = l->next) {
		struct span rest = l->text;

		if (l->kind != 'X' || !ascii_eq_nocase(span_trim(span_cut(&rest, ',')), name))
			continue;
		while (rest.len) {
			struct span field = span_trim(span_cut(&rest, ','));

			if (span_starts(field, SPAN("F=R")))
				return 1u << ROUTE_FILTERS_REJECT;
			if (span_starts(field, SPAN("F=T")))
				return 1u << ROUTE_FILTERS_TEMP;
		}
	}
	return 0;
}

static unsigned filter_bits(const struct config *c)
{
	struct span list = cf_option_get(&c->cf, "InputMailFilters");
	unsigned bits = list.len ? 1u << ROUTE_FILTERS : 0;

	while (list.len && bits <= 1u << ROUTE_FILTERS)
		bits |= filter_bit(c, span_trim(span_cut(&list, ',')));
	return bits;
}

unsigned route_checks(struct config *c)
{
	unsigned bits = filter_bits(c);
	struct cf_header_line h;

	if (!config_begin(c))
		return 0;
	for (const struct cf_line *at = c->cf.lines; cf_header_line(c->ev, &at, &h);)
		if (h.ruleset.len)
			bits |= 1u << ROUTE_CHECK_HEADER;
	for (unsigned i = 0; i < ROUTE_CHECKS; i++)
		if (check_names[i] && cf_check_find(c->ev, check_names[i]) >= 0)
			bits |= 1u << i;
	for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
		if (cf_check_find(c->ev, beside[i].name) >= 0)
			bits |= beside[i].bits;
	for (unsigned i = 0; i < ROUTE_M_COUNT; i++)
		if (config_uses(c, route_macros[i]))
			bits |= 1u << (ROUTE_MACROS + i);
	config_idle(c);
	return bits;
}

bool route_parse_sender(struct config *c, struct span sender, struct buf *macros, struct err *e)
{
	struct cf_addr a = {0};
	/* The null path is not looked at: it is always well-formed. */
	bool ok = !sender.len || cf_addr_parse(c->ev, sender, CF_ADDR_SENDER, &a);

	if (!config_was_read(c, e))
		return false;
	if (!ok)
		return no_address(c, &a, e);
	route_put_macro(macros, "{mail_mailer}", a.mailer ? a.mailer->name : SPAN("local"));
	route_put_macro(macros, "{mail_host}", a.has_host ? a.host : SPAN(""));
	route_put_macro(macros, "{mail_addr}", sender.len ? a.user : SPAN("<>"));
	route_set_macros(c, buf_span(macros));
	return true;
}
