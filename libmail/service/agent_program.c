/*
 * Programs as mailers; see service/agent_part.h.
 *
 * The message goes to an unnamed file first: if this process dies, a program must not take what
 * it has got so far for all of it.  Never a shell.
 */
#include "service/agent_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/mbox.h"
#include "service/direct.h"
#include "service/local_part.h"
#include "sys/fs.h"
#include "sys/run.h"

enum { SYSEXITS_FIRST = 64, WRAP_MIN = 16, SIGNALS = 64 };

/* By sysexits number: the status in a report and the words of sendmail 8.17. */
static const struct {
	char status[6];
	const char *text;
} outcomes[] = {
    {"5.5.4", "Command line usage error"},
    {"5.5.2", "Data format error"},
    {"5.3.0", "Cannot open input"},
    {"5.1.1", "User unknown"},
    {"5.1.2", "Host unknown"},
    {"5.5.0", "Service unavailable"},
    {"5.5.0", "Internal error"},
    {"4.0.0", "Operating system error"},
    {"5.5.0", "System file missing"},
    {"5.3.0", "Can't create output"},
    {"4.0.0", "I/O error"},
    {"4.0.0", NULL}, /* EXIT_TEMPFAIL */
    {"5.5.0", "Remote protocol error"},
    {"5.3.0", "Insufficient permission"},
    {"5.5.0", "Local configuration error"},
};

/* What a mailer's flags and fields ask of lines, octet by octet. */
struct lines {
	const struct mta_program *how;
	size_t column;
	int held; /* the last octet that fits its line: no more may follow it there; -1: none */
};

static void put_lines(struct lines *l, struct span s, struct buf *out)
{
	const char *eol = l->how->form & MTA_FORM_CRLF ? "\r\n" : "\n";
	size_t limit = l->how->limit >= WRAP_MIN ? l->how->limit : SIZE_MAX;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (l->how->form & MTA_FORM_STRIP)
			c &= 0x7f;
		if (c == '.' && l->column == 0 && l->how->form & MTA_FORM_DOTS) {
			buf_putc(out, '.');
			l->column++;
		}
		if (l->held >= 0 && c != '\n') {
			buf_putc(out, '!');
			buf_puts(out, eol);
			buf_putc(out, ' ');
			l->column = 1;
		}
		if (l->held >= 0) {
			buf_putc(out, (char)l->held);
			l->column++;
			l->held = -1;
		}
		if (c == '\n') {
			buf_puts(out, eol);
			l->column = 0;
		} else if (l->column + 1 >= limit) {
			l->held = (unsigned char)c;
		} else {
			buf_putc(out, c);
			l->column++;
		}
	}
}

/* The octets that the program gets; false with errno. */
static bool write_message(const struct local_job *job, const struct mta_program *how, int fd,
			  struct buf *out)
{
	struct lines l = {.how = how, .held = -1};
	char *chunk = malloc(LOCAL_CHUNK);
	struct buf quoted;
	struct mbox_quote q;
	uint64_t at = 0;
	struct span text;
	ssize_t got = -1;

	buf_init(&quoted, 4 * LOCAL_CHUNK);
	mbox_quote_init(&q);
	buf_reset(out);
	while (chunk && (got = local_read(job, chunk, at, &text)) > 0) {
		/* The line "From " of the header that we make is none to be quoted. */
		bool quote = how->form & MTA_FORM_QUOTE && at >= job->head;

		if (how->form & MTA_FORM_QUOTE && at < job->head)
			text = span_head(text, (size_t)(job->head - at));
		at += text.len;
		buf_reset(&quoted);
		if (quote)
			mbox_quote_feed(&q, text, &quoted);
		put_lines(&l, quote ? buf_span(&quoted) : text, out);
		if (!buf_ok(&quoted) || !local_flush(fd, out, LOCAL_CHUNK)) {
			got = -1;
			break;
		}
	}
	if (l.held >= 0)
		put_lines(&l, SPAN("\n"), out);
	if (how->form & MTA_FORM_BLANK)
		put_lines(&l, SPAN("\n"), out);
	buf_free(&quoted);
	free(chunk);
	return got == 0 && local_flush(fd, out, 0) && lseek(fd, 0, SEEK_SET) == 0;
}

/* smrsh's checks of a program, and of the folder that all of this rests on. */
static bool find_in_folder(const char *dir, const char *name, char *path, size_t cap, struct err *e)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return err_temp(e, "4.3.5", "%s: no folder of programs: %s", dir, strerror(errno));
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_temp(e, "4.3.5", "%s: others may write to this folder of programs", dir);
	if ((size_t)snprintf(path, cap, "%s/%s", dir, name) < cap && !strchr(name, '/') &&
	    stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
		return true;
	return err_perm(e, "5.5.0",
			"Service unavailable: \"%.100s\" not available for sendmail programs in %s",
			name, dir);
}

static bool is_lmtp(const struct mta_program *how)
{
	return how->form & MTA_FORM_LMTP;
}

