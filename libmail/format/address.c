/*
 * SMTP paths and single addresses: RFC 5321 4.1.2 and 4.1.3; see format/address.h.
 *
 * One scanner (take_local, take_domain) decides for every caller what an address is, so that the
 * server, the header parser and the mailers cannot disagree.  It must not accept a control
 * octet anywhere: spool files and argument vectors rely on that.
 */
#include "format/address.h"

#include "base/ascii.h"
#include "base/num.h"

const char *address_error_text(enum address_error e)
{
	static const char *const text[] = {
	    [ADDRESS_OK] = "",
	    [ADDRESS_MISSING] = "Address required",
	    [ADDRESS_UNBALANCED] = "Unbalanced brackets, quotes or comment",
	    [ADDRESS_BAD_LOCAL] = "Bad local part",
	    [ADDRESS_BAD_DOMAIN] = "Bad domain",
	    [ADDRESS_TOO_LONG] = "Address too long",
	};
	return text[e];
}

/* atext of RFC 5322 3.2.3 and UTF-8 (RFC 6531 3.3). */
static bool is_atext(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c > 0x7f ||
	       (c && memchr("!#$%&'*+-/=?^_`{|}~", c, 19));
}

/* The octets that could end a line or steer a terminal wherever the address is shown. */
static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Blanks inside the brackets are no SMTP, but common and harmless. */
static size_t skip_blanks(struct span s, size_t at)
{
	while (at < s.len && ascii_is_blank(s.ptr[at]))
		at++;
	return at;
}

/* Behind the quoted string that begins at at. */
static enum address_error take_quoted(struct span s, size_t *at)
{
	for (size_t i = *at + 1; i < s.len; i++) {
		if (is_control(s.ptr[i]))
			return ADDRESS_BAD_LOCAL;
		if (s.ptr[i] == '"') {
			*at = i + 1;
			return ADDRESS_OK;
		}
		/* A backslash at the end leaves the loop, and the quote open. */
		if (s.ptr[i] == '\\' && ++i < s.len && is_control(s.ptr[i]))
			return ADDRESS_BAD_LOCAL;
	}
	return ADDRESS_UNBALANCED;
}

/*
 * Leaves *at on the first octet that cannot belong to a local part. Quoted strings and
 * atoms may alternate (obs-local-part); the dots are not checked, since a..b@ is in use.
 */
static enum address_error take_local(struct span s, size_t *at)
{
	size_t start = *at;

	while (*at < s.len) {
		char c = s.ptr[*at];

		if (c == '"') {
			enum address_error e = take_quoted(s, at);
			if (e != ADDRESS_OK)
				return e;
		} else if (c == '\\') {
			/* RFC 821 quoted single octets this way; \user is still seen. */
			if (*at + 1 >= s.len || !ascii_is_graph(s.ptr[*at + 1]))
				return ADDRESS_BAD_LOCAL;
			*at += 2;
		} else if (is_atext(c) || c == '.') {
			++*at;
		} else {
			break;
		}
	}
	return *at > start ? ADDRESS_OK : ADDRESS_BAD_LOCAL;
}

/*
 * Strict, four decimal numbers: "[1.2.3]" and "[010.0.0.1]" are read in more than one way
 * by those who come later.
 */
static bool is_ipv4(struct span s)
{
	for (int i = 0; i < 4; i++) {
		uint64_t v;
		if (i < 3 && span_index(s, '.') == s.len)
			return false;
		struct span part = i < 3 ? span_cut(&s, '.') : s;
		if (part.len > 3 || !num_parse(part, 255, &v))
			return false;
	}
	return true;
}

/* RFC 5321 4.1.3: at most eight groups, one "::" for two or more, IPv4 at the end. */
static bool is_ipv6(struct span s)
{
	/* RFC 5321 has "::" stand for two groups or more; one is taken, too, as RFC 4291 allows. */
	enum { GROUPS = 8 };
	size_t groups = 0;
	bool gap = false;

	/* A single colon in front; "::" is a gap. */
	if (span_starts(s, SPAN(":")) && !span_starts(s, SPAN("::")))
		return false;
	while (s.len) {
		if (span_starts(s, SPAN("::"))) {
			s = span_skip(s, 2);
			if (gap || (s.len && s.ptr[0] == ':'))
				return false;
			gap = true;
			continue;
		}
		if (s.ptr[0] == ':')
			s = span_skip(s, 1);
		size_t n = span_index(s, ':');
		struct span part = span_head(s, n);
		uint64_t v;
		if (n == s.len && is_ipv4(part)) {
			groups += 2;
		} else {
			if (n > 4 || !num_parse_base(part, 16, 0xffff, &v))
				return false;
			groups++;
		}
		s = span_skip(s, n);
	}
	return gap ? groups < GROUPS : groups == GROUPS;
}

bool address_is_domain(struct span s)
{
	/* One final dot is allowed and does not count (RFC 1034 section 3.1). */
	if (span_ends(s, SPAN(".")))
		s.len--;
	/* A dash in front could pass for an option where the domain becomes an argument. */
	if (s.len == 0 || s.len > ADDRESS_DOMAIN_MAX || s.ptr[0] == '-')
		return false;
	size_t label = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		/* The underscore is no host name character, but names with it receive mail. */
		if (!ascii_is_alnum(c) && c != '-' && c != '_' && (unsigned char)c <= 0x7f)
			return false;
		if (++label > ADDRESS_LABEL_MAX)
			return false;
	}
	return label > 0;
}

