/*
 * tlskeys: the server's certificate and key on disk, kept in step, for the process that
 * holds the key.
 *
 * Two files, or one that holds both, in PEM.  tlskeys_reload looks whether they changed
 * (device, inode, length, times) and takes a new pair only when it is good: renewing tools
 * write one file after the other, and what does not fit together is logged once while the
 * pair before goes on serving.  The last pair but one still signs, for handshakes that
 * began with its chain; the generation in a request tells which.
 *
 * Without files a pair is made (proto/cert.h) and stored as one file, DIR/tls.pem, mode
 * 0600, by one rename, so that two programs that start at once end with one whole pair;
 * DIR/tls.crt is the certificate alone, to be handed to clients.  Where nothing can be
 * stored the pair lives as long as the process.
 *
 * Files are opened as they are named, following links: call it before chroot, or with paths
 * that are still there.  The network roles get tlskeys_chain and never this struct.
 */
#ifndef LETTERBOX_SERVICE_TLSKEYS_H
#define LETTERBOX_SERVICE_TLSKEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/tls_chain.h"
#include "proto/tls_key.h"

enum {
	TLSKEYS_PATH = 1024,      /* of a file's name */
	TLSKEYS_FILE_MAX = 65536, /* of a file; TLS_CHAIN_OCTETS in PEM, with a key and comments */
};

/* What a file looked like when it was read. */
struct tlskeys_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, modified;
};

struct tlskeys_pair {
	uint32_t generation; /* 0: there is none */
	struct tls_key key;
	struct buf der;
	struct tls_chain chain; /* spans into der */
};

struct tlskeys {
	char cert[TLSKEYS_PATH], key[TLSKEYS_PATH]; /* "": the pair is not on disk */
	struct tlskeys_stamp seen[2];
	struct tlskeys_pair now, before;
};

/*
 * Loads the pair; key may be NULL or "" when cert holds both.  On failure k holds no pair
 * but knows the files, so that tlskeys_reload may find them good later.
 */
bool tlskeys_open(struct tlskeys *k, const char *cert, const char *key, struct err *e);

/*
 * Loads DIR/tls.pem, or makes it for host name when it is not there.  dir NULL: it is made
 * and not stored.  Fails when the file is there and bad: it is never overwritten.
 */
bool tlskeys_open_made(struct tlskeys *k, const char *dir, const char *name, struct err *e);

/*
 * Looks for changes.  True when a new pair is in force: send tlskeys_chain to the roles.
 * Cheap when nothing changed (one stat per file); logs what it finds.
 */
bool tlskeys_reload(struct tlskeys *k);

/* The chain as concatenated DER (tls_chain_split), empty without a pair; and its number. */
struct span tlskeys_chain(const struct tlskeys *k);
uint32_t tlskeys_generation(const struct tlskeys *k);

/* Signs with the pair that the request names; false when that is gone. */
bool tlskeys_sign(const struct tlskeys *k, const struct tls_sign_request *req, unsigned char *sig,
		  size_t *len);

/* Overwrites and frees all. */
void tlskeys_close(struct tlskeys *k);

#endif
