/*
 * sendmail -bt: address test mode.
 *
 * Reads lines like "3,0 user@host", "/parse user@host", "=S0" or ".Dxvalue" and
 * prints, octet for octet, what sendmail 8.17 prints.  Uses only the engine's
 * public interface; nothing here knows how rules work.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "cf/cf.h"
#include "sendmail_test.h"
#include "service/hostname.h"
#include "service/maps.h"
#include "service/resolver.h"
#include "sys/fs.h"

enum { OLDEST_LEVEL = 10 /* older files are warned about */ };
enum { OUT_FLUSH = 32768, OUT_MAX = 4 << 20, CONFIG_MAX = 64 << 20, SERIOUS = 70 };

/* Categories of -d that show something besides the rules (21) and maps (60). */
enum debug { DEBUG_NAMES, DEBUG_PARSE, DEBUG_CRACK, DEBUG_HEX };
static const int debug_category[] = {12, 20, 33, 84};

struct test {
	struct cf cf;
	struct cf_eval ev;
	struct cf_host host;
	struct maps maps;
	struct resolver resolver;
	const char *path;
	struct buf out;
	unsigned flags; /* CF_ADDR_... of /try and /parse */
	bool tty;
	int debug[4]; /* levels of enum debug */
};

static void flush(struct test *t)
{
	fwrite(t->out.ptr, 1, t->out.len, stdout);
	fflush(stdout);
	buf_reset(&t->out);
}

static void say(struct test *t, struct span s)
{
	if (t->out.len > OUT_FLUSH)
		flush(t);
	buf_put(&t->out, s);
}

static void say_str(struct test *t, const char *s)
{
	say(t, span_str(s));
}

/* The text of a message without octets that are no text. */
static void put_message(struct buf *b, struct span s)
{
	for (; s.len; s = span_skip(s, 1)) {
		unsigned char c = (unsigned char)s.ptr[0];

		if ((c & 0xe0) == 0x80)
			continue;
		buf_putc(b, (char)(c & 0x7f));
	}
}

/* A name in a message is cut in the middle when it is long. */
static void put_shortened(struct buf *b, struct span s)
{
	enum { LONGEST = 203, KEPT = 100 };

	if (s.len <= LONGEST) {
		put_message(b, s);
		return;
	}
	put_message(b, span_head(s, KEPT));
	buf_puts(b, "...");
	put_message(b, span_skip(s, s.len - KEPT));
}

static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct test *t = ctx;
	struct buf b;

	buf_init(&b, CF_LINE * 3);
	/* As in 551, the address is not named when the text is about another one. */
	if (!line && code[0] && t->ev.to.len && memcmp(code + 1, "51", 2) != 0) {
		put_shortened(&b, t->ev.to);
		buf_puts(&b, "... ");
	}
	put_message(&b, text);
	buf_putc(&b, '\n');
	if (line) {
		const char *name = strrchr(t->path, '/');

		fprintf(stderr, "%s: line %u: %.*s", t->path, (unsigned)line,
			SPAN_ARG(buf_span(&b)));
		(void)name;
	} else {
		if (!t->ev.status)
			t->ev.status = EXIT_SOFTWARE;
		say(t, buf_span(&b));
	}
	buf_free(&b);
}

static void put_tokens(struct test *t, const struct cf_tok *tok, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_putc(&t->out, ' ');
		if (tok[i].op && t->debug[DEBUG_HEX])
			buf_printf(&t->out, tok[i].arg ? " 0x%02x %c" : " 0x%02x ", tok[i].op,
				   tok[i].arg);
		else
			cf_show_tok(&t->cf, &tok[i], &t->out);
	}
}

/* Internal text; with -d84 operators as numbers. */
static void show(struct test *t, struct span s)
{
	if (!t->debug[DEBUG_HEX]) {
		cf_show(&t->cf, s, &t->out);
		return;
	}
	for (; s.len; s = span_skip(s, 1)) {
		if (((unsigned char)s.ptr[0] & 0xe0) == 0x80)
			buf_printf(&t->out, " 0x%02x ", (unsigned char)s.ptr[0]);
		else
			cf_show(&t->cf, span_head(s, 1), &t->out);
	}
}

static void show_cracked(struct test *t, struct span addr, struct span cracked)
{
	if (!t->debug[DEBUG_CRACK])
		return;
	buf_printf(&t->out, "crackaddr(%.*s)\ncrackaddr=>`", SPAN_ARG(addr));
	show(t, cracked);
	buf_puts(&t->out, "'\n");
}

