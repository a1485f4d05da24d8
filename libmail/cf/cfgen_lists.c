/*
 * The template's lists: lines made of several variables each; see cf/cfgen_part.h.
 */
#include "base/ascii.h"
#include "base/num.h"
#include "cf/cfgen_part.h"

/* What did not fit is not there, and cfgen_write then fails. */
static void keep(struct cfgen *g, const char *list, struct buf *b)
{
	g->mem.failed |= !buf_ok(b);
	cfgen_derive(g, list, buf_span(b), NULL);
	buf_reset(b);
}

/* "/path" is a file of words, and need not be there. */
static void put_class(struct buf *out, char class, struct span word)
{
	if (word.ptr[0] == '/')
		buf_printf(out, "F%c-o ", class);
	else
		buf_printf(out, "C%c", class);
	buf_put(out, word);
	buf_putc(out, '\n');
}

static void put_words(const struct cfgen *g, const char *variable, char class, struct buf *out)
{
	struct span list = cfgen_get(g, variable), word;

	while ((word = cfgen_word(&list, false)).len)
		put_class(out, class, word);
}

/* Addresses, or the first parts of some: digits and dots, or colons. */
static bool is_numeric(struct span word)
{
	bool numeric = true;

	for (size_t i = 0; i < word.len; i++)
		numeric = numeric && (ascii_is_digit(word.ptr[i]) || word.ptr[i] == '.');
	return numeric || span_index(word, ':') < word.len;
}

static void class_lines(struct cfgen *g, struct buf *b)
{
	struct span list = cfgen_get(g, "MY_ALIAS"), word;

	while ((word = cfgen_word(&list, false)).len) {
		put_class(b, 'w', word);
		if (span_index(word, '.') == word.len && cfgen_get(g, "MY_DOMAIN").len)
			buf_printf(b, "Cw%.*s.$m\n", SPAN_ARG(word));
	}
	put_words(g, "ACCEPT_ADDRS", 'A', b);
	put_words(g, "VIRTUAL_DOMAINS", 'V', b);
	put_words(g, "MASQUERADE_DOMAINS", 'M', b);
	put_words(g, "ALLOW_RELAY_TO", 'T', b);
	put_words(g, "LOCAL_HOST_IPADDR", 'I', b);
	put_words(g, "LOCAL_HOST_DOMAIN", 'D', b);
	list = cfgen_get(g, "ALLOW_RELAY_FROM");
	while ((word = cfgen_word(&list, false)).len)
		put_class(b, is_numeric(word) ? 'I' : 'D', word);
	list = cfgen_get(g, "DIRECT_DELIVER_DOMAINS");
	if (cfgen_is_one_of(list, "all|none")) {
		cfgen_derive(g, "direct", list, "DIRECT_DELIVER_DOMAINS");
	} else if (list.len == 0) {
		cfgen_derive(g, "direct",
			     cfgen_get(g, "DEFAULT_RELAY").len ? SPAN("none") : SPAN("all"), NULL);
	} else {
		cfgen_derive(g, "direct", SPAN("some"), "DIRECT_DELIVER_DOMAINS");
		put_words(g, "DIRECT_DELIVER_DOMAINS", 'X', b);
	}
}

/*
 * "type:file" as a K line; a text map returns the key when it is not told better, and what
 * RELAY_AUTH_MAP returns are several words.
 */
static bool put_map(struct cfgen *g, const char *variable, struct span name, struct span value,
		    struct buf *out)
{
	struct span type = span_cut(&value, ':');

	if (type.len == 0 || value.len == 0) {
		cfgen_report(g, true, NULL, 0, 0, "as hash:/etc/mail/table", "%s is not type:file",
			     variable);
		return false;
	}
	buf_printf(out, "K%.*s %.*s%s%s %.*s\n", SPAN_ARG(name), SPAN_ARG(type),
		   span_eq(type, SPAN("text")) ? " -k0 -v1" : "",
		   span_eq(type, SPAN("text")) && *variable == 'R' ? " -z\\t" : "",
		   SPAN_ARG(value));
	return true;
}

/* Each user table has a map and a ruleset, both named user0, user1 and so on. */
static bool user_lines(struct cfgen *g, struct buf *b)
{
	struct span list = cfgen_get(g, "USERTABLE_MAPS"), word;
	struct buf users;
	char name[] = "user0";
	bool ok = true;

	buf_init(&users, CFGEN_DEF_MAX);
	for (; ok && (word = cfgen_word(&list, false)).len; name[4]++) {
		struct span domain = span_cut(&word, '='), flag = word, file;

		file = span_cut(&flag, ':');
		file.len += (file.len < word.len) + span_cut(&flag, ':').len;
		ok = put_map(g, "USERTABLE_MAPS", span_str(name), file, b);
		buf_printf(&users, "%s=%.*s:%.*s\n", name, SPAN_ARG(domain), SPAN_ARG(flag));
		if (!span_eq(domain, SPAN("local")))
			put_class(b, 'V', domain);
		if (name[4] == '9')
			name[4] = 'a' - 1;
		if (name[4] == 'z' && list.len) {
			cfgen_report(g, true, NULL, 0, 0, "", "more than 36 USERTABLE_MAPS");
			ok = false;
		}
	}
	if (users.len || cfgen_get(g, "MASQUERADE_MAP").len)
		cfgen_derive(g, "rename", SPAN("yes"), NULL);
	keep(g, "user_maps", &users);
	buf_free(&users);
	return ok;
}

