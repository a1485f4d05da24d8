/*
 * dns_client_part: one question of service/dns_client.h, as dns_client.c (who asked, and what
 * is kept) and dns_client_wire.c (servers and sockets) share it; nobody else includes it.
 */
#ifndef LETTERBOX_SERVICE_DNS_CLIENT_PART_H
#define LETTERBOX_SERVICE_DNS_CLIENT_PART_H

#include "service/dns_client.h"

enum { DNS_CLIENT_READ = 4096 /* octets at once */ };

struct dns_client_ask {
	struct dns_client_ask *next;
	struct dns_client *client;
	struct dns_client_wait *waits;
	struct loop_watch watch;
	struct loop_timer timer;
	struct buf in; /* what came over TCP */
	unsigned tries, junk;
	int server;
	uint16_t type, id; /* type 0: of a stream */
	bool tcp, sent;
	bool waiting; /* for its turn */
	/* Of a stream; the owner is the evaluation that it was asked for. */
	const struct dns_client_wait *owner;
	bool (*whole)(struct span in);
	struct sockaddr_storage to;
	bool absent, answered;
	size_t len;
	char question[]; /* or the name, with a NUL */
};

/* Begins, or waits for its turn: each kind has its own bound on what is open. */
void dns_client_wire_start(struct dns_client_ask *k);

/* No socket and no timer any more.  What a stream has said stays. */
void dns_client_wire_stop(struct dns_client_ask *k);

/*
 * It is over: status and message as dns_client_get has them; those of a stream are in k.  Who
 * waits is told; k may be gone then.
 */
void dns_client_finish(struct dns_client_ask *k, int status, struct span message, uint64_t ttl_s);

#endif