static void trace_rules(struct test *t, const struct cf_trace *s)
{
	switch (s->step) {
	case CF_STEP_TRYING:
		if (t->ev.debug >= 15)
			buf_printf(&t->out, "-----trying rule (line %u):", (unsigned)s->rule->line);
		else
			buf_puts(&t->out, "-----trying rule:");
		break;
	case CF_STEP_FAILS:
		buf_puts(&t->out, "----- rule fails\n");
		return;
	case CF_STEP_MATCHES:
		buf_puts(&t->out, "-----rule matches:");
		break;
	case CF_STEP_REWRITTEN:
		buf_puts(&t->out, "rewritten as:");
		break;
	default:
		return;
	}
	put_tokens(t, s->tok, s->n);
	buf_putc(&t->out, '\n');
}

static void trace(void *ctx, const struct cf_trace *s)
{
	struct test *t = ctx;
	struct span name = span_head(s->name, 16);

	if (t->out.len > OUT_FLUSH)
		flush(t);
	if (s->step == CF_STEP_CRACKED) {
		show_cracked(t, s->name, s->text);
		return;
	}
	if (s->step == CF_STEP_SKIPPED) {
		buf_printf(&t->out, "-----skip subr %.*s (%d)\n", SPAN_ARG(s->name),
			   cf_ruleset_id(&t->ev, s->name, false, NULL));
		return;
	}
	if (s->step == CF_STEP_MACRO_LEFT || s->step == CF_STEP_MACRO_RIGHT) {
		buf_puts(&t->out,
			 s->step == CF_STEP_MACRO_LEFT ? "rewrite: LHS $&{" : "rewrite: RHS $&{");
		if (t->cf.long_name[s->status].len)
			buf_put(&t->out, t->cf.long_name[s->status]);
		else
			buf_putc(&t->out, (char)s->status);
		buf_puts(&t->out, "} => \"");
		if (s->text.ptr)
			buf_put(&t->out, s->text);
		else
			buf_puts(&t->out, "(NULL)");
		buf_puts(&t->out, "\"\n");
		return;
	}
	if (s->step == CF_STEP_LOOKUP || s->step == CF_STEP_FOUND || s->step == CF_STEP_MISSING) {
		if (s->step == CF_STEP_LOOKUP)
			buf_printf(&t->out, "map_lookup(%.*s, ", SPAN_ARG(s->map->name));
		else
			buf_puts(&t->out, s->step == CF_STEP_FOUND ? "" : "NOT FOUND ");
		cf_show(&t->cf, s->text, &t->out);
		if (s->step == CF_STEP_FOUND)
			buf_putc(&t->out, ' ');
		for (int i = 0; t->ev.debug_maps >= 20 && s->args && s->args[i].ptr; i++)
			buf_printf(&t->out, ", %%%d=%.*s", i, SPAN_ARG(s->args[i]));
		if (s->step == CF_STEP_LOOKUP)
			buf_puts(&t->out, ") => ");
		else
			buf_printf(&t->out, "(%d), ad=0\n", s->status);
		return;
	}
	if (s->step != CF_STEP_INPUT && s->step != CF_STEP_RETURNS) {
		trace_rules(t, s);
		return;
	}
	buf_put(&t->out, name);
	buf_put(&t->out, span_make("                ", 16 - name.len));
	buf_puts(&t->out, s->step == CF_STEP_INPUT ? "   input:" : " returns:");
	put_tokens(t, s->tok, s->n);
	buf_putc(&t->out, '\n');
}

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	return maps_lookup(&((struct test *)ctx)->maps, ev, m, key, args, out);
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	return maps_open(&((struct test *)ctx)->maps, ev, m);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span skip_space(struct span s)
{
	while (s.len && is_space(s.ptr[0]))
		s = span_skip(s, 1);
	return s;
}

static struct span cut_word(struct span *s)
{
	size_t n = 0;
	struct span w;

	while (n < s->len && !is_space(s->ptr[n]))
		n++;
	w = span_head(*s, n);
	*s = skip_space(span_skip(*s, n));
	return w;
}

