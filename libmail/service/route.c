/*
 * The built-in policy; see service/route.h.
 */
#include "service/route.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "format/address.h"
#include "service/account.h"

/*
 * local decides everything: own domains go to accounts, all others to a relay. The address
 * is made complete, so reports and logs name one that works from anywhere.
 */
bool route_recipient(const struct settings *s, struct span rcpt, struct route *out, struct err *e)
{
	struct address_path p;
	enum address_error bad = address_parse(rcpt, &p);
	struct buf user, address;
	bool local;

	*out = (struct route){0};
	if (bad != ADDRESS_OK)
		return err_perm(e, "5.1.3", "%s", address_error_text(bad));
	local = settings_is_local(s, p.domain);
	buf_init_fixed(&address, out->address, sizeof out->address);
	buf_put(&address, p.mailbox);
	if (p.domain.len == 0) {
		buf_putc(&address, '@');
		buf_put(&address, settings_domain(s));
	}
	buf_cstr(&address);
	out->mailer = local ? ROUTE_LOCAL : ROUTE_RELAY;
	buf_init_fixed(&user, out->user, sizeof out->user);
	/* "a b"@host is the user a b: quotes are syntax, not part of the name. */
	if (local)
		address_put_unquoted(p.local, &user);
	buf_cstr(&user);
	if (!buf_ok(&user) || !buf_ok(&address) ||
	    (!local && !span_to_cstr(p.domain, out->host, sizeof out->host)))
		return err_perm(e, "5.1.3", "address too long");
	return true;
}

bool route_other_name(char *user, size_t cap)
{
	/* user+detail is user unless the longer name exists; the caller tries it first. */
	struct span name, detail;

	if (address_split_detail(span_str(user), &name, &detail)) {
		user[name.len] = '\0';
		return true;
	}
	/* RFC 5321 4.5.1: it must be accepted wherever mail is. */
	return ascii_eq_nocase(span_str(user), SPAN("postmaster")) &&
	       span_to_cstr(SPAN("root"), user, cap);
}

bool route_account(struct account_source *accounts, const struct route *r, struct account *out,
		   struct err *e)
{
	char user[MTA_NAME_MAX + 1];

	memcpy(user, r->user, sizeof user);
	do {
		if (account_find(accounts, span_str(user), out, e))
			return true;
	} while (e->class == ERR_PERM && route_other_name(user, sizeof user));
	return false;
}

static bool is_loopback(struct span addr)
{
	return span_starts(addr, SPAN("127.")) || span_eq(addr, SPAN("IPv6:::1"));
}

bool route_may_relay(const struct mta_origin *o, struct err *e)
{
	/* Who may send to other domains: local users, authenticated clients, this host itself. */
	if (o->uid != UINT32_MAX || o->auth.len || is_loopback(o->addr))
		return true;
	return err_perm(e, "5.7.1", "Relaying denied");
}

bool route_is_trusted(const struct settings *s, uid_t uid, uid_t own, const char *name)
{
	struct span list = span_str(s->trusted);

	if (uid == 0 || uid == own)
		return true;
	while (list.len)
		if (span_eq(span_cut(&list, ' '), span_str(name)) && name[0])
			return true;
	return false;
}

/* Untrusted users cannot choose their envelope sender: it is what their uid says. */
static void put_own(const struct settings *s, uid_t uid, const char *name, struct buf *out)
{
	if (name[0])
		address_put_quoted(span_str(name), out);
	else
		buf_printf(out, "uid%u", (unsigned)uid);
	buf_putc(out, '@');
	buf_put(out, settings_domain(s));
}

bool route_sender(const struct settings *s, const struct mta_origin *o, struct span sender,
		  const char *name, bool trusted, struct buf *out, struct err *e)
{
	struct address_path p;
	enum address_error bad;

	buf_reset(out);
	if (sender.len == 0)
		return true; /* the null path impersonates nobody */
	if (o->uid != UINT32_MAX && !trusted) {
		put_own(s, (uid_t)o->uid, name, out);
		return buf_ok(out) || err_perm(e, "5.1.7", "sender address too long");
	}
	bad = address_parse(sender, &p);
	if (bad != ADDRESS_OK)
		return err_perm(e, "5.1.7", "%s", address_error_text(bad));
	buf_put(out, p.mailbox);
	if (p.domain.len == 0) {
		buf_putc(out, '@');
		buf_put(out, settings_domain(s));
	}
	return buf_ok(out) || err_perm(e, "5.1.7", "sender address too long");
}
