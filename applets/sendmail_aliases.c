/*
 * sendmail -bi, newaliases: what the alias files hold, and their mistakes; texts and
 * statuses are sendmail's.
 *
 * A name on a left side is what the rulesets make of it: "bob@HOST" of this host is bob.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "sendmail.h"

enum { SHOWN = 40 /* octets of a line */ };

static void say(void *ctx, const char *path, uint32_t line, const char *text)
{
	(void)ctx;
	if (path && line)
		printf("%s: line %u: %s\n", path, (unsigned)line, text);
	else if (path)
		printf("%s: %s\n", path, text);
	else
		puts(text);
}

static bool name_of(void *ctx, const char *path, uint32_t line, const struct aliases_entry *en,
		    struct buf *out)
{
	struct sendmail *m = ctx;
	struct span text = span_trim(en->left);
	char said[CF_LINE];
	struct cf_addr a = {0};
	bool known;

	if (!config_begin(m->config))
		return false;
	known = cf_addr_parse(m->config->ev, text, 0, &a) && a.mailer;
	if (m->config->heard[0]) {
		snprintf(said, sizeof said, "%.*s... %s", SPAN_ARG(text), m->config->heard);
		say(ctx, path, line, said);
	}
	if (!known && !a.is_error) {
		size_t n = (size_t)snprintf(said, sizeof said, "%.*s: %.*s", SPAN_ARG(text),
					    SPAN_ARG(en->right));

		n = n < SHOWN ? n : SHOWN;
		snprintf(said + n, sizeof said - n, "... illegal alias name");
		say(ctx, path, line, said);
		return false;
	}
	if (!a.mailer || !cf_mailer_flag(a.mailer, 'A')) {
		snprintf(said, sizeof said, "%.*s... cannot alias non-local names", SPAN_ARG(text));
		say(ctx, path, line, said);
		return false;
	}
	for (struct span n = aliases_name(a.user); n.len; n = span_skip(n, 1))
		buf_putc(out, ascii_lower(n.ptr[0]));
	return true;
}

int sendmail_rebuild(struct sendmail *m)
{
	struct alias_build b = {.ctx = m, .say = say, .name = name_of, .program = "newaliases"};
	struct alias a;
	struct err e;
	bool ok = sendmail_aliases(m, &a, &e);

	if (!ok) {
		puts(e.text);
		b.mistakes++;
	}
	alias_rebuild(&a, &b);
	alias_free(&a);
	return b.mistakes ? EXIT_SOFTWARE : 0;
}
