/*
 * Event lines to standard error or syslog; see sys/log.h.
 *
 * Writes syslog datagrams itself: musl's syslog(3) reconnects by path, which
 * fails after a chroot.  RFC 3164 form without host name, as local daemons expect.
 */
#include "sys/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/buf.h"

/* RFC 3164 section 4.1.1: facility 2 is mail, times eight, plus the severity. */
enum { FACILITY_MAIL = 2 << 3 };

/* The one mutable state of the module: a log that fails must not need its caller's memory. */
static struct {
	char name[32];
	enum log_target target;
	enum log_level level;
	int fd;
	int pid; /* 0: to be asked for */
} state = {"letterbox", LOG_T_STDERR, LOG_L_INFO, 2, 0};

/*
 * Connected once, before a chroot hides /dev/log. Non-blocking: a dead syslogd must not stop
 * mail.
 */
static int open_syslog(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Any other word is standard error: a misspelt one must not silence the log. */
static enum log_target from_environment(void)
{
	const char *want = getenv("LETTERBOX_LOG");

	if (!want)
		return LOG_T_AUTO;
	if (strcmp(want, "syslog") == 0)
		return LOG_T_SYSLOG;
	if (strcmp(want, "json") == 0)
		return LOG_T_JSON;
	if (strcmp(want, "none") == 0)
		return LOG_T_NONE;
	return LOG_T_STDERR;
}

/*
 * For commands at a terminal: without a syslog they keep silent instead of mixing log lines into
 * what a person reads.
 */
enum log_target log_quiet(void)
{
	if (getenv("LETTERBOX_LOG"))
		return LOG_T_AUTO;
	return access("/dev/log", W_OK) == 0 ? LOG_T_SYSLOG : LOG_T_NONE;
}

void log_init(const char *name, enum log_target target)
{
	int fd = -1;

	snprintf(state.name, sizeof state.name, "%s", name);
	if (target == LOG_T_AUTO)
		target = from_environment();
	if (state.target == LOG_T_SYSLOG && state.fd > 2)
		close(state.fd);
	if (target == LOG_T_SYSLOG || (target == LOG_T_AUTO && !isatty(2)))
		fd = open_syslog();
	if (fd < 0 && (target == LOG_T_AUTO || target == LOG_T_SYSLOG))
		target = LOG_T_STDERR;
	else if (fd >= 0)
		target = LOG_T_SYSLOG;
	state.target = target;
	state.fd = fd >= 0 ? fd : 2;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

void log_set_name(const char *name)
{
	snprintf(state.name, sizeof state.name, "%s", name);
	for (char *c = state.name; *c; c++)
		if (!ascii_is_graph(*c) || strchr("[]:\"\\", *c))
			*c = '_';
}

int log_fd(void)
{
	return state.target == LOG_T_NONE ? -1 : state.fd;
}

static int pid(void)
{
	return state.pid ? state.pid : getpid();
}

void log_keep_pid(void)
{
	state.pid = getpid();
}

/* Control characters are gone by then: err_printable has replaced them in the text. */
static void put_json(struct buf *out, enum log_level level, const char *text)
{
	buf_printf(out, "{\"time\":%lld,\"level\":%d,\"program\":\"%s\",\"pid\":%d,\"text\":\"",
		   (long long)time(NULL), (int)level, state.name, pid());
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *text);
	}
	buf_puts(out, "\"}\n");
}

/*
 * Text of strangers (addresses, replies) is in most lines: made printable as a whole, so that
 * nobody can forge a second line or reach a terminal. One write a line keeps lines of several
 * processes apart, and one that fails is not worth a crash.
 */
void log_put(enum log_level level, const char *fmt, ...)
{
	char text[LOG_MAX], mem[2 * LOG_MAX + 128];
	struct buf line;
	va_list ap;

	if (level > state.level || state.target == LOG_T_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err_printable(text);
	buf_init_fixed(&line, mem, sizeof mem);
	if (state.target == LOG_T_JSON)
		put_json(&line, level, text);
	else if (state.target == LOG_T_SYSLOG)
		buf_printf(&line, "<%d>%s[%d]: %s", FACILITY_MAIL | (int)level, state.name, pid(),
			   text);
	else
		buf_printf(&line, "%s[%d]: %s\n", state.name, pid(), text);
	(void)!write(state.fd, line.ptr, line.len);
}
