/*
 * Users of this host: whose mail it is, and who may send as whom; see service/route.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "format/address.h"
#include "service/account.h"
#include "service/route.h"

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

bool route_is_trusted(const struct config *c, const struct settings *s, uid_t uid, uid_t own,
		      const char *name)
{
	struct span list = span_str(s->trusted);

	if (uid == 0 || uid == own || (c && name[0] && cf_class_has(&c->cf, 't', span_str(name))))
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
	buf_put(out, settings_sender_domain(s));
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
		buf_put(out, settings_sender_domain(s));
	}
	return buf_ok(out) || err_perm(e, "5.1.7", "sender address too long");
}
