/*
 * tls_anchor: the certificate authorities a client trusts, without holding them in memory.
 *
 * A bundle of 140 authorities is 220 KiB of PEM and 70 KiB decoded; a session needs one of
 * them.  So the bundle is gone through once, piece by piece, and only an index is kept: for
 * each certificate the start of its subject's hash, and where in the bundle it lies (16
 * octets).  When a chain names an issuer, the few certificates with that hash are read
 * again through a callback, decoded into the session, and judged by their full name.
 *
 * So the index may be stale or the bundle changed: what does not decode, or is not the
 * issuer asked for, is not used.  Certificates that do not decode, have an unknown kind of
 * key or are not authorities are passed over.  Authorities are told by basicConstraints; a
 * version 1 certificate in the bundle is one, too.
 */
#ifndef LETTERBOX_PROTO_TLS_ANCHOR_H
#define LETTERBOX_PROTO_TLS_ANCHOR_H

#include "base/buf.h"
#include "proto/tls.h"

enum {
	TLS_ANCHOR_PEM_MAX = 12288, /* octets of one PEM block that is looked at; RSA-4096: 3 KiB */
	TLS_ANCHOR_INDEX_MAX = 1024, /* authorities; Mozilla's list has 140 to 150 */
};

struct tls_anchors {
	struct buf index; /* packed entries */
	/*
	 * Reads up to len octets of the bundle from offset on; returns how many, 0 at the end
	 * or on error.
	 */
	size_t (*read)(void *ctx, uint32_t offset, unsigned char *to, size_t len);
	void *ctx;
};

/* An empty set that reads its bundle through read. */
void tls_anchors_init(struct tls_anchors *a,
		      size_t (*read)(void *ctx, uint32_t offset, unsigned char *to, size_t len),
		      void *ctx);

/*
 * Goes through the bundle and builds the index anew.  Returns the number of authorities;
 * 0 means that nothing can be verified.
 */
size_t tls_anchors_scan(struct tls_anchors *a);

/* How many authorities there are; 0 for NULL. */
size_t tls_anchors_count(const struct tls_anchors *a);

/* Gives the index back. */
void tls_anchors_free(struct tls_anchors *a);

#endif
