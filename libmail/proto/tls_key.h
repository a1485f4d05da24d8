/*
 * tls_key: certificate chains and private keys, from PEM to what a handshake needs.
 *
 * Reads the files that every certificate tool writes: CERTIFICATE blocks, the server's
 * first (RFC 7468), and an unencrypted private key as PKCS #8, SEC 1 (EC) or PKCS #1 (RSA).
 * Text around the blocks and blocks of other kinds are passed over, so that one file may
 * hold both.  Keys are RSA of 2048 to 4096 bits, P-256 or P-384.  Errors name what is
 * wrong; the caller puts the file's name before them.
 *
 * Only the process that holds the key needs struct tls_key; the others get the chain as
 * concatenated DER and ask for signatures.
 */
#ifndef LETTERBOX_PROTO_TLS_KEY_H
#define LETTERBOX_PROTO_TLS_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/tls.h"

enum {
	TLS_CERT_MAX = 16384,     /* octets of one certificate in DER */
	TLS_CHAIN_OCTETS = 32768, /* of a chain: what one handshake may carry without pain */
};

/* A private key in memory; wipe it after use.  Its insides are the library's. */
struct tls_key {
	enum tls_key_type type;
	unsigned bits;
	_Alignas(8) unsigned char mem[2560];
};

/*
 * Appends the certificates of pem to der, one behind the other.  Fails PERM when there is
 * none, a block is damaged or too long, or there are more than TLS_CHAIN_MAX.
 */
bool tls_chain_from_pem(struct span pem, struct buf *der, struct err *e);

/*
 * Takes concatenated DER apart and decodes the first certificate's key.  The chain borrows
 * der.  Fails PERM on damage, on an unknown kind of key, and when a certificate does not
 * name the next as its issuer: clients take chains in order only.
 */
bool tls_chain_split(struct span der, struct tls_chain *chain, struct err *e);

/* The last moment (seconds since 1970) at which the first certificate is valid; 0: unknown. */
uint64_t tls_chain_expires(const struct tls_chain *chain);

/* Decodes the first private key of pem.  Fails PERM; encrypted keys are named as such. */
bool tls_key_from_pem(struct span pem, struct tls_key *key, struct err *e);

/* True when key and the chain's first certificate belong together; else fails PERM. */
bool tls_key_matches(const struct tls_key *key, const struct tls_chain *chain, struct err *e);

/*
 * Signs.  Fails when the request is of another kind than the key, or its lengths are not
 * those of its hash: requests come from processes that read the network.
 */
bool tls_key_sign(const struct tls_key *key, const struct tls_sign_request *req, unsigned char *sig,
		  size_t *len);

/* Overwrites the key. */
void tls_key_wipe(struct tls_key *key);

#endif
