/*
 * deliver: final delivery of the message on standard input, for other programs; with -l an
 * LMTP session.  Exit status 0, 64, 67, 75 or 77: what mailers understand.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "base/opt.h"
#include "format/address.h"
#include "format/submit.h"
#include "service/account.h"
#include "service/direct.h"
#include "service/settings.h"
#include "service/stdio_session.h"
#include "sys/fs.h"
#include "sys/log.h"

/* 0 is the end of the table, so that the ids begin at 1. */
enum { SENDER = 1, USER, DETAIL, FOLDER, LMTP, USERS, MAILBOX, IGNORED, PERMANENT };

/* Large enough that a usual letter is one read, small enough for any host. */
enum { CHUNK = 32768 };

/*
 * Options of the elder delivery agents (mail.local, procmail, dovecot-lda): what a mailer's
 * configuration passes today must not become an error. Those without a meaning here are ignored.
 */
static const struct opt_spec specs[] = {
    {'f', NULL, OPT_REQUIRED, SENDER},
    {'r', NULL, OPT_REQUIRED, SENDER},
    {'d', NULL, OPT_REQUIRED, USER},
    {'a', NULL, OPT_REQUIRED, DETAIL},
    {'m', NULL, OPT_REQUIRED, FOLDER},
    {'l', NULL, OPT_NONE, LMTP},
    {'u', NULL, OPT_REQUIRED, USERS},
    {'M', NULL, OPT_REQUIRED, MAILBOX},
    {'t', NULL, OPT_NONE, IGNORED},
    {'Y', NULL, OPT_NONE, IGNORED},
    {'b', NULL, OPT_NONE, PERMANENT},
    {'e', NULL, OPT_NONE, PERMANENT},
    {0, NULL, OPT_NONE, 0},
};

struct job {
	const char *sender, *user, *detail, *folder, *users, *mailbox;
	bool lmtp, permanent;
	struct account_source accounts;
	char path[ACCOUNT_PATH_MAX]; /* of the folder */
	int fd;
};

static int usage(void)
{
	fputs("usage: deliver [-be] [-f SENDER] [-a DETAIL] [-m FOLDER] [-u USERS] [-M MAILBOX] "
	      "-d USER | USER...\n       deliver -l [-u USERS] [-M MAILBOX]\n",
	      stderr);
	return EXIT_USAGE;
}

