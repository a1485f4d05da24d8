/*
 * A list, the last used first; see service/dns_cache.h.  It is short: at its full length a
 * look-up is still much faster than the question that it saves.
 */
#include "service/dns_cache.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "proto/dns.h"

struct dns_cache_entry {
	struct dns_cache_entry *next;
	uint64_t until_ms;
	size_t len;
	int status;
	uint16_t type;
	char name[DNS_NAME_MAX];
	char octets[];
};

static void drop(struct dns_cache *c, struct dns_cache_entry **at)
{
	struct dns_cache_entry *entry = *at;

	*at = entry->next;
	c->count--;
	c->octets -= entry->len;
	free(entry);
}

void dns_cache_free(struct dns_cache *c)
{
	while (c->first)
		drop(c, &c->first);
}

bool dns_cache_get(struct dns_cache *c, struct span name, uint16_t type, uint64_t now_ms,
		   int *status, struct span *message)
{
	struct dns_cache_entry **at = &c->first;

	while (*at) {
		struct dns_cache_entry *entry = *at;

		if (entry->until_ms <= now_ms) {
			drop(c, at);
			continue;
		}
		if (entry->type != type || !ascii_eq_nocase(span_str(entry->name), name)) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		entry->next = c->first;
		c->first = entry;
		*status = entry->status;
		*message = span_make(entry->octets, entry->len);
		return true;
	}
	return false;
}

void dns_cache_put(struct dns_cache *c, struct span name, uint16_t type, uint64_t until_ms,
		   int status, struct span message)
{
	struct dns_cache_entry *entry;

	if (message.len > DNS_CACHE_OCTETS)
		return;
	/* Room first, from the end: then the new one always fits. */
	while (c->first &&
	       (c->count >= DNS_CACHE_ENTRIES || c->octets + message.len > DNS_CACHE_OCTETS)) {
		struct dns_cache_entry **at = &c->first;

		while ((*at)->next)
			at = &(*at)->next;
		drop(c, at);
	}
	entry = malloc(sizeof *entry + message.len);
	if (!entry || !span_to_cstr(name, entry->name, sizeof entry->name)) {
		free(entry);
		return;
	}
	entry->until_ms = until_ms;
	entry->len = message.len;
	entry->status = status;
	entry->type = type;
	if (message.len)
		memcpy(entry->octets, message.ptr, message.len);
	/* The id has done its work. */
	if (message.len >= 2)
		entry->octets[0] = entry->octets[1] = '\0';
	entry->next = c->first;
	c->first = entry;
	c->count++;
	c->octets += message.len;
}
