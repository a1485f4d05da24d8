/*
 * Lines from standard input or a file, by read(2) alone: a terminal's line is handed out as
 * soon as it is there, an interrupt ends the wait, and NUL and 8-bit octets pass.
 *
 * Must not read ahead of what it can hand out: the rest of the input belongs to the body of
 * a message or to the next command, whoever asks next.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "mail.h"

/* Longer than any line a person types or RFC 5322 allows (998); bounds the memory. */
enum { MAIL_LINE_MAX = 65536 };

static volatile sig_atomic_t interrupted, hung_up;

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		hung_up = 1;
	else
		interrupted = 1;
}

void mail_input_catch(bool ignore)
{
	static const int signals[] = {SIGINT, SIGHUP};
	struct sigaction act;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		memset(&act, 0, sizeof act);
		/* Whoever started us in the background with a signal ignored keeps it so. */
		if (sigaction(signals[i], NULL, &act) == 0 && act.sa_handler == SIG_IGN)
			continue;
		act.sa_handler = ignore && signals[i] == SIGINT ? SIG_IGN : on_signal;
		act.sa_flags = 0; /* no SA_RESTART: the read must end */
		sigaction(signals[i], &act, NULL);
	}
}

void mail_input_init(struct mail_input *in, int fd)
{
	*in = (struct mail_input){.fd = fd, .whole = true};
	buf_init(&in->pending, MAIL_LINE_MAX);
}

void mail_input_free(struct mail_input *in)
{
	buf_free(&in->pending);
}

/* More octets behind the pending ones; 0 at the end or on an error, -1 after a signal. */
static ssize_t fill(struct mail_input *in)
{
	size_t room = MAIL_LINE_MAX - in->pending.len;
	char *at;
	ssize_t n;

	if (room > 4096)
		room = 4096;
	at = buf_reserve(&in->pending, room);
	if (!at)
		return 0;
	n = interrupted || hung_up ? -1 : read(in->fd, at, room);
	if (n > 0)
		in->pending.len += (size_t)n;
	/* What was read before the signal comes first: it is noticed at the next read. */
	if ((interrupted || hung_up) && n <= 0)
		return -1;
	return n < 0 ? (errno == EINTR ? fill(in) : 0) : n;
}

enum mail_line mail_input_line(struct mail_input *in, struct buf *line)
{
	size_t seen = 0;

	buf_reset(line);
	buf_consume(&in->pending, in->at);
	in->at = 0;
	for (;;) {
		struct span have = buf_span(&in->pending);
		size_t nl = seen + span_index(span_skip(have, seen), '\n');
		ssize_t n;

		if (nl < have.len || have.len >= MAIL_LINE_MAX) {
			in->whole = nl < have.len;
			buf_put(line, span_head(have, nl));
			in->at = nl + in->whole;
			return MAIL_LINE;
		}
		seen = have.len;
		n = fill(in);
		if (n < 0) {
			buf_reset(&in->pending);
			interrupted = 0;
			return hung_up ? MAIL_HANGUP : MAIL_INTERRUPT;
		}
		if (n == 0) {
			in->whole = true;
			if (!have.len)
				return MAIL_EOF;
			buf_put(line, buf_span(&in->pending));
			in->at = in->pending.len;
			return MAIL_LINE;
		}
	}
}

bool mail_input_drain(struct mail_input *in, FILE *out)
{
	char chunk[4096];
	struct span rest = span_skip(buf_span(&in->pending), in->at);
	ssize_t n;

	mail_put(rest, out);
	buf_reset(&in->pending);
	in->at = 0;
	while ((n = read(in->fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			fwrite(chunk, 1, (size_t)n, out);
	}
	return true;
}
