/*
 * The blocking stub resolver; see service/resolver.h.  resolv.conf(5): nameserver,
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

enum { PORT = 53, FILE_MAX = 4 << 20, CNAME_MAX = 10, TIMEOUT_S = 5, ATTEMPTS = 2 };

static struct span word(struct span *s)
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
	struct span key = word(&line), w;

	if (span_eq(key, SPAN("nameserver"))) {
		if (r->servers < RESOLVER_SERVERS &&
		    parse_address(word(&line), &r->server[r->servers]))
			r->servers++;
	} else if (span_eq(key, SPAN("search")) || span_eq(key, SPAN("domain"))) {
		r->searches = 0;
		for (w = word(&line); w.len && r->searches < RESOLVER_SEARCH; w = word(&line))
			if (span_to_cstr(w, r->search[r->searches], DNS_NAME_MAX))
				r->searches++;
	} else if (span_eq(key, SPAN("options"))) {
		for (w = word(&line); w.len; w = word(&line))
			parse_option(r, w);
	}
}

void resolver_init(struct resolver *r)
{
	struct buf b;
	struct err e;

	memset(r, 0, sizeof *r);
	r->attempts = ATTEMPTS;
	r->timeout_s = TIMEOUT_S;
	r->ndots = 1;
	buf_init(&r->hosts, FILE_MAX);
	buf_init(&r->answer, DNS_TCP_MAX);
	buf_init(&b, FILE_MAX);
	if (fs_read_all(AT_FDCWD, "/etc/resolv.conf", FS_FOLLOW, &b, &e))
		for (struct span s = buf_span(&b); s.len;)
			parse_line(r, span_cut(&s, '\n'));
	buf_free(&b);
	if (r->servers == 0)
		parse_address(SPAN("127.0.0.1"), &r->server[r->servers++]);
	if (!fs_read_all(AT_FDCWD, "/etc/hosts", FS_FOLLOW, &r->hosts, &e))
		buf_reset(&r->hosts);
}

void resolver_free(struct resolver *r)
{
	buf_free(&r->hosts);
	buf_free(&r->answer);
}

struct span resolver_hosts_line(const struct resolver *r, struct span name)
{
	struct span s = buf_span(&r->hosts);

	while (s.len) {
		struct span line = span_cut(&s, '\n'), rest, address, w;

		rest = span_head(line, span_index(line, '#'));
		address = word(&rest);
		line = span_trim(rest);
		if (address.len && ascii_eq_nocase(address, name))
			return line;
		for (w = word(&rest); w.len; w = word(&rest))
			if (ascii_eq_nocase(w, name))
				return line;
	}
	return (struct span){NULL, 0};
}

/* Waits until fd is ready; false when the time is up. */
static bool wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		uint64_t now = clock_ms();
		struct pollfd p = {fd, events, 0};

		if (now >= deadline)
			return false;
		if (poll(&p, 1, (int)(deadline - now)) > 0)
			return true;
	}
}

