/*
 * tls_key: private keys (RFC 5915, 5958, 8017) and the signatures of a handshake.
 *
 * Whatever was decoded on the way is overwritten, failure or not.
 */
#include "proto/tls_key.h"

#include "proto/tls_impl.h"
#include "proto/tls_pem.h"

enum {
	KEY_PEM_MAX = 4096, /* octets, decoded */
	RSA_MIN = 2048,     /* bits; what CAs and clients accept today */
	RSA_MAX = 4096,     /* bits; what the memory is sized for */
};

/* TLS_KEY_PART is the largest prime of an RSA key that is accepted. */
static bool copy_part(struct tls_key *key, size_t i, const unsigned char *from, size_t len)
{
	if (len > TLS_KEY_PART)
		return false;
	memcpy(key->part[i], from, len);
	key->len[i] = (uint16_t)len;
	return true;
}

/* The five numbers of the CRT form; without them signing would be four times as slow. */
static bool from_rsa(struct tls_key *key, const br_rsa_private_key *rsa)
{
	key->type = TLS_KEY_RSA;
	key->bits = rsa->n_bitlen;
	return key->bits >= RSA_MIN && key->bits <= RSA_MAX &&
	       copy_part(key, 0, rsa->p, rsa->plen) && copy_part(key, 1, rsa->q, rsa->qlen) &&
	       copy_part(key, 2, rsa->dp, rsa->dplen) && copy_part(key, 3, rsa->dq, rsa->dqlen) &&
	       copy_part(key, 4, rsa->iq, rsa->iqlen);
}

static bool from_ec(struct tls_key *key, const br_ec_private_key *ec)
{
	key->type = TLS_KEY_EC;
	key->curve = (unsigned)ec->curve;
	key->bits = ec->curve == BR_EC_secp256r1 ? 256 : 384;
	return (ec->curve == BR_EC_secp256r1 || ec->curve == BR_EC_secp384r1) && ec->xlen &&
	       copy_part(key, 0, ec->x, ec->xlen);
}

/*
 * The decoder knows PKCS #8 and the two older forms, which differ only in what is around
 * the numbers.
 */
static bool decode(struct span der, struct tls_key *key, struct err *e)
{
	br_skey_decoder_context d;
	bool good = false;

	br_skey_decoder_init(&d);
	br_skey_decoder_push(&d, der.ptr, der.len);
	int err = br_skey_decoder_last_error(&d);
	if (err == BR_ERR_X509_UNSUPPORTED)
		err_perm(e, "4.7.5", "private key is neither RSA nor EC");
	else if (err)
		err_perm(e, "4.7.5", "private key does not decode");
	else if (br_skey_decoder_key_type(&d) == BR_KEYTYPE_RSA)
		good = from_rsa(key, br_skey_decoder_get_rsa(&d));
	else
		good = from_ec(key, br_skey_decoder_get_ec(&d));
	if (!err && !good)
		err_perm(e, "4.7.5",
			 "private key is neither RSA of %d to %d bits nor P-256 or P-384", RSA_MIN,
			 RSA_MAX);
	explicit_bzero(&d, sizeof d);
	return good;
}

/*
 * Both forms of encrypted keys have the word in their text ("BEGIN ENCRYPTED PRIVATE KEY",
 * "Proc-Type: 4,ENCRYPTED"); said apart, since it is the most common mistake.
 */
static bool is_encrypted(struct span pem)
{
	return pem.len && memmem(pem.ptr, pem.len, "ENCRYPTED", 9);
}

bool tls_key_from_pem(struct span pem, struct tls_key *key, struct err *e)
{
	unsigned char mem[KEY_PEM_MAX];
	char name[TLS_PEM_NAME];
	struct buf der;
	struct span all = pem;
	bool good = false, found = false;
	enum tls_pem_result r;

	memset(key, 0, sizeof *key);
	do {
		/* Each block overwrites the one before: only the key is wanted. */
		buf_init_fixed(&der, mem, sizeof mem);
		r = tls_pem_next(&pem, name, &der);
		/* A certificate beside it may be longer than any key. */
		found = strstr(name, "PRIVATE KEY") && r != TLS_PEM_END;
	} while (!found && r != TLS_PEM_END);
	if (is_encrypted(all))
		err_perm(e, "4.7.5", "private key is encrypted; store it without a passphrase");
	else if (!found)
		err_perm(e, "4.7.5", "no private key in it (no BEGIN PRIVATE KEY)");
	else if (r != TLS_PEM_BLOCK)
		err_perm(e, "4.7.5", "private key is damaged");
	else
		good = decode(buf_span(&der), key, e);
	explicit_bzero(mem, sizeof mem);
	if (!good)
		tls_key_wipe(key);
	return good;
}

