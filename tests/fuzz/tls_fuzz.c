/*
 * tls: what a network peer can send.  The first octet chooses the side (even: server, odd:
 * client that verifies), the second how much is fed at once; the rest is the stream.
 */
#include "proto/tls.h"

#include <stdlib.h>

#include "base/err.h"
#include "proto/tls_anchor.h"
#include "proto/tls_chain.h"
#include "proto/tls_key.h"
#include "unit/tls_data.h"

enum { NOW = 1893456000 };

static const char seed[TLS_SEED + 1] = "the same randomness every time..";

static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	return tls_key_sign(ctx, req, sig, len);
}

static size_t read_bundle(void *ctx, uint32_t offset, unsigned char *to, size_t len)
{
	struct span rest = span_head(span_skip(span_str(pem_root), offset), len);

	(void)ctx;
	if (rest.len)
		memcpy(to, rest.ptr, rest.len);
	return rest.len;
}

static void drain(struct tls_session *s)
{
	struct span out;

	while ((out = tls_read(s)).len)
		tls_read_ack(s, out.len);
	while ((out = tls_output(s)).len)
		tls_output_ack(s, out.len);
}

static void drive(struct tls_session *s, struct span in, size_t chunk)
{
	while (in.len) {
		size_t n = tls_feed(s, span_head(in, chunk));

		drain(s);
		in = span_skip(in, n);
		if (!n)
			break;
	}
	BUG_ON(in.len && tls_state(s) < TLS_CLOSING);
	tls_write(s, SPAN("reply\r\n"));
	tls_flush(s);
	tls_close(s);
	drain(s);
	BUG_ON(tls_state(s) == TLS_OPEN || tls_state(s) == TLS_HANDSHAKE);
	BUG_ON((tls_state(s) == TLS_FAILED) != (tls_error_text(s)[0] != '\0'));
	tls_wipe(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_key key;
	struct tls_server_config sc = {.sign = sign, .ctx = &key};
	struct tls_client_config cc = {.require = true};
	struct tls_anchors anchors;
	struct buf der;
	struct err e;
	void *mem = malloc(tls_session_size());

	if (size < 2 || !mem) {
		free(mem);
		return 0;
	}
	struct span in = span_make(data + 2, size - 2);
	struct span random = span_make(seed, TLS_SEED);
	size_t chunk = data[1] ? data[1] : size;
	buf_init(&der, TLS_CHAIN_OCTETS);
	tls_anchors_init(&anchors, read_bundle, NULL);
	if (data[0] % 2 == 0) {
		BUG_ON(!tls_chain_from_pem(span_str(pem_ec256), &der, &e) ||
		       !tls_chain_from_pem(span_str(pem_inter), &der, &e) ||
		       !tls_key_from_pem(span_str(pem_ec256_key), &key, &e) ||
		       !tls_chain_split(buf_span(&der), &sc.chain, &e));
		drive(tls_server_start(mem, &sc, random), in, chunk);
	} else {
		tls_anchors_scan(&anchors);
		cc.anchors = &anchors;
		drive(tls_client_start(mem, &cc, "mail.example.org", random, NOW), in, chunk);
	}
	tls_anchors_free(&anchors);
	buf_free(&der);
	free(mem);
	return 0;
}
