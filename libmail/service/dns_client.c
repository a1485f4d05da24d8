/*
 * The resolver of the event loops; see service/dns_client.h.
 *
 * Answers are hostile: nothing is kept before dns_open_answer has seen that it is one to
 * our question, from a socket connected to the server that was asked.
 */
#include "service/dns_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ascii.h"
#include "sys/rand.h"

enum { QUERY_MAX = 300, UDP_READ = 4096 };

struct dns_client_ask {
	struct dns_client_ask *next;
	struct dns_client *client;
	struct dns_client_wait *waits;
	struct loop_watch watch;
	struct loop_timer timer;
	struct buf in; /* what came over TCP */
	unsigned tries, junk;
	int server;
	uint16_t type, id;
	bool tcp, sent;
	char name[DNS_NAME_MAX];
};

static void start(struct dns_client_ask *k);

void dns_client_init(struct dns_client *d, struct loop *l, const struct resolver *conf)
{
	*d = (struct dns_client){.loop = l, .conf = conf};
}

static void hang_up(struct dns_client_ask *k)
{
	int fd = k->watch.fd;

	loop_timer_clear(k->client->loop, &k->timer);
	if (fd < 0)
		return;
	loop_remove(k->client->loop, &k->watch);
	close(fd);
	k->client->open--;
	buf_free(&k->in);
}

static void drop_ask(struct dns_client_ask *k)
{
	struct dns_client_ask **at = &k->client->asks;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	if (k->client->asked == k)
		k->client->asked = NULL;
	hang_up(k);
}

void dns_client_free(struct dns_client *d)
{
	for (struct dns_client_ask *k = d->asks, *next; k; k = next) {
		next = k->next;
		while (k->waits)
			dns_client_cancel(k->waits);
		hang_up(k);
		free(k);
	}
	d->asks = d->asked = NULL;
	dns_cache_free(&d->cache);
}

/* The question is answered: who waits is told, and the next one may go on the wire. */
static void finish(struct dns_client_ask *k, int status, struct span message, uint64_t ttl_s)
{
	struct dns_client *d = k->client;
	struct dns_client_wait *w;

	if (ttl_s < DNS_CLIENT_KEEP_S)
		ttl_s = DNS_CLIENT_KEEP_S;
	if (ttl_s > DNS_CLIENT_KEEP_MAX_S)
		ttl_s = DNS_CLIENT_KEEP_MAX_S;
	dns_cache_put(&d->cache, span_str(k->name), k->type, d->loop->now_ms + ttl_s * 1000, status,
		      message);
	drop_ask(k);
	for (struct dns_client_ask *next = d->asks; next; next = next->next)
		if (next->watch.fd < 0 && !next->timer.next && d->open < DNS_CLIENT_ASKS)
			start(next);
	while ((w = k->waits) != NULL) {
		dns_client_cancel(w);
		w->done(w);
	}
	free(k);
}

/* The server said nothing, or nothing of use. */
static void next_server(struct dns_client_ask *k)
{
	const struct resolver *conf = k->client->conf;

	hang_up(k);
	k->tcp = false;
	k->server = (k->server + 1) % conf->servers;
	/* SERVFAIL or REFUSED from one says nothing about the others. */
	if (++k->tries < conf->attempts * (unsigned)conf->servers)
		start(k);
	else
		finish(k, EXIT_TEMPFAIL, SPAN(""), 0);
}

/* True when the message ends the wait for this server. */
static bool take(struct dns_client_ask *k, struct span message)
{
	struct dns_answer a;

	if (!dns_open_answer(&a, message, k->id, span_str(k->name), k->type)) {
		/* Late, or forged.  Nobody off the path can forge what comes over TCP. */
		if (k->tcp) {
			next_server(k);
			return true;
		}
		if (++k->junk < DNS_CLIENT_JUNK)
			return false;
		a.truncated = true;
	}
	if (a.truncated && !k->tcp) {
		hang_up(k);
		k->tcp = true;
		start(k);
	} else if (a.rcode == DNS_NOERROR || a.rcode == DNS_NXDOMAIN) {
		uint32_t ttl = DNS_CLIENT_NEGATIVE_S;

		dns_read_ttl(&a, &ttl);
		k->client->server = k->server;
		finish(k, 0, message, ttl);
	} else {
		next_server(k);
	}
	return true;
}

static void read_udp(struct dns_client_ask *k)
{
	char mem[UDP_READ];
	ssize_t got;

	do {
		got = recv(k->watch.fd, mem, sizeof mem, 0);
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			/* ECONNREFUSED: nobody is there. */
			next_server(k);
			return;
		}
	} while (got >= 0 && !take(k, span_make(mem, (size_t)got)));
}

/* RFC 1035 section 4.2.2: two octets of length before the message, in both directions. */
static void read_tcp(struct dns_client_ask *k)
{
	char *room = buf_reserve(&k->in, UDP_READ);
	ssize_t got = room ? recv(k->watch.fd, room, UDP_READ, 0) : 0;
	size_t want;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		next_server(k);
		return;
	}
	k->in.len += (size_t)got;
	if (k->in.len < 2)
		return;
	want = (size_t)((unsigned char)k->in.ptr[0] << 8 | (unsigned char)k->in.ptr[1]);
	if (k->in.len >= want + 2)
		take(k, span_head(span_skip(buf_span(&k->in), 2), want));
}

