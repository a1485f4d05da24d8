/*
 * Handing a letter over: the sendmail applet of this same binary gets the message as a
 * file on its standard input and the recipients as arguments behind "--".
 *
 * No shell is involved, and a letter that was not taken is kept in dead.letter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "format/address.h"
#include "mail.h"
#include "sys/clock.h"
#include "sys/proc.h"

enum { SENDMAIL_WORDS_MAX = 16 };

static bool dead_name(const struct mail *m, char *path, size_t cap)
{
	const char *name = mail_value(m, "DEAD");

	return mail_file_name(m, name && *name ? name : "~/dead.letter", path, cap);
}

static off_t dead_size(const struct mail *m)
{
	char path[4096];
	struct stat st;

	return dead_name(m, path, sizeof path) && stat(path, &st) == 0 ? st.st_size : 0;
}

/*
 * What is kept is the letter as it would have been sent, or its text alone if that cannot
 * be made.
 */
void mail_send_dead(const struct mail *m, struct mail_letter *l)
{
	FILE *msg;
	char path[4096];
	struct err e;

	if (!mail_value(m, "save") || !dead_name(m, path, sizeof path))
		return;
	msg = mail_run_temp();
	if (!mail_build(m, l, &l->to, &l->cc, msg))
		mail_run_copy(l->body, msg);
	if (mail_append(path, msg, mail_user_name(), clock_wall().s, &e))
		fprintf(stderr, "mail: the letter is kept in %s\n", path);
	else
		fprintf(stderr, "mail: the letter is lost: %s\n", e.text);
	fclose(msg);
}

/*
 * The variable smtp (or a URL in sendmail) names a relay, as s-nail has it: LETTERBOX_RELAY
 * tells our sendmail.  s-nail's smtp:// is plain unless smtp-use-starttls is set.
 */
static void relay_to(const struct mail *m, const char *url)
{
	static const char *const scheme[][2] = {
	    {"smtps://", "smtps://"}, {"submissions://", "smtps://"}, {"submission://", "smtp://"}};
	const char *user = mail_value(m, "smtp-auth-user");
	const char *password = mail_value(m, "smtp-auth-password");
	const char *to = mail_value(m, "smtp-use-starttls") ? "smtp://" : "smtp+plain://";
	char value[1024];

	for (size_t i = 0; i < sizeof scheme / sizeof scheme[0]; i++)
		if (strncmp(url, scheme[i][0], strlen(scheme[i][0])) == 0)
			to = scheme[i][1];
	url = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	snprintf(value, sizeof value, "%s%s%s%s", to, user ? user : "", user ? "@" : "", url);
	setenv("LETTERBOX_RELAY", value, 1);
	if (password)
		setenv("LETTERBOX_RELAY_PASSWORD", password, 1);
}

/* The program to run: its path into path, its own words into argv.  Returns their count. */
static size_t sendmail_words(const struct mail *m, char *path, size_t cap, char *copy,
			     const char **argv)
{
	const char *value = mail_value(m, "sendmail");
	const char *smtp = mail_value(m, "smtp");
	size_t n = 0;

	/* s-nail's mta: a path, file://PATH, or the URL of a relay. */
	if (value && strstr(value, "://") && strncmp(value, "file://", 7) != 0) {
		smtp = value;
		value = NULL;
	}
	if (value && (strncmp(value, "file://", 7) == 0 || strncmp(value, "sendmail:", 9) == 0))
		value = strchr(value, ':') + (value[0] == 'f' ? 3 : 1);
	if (smtp && *smtp)
		relay_to(m, smtp);
	/* Split at blanks and not by a shell, so nothing in it is expanded. */
	if (value && *value) {
		snprintf(copy, cap, "%s", value);
		while (n < SENDMAIL_WORDS_MAX) {
			copy += strspn(copy, " \t");
			if (!*copy)
				break;
			argv[n++] = copy;
			copy += strcspn(copy, " \t");
			if (*copy)
				*copy++ = '\0';
		}
	}
	if (n) {
		snprintf(path, cap, "%s", argv[0]);
		return n;
	}
	/* This binary under sendmail's name; the one in /usr/sbin where it cannot be found. */
	if (!proc_self_path(path, cap))
		snprintf(path, cap, "/usr/sbin/sendmail");
	argv[0] = "sendmail";
	return 1;
}

