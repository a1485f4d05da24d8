/*
 * socket maps: sendmail's socketmap protocol; see service/maps_part.h.
 *
 * The file is inet:PORT@HOST, inet6:PORT@HOST or unix:PATH (local:PATH).  A question and its
 * answer are netstrings: "NAME KEY", and OK VALUE, NOTFOUND, TEMP, TIMEOUT or PERM with a reason.
 * In an event loop whoever asks waits there; a process without one has a loop for the question.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/num.h"
#include "service/dns_client.h"
#include "service/maps_part.h"
#include "sys/clock.h"

enum {
	ANSWER_MAX = CF_LINE,
	SILENT_MS = 30000, /* what a silent server holds up is no more than a part of the time */
};

union address {
	struct sockaddr_storage any;
	struct sockaddr_un un;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static bool parse_place(struct span s, union address *a)
{
	struct span kind = span_cut(&s, ':'), port;
	char host[INET6_ADDRSTRLEN];
	uint64_t n;

	memset(a, 0, sizeof *a);
	if (span_eq(kind, SPAN("unix")) || span_eq(kind, SPAN("local"))) {
		a->any.ss_family = AF_UNIX;
		return span_to_cstr(s, a->un.sun_path, sizeof a->un.sun_path);
	}
	port = span_cut(&s, '@');
	if (span_eq(s, SPAN("localhost")))
		s = span_eq(kind, SPAN("inet")) ? SPAN("127.0.0.1") : SPAN("::1");
	if (!num_parse(port, UINT16_MAX, &n) || !span_to_cstr(s, host, sizeof host))
		return false;
	/* The port is at the same place in both. */
	a->in6.sin6_port = htons((uint16_t)n);
	if (span_eq(kind, SPAN("inet")) && inet_pton(AF_INET, host, &a->in4.sin_addr) == 1) {
		a->any.ss_family = AF_INET;
		return true;
	}
	a->any.ss_family = AF_INET6;
	return inet_pton(AF_INET6, host, &a->in6.sin6_addr) == 1;
}

/* True: no more is wanted; *out is what the netstring holds, or has a NULL ptr: it is none. */
static bool read_answer(struct span in, struct span *out)
{
	struct span rest = in, digits = span_cut(&rest, ':');
	uint64_t len;

	*out = (struct span){NULL, 0};
	if (digits.len == in.len)
		return in.len > sizeof "1000000";
	if (!num_parse(digits, ANSWER_MAX, &len))
		return true;
	if (rest.len > len && rest.ptr[len] == ',')
		*out = span_head(rest, (size_t)len);
	return rest.len > len;
}

static bool is_whole(struct span in)
{
	struct span answer;

	return read_answer(in, &answer);
}

static int understand(struct span in, struct buf *out)
{
	struct span answer, word;

	read_answer(in, &answer);
	word = span_cut(&answer, ' ');
	if (span_eq(word, SPAN("OK"))) {
		buf_put(out, answer);
		return 0;
	}
	if (span_eq(word, SPAN("NOTFOUND")))
		return EXIT_NOHOST;
	return span_eq(word, SPAN("PERM")) ? EXIT_UNAVAILABLE : EXIT_TEMPFAIL;
}

static int ask(struct dns_client *d, const struct cf_map *map, struct span question,
	       struct buf *out)
{
	struct span answer;
	union address a;
	int status = EXIT_UNAVAILABLE;

	if (parse_place(map->file, &a))
		status = dns_client_stream(d, &a.any, question, is_whole, &answer);
	/* -o: a server that is not there has nothing to say. */
	if (status == EXIT_UNAVAILABLE && !cf_map_flag(map, 'o'))
		return EXIT_TEMPFAIL;
	return status ? status : understand(answer, out);
}

/* For who has no event loop that other work could go on in, or none yet. */
static int ask_and_wait(struct maps *m, const struct cf_map *map, struct span question,
			struct buf *out)
{
	uint64_t began = clock_ms();
	struct dns_client_wait me;
	struct dns_client d;
	struct loop l;
	struct err e;
	int status;

	if ((m->silent == map && began < m->silent_ms) || !loop_init(&l, &e))
		return EXIT_TEMPFAIL;
	dns_client_init(&d, &l, NULL);
	d.current = &me;
	while ((status = ask(&d, map, question, out)) == DNS_CLIENT_PENDING)
		loop_turn(&l, -1);
	dns_client_free(&d);
	loop_close(&l);
	if (status == EXIT_TEMPFAIL && clock_ms() - began >= DNS_CLIENT_STREAM_MS / 2) {
		m->silent = map;
		m->silent_ms = clock_ms() + SILENT_MS;
	}
	return status;
}

int maps_ask_socket(struct maps *m, const struct cf_map *map, struct span key, struct buf *out)
{
	struct dns_client *d = m->resolver ? m->resolver->asker : NULL;
	char mem[2 * CF_LINE];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	buf_printf(&b, "%zu:%.*s %.*s,", map->name.len + 1 + key.len, SPAN_ARG(map->name),
		   SPAN_ARG(key));
	if (!buf_ok(&b))
		return EXIT_TEMPFAIL;
	return d ? ask(d, map, buf_span(&b), out) : ask_and_wait(m, map, buf_span(&b), out);
}