/* True when it is on its way; a query fits into any socket's empty buffer. */
static bool send_query(struct dns_client_ask *k)
{
	char mem[QUERY_MAX + 2];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	if (k->tcp)
		buf_put(&b, SPAN("\0\0"));
	if (!dns_put_query(&b, k->id, span_str(k->name), k->type))
		return false;
	if (k->tcp) {
		mem[0] = (char)((b.len - 2) >> 8);
		mem[1] = (char)(b.len - 2);
	}
	k->sent = true;
	loop_events(k->client->loop, &k->watch, EPOLLIN);
	return send(k->watch.fd, b.ptr, b.len, MSG_NOSIGNAL) == (ssize_t)b.len;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct dns_client_ask *k =
	    (struct dns_client_ask *)((char *)w - offsetof(struct dns_client_ask, watch));

	(void)events;
	if (!k->sent) {
		if (!send_query(k))
			next_server(k);
	} else if (k->tcp) {
		read_tcp(k);
	} else {
		read_udp(k);
	}
}

static void on_time(struct loop_timer *t)
{
	next_server((struct dns_client_ask *)((char *)t - offsetof(struct dns_client_ask, timer)));
}

/* A socket for the question, connected: the kernel drops what comes from anywhere else. */
static bool connect_server(struct dns_client_ask *k)
{
	const struct sockaddr *sa = (const struct sockaddr *)&k->client->conf->server[k->server];
	socklen_t len =
	    sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	int fd = socket(sa->sa_family,
			(k->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct err e;

	if (fd < 0)
		return false;
	if ((connect(fd, sa, len) != 0 && errno != EINPROGRESS) ||
	    !loop_add(k->client->loop, &k->watch, fd, EPOLLOUT, &e)) {
		close(fd);
		return false;
	}
	k->client->open++;
	return true;
}

static void start(struct dns_client_ask *k)
{
	k->id = (uint16_t)rand_u64();
	k->sent = false;
	k->junk = 0;
	/* A failure shows from the loop too: whoever asked is still in his call. */
	if (connect_server(k))
		loop_timer_set(k->client->loop, &k->timer, k->client->conf->timeout_s * 1000u);
	else
		loop_timer_set(k->client->loop, &k->timer, 0);
}

/* The question under way, or a new one; NULL when memory is short. */
static struct dns_client_ask *find_ask(struct dns_client *d, struct span name, uint16_t type)
{
	struct dns_client_ask *k;

	for (k = d->asks; k; k = k->next)
		if (k->type == type && ascii_eq_nocase(span_str(k->name), name))
			return k;
	k = calloc(1, sizeof *k);
	if (!k || !span_to_cstr(name, k->name, sizeof k->name)) {
		free(k);
		return NULL;
	}
	k->client = d;
	k->type = type;
	k->server = d->server;
	k->watch.fd = -1;
	k->watch.ready = on_ready;
	k->timer.fire = on_time;
	buf_init(&k->in, DNS_TCP_MAX + 2 + UDP_READ);
	k->next = d->asks;
	d->asks = k;
	if (d->open < DNS_CLIENT_ASKS)
		start(k);
	return k;
}

int dns_client_get(struct dns_client *d, struct span name, uint16_t type, struct span *message)
{
	struct dns_client_ask *k;
	char mem[QUERY_MAX];
	struct buf b;
	int status;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	buf_init_fixed(&b, mem, sizeof mem);
	if (!dns_put_query(&b, 0, name, type) || memchr(name.ptr, '\0', name.len))
		return EXIT_NOHOST;
	if (dns_cache_get(&d->cache, name, type, d->loop->now_ms, &status, message))
		return status;
	k = find_ask(d, name, type);
	if (!k)
		return EXIT_TEMPFAIL;
	d->asked = k;
	return DNS_CLIENT_PENDING;
}

void dns_client_await(struct dns_client *d, struct dns_client_wait *w)
{
	struct dns_client_ask *k = d->asked;

	BUG_ON(w->ask != NULL);
	w->ask = k;
	w->next = k->waits;
	k->waits = w;
}

void dns_client_cancel(struct dns_client_wait *w)
{
	struct dns_client_wait **at;

	if (!w->ask)
		return;
	for (at = &w->ask->waits; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	w->ask = NULL;
}

static int ask(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a)
{
	struct span message;
	int status = dns_client_get(r->asker, name, type, &message);

	if (status)
		return status;
	if (!dns_open_answer(a, message, 0, name, type))
		return EXIT_TEMPFAIL;
	return a->rcode == DNS_NXDOMAIN ? EXIT_NOHOST : 0;
}

void dns_client_attach(struct dns_client *d, struct resolver *r)
{
	r->ask = ask;
	r->asker = d;
}