/* ".Dxvalue", ".Cx words" */
static void setting(struct test *t, char *line, size_t len)
{
	size_t used, n;
	int id;

	if (len < 2) {
		say_str(t, "Usage: .[DC]macro value(s)\n");
		return;
	}
	if (line[1] != 'D' && line[1] != 'C') {
		buf_printf(&t->out, "Unknown \".\" command %.*s\n", (int)len, line);
		return;
	}
	id = cf_macro_id(&t->ev, span_make(line + 2, len - 2), &used);
	if (id == 0)
		return;
	n = cf_translate(&t->ev, line + 2 + used, len - 2 - used);
	if (line[1] == 'D')
		cf_macro_set(&t->ev, id, span_make(line + 2 + used, n));
	else
		cf_class_line(&t->ev, id, span_make(line + 2 + used, n));
}

static void dump_ruleset(struct test *t, struct span name)
{
	int rs = cf_ruleset_id(&t->ev, name, false, NULL);
	const struct cf_rule *r;

	if (rs < 0) {
		buf_printf(&t->out, "Undefined ruleset %.*s\n", SPAN_ARG(name));
		return;
	}
	for (r = t->cf.rs[rs].first; r; r = r->next) {
		buf_putc(&t->out, 'R');
		for (size_t i = 0; i < r->nlhs; i++) {
			cf_show_tok(&t->cf, &r->lhs[i], &t->out);
			buf_putc(&t->out, ' ');
		}
		buf_puts(&t->out, "\t\t");
		for (size_t i = 0; i < r->nrhs; i++) {
			cf_show_tok(&t->cf, &r->rhs[i], &t->out);
			buf_putc(&t->out, ' ');
		}
		buf_putc(&t->out, '\n');
	}
}

static void put_rulesets(struct test *t, const char *label, int envelope, int header)
{
	buf_puts(&t->out, label);
	if (envelope < 0)
		buf_puts(&t->out, "-1");
	else
		cf_ruleset_name(&t->cf, envelope, &t->out);
	buf_putc(&t->out, '/');
	if (header < 0)
		buf_puts(&t->out, "-1");
	else
		cf_ruleset_name(&t->cf, header, &t->out);
}

static void dump_mailer(struct test *t, int i)
{
	const struct cf_mailer *m = t->cf.mailers[i];

	buf_printf(&t->out, "mailer %d (%.*s): P=%.*s", i, SPAN_ARG(m->name), SPAN_ARG(m->path));
	put_rulesets(t, " S=", m->se, m->sh);
	put_rulesets(t, " R=", m->re, m->rh);
	buf_printf(&t->out, " M=%ld U=%ld:%ld F=", m->max_size, m->uid, m->gid);
	for (int c = 0; c < 128; c++)
		if (cf_mailer_flag(m, (char)c))
			buf_putc(&t->out, (char)c);
	buf_printf(&t->out, " L=%ld E=", m->line_limit);
	cf_show(&t->cf, m->eol, &t->out);
	for (int k = 0; k < 3; k++) {
		buf_puts(&t->out, k ? "/" : " T=");
		buf_put(&t->out, m->type[k].len ? m->type[k] : SPAN("<undefined>"));
	}
	buf_printf(&t->out, " r=%ld", m->max_rcpt);
	buf_puts(&t->out, " A=");
	cf_show(&t->cf, m->argv, &t->out);
	buf_putc(&t->out, '\n');
}

static void dump(struct test *t, struct span line)
{
	char what = line.len > 1 ? line.ptr[1] : '\0';

	if (what == 'S') {
		dump_ruleset(t, span_skip(line, 2));
	} else if (what == 'M') {
		for (int i = 0; i < t->cf.nmailers; i++)
			dump_mailer(t, i);
	} else if (!what) {
		say_str(t, "Usage: =Sruleset or =M\n");
	} else {
		buf_printf(&t->out, "Unknown \"=\" command %.*s\n", SPAN_ARG(line));
	}
}

static void dump_class(struct test *t, int id)
{
	for (const struct cf_member *m = t->cf.members[id]; m; m = m->next) {
		say(t, m->text);
		say_str(t, "\n");
	}
}

static void dump_value(struct test *t, struct span line)
{
	size_t used;
	int id;
	struct span v;

	if (line.len > 1 && line.ptr[1] == '=') {
		id = cf_macro_id(&t->ev, span_skip(line, 2), &used);
		if (id)
			dump_class(t, id);
		return;
	}
	id = cf_macro_id(&t->ev, span_skip(line, 1), &used);
	if (id == 0)
		return;
	v = cf_macro_get(&t->ev, id);
	if (v.ptr)
		show(t, v);
	else
		say_str(t, "Undefined");
	say_str(t, "\n");
}

