/*
 * tlsroots: the bundle of certificate authorities, as an open file and an index.
 *
 * The process that may look at the file system opens the bundle (tlsroots_open) and hands
 * the descriptor to the one that verifies servers, which needs no file system for the rest
 * of its life: proto/tls_anchor.h reads the few certificates it wants from it again.  A
 * bundle that is replaced is seen by the next process to be started.
 */
#ifndef LETTERBOX_SERVICE_TLSROOTS_H
#define LETTERBOX_SERVICE_TLSROOTS_H

#include <stddef.h>

#include "base/err.h"
#include "proto/tls_anchor.h"

/* Do not move it while sessions use it: the anchors point back into it. */
struct tlsroots {
	int fd;
	struct tls_anchors anchors;
};

/*
 * Opens the bundle for reading: path, or, when that is NULL or "", SSL_CERT_FILE of the
 * environment, or the first that is there of the places where distributions keep theirs.
 * Returns a descriptor, close-on-exec, or -1: TEMP, since installing one helps.
 */
int tlsroots_open(const char *path, struct err *e);

/*
 * Takes fd over and indexes what is in it; a few milliseconds and 16 octets a certificate.
 * Returns how many authorities there are; with 0, as with fd -1, nothing will verify.
 */
size_t tlsroots_use(struct tlsroots *r, int fd);

/* Closes the file and frees the index. */
void tlsroots_close(struct tlsroots *r);

#endif
