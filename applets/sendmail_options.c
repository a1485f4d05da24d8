/*
 * The command line of sendmail; see sendmail.h.
 *
 * One table for the options of sendmail 8.17 and those that postfix, exim, msmtp, dma,
 * ssmtp and nullmailer take: what means nothing here is accepted and dropped, since a
 * caller that was written for one of them must keep working.  Texts and statuses of
 * refusals are sendmail's, on standard output as it writes them.
 */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/num.h"
#include "base/opt.h"
#include "format/xtext.h"
#include "sendmail.h"

enum {
	MODE = 1,
	SENDER,
	FULL_NAME,
	RCPTS,
	DOTS,
	ASSIGN,
	SHORT,
	QUEUE_RUN,
	VERBOSE,
	BODY,
	NOTIFY,
	RET,
	ENVID,
	HOPS,
	ALIASES,
	NO_ALIAS,
	PROTOCOL,
	ERRORS,
	CONFIG,
	TAG,
	IGNORE,
	IGNORE_ARG,
	DEBUG,
	JSON,
	OLDEST,
	OLD_COMMENT,
};

static const struct opt_spec specs[] = {
    {'A', NULL, OPT_REQUIRED, IGNORE_ARG},
    {'B', NULL, OPT_REQUIRED, BODY},
    {'b', NULL, OPT_REQUIRED, MODE},
    {'C', NULL, OPT_REQUIRED, CONFIG},
    {'c', NULL, OPT_NONE, OLD_COMMENT},
    {'D', NULL, OPT_REQUIRED, IGNORE_ARG},
    {'d', NULL, OPT_ATTACHED, DEBUG},
    {'E', NULL, OPT_ATTACHED, IGNORE},
    {'e', NULL, OPT_REQUIRED, ERRORS},
    {'F', NULL, OPT_REQUIRED, FULL_NAME},
    {'f', NULL, OPT_REQUIRED, SENDER},
    {'G', NULL, OPT_NONE, IGNORE},
    {'h', NULL, OPT_REQUIRED, HOPS},
    {'I', NULL, OPT_NONE, ALIASES},
    {'i', NULL, OPT_NONE, DOTS},
    {'J', NULL, OPT_ATTACHED, IGNORE},
    {'L', NULL, OPT_REQUIRED, TAG},
    {'M', NULL, OPT_REQUIRED, IGNORE_ARG},
    {'m', NULL, OPT_NONE, IGNORE},
    {'N', NULL, OPT_REQUIRED, NOTIFY},
    {'n', NULL, OPT_NONE, NO_ALIAS},
    {'O', NULL, OPT_REQUIRED, ASSIGN},
    {'o', NULL, OPT_REQUIRED, SHORT},
    {'p', NULL, OPT_REQUIRED, PROTOCOL},
    {'Q', NULL, OPT_ATTACHED, IGNORE},
    {'q', NULL, OPT_ATTACHED, QUEUE_RUN},
    {'R', NULL, OPT_REQUIRED, RET},
    {'r', NULL, OPT_REQUIRED, SENDER},
    {'s', NULL, OPT_NONE, IGNORE},
    {'T', NULL, OPT_ATTACHED, IGNORE},
    {'t', NULL, OPT_NONE, RCPTS},
    {'U', NULL, OPT_NONE, IGNORE},
    {'V', NULL, OPT_REQUIRED, ENVID},
    {'v', NULL, OPT_NONE, VERBOSE},
    {'X', NULL, OPT_REQUIRED, IGNORE_ARG},
    {'x', NULL, OPT_NONE, IGNORE},
    {'a', "account", OPT_REQUIRED, IGNORE_ARG},
    {'j', NULL, OPT_NONE, JSON},
    {0, "oldest", OPT_NONE, OLDEST},
    {0, "read-recipients", OPT_NONE, RCPTS},
    {0, "read-envelope-from", OPT_NONE, IGNORE},
    {0, "from", OPT_REQUIRED, SENDER},
    {0, NULL, OPT_NONE, 0},
};

/* Prints like sendmail, on standard output, and gives the status to end with. */
static int refuse(const char *before, const char *value, const char *behind)
{
	printf("%s%s%s\n", before, value, behind);
	return EXIT_USAGE;
}