static bool sign_rsa(const struct tls_key *key, unsigned hash, size_t hash_len,
		     const unsigned char *digest, unsigned char *sig, size_t *len)
{
	static const unsigned char *const oid[] = {BR_HASH_OID_SHA256, BR_HASH_OID_SHA384,
						   BR_HASH_OID_SHA512};
	struct tls_key copy = *key; /* BearSSL's type lacks the const that its use keeps */
	br_rsa_private_key rsa = {
	    key->bits,   copy.part[0], copy.len[0], copy.part[1], copy.len[1], copy.part[2],
	    copy.len[2], copy.part[3], copy.len[3], copy.part[4], copy.len[4],
	};

	/* An RSA signature is as long as the modulus (RFC 8017 section 8.2). */
	*len = (key->bits + 7) / 8;
	bool good = tls_impl_rsa_sign()(oid[hash - TLS_SHA256], digest, hash_len, &rsa, sig);
	tls_key_wipe(&copy);
	return good;
}

static bool sign_ec(const struct tls_key *key, unsigned hash, const unsigned char *digest,
		    unsigned char *sig, size_t *len)
{
	struct tls_key copy = *key;
	br_ec_private_key ec = {(int)key->curve, copy.part[0], copy.len[0]};

	*len = br_ecdsa_i31_sign_asn1(tls_impl_ec(), tls_impl_hash(hash), digest, &ec, sig);
	tls_key_wipe(&copy);
	return *len != 0;
}

bool tls_key_sign(const struct tls_key *key, const struct tls_sign_request *req, unsigned char *sig,
		  size_t *len)
{
	const br_hash_class *hash = tls_impl_hash(req->hash);

	/*
	 * Asked by a less trusted process: kind of key, hash and length must fit together
	 * before anything is signed.
	 */
	if (!hash || req->key_type != key->type ||
	    req->digest_len != (hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK))
		return false;
	if (key->type == TLS_KEY_RSA)
		return sign_rsa(key, req->hash, req->digest_len, req->digest, sig, len);
	if (key->type == TLS_KEY_EC)
		return sign_ec(key, req->hash, req->digest, sig, len);
	return false;
}

static bool verify(const br_x509_pkey *pk, const struct tls_sign_request *req,
		   const unsigned char *sig, size_t len)
{
	unsigned char out[TLS_DIGEST_MAX];

	if (pk->key_type == BR_KEYTYPE_EC)
		return br_ecdsa_i31_vrfy_asn1(tls_impl_ec(), req->digest, req->digest_len,
					      &pk->key.ec, sig, len);
	/* The PKCS #1 padding is undone here and what is left compared; ECDSA needs the digest. */
	return tls_impl_rsa_verify()(sig, len, BR_HASH_OID_SHA256, req->digest_len, &pk->key.rsa,
				     out) &&
	       memcmp(out, req->digest, req->digest_len) == 0;
}

/* By trying: sign with one and verify with the other, which works for any kind of key. */
bool tls_key_matches(const struct tls_key *key, const struct tls_chain *chain, struct err *e)
{
	struct tls_sign_request req = {
	    .key_type = (uint8_t)key->type, .hash = TLS_SHA256, .digest_len = 32};
	unsigned char sig[TLS_SIG_MAX];
	br_x509_decoder_context x;
	size_t len = 0;

	memset(req.digest, 0x5A, req.digest_len); /* any but zero, which ECDSA cannot verify */
	br_x509_decoder_init(&x, NULL, NULL);
	tls_impl_decode(&x, chain->cert[0].ptr, chain->cert[0].len);
	const br_x509_pkey *pk = br_x509_decoder_get_pkey(&x);
	if (key->type == chain->key_type && key->bits == chain->key_bits && pk &&
	    tls_key_sign(key, &req, sig, &len) && verify(pk, &req, sig, len))
		return true;
	return err_perm(e, "4.7.5", "certificate and private key do not belong together");
}

void tls_key_wipe(struct tls_key *key)
{
	explicit_bzero(key, sizeof *key);
}
