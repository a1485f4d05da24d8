/*
 * cert: makes a key and a certificate that signs itself (RFC 5280, RFC 5480).
 *
 * For a mail server that has none, so that STARTTLS works from the first start on: P-256,
 * ECDSA with SHA-256, version 3, subject and issuer CN = the first name, all names as
 * dNSName, basicConstraints of an end entity.  Clients that check certificates must be
 * given it; those that do not, which is what most servers are, are content.
 *
 * Pure: randomness, clock and serial number are arguments.
 */
#ifndef LETTERBOX_PROTO_CERT_H
#define LETTERBOX_PROTO_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "proto/tls_key.h"

enum {
	CERT_SEED = 32,      /* octets of randomness for a key, at least */
	CERT_SERIAL = 16,    /* octets of a serial number; RFC 5280 section 4.1.2.2 allows 20 */
	CERT_NAMES_MAX = 16, /* names in one certificate */
	CERT_MAX = 8192,     /* octets of such a certificate in DER, and in PEM */
	CERT_YEARS = 10,     /* that a self-made certificate lasts; nobody renews it */
};

struct cert_request {
	const struct span *names;          /* host names, the first is the subject's */
	size_t n;                          /* 1 to CERT_NAMES_MAX */
	uint64_t not_before, not_after;    /* seconds since 1970 */
	unsigned char serial[CERT_SERIAL]; /* random; its top bits are set to what is allowed */
};

/* A new P-256 key from seed, CERT_SEED octets or more.  False when seed is shorter. */
bool cert_make_key(struct span seed, struct tls_key *key);

/*
 * Appends the certificate in DER.  Fails PERM when a name is no host name (RFC 1123), there
 * are none or too many, the dates are no dates, or key is not P-256.
 */
bool cert_self_signed(const struct tls_key *key, const struct cert_request *req, struct buf *der,
		      struct err *e);

/* Appends der as one PEM block of kind label ("CERTIFICATE"), lines of 64 (RFC 7468). */
void cert_put_pem(struct span der, const char *label, struct buf *pem);

/* Appends an EC key as PEM (SEC 1, RFC 5915).  The caller wipes pem. */
bool cert_put_key(const struct tls_key *key, struct buf *pem);

#endif
