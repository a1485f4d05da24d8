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
#include "format/date.h"
#include "sendmail.h"
#include "sendmail_test_part.h"
#include "service/config_part.h"
#include "service/hostname.h"
#include "service/maps.h"
#include "service/resolver.h"
#include "sys/fs.h"

enum {
	OLDEST_LEVEL = 10, /* older files are warned about */
	OUT_MAX = 4 << 20,
	CONFIG_MAX = 64 << 20,
	SERIOUS = EXIT_SOFTWARE /* the status of a mistake in the file */
};

/* The categories of -d for enum debug, in its order; 21 and 60 belong to the engine. */
static const int debug_category[] = {12, 20, 33, 84};

static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	return maps_lookup(&((struct sendmail_test *)ctx)->maps, ev, m, key, args, out);
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	return maps_open(&((struct sendmail_test *)ctx)->maps, ev, m);
}

/*
 * ".Dxvalue", ".Cx words": as D and C lines, for this session. A macro is set at run time,
 * so that $&x sees it as well.
 */
static void setting(struct sendmail_test *t, char *line, size_t len)
{
	size_t used, n;
	int id;

	if (len < 2) {
		sendmail_test_say_str(t, "Usage: .[DC]macro value(s)\n");
		return;
	}
	if (line[1] != 'D' && line[1] != 'C') {
		buf_printf(&t->out, "Unknown \".\" command %.*s\n", (int)len, line);
		return;
	}
	if (line[1] == 'C' && len == 2)
		return;
	id = cf_macro_id(&t->ev, span_make(line + 2, len - 2), &used);
	if (id == 0)
		return;
	n = cf_strip_comment(line + 2 + used, len - 2 - used);
	while (n && ascii_is_space(line[1 + used + n]))
		n--;
	n = cf_translate(&t->ev, line + 2 + used, n);
	if (line[1] == 'D')
		cf_macro_set(&t->ev, id, span_make(line + 2 + used, n));
	else
		cf_class_line(&t->ev, id, span_make(line + 2 + used, n));
}

/* "21.12", "21-60.5", joined by commas; a category without level gets 1. */
static void set_debug(struct sendmail_test *t, struct span s)
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

static void debug_line(struct sendmail_test *t, struct span line)
{
	if (line.len > 1 && line.ptr[1] == 'd')
		set_debug(t, span_skip(line, 2));
	else if (line.len == 1)
		sendmail_test_say_str(t, "Usage: -d{debug arguments}\n");
	else
		buf_printf(&t->out, "Unknown \"-\" command %.*s\n", SPAN_ARG(line));
}

/* One address through the named rulesets; messages have the rest of the names, as sendmail does. */
static void run_rulesets(struct sendmail_test *t, struct span names, struct cf_tok *tok, size_t n)
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

