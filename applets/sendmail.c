/*
 * The sendmail applet: the command line of sendmail 8.17 and of everything that was
 * ever installed under its name.
 *
 * Options that matter act, the rest are accepted; an unknown one is named once on
 * standard error and passed over, since a crontab must not lose its mail over it.
 */
#include "sendmail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applets.h"
#include "base/ascii.h"
#include "base/num.h"
#include "base/opt.h"
#include "format/xtext.h"
#include "mailq.h"
#include "sendmail_test.h"
#include "service/route.h"

static int submit(struct sendmail_command *c)
{
	if (c->mode == 'v')
		return sendmail_verify(&c->m, c->argc, c->argv);
	for (int i = 0; i < c->argc; i++)
		if (!sendmail_add_rcpts(&c->m, span_str(c->argv[i]), true)) {
			fprintf(stderr, "%s: too many recipients\n", c->m.program);
			return EXIT_USAGE;
		}
	return sendmail_submit(&c->m);
}

static int run_queue(struct sendmail_command *c)
{
	if (!sendmail_may(&c->m, PRIVACY_RESTRICTQRUN)) {
		puts("You do not have permission to process the queue");
		return EXIT_NOPERM;
	}
	if (c->hold)
		return sendmail_hold(c);
	c->run.queue = true;
	return sendmail_daemon(c);
}

static int run_mode(struct sendmail_command *c)
{
	if (c->explain)
		return sendmail_explain(&c->m, c->explain);
	switch (c->mode) {
	case 'd':
	case 'D':
		c->run.daemon = true;
		c->run.foreground = c->mode == 'D';
		return sendmail_daemon(c);
	case 's':
		return sendmail_session(&c->m);
	case 'p':
		if (sendmail_may(&c->m, PRIVACY_RESTRICTMAILQ))
			return mailq_list(&c->m.settings, &c->list);
		puts("You are not permitted to see the queue");
		return EXIT_NOPERM;
	case 'P':
		puts("Data unavailable: shared memory not updated");
		return 0;
	case 'h':
	case 'H':
		return 0;
	case 'i':
		return sendmail_rebuild(&c->m);
	case 'C':
		return config_errors(c->m.config) ? EXIT_SOFTWARE : 0;
	case 'q':
		return run_queue(c);
	default:
		break;
	}
	if (c->hold || (c->run.queue && c->argc == 0 && !c->m.from_header))
		return run_queue(c);
	return submit(c);
}

static void tell(const char *text)
{
	/* Only tests and checks are told of this, not everybody who sends something. */
	if (!strstr(text, ": WARNING: Ruleset "))
		fprintf(stderr, "%s\n", text);
}

/* The configuration, and its options where the command line said nothing else. */
static int configure(struct sendmail_command *c)
{
	struct sendmail *m = &c->m;
	const char *path = m->settings.config[0] ? m->settings.config : NULL;
	struct err e = {0};

	if (!config_find(&m->text, path, &m->settings, &e)) {
		/* Where sendmail says it, but not into the middle of a protocol. */
		fprintf(c->mode == 's' ? stderr : stdout, "%s\n", e.text);
		return e.class == ERR_PERM ? EXIT_OSFILE : EXIT_OSERR;
	}
	sendmail_check_start(buf_span(&m->text.text));
	m->config = config_load(buf_span(&m->text.text), m->text.name,
				c->mode == 'C' ? sendmail_check_tell : tell, &m->settings, &e);
	if (!m->config) {
		fprintf(stderr, "%s\n", e.text);
		return e.class == ERR_PERM ? EXIT_OSFILE : EXIT_OSERR;
	}
	config_settings(m->config, &m->settings, m->text.is_file);
	m->settings.checks = route_checks(m->config);
	if (!m->error_mode)
		m->error_mode = m->settings.error_mode;
	return 0;
}

static int run(int argc, char **argv, char mode)
{
	struct sendmail_command *c = calloc(1, sizeof *c);
	struct err e = {0};
	struct sendmail_test_options test = {.cf_path = "/etc/mail/sendmail.cf"};
	int status, late = 0;

	if (!c)
		return EXIT_OSERR;
	if (mode == 'm' && sendmail_wants_test(argc, argv, &test)) {
		if (settings_init(&c->m.settings, &e))
			sendmail_debug(&c->m.settings, test.debug);
		free(c);
		return sendmail_test_mode(&test);
	}
	c->m.program = argv[0];
	c->all_argc = argc;
	c->all_argv = argv;
	c->m.ret = c->m.body = '-';
	c->m.traffic = -1;
	c->mode = mode;
	if (!settings_init(&c->m.settings, &e)) {
		fprintf(stderr, "%s: %s\n", argv[0], e.text);
		free(c);
		return err_exit_code(&e);
	}
	status = sendmail_parse(c, argc, argv, &late);
	if (status == 0)
		status = configure(c);
	if (status == 0) {
		sendmail_debug(&c->m.settings, c->debug);
		status = run_mode(c);
		/* A mistake in the file shows in the status where nobody takes it for a lost
		 * message. */
		if (status == 0 && strchr("pi", c->mode) && config_errors(c->m.config))
			status = EXIT_SOFTWARE;
	}
	/* A list that nobody got is a failure; a message that was taken is none. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0 && strchr("pv", c->mode)) {
		fprintf(stderr, "%s: standard output: %s\n", argv[0], strerror(errno));
		status = EXIT_IOERR;
	}
	sendmail_free(&c->m);
	free(c);
	return status ? status : late;
}

int sendmail_main(int argc, char **argv)
{
	return run(argc, argv, 'm');
}

int mailq_main(int argc, char **argv)
{
	return run(argc, argv, 'p');
}

int runq_main(int argc, char **argv)
{
	return run(argc, argv, 'q');
}

int newaliases_main(int argc, char **argv)
{
	return run(argc, argv, 'i');
}

int hoststat_main(int argc, char **argv)
{
	return run(argc, argv, 'h');
}