enum address_literal address_literal_kind(struct span domain, struct span *inner)
{
	if (domain.len < 3 || domain.ptr[0] != '[' || domain.ptr[domain.len - 1] != ']')
		return ADDRESS_LITERAL_NONE;
	struct span in = span_make(domain.ptr + 1, domain.len - 2);
	/* IPv4 first: four numbers with dots would also pass as a name. */
	*inner = in;
	if (is_ipv4(in))
		return ADDRESS_LITERAL_IPV4;
	if (ascii_starts_nocase(in, SPAN("IPv6:"))) {
		*inner = span_skip(in, 5);
		return is_ipv6(*inner) ? ADDRESS_LITERAL_IPV6 : ADDRESS_LITERAL_NONE;
	}
	/* "[mail.example.org]" is sendmail's way to say "no MX lookup". */
	return address_is_domain(in) ? ADDRESS_LITERAL_NAME : ADDRESS_LITERAL_NONE;
}

/* Behind the domain or literal at at; *len is its length without a final dot. */
static enum address_error take_domain(struct span s, size_t *at, size_t *len)
{
	size_t start = *at, i = start;
	struct span inner;

	if (i < s.len && s.ptr[i] == '[') {
		i += span_index(span_skip(s, i), ']');
		if (i == s.len)
			return ADDRESS_UNBALANCED;
		i++;
		*len = i - start;
		*at = i;
		struct span d = span_make(s.ptr + start, *len);
		return address_literal_kind(d, &inner) ? ADDRESS_OK : ADDRESS_BAD_DOMAIN;
	}
	while (i < s.len && (is_atext(s.ptr[i]) || s.ptr[i] == '.'))
		i++;
	*at = i;
	*len = i - start;
	if (!address_is_domain(span_make(s.ptr + start, *len)))
		return ADDRESS_BAD_DOMAIN;
	/* A fully qualified name may be written with its dot; mailbox and domain lose it. */
	if (s.ptr[i - 1] == '.')
		--*len;
	return ADDRESS_OK;
}

/* The mailbox at *at, which is left behind it. */
static enum address_error take_mailbox(struct span s, size_t *at, struct address_path *out)
{
	size_t start = *at, len = 0;
	enum address_error e = take_local(s, at);

	if (e != ADDRESS_OK)
		return e;
	out->local = span_make(s.ptr + start, *at - start);
	/* Without a domain the local part is all: "root" is for the caller to qualify. */
	out->mailbox = out->local;
	if (*at < s.len && s.ptr[*at] == '@') {
		size_t domain = ++*at;
		e = take_domain(s, at, &len);
		if (e != ADDRESS_OK)
			return e;
		out->domain = span_make(s.ptr + domain, len);
		out->mailbox.len = domain + len - start;
	}
	/* The brackets count, whether they were written or not (RFC 5321 4.5.3.1.3). */
	if (out->mailbox.len > ADDRESS_PATH_MAX - 2)
		return ADDRESS_TOO_LONG;
	out->long_local = out->local.len > ADDRESS_LOCAL_MAX;
	for (size_t i = 0; i < out->mailbox.len; i++)
		out->eightbit |= (unsigned char)out->mailbox.ptr[i] > 0x7f;
	return ADDRESS_OK;
}

/*
 * Drops "@a,@b:" in front of a mailbox: RFC 5321 appendix C, which asks servers to accept
 * routes and allows them to ignore them.
 */
static enum address_error skip_route(struct span s, size_t *at)
{
	size_t len;

	while (*at < s.len && s.ptr[*at] == '@') {
		++*at;
		enum address_error e = take_domain(s, at, &len);
		if (e != ADDRESS_OK)
			return e;
		if (*at < s.len && s.ptr[*at] == ',') {
			++*at;
			continue;
		}
		if (*at >= s.len || s.ptr[*at] != ':')
			return ADDRESS_BAD_LOCAL;
		++*at;
		return ADDRESS_OK;
	}
	return ADDRESS_OK;
}

enum address_error address_parse_path(struct span in, struct address_path *out)
{
	*out = (struct address_path){.rest = {NULL, 0}};
	size_t at = skip_blanks(in, 0);

	if (at == in.len)
		return ADDRESS_MISSING;
	bool bracket = in.ptr[at] == '<';
	if (bracket)
		at = skip_blanks(in, at + 1);
	/* The null path; only with brackets, or a missing argument would pass for it. */
	if (bracket && at < in.len && in.ptr[at] == '>') {
		out->null = true;
	} else {
		enum address_error e = skip_route(in, &at);
		if (e == ADDRESS_OK)
			e = take_mailbox(in, &at, out);
		if (e != ADDRESS_OK)
			return e;
		if (bracket)
			at = skip_blanks(in, at);
	}
	if (bracket) {
		if (at == in.len)
			return ADDRESS_UNBALANCED;
		/* Something else between address and ">": blamed on the last part that was read. */
		if (in.ptr[at++] != '>')
			return out->domain.len ? ADDRESS_BAD_DOMAIN : ADDRESS_BAD_LOCAL;
	} else if (at < in.len && !ascii_is_blank(in.ptr[at])) {
		return out->domain.len ? ADDRESS_BAD_DOMAIN : ADDRESS_BAD_LOCAL;
	}
	/* What follows without a blank may be the rest of an address: better refused than cut. */
	if (at < in.len && !ascii_is_blank(in.ptr[at]))
		return ADDRESS_UNBALANCED;
	out->rest = span_trim(span_skip(in, at));
	return ADDRESS_OK;
}

enum address_error address_parse(struct span in, struct address_path *out)
{
	size_t at = 0;

	*out = (struct address_path){.rest = {NULL, 0}};
	if (in.len == 0)
		return ADDRESS_MISSING;
	enum address_error e = take_mailbox(in, &at, out);
	if (e == ADDRESS_OK && at < in.len)
		e = out->domain.len ? ADDRESS_BAD_DOMAIN : ADDRESS_BAD_LOCAL;
	return e;
}
