/*
 * dns_cache: answers of name servers, kept for a while and within bounds.
 *
 * What was used last goes last.  Asks no clock: the time is an argument.
 */
#ifndef LETTERBOX_SERVICE_DNS_CACHE_H
#define LETTERBOX_SERVICE_DNS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum {
	DNS_CACHE_ENTRIES = 256,
	DNS_CACHE_OCTETS = 1 << 20, /* of all answers together */
};

struct dns_cache_entry;

/* Empty when zeroed. */
struct dns_cache {
	struct dns_cache_entry *first; /* the last used */
	size_t count, octets;
};

void dns_cache_free(struct dns_cache *c);

/* True when it is known: *status and *message as they were put; borrowed until the next call. */
bool dns_cache_get(struct dns_cache *c, struct span name, uint16_t type, uint64_t now_ms,
		   int *status, struct span *message);

/*
 * Keeps a copy of the message, its id made 0, until until_ms; does nothing when memory is
 * short or the message is larger than the whole cache may be.
 */
void dns_cache_put(struct dns_cache *c, struct span name, uint16_t type, uint64_t until_ms,
		   int status, struct span message);

#endif
