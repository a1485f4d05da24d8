/*
 * Questions on the wire: sockets, time limits and what comes back; see
 * service/dns_client_part.h.
 *
 * Answers are hostile: nothing is kept before dns_open_answer has seen that it is one to
 * our question, from a socket connected to the server that was asked.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service/dns_client_part.h"
#include "sys/fs.h"
#include "sys/rand.h"

enum { QUERY_MAX = 300 };

void dns_client_wire_stop(struct dns_client_ask *k)
{
	int fd = k->watch.fd;

	k->waiting = false;
	loop_timer_clear(k->client->loop, &k->timer);
	if (fd < 0)
		return;
	loop_remove(k->client->loop, &k->watch);
	close(fd);
	k->client->open[!k->type]--;
	if (k->type)
		buf_free(&k->in);
}

/* The server said nothing, or nothing of use. */
static void next_server(struct dns_client_ask *k)
{
	const struct resolver *conf = k->client->conf;

	if (!k->type) {
		dns_client_finish(k, 0, SPAN(""), 0);
		return;
	}
	dns_client_wire_stop(k);
	k->tcp = false;
	k->server = (k->server + 1) % conf->servers;
	/* SERVFAIL or REFUSED from one says nothing about the others. */
	if (++k->tries < conf->attempts * (unsigned)conf->servers)
		dns_client_wire_start(k);
	else
		dns_client_finish(k, EXIT_TEMPFAIL, SPAN(""), 0);
}

/* True when the message ends the wait for this server. */
static bool take(struct dns_client_ask *k, struct span message)
{
	struct dns_answer a;

	if (!dns_open_answer(&a, message, k->id, span_str(k->question), k->type)) {
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
		dns_client_wire_stop(k);
		k->tcp = true;
		dns_client_wire_start(k);
	} else if (a.rcode == DNS_NOERROR || a.rcode == DNS_NXDOMAIN) {
		uint32_t ttl = DNS_CLIENT_NEGATIVE_S;

		dns_read_ttl(&a, &ttl);
		k->client->server = k->server;
		dns_client_finish(k, 0, message, ttl);
	} else {
		next_server(k);
	}
	return true;
}

static void read_udp(struct dns_client_ask *k)
{
	char mem[DNS_CLIENT_READ];
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
	char *room = buf_reserve(&k->in, DNS_CLIENT_READ);
	ssize_t got = room ? recv(k->watch.fd, room, DNS_CLIENT_READ, 0) : 0;
	size_t want;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		next_server(k);
		return;
	}
	k->in.len += (size_t)got;
	if (!k->type) {
		if (k->whole(buf_span(&k->in)))
			dns_client_finish(k, 0, SPAN(""), 0);
		return;
	}
	if (k->in.len < 2)
		return;
	want = (size_t)((unsigned char)k->in.ptr[0] << 8 | (unsigned char)k->in.ptr[1]);
	if (k->in.len >= want + 2)
		take(k, span_head(span_skip(buf_span(&k->in), 2), want));
}

/* True when it is on its way; a query fits into any socket's empty buffer. */
static bool send_query(struct dns_client_ask *k)
{
	struct span query = span_make(k->question, k->len);
	char mem[QUERY_MAX + 2];
	struct buf b;

	if (k->type) {
		buf_init_fixed(&b, mem, sizeof mem);
		if (k->tcp)
			buf_put(&b, SPAN("\0\0"));
		if (!dns_put_query(&b, k->id, span_str(k->question), k->type))
			return false;
		if (k->tcp) {
			mem[0] = (char)((b.len - 2) >> 8);
			mem[1] = (char)(b.len - 2);
		}
		query = buf_span(&b);
	}
	k->sent = true;
	loop_events(k->client->loop, &k->watch, EPOLLIN);
	return send(k->watch.fd, query.ptr, query.len, MSG_NOSIGNAL) == (ssize_t)query.len;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct dns_client_ask *k =
	    (struct dns_client_ask *)((char *)w - offsetof(struct dns_client_ask, watch));

	(void)events;
	if (!k->sent) {
		k->absent = !send_query(k);
		if (k->absent)
			next_server(k);
	} else if (k->tcp) {
		read_tcp(k);
	} else {
		read_udp(k);
	}
}

static void on_time(struct loop_timer *t)
{
	struct dns_client_ask *k =
	    (struct dns_client_ask *)((char *)t - offsetof(struct dns_client_ask, timer));

	if (!k->type && k->waiting && k->tries &&
	    ++k->tries < DNS_CLIENT_STREAM_MS / DNS_CLIENT_BUSY_MS)
		dns_client_wire_start(k);
	else
		next_server(k);
}

/* A socket for the question, connected: the kernel drops what comes from anywhere else. */
static bool connect_server(struct dns_client_ask *k)
{
	const struct sockaddr *sa =
	    (const struct sockaddr *)(k->type ? &k->client->conf->server[k->server] : &k->to);
	socklen_t len = sa->sa_family == AF_INET   ? sizeof(struct sockaddr_in)
			: sa->sa_family == AF_UNIX ? sizeof(struct sockaddr_un)
						   : sizeof(struct sockaddr_in6);
	int fd = socket(sa->sa_family,
			(k->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool failed;
	struct err e;

	if (fd < 0)
		return false;
	failed = connect(fd, sa, len) != 0 && errno != EINPROGRESS;
	if (failed || !loop_add(k->client->loop, &k->watch, fd, EPOLLOUT, &e)) {
		/* Too many ask a Unix socket: this one does in a moment. */
		k->waiting = failed && !k->type && errno == EAGAIN;
		k->absent = failed && !k->waiting && !fs_is_passing(errno);
		k->tries += k->waiting && !k->tries;
		close(fd);
		return false;
	}
	k->client->open[!k->type]++;
	return true;
}

/* When it may: each kind has its own bound, so that a slow stream keeps no name waiting. */
void dns_client_wire_start(struct dns_client_ask *k)
{
	uint64_t ms = 0;

	k->id = (uint16_t)rand_u64();
	k->watch.ready = on_ready;
	k->timer.fire = on_time;
	k->sent = false;
	k->junk = 0;
	k->waiting = k->client->open[!k->type] >= DNS_CLIENT_ASKS;
	/* A failure shows from the loop too: whoever asked is still in his call. */
	if (!k->waiting && connect_server(k))
		ms = k->type ? k->client->conf->timeout_s * 1000u : DNS_CLIENT_STREAM_MS;
	if (k->waiting && !k->type && k->tries)
		ms = DNS_CLIENT_BUSY_MS;
	if (!k->waiting || ms)
		loop_timer_set(k->client->loop, &k->timer, ms);
}
