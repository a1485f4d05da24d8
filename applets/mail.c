/*
 * mail, mailx, Mail: sends a letter, or reads a mailbox.  POSIX mailx, with the options that
 * scripts use of the BSD, s-nail and GNU programs of that name.
 *
 * Where these disagree (-a, -E, -q) the argument itself tells which one was meant.
 */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "base/opt.h"
#include "mail_folder.h"

enum { COMMANDS_MAX = 16 };

enum {
	OPT_SUBJECT = 1,
	OPT_CC,
	OPT_BCC,
	OPT_FROM,
	OPT_A,
	OPT_HEADER,
	OPT_ATTACH,
	OPT_E,
	OPT_EXEC,
	OPT_SET,
	OPT_TEXT_HEADERS,
	OPT_Q,
	OPT_QUOTE,
	OPT_NO_RC,
	OPT_IGNORE,
	OPT_INTERACTIVE,
	OPT_TILDE,
	OPT_VERBOSE,
	OPT_DEBUG,
	OPT_FILE,
	OPT_USER,
	OPT_HEADERS,
	OPT_EXIST,
	OPT_NO_HEADERS,
	OPT_PRINT,
	OPT_READ_ONLY,
	OPT_TYPE,
	OPT_NOTHING,
};

static const struct opt_spec specs[] = {
    {'s', "subject", OPT_REQUIRED, OPT_SUBJECT},
    {'c', "cc", OPT_REQUIRED, OPT_CC},
    {'b', "bcc", OPT_REQUIRED, OPT_BCC},
    {'r', "return-address", OPT_REQUIRED, OPT_FROM},
    {'a', NULL, OPT_REQUIRED, OPT_A},
    {'C', "append", OPT_REQUIRED, OPT_HEADER},
    {'A', "attach", OPT_REQUIRED, OPT_ATTACH},
    {'E', NULL, OPT_NONE, OPT_E},
    {'X', "exec", OPT_REQUIRED, OPT_EXEC},
    {'S', NULL, OPT_REQUIRED, OPT_SET},
    {'t', "to", OPT_NONE, OPT_TEXT_HEADERS},
    {'q', "quit", OPT_NONE, OPT_Q},
    {'n', "norc", OPT_NONE, OPT_NO_RC},
    {'i', "ignore", OPT_NONE, OPT_IGNORE},
    {'I', NULL, OPT_NONE, OPT_INTERACTIVE},
    {'~', NULL, OPT_NONE, OPT_TILDE},
    {'v', "verbose", OPT_NONE, OPT_VERBOSE},
    {'d', "debug", OPT_NONE, OPT_DEBUG},
    {'f', "file", OPT_NONE, OPT_FILE},
    {'u', "user", OPT_REQUIRED, OPT_USER},
    {'H', "headers", OPT_NONE, OPT_HEADERS},
    {'e', "exist", OPT_NONE, OPT_EXIST},
    {'N', "nosum", OPT_NONE, OPT_NO_HEADERS},
    {'p', "print", OPT_NONE, OPT_PRINT},
    {'R', "read-only", OPT_NONE, OPT_READ_ONLY},
    {'M', "content-type", OPT_REQUIRED, OPT_TYPE},
    {'B', NULL, OPT_NONE, OPT_NOTHING},
    {'F', "byname", OPT_NONE, OPT_NOTHING},
    {0, NULL, OPT_NONE, 0},
};

struct choice {
	struct mail *m;
	struct mail_letter l;
	const char *set[COMMANDS_MAX]; /* -S, in order, and -E/-X commands */
	bool is_command[COMMANDS_MAX];
	size_t sets;
	const char *user;
	bool sending, file, headers, exist, print, no_empty, own_rc, ignore, tilde;
};

/*
 * "set escape" and the like, which is no address: GNU's -E COMMAND (fail2ban uses it).  It has
 * words behind it, and the first one is in the table of commands.
 */
static bool is_command(const char *word)
{
	struct span rest = span_str(word), name = span_cut(&rest, ' ');

	return rest.len && mail_cmd_known(name);
}

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* A colon before any slash makes it a header line (BSD, GNU), unless there is such a file. */
static bool is_header(const char *word)
{
	size_t colon = strcspn(word, ":/");

	return word[colon] == ':' && colon > 0 && !exists(word);
}

