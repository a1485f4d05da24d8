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
#include <unistd.h>

#include "base/ascii.h"
#include "base/opt.h"
#include "sendmail.h"

enum {
	MODE = 1,
	SENDER,
	SENDER_R,
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
	GATEWAY,
	HOLD,
	TRAFFIC,
	DEBUG_FILE,
	IGNORE,
	IGNORE_ARG,
	DEBUG,
	JSON,
	OLDEST,
	EXPLAIN,
	OLD_COMMENT,
};

static const struct opt_spec specs[] = {
    {'A', NULL, OPT_REQUIRED, IGNORE_ARG},
    {'B', NULL, OPT_REQUIRED, BODY},
    {'b', NULL, OPT_REQUIRED, MODE},
    {'C', NULL, OPT_REQUIRED, CONFIG},
    {'c', NULL, OPT_NONE, OLD_COMMENT},
    {'D', NULL, OPT_REQUIRED, DEBUG_FILE},
    {'d', NULL, OPT_ATTACHED, DEBUG},
    {'E', NULL, OPT_ATTACHED, IGNORE},
    {'e', NULL, OPT_REQUIRED, ERRORS},
    {'F', NULL, OPT_REQUIRED, FULL_NAME},
    {'f', NULL, OPT_REQUIRED, SENDER},
    {'G', NULL, OPT_NONE, GATEWAY},
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
    {'Q', NULL, OPT_ATTACHED, HOLD},
    {'q', NULL, OPT_ATTACHED, QUEUE_RUN},
    {'R', NULL, OPT_REQUIRED, RET},
    {'r', NULL, OPT_REQUIRED, SENDER_R},
    {'s', NULL, OPT_NONE, IGNORE},
    {'T', NULL, OPT_ATTACHED, IGNORE},
    {'t', NULL, OPT_NONE, RCPTS},
    {'U', NULL, OPT_NONE, IGNORE},
    {'V', NULL, OPT_REQUIRED, ENVID},
    {'v', NULL, OPT_NONE, VERBOSE},
    {'X', NULL, OPT_REQUIRED, TRAFFIC},
    {'x', NULL, OPT_NONE, IGNORE},
    {'a', "account", OPT_REQUIRED, IGNORE_ARG},
    {'j', NULL, OPT_NONE, JSON},
    {0, "explain", OPT_REQUIRED, EXPLAIN},
    {0, "oldest", OPT_NONE, OLDEST},
    {0, "read-recipients", OPT_NONE, RCPTS},
    {0, "read-envelope-from", OPT_NONE, IGNORE},
    {0, "from", OPT_REQUIRED, SENDER},
    {0, NULL, OPT_NONE, 0},
};

/* The modes of all the programs, so that one that does nothing here is no error either. */
static int set_mode(struct sendmail_command *c, const char *value)
{
	static const char known[] = "maAbCdDhHilpPstv";

	if (value[0] == 'z') {
		puts("Frozen configurations unsupported");
		return EXIT_USAGE;
	}
	if (!value[0] || !strchr(known, value[0]))
		return sendmail_refuse("Invalid operation mode ", value, "");
	c->mode = value[0];
	return 0;
}

static void tell(const char *text)
{
	puts(text);
}

/*
 * -O Name=value, -oXvalue.  The values that act on this submission are taken over at once.
 * sendmail looks at all options before it ends for one.
 */
static int set_option(struct sendmail_command *c, char letter, const char *value, int *late)
{
	struct settings *s = &c->m.settings;
	bool fatal;
	int status = config_give(s, letter, value, tell, &fatal);

	if (settings_given(s, "DeliveryMode"))
		c->m.delivery_mode = s->delivery_mode ? s->delivery_mode : 'b';
	if (settings_given(s, "ErrorMode"))
		c->m.error_mode = s->error_mode ? s->error_mode : 'p';
	if (*late < status)
		*late = status;
	return fatal ? status : 0;
}

/* Options that say something about the message. */
static int take_message(struct sendmail *m, int id, const char *value, int *late)
{
	switch (id) {
	case SENDER:
		return sendmail_set_sender(m, value, 'f');
	case SENDER_R:
		return sendmail_set_sender(m, value, 'r');
	case FULL_NAME:
		m->full_name = value;
		return 0;
	case RCPTS:
		m->from_header = true;
		return 0;
	case DOTS:
		m->settings.ignore_dots = true;
		return 0;
	case BODY:
		return sendmail_set_body(m, value, late);
	case NOTIFY:
		return sendmail_set_notify(m, value);
	case RET:
		return sendmail_set_ret(m, value);
	case ENVID:
		return sendmail_set_envid(m, value);
	case HOPS:
		return sendmail_set_hops(value);
	case NO_ALIAS:
		m->no_alias = true;
		return 0;
	case GATEWAY:
		m->gateway = true;
		return 0;
	case PROTOCOL:
		sendmail_set_protocol(m, value);
		return 0;
	default:
		return 0;
	}
}