/* "21.12", "21-60.5", joined by commas; a category without level gets 1. */
static void set_debug(struct test *t, struct span s)
{
	do {
		struct span item = span_cut(&s, ','), cat = span_cut(&item, '.');
		struct span first = span_cut(&cat, '-');
		uint64_t from = 0, to, level = 1;

		if (!num_parse(first, 99, &from))
			from = 0;
		to = first.len ? from : 99;
		if (cat.len)
			num_parse(cat, 99, &to);
		if (item.len)
			num_parse(item, 1000, &level);
		for (size_t i = 0; i < sizeof t->debug / sizeof t->debug[0]; i++)
			if (from <= (uint64_t)debug_category[i] &&
			    to >= (uint64_t)debug_category[i])
				t->debug[i] = (int)level;
		if (from <= 21 && to >= 21)
			t->ev.debug = (int)level;
		if (from <= 60 && to >= 60)
			t->ev.debug_maps = (int)level;
	} while (s.len);
}

static void debug_line(struct test *t, struct span line)
{
	if (line.len > 1 && line.ptr[1] == 'd')
		set_debug(t, span_skip(line, 2));
	else if (line.len == 1)
		say_str(t, "Usage: -d{debug arguments}\n");
	else
		buf_printf(&t->out, "Unknown \"-\" command %.*s\n", SPAN_ARG(line));
}

static void cmd_mx(struct test *t, struct span arg)
{
	struct resolver_mx mx[RESOLVER_MX];
	enum resolver_mx_kind kind = RESOLVER_MX_FOUND;
	int n = 0, status = 0;

	if (arg.len == 0) {
		say_str(t, "Usage: /mx address\n");
		return;
	}
	if (arg.ptr[0] == '[') {
		buf_printf(&t->out, "getmxrr(%.*s) returns 1 value(s):\n\t%.*s\n", SPAN_ARG(arg),
			   SPAN_ARG(arg));
		return;
	}
	status = resolver_find_mx(&t->resolver, arg, mx, &n, &kind);
	if (kind == RESOLVER_MX_NULL) {
		buf_printf(&t->out, "getmxrr(%.*s) returns null MX (See RFC7505)\n", SPAN_ARG(arg));
		return;
	}
	if (status) {
		t->ev.status = status;
		n = status == EXIT_TEMPFAIL ? -1 : 0;
	} else if (kind == RESOLVER_MX_SELF) {
		snprintf(mx[0].name, sizeof mx[0].name, "%.*s", SPAN_ARG(arg));
		n = 1;
	}
	buf_printf(&t->out, "getmxrr(%.*s) returns %d value(s):\n", SPAN_ARG(arg), n);
	for (int i = 0; i < n; i++)
		buf_printf(&t->out, "\t%s.\n", mx[i].name);
}

static void cmd_canon(struct test *t, struct span arg)
{
	char name[DNS_NAME_MAX];
	struct buf b;

	if (arg.len == 0) {
		say_str(t, "Usage: /canon address\n");
		return;
	}
	buf_init_fixed(&b, name, sizeof name);
	buf_printf(&t->out, "getcanonname(%.*s) returns ", SPAN_ARG(arg));
	if (resolver_canon(&t->resolver, arg, true, &b) == 0)
		buf_put(&t->out, buf_span(&b));
	else
		buf_put(&t->out, arg);
	say_str(t, "\n");
}

static void cmd_map(struct test *t, struct span arg)
{
	static const struct span no_args[1];
	struct span name;
	struct cf_map *m;
	char mem[CF_LINE];
	struct buf b;
	int status = 0;

	if (arg.len == 0) {
		say_str(t, "Usage: /map mapname key\n");
		return;
	}
	name = span_head(arg, strcspn(arg.ptr, " \t\n\v\f\r"));
	arg = span_skip(arg, name.len);
	if (arg.len == 0) {
		say_str(t, "No key specified\n");
		return;
	}
	arg = span_skip(arg, 1);
	m = cf_map_find(&t->cf, name);
	if (!m) {
		buf_printf(&t->out, "Map named \"%.*s\" not found\n", SPAN_ARG(name));
		return;
	}
	if (!maps_is_open(&t->maps, &t->ev, m)) {
		buf_printf(&t->out, "Map named \"%.*s\" not open\n", SPAN_ARG(name));
		return;
	}
	buf_printf(&t->out, "map_lookup: %.*s (%.*s) ", SPAN_ARG(name), SPAN_ARG(arg));
	buf_init_fixed(&b, mem, sizeof mem);
	if (cf_map_raw(&t->ev, m, arg, no_args, &b, &status)) {
		say_str(t, "returns ");
		buf_put(&t->out, buf_span(&b));
		buf_printf(&t->out, " (%d)\n", status);
	} else {
		buf_printf(&t->out, "no match (%d)\n", status);
	}
}

