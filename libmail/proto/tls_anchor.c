/*
 * tls_anchor: finding authorities in a bundle (RFC 7468, RFC 5280).
 *
 * One walk serves both passes: it reads the bundle in pieces, decodes PEM and certificate
 * as they come, and stops behind each certificate.  The index pass notes its name's hash
 * and the place to start from; the second pass starts there and takes the first one.
 */
#include "proto/tls_anchor.h"

#include "proto/tls_impl.h"

enum {
	PIECE = 1024,  /* octets read at once; on the stack */
	HASH_PART = 8, /* of the name's hash in the index: the rest is compared on decoding */
	BUNDLE_MAX = 0x7FFFFFFF,
};

struct entry {
	unsigned char hash[HASH_PART];
	uint32_t offset;
};

struct walk {
	const struct tls_anchors *a;
	uint32_t offset; /* of the next octet to decode */
	size_t have, at; /* in piece */
	bool in_cert;
	br_pem_decoder_context pem;
	br_x509_decoder_context x;
	br_sha256_context name_hash;
	size_t dn_len;
	unsigned char dn[TLS_DN_MAX];
	unsigned char piece[PIECE];
};

static void on_name(void *ctx, const void *data, size_t len)
{
	struct walk *w = ctx;

	br_sha256_update(&w->name_hash, data, len);
	if (len > sizeof w->dn - w->dn_len) {
		w->dn_len = sizeof w->dn + 1;
		return;
	}
	memcpy(w->dn + w->dn_len, data, len);
	w->dn_len += len;
}

static void on_der(void *ctx, const void *data, size_t len)
{
	struct walk *w = ctx;

	tls_impl_decode(&w->x, data, len);
}

static void begin(struct walk *w)
{
	w->in_cert = strcmp(br_pem_decoder_name(&w->pem), "CERTIFICATE") == 0 ||
		     strcmp(br_pem_decoder_name(&w->pem), "X509 CERTIFICATE") == 0;
	w->dn_len = 0;
	br_sha256_init(&w->name_hash);
	br_x509_decoder_init(&w->x, on_name, w);
	br_pem_decoder_setdest(&w->pem, w->in_cert ? on_der : NULL, w);
}

static void walk_start(struct walk *w, const struct tls_anchors *a, uint32_t offset)
{
	memset(w, 0, offsetof(struct walk, dn));
	w->a = a;
	w->offset = offset;
	br_pem_decoder_init(&w->pem);
}

/* Up to the end of the next certificate that decodes; false when there is none. */
static bool walk_next(struct walk *w)
{
	for (;;) {
		if (w->at == w->have) {
			if (w->offset > BUNDLE_MAX)
				return false;
			w->at = 0;
			w->have = w->a->read(w->a->ctx, w->offset, w->piece, sizeof w->piece);
			if (!w->have)
				return false;
		}
		size_t n = br_pem_decoder_push(&w->pem, w->piece + w->at, w->have - w->at);
		w->at += n;
		w->offset += (uint32_t)n;
		switch (br_pem_decoder_event(&w->pem)) {
		case BR_PEM_BEGIN_OBJ:
			begin(w);
			break;
		case BR_PEM_END_OBJ:
			if (w->in_cert && w->dn_len <= sizeof w->dn &&
			    br_x509_decoder_get_pkey(&w->x))
				return true;
			w->in_cert = false;
			break;
		case BR_PEM_ERROR:
			w->in_cert = false;
			br_pem_decoder_init(&w->pem);
			break;
		}
	}
}

void tls_anchors_init(struct tls_anchors *a,
		      size_t (*read)(void *ctx, uint32_t offset, unsigned char *to, size_t len),
		      void *ctx)
{
	buf_init(&a->index, TLS_ANCHOR_INDEX_MAX * sizeof(struct entry));
	a->read = read;
	a->ctx = ctx;
}

size_t tls_anchors_scan(struct tls_anchors *a)
{
	struct walk w;
	unsigned char hash[TLS_PIN];
	struct entry entry = {.offset = 0};

	buf_reset(&a->index);
	walk_start(&w, a, 0);
	while (walk_next(&w)) {
		br_sha256_out(&w.name_hash, hash);
		memcpy(entry.hash, hash, HASH_PART);
		buf_put(&a->index, span_make(&entry, sizeof entry));
		entry.offset = w.offset;
	}
	return tls_anchors_count(a);
}

size_t tls_anchors_count(const struct tls_anchors *a)
{
	return a ? a->index.len / sizeof(struct entry) : 0;
}

void tls_anchors_free(struct tls_anchors *a)
{
	buf_free(&a->index);
}

/*
 * An authority may sign for others.  What is none may still have been put into the bundle
 * to be trusted for itself, as a self-signed server's certificate is; then the key that
 * the server shows must be the very one, and its own signature on itself is what BearSSL
 * is given to check.
 */
static bool is_usable(struct walk *w, const unsigned char *leaf_key)
{
	unsigned char key[TLS_PIN];

	if (br_x509_decoder_isCA(&w->x))
		return true;
	if (!leaf_key)
		return false;
	tls_verify_key_hash(br_x509_decoder_get_pkey(&w->x), key);
	return memcmp(key, leaf_key, TLS_PIN) == 0;
}

static bool take(struct walk *w, struct tls_verify *v, size_t n,
		 const unsigned char dn_hash[TLS_PIN], const unsigned char *leaf_key)
{
	unsigned char hash[TLS_PIN];

	br_sha256_out(&w->name_hash, hash);
	if (memcmp(hash, dn_hash, TLS_PIN) != 0 || !is_usable(w, leaf_key) ||
	    !tls_public_copy(&v->key[n], br_x509_decoder_get_pkey(&w->x)))
		return false;
	memcpy(v->dn, w->dn, w->dn_len);
	v->anchor[n].dn.data = v->dn;
	v->anchor[n].dn.len = w->dn_len;
	v->anchor[n].flags = BR_X509_TA_CA;
	v->anchor[n].pkey = v->key[n].pkey;
	return true;
}

size_t tls_anchors_find(const struct tls_anchors *a, struct tls_verify *v,
			const unsigned char dn_hash[TLS_PIN], const unsigned char *leaf_key)
{
	struct walk w;
	struct entry entry;
	size_t found = 0;

	for (size_t i = 0; i < tls_anchors_count(a) && found < TLS_CANDIDATES; i++) {
		memcpy(&entry, a->index.ptr + i * sizeof entry, sizeof entry);
		if (memcmp(entry.hash, dn_hash, HASH_PART) != 0)
			continue;
		walk_start(&w, a, entry.offset);
		if (walk_next(&w) && take(&w, v, found, dn_hash, leaf_key))
			found++;
	}
	return found;
}
