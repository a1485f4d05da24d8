/*
 * sendmail -bt: the commands that begin with a slash; see sendmail_test_part.h.
 *
 * Only /mx and /canon and maps of their kinds ask a name server.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/err.h"
#include "sendmail_test_part.h"
#include "service/alias.h"

/* What delivery would try, in its order; a name without exchangers, or in brackets, is its own. */
static void cmd_mx(struct sendmail_test *t, struct span arg)
{
	struct resolver_mx mx[RESOLVER_MX];
	enum resolver_mx_kind kind = RESOLVER_MX_SELF;
	char name[DNS_NAME_MAX];
	struct buf self;
	int n = 0, status = 0;

	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /mx address\n");
		return;
	}
	buf_init_fixed(&self, name, sizeof name);
	if (arg.ptr[0] != '[')
		status = resolver_find_mx(&t->resolver, arg, mx, &n, &kind);
	buf_printf(&t->out, "getmxrr(%.*s) returns ", SPAN_ARG(arg));
	if (kind == RESOLVER_MX_NULL) {
		sendmail_test_say_str(t, "null MX (See RFC7505)\n");
		return;
	}
	if (status != EXIT_TEMPFAIL && (status || kind == RESOLVER_MX_SELF) &&
	    resolver_put_self(&t->resolver, arg, &self) == 0)
		n = buf_ok(&self);
	/* -1 is what getmxrr returns for a failure that may pass. */
	buf_printf(&t->out, "%d value(s):\n", status == EXIT_TEMPFAIL ? -1 : n);
	for (int i = 0; i < n; i++)
		if (self.len)
			buf_printf(&t->out, "\t%.*s\n", (int)self.len, name);
		else
			buf_printf(&t->out, "\t%s.\n", mx[i].name);
}

/* As $[ $] finds it, but without the dot that the host map puts behind. */
static void cmd_canon(struct sendmail_test *t, struct span arg)
{
	char name[DNS_NAME_MAX];
	struct buf b;

	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /canon address\n");
		return;
	}
	if (arg.len >= CF_NAME) {
		sendmail_test_say_str(t, "Name too long\n");
		return;
	}
	buf_init_fixed(&b, name, sizeof name);
	buf_printf(&t->out, "getcanonname(%.*s) returns ", SPAN_ARG(arg));
	if (resolver_canon(&t->resolver, arg, true, &b) == 0)
		buf_put(&t->out, buf_span(&b));
	else
		buf_put(&t->out, span_head(arg, arg.len - (arg.ptr[arg.len - 1] == '.')));
	sendmail_test_say_str(t, "\n");
}

/* What AliasFile names is a map, too, whose files alias.h reads. */
static bool find_alias(struct sendmail_test *t, struct span name, struct buf *out, int *status)
{
	struct alias a;
	struct err e;

	alias_init(&a);
	*status = EXIT_TEMPFAIL;
	if (alias_add(&a, cf_option_get(&t->cf, "AliasFile"), &e))
		*status = alias_find(&a, name, out);
	if (*status == EXIT_NOUSER)
		*status = EXIT_NOHOST;
	alias_free(&a);
	return *status == 0;
}