static void set_addr_type(struct test *t)
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

static void put_kind(struct test *t)
{
	buf_printf(&t->out, "%s %s address", t->flags & CF_ADDR_HEADER ? "header" : "envelope",
		   t->flags & CF_ADDR_SENDER ? "sender" : "recipient");
}

static void cmd_try(struct test *t, struct span arg)
{
	struct span name = cut_word(&arg);
	const struct cf_mailer *m;
	char mem[CF_LINE];
	struct buf b;
	int status;

	if (arg.len == 0) {
		say_str(t, "Usage: /try mailer address\n");
		return;
	}
	m = cf_mailer_find(&t->cf, name);
	if (!m) {
		buf_printf(&t->out, "Unknown mailer %.*s\n", SPAN_ARG(name));
		return;
	}
	say_str(t, "Trying ");
	put_kind(t);
	buf_printf(&t->out, " %.*s for mailer %.*s\n", SPAN_ARG(arg), SPAN_ARG(m->name));
	buf_init_fixed(&b, mem, sizeof mem);
	if (t->debug[DEBUG_NAMES])
		buf_printf(&t->out, "remotename(%.*s)\n", SPAN_ARG(arg));
	status = cf_addr_remote(&t->ev, arg, m, t->flags, &b);
	if (t->debug[DEBUG_NAMES])
		buf_printf(&t->out, "remotename => `%.*s', stat=%d\n", SPAN_ARG(buf_span(&b)),
			   status);
	buf_printf(&t->out, "Rcode = %d, addr = ", status);
	buf_put(&t->out, buf_span(&b));
	say_str(t, "\n");
}

static void cmd_tryflags(struct test *t, struct span arg)
{
	if (arg.len == 0) {
		say_str(t, "Usage: /tryflags [Hh|Ee][Ss|Rr]\n");
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
	set_addr_type(t);
}

/* A recipient's queue group is asked for as soon as it is parsed. */
static void queue_group(struct test *t, const struct cf_addr *a)
{
	int rs = cf_ruleset_id(&t->ev, SPAN("queuegroup"), false, NULL);
	struct cf_tok *tok;
	size_t n;

	if (rs < 0 || !t->cf.rs[rs].first || !a->mailer || t->flags)
		return;
	tok = arena_alloc(&t->ev.mem, (CF_ATOMS + 1) * sizeof *tok);
	if (tok && cf_scan(&t->ev, a->user, '\0', CF_SCAN_ADDRESS, tok, &n, NULL) && n)
		cf_rewrite(&t->ev, tok, &n, rs);
}

static void cmd_parse(struct test *t, struct span arg)
{
	char mem[CF_LINE];
	struct cf_addr a;
	struct buf b;

	if (arg.len == 0) {
		say_str(t, "Usage: /parse address\n");
		return;
	}
	buf_init_fixed(&b, mem, sizeof mem);
	cf_crack(arg, cf_colon_ok(&t->cf), &b);
	show_cracked(t, arg, buf_span(&b));
	say_str(t, "Cracked address = ");
	show(t, buf_span(&b));
	say_str(t, "\nParsing ");
	put_kind(t);
	say_str(t, "\n");
	if (t->debug[DEBUG_PARSE])
		buf_printf(&t->out, "\n--parseaddr(%.*s)\n", SPAN_ARG(arg));
	if (!cf_addr_parse(&t->ev, arg, t->flags, &a) && !a.is_error) {
		say_str(t, "Cannot parse\n");
		return;
	}
	if (a.deferred)
		buf_printf(&t->out,
			   "%.*s... Transient parse error -- message queued for future delivery\n",
			   SPAN_ARG(arg));
	queue_group(t, &a);
	say_str(t, "mailer ");
	buf_put(&t->out, a.mailer ? a.mailer->name : SPAN("*error*"));
	if (a.has_host && a.host.len) {
		say_str(t, ", host ");
		buf_put(&t->out, a.host);
	}
	say_str(t, ", user ");
	buf_put(&t->out, a.user);
	say_str(t, "\n");
}

static void slash(struct test *t, struct span line)
{
	static const struct {
		const char *name;
		void (*run)(struct test *t, struct span arg);
	} commands[] = {
	    {"canon", cmd_canon}, {"map", cmd_map}, {"mx", cmd_mx},
	    {"parse", cmd_parse}, {"try", cmd_try}, {"tryflags", cmd_tryflags},
	};
	struct span name;

	/* /map keeps a blank key apart from none, so only the others lose trailing blanks. */
	while (line.len && is_space(line.ptr[line.len - 1]))
		line.len--;
	if (line.len == 1) {
		say_str(t, "Usage: /[canon|map|mx|parse|try|tryflags]\n");
		return;
	}
	name = span_head(line, strcspn(line.ptr, " \t"));
	if (name.len > line.len)
		name = line;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		if (!ascii_eq_nocase(span_skip(name, 1), span_str(commands[i].name)))
			continue;
		commands[i].run(t, skip_space(span_skip(line, name.len)));
		return;
	}
	buf_printf(&t->out, "Unknown \"/\" command %.*s\n", SPAN_ARG(name));
}