/* Run in order after the start-up files: the command line has the last word. */
static void keep(struct choice *c, const char *text, bool command)
{
	if (c->sets < COMMANDS_MAX) {
		c->is_command[c->sets] = command;
		c->set[c->sets++] = text;
	} else {
		fprintf(stderr, "mail: %s: too many settings, ignored\n", text);
	}
}

/* The options of send mode; true when id is one of them. */
static bool send_option(struct choice *c, struct opt_state *s, int id)
{
	const char *next = !s->bundle && s->at < s->argc ? s->argv[s->at] : NULL;
	struct mail_letter *l = &c->l;
	char line[512];

	switch (id) {
	case OPT_SUBJECT:
		buf_reset(&l->subject);
		buf_puts(&l->subject, s->value);
		l->subject_given = true;
		return true;
	case OPT_CC:
	case OPT_BCC:
		mail_letter_list(id == OPT_CC ? &l->cc : &l->bcc, span_str(s->value));
		return true;
	case OPT_FROM:
		l->from = s->value;
		return true;
	case OPT_A:
	case OPT_HEADER:
	case OPT_ATTACH:
		/*
		 * A header that cannot be written makes the whole call wrong, not the
		 * letter incomplete.
		 */
		if (id == OPT_HEADER || (id == OPT_A && is_header(s->value)))
			c->m->status = mail_letter_header(l, s->value) ? c->m->status : EXIT_USAGE;
		else
			mail_letter_attach(l, s->value);
		return true;
	case OPT_TYPE:
		snprintf(line, sizeof line, "Content-Type: %s", s->value);
		mail_letter_header(l, line);
		return true;
	case OPT_TEXT_HEADERS:
		l->take_headers = true;
		return true;
	case OPT_Q:
		/* s-nail's -q FILE starts the text with FILE; GNU's -q stands alone. */
		if (!next || (strcmp(next, "-") != 0 && !exists(next)))
			return false;
		l->quote = next;
		s->at++;
		return true;
	}
	return false;
}

static void option(struct choice *c, struct opt_state *s, int id)
{
	const char *next = !s->bundle && s->at < s->argc ? s->argv[s->at] : NULL;

	switch (id) {
	case OPT_E:
		if (next && is_command(next)) {
			keep(c, next, true);
			s->at++;
		} else {
			c->no_empty = true;
		}
		break;
	case OPT_SET:
	case OPT_EXEC:
		keep(c, s->value, id == OPT_EXEC);
		break;
	case OPT_NO_RC:
		c->own_rc = true;
		break;
	case OPT_IGNORE:
		c->ignore = true;
		break;
	case OPT_INTERACTIVE:
	/* -I: pretend to be interactive, which for a letter means that escapes work. */
	case OPT_TILDE:
		c->tilde = true;
		break;
	case OPT_VERBOSE:
		c->m->verbose = true;
		break;
	case OPT_DEBUG:
		c->m->debug = true;
		break;
	case OPT_FILE:
		c->file = true;
		break;
	case OPT_USER:
		c->user = s->value;
		break;
	case OPT_HEADERS:
		c->headers = true;
		break;
	case OPT_EXIST:
		c->exist = true;
		break;
	case OPT_NO_HEADERS:
		keep(c, "noheader", false);
		break;
	case OPT_PRINT:
		c->print = true;
		break;
	case OPT_READ_ONLY:
		c->m->read_only = true;
		break;
	}
}

/* Options and operands; operands go to c->l.to.  False on a usage error. */
static bool parse(struct choice *c, int argc, char **argv)
{
	struct opt_state s;
	int id;

	opt_init(&s, specs, argc, argv, true);
	while ((id = opt_next(&s)) != OPT_END) {
		if (id == OPT_MISSING) {
			fprintf(stderr, "mail: option requires an argument -- %s\n", s.word);
			return false;
		}
		if (id == OPT_UNKNOWN) {
			/* Dropping a letter nobody watches would be worse. */
			fprintf(stderr, "mail: unknown option %s, ignored\n", s.word);
		} else if (id == OPT_OPERAND) {
			mail_letter_list(&c->l.to, span_str(s.value));
		} else if (send_option(c, &s, id)) {
			c->sending = true;
		} else {
			option(c, &s, id);
		}
	}
	/* Behind "--" an address may begin with a dash; sendmail gets one of its own. */
	c->l.dash_ok = s.ended;
	return true;
}

