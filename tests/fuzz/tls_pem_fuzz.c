/*
 * tls_pem: files of certificates, keys and authorities, and chains and names in DER.  The first
 * octet chooses: a chain and key file, a bundle, or DER as it comes from another process.
 */
#include "proto/tls_pem.h"

#include <stdlib.h>

#include "proto/tls_anchor.h"
#include "proto/tls_chain.h"
#include "proto/tls_key.h"
#include "proto/tls_names.h"

static size_t read_bundle(void *ctx, uint32_t offset, unsigned char *to, size_t len)
{
	struct span rest = span_head(span_skip(*(struct span *)ctx, offset), len);

	if (rest.len)
		memcpy(to, rest.ptr, rest.len);
	return rest.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_anchors anchors;
	struct tls_chain chain;
	struct tls_names names;
	struct tls_key key;
	struct buf der;
	struct err e;

	if (!size)
		return 0;
	struct span in = span_make(data + 1, size - 1);
	buf_init(&der, TLS_CHAIN_OCTETS);
	switch (data[0] % 3) {
	case 0:
		if (tls_chain_from_pem(in, &der, &e) && tls_chain_split(buf_span(&der), &chain, &e))
			(void)tls_chain_expires(&chain);
		if (tls_key_from_pem(in, &key, &e))
			tls_key_wipe(&key);
		break;
	case 1:
		tls_anchors_init(&anchors, read_bundle, &in);
		tls_anchors_scan(&anchors);
		tls_anchors_free(&anchors);
		break;
	case 2:
		if (tls_chain_split(in, &chain, &e))
			(void)tls_chain_expires(&chain);
		/* The beginning of what a server showed. */
		tls_names_read(in, &names);
		break;
	}
	buf_free(&der);
	return 0;
}