static void rulesets_line(struct sendmail_test *t, struct span line)
{
	struct cf_tok *tok;
	struct span names, rest;
	size_t n;

	line = ascii_skip_space(line);
	/* Lines end in a NUL (test_line), so the C string functions end. */
	names = span_head(line, strcspn(line.ptr, " \t\n\v\f\r"));
	if (names.len >= line.len) {
		sendmail_test_say_str(t, "No address!\n");
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

static void test_line(struct sendmail_test *t, char *text, size_t len)
{
	struct span line;

	/* Leading blanks go, other white space does not: sendmail skips only those. */
	for (; len && text[0] == ' '; text++)
		len--;
	text[len] = '\0';
	line = span_make(text, len);
	switch (text[0]) {
	case '\0':
	case '#':
		break;
	case '?':
		sendmail_test_say_str(t, "Sendmail " SENDMAIL_TEST_VERSION
					 " -- HELP not implemented\n");
		break;
	case '.':
		setting(t, text, len);
		break;
	case '=':
		sendmail_test_dump(t, line);
		break;
	case '-':
		debug_line(t, line);
		break;
	case '$':
		sendmail_test_dump_value(t, line);
		break;
	case '/':
		sendmail_test_slash(t, line);
		break;
	default:
		rulesets_line(t, line);
	}
	/* Each line has the whole of the scratch memory. */
	cf_eval_reset(&t->ev);
}

static void define(struct sendmail_test *t, const char *name, const char *value)
{
	size_t used;
	int id = cf_macro_id(&t->ev, span_str(name), &used);

	if (id)
		cf_macro_define(&t->cf, id, span_str(value));
}

/* What is defined whatever the configuration says. */
static void predefine(struct sendmail_test *t)
{
	char date[64];
	struct buf b;
	time_t now = time(NULL);
	struct tm tm;
	struct passwd *pw = getpwuid(getuid());

	config_predefine(&t->cf);
	localtime_r(&now, &tm);
	buf_init_fixed(&b, date, sizeof date - 1);
	date_put(&b, now, (int)(tm.tm_gmtoff / 60));
	if (!tm.tm_gmtoff)
		buf_truncate(&b, b.len - sizeof "+0000" + 1);
	buf_printf(&b, tm.tm_gmtoff ? " (%s)" : "%.3s", tm.tm_gmtoff ? tm.tm_zone : "GMT");
	define(t, "b", buf_cstr(&b));
	define(t, "v", SENDMAIL_TEST_VERSION);
	snprintf(date, sizeof date, "%s@localhost", pw ? pw->pw_name : "unknown");
	define(t, "_", date);
	define(t, "{opMode}", "t");
	define(t, "{deliveryMode}", "i");
	define(t, "{load_avg}", "0");
	define(t, "{quarantine}", "");
}

static void check_version(struct sendmail_test *t)
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

static bool load(struct sendmail_test *t, const struct sendmail_test_options *o,
		 const struct hostname *h)
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
	hostname_define(h, &t->resolver, &t->cf);
	predefine(t);
	/*
	 * Set before and after: the configuration reads some options while it is loaded,
	 * and the command line has the last word.
	 */
	t->ev.building = true;
	for (int i = 0; i < o->options; i++)
		cf_option_set(&t->ev, o->option[i].letter, span_str(o->option[i].text));
	ok = cf_load(&t->ev, buf_span(&text));
	t->ev.building = true;
	t->host.report = NULL;
	for (int i = 0; i < o->options; i++)
		cf_option_set(&t->ev, o->option[i].letter, span_str(o->option[i].text));
	t->host.report = sendmail_test_report;
	t->ev.building = false;
	buf_free(&text);
	config_complete(&t->ev, &t->resolver);
	return ok;
}

static void read_lines(struct sendmail_test *t)
{
	char line[CF_LINE + 1];

	while (!t->quit) {
		size_t n;

		/* Written before each read when somebody sits there, else in large pieces. */
		sendmail_test_say_str(t, "> ");
		if (t->tty)
			sendmail_test_flush(t);
		if (!fgets(line, CF_LINE, stdin))
			break;
		n = strcspn(line, "\n");
		test_line(t, line, n);
	}
	sendmail_test_flush(t);
}

int sendmail_test_mode(const struct sendmail_test_options *o)
{
	struct sendmail_test *t = calloc(1, sizeof *t);
	struct hostname h;
	struct err e;
	int status = EXIT_OSFILE;

	if (!t)
		return EXIT_OSERR;
	t->path = o->cf_path;
	t->trace_fd = -1;
	if (o->debug_file && (t->trace_fd = sendmail_open_log(o->debug_file)) < 0) {
		free(t);
		return EXIT_CANTCREAT;
	}
	t->tty = isatty(STDIN_FILENO);
	t->host = (struct cf_host){t,        sendmail_test_report, sendmail_test_trace, lookup,
				   open_map, maps_read_file};
	buf_init(&t->out, OUT_MAX);
	if (!resolver_init(&t->resolver, &e)) {
		fprintf(stderr, "%s\n", e.text);
		free(t);
		return EXIT_OSERR;
	}
	hostname_find(&h, &t->resolver);
	maps_init(&t->maps, &t->resolver);
	cf_init(&t->cf);
	cf_eval_init(&t->ev, &t->cf, &t->host);
	if (!load(t, o, &h))
		goto out;
	check_version(t);
	if (!cf_mailer_find(&t->cf, SPAN("local"))) {
		fputs("No local mailer defined\n", stderr);
		t->cf.errors++;
	}
	sendmail_test_set_addr_type(t);
	if (o->debug)
		set_debug(t, span_str(o->debug));
	sendmail_test_say_str(t, "ADDRESS TEST MODE (ruleset 3 NOT automatically invoked)\n"
				 "Enter <ruleset> <address>\n");
	read_lines(t);
	/* The first error's status, and a mistake in the file came before all. */
	status = t->cf.errors ? SERIOUS : t->ev.status == EXIT_TEMPFAIL ? 0 : t->ev.status;
out:
	cf_eval_free(&t->ev);
	cf_free(&t->cf);
	maps_free(&t->maps);
	resolver_free(&t->resolver);
	buf_free(&t->out);
	if (t->trace_fd >= 0)
		close(t->trace_fd);
	free(t);
	return status;
}
