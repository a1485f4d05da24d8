/*
 * tls_pem: BearSSL's PEM decoder, as a function from text to blocks (RFC 7468).
 *
 * The decoder wants to see the end of the last line, which editors leave off.
 */
#include "proto/tls_pem.h"

#include <bearssl.h>

static void collect(void *ctx, const void *data, size_t len)
{
	buf_put(ctx, span_make(data, len));
}

/* The next event, or 0 at the end of the text. */
static int step(br_pem_decoder_context *d, struct span *pem, bool *ended)
{
	int event = 0;

	while (!event && (pem->len || !*ended)) {
		if (!pem->len) {
			*ended = true;
			br_pem_decoder_push(d, "\n", 1);
		} else {
			*pem = span_skip(*pem, br_pem_decoder_push(d, pem->ptr, pem->len));
		}
		event = br_pem_decoder_event(d);
	}
	return event;
}

enum tls_pem_result tls_pem_next(struct span *pem, char name[TLS_PEM_NAME], struct buf *der)
{
	br_pem_decoder_context d;
	size_t before = der->len;
	bool ended = false, begun = false;

	br_pem_decoder_init(&d);
	for (;;) {
		switch (step(&d, pem, &ended)) {
		case BR_PEM_BEGIN_OBJ:
			begun = true;
			if (!span_to_cstr(span_str(br_pem_decoder_name(&d)), name, TLS_PEM_NAME))
				name[0] = '\0';
			br_pem_decoder_setdest(&d, collect, der);
			break;
		case BR_PEM_END_OBJ:
			if (buf_ok(der))
				return TLS_PEM_BLOCK;
			buf_truncate(der, before);
			return TLS_PEM_BAD;
		case BR_PEM_ERROR:
			buf_truncate(der, before);
			return TLS_PEM_BAD;
		default:
			buf_truncate(der, before);
			return begun ? TLS_PEM_BAD : TLS_PEM_END;
		}
	}
}
