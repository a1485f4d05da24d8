/*
 * socket maps: sendmail's socketmap protocol; see service/maps_part.h.
 *
 * The file is inet:PORT@HOST, inet6:PORT@HOST or unix:PATH (local:PATH).  A question and its
 * answer are netstrings: "NAME KEY", and OK VALUE, NOTFOUND, TEMP, TIMEOUT or PERM with a reason.
 * The server is one of this host or near it, and the time it has is short: nobody else is served
 * meanwhile.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "service/maps_part.h"
#include "sys/clock.h"
#include "sys/fs.h"

enum { ANSWER_MS = 5000, ANSWER_MAX = 100000 };

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static socklen_t parse_place(struct span s, union address *a)
{
	struct span kind = span_cut(&s, ':'), port;
	char host[INET6_ADDRSTRLEN];
	uint64_t n;

	memset(a, 0, sizeof *a);
	if (span_eq(kind, SPAN("unix")) || span_eq(kind, SPAN("local"))) {
		a->any.sa_family = AF_UNIX;
		return span_to_cstr(s, a->un.sun_path, sizeof a->un.sun_path) ? sizeof a->un : 0;
	}
	port = span_cut(&s, '@');
	if (span_eq(s, SPAN("localhost")))
		s = span_eq(kind, SPAN("inet")) ? SPAN("127.0.0.1") : SPAN("::1");
	if (!num_parse(port, UINT16_MAX, &n) || !span_to_cstr(s, host, sizeof host))
		return 0;
	if (span_eq(kind, SPAN("inet")) && inet_pton(AF_INET, host, &a->in4.sin_addr) == 1) {
		a->in4.sin_family = AF_INET;
		a->in4.sin_port = htons((uint16_t)n);
		return sizeof a->in4;
	}
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) != 1)
		return 0;
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons((uint16_t)n);
	return sizeof a->in6;
}

/* The whole netstring into b; its contents, or a NULL ptr. */
static struct span read_answer(int fd, struct buf *b)
{
	static const struct span none = {NULL, 0};
	uint64_t deadline = clock_ms() + ANSWER_MS, len = 0;

	for (;;) {
		struct span s = buf_span(b), digits = span_cut(&s, ':');
		struct pollfd p = {fd, POLLIN, 0};
		uint64_t now = clock_ms();
		ssize_t n;
		char *to;

		if (digits.len < b->len && !num_parse(digits, ANSWER_MAX, &len))
			return none;
		if (digits.len < b->len && s.len > len)
			return s.ptr[len] == ',' ? span_head(s, (size_t)len) : none;
		if (now >= deadline || poll(&p, 1, (int)(deadline - now)) <= 0)
			return none;
		to = buf_reserve(b, 512);
		n = to ? read(fd, to, 512) : 0;
		if (n <= 0)
			return none;
		b->len += (size_t)n;
	}
}

static int understand(struct span answer, struct buf *out)
{
	struct span word = span_cut(&answer, ' ');

	if (span_eq(word, SPAN("OK"))) {
		buf_put(out, answer);
		return 0;
	}
	if (span_eq(word, SPAN("NOTFOUND")))
		return EXIT_NOHOST;
	return span_eq(word, SPAN("PERM")) ? EXIT_UNAVAILABLE : EXIT_TEMPFAIL;
}

int maps_ask_socket(struct cf_map *map, struct span key, struct buf *out)
{
	struct timeval patience = {ANSWER_MS / 1000, 0};
	union address a;
	socklen_t len = parse_place(map->file, &a);
	int fd = len ? socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	/* -o: a server that is not there has nothing to say. */
	int status = cf_map_flag(map, 'o') ? EXIT_UNAVAILABLE : EXIT_TEMPFAIL;
	struct buf b;

	/* That there is no socket says nothing of the server. */
	if (fd < 0)
		return len ? EXIT_TEMPFAIL : status;
	buf_init(&b, ANSWER_MAX + 16);
	buf_printf(&b, "%zu:%.*s %.*s,", map->name.len + 1 + key.len, SPAN_ARG(map->name),
		   SPAN_ARG(key));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, &a.any, len) == 0 && fs_write(fd, buf_span(&b))) {
		struct span answer;

		buf_reset(&b);
		answer = read_answer(fd, &b);
		status = answer.ptr ? understand(answer, out) : EXIT_TEMPFAIL;
	}
	close(fd);
	buf_free(&b);
	return status;
}