/* One address through the named rulesets. */
static void run_rulesets(struct test *t, struct span names, struct cf_tok *tok, size_t n)
{
	while (names.len) {
		int rs = cf_ruleset_id(&t->ev, names, false, NULL), status;
		size_t comma = span_index(names, ',');

		if (rs < 0) {
			buf_printf(&t->out, "Undefined ruleset %.*s\n", SPAN_ARG(names));
			return;
		}
		status = cf_rewrite(&t->ev, tok, &n, rs);
		if (status)
			buf_printf(&t->out, "== Ruleset %.*s (%d) status %d\n", SPAN_ARG(names), rs,
				   status);
		names = span_skip(names, comma + 1);
	}
}

static void rulesets_line(struct test *t, struct span line)
{
	struct cf_tok *tok;
	struct span names, rest;
	size_t n;

	line = skip_space(line);
	names = span_head(line, strcspn(line.ptr, " \t\n\v\f\r"));
	if (names.len >= line.len) {
		say_str(t, "No address!\n");
		return;
	}
	rest = span_skip(line, names.len + 1);
	if (cf_addr_invalid(&t->ev, rest))
		return;
	tok = arena_alloc(&t->ev.mem, (CF_ATOMS + 1) * sizeof *tok);
	while (tok && rest.len) {
		struct span next = {NULL, 0};

		if (cf_scan(&t->ev, rest, ',', CF_SCAN_TEST, tok, &n, &next) && n)
			run_rulesets(t, names, tok, n);
		rest = span_skip(next, 1);
	}
}

static void test_line(struct test *t, char *text, size_t len)
{
	struct span line;

	for (; len && text[0] == ' '; text++)
		len--;
	text[len] = '\0';
	line = span_make(text, len);
	switch (text[0]) {
	case '\0':
	case '#':
		break;
	case '?':
		say_str(t, "Sendmail " SENDMAIL_TEST_VERSION " -- HELP not implemented\n");
		break;
	case '.':
		setting(t, text, len);
		break;
	case '=':
		dump(t, line);
		break;
	case '-':
		debug_line(t, line);
		break;
	case '$':
		dump_value(t, line);
		break;
	case '/':
		slash(t, line);
		break;
	default:
		rulesets_line(t, line);
	}
	cf_eval_reset(&t->ev);
}

static void define(struct test *t, const char *name, const char *value)
{
	size_t used;
	int id = cf_macro_id(&t->ev, span_str(name), &used);

	if (id)
		cf_macro_define(&t->cf, id, span_str(value));
}

/* What is defined whatever the configuration says. */
static void predefine(struct test *t)
{
	static const char *const classes[][2] = {
	    {"n", "multipart/signed"}, {"e", "7bit"},   {"e", "8bit"},
	    {"e", "binary"},           {"s", "rfc822"}, {"t", "root"},
	};
	char date[64];
	time_t now = time(NULL);
	struct tm tm;
	struct passwd *pw = getpwuid(getuid());

	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (classes[i][0][0] != 't')
			cf_class_add(&t->cf, classes[i][0][0], span_str(classes[i][1]));
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S %Z", localtime_r(&now, &tm));
	define(t, "b", date);
	define(t, "v", SENDMAIL_TEST_VERSION);
	snprintf(date, sizeof date, "%s@localhost", pw ? pw->pw_name : "unknown");
	define(t, "_", date);
	define(t, "{opMode}", "t");
	define(t, "{deliveryMode}", "i");
	define(t, "{load_avg}", "0");
	define(t, "{quarantine}", "");
}

