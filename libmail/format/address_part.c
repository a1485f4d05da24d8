/*
 * Taking addresses apart and putting them together: RFC 5321 4.1.2, RFC 5233's detail.
 *
 * These work on addresses that may not have been checked: they never fail, and what they say of a
 * malformed one does no harm.  What a mailer may be run with is decided by address_is_safe,
 * which allows by list: an octet nobody thought of is refused.
 */
#include "base/ascii.h"
#include "format/address.h"

/* What stands for itself in a local part: atext of RFC 5322 3.2.3, UTF-8 and dots. */
static bool is_plain(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c > 0x7f ||
	       (c && memchr("!#$%&'*+-/=?^_`{|}~.", c, 20));
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void address_split(struct span addr, struct span *local, struct span *domain)
{
	size_t at = addr.len;
	bool quoted = false;

	for (size_t i = 0; i < addr.len; i++) {
		char c = addr.ptr[i];
		/* A backslash takes the meaning from a quote or at sign behind it. */
		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (c == '@' && !quoted)
			at = i;
	}
	*local = span_head(addr, at);
	*domain = span_skip(addr, at + 1);
}

bool address_split_detail(struct span local, struct span *user, struct span *detail)
{
	/* A quoted local part is one name; its '+' is no separator. */
	bool quoted = local.len && local.ptr[0] == '"';
	size_t at = local.len && !quoted ? 1 + span_index(span_skip(local, 1), '+') : local.len;

	*user = span_head(local, at);
	*detail = span_skip(local, at + 1);
	return at < local.len;
}

bool address_eq(struct span a, struct span b)
{
	struct span al, ad, bl, bd;

	address_split(a, &al, &ad);
	address_split(b, &bl, &bd);
	/* A final dot only says that the name is complete. */
	if (span_ends(ad, SPAN(".")))
		ad.len--;
	if (span_ends(bd, SPAN(".")))
		bd.len--;
	return span_eq(al, bl) && ascii_eq_nocase(ad, bd);
}

uint32_t address_key(struct span addr)
{
	uint32_t key = 0;

	/* A final dot, and an '@' with nothing behind it, make no difference. */
	for (size_t i = 0; i < addr.len; i++)
		if (addr.ptr[i] != '.' && addr.ptr[i] != '@')
			key = key * 31 + (unsigned char)ascii_lower(addr.ptr[i]);
	return key;
}

bool address_is_postmaster(struct span local)
{
	return ascii_eq_nocase(local, SPAN("postmaster"));
}

void address_put_unquoted(struct span local, struct buf *out)
{
	for (size_t i = 0; i < local.len; i++) {
		if (local.ptr[i] == '"')
			continue;
		if (local.ptr[i] == '\\' && i + 1 < local.len)
			i++;
		buf_putc(out, local.ptr[i]);
	}
}

void address_put_quoted(struct span name, struct buf *out)
{
	bool plain = name.len > 0;

	for (size_t i = 0; i < name.len; i++)
		plain &= is_plain(name.ptr[i]);
	if (plain) {
		buf_put(out, name);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			buf_putc(out, '\\');
		/* Not even quoted may one stand in a path: RFC 5321 4.1.2 qtextSMTP. */
		buf_putc(out, is_control(name.ptr[i]) ? '?' : name.ptr[i]);
	}
	buf_putc(out, '"');
}

bool address_is_safe(struct span addr)
{
	size_t ats = 0;

	/* A dash in front would be an option to the program that gets it. */
	if (addr.len == 0 || addr.len > ADDRESS_PATH_MAX || addr.ptr[0] == '-')
		return false;
	/* As if a dot stood before: no hidden file and no ".." can come of it. */
	char last = '.';
	for (size_t i = 0; i < addr.len; i++) {
		char c = addr.ptr[i];
		if (!ascii_is_alnum(c) && !(c && memchr("._+-=%@#~^", c, 10)))
			return false;
		if (c == '.' && last == '.')
			return false;
		ats += c == '@';
		last = c;
	}
	return ats <= 1;
}