static void settings(struct choice *c)
{
	struct mail *m = c->m;

	mail_vars_defaults(m);
	mail_rc_load(m, c->own_rc);
	for (size_t i = 0; i < c->sets; i++)
		if (c->is_command[i])
			mail_cmd_run(m, c->set[i]);
		else
			mail_set(m, c->set[i]);
	m->interactive = isatty(0);
	m->tilde = m->interactive || c->tilde;
	/* An empty escape variable turns escapes off. */
	if (mail_value(m, "escape") && !*mail_value(m, "escape"))
		m->tilde = false;
	mail_input_init(&m->input, 0);
	/* While a pipe is read, an interrupt may as well end us: nothing has been sent. */
	if (m->tilde || m->reading)
		mail_input_catch(c->ignore || mail_value(m, "ignore"));
	else if (c->ignore)
		signal(SIGINT, SIG_IGN);
}

static int send_mode(struct choice *c)
{
	struct mail *m = c->m;
	struct mail_letter *l = &c->l;

	if (!mail_compose(m, l))
		return 1;
	/* -t: recipients come from the header, which is read only now. */
	if (l->take_headers && !mail_letter_take_headers(l))
		return EXIT_DATAERR;
	fseek(l->body, 0, SEEK_END);
	/*
	 * Nothing was typed. Scripts that watch something send mail only when there is
	 * text (-E).
	 */
	if (ftell(l->body) == 0 && !l->attach.len) {
		if (c->no_empty || mail_value(m, "skipemptybody"))
			return 0;
		fputs(l->subject.len ? "Null message body; hope that's ok\n"
				     : "No message, no subject; hope that's ok\n",
		      stderr);
	}
	return mail_send(m, l);
}

static int read_mode(struct choice *c)
{
	struct mail *m = c->m;
	const char *name = c->l.to.len ? buf_cstr(&c->l.to) : NULL;
	bool ok = true;

	/* "-f" alone is where read messages go; with a name it is any folder. */
	if (c->file && !name)
		name = mail_value(m, "MBOX") ? mail_value(m, "MBOX") : "~/mbox";
	/* -e only answers by its status. */
	if (c->exist)
		m->quiet = true;
	if (!mail_folder_open(m, c->file ? name : NULL, c->user))
		return 1;
	if (c->exist || c->headers || c->print) {
		if (c->headers)
			ok = mail_cmd_run(m, "from *");
		if (c->print)
			ok = mail_cmd_run(m, "print *");
		ok = ok && m->folder->count > 0;
		mail_folder_close(m, false);
		return !ok;
	}
	if (mail_value(m, "header")) {
		mail_folder_summary(m);
		mail_cmd_run(m, "headers");
	}
	mail_cmd_loop(m);
	return m->status;
}

/* A full disk behind standard output is told, as for any other tool. */
static int flush_output(int status)
{
	if (fflush(stdout) == 0 || status)
		return status;
	perror("mail: standard output");
	return EXIT_IOERR;
}

int mail_main(int argc, char **argv)
{
	struct mail m = {0};
	struct choice c = {.m = &m};
	int status = EXIT_USAGE;

	mail_letter_init(&c.l);
	if (!parse(&c, argc, argv) || m.status) {
		fputs("usage: mail [-EIinNRtv~] [-s subject] [-c cc] [-b bcc] [-r from] [-a "
		      "header|file]\n"
		      "            [-A file] [-q file] [-S var[=value]] [--] address...\n"
		      "       mail [-eHiNnpR] [-u user] [-f [file]]\n",
		      stderr);
		mail_letter_free(&c.l);
		return status;
	}
	/*
	 * -f, -e and -H read even when addresses are given; otherwise any option or
	 * operand that only a letter has makes it one.
	 */
	c.sending = !c.file && (c.sending || c.l.to.len > 0) && !c.exist && !c.headers;
	m.reading = !c.sending;
	settings(&c);
	status = c.sending ? send_mode(&c) : read_mode(&c);
	mail_input_free(&m.input);
	mail_letter_free(&c.l);
	mail_pair_free(&m.vars);
	mail_pair_free(&m.aliases);
	mail_pair_free(&m.alternates);
	mail_pair_free(&m.ignored);
	mail_pair_free(&m.retained);
	return flush_output(status);
}
