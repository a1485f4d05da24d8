/*
 * tls_key: a private key and its signatures, for the process that holds it.
 *
 * The key comes from PEM as PKCS #8 (RFC 5958), SEC 1 (EC, RFC 5915) or PKCS #1 (RSA, RFC
 * 8017), not encrypted; RSA of 2048 to 4096 bits, P-256 or P-384.  ECDSA signatures take
 * their nonce from key and digest (RFC 6979), so that no randomness is needed.
 *
 * The struct can be copied and holds no pointer; tls_key_wipe it after use.
 */
#ifndef LETTERBOX_PROTO_TLS_KEY_H
#define LETTERBOX_PROTO_TLS_KEY_H

#include "base/err.h"
#include "proto/tls.h"

enum {
	TLS_KEY_PART = 256, /* octets of one RSA-4096 prime, the longest part of a key */
	TLS_KEY_PARTS = 5,  /* p, q, dp, dq, iq (RFC 8017 section 3.2); EC has one */
};

struct tls_key {
	enum tls_key_type type;
	unsigned bits; /* of the RSA modulus or the curve */
	unsigned curve;
	uint16_t len[TLS_KEY_PARTS];
	unsigned char part[TLS_KEY_PARTS][TLS_KEY_PART];
};

/* Decodes the first private key of pem.  Fails PERM; an encrypted key is named as such. */
bool tls_key_from_pem(struct span pem, struct tls_key *key, struct err *e);

/* True when key and the chain's first certificate belong together; else fails PERM. */
bool tls_key_matches(const struct tls_key *key, const struct tls_chain *chain, struct err *e);

/*
 * Signs; sig has TLS_SIG_MAX octets.  Fails when the request is for another kind of key or
 * its lengths are not those of its hash: requests come from processes that read the network.
 */
bool tls_key_sign(const struct tls_key *key, const struct tls_sign_request *req, unsigned char *sig,
		  size_t *len);

/* Overwrites the key. */
void tls_key_wipe(struct tls_key *key);

#endif
