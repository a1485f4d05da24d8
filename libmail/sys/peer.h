/*
 * peer: the address at the other end of a connection, for log lines and for counting.
 *
 * Clients are counted by what one customer has: an IPv4 address, or the /64 of an IPv6
 * address.  An IPv4 address that came through an IPv6 socket is IPv4.
 */
#ifndef LETTERBOX_SYS_PEER_H
#define LETTERBOX_SYS_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PEER_TEXT_MAX = 46 }; /* octets of the longest text with its NUL, INET6_ADDRSTRLEN */

/*
 * Writes the address as text into text (cap octets, PEER_TEXT_MAX suffice) and returns
 * the hash that connections of the same source share.
 */
uint64_t peer_describe(const struct sockaddr_storage *ss, char *text, size_t cap);

#endif
