/*
 * Recipients: what the user wrote as To, Cc or Bcc becomes header text and envelope
 * addresses, with the aliases of mailrc expanded.
 *
 * An address that starts with '|' or '/' is refused, wherever it comes from: older mailers
 * run or write such "addresses" (CVE-2004-2771).  One that starts with '-' is refused unless
 * the user wrote "--".
 */
#include <string.h>

#include "base/ascii.h"
#include "format/address.h"
#include "format/encword.h"
#include "mail.h"

/* Aliases of aliases of ...: more is a loop. */
enum { ALIAS_DEPTH_MAX = 16 };

static bool refuse(struct span what, const char *why)
{
	char text[ERR_TEXT_MAX];

	snprintf(text, sizeof text, "%.*s: %s", (int)(what.len < 160 ? what.len : 160),
		 what.len ? what.ptr : "", why);
	err_printable(text);
	fprintf(stderr, "mail: %s\n", text);
	return false;
}

static bool is_new(const struct mail_rcpts *r, struct span addr)
{
	struct span have = buf_span(&r->envelope);

	while (have.len)
		if (address_eq(span_cut(&have, '\0'), addr))
			return false;
	return true;
}

static bool add_one(struct mail_rcpts *r, const struct address_item *item, struct buf *header)
{
	struct buf clean, shown, name;
	enum address_error bad;
	bool ok = false;

	buf_init(&clean, ADDRESS_PATH_MAX + 64);
	buf_init(&shown, MAIL_HEADER_MAX);
	buf_init(&name, MAIL_HEADER_MAX);
	bad = item->bad ? ADDRESS_UNBALANCED : address_put_clean(item->addr, &clean);
	if (bad) {
		refuse(item->raw, address_error_text(bad));
	} else if (memchr("|/", clean.ptr[clean.ptr[0] == '"'], 2)) {
		refuse(item->raw, "programs and files are no recipients");
	} else if (clean.ptr[0] == '-' && !r->dash_ok) {
		refuse(item->raw, "an address that starts with '-' must follow \"--\"");
	} else {
		address_put_name(item->name, &name);
		if (name.len) {
			if (encword_is_needed(buf_span(&name)))
				encword_encode(buf_span(&name), &shown);
			else
				address_put_phrase(buf_span(&name), &shown);
			buf_printf(&shown, " <%s>", buf_cstr(&clean));
		} else {
			buf_put(&shown, buf_span(&clean));
		}
		if (header) {
			buf_puts(header, header->len ? ", " : "");
			buf_put(header, buf_span(&shown));
		}
		if (is_new(r, buf_span(&clean))) {
			buf_put(&r->envelope, buf_span(&clean));
			buf_putc(&r->envelope, '\0');
			r->count++;
		}
		ok = buf_ok(&r->envelope) && buf_ok(&shown) && (!header || buf_ok(header));
		if (!ok)
			refuse(item->raw, "too many recipients");
	}
	buf_free(&clean);
	buf_free(&shown);
	buf_free(&name);
	return ok;
}

/* The alias that a bare word names, or NULL. */
static const char *alias_of(const struct mail *m, struct span word)
{
	char name[128];

	return span_to_cstr(word, name, sizeof name) ? mail_pair_get(m->aliases, name) : NULL;
}

/*
 * One pass over the list: elements that are several bare words become several elements
 * ("-c 'ann bob'" has always meant two), and aliases become what they stand for.
 */
static bool expand_once(const struct mail *m, struct span list, struct buf *out)
{
	struct address_list l;
	struct address_item item;
	bool again = false;

	address_list_init(&l, list);
	while (address_list_next(&l, &item)) {
		struct span rest = item.raw;
		bool words = !item.bracketed && !item.comment.len && !item.bad &&
			     span_index(rest, '"') == rest.len;

		while (rest.len) {
			struct span word = rest;
			const char *alias = NULL;

			rest.len = 0;
			if (words) {
				size_t n = 0;

				while (n < word.len && !memchr(" \t\r\n", word.ptr[n], 4))
					n++;
				rest = span_trim(span_skip(word, n));
				word = span_head(word, n);
				alias = alias_of(m, word);
			}
			if (alias && span_eq(span_trim(span_str(alias)), word))
				alias = NULL;
			again = again || alias;
			buf_puts(out, out->len ? ", " : "");
			buf_put(out, alias ? span_str(alias) : word);
		}
	}
	return again;
}

bool mail_rcpt_add(const struct mail *m, struct mail_rcpts *r, struct span list, struct buf *header)
{
	struct buf text, next, swap;
	struct address_list l;
	struct address_item item;
	unsigned depth = ALIAS_DEPTH_MAX;
	bool again = !r->literal, ok;

	buf_init(&text, MAIL_HEADER_MAX);
	buf_init(&next, MAIL_HEADER_MAX);
	buf_put(&text, list);
	while (again && depth--) {
		again = expand_once(m, buf_span(&text), &next);
		swap = text;
		text = next;
		next = swap;
		buf_reset(&next);
	}
	ok = buf_ok(&text);
	if (!ok)
		fputs("mail: too many recipients\n", stderr);
	address_list_init(&l, buf_span(&text));
	while (ok && address_list_next(&l, &item)) {
		/* A backslash keeps a name from being an alias: POSIX, alias command. */
		if (!item.bracketed && span_starts(item.addr, SPAN("\\")))
			item.addr = span_skip(item.addr, 1);
		ok = add_one(r, &item, header);
	}
	buf_free(&text);
	buf_free(&next);
	return ok;
}
