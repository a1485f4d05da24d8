/*
 * tls_pem: the blocks of a PEM text (RFC 7468), one after the other.  Used inside tls only.
 *
 * The contents are appended to a buf, whose maximum is the limit.
 */
#ifndef LETTERBOX_PROTO_TLS_PEM_H
#define LETTERBOX_PROTO_TLS_PEM_H

#include "base/buf.h"

enum tls_pem_result { TLS_PEM_END, TLS_PEM_BLOCK, TLS_PEM_BAD };

enum { TLS_PEM_NAME = 64 };

/*
 * Decodes the next block of *pem and moves *pem behind it; name becomes what stands after
 * BEGIN.  TLS_PEM_BAD: damaged, cut off, or too long for der; nothing is appended then.
 */
enum tls_pem_result tls_pem_next(struct span *pem, char name[TLS_PEM_NAME], struct buf *der);

#endif
