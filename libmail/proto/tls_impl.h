/*
 * tls_impl: what the files of tls share, and where BearSSL shows.  Included by them alone.
 *
 * Memory of a session: engine state, output buffer, input buffer.  The state needed to
 * judge a peer's certificates lives in the end of the input buffer, which the engine is
 * given whole only when the handshake is over: until then records are either cleartext,
 * which is consumed as it comes, or the 40 octets of a Finished.
 */
#ifndef LETTERBOX_PROTO_TLS_IMPL_H
#define LETTERBOX_PROTO_TLS_IMPL_H

#include <bearssl.h>

#include "base/buf.h"
#include "proto/tls.h"

enum {
	TLS_IN_SIZE = 16384 + 48,                /* a record of the greatest length, whole */
	TLS_OUT_SIZE = TLS_RECORD_OUT + 85,      /* BearSSL's overhead of any suite */
	TLS_IN_HANDSHAKE = TLS_RECORD_OUT + 325, /* the least BearSSL takes with that output */
	TLS_RSA_OCTETS = 512,                    /* of a modulus: RSA-4096 */
	TLS_EC_OCTETS = 133,                     /* of a point: P-521, which only chains may hold */
	TLS_DN_MAX = 1024,                       /* of an authority's name; real ones need 200 */
	TLS_CANDIDATES = 3, /* authorities of one name: a key and its successors */
};

/* Failures beside BearSSL's own, in a range it leaves free. */
enum {
	TLS_ERR_PIN = 96,
	TLS_ERR_NO_ANCHORS,
	TLS_ERR_NO_NAME,
	TLS_ERR_SELF_SIGNED,
	TLS_ERR_SIGN,
	TLS_ERR_NO_SUITE,
};

/* A public key and the memory it points into. */
struct tls_public {
	br_x509_pkey pkey;
	unsigned char octets[TLS_RSA_OCTETS + 8];
};

/* Judges the certificates of a server.  The class pointer comes first, as BearSSL wants. */
struct tls_verify {
	const br_x509_class *class;
	struct tls_session *s;
	uint32_t left;  /* octets of the certificate that are still to come */
	unsigned depth; /* 0: the server's own certificate */
	br_sha256_context cert_hash;
	br_x509_decoder_context leaf;
	br_x509_minimal_context chain;
	br_x509_trust_anchor anchor[TLS_CANDIDATES];
	struct tls_public key[TLS_CANDIDATES];
	unsigned char dn[TLS_DN_MAX];
	char head[TLS_NAMES_HEAD]; /* of the server's own certificate */
	size_t head_len;
};

/* Where it lies in the input buffer of a client's session. */
enum { TLS_VERIFY_AT = (TLS_IN_SIZE - sizeof(struct tls_verify)) & ~(size_t)15 };

/* Asks for the server's signature. */
struct tls_policy {
	const br_ssl_server_policy_class *class;
	struct tls_session *s;
	br_x509_certificate chain[TLS_CHAIN_MAX];
};

struct tls_session {
	union {
		br_ssl_engine_context eng; /* first in both */
		br_ssl_server_context server;
		br_ssl_client_context client;
	} u;
	union {
		const struct tls_server_config *server;
		const struct tls_client_config *client;
	} cfg;
	struct tls_policy policy;
	uint64_t now;
	bool is_client, opened, closing, named;
	bool hashed; /* the two hashes below are there */
	enum tls_verdict verdict;
	int peer_err;           /* why TLS_PEER_BAD */
	int err;                /* our own reason, when the engine has none or a poorer one */
	unsigned char alert[7]; /* a whole record, for when the engine cannot send any more */
	uint8_t alert_at, alert_len;
	unsigned char cert_hash[TLS_PIN], key_hash[TLS_PIN];
	unsigned char out[TLS_OUT_SIZE];
	_Alignas(16) unsigned char in[TLS_IN_SIZE];
};

/* The implementations that fit this machine: elliptic curves, RSA and ECDSA verification. */
const br_ec_impl *tls_impl_ec(void);
br_rsa_pkcs1_vrfy tls_impl_rsa_verify(void);
br_rsa_pkcs1_sign tls_impl_rsa_sign(void);

/* Suites and implementations both sides need. */
void tls_impl_engine(br_ssl_engine_context *eng);

/* BearSSL's class for hash, NULL for one that is not offered. */
const br_hash_class *tls_impl_hash(unsigned hash);

/* Makes s judge its peer: to be called between zeroing and starting the client. */
void tls_verify_init(struct tls_session *s);

/* SHA-256 of pk as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
void tls_verify_key_hash(const br_x509_pkey *pk, unsigned char out[TLS_PIN]);

/* Bits of the modulus or the curve; 0 for a curve or size that is not supported. */
unsigned tls_impl_key_bits(const br_x509_pkey *pk);

/*
 * Looks for authorities whose name hashes to dn_hash: fills at most TLS_CANDIDATES of v's
 * anchors.  leaf_key is the hash of the server's key when its own certificate is asked
 * about: one that is no authority counts if it is this very key's.  Returns how many.
 */
size_t tls_anchors_find(const struct tls_anchors *a, struct tls_verify *v,
			const unsigned char dn_hash[TLS_PIN], const unsigned char *leaf_key);

/*
 * br_x509_decoder_push, but for a decoder that has failed already: BearSSL's would go on
 * behind the failure, with whatever its stack then holds.
 */
void tls_impl_decode(br_x509_decoder_context *x, const void *data, size_t len);

/* Copies a decoded key out of its decoder; false when it is too large. */
bool tls_public_copy(struct tls_public *to, const br_x509_pkey *from);

/* What an error means ("" for 0), and the alert that tells the peer. */
const char *tls_text(int err);
unsigned tls_text_alert(int err);

#endif
