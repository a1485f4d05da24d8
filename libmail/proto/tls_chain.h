/*
 * tls_chain: certificate chains, from PEM to what a handshake needs.
 *
 * Reads what every certificate tool writes: CERTIFICATE blocks, the server's own first
 * (RFC 7468).  Text around the blocks and blocks of other kinds are passed over, so that
 * one file may hold chain and key.  Inside the program a chain is its certificates in DER,
 * concatenated: that form needs no lengths of its own and is sent to the roles as it is.
 *
 * The first certificate's key is RSA of 2048 to 4096 bits, P-256 or P-384.  Errors name
 * what is wrong; the caller puts the file's name before them.
 */
#ifndef LETTERBOX_PROTO_TLS_CHAIN_H
#define LETTERBOX_PROTO_TLS_CHAIN_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/tls.h"

enum {
	TLS_CHAIN_OCTETS = 32768, /* of a chain in DER; clients of 16-bit buffers give up earlier */
};

/*
 * Appends the certificates of pem to der, whose maximum should be TLS_CHAIN_OCTETS.  Fails
 * PERM when there is none, a block is damaged, or the chain is too long.
 */
bool tls_chain_from_pem(struct span pem, struct buf *der, struct err *e);

/*
 * Takes concatenated DER apart and decodes the first certificate's key.  The chain borrows
 * der.  The others are put in order, each the issuer of the one before, and those that do
 * not belong to the chain are left out: many clients refuse what is out of order.  Fails
 * PERM on damage and on a kind of key that is not supported.
 */
bool tls_chain_split(struct span der, struct tls_chain *chain, struct err *e);

/* The last moment (seconds since 1970) at which the first certificate is valid; 0: unknown. */
uint64_t tls_chain_expires(const struct tls_chain *chain);

#endif