/* argv of the words, which end in NUL each, as was checked; in LMTP the last is the recipient. */
static bool make_argv(const struct mta_program *how, char *argv[AGENT_WORDS + 1], struct span *rcpt)
{
	struct span words = how->words;
	size_t n = 0;

	if (words.len == 0 || words.ptr[words.len - 1] != '\0')
		return false;
	for (; words.len && n < AGENT_WORDS; words = span_skip(words, strlen(words.ptr) + 1))
		argv[n++] = (char *)words.ptr;
	if (is_lmtp(how) && n > 1)
		*rcpt = span_str(argv[--n]);
	argv[n] = NULL;
	return words.len == 0;
}

/* The first of a:b:c that can be, else the root; an empty one is $z, the home, known here alone. */
static void enter_folder(struct span list, const char *home)
{
	char path[MTA_PATH_MAX];

	do {
		struct span one = span_cut(&list, ':');

		if (span_to_cstr(one.len ? one : span_str(home), path, sizeof path) && path[0] &&
		    chdir(path) == 0)
			return;
	} while (list.len);
	(void)!chdir("/");
}

/* Nothing of our own environment but the time zone: there may be secrets. */
static void run(const struct agent_program *p, const struct mta_program *how,
		struct agent_lmtp *lmtp, char **argv, const char *path, struct buf *said,
		int *status, struct err *e)
{
	char home[MTA_PATH_MAX + 8], user[MTA_NAME_MAX + 8], name[MTA_NAME_MAX + 12], zone[128];
	char *env[] = {
	    (char *)"AGENT=sendmail", (char *)"PATH=/usr/bin:/bin", user, name, home, zone, NULL};
	const char *tz = getenv("TZ");
	struct run r = {.path = path,
			.argv = argv,
			.env = env,
			.in = lmtp->message,
			.errors = !is_lmtp(how),
			.talk = is_lmtp(how) ? agent_lmtp_talk : NULL,
			.arg = lmtp,
			.seconds = how->seconds ? how->seconds : AGENT_SECONDS};

	snprintf(user, sizeof user, "USER=%s", p->user);
	snprintf(name, sizeof name, "LOGNAME=%s", p->user);
	snprintf(home, sizeof home, "HOME=%s", p->home[0] ? p->home : "/");
	if (tz && strlen(tz) < sizeof zone - 4)
		snprintf(zone, sizeof zone, "TZ=%s", tz);
	else
		env[5] = NULL;
	if (r.seconds > AGENT_SECONDS_MAX)
		r.seconds = AGENT_SECONDS_MAX;
	umask(022);
	enter_folder(how->folders, p->home);
	/* Whatever keeps it from starting is ours to mend; the message waits. */
	if (!run_program(&r, said, status, e))
		err_temp(e, "4.3.0", "Cannot exec %.150s: %s", path,
			 e->sys ? strerror(e->sys) : "it takes too long");
}

static void judge(const char *path, int status, struct span said, struct err *e)
{
	char words[160] = "";
	unsigned n = (unsigned)status - SYSEXITS_FIRST;

	/* Its first line often says what the number cannot. */
	said = span_head(span_trim(said), span_index(span_trim(said), '\n'));
	if (said.len)
		snprintf(words, sizeof words, ": %.*s", SPAN_ARG(span_head(said, 140)));
	if (status == 0)
		*e = (struct err){0};
	else if (status == EXIT_TEMPFAIL)
		err_temp(e, "4.0.0", "mailer (%.60s) exited with EX_TEMPFAIL%s", path, words);
	else if (status > 128 && status <= 128 + SIGNALS)
		err_temp(e, "4.3.0", "mailer (%.60s) died with signal %d%s", path, status - 128,
			 words);
	else if (n >= sizeof outcomes / sizeof outcomes[0])
		err_perm(e, "5.0.0", "unknown mailer error %d%s", status, words);
	else if (outcomes[n].status[0] == '4')
		err_temp(e, outcomes[n].status, "%s%s", outcomes[n].text, words);
	else
		err_perm(e, outcomes[n].status, "%s%s", outcomes[n].text, words);
}

void agent_program_deliver(const struct agent_program *p, const struct mta_program *how,
			   struct local_job *job)
{
	char path[MTA_PATH_MAX + MTA_WORDS_MAX], mem[AGENT_OUTPUT], *argv[AGENT_WORDS + 1];
	struct agent_lmtp lmtp = {.sender = job->sender};
	struct err *e = &job->err;
	struct buf said;
	int fd = -1, status = 0;

	*e = (struct err){0};
	buf_init_fixed(&said, mem, sizeof mem);
	if (!make_argv(how, argv, &lmtp.rcpt))
		err_perm(e, "5.3.5", "%s: more than %d arguments", p->path, AGENT_WORDS);
	else if (p->folder)
		find_in_folder(p->path, argv[0], path, sizeof path, e);
	else
		snprintf(path, sizeof path, "%s", p->path);
	if (e->class == ERR_NONE && (fd = direct_spool(e)) >= 0) {
		lmtp.message = fd;
		if (write_message(job, how, fd, p->work))
			run(p, how, &lmtp, argv, path, &said, &status, e);
		else
			err_errno(e, errno, "no place for the message");
		close(fd);
	}
	/* How it ended says nothing that it has not said before. */
	if (lmtp.spoken)
		*e = lmtp.err;
	else if (e->class == ERR_NONE)
		judge(path, status, buf_span(&said), e);
}
