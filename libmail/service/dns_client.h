/*
 * dns_client: names asked for from an event loop (RFC 1035, 2308, 5452, 7766).
 *
 * A resolver with a small cache.  A caller asks; what is not in the cache is
 * DNS_CLIENT_PENDING, and then it waits and asks again when it is told, so that code
 * which needs many answers in a row is simply run again from its start.  Each answer,
 * failures too, stays for DNS_CLIENT_KEEP_S at least, whatever its TTL: that is what
 * makes running again come to an end.
 *
 * Servers, attempts and time limits are those of a struct resolver that was set up before a
 * chroot.  Each question has a socket of its own, with a port that the kernel chose at
 * random, and a random id; an answer that does not repeat the question is ignored, one that is
 * cut is asked for again over TCP.  SERVFAIL, REFUSED and silence mean the next server.
 * Without questions under way there are no sockets and no timers.
 *
 * A question may also go to any other server that answers one on a stream.  What that says is
 * never shared nor kept for later: it belongs to the evaluation, of which the struct
 * dns_client_wait is the mark, until it ends: that is, until its done returns without waiting
 * again, or it is cancelled.
 *
 * With dns_client_attach, the functions of service/resolver.h ask here too, and
 * pass DNS_CLIENT_PENDING on.
 */
#ifndef LETTERBOX_SERVICE_DNS_CLIENT_H
#define LETTERBOX_SERVICE_DNS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/dns.h"
#include "service/dns_cache.h"
#include "service/resolver.h"
#include "sys/loop.h"

enum {
	DNS_CLIENT_PENDING = RESOLVER_PENDING, /* asked; the answer comes later */
	DNS_CLIENT_ASKS = 64,                  /* questions on the wire; more wait for their turn */
	DNS_CLIENT_KEEP_S = 10,                /* least time an answer or a failure is kept */
	DNS_CLIENT_KEEP_MAX_S = 3600,          /* most: of a relay's day nothing older is wanted */
	DNS_CLIENT_NEGATIVE_S = 60,            /* a negative answer without an SOA record */
	DNS_CLIENT_JUNK = 16,                  /* answers to other questions, then TCP is used */
	DNS_CLIENT_STREAMS = 512,              /* questions to streams without an answer */
	DNS_CLIENT_KEPT = 8192,                /* ... and with one, of evaluations under way */
	DNS_CLIENT_STREAM_MS = 5000,           /* that one may take */
	DNS_CLIENT_BUSY_MS = 100               /* then one that is too busy is tried anew */
};

struct dns_client_ask;

/* Somebody who waits for an answer; linked, never copied. */
struct dns_client_wait {
	/* From the loop, once: it is known.  May ask, wait again and free its owner. */
	void (*done)(struct dns_client_wait *w);
	/* The module's. */
	struct dns_client_wait *next;
	struct dns_client_ask *ask; /* NULL: not waiting */
};

struct dns_client {
	struct loop *loop;
	const struct resolver *conf;
	struct dns_cache cache;
	struct dns_client_ask *asks;
	size_t open[2];               /* of these, with a socket: for names, and for streams */
	size_t streams, kept;         /* of these, those to streams, by whether answered */
	struct dns_client_ask *asked; /* what was last answered with PENDING */
	const struct dns_client_wait *current; /* whose done is called, if it does not wait again */
	int server;                            /* the one that answered last: asked first */
};

/* conf is borrowed, and must outlive d. */
void dns_client_init(struct dns_client *d, struct loop *l, const struct resolver *conf);

/* Drops everything, without calling who waits. */
void dns_client_free(struct dns_client *d);

/*
 * 0: *message is the answer, NOERROR or NXDOMAIN, with the id 0: for dns_open_answer(&a,
 * message, 0, name, type).  Borrowed until the loop goes on or the next call.
 * EXIT_NOHOST: no name of the DNS.  EXIT_TEMPFAIL: nobody could tell.  DNS_CLIENT_PENDING.
 */
int dns_client_get(struct dns_client *d, struct span name, uint16_t type, struct span *message);

/*
 * Sends the question to a server (of AF_INET, AF_INET6, AF_UNIX; unused octets are 0) once it is
 * connected, and reads until whole(in) says that no more is wanted.  0: *answer is all that
 * came, perhaps not whole; borrowed as that of dns_client_get.  EXIT_UNAVAILABLE: it is not there.
 * EXIT_TEMPFAIL: too many questions, or no memory.  DNS_CLIENT_PENDING.
 */
int dns_client_stream(struct dns_client *d, const struct sockaddr_storage *to, struct span question,
		      bool (*whole)(struct span in), struct span *answer);

/* Waits for the question that was last answered with DNS_CLIENT_PENDING, just now. */
void dns_client_await(struct dns_client *d, struct dns_client_wait *w);

/* Waits no longer; harmless when w does not wait (zeroed, done or cancelled). */
void dns_client_cancel(struct dns_client_wait *w);

/* Has resolver_ask(r) and all that is built on it ask d, instead of blocking. */
void dns_client_attach(struct dns_client *d, struct resolver *r);

#endif
