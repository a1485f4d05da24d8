/*
 * tls_verify: a client's judgement of its server's certificates (RFC 5280, RFC 6125).
 *
 * BearSSL hands the chain over in pieces.  The first certificate is always decoded, since
 * the handshake needs its key; with anchors the whole chain also goes through the library's
 * validator, to which the authorities are given only when it knows whom it needs: the last
 * octet of each certificate is held back until they are looked up, because the validator
 * asks for them exactly there.
 *
 * The verdict is kept apart from the outcome: without require a bad one is only remembered.
 */
#include "proto/tls_anchor.h"
#include "proto/tls_impl.h"

enum {
	DAYS_TO_1970 = 719528, /* from the year 0, which is where BearSSL counts from */
	DAY = 86400,
	RSA_MIN_OCTETS = 256,
};

static const unsigned char spki_rsa[] = {
    0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
    0x0D, 0x01, 0x01, 0x01, 0x05, 0x00}; /* rsaEncryption with NULL parameters */
static const unsigned char spki_ec[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const unsigned char curve_p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48,
					   0xCE, 0x3D, 0x03, 0x01, 0x07};
static const unsigned char curve_p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
static const unsigned char curve_p521[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23};

/* Octets of a DER header for a body of len octets (X.690 section 8.1). */
static size_t header_len(size_t len)
{
	return len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
}

static void hash_header(br_sha256_context *h, unsigned char tag, size_t len)
{
	unsigned char out[4] = {tag, (unsigned char)len};
	size_t n = header_len(len);

	if (n == 3) {
		out[1] = 0x81;
		out[2] = (unsigned char)len;
	} else if (n == 4) {
		out[1] = 0x82;
		out[2] = (unsigned char)(len >> 8);
		out[3] = (unsigned char)len;
	}
	br_sha256_update(h, out, n);
}

/*
 * DER integers are signed and as short as they can be: leading zeros go, and one comes
 * back where the highest bit would make the number negative.
 */
static void hash_integer(br_sha256_context *h, const unsigned char *v, size_t len, bool write,
			 size_t *total)
{
	while (len > 1 && *v == 0) {
		v++;
		len--;
	}
	bool pad = len && v[0] & 0x80;
	*total += header_len(len + pad) + len + pad;
	if (!write)
		return;
	hash_header(h, 0x02, len + pad);
	if (pad)
		br_sha256_update(h, "", 1);
	br_sha256_update(h, v, len);
}

static void hash_ec(br_sha256_context *h, const br_ec_public_key *ec)
{
	const unsigned char *curve = curve_p256;
	size_t n = sizeof curve_p256;

	if (ec->curve != BR_EC_secp256r1) {
		curve = ec->curve == BR_EC_secp384r1 ? curve_p384 : curve_p521;
		/* Both curves' identifiers have the same length. */
		n = sizeof curve_p384;
	}
	size_t algorithm = sizeof spki_ec + n, bits = 1 + ec->qlen;
	hash_header(h, 0x30, header_len(algorithm) + algorithm + header_len(bits) + bits);
	hash_header(h, 0x30, algorithm);
	br_sha256_update(h, spki_ec, sizeof spki_ec);
	br_sha256_update(h, curve, n);
	hash_header(h, 0x03, bits);
	br_sha256_update(h, "", 1); /* no unused bits */
	br_sha256_update(h, ec->q, ec->qlen);
}

static void hash_rsa(br_sha256_context *h, const br_rsa_public_key *rsa)
{
	size_t key = 0, ignored = 0;

	hash_integer(h, rsa->n, rsa->nlen, false, &key);
	hash_integer(h, rsa->e, rsa->elen, false, &key);
	size_t bits = 1 + header_len(key) + key;
	hash_header(h, 0x30, 2 + sizeof spki_rsa + header_len(bits) + bits);
	hash_header(h, 0x30, sizeof spki_rsa);
	br_sha256_update(h, spki_rsa, sizeof spki_rsa);
	hash_header(h, 0x03, bits);
	br_sha256_update(h, "", 1);
	hash_header(h, 0x30, key);
	hash_integer(h, rsa->n, rsa->nlen, true, &ignored);
	hash_integer(h, rsa->e, rsa->elen, true, &ignored);
}