static int take(struct sendmail_command *c, int id, const char *value, int *late)
{
	struct err e;

	switch (id) {
	case MODE:
		return set_mode(c, value);
	case ASSIGN:
		return set_option(c, ' ', value, late);
	case SHORT:
		return value[0] ? set_option(c, value[0], value + 1, late) : 0;
	case ERRORS:
		return set_option(c, 'e', value, late);
	case QUEUE_RUN:
		return sendmail_set_queue_run(c, value);
	case CONFIG:
		return span_to_cstr(span_str(value), c->m.settings.config,
				    sizeof c->m.settings.config)
			   ? 0
			   : sendmail_refuse(value, ": file name too long", "");
	case HOLD:
		c->hold = true;
		c->reason = value;
		return 0;
	case VERBOSE:
		c->m.settings.verbose = c->list.verbose = true;
		return 0;
	case TAG:
		settings_set(&c->m.settings, SPAN("LogTag"), span_str(value), &e);
		return 0;
	case TRAFFIC:
		c->traffic = value;
		return 0;
	case DEBUG_FILE:
		c->debug_file = value;
		return 0;
	case EXPLAIN:
		c->explain = value;
		return 0;
	case JSON:
	case OLDEST:
		c->list.json |= id == JSON;
		c->list.oldest |= id == OLDEST;
		return 0;
	case OLD_COMMENT: /* obsolete in sendmail; of mailq, the number of messages */
		c->list.count = true;
		return 0;
	case ALIASES:
		c->mode = 'i';
		return 0;
	case DEBUG:
		c->debug = value ? value : "";
		return 0;
	default:
		return take_message(&c->m, id, value, late);
	}
}

/* What depends on several options at once, in whatever order they came. */
static int settle(struct sendmail_command *c)
{
	int fd;

	if (c->hold && c->mode != 'm' && c->mode != 'q')
		return sendmail_refuse("Can not use -Q with -b", (char[2]){c->mode}, "");
	if (c->run.queue && strchr("Hhiv", c->mode))
		return sendmail_refuse("Can not use -q with -b", (char[2]){c->mode}, "");
	/* restrictexpand: others than root are not told what an address becomes. */
	if (c->m.settings.privacy & PRIVACY_RESTRICTEXPAND && getuid() != 0)
		c->m.settings.verbose = false;
	c->m.verbose = c->m.settings.verbose;
	/* A program that reads JSON has "held" to look at. */
	c->list.select.any = c->list.json && !queue_select_held(&c->list.select);
	/* Only -bt has something to write there; but a file that cannot be is told. */
	fd = c->debug_file ? sendmail_open_log(c->debug_file) : -1;
	if (c->debug_file && fd < 0)
		return EXIT_CANTCREAT;
	if (fd >= 0)
		close(fd);
	return c->traffic ? sendmail_open_traffic(&c->m, c->traffic) : 0;
}

/* As ever: -C alone is the file of this name here. */
static int next_option(struct opt_state *s)
{
	int id = opt_next(s);

	if (id != OPT_MISSING || s->word[1] != 'C')
		return id;
	s->value = "sendmail.cf";
	return CONFIG;
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
	while ((id = next_option(&s)) != OPT_END) {
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
	if (*late == EXIT_SOFTWARE)
		return *late;
	c->argc = argc - s.at;
	c->argv = argv + s.at;
	return settle(c);
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
	while ((id = next_option(&s)) != OPT_END) {
		if (id == MODE)
			mode = s.value;
		else if (id == CONFIG)
			t->cf_path = s.value;
		else if (id == DEBUG)
			t->debug = s.value ? s.value : "";
		else if (id == DEBUG_FILE)
			t->debug_file = s.value;
		else if ((id == ASSIGN || id == SHORT) && t->options < SENDMAIL_TEST_OPTIONS) {
			t->option[t->options].letter = id == ASSIGN ? ' ' : s.value[0];
			t->option[t->options++].text = s.value + (id == SHORT && s.value[0]);
		}
	}
	return mode[0] == 't';
}
