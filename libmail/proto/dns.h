/*
 * dns: queries and answers of the domain name system as octets (RFC 1035).
 *
 * Pure: who sends and waits is the caller's business, so that a blocking resolver
 * and an event loop share it.  Names are text without the last dot, an escaped
 * "\." for a dot inside a label; an answer is hostile until read, and every
 * compression pointer must point backwards.
 */
#ifndef LETTERBOX_PROTO_DNS_H
#define LETTERBOX_PROTO_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

enum dns_rcode { DNS_NOERROR = 0, DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3 };

enum {
	DNS_NAME_MAX = 256,   /* a name as text with its NUL (RFC 1035 2.3.4) */
	DNS_UDP_MAX = 512,    /* an answer without EDNS (RFC 1035 2.3.4) */
	DNS_TCP_MAX = 65535,  /* with the length before it (RFC 1035 4.2.2) */
	DNS_RECORDS_MAX = 256 /* records of one answer that are looked at: ours */
};

/* Appends a recursive query; false for a name that is none. */
bool dns_put_query(struct buf *out, uint16_t id, struct span name, uint16_t type);

struct dns_answer {
	struct span msg; /* borrowed */
	size_t at;       /* next record */
	unsigned left;   /* records of the answer section not yet read */
	unsigned others; /* records of the authority section */
	uint8_t rcode;
	bool truncated;
};

/* Checks that msg answers the query (same id, name and type), and goes to its records. */
bool dns_open_answer(struct dns_answer *a, struct span msg, uint16_t id, struct span name,
		     uint16_t type);

struct dns_record {
	char name[DNS_NAME_MAX]; /* its owner */
	uint16_t type;
	uint32_t ttl;
	struct span data;          /* as it stands in the message */
	uint16_t preference;       /* MX */
	char target[DNS_NAME_MAX]; /* MX, CNAME, PTR, NS: the name in the data */
};

/* The next record of the answer section; false at the end or where it is broken. */
bool dns_next_record(struct dns_answer *a, struct dns_record *r);

/*
 * How many seconds an answer may be kept that was opened and not read yet: the least TTL of its
 * records, or what the SOA of a negative one says (RFC 2308 5).  Untouched when nothing says.
 */
void dns_read_ttl(const struct dns_answer *a, uint32_t *ttl);

/* Appends the data of a record as text: an address, a name, TXT strings joined. */
void dns_put_data(const struct dns_record *r, struct buf *out);

/* The number of a type's name in any case; 0 when unknown. */
uint16_t dns_type_of(struct span name);

#endif