/*
 * Made from the decoded key: DER has one spelling only, and the original is gone by then.
 * It is the hash that RFC 7469 and DANE (selector 1) use as well.
 */
void tls_verify_key_hash(const br_x509_pkey *pk, unsigned char out[TLS_PIN])
{
	br_sha256_context h;

	br_sha256_init(&h);
	if (pk->key_type == BR_KEYTYPE_EC)
		hash_ec(&h, &pk->key.ec);
	else
		hash_rsa(&h, &pk->key.rsa);
	br_sha256_out(&h, out);
}

static struct tls_verify *of(const br_x509_class **class)
{
	return (struct tls_verify *)(void *)class;
}

static void start_chain(const br_x509_class **class, const char *name)
{
	struct tls_verify *v = of(class);
	br_x509_minimal_context *x = &v->chain;
	uint64_t now = v->s->now;

	br_x509_decoder_init(&v->leaf, NULL, NULL);
	br_sha256_init(&v->cert_hash);
	/* No anchors yet: they are found when the issuer is known. */
	br_x509_minimal_init(x, &br_sha256_vtable, v->anchor, 0);
	br_x509_minimal_set_rsa(x, tls_impl_rsa_verify());
	br_x509_minimal_set_ecdsa(x, tls_impl_ec(), &br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(x, RSA_MIN_OCTETS);
	for (unsigned h = TLS_SHA256; h <= TLS_SHA512; h++)
		br_x509_minimal_set_hash(x, (int)h, tls_impl_hash(h));
	br_x509_minimal_set_time(x, (uint32_t)(now / DAY) + DAYS_TO_1970, (uint32_t)(now % DAY));
	x->vtable->start_chain(&x->vtable, v->s->cfg.client->any_name ? NULL : name);
}

static void start_cert(const br_x509_class **class, uint32_t len)
{
	struct tls_verify *v = of(class);

	v->left = len;
	v->chain.vtable->start_cert(&v->chain.vtable, len);
}

/* Gives the validator the authorities that may have signed what it has read so far. */
static void offer_anchors(struct tls_verify *v)
{
	const struct tls_anchors *a = v->s->cfg.client->anchors;
	unsigned char leaf_key[TLS_PIN];
	/*
	 * The leaf's own key may be an anchor: a pinned or self-signed certificate in the
	 * bundle.
	 */
	const br_x509_pkey *pk = v->depth ? NULL : br_x509_decoder_get_pkey(&v->leaf);

	if (!a || v->chain.err)
		return;
	if (pk)
		tls_verify_key_hash(pk, leaf_key);
	v->chain.trust_anchors_num =
	    tls_anchors_find(a, v, v->chain.saved_dn_hash, pk ? leaf_key : NULL);
}

static void append(const br_x509_class **class, const unsigned char *buf, size_t len)
{
	struct tls_verify *v = of(class);
	br_x509_minimal_context *x = &v->chain;
	size_t room = sizeof v->head - v->head_len, fits = len < room ? len : room;

	/* The leaf only; what comes behind it matters to the validator alone. */
	if (v->depth == 0) {
		br_sha256_update(&v->cert_hash, buf, len);
		tls_impl_decode(&v->leaf, buf, len);
		memcpy(v->head + v->head_len, buf, fits);
		v->head_len += fits;
	}
	v->left -= (uint32_t)len;
	if (len && v->left == 0) {
		x->vtable->append(&x->vtable, buf, len - 1);
		offer_anchors(v);
		buf += len - 1;
		len = 1;
	}
	x->vtable->append(&x->vtable, buf, len);
}

static void end_cert(const br_x509_class **class)
{
	struct tls_verify *v = of(class);

	v->chain.vtable->end_cert(&v->chain.vtable);
	/* Anchors of one certificate say nothing about the next. */
	v->chain.trust_anchors_num = 0;
	v->depth++;
}

/* Why the chain is not good enough; 0 when it is. */
static int judge(struct tls_verify *v)
{
	const struct tls_session *s = v->s;
	const struct tls_client_config *cfg = s->cfg.client;
	br_x509_minimal_context *x = &v->chain;
	int err = (int)x->vtable->end_chain(&x->vtable);

	/* With a pin the chain's own verdict does not matter: the key is known. */
	if (cfg->pin) {
		bool fits = memcmp(cfg->pin, s->key_hash, TLS_PIN) == 0 ||
			    memcmp(cfg->pin, s->cert_hash, TLS_PIN) == 0;
		return fits ? 0 : TLS_ERR_PIN;
	}
	/* A name is what certificates are checked by; without one a valid chain proves nothing. */
	if (!s->named && !cfg->any_name)
		return TLS_ERR_NO_NAME;
	if (err == BR_ERR_X509_NOT_TRUSTED && v->depth == 1 &&
	    memcmp(x->current_dn_hash, x->saved_dn_hash, TLS_PIN) == 0)
		return TLS_ERR_SELF_SIGNED;
	if (err == BR_ERR_X509_NOT_TRUSTED && !tls_anchors_count(cfg->anchors))
		return TLS_ERR_NO_ANCHORS;
	return err;
}

static unsigned end_chain(const br_x509_class **class)
{
	struct tls_verify *v = of(class);
	struct tls_session *s = v->s;
	const struct tls_client_config *cfg = s->cfg.client;
	const br_x509_pkey *pk = br_x509_decoder_get_pkey(&v->leaf);

	/* No key, no handshake, required or not. */
	if (!pk) {
		int err = br_x509_decoder_last_error(&v->leaf);

		s->verdict = TLS_PEER_BAD;
		s->peer_err = err ? err : BR_ERR_X509_EMPTY_CHAIN;
		return (unsigned)s->peer_err;
	}
	br_sha256_out(&v->cert_hash, s->cert_hash);
	tls_verify_key_hash(pk, s->key_hash);
	s->hashed = true;
	if (cfg->names)
		tls_names_read(span_make(v->head, v->head_len), cfg->names);
	if (!cfg->pin && !cfg->anchors) {
		s->verdict = cfg->require ? TLS_PEER_BAD : TLS_PEER_UNCHECKED;
		s->peer_err = cfg->require ? TLS_ERR_NO_ANCHORS : 0;
	} else {
		s->peer_err = judge(v);
		s->verdict = s->peer_err ? TLS_PEER_BAD : TLS_PEER_VERIFIED;
	}
	return cfg->require ? (unsigned)s->peer_err : 0;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *class, unsigned *usages)
{
	struct tls_verify *v = of((const br_x509_class **)(uintptr_t) class);
	const struct tls_client_config *cfg = v->s->cfg.client;

	/* The chain's restrictions on the use of the key bind only where the chain is judged. */
	if (usages) {
		*usages = BR_KEYTYPE_SIGN;
		if (cfg->require && !cfg->pin)
			v->chain.vtable->get_pkey(&v->chain.vtable, usages);
	}
	return br_x509_decoder_get_pkey(&v->leaf);
}

static const br_x509_class verify_class = {
    sizeof(struct tls_verify), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
};

void tls_verify_init(struct tls_session *s)
{
	_Static_assert((size_t)TLS_VERIFY_AT >= (size_t)TLS_IN_HANDSHAKE,
		       "both fit into the input buffer");
	struct tls_verify *v = (struct tls_verify *)(void *)(s->in + TLS_VERIFY_AT);

	memset(v, 0, sizeof *v);
	v->class = &verify_class;
	v->s = s;
	br_ssl_engine_set_x509(&s->u.eng, &v->class);
	br_ssl_engine_set_rsavrfy(&s->u.eng, tls_impl_rsa_verify());
	br_ssl_engine_set_ecdsa(&s->u.eng, &br_ecdsa_i31_vrfy_asn1);
}