/* Reads exactly n octets into out. */
static bool read_full(int fd, size_t n, uint64_t deadline, struct buf *out)
{
	char *p = buf_reserve(out, n);

	for (size_t got = 0; p && got < n;) {
		ssize_t k;

		if (!wait_for(fd, POLLIN, deadline))
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

static bool ask_tcp(int fd, struct span query, uint64_t deadline, struct buf *out)
{
	char head[2] = {(char)(query.len >> 8), (char)query.len};

	buf_reset(out);
	if (!wait_for(fd, POLLOUT, deadline) || !fs_write(fd, span_make(head, 2)) ||
	    !fs_write(fd, query) || !read_full(fd, 2, deadline, out))
		return false;
	head[0] = out->ptr[0];
	head[1] = out->ptr[1];
	buf_reset(out);
	return read_full(fd, (size_t)((unsigned char)head[0] << 8 | (unsigned char)head[1]),
			 deadline, out);
}

static bool ask_udp(int fd, struct span query, uint64_t deadline, struct buf *out)
{
	char *p;
	ssize_t n;

	if (send(fd, query.ptr, query.len, 0) < 0)
		return false;
	do {
		if (!wait_for(fd, POLLIN, deadline))
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

	buf_init_fixed(&q, mem, sizeof mem);
	if (!dns_put_query(&q, id, name, type))
		return EXIT_NOHOST;
	for (unsigned try = 0; try < r->attempts * (unsigned)r->servers; try++) {
		int i = (int)(try % (unsigned)r->servers);

		if (!ask_server(r, i, buf_span(&q), false) ||
		    !dns_open_answer(a, buf_span(&r->answer), id, name, type))
			continue;
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

/* What one question of resolver_canon found. */
enum found { FOUND_NOTHING, FOUND_ADDRESS, FOUND_MX, FOUND_ALIAS, FOUND_NO_NAME, FOUND_ERROR };

static enum found look(struct resolver *r, struct span name, uint16_t type,
		       char alias[DNS_NAME_MAX])
{
	struct dns_record rr;
	struct dns_answer a;
	int status = resolver_ask(r, name, type, &a);
	bool is_alias = false;

	if (status)
		return status == EXIT_NOHOST ? FOUND_NO_NAME : FOUND_ERROR;
	while (dns_next_record(&a, &rr)) {
		if (rr.type == type && !is_alias)
			return type == DNS_MX ? FOUND_MX : FOUND_ADDRESS;
		if (rr.type == DNS_CNAME) {
			memcpy(alias, rr.target, DNS_NAME_MAX);
			is_alias = true;
		}
	}
	return is_alias ? FOUND_ALIAS : FOUND_NOTHING;
}

/* The whole name, or base.suffix, asked for in each type of interest. */
static enum found look_all(struct resolver *r, struct span full, bool mx_too,
			   char alias[DNS_NAME_MAX])
{
	static const uint16_t types[] = {DNS_AAAA, DNS_A, DNS_MX};
	enum found best = FOUND_NOTHING;

	for (int i = 0; i < (mx_too ? 3 : 2); i++) {
		enum found f = look(r, full, types[i], alias);

		if (f != FOUND_NOTHING)
			return f;
	}
	return best;
}

static int canon_dns(struct resolver *r, struct span name, bool use_mx, struct buf *out, int depth)
{
	char alias[DNS_NAME_MAX], full[DNS_NAME_MAX * 2];
	bool absolute = name.len && name.ptr[name.len - 1] == '.', dotted, saved = false;
	int status = EXIT_NOHOST;
	struct buf b;

	if (absolute)
		name.len--;
	dotted = absolute || span_index(name, '.') < name.len;
	for (int i = dotted ? -1 : 0; i < (absolute ? 0 : r->searches); i++) {
		enum found f;

		buf_init_fixed(&b, full, sizeof full);
		buf_put(&b, name);
		if (i >= 0) {
			buf_putc(&b, '.');
			buf_puts(&b, r->search[i]);
		}
		f = look_all(r, buf_span(&b), use_mx || i < 0, alias);
		if (f == FOUND_ERROR && i < 0)
			return EXIT_TEMPFAIL;
		if (f == FOUND_ALIAS)
			return depth < CNAME_MAX
				   ? canon_dns(r, span_str(alias), use_mx, out, depth + 1)
				   : EXIT_NOHOST;
		if (f == FOUND_ADDRESS || (f == FOUND_MX && !saved)) {
			buf_reset(out);
			buf_put(out, buf_span(&b));
			saved = true;
			status = 0;
		}
		if (f == FOUND_ADDRESS)
			break;
	}
	return status;
}

int resolver_canon(struct resolver *r, struct span name, bool use_mx, struct buf *out)
{
	struct span line = resolver_hosts_line(r, name), w;
	struct span first = {NULL, 0};

	for (w = word(&line); w.len; w = word(&line)) {
		if (!first.len)
			first = w;
		if (span_index(w, '.') < w.len) {
			buf_put(out, w);
			return 0;
		}
	}
	if (first.len) {
		buf_put(out, first);
		if (r->own_domain[0]) {
			buf_putc(out, '.');
			buf_puts(out, r->own_domain);
		}
		return 0;
	}
	return canon_dns(r, name, use_mx, out, 0);
}

/* in-addr.arpa and ip6.arpa (RFC 1035 3.5, RFC 3596 2.5). */
static bool reverse_name(struct span address, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char a[16];

	if (ascii_starts_nocase(address, SPAN("IPv6:")))
		address = span_skip(address, 5);
	if (!span_to_cstr(address, text, sizeof text))
		return false;
	if (inet_pton(AF_INET, text, a) == 1) {
		buf_printf(out, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1], a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, text, a) != 1)
		return false;
	for (int i = 15; i >= 0; i--)
		buf_printf(out, "%x.%x.", a[i] & 15u, a[i] >> 4u);
	buf_puts(out, "ip6.arpa");
	return true;
}

int resolver_reverse(struct resolver *r, struct span address, struct buf *out)
{
	struct span line = resolver_hosts_line(r, address);
	char mem[DNS_NAME_MAX];
	struct dns_record rr;
	struct dns_answer a;
	struct buf b;
	int status;

	if (line.len) {
		buf_put(out, word(&line));
		return 0;
	}
	buf_init_fixed(&b, mem, sizeof mem);
	if (!reverse_name(address, &b))
		return EXIT_NOHOST;
	status = resolver_ask(r, buf_span(&b), DNS_PTR, &a);
	while (status == 0 && dns_next_record(&a, &rr)) {
		if (rr.type == DNS_PTR) {
			buf_puts(out, rr.target);
			return 0;
		}
	}
	return status ? status : EXIT_NOHOST;
}

int resolver_find_mx(struct resolver *r, struct span name, struct resolver_mx mx[RESOLVER_MX],
		     int *n, enum resolver_mx_kind *kind)
{
	struct dns_record rr;
	struct dns_answer a;
	int status = resolver_ask(r, name, DNS_MX, &a);

	*n = 0;
	*kind = RESOLVER_MX_SELF;
	if (status)
		return status;
	while (*n < RESOLVER_MX && dns_next_record(&a, &rr)) {
		int i = *n;

		if (rr.type == DNS_CNAME && i == 0)
			*kind = RESOLVER_MX_ALIAS;
		if (rr.type != DNS_MX)
			continue;
		*kind = RESOLVER_MX_FOUND;
		while (i > 0 && mx[i - 1].preference > rr.preference) {
			mx[i] = mx[i - 1];
			i--;
		}
		memcpy(mx[i].name, rr.target, DNS_NAME_MAX);
		mx[i].preference = rr.preference;
		++*n;
	}
	if (*n == 1 && mx[0].name[0] == '\0') {
		*n = 0;
		*kind = RESOLVER_MX_NULL;
	}
	return 0;
}
