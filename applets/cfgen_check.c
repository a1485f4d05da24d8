/*
 * cfgen --check: reads a sendmail.cf with the engine and says what is wrong with it.
 */
#include <fcntl.h>
#include <stdio.h>

#include "base/err.h"
#include "cf/cf.h"
#include "cfgen.h"
#include "sendmail.h"
#include "service/maps.h"
#include "sys/fs.h"

enum { NEWEST_LEVEL = 10 };

struct check {
	const char *path;
	unsigned faults;
	struct cf cf;
};

/* Place, what was expected and a hint come from the checker of sendmail -bC. */
static void report(void *ctx, uint32_t line, const char *code, struct span text)
{
	struct check *c = ctx;
	char message[2 * CF_LINE];

	if (line)
		snprintf(message, sizeof message, "%s: line %u: %s%.*s", c->path, (unsigned)line,
			 code, SPAN_ARG(text));
	else
		snprintf(message, sizeof message, "%s: %s%.*s", c->path, code, SPAN_ARG(text));
	sendmail_check_tell(message);
	c->faults++;
}

/* Nothing is looked up and no map opened: only the file's own text is judged. */
static int lookup(void *ctx, struct cf_eval *ev, struct cf_map *m, struct span key,
		  const struct span *args, struct buf *out)
{
	(void)ctx, (void)ev, (void)m, (void)key, (void)args, (void)out;
	return EXIT_UNAVAILABLE;
}

static bool open_map(void *ctx, struct cf_eval *ev, struct cf_map *m)
{
	(void)ctx, (void)ev;
	return m->kind != CFM_NONE;
}

/* What a daemon would miss only when the first message comes. */
static void check_whole(struct check *c)
{
	static const char *const mailers[] = {"local", "prog"};
	static const char *const sets[] = {"0", "3", "4"};

	for (size_t i = 0; i < sizeof mailers / sizeof mailers[0]; i++)
		if (!cf_mailer_find(&c->cf, span_str(mailers[i])))
			report(c, 0, "",
			       i ? SPAN("there is no mailer prog (an M line)")
				 : SPAN("there is no mailer local (an M line)"));
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
		if (!c->cf.rs[sets[i][0] - '0'].first) {
			c->faults++;
			printf("%s: ruleset %s has no rules\n", c->path, sets[i]);
		}
	if (c->cf.level > NEWEST_LEVEL) {
		c->faults++;
		printf("%s: level %d of the V line is newer than %d\n", c->path, c->cf.level,
		       NEWEST_LEVEL);
	}
}

int cfgen_check(const char *path)
{
	struct check c = {.path = path};
	const struct cf_host host = {&c, report, NULL, lookup, open_map, maps_read_file};
	struct cf_eval ev;
	struct buf text;
	int status;

	buf_init(&text, 64 << 20);
	status = cfgen_read_input(path, &text);
	if (status == 0) {
		sendmail_check_start(buf_span(&text));
		cf_init(&c.cf);
		cf_eval_init(&ev, &c.cf, &host);
		if (cf_load(&ev, buf_span(&text)))
			check_whole(&c);
		else
			report(&c, 0, "", SPAN("out of memory"));
		cf_eval_free(&ev);
		cf_free(&c.cf);
		status = c.faults ? EXIT_DATAERR : 0;
	}
	buf_free(&text);
	return status;
}
