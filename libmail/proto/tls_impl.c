/*
 * tls_impl: which of BearSSL's implementations are used.
 *
 * Only what is named here gets linked; the library's own profiles would bring CBC, CCM,
 * 3DES, MD5 and SHA-1 with them.  The choice weighs octets against speed: AES and GHASH by
 * instruction where the processor has them, else constant-time code for the word size;
 * one implementation of all the rest.  Suites by RFC 5289 and RFC 7905.
 */
#include "proto/tls_impl.h"

static const uint16_t suites[] = {
    /* forward secrecy and AEAD only */
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

enum { SUITES = sizeof suites / sizeof suites[0], CHACHA_AT = 4 };

/* The word size is a constant of the compiler: the other branch is not even linked. */
static const bool wide = sizeof(size_t) == 8;

const br_ec_impl *tls_impl_ec(void)
{
	return &br_ec_all_m31;
}

br_rsa_pkcs1_vrfy tls_impl_rsa_verify(void)
{
	return wide ? br_rsa_i62_pkcs1_vrfy_get() : &br_rsa_i31_pkcs1_vrfy;
}

br_rsa_pkcs1_sign tls_impl_rsa_sign(void)
{
	return wide ? br_rsa_i62_pkcs1_sign_get() : &br_rsa_i31_pkcs1_sign;
}

const br_hash_class *tls_impl_hash(unsigned hash)
{
	switch (hash) {
	case TLS_SHA256:
		return &br_sha256_vtable;
	case TLS_SHA384:
		return &br_sha384_vtable;
	case TLS_SHA512:
		return &br_sha512_vtable;
	default:
		return NULL;
	}
}

/*
 * Our order as a client; as a server the client's counts (tls.c). Without instructions for
 * AES ChaCha20 is the faster one.
 */
static void set_suites(br_ssl_engine_context *eng, bool fast_aes)
{
	uint16_t order[SUITES];
	size_t first = fast_aes ? 0 : CHACHA_AT;

	for (size_t i = 0; i < SUITES; i++)
		order[i] = suites[(first + i) % SUITES];
	br_ssl_engine_set_suites(eng, order, SUITES);
}

void tls_impl_engine(br_ssl_engine_context *eng)
{
	/* These return NULL where the processor lacks the instructions. */
	const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();
	br_chacha20_run chacha = br_chacha20_sse2_get();

	set_suites(eng, aes && ghash);
	if (!aes)
		aes = wide ? &br_aes_ct64_ctr_vtable : &br_aes_ct_ctr_vtable;
	if (!ghash)
		ghash = wide ? &br_ghash_ctmul64 : &br_ghash_ctmul;

	/* BearSSL ends at TLS 1.2, and older versions have no AEAD. */
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	/* Renegotiation has been an attack more often than a need. */
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	for (unsigned h = TLS_SHA256; h <= TLS_SHA512; h++)
		br_ssl_engine_set_hash(eng, (int)h, tls_impl_hash(h));
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	br_ssl_engine_set_ec(eng, tls_impl_ec());
	br_ssl_engine_set_gcm(eng, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(eng, aes);
	br_ssl_engine_set_ghash(eng, ghash);
	br_ssl_engine_set_chapol(eng, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(eng, chacha ? chacha : &br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(eng, &br_poly1305_ctmul_run);
}

unsigned tls_impl_key_bits(const br_x509_pkey *pk)
{
	if (pk->key_type == BR_KEYTYPE_EC) {
		switch (pk->key.ec.curve) {
		case BR_EC_secp256r1:
			return 256;
		case BR_EC_secp384r1:
			return 384;
		default:
			return 0;
		}
	}
	const unsigned char *n = pk->key.rsa.n;
	size_t len = pk->key.rsa.nlen;
	while (len && *n == 0) {
		n++;
		len--;
	}
	if (!len)
		return 0;
	unsigned bits = (unsigned)len * 8;
	for (unsigned top = *n; !(top & 0x80); top <<= 1)
		bits--;
	return bits;
}

/* The decoder must not be fed behind an error. */
void tls_impl_decode(br_x509_decoder_context *x, const void *data, size_t len)
{
	if (!x->err && len)
		br_x509_decoder_push(x, data, len);
}

/* BearSSL's keys point into the decoder's memory: copied where the key outlives it. */
bool tls_public_copy(struct tls_public *to, const br_x509_pkey *from)
{
	to->pkey = *from;
	if (from->key_type == BR_KEYTYPE_EC) {
		const br_ec_public_key *ec = &from->key.ec;

		if (ec->qlen > sizeof to->octets)
			return false;
		memcpy(to->octets, ec->q, ec->qlen);
		to->pkey.key.ec.q = to->octets;
		return true;
	}
	const br_rsa_public_key *rsa = &from->key.rsa;
	if (rsa->nlen > TLS_RSA_OCTETS || rsa->elen > sizeof to->octets - rsa->nlen)
		return false;
	memcpy(to->octets, rsa->n, rsa->nlen);
	memcpy(to->octets + rsa->nlen, rsa->e, rsa->elen);
	to->pkey.key.rsa.n = to->octets;
	to->pkey.key.rsa.e = to->octets + rsa->nlen;
	return true;
}