/* The modes of all the programs, so that one that does nothing here is no error either. */
static int set_mode(struct sendmail_command *c, const char *value)
{
	static const char known[] = "maAbCdDhHilpPstv";

	if (value[0] == 'z') {
		puts("Frozen configurations unsupported");
		return EXIT_USAGE;
	}
	if (!value[0] || !strchr(known, value[0]))
		return refuse("Invalid operation mode ", value, "");
	c->mode = value[0];
	return 0;
}

static int set_notify(struct sendmail *m, const char *value)
{
	static const char *const words[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
	struct span list = span_str(value);

	while (list.len) {
		struct span word = span_trim(span_cut(&list, ','));
		unsigned i = 0;

		while (i < 4 && !ascii_eq_nocase(word, span_str(words[i])))
			i++;
		if (i == 4)
			return refuse("Invalid -N argument", "", "");
		m->notify |= 1u << i;
	}
	return 0;
}

static int set_ret(struct sendmail *m, const char *value)
{
	struct span v = span_str(value);

	if (ascii_eq_nocase(v, SPAN("full")))
		m->ret = 'F';
	else if (ascii_eq_nocase(v, SPAN("hdrs")))
		m->ret = 'H';
	else
		return refuse("Invalid -R value", "", "");
	return 0;
}

/* sendmail goes on after a wrong body type and fails at the end. */
static int set_body(struct sendmail *m, const char *value, int *late)
{
	struct span v = span_str(value);

	if (ascii_eq_nocase(v, SPAN("8bitmime")))
		m->body = '8';
	else if (ascii_eq_nocase(v, SPAN("7bit")))
		m->body = '7';
	else
		*late = refuse("Illegal body type ", value, "");
	return 0;
}

static int set_hops(const char *value)
{
	uint64_t hops;

	return num_parse(span_str(value), 100, &hops) ? 0 : refuse("Bad hop count (", value, ")");
}

/* -V: an envelope identifier, written as xtext (RFC 3461 section 4.4). */
static int set_envid(struct sendmail *m, const char *value)
{
	m->envid = value;
	return xtext_is_valid(span_str(value)) ? 0 : refuse("Invalid syntax in -V flag", "", "");
}

/* -f and -r are the same; given twice with one value is what some scripts do. */
static int set_sender(struct sendmail *m, const char *value)
{
	if (m->from && strcmp(m->from, value) != 0)
		return refuse("More than one \"from\" person", "", "");
	m->from = value;
	return 0;
}

/* Filters of mailq: -qIid, -qRrcpt, -qSsender, with "!" in front turned around. */
static void add_filter(struct mailq_options *o, const char *value)
{
	struct mailq_filter *f = &o->filter[o->filters];

	if (o->filters == MAILQ_FILTERS)
		return;
	f->negate = *value == '!';
	value += f->negate;
	if (!*value || !strchr("IRS", *value))
		return;
	f->what = *value;
	f->text = value + 1;
	o->filters++;
}

/*
 * -q, -qf, -q30m, -qp30m; -qI -qR -qS -qG -qQ choose messages: all are run. -qp is a
 * persistent runner, which every runner here is.
 */
static int set_queue_run(struct sendmail_command *c, const char *value)
{
	char bad[2] = "";

	c->run.queue = true;
	if (!value || strchr("fGQL", value[0]))
		return 0;
	if (strchr("!IRS", value[0])) {
		add_filter(&c->list, value);
		return 0;
	}
	if (value[0] == 'p')
		value++;
	if (!value[0])
		return 0;
	if (num_parse_interval(span_str(value), 60, &c->run.interval_s, bad))
		return 0;
	/* sendmail names the unit that it does not know, or what is there instead of a number. */
	bad[0] = bad[0] ? bad[0] : value[0];
	return refuse("Invalid time unit `", bad, "'");
}

/* -oX: sendmail's one-letter options; some act on this submission. */
static int set_short(struct sendmail_command *c, const char *value)
{
	const char *name = settings_long_name(value[0]);
	struct err e;

	switch (value[0]) {
	case 'd':
		c->m.delivery_mode = value[1] ? value[1] : 'b';
		return 0;
	case 'e':
		c->m.error_mode = value[1] ? value[1] : 'p';
		return 0;
	default:
		break;
	}
	/* What is no option, or has no value, is passed over. */
	if (!name || settings_set(&c->m.settings, span_str(name), span_str(value + 1), &e) ||
	    !value[1])
		return 0;
	fprintf(stderr, "%s: -o%s: %s\n", c->m.program, value, e.text);
	return EXIT_CONFIG;
}

/* -O Name=value. The values that act on this submission are taken over at once. */
static int assign(struct sendmail_command *c, const char *value)
{
	struct err e;

	if (settings_assign(&c->m.settings, span_str(value), &e)) {
		if (ascii_starts_nocase(span_str(value), SPAN("DeliveryMode=")))
			c->m.delivery_mode = c->m.settings.delivery_mode;
		if (ascii_starts_nocase(span_str(value), SPAN("ErrorMode=")))
			c->m.error_mode = c->m.settings.error_mode;
		return 0;
	}
	printf("readcf: %s\n", e.text);
	return EXIT_SOFTWARE;
}

static int take(struct sendmail_command *c, int id, const char *value, int *late)
{
	switch (id) {
	case MODE:
		return set_mode(c, value);
	case SENDER:
		return set_sender(&c->m, value);
	case FULL_NAME:
		c->m.full_name = value;
		return 0;
	case RCPTS:
		c->m.from_header = true;
		return 0;
	case DOTS:
		c->m.settings.ignore_dots = true;
		return 0;
	case ASSIGN:
		return assign(c, value);
	case SHORT:
		return set_short(c, value);
	case QUEUE_RUN:
		return set_queue_run(c, value);
	case VERBOSE:
		c->m.verbose = c->list.verbose = true;
		return 0;
	case JSON:
		c->list.json = true;
		return 0;
	case OLDEST:
		c->list.oldest = true;
		return 0;
	case OLD_COMMENT: /* obsolete in sendmail; of mailq, the number of messages */
		c->list.count = true;
		return 0;
	case BODY:
		return set_body(&c->m, value, late);
	case NOTIFY:
		return set_notify(&c->m, value);
	case RET:
		return set_ret(&c->m, value);
	case ENVID:
		return set_envid(&c->m, value);
	case HOPS:
		return set_hops(value);
	case ALIASES:
		c->mode = 'i';
		return 0;
	case NO_ALIAS:
		c->m.no_alias = true;
		return 0;
	case PROTOCOL:
		c->m.protocol = value;
		return 0;
	case ERRORS:
		c->m.error_mode = value[0];
		return 0;
	default:
		return 0;
	}
}

int sendmail_parse(struct sendmail_command *c, int argc, char **argv, int *late)
{
	struct opt_state s;
	int id, status;

	/*
	 * No permutation: a recipient may begin with a dash only behind "--", and what
	 * follows the first recipient are recipients.
	 */
	opt_init(&s, specs, argc, argv, false);
	while ((id = opt_next(&s)) != OPT_END) {
		if (id == OPT_MISSING) {
			fprintf(stderr, "%s: option requires an argument -- %s\n", argv[0],
				s.word + 1);
			return EXIT_USAGE;
		}
		/* A crontab or a program that says too much must not lose its mail over it. */
		if (id == OPT_UNKNOWN) {
			fprintf(stderr, "%s: illegal option -- %s (ignored)\n", argv[0],
				s.word + strspn(s.word, "-"));
			continue;
		}
		status = take(c, id, s.value, late);
		if (status)
			return status;
	}
	c->argc = argc - s.at;
	c->argv = argv + s.at;
	return 0;
}

/* Looked for before anything else: -bt takes its own configuration and no settings. */
bool sendmail_wants_test(int argc, char **argv, struct sendmail_test_options *t)
{
	const char *mode = "m";
	struct opt_state s;
	int id;

	/*
	 * Errors are left to sendmail_parse, which sees the same command line if this is
	 * no test.
	 */
	opt_init(&s, specs, argc, argv, false);
	while ((id = opt_next(&s)) != OPT_END) {
		if (id == MODE)
			mode = s.value;
		else if (id == CONFIG)
			t->cf_path = s.value;
		else if (id == DEBUG)
			t->debug = s.value ? s.value : "";
		else if ((id == ASSIGN || id == SHORT) && t->options < SENDMAIL_TEST_OPTIONS) {
			t->option[t->options].letter = id == ASSIGN ? ' ' : s.value[0];
			t->option[t->options++].text = s.value + (id == SHORT && s.value[0]);
		}
	}
	return mode[0] == 't';
}