/* The map itself, without the quotes and -T that $( deals with; %0 is the key, and %1 empty. */
static void cmd_map(struct sendmail_test *t, struct span arg)
{
	struct span name, args[2] = {{NULL, 0}};
	struct cf_map *m;
	char mem[CF_LINE];
	struct buf b;
	int status = 0;
	bool is_alias;

	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /map mapname key\n");
		return;
	}
	name = span_head(arg, strcspn(arg.ptr, " \t\n\v\f\r"));
	arg = span_skip(arg, name.len);
	if (arg.len == 0) {
		sendmail_test_say_str(t, "No key specified\n");
		return;
	}
	arg = span_skip(arg, 1);
	m = cf_map_find(&t->cf, name);
	is_alias = !m && (span_eq(name, SPAN("aliases")) || span_eq(name, SPAN("aliases.files")) ||
			  span_eq(name, SPAN("Alias0")));
	if (!m && !is_alias) {
		buf_printf(&t->out, "Map named \"%.*s\" not found\n", SPAN_ARG(name));
		return;
	}
	/* A map with -o whose file is missing is not open; all others are, and fail when asked. */
	if (m && !maps_is_open(&t->maps, &t->ev, m)) {
		buf_printf(&t->out, "Map named \"%.*s\" not open\n", SPAN_ARG(name));
		return;
	}
	buf_printf(&t->out, "map_lookup: %.*s (%.*s) ", SPAN_ARG(name), SPAN_ARG(arg));
	buf_init_fixed(&b, mem, sizeof mem);
	args[0] = arg;
	if (is_alias ? find_alias(t, arg, &b, &status)
		     : cf_map_raw(&t->ev, m, arg, args, &b, &status)) {
		sendmail_test_say_str(t, "returns ");
		for (size_t i = 0; i < b.len; i++)
			if ((unsigned char)b.ptr[i] != CF_LITERAL)
				buf_putc(&t->out, b.ptr[i]);
		buf_printf(&t->out, " (%d)\n", status);
	} else {
		buf_printf(&t->out, "no match (%d)\n", status);
	}
}

/* ${addr_type}: "h" or "e" for header or envelope, "s" or "r" for sender or recipient. */
void sendmail_test_set_addr_type(struct sendmail_test *t)
{
	char type[] = "e r";
	size_t used;
	int id = cf_macro_id(&t->ev, SPAN("{addr_type}"), &used);

	if (t->flags & CF_ADDR_HEADER)
		type[0] = 'h';
	if (t->flags & CF_ADDR_SENDER)
		type[2] = 's';
	cf_macro_set(&t->ev, id, span_str(type));
}

static void put_kind(struct sendmail_test *t)
{
	buf_printf(&t->out, "%s %s address", t->flags & CF_ADDR_HEADER ? "header" : "envelope",
		   t->flags & CF_ADDR_SENDER ? "sender" : "recipient");
}

/* As delivery by this mailer would write the address. */
static void cmd_try(struct sendmail_test *t, struct span arg)
{
	struct span name = ascii_cut_word(&arg);
	const struct cf_mailer *m;
	char mem[CF_LINE];
	struct buf b;
	int status;

	arg = ascii_skip_space(arg);
	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /try mailer address\n");
		return;
	}
	m = cf_mailer_find(&t->cf, name);
	if (!m) {
		buf_printf(&t->out, "Unknown mailer %.*s\n", SPAN_ARG(name));
		return;
	}
	sendmail_test_say_str(t, "Trying ");
	put_kind(t);
	buf_printf(&t->out, " %.*s for mailer %.*s\n", SPAN_ARG(arg), SPAN_ARG(name));
	buf_init_fixed(&b, mem, sizeof mem);
	if (t->debug[DEBUG_NAMES])
		buf_printf(&t->out, "remotename(%.*s)\n", SPAN_ARG(arg));
	status = cf_addr_remote(&t->ev, arg, m, t->flags, &b);
	if (t->debug[DEBUG_NAMES])
		buf_printf(&t->out, "remotename => `%.*s', stat=%d\n", SPAN_ARG(buf_span(&b)),
			   status);
	buf_printf(&t->out, "Rcode = %d, addr = ", status);
	buf_put(&t->out, buf_span(&b));
	sendmail_test_say_str(t, "\n");
}

/* Letters add up over calls: what is not named stays as it was. */
static void cmd_tryflags(struct sendmail_test *t, struct span arg)
{
	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /tryflags [Hh|Ee][Ss|Rr]\n");
		return;
	}
	for (; arg.len; arg = span_skip(arg, 1)) {
		char c = ascii_lower(arg.ptr[0]);

		if (c == 'h')
			t->flags |= CF_ADDR_HEADER;
		else if (c == 'e')
			t->flags &= ~(unsigned)CF_ADDR_HEADER;
		else if (c == 's')
			t->flags |= CF_ADDR_SENDER;
		else if (c == 'r')
			t->flags &= ~(unsigned)CF_ADDR_SENDER;
	}
	sendmail_test_set_addr_type(t);
}