/* From_, Return-Path and Delivered-To are lines of ours: nobody else must make others. */
static bool clean(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/*
 * Statuses that mean nothing to callers of a delivery agent are "try again". Who may not deliver
 * to another user need not.
 */
static int status_of(const struct job *j, const struct err *e)
{
	int status = err_exit_code(e);

	if (e->sys == EPERM && strcmp(e->status, "4.3.5") == 0)
		return EXIT_NOPERM;
	if (status == 0 || status == EXIT_NOUSER || status == EXIT_NOPERM)
		return status;
	return j->permanent && e->class == ERR_PERM ? EXIT_NOPERM : EXIT_TEMPFAIL;
}

/* The message, with LF lines, in an unnamed file. */
static bool read_message(struct job *j, struct err *e)
{
	static const struct submit_fields none;
	char *chunk = malloc(CHUNK);
	struct submit filter;
	struct buf out;
	ssize_t n = -1;
	bool ok;

	buf_init(&out, 4 * CHUNK);
	submit_init(&filter, 0, &none);
	j->fd = direct_spool(e);
	ok = chunk && j->fd >= 0;
	while (ok && (n = read(STDIN_FILENO, chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ok = err_errno(e, errno, "standard input");
			break;
		}
		submit_feed(&filter, span_make(chunk, (size_t)n), &out);
		ok = (buf_ok(&out) && fs_write(j->fd, buf_span(&out))) ||
		     err_errno(e, errno, "cannot store the message");
		buf_reset(&out);
	}
	submit_finish(&filter, &out);
	ok = ok &&
	     (fs_write(j->fd, buf_span(&out)) || err_errno(e, errno, "cannot store the message"));
	buf_free(&out);
	free(chunk);
	return ok;
}

/* Below a Maildir a folder is a directory with a dot (Maildir++), else an mbox in ~/mail. */
static bool put_folder(struct job *j, const struct account *a, const char *folder)
{
	size_t len = strlen(a->mailbox);
	int n;

	if (a->mailbox[len - 1] == '/')
		n = snprintf(j->path, sizeof j->path, "%s.%s/", a->mailbox, folder);
	else
		n = a->home[0] ? snprintf(j->path, sizeof j->path, "%s/mail/%s", a->home, folder)
			       : 0;
	return n > 0 && (size_t)n < sizeof j->path;
}

/* A name and no path; "a.b" is b in a, so an empty part would name the directory itself. */
static bool folder_ok(const char *folder)
{
	size_t len = strlen(folder);

	for (const char *c = folder; *c; c++)
		if (*c == '/' || (unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return len && folder[0] != '.' && folder[len - 1] != '.' && !strstr(folder, "..");
}

static const char *folder_path(struct job *j, const struct account *a, struct err *e)
{
	struct stat st;

	if (j->folder && strcasecmp(j->folder, "INBOX") != 0) {
		if (folder_ok(j->folder) && put_folder(j, a, j->folder))
			return j->path;
		err_perm(
		    e, "5.1.3",
		    "folder \"%.60s\": a name without '/', no '.' at its ends, not too long, and "
		    "a home directory for it",
		    j->folder);
		return NULL;
	}
	/*
	 * The detail of an address is a stranger's word: it finds a folder that its owner made, and
	 * makes none.
	 */
	if (!j->folder && j->detail && folder_ok(j->detail) && put_folder(j, a, j->detail) &&
	    stat(j->path, &st) == 0)
		return j->path;
	return a->mailbox;
}

/* "user" and a detail are "user+detail", as the message was addressed. */
static struct span full_name(const struct job *j, const char *who, char *mem, size_t cap)
{
	struct span user = span_str(who), local, domain;
	struct buf b;

	address_split(user, &local, &domain);
	buf_init_fixed(&b, mem, cap);
	buf_put(&b, local);
	buf_putc(&b, '+');
	buf_puts(&b, j->detail);
	buf_puts(&b, domain.len ? "@" : "");
	buf_put(&b, domain);
	return buf_ok(&b) ? buf_span(&b) : user;
}

/*
 * Both standard error and log: mailers put the first into their bounce, an admin reads the
 * second.
 */
static int deliver_to(struct job *j, const char *who)
{
	struct account a;
	struct err e = {0};
	const char *path;
	char mem[1024];
	struct local_job job = {
	    .fd = j->fd, .sender = span_str(j->sender ? j->sender : ""), .rcpt = span_str(who)};

	if (j->detail)
		job.rcpt = full_name(j, who, mem, sizeof mem);
	if (!clean(who))
		err_perm(&e, "5.1.1", "no such user");
	else if (direct_find(&j->accounts, span_str(who), &a, &e) &&
		 (path = folder_path(j, &a, &e)) != NULL && !direct_deliver(&a, path, &job))
		e = job.err;
	if (e.class != ERR_NONE) {
		fprintf(stderr, "deliver: %s: %s\n", who, e.text);
		log_warn("to=<%s>, dsn=%s, stat=%s", who, e.status, e.text);
		return status_of(j, &e);
	}
	log_info("to=<%s>, mailer=local, stat=Sent", who);
	return 0;
}

/*
 * The message is stored before any account is looked at: a caller that writes into a pipe must
 * not die of SIGPIPE, and several recipients read the same file.
 */
static int run(struct job *j, int argc, char **argv)
{
	struct err e = {0};
	int status = 0;

	if ((!j->user && argc == 0) || !clean(j->sender) || !clean(j->detail))
		return usage();
	if (!read_message(j, &e)) {
		fprintf(stderr, "deliver: %s\n", e.text);
		return EXIT_TEMPFAIL;
	}
	if (j->user)
		status = deliver_to(j, j->user);
	for (int i = 0; i < argc; i++) {
		int one = deliver_to(j, argv[i]);

		/* One that must be tried again makes the caller try again. */
		if (one == EXIT_TEMPFAIL || status == 0)
			status = one;
	}
	return status;
}

/* "<>" is how mailers write the null sender of a bounce (RFC 5321 section 4.5.5). */
static int take(struct job *j, int id, const char *value)
{
	switch (id) {
	case SENDER:
		j->sender = strcmp(value, "<>") == 0 ? "" : value;
		break;
	case USER:
		j->user = value;
		break;
	case DETAIL:
		j->detail = *value ? value : NULL;
		break;
	case FOLDER:
		j->folder = value;
		break;
	case LMTP:
		j->lmtp = true;
		break;
	case USERS:
		j->users = value;
		break;
	case MAILBOX:
		j->mailbox = value;
		break;
	case PERMANENT:
		j->permanent = true;
		break;
	case IGNORED:
		break;
	default:
		return usage();
	}
	return 0;
}

int deliver_main(int argc, char **argv)
{
	struct settings *settings = calloc(1, sizeof *settings);
	struct opt_state s;
	struct job j = {.fd = -1};
	struct err e;
	int id, status;

	log_init("deliver", log_quiet());
	opt_init(&s, specs, argc, argv, false);
	while ((id = opt_next(&s)) != OPT_END)
		if ((status = take(&j, id, s.value)) != 0)
			goto out;
	status = EXIT_TEMPFAIL;
	if (!settings || !settings_init(settings, &e) ||
	    !account_source_init(&j.accounts, j.users ? j.users : settings->users,
				 j.mailbox ? j.mailbox : settings->mailbox, &e)) {
		fprintf(stderr, "deliver: %s\n", settings ? e.text : "out of memory");
		goto out;
	}
	/* LMTP answers for each recipient by itself: none of the statuses below applies. */
	status = j.lmtp ? stdio_session_run(settings, NULL, &j.accounts, true)
			: run(&j, argc - s.at, argv + s.at);
	account_source_free(&j.accounts);
out:
	free(settings);
	return status;
}
