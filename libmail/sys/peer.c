/*
 * Addresses of peers as text and as a number to count by; see sys/peer.h.
 *
 * FNV-1a: the table it feeds is a client's own count, so a collision that somebody
 * seeks costs only those who share it.
 */
#include "sys/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static uint64_t hash(const unsigned char *p, size_t len)
{
	uint64_t h = 1469598103934665603u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h;
}

uint64_t peer_describe(const struct sockaddr_storage *ss, char *text, size_t cap)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in4;

	/* Copies, since a sockaddr_storage may not be looked at as another type. */
	memcpy(&in6, ss, sizeof in6);
	memcpy(&in4, ss, sizeof in4);
	if (ss->ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
		inet_ntop(AF_INET6, &in6.sin6_addr, text, (socklen_t)cap);
		return hash(in6.sin6_addr.s6_addr, 8);
	}
	if (ss->ss_family == AF_INET6)
		memcpy(&in4.sin_addr, in6.sin6_addr.s6_addr + 12, sizeof in4.sin_addr);
	inet_ntop(AF_INET, &in4.sin_addr, text, (socklen_t)cap);
	return hash((const unsigned char *)&in4.sin_addr, sizeof in4.sin_addr);
}
