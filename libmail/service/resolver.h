/*
 * resolver: names and addresses, asked for and waited for.
 *
 * A small resolver that blocks, for programs at a terminal; the message
 * handling is proto/dns.h's.  It reads resolv.conf(5) and hosts(5) when it is set
 * up, asks each server in turn over UDP, and again over TCP when the answer does
 * not fit.  Statuses are sysexits: 0, EXIT_NOHOST (there is no such thing, and
 * that is certain), EXIT_TEMPFAIL (nobody could tell).
 *
 * Where nothing may block, service/dns_client.h answers instead (dns_client_attach): then any
 * status may also be RESOLVER_PENDING, and what was called is called again later.
 */
#ifndef LETTERBOX_SERVICE_RESOLVER_H
#define LETTERBOX_SERVICE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/dns.h"

enum {
	RESOLVER_SERVERS = 3, /* MAXNS of resolv.conf(5) */
	RESOLVER_SEARCH = 6,  /* MAXDNSRCH */
	RESOLVER_MX = 20,     /* mail exchangers of a name that are looked at */
	RESOLVER_PENDING = -1 /* the question is under way */
};

struct resolver {
	struct sockaddr_storage server[RESOLVER_SERVERS];
	int servers;
	char search[RESOLVER_SEARCH][DNS_NAME_MAX];
	int searches;
	unsigned attempts, timeout_s, ndots;
	struct buf hosts;              /* /etc/hosts */
	char own_domain[DNS_NAME_MAX]; /* put behind a name of the hosts file that has no dot */
	struct buf answer;             /* of the last question */
	/* Who is asked instead of the servers, or NULL: as resolver_ask. */
	int (*ask)(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a);
	void *asker;
};

/*
 * Reads /etc/resolv.conf and /etc/hosts; without them, one server at 127.0.0.1.  TEMP when the
 * system was too short of something to read them: hosts of the file would be unknown.
 */
bool resolver_init(struct resolver *r, struct err *e);
void resolver_free(struct resolver *r);

/* Asks; with 0, *a is at the first record, valid until the next question. */
int resolver_ask(struct resolver *r, struct span name, uint16_t type, struct dns_answer *a);

/*
 * The canonical name of a host, as sendmail's $[ finds it: hosts file, then the
 * search list, through CNAMEs; a name with only an MX counts when use_mx is set.
 */
int resolver_canon(struct resolver *r, struct span name, bool use_mx, struct buf *out);

/* A numeric address as the arpa domains have it, last part first, appended; false: it is none. */
bool resolver_put_reversed(struct span address, struct buf *out);

/* The name of a numeric address (IPv4, or IPv6 with or without "IPv6:"). */
int resolver_reverse(struct resolver *r, struct span address, struct buf *out);

struct resolver_mx {
	char name[DNS_NAME_MAX];
	uint16_t preference;
};

/*
 * The mail exchangers of a name by preference, *n of them.  With status 0 *kind
 * says what their absence means.
 */
enum resolver_mx_kind {
	RESOLVER_MX_FOUND,
	RESOLVER_MX_SELF,  /* none: the name is its own (RFC 5321 5.1) */
	RESOLVER_MX_NULL,  /* it takes no mail (RFC 7505) */
	RESOLVER_MX_ALIAS, /* a CNAME without any behind it */
};
int resolver_find_mx(struct resolver *r, struct span name, struct resolver_mx mx[RESOLVER_MX],
		     int *n, enum resolver_mx_kind *kind);

/*
 * The exchanger of a name that has none, or is in brackets: its canonical name with a dot behind
 * it, appended; an address in brackets as it is.  A status.
 */
int resolver_put_self(struct resolver *r, struct span host, struct buf *out);

/* The hosts-file line of a name or address: its names, first canonical; empty when none. */
struct span resolver_hosts_line(const struct resolver *r, struct span name);

/* The addresses, as text, that the hosts file has for a name: how many, at most max. */
size_t resolver_hosts_addresses(const struct resolver *r, struct span name, struct span *out,
				size_t max);

/* The next word of a line of these files; *s goes behind it. */
struct span resolver_word(struct span *s);

#endif
