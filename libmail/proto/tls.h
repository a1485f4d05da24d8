/*
 * tls: one TLS 1.2 connection, octets in and octets out (RFC 5246, 5289, 7905, 8422, 9325).
 *
 * Sans-I/O: the caller moves ciphertext between the socket and tls_feed/tls_output, and
 * plaintext between its protocol and tls_read/tls_write.  Only ECDHE with AEAD suites,
 * only curves X25519 and P-256 to P-521, no renegotiation, no resumption, no compression.
 * Nothing of the library behind it shows here, so that another one can take its place.
 *
 * Memory is the caller's: tls_session_size octets from malloc, given back whenever it
 * likes (nothing hangs off it) after tls_wipe.  About 25 KiB, of which an idle session
 * touches 9: the input buffer comes last and fills only as far as records are long.
 *
 * The private key need not be in this process: a server session asks the sign callback,
 * once, during the handshake.  Clock and randomness are arguments.
 *
 * The loop of a caller, for each event of its socket:
 *	recv -> tls_feed; what it did not use is fed again after tls_read and tls_output;
 *	tls_read -> protocol -> tls_read_ack; replies -> tls_write, tls_flush;
 *	tls_output -> send -> tls_output_ack, until tls_output is empty; look at tls_state.
 * STARTTLS: cleartext that came behind the command is an error and is never fed.
 */
#ifndef LETTERBOX_PROTO_TLS_H
#define LETTERBOX_PROTO_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "proto/tls_names.h"

struct tls_session;
struct tls_anchors; /* proto/tls_anchor.h */

enum {
	TLS_SEED = 32,         /* octets of randomness a session is started with, at least */
	TLS_CHAIN_MAX = 8,     /* certificates of one chain; real ones have two to four */
	TLS_DIGEST_MAX = 64,   /* SHA-512 */
	TLS_SIG_MAX = 512,     /* an RSA-4096 signature */
	TLS_PIN = 32,          /* SHA-256 */
	TLS_NAME_MAX = 255,    /* a host name, RFC 1035 section 2.3.4 */
	TLS_RECORD_OUT = 4096, /* plaintext octets of the records we write, at most */
};

enum tls_state {
	TLS_HANDSHAKE, /* nothing can be read or written yet */
	TLS_OPEN,      /* plaintext flows */
	TLS_CLOSING,   /* a close_notify is on its way out: send tls_output, then hang up */
	TLS_CLOSED,    /* the peer closed properly and our answer is sent */
	TLS_FAILED,    /* see tls_error_text; tls_output may hold an alert worth sending */
};

enum tls_key_type { TLS_KEY_NONE, TLS_KEY_RSA, TLS_KEY_EC };
enum tls_hash { TLS_SHA256 = 4, TLS_SHA384 = 5, TLS_SHA512 = 6 }; /* RFC 5246, 7.4.1.4.1 */

/* What the holder of the key is asked to sign.  Flat: fit to be sent as it is. */
struct tls_sign_request {
	uint32_t generation; /* of the pair the chain belongs to */
	uint8_t key_type;    /* enum tls_key_type; RSA means PKCS #1 v1.5 */
	uint8_t hash;        /* enum tls_hash */
	uint8_t digest_len;
	uint8_t digest[TLS_DIGEST_MAX];
};

/* A certificate chain in DER, the server's own first; spans into memory of the caller. */
struct tls_chain {
	struct span cert[TLS_CHAIN_MAX];
	size_t n;
	enum tls_key_type key_type; /* of the first certificate */
	unsigned key_bits;
};

/*
 * What a server shows.  The struct and the chain's octets are borrowed until the session's
 * state is no longer TLS_HANDSHAKE.
 */
struct tls_server_config {
	struct tls_chain chain; /* from tls_chain_split (proto/tls_key.h) */
	uint32_t generation;    /* copied into each request */
	/*
	 * Writes the signature (ECDSA: ASN.1) of at most TLS_SIG_MAX octets.  May block for
	 * the time an answer of the key's holder takes.  False fails the handshake.
	 */
	bool (*sign)(void *ctx, const struct tls_sign_request *req, unsigned char *sig,
		     size_t *len);
	void *ctx;
};

/*
 * How a client judges its peer: a pin alone, or anchors and the server's name and the
 * dates, or, when both are absent, not at all.  Borrowed as the server's.
 */
