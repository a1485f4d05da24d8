/*
 * tls_chain: certificate chains (RFC 5280 section 4.1, RFC 5246 section 7.4.2).
 *
 * Order is found by names alone, octet for octet, as BearSSL and most clients compare them;
 * signatures are the client's business.
 */
#include "proto/tls_chain.h"

#include "proto/tls_impl.h"
#include "proto/tls_pem.h"

enum { SEQUENCE = 0x30, VERSION_TAG = 0xA0, INTEGER = 0x02 };
/* DAYS_TO_1970 counts from the year 0, as BearSSL does. */
enum { DAYS_TO_1970 = 719528, DAY = 86400, RSA_MIN = 2048, RSA_MAX = 4096 };

/* Cuts one element of any tag off *der: whole gets all of it, body its contents. */
static bool der_next(struct span *der, unsigned *tag, struct span *whole, struct span *body)
{
	const unsigned char *p = (const unsigned char *)der->ptr;
	size_t len, head = 2;

	if (der->len < head)
		return false;
	*tag = p[0];
	len = p[1];
	if (len & 0x80) {
		size_t n = len & 0x7F;

		/* The long form, up to 16 MiB; indefinite lengths are no DER. */
		if (n < 1 || n > 3 || der->len < head + n)
			return false;
		for (len = 0; n; n--)
			len = len << 8 | p[head++];
	}
	if (len > der->len - head)
		return false;
	*whole = span_head(*der, head + len);
	*body = span_skip(*whole, head);
	*der = span_skip(*der, head + len);
	return true;
}

/* The names of issuer and subject, as they are encoded. */
static bool names(struct span cert, struct span *issuer, struct span *subject)
{
	unsigned tag;
	struct span outer, rest, whole, body;

	if (!der_next(&cert, &tag, &whole, &outer) || tag != SEQUENCE ||
	    !der_next(&outer, &tag, &whole, &rest) || tag != SEQUENCE)
		return false;
	/* The version is optional, its absence means version 1. */
	if (!der_next(&rest, &tag, &whole, &body) ||
	    (tag == VERSION_TAG && !der_next(&rest, &tag, &whole, &body)) || tag != INTEGER)
		return false;
	return der_next(&rest, &tag, &whole, &body) && tag == SEQUENCE && /* algorithm */
	       der_next(&rest, &tag, issuer, &body) && tag == SEQUENCE &&
	       der_next(&rest, &tag, &whole, &body) && tag == SEQUENCE && /* validity */
	       der_next(&rest, &tag, subject, &body) && tag == SEQUENCE;
}

bool tls_chain_from_pem(struct span pem, struct buf *der, struct err *e)
{
	char name[TLS_PEM_NAME];
	size_t n = 0, before = der->len;

	for (;;) {
		/* A key or parameters in the same file are passed over. */
		size_t start = der->len;

		switch (tls_pem_next(&pem, name, der)) {
		case TLS_PEM_END:
			if (n)
				return true;
			return err_perm(e, "4.7.5", "no certificate in it (no BEGIN CERTIFICATE)");
		case TLS_PEM_BAD:
			buf_truncate(der, before);
			return err_perm(e, "4.7.5", "damaged or too long near certificate %zu",
					n + 1);
		case TLS_PEM_BLOCK:
			if (strcmp(name, "CERTIFICATE") != 0 &&
			    strcmp(name, "X509 CERTIFICATE") != 0)
				buf_truncate(der, start);
			else
				n++;
			break;
		}
		if (n > TLS_CHAIN_MAX) {
			buf_truncate(der, before);
			return err_perm(e, "4.7.5", "more than %d certificates", TLS_CHAIN_MAX);
		}
	}
}

static bool decode_leaf(struct span cert, br_x509_decoder_context *x, struct err *e)
{
	br_x509_decoder_init(x, NULL, NULL);
	tls_impl_decode(x, cert.ptr, cert.len);
	if (br_x509_decoder_get_pkey(x))
		return true;
	return err_perm(e, "4.7.5", "%s", tls_text(br_x509_decoder_last_error(x)));
}

static bool key_of_leaf(struct tls_chain *chain, struct err *e)
{
	br_x509_decoder_context x;

	if (!decode_leaf(chain->cert[0], &x, e))
		return false;
	const br_x509_pkey *pk = br_x509_decoder_get_pkey(&x);
	bool ec = pk->key_type == BR_KEYTYPE_EC;
	chain->key_type = ec ? TLS_KEY_EC : TLS_KEY_RSA;
	chain->key_bits = tls_impl_key_bits(pk);
	/* The client of today refuses shorter RSA keys, and longer ones only cost time. */
	if (ec ? !chain->key_bits : chain->key_bits < RSA_MIN || chain->key_bits > RSA_MAX)
		return err_perm(
		    e, "4.7.5",
		    "certificate's key is neither RSA of %d to %d bits nor P-256 or P-384", RSA_MIN,
		    RSA_MAX);
	return true;
}

/* Moves the issuer of each certificate behind it; cuts what belongs to none off. */
static bool put_in_order(struct tls_chain *chain, struct err *e)
{
	struct span issuer[TLS_CHAIN_MAX] = {{0}}, subject[TLS_CHAIN_MAX] = {{0}}, s;

	for (size_t i = 0; i < chain->n; i++)
		if (!names(chain->cert[i], &issuer[i], &subject[i]))
			return err_perm(e, "4.7.5", "certificate %zu does not decode", i + 1);
	for (size_t i = 1; i < chain->n; i++) {
		size_t j = i;

		while (j < chain->n && !span_eq(issuer[i - 1], subject[j]))
			j++;
		/* The end: the issuer is not in the file, or this one is its own. */
		if (j == chain->n || span_eq(issuer[i - 1], subject[i - 1])) {
			chain->n = i;
			break;
		}
		/* Selection sort, moving the names along with the certificates. */
		s = chain->cert[i], chain->cert[i] = chain->cert[j], chain->cert[j] = s;
		s = issuer[i], issuer[i] = issuer[j], issuer[j] = s;
		s = subject[i], subject[i] = subject[j], subject[j] = s;
	}
	return true;
}

bool tls_chain_split(struct span der, struct tls_chain *chain, struct err *e)
{
	unsigned tag;
	struct span body;

	*chain = (struct tls_chain){.n = 0};
	while (der.len) {
		if (chain->n == TLS_CHAIN_MAX)
			return err_perm(e, "4.7.5", "more than %d certificates", TLS_CHAIN_MAX);
		if (!der_next(&der, &tag, &chain->cert[chain->n], &body) || tag != SEQUENCE)
			return err_perm(e, "4.7.5", "certificate %zu does not decode",
					chain->n + 1);
		chain->n++;
	}
	if (!chain->n)
		return err_perm(e, "4.7.5", "no certificate");
	return key_of_leaf(chain, e) && put_in_order(chain, e);
}

uint64_t tls_chain_expires(const struct tls_chain *chain)
{
	/* The error is of no interest: a certificate that was loaded does decode. */
	br_x509_decoder_context x;
	struct err e;

	if (!chain->n || !decode_leaf(chain->cert[0], &x, &e) || x.notafter_days < DAYS_TO_1970)
		return 0;
	return (uint64_t)(x.notafter_days - DAYS_TO_1970) * DAY + x.notafter_seconds;
}