/* A recipient's queue group is asked for as soon as it is parsed. */
static void queue_group(struct sendmail_test *t, const struct cf_addr *a)
{
	int rs = cf_ruleset_id(&t->ev, SPAN("queuegroup"), false, NULL);
	struct cf_tok *tok;
	size_t n;

	/*
	 * Only recipients have a queue group, and only when the configuration defines the
	 * ruleset.
	 */
	if (rs < 0 || !t->cf.rs[rs].first || a->is_bad || !a->mailer || t->flags)
		return;
	tok = arena_alloc(&t->ev.mem, (CF_ATOMS + 1) * sizeof *tok);
	if (tok && cf_scan(&t->ev, a->user, '\0', CF_SCAN_ADDRESS, tok, &n, NULL) && n)
		cf_rewrite(&t->ev, tok, &n, rs);
}

static void cmd_parse(struct sendmail_test *t, struct span arg)
{
	char mem[CF_LINE];
	struct cf_addr a;
	struct buf b;

	if (arg.len == 0) {
		sendmail_test_say_str(t, "Usage: /parse address\n");
		return;
	}
	buf_init_fixed(&b, mem, sizeof mem);
	cf_crack(&t->cf, arg, &b);
	sendmail_test_show_cracked(t, arg, buf_span(&b));
	sendmail_test_say_str(t, "Cracked address = ");
	sendmail_test_show(t, buf_span(&b));
	sendmail_test_say_str(t, "\nParsing ");
	put_kind(t);
	sendmail_test_say_str(t, "\n");
	if (t->debug[DEBUG_PARSE])
		buf_printf(&t->out, "\n--parseaddr(%.*s)\n", SPAN_ARG(arg));
	/* An error mailer is a result that is shown, not a failure to parse. */
	if (!cf_addr_parse(&t->ev, arg, t->flags, &a) && !a.is_error) {
		sendmail_test_say_str(t, "Cannot parse\n");
		return;
	}
	/* A refusal stands, whatever else could not be found out. */
	if (a.deferred && !a.is_bad)
		buf_printf(&t->out,
			   "%.*s... Transient parse error -- message queued for future delivery\n",
			   SPAN_ARG(arg));
	queue_group(t, &a);
	sendmail_test_say_str(t, "mailer ");
	buf_put(&t->out, a.mailer ? a.mailer->name : SPAN("*error*"));
	if (a.has_host && a.host.len) {
		sendmail_test_say_str(t, ", host ");
		buf_put(&t->out, a.host);
	}
	sendmail_test_say_str(t, ", user ");
	buf_put(&t->out, a.user);
	sendmail_test_say_str(t, "\n");
}

static void cmd_quit(struct sendmail_test *t, struct span arg)
{
	(void)arg;
	t->quit = true;
}

void sendmail_test_slash(struct sendmail_test *t, struct span line)
{
	static const struct {
		const char *name;
		void (*run)(struct sendmail_test *t, struct span arg);
	} commands[] = {
	    {"canon", cmd_canon}, {"map", cmd_map}, {"mx", cmd_mx},
	    {"parse", cmd_parse}, {"try", cmd_try}, {"tryflags", cmd_tryflags},
	    {"quit", cmd_quit},
	};
	struct span name;

	/* /map keeps a blank key apart from none, so only the others lose trailing blanks. */
	line = ascii_trim_space(line);
	if (line.len == 1 || ascii_is_space(line.ptr[1])) {
		sendmail_test_say_str(t, "Usage: /[canon|map|mx|parse|try|tryflags]\n");
		return;
	}
	name = span_head(line, strcspn(line.ptr, " \t"));
	if (name.len > line.len)
		name = line;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (!ascii_eq_nocase(span_skip(name, 1), span_str(commands[i].name)))
			continue;
		commands[i].run(t, ascii_skip_space(span_skip(line, name.len)));
		return;
	}
	buf_printf(&t->out, "Unknown \"/\" command %.*s\n", SPAN_ARG(name));
}