struct tls_client_config {
	bool require;  /* a peer that does not verify fails the handshake */
	bool any_name; /* chain and dates alone are judged: the caller looks at the names */
	const struct tls_anchors *anchors; /* NULL: no authority is trusted */
	/* NULL, or TLS_PIN octets: SHA-256 of the peer's SPKI or of its whole certificate */
	const unsigned char *pin;
	struct tls_names *names; /* NULL, or filled when the handshake is over */
};

enum tls_verdict {
	TLS_PEER_UNKNOWN,   /* a client shows nothing to a server; or before the handshake */
	TLS_PEER_UNCHECKED, /* neither anchors nor pin were given */
	TLS_PEER_VERIFIED,  /* chain, name and dates are good, or the pin fits */
	TLS_PEER_BAD,       /* tls_peer_text says why */
};

/* Octets a session needs, aligned as malloc aligns; a client's are few more. */
size_t tls_session_size(void);

/*
 * Starts the server's side in mem (tls_session_size octets, contents do not matter).  seed
 * is TLS_SEED or more random octets, used once.  Never fails: what cannot work shows as
 * TLS_FAILED.  The handshake begins with the client's octets.
 */
struct tls_session *tls_server_start(void *mem, const struct tls_server_config *cfg,
				     struct span seed);

/*
 * Starts the client's side; tls_output holds the ClientHello at once.  name is the server's
 * host name, for SNI (RFC 6066) and for the check; an IP address literal is not sent, and
 * cannot verify but by pin.  now is in seconds since 1970: see tls_clock.
 */
struct tls_session *tls_client_start(void *mem, const struct tls_client_config *cfg,
				     const char *name, struct span seed, uint64_t now);

/* Overwrites keys and plaintext; before the memory is given back. */
void tls_wipe(struct tls_session *s);

/*
 * Ciphertext from the peer.  Returns how many octets were taken: fewer than all when
 * plaintext waits to be read or output to be sent, or in a final state.
 */
size_t tls_feed(struct tls_session *s, struct span in);

/* Decrypted octets, of one record at most, in place: valid until the next call with s. */
struct span tls_read(const struct tls_session *s);

/* The first n octets of tls_read are done with. */
void tls_read_ack(struct tls_session *s, size_t n);

/*
 * Takes plaintext for the peer and returns how much: 0 while a record is being sent, and
 * in any state but TLS_OPEN.  A full record is encrypted at once, a part by tls_flush.
 */
size_t tls_write(struct tls_session *s, struct span out);

/* Encrypts what tls_write gathered; does nothing when there is nothing. */
void tls_flush(struct tls_session *s);

/* Ciphertext to send, in place: valid until the next call with s.  Empty: none now. */
struct span tls_output(const struct tls_session *s);

/* The first n octets of tls_output are sent.  More may follow. */
void tls_output_ack(struct tls_session *s, size_t n);

/* Flushes and says close_notify; unread plaintext is lost.  Then send tls_output. */
void tls_close(struct tls_session *s);

enum tls_state tls_state(const struct tls_session *s);

/* One line on why the session failed, for log and reply; "" when it did not. */
const char *tls_error_text(const struct tls_session *s);

/* True when the failure lies in the peer's certificate or name, not in the protocol. */
bool tls_error_is_trust(const struct tls_session *s);

/* What the client thinks of its peer, and for TLS_PEER_BAD the reason ("" else). */
enum tls_verdict tls_peer(const struct tls_session *s);
const char *tls_peer_text(const struct tls_session *s);

/*
 * SHA-256 of the peer's public key (SPKI) and of its certificate, TLS_PIN octets each, for
 * logs and for making pins; NULL when it showed none.
 */
const unsigned char *tls_peer_key_hash(const struct tls_session *s);
const unsigned char *tls_peer_cert_hash(const struct tls_session *s);

/*
 * For Received: and logs, from TLS_OPEN on ("" and 0 before): "TLSv1.2", OpenSSL's name as
 * "ECDHE-RSA-AES128-GCM-SHA256", and the cipher's key length.
 */
const char *tls_version_name(const struct tls_session *s);
const char *tls_cipher_name(const struct tls_session *s);
unsigned tls_cipher_bits(const struct tls_session *s);

/* The name the client asked for (SNI), unchecked client text; "" when it named none. */
const char *tls_server_name(const struct tls_session *s);

/*
 * A clock to judge certificates by: now, or built when now is earlier, for machines that
 * start in 1970.
 */
static inline uint64_t tls_clock(uint64_t now, uint64_t built)
{
	return now < built ? built : now;
}

#endif