static int hand_over(const struct mail *m, struct mail_rcpts *r, const char *sender, FILE *msg)
{
	char path[4096], copy[4096];
	const char **argv = mail_alloc((r->count + SENDMAIL_WORDS_MAX + 8) * sizeof *argv);
	size_t n = sendmail_words(m, path, sizeof path, copy, argv);
	struct span left = buf_span(&r->envelope);
	int status;

	/* -i: a line that is a lone dot must not end the letter. */
	argv[n++] = "-i";
	if (m->verbose)
		argv[n++] = "-v";
	if (sender && *sender) {
		argv[n++] = "-f";
		argv[n++] = sender;
	}
	/* Behind it nothing is an option, whatever an address looks like (CVE-2014-7844). */
	argv[n++] = "--";
	while (left.len)
		argv[n++] = span_cut(&left, '\0').ptr;
	argv[n] = NULL;
	if (fflush(msg) != 0 || lseek(fileno(msg), 0, SEEK_SET) != 0) {
		fprintf(stderr, "mail: temporary file: %s\n", strerror(errno));
		status = EXIT_IOERR;
	} else {
		status = mail_run(path, argv, fileno(msg), -1);
		if (status)
			fprintf(stderr, "mail: %s: exit status %d\n", path, status);
	}
	free(argv);
	/* 127: the program could not be started. */
	return status == 127 ? EXIT_UNAVAILABLE : status;
}

static void print_debug(const struct mail_rcpts *r, FILE *msg)
{
	struct span left = buf_span(&r->envelope);

	while (left.len)
		printf("recipient: %s\n", span_cut(&left, '\0').ptr);
	mail_run_copy(msg, stdout);
}

/* set record=FILE: a copy of what was sent. */
static void keep_record(const struct mail *m, FILE *msg)
{
	const char *record = mail_value(m, "record");
	char path[4096];
	struct err e;

	if (!record || !*record || !mail_file_name(m, record, path, sizeof path))
		return;
	if (!mail_append(path, msg, mail_user_name(), clock_wall().s, &e))
		fprintf(stderr, "mail: record: %s\n", e.text);
}

int mail_send(struct mail *m, struct mail_letter *l)
{
	struct mail_rcpts r = {.dash_ok = l->dash_ok}, sender = {.literal = true};
	struct buf to, cc;
	FILE *msg = mail_run_temp();
	off_t dead = dead_size(m);
	int status = EXIT_USAGE;

	buf_init(&r.envelope, MAIL_HEADER_MAX);
	buf_init(&sender.envelope, MAIL_HEADER_MAX);
	buf_init(&to, MAIL_HEADER_MAX);
	buf_init(&cc, MAIL_HEADER_MAX);
	if (!mail_rcpt_add(m, &r, buf_span(&l->to), &to) ||
	    !mail_rcpt_add(m, &r, buf_span(&l->cc), &cc) ||
	    !mail_rcpt_add(m, &r, buf_span(&l->bcc), NULL) ||
	    !mail_rcpt_add(m, &sender, span_str(l->from), NULL)) {
		status = EXIT_DATAERR;
	} else if (r.count == 0) {
		fputs("mail: no recipients\n", stderr);
	} else if (!mail_build(m, l, &to, &cc, msg)) {
		status = EXIT_NOINPUT;
	} else if (m->debug) {
		print_debug(&r, msg);
		status = 0;
	} else {
		status = hand_over(m, &r, buf_cstr(&sender.envelope), msg);
		if (status == 0)
			keep_record(m, msg);
	}
	/* Most sendmails keep a refused letter there themselves. */
	if (status && dead_size(m) <= dead)
		mail_send_dead(m, l);
	buf_free(&r.envelope);
	buf_free(&sender.envelope);
	buf_free(&to);
	buf_free(&cc);
	fclose(msg);
	return status;
}