static void persistent_classes(struct test *t)
{
	static const char *const names[] = {"r", "s", "_", "{if_addr}", "{daemon_flags}"};
	size_t used;
	int id = cf_macro_id(&t->ev, SPAN("{persistentMacros}"), &used);

	for (size_t i = 0; id && i < sizeof names / sizeof names[0]; i++)
		cf_class_add(&t->cf, id, span_str(names[i]));
}

static void check_version(struct test *t)
{
	if (t->cf.level < OLDEST_LEVEL)
		fprintf(stderr,
			"Warning: .cf file is out of date: sendmail %s supports version 10, .cf "
			"file is "
			"version %d\n",
			SENDMAIL_TEST_VERSION, t->cf.level);
	t->cf.errors += t->cf.level > 10;
	if (t->cf.level > 10)
		fprintf(stderr,
			"Warning: .cf version level (%d) exceeds sendmail version %s functionality "
			"(10)\n",
			t->cf.level, SENDMAIL_TEST_VERSION);
}

static bool load(struct test *t, const struct sendmail_test_options *o, const struct hostname *h)
{
	struct buf text;
	struct err e = {.sys = 0};
	bool ok;

	buf_init(&text, CONFIG_MAX);
	if (!fs_read_all(AT_FDCWD, t->path, FS_FOLLOW, &text, &e)) {
		fprintf(stderr, "%s: line 0: cannot open: %s\n", t->path, strerror(e.sys));
		buf_free(&text);
		return false;
	}
	hostname_define(h, &t->cf);
	predefine(t);
	for (int i = 0; i < o->options; i++)
		cf_option_set(&t->ev, o->option[i].letter, span_str(o->option[i].text));
	ok = cf_load(&t->ev, buf_span(&text));
	for (int i = 0; i < o->options; i++)
		cf_option_set(&t->ev, o->option[i].letter, span_str(o->option[i].text));
	buf_free(&text);
	persistent_classes(t);
	if (!cf_map_find(&t->cf, SPAN("host")))
		cf_map_add(&t->ev, t->cf.level >= 2 ? SPAN("host host -a. -D") : SPAN("host host"));
	hostname_classes(h, &t->resolver, &t->ev);
	return ok;
}

static void read_lines(struct test *t)
{
	char line[CF_LINE + 1];

	for (;;) {
		size_t n;

		say_str(t, "> ");
		if (t->tty)
			flush(t);
		if (!fgets(line, CF_LINE, stdin))
			break;
		n = strcspn(line, "\n");
		test_line(t, line, n);
	}
	flush(t);
}

int sendmail_test_mode(const struct sendmail_test_options *o)
{
	struct test *t = calloc(1, sizeof *t);
	struct hostname h;
	int status;

	if (!t)
		return EXIT_OSERR;
	t->path = o->cf_path;
	t->tty = isatty(STDIN_FILENO);
	t->host = (struct cf_host){t, report, trace, lookup, open_map, maps_read_file};
	buf_init(&t->out, OUT_MAX);
	resolver_init(&t->resolver);
	hostname_find(&h, &t->resolver);
	maps_init(&t->maps, &t->resolver);
	cf_init(&t->cf);
	cf_eval_init(&t->ev, &t->cf, &t->host);
	if (!load(t, o, &h))
		return EXIT_OSFILE;
	check_version(t);
	set_addr_type(t);
	if (o->debug)
		set_debug(t, span_str(o->debug));
	say_str(t, "ADDRESS TEST MODE (ruleset 3 NOT automatically invoked)\n"
		   "Enter <ruleset> <address>\n");
	read_lines(t);
	status = t->ev.status ? t->ev.status : t->cf.errors ? SERIOUS : 0;
	cf_eval_free(&t->ev);
	cf_free(&t->cf);
	maps_free(&t->maps);
	resolver_free(&t->resolver);
	buf_free(&t->out);
	free(t);
	return status;
}
