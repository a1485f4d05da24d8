/*
 * Values of other mailers in this one's form; see cf/cfgen_from_part.h.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "cf/cfgen_from_part.h"

struct span cfgen_from_word(struct span *s)
{
	size_t n = 0;
	struct span word;

	while (s->len && (memchr(" \t,\n", s->ptr[0], 4)))
		*s = span_skip(*s, 1);
	while (n < s->len && !memchr(" \t,\n", s->ptr[n], 4))
		n++;
	word = span_head(*s, n);
	*s = span_skip(*s, n);
	return word;
}

/* Names of the host itself hold anyway. */
static bool put_domains(struct span v, struct buf *out)
{
	struct span word;

	while ((word = cfgen_from_word(&v)).len) {
		if (span_eq(word, SPAN("$myhostname")) || span_starts(word, SPAN("localhost")))
			continue;
		if (span_eq(word, SPAN("$mydomain")))
			word = SPAN("$m");
		else if (span_eq(word, SPAN("$mydestination")))
			continue;
		if (memchr(word.ptr, '/', word.len) || memchr(word.ptr, ':', word.len) ||
		    memchr(word.ptr, '@', word.len) ||
		    (word.ptr[0] == '$' && !span_eq(word, SPAN("$m"))))
			return false;
		buf_puts(out, out->len ? " " : "");
		buf_put(out, word);
	}
	return true;
}

/* Only masks of whole parts can be told by the first parts of an address. */
static bool put_networks(struct span v, struct buf *out)
{
	struct span word;

	while ((word = cfgen_from_word(&v)).len) {
		struct span address = span_cut(&word, '/');
		uint64_t bits = 32, parts;

		if (span_starts(address, SPAN("127.")) || span_starts(address, SPAN("[::")))
			continue;
		if ((word.len && !num_parse(word, 32, &bits)) || bits % 8 || bits == 0 ||
		    !ascii_is_digit(address.len ? address.ptr[0] : '\0'))
			return false;
		buf_puts(out, out->len ? " " : "");
		for (parts = 0; parts < bits / 8; parts++) {
			buf_puts(out, parts ? "." : "");
			buf_put(out, span_cut(&address, '.'));
		}
	}
	return true;
}

static bool put_listeners(struct span v, struct buf *out)
{
	if (span_eq(v, SPAN("loopback-only")) || span_eq(v, SPAN("localhost")))
		buf_puts(out, "127.0.0.1:25 [::1]:25");
	else if (span_eq(v, SPAN("all")))
		buf_puts(out, "*:25");
	return out->len > 0;
}

static bool put_milters(struct span v, struct buf *out)
{
	struct span word, rest, host;

	while ((word = cfgen_from_word(&v)).len) {
		rest = word;
		if (span_eq(span_cut(&rest, ':'), SPAN("inet"))) {
			host = span_cut(&rest, ':');
			if (rest.len == 0)
				return false;
			buf_printf(out, "%sinet:%.*s@%.*s", out->len ? " " : "", SPAN_ARG(rest),
				   SPAN_ARG(host));
		} else if (span_starts(word, SPAN("unix:"))) {
			buf_puts(out, out->len ? " " : "");
			buf_put(out, word);
		} else {
			return false;
		}
	}
	return true;
}

static bool put_files(struct span v, struct buf *out)
{
	struct span word;

	while ((word = cfgen_from_word(&v)).len) {
		size_t colon = span_index(word, ':');

		if (span_index(word, '$') < word.len)
			return false;
		buf_puts(out, out->len ? "," : "");
		buf_put(out, span_skip(word, colon < word.len ? colon + 1 : 0));
	}
	return true;
}

/* False: it could not be carried over. */
bool cfgen_from_value(const struct cfgen_from_row *row, struct span v, struct buf *value)
{
	switch ((enum act)row->act) {
	case DOMAINS:
		if (span_eq(v, SPAN("$myhostname")))
			buf_puts(value, "$j");
		return put_domains(v, value);
	case NETWORKS:
		return put_networks(v, value);
	case LISTENERS:
		return put_listeners(v, value);
	case MILTER:
		return put_milters(v, value);
	case FILE_OF:
		return put_files(v, value);
	default:
		/* Another mailer's own variables mean nothing here. */
		buf_put(value, v);
		return span_index(v, '$') == v.len && span_index(v, '\n') == v.len;
	}
}
