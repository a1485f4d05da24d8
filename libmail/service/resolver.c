/*
 * The blocking resolver; see service/resolver.h.  resolv.conf(5): nameserver,
 * search, domain, options timeout, attempts, ndots.  RFC 1035 4.2.
 *
 * Answers are taken only from the server that was asked (connected sockets), with
 * the id and the question of the query.
 */
#include "service/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/rand.h"

enum { PORT = 53, FILE_MAX = 4 << 20, TIMEOUT_S = 5, ATTEMPTS = 2 };

struct span resolver_word(struct span *s)
{
	size_t n = 0;
	struct span w;

	while (s->len && (ascii_is_blank(s->ptr[0]) || s->ptr[0] == '\r'))
		*s = span_skip(*s, 1);
	while (n < s->len && !ascii_is_blank(s->ptr[n]) && s->ptr[n] != '\r')
		n++;
	w = span_head(*s, n);
	*s = span_skip(*s, n);
	return w;
}

static bool parse_address(struct span s, struct sockaddr_storage *out)
{
	char text[INET6_ADDRSTRLEN + 32];
	struct sockaddr_in *a4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	/* The zone of a link-local address is ignored: a server there is none to rely on. */
	if (!span_to_cstr(span_head(s, span_index(s, '%')), text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(PORT);
		return true;
	}
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(PORT);
	return inet_pton(AF_INET6, text, &a6->sin6_addr) == 1;
}

/*
 * Options that are not known, and numbers out of range, change nothing: resolv.conf is
 * read by many programs.
 */
static void parse_option(struct resolver *r, struct span o)
{
	struct span name = span_cut(&o, ':');
	uint64_t v;

	if (!num_parse(o, 30, &v))
		return;
	if (span_eq(name, SPAN("timeout")) && v)
		r->timeout_s = (unsigned)v;
	else if (span_eq(name, SPAN("attempts")) && v)
		r->attempts = (unsigned)v;
	else if (span_eq(name, SPAN("ndots")))
		r->ndots = (unsigned)v;
}

static void parse_line(struct resolver *r, struct span line)
{
	struct span key = resolver_word(&line), w;

	if (span_eq(key, SPAN("nameserver"))) {
		if (r->servers < RESOLVER_SERVERS &&
		    parse_address(resolver_word(&line), &r->server[r->servers]))
			r->servers++;
	} else if (span_eq(key, SPAN("search")) || span_eq(key, SPAN("domain"))) {
		/* "domain" and "search" replace each other, the last line wins (resolv.conf(5)). */
		r->searches = 0;
		for (w = resolver_word(&line); w.len && r->searches < RESOLVER_SEARCH;
		     w = resolver_word(&line))
			if (span_to_cstr(w, r->search[r->searches], DNS_NAME_MAX))
				r->searches++;
	} else if (span_eq(key, SPAN("options"))) {
		for (w = resolver_word(&line); w.len; w = resolver_word(&line))
			parse_option(r, w);
	}
}

bool resolver_init(struct resolver *r, struct err *e)
{
	struct err why = {.sys = 0};
	struct buf b;

	memset(r, 0, sizeof *r);
	r->attempts = ATTEMPTS;
	r->timeout_s = TIMEOUT_S;
	r->ndots = 1;
	buf_init(&r->hosts, FILE_MAX);
	buf_init(&r->answer, DNS_TCP_MAX);
	buf_init(&b, FILE_MAX);
	if (fs_read_all(AT_FDCWD, "/etc/resolv.conf", FS_FOLLOW, &b, &why))
		for (struct span s = buf_span(&b); s.len;)
			parse_line(r, span_cut(&s, '\n'));
	buf_free(&b);
	/* No file, or none of its servers is of use: the local one, as libc does. */
	if (r->servers == 0)
		parse_address(SPAN("127.0.0.1"), &r->server[r->servers++]);
	if (!fs_is_passing(why.sys) &&
	    !fs_read_all(AT_FDCWD, "/etc/hosts", FS_FOLLOW, &r->hosts, &why))
		buf_reset(&r->hosts);
	if (!fs_is_passing(why.sys))
		return true;
	*e = why;
	return false;
}

void resolver_free(struct resolver *r)
{
	buf_free(&r->hosts);
	buf_free(&r->answer);
}

/* The address counts as a name too, which serves reverse lookups. */
struct span resolver_hosts_line(const struct resolver *r, struct span name)
{
	struct span s = buf_span(&r->hosts);

	while (s.len) {
		struct span line = span_cut(&s, '\n'), rest, address, w;

		rest = span_head(line, span_index(line, '#'));
		address = resolver_word(&rest);
		line = span_trim(rest);
		if (address.len && ascii_eq_nocase(address, name))
			return line;
		for (w = resolver_word(&rest); w.len; w = resolver_word(&rest))
			if (ascii_eq_nocase(w, name))
				return line;
	}
	return (struct span){NULL, 0};
}

size_t resolver_hosts_addresses(const struct resolver *r, struct span name, struct span *out,
				size_t max)
{
	struct span s = buf_span(&r->hosts);
	size_t n = 0;

	while (s.len && n < max) {
		struct span line = span_cut(&s, '\n'), address, w;

		line = span_head(line, span_index(line, '#'));
		address = resolver_word(&line);
		for (w = resolver_word(&line); w.len; w = resolver_word(&line))
			if (ascii_eq_nocase(w, name)) {
				out[n++] = address;
				break;
			}
	}
	return n;
}

/* Reads exactly n octets into out. */
static bool read_full(int fd, size_t n, uint64_t deadline, struct buf *out)
{
	char *p = buf_reserve(out, n);

	for (size_t got = 0; p && got < n;) {
		ssize_t k;

		if (!clock_wait(fd, POLLIN, deadline))
			return false;
		k = read(fd, p + got, n - got);
		if (k <= 0 && !(k < 0 && errno == EINTR))
			return false;
		got += k > 0 ? (size_t)k : 0;
	}
	if (p)
		out->len += n;
	return p != NULL;
}

/* RFC 1035 section 4.2.2: two octets of length, in both directions. */
static bool ask_tcp(int fd, struct span query, uint64_t deadline, struct buf *out)
{
	char head[2] = {(char)(query.len >> 8), (char)query.len};

	buf_reset(out);
	if (!clock_wait(fd, POLLOUT, deadline) || !fs_write(fd, span_make(head, 2)) ||
	    !fs_write(fd, query) || !read_full(fd, 2, deadline, out))
		return false;
	head[0] = out->ptr[0];
	head[1] = out->ptr[1];
	buf_reset(out);
	return read_full(fd, (size_t)((unsigned char)head[0] << 8 | (unsigned char)head[1]),
			 deadline, out);
}

/* An answer with another id is a late one, or forged; the wait goes on. */
static bool ask_udp(int fd, struct span query, uint64_t deadline, struct buf *out)
{
	char *p;
	ssize_t n;

	if (send(fd, query.ptr, query.len, 0) < 0)
		return false;
	do {
		if (!clock_wait(fd, POLLIN, deadline))
			return false;
		buf_reset(out);
		p = buf_reserve(out, DNS_UDP_MAX);
		n = p ? recv(fd, p, DNS_UDP_MAX, 0) : -1;
		if (n < 0)
			return false;
		out->len = (size_t)n;
	} while (n < 2 || memcmp(out->ptr, query.ptr, 2) != 0);
	return true;
}

static bool ask_server(struct resolver *r, int i, struct span query, bool tcp)
{
	const struct sockaddr *sa = (const struct sockaddr *)&r->server[i];
	socklen_t len =
	    sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	uint64_t deadline = clock_ms() + r->timeout_s * 1000u;
	int fd = socket(sa->sa_family,
			(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = false;

	if (fd < 0)
		return false;
	/* Connected: the kernel drops what comes from any other address or port. */
	if (connect(fd, sa, len) == 0 || errno == EINPROGRESS)
		ok = tcp ? ask_tcp(fd, query, deadline, &r->answer)
			 : ask_udp(fd, query, deadline, &r->answer);
	close(fd);
	return ok;
}

int resolver_ask(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a)
{
	char mem[DNS_UDP_MAX];
	uint16_t id = (uint16_t)rand_u64();
	struct buf q;

	if (r->ask)
		return r->ask(r, name, type, a);
	buf_init_fixed(&q, mem, sizeof mem);
	if (!dns_put_query(&q, id, name, type))
		return EXIT_NOHOST;
	/*
	 * All servers in turn, attempts times, as libc does. SERVFAIL or REFUSED from one
	 * says nothing about the others.
	 */
	for (unsigned try = 0; try < r->attempts * (unsigned)r->servers; try++) {
		int i = (int)(try % (unsigned)r->servers);

		if (!ask_server(r, i, buf_span(&q), false) ||
		    !dns_open_answer(a, buf_span(&r->answer), id, name, type))
			continue;
		/* Truncated: the whole answer over TCP from the same server. */
		if (a->truncated && (!ask_server(r, i, buf_span(&q), true) ||
				     !dns_open_answer(a, buf_span(&r->answer), id, name, type)))
			continue;
		if (a->rcode == DNS_NOERROR)
			return 0;
		if (a->rcode == DNS_NXDOMAIN)
			return EXIT_NOHOST;
	}
	return EXIT_TEMPFAIL;
}