static bool map_lines(struct cfgen *g, struct buf *b)
{
	static const struct {
		const char *variable, *name;
	} single[] = {
	    {"VIRTUAL_MAP", "virtual"},
	    {"MASQUERADE_MAP", "masquerade"},
	    {"RELAY_AUTH_MAP", "authinfo"},
	};
	bool ok = true;

	for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
		if (cfgen_get(g, single[i].variable).len)
			ok &= put_map(g, single[i].variable, span_str(single[i].name),
				      cfgen_get(g, single[i].variable), b);
	return user_lines(g, b) && ok;
}

/* "ADDR:PORT", "[::1]:25", "25" as DaemonPortOptions; 465 is TLS from the start. */
static bool listen_line(struct cfgen *g, struct span item, struct buf *out)
{
	size_t colon = item.len;
	struct span host = {NULL, 0}, port;
	uint64_t number;

	while (colon > 0 && item.ptr[colon - 1] != ':')
		colon--;
	port = span_skip(item, colon);
	if (colon)
		host = span_head(item, colon - 1);
	if (!num_parse(port, 65535, &number) || number == 0) {
		cfgen_report(g, true, NULL, 0, 0, "as 0.0.0.0:25 or [::]:25",
			     "LISTEN: \"%.*s\" is not ADDR:PORT",
			     (int)(item.len < 60 ? item.len : 60), item.ptr);
		return false;
	}
	buf_printf(out, "O DaemonPortOptions=Name=%s, Port=%u", number == 25 ? "MTA" : "MSA",
		   (unsigned)number);
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		buf_printf(out, ", Family=inet6, Addr=%.*s", (int)host.len - 2, host.ptr + 1);
	else if (host.len && !span_eq(host, SPAN("*")))
		buf_printf(out, ", Addr=%.*s", SPAN_ARG(host));
	buf_puts(out, number == 465 ? ", M=sa\n" : number == 587 ? ", M=a\n" : "\n");
	return true;
}

/* Milters are called in the order in which they stand. */
static bool daemon_lines(struct cfgen *g, struct buf *b)
{
	struct span list = cfgen_get(g, "LISTEN"), word;
	char action = cfgen_get(g, "MILTER_DEFAULT_ACTION").ptr[0];
	const char *flags = action == 't' ? ", F=T" : action == 'r' ? ", F=R" : "";
	unsigned count = 0;

	while ((word = cfgen_word(&list, false)).len)
		if (!listen_line(g, word, b))
			return false;
	list = cfgen_get(g, "MILTERS");
	while ((word = cfgen_word(&list, false)).len)
		buf_printf(b, "Xmilter%u, S=%.*s%s, T=C:1m;S:30s;R:4m;E:10m\n", ++count,
			   SPAN_ARG(word), flags);
	for (unsigned i = 1; i <= count; i++)
		buf_printf(b, "%smilter%u", i == 1 ? "O InputMailFilters=" : ", ", i);
	if (count)
		buf_putc(b, '\n');
	return true;
}

/* A file of "GW mailer:host" and "DOM domain..." lines; .domain is what is below it. */
static bool route_file(struct cfgen *g, struct span path, struct buf *exact, struct buf *below)
{
	struct span rest, gw = {NULL, 0}, word;
	struct buf text;
	uint32_t line = 0;
	char file[256];
	bool ok = true;

	buf_init(&text, CFGEN_DEF_MAX);
	if (!span_to_cstr(path, file, sizeof file) || !g->host->read_file ||
	    !g->host->read_file(g->host->ctx, path, &text) || !buf_ok(&text)) {
		cfgen_report(g, true, NULL, 0, 0, "", "STATIC_ROUTE_FILE: cannot read %.*s",
			     SPAN_ARG(path));
		buf_free(&text);
		return false;
	}
	for (rest = buf_span(&text); rest.len;) {
		struct span l = span_cut(&rest, '\n'), key;

		line++;
		l = span_head(l, span_index(l, '#'));
		key = cfgen_word(&l, false);
		if (key.len == 0)
			continue;
		if (span_eq(key, SPAN("GW"))) {
			gw = cfgen_word(&l, false);
		} else if (!span_eq(key, SPAN("DOM")) || gw.len == 0) {
			cfgen_report(g, true, file, line, 1, "first GW mailer:host, then DOM lines",
				     "not a GW or DOM line");
			ok = false;
			break;
		}
		while ((word = cfgen_word(&l, false)).len) {
			bool dot = word.ptr[0] == '.';

			buf_printf(dot ? below : exact, "%.*s=%.*s\n",
				   SPAN_ARG(span_skip(word, dot)), SPAN_ARG(gw));
		}
	}
	buf_free(&text);
	return ok;
}

static bool route_lines(struct cfgen *g)
{
	struct span list = cfgen_get(g, "STATIC_ROUTE_FILE"), word;
	struct buf exact, below;
	bool ok = true;

	buf_init(&exact, CFGEN_DEF_MAX);
	buf_init(&below, CFGEN_DEF_MAX);
	while (ok && (word = cfgen_word(&list, false)).len)
		ok = route_file(g, word, &exact, &below);
	keep(g, "routes", &exact);
	keep(g, "routes_below", &below);
	buf_free(&exact);
	buf_free(&below);
	return ok;
}

bool cfgen_prepare_lists(struct cfgen *g)
{
	struct buf b;
	bool ok;

	buf_init(&b, CFGEN_DEF_MAX);
	class_lines(g, &b);
	ok = map_lines(g, &b);
	keep(g, "classes", &b);
	ok = ok && daemon_lines(g, &b);
	keep(g, "daemon", &b);
	buf_free(&b);
	return route_lines(g) && ok;
}
