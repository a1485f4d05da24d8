/*
 * cert: a certificate, written backwards (RFC 5280 section 4.1, X.690).
 *
 * DER puts lengths before what they measure, so each structure is written from its last
 * octet to its first: contents, then the header around them.
 */
#include "proto/cert.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/base64.h"
#include "format/date.h"
#include "proto/tls_impl.h"

enum {
	INTEGER_TAG = 0x02,
	BITS_TAG = 0x03,
	OCTETS_TAG = 0x04,
	UTF8_TAG = 0x0C,
	UTC_TAG = 0x17,
	TIME_TAG = 0x18,
	SEQUENCE_TAG = 0x30,
	SET_TAG = 0x31,
	DNS_TAG = 0x82, /* GeneralName dNSName */
	EXPLICIT_TAG = 0xA0,
	NAME_MAX_CN = 64, /* ub-common-name, RFC 5280 appendix A */
	HOST_MAX = 253,
	LABEL_MAX = 63,
	UTC_LAST_YEAR = 2049, /* RFC 5280 section 4.1.2.5 */
	P256_OCTETS = 32,
	POINT = 65,
	LINE = 48, /* octets in a PEM line of 64 */
};

static const unsigned char oid_ec[] = {0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const unsigned char oid_p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48,
					 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const unsigned char alg_ecdsa_sha256[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86,
						 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
static const unsigned char oid_cn[] = {0x06, 0x03, 0x55, 0x04, 0x03};
static const unsigned char oid_san[] = {0x06, 0x03, 0x55, 0x1D, 0x11};
/* basicConstraints, critical, with the empty value that means "no authority" */
static const unsigned char ext_end_entity[] = {0x30, 0x0C, 0x06, 0x03, 0x55, 0x1D, 0x13,
					       0x01, 0x01, 0xFF, 0x04, 0x02, 0x30, 0x00};
static const unsigned char version_3[] = {0xA0, 0x03, 0x02, 0x01, 0x02};

struct back {
	unsigned char mem[CERT_MAX];
	size_t at; /* first octet written */
	bool full;
};

static void put(struct back *b, const void *data, size_t len)
{
	if (len > b->at) {
		b->full = true;
		return;
	}
	b->at -= len;
	memcpy(b->mem + b->at, data, len);
}

static void put_octet(struct back *b, unsigned v)
{
	unsigned char c = (unsigned char)v;

	put(b, &c, 1);
}

/*
 * A header around all that was written since at was end.  The length takes as few octets as
 * it can, which DER demands; none exceeds 0xFFFF.
 */
static void wrap(struct back *b, unsigned tag, size_t end)
{
	size_t len = end - b->at;

	put_octet(b, len);
	if (len > 0xFF)
		put_octet(b, len >> 8);
	if (len > 0x7F)
		put_octet(b, len > 0xFF ? 0x82 : 0x81);
	put_octet(b, tag);
}

static void put_string(struct back *b, unsigned tag, struct span s)
{
	size_t end = b->at;

	put(b, s.ptr, s.len);
	wrap(b, tag, end);
}

static void put_bits(struct back *b, const void *data, size_t len)
{
	size_t end = b->at;

	put(b, data, len);
	put_octet(b, 0); /* unused bits in the last octet */
	wrap(b, BITS_TAG, end);
}

/* RDNSequence with one set of one attribute. */
static void put_name(struct back *b, struct span cn)
{
	size_t end = b->at;

	put_string(b, UTF8_TAG, span_head(cn, NAME_MAX_CN));
	put(b, oid_cn, sizeof oid_cn);
	wrap(b, SEQUENCE_TAG, end);
	wrap(b, SET_TAG, end);
	wrap(b, SEQUENCE_TAG, end);
}

static void put_names(struct back *b, const struct cert_request *req)
{
	size_t end = b->at;

	/* Backwards here, too, so that the names come out in order. */
	for (size_t i = req->n; i; i--)
		put_string(b, DNS_TAG, req->names[i - 1]);
	wrap(b, SEQUENCE_TAG, end);
	wrap(b, OCTETS_TAG, end);
	put(b, oid_san, sizeof oid_san);
	wrap(b, SEQUENCE_TAG, end);
	put(b, ext_end_entity, sizeof ext_end_entity);
	wrap(b, SEQUENCE_TAG, end);
	wrap(b, EXPLICIT_TAG + 3, end);
}

/* RFC 5280 section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on. */
static void put_time(struct back *b, uint64_t t)
{
	struct date_parts d;
	char text[32];

	date_split((int64_t)t, 0, &d);
	bool utc = d.year <= UTC_LAST_YEAR;
	snprintf(text, sizeof text, "%0*d%02d%02d%02d%02d%02dZ", utc ? 2 : 4,
		 utc ? d.year % 100 : d.year, d.month, d.day, d.hour, d.minute, d.second);
	put_string(b, utc ? UTC_TAG : TIME_TAG, span_str(text));
}

static bool public_point(const struct tls_key *key, unsigned char point[POINT])
{
	if (key->type != TLS_KEY_EC || key->curve != BR_EC_secp256r1)
		return false;
	return tls_impl_ec()->mulgen(point, key->part[0], key->len[0], BR_EC_secp256r1) == POINT;
}

/*
 * Written from the end: extensions, key, subject, validity, issuer,
 * algorithm, serial, version.
 */
static void put_tbs(struct back *b, const struct cert_request *req,
		    const unsigned char point[POINT])
{
	unsigned char serial[CERT_SERIAL];
	size_t end = b->at, inner;

	put_names(b, req);
	inner = b->at;
	put_bits(b, point, POINT);
	size_t algorithm = b->at;
	put(b, oid_p256, sizeof oid_p256);
	put(b, oid_ec, sizeof oid_ec);
	wrap(b, SEQUENCE_TAG, algorithm);
	wrap(b, SEQUENCE_TAG, inner);
	put_name(b, req->names[0]);
	inner = b->at;
	put_time(b, req->not_after);
	put_time(b, req->not_before);
	wrap(b, SEQUENCE_TAG, inner);
	/* Issuer and subject are the same: it is self-signed. */
	put_name(b, req->names[0]);
	put(b, alg_ecdsa_sha256, sizeof alg_ecdsa_sha256);
	/* Positive, and of full length whatever was drawn. */
	memcpy(serial, req->serial, sizeof serial);
	serial[0] = (serial[0] & 0x7F) | 0x40;
	put_string(b, INTEGER_TAG, span_make(serial, sizeof serial));
	put(b, version_3, sizeof version_3);
	wrap(b, SEQUENCE_TAG, end);
}

/*
 * Letters, digits and dashes, so nothing else ever gets into a certificate; and "_", which
 * some hosts have in their names.
 */
static bool is_host(struct span name)
{
	if (!name.len || name.len > HOST_MAX)
		return false;
	while (name.len) {
		bool dot = span_index(name, '.') < name.len;
		struct span label = span_cut(&name, '.');

		if (!label.len || label.len > LABEL_MAX || (dot && !name.len) ||
		    label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!ascii_is_alnum(label.ptr[i]) && label.ptr[i] != '-' &&
			    label.ptr[i] != '_')
				return false;
	}
	return true;
}

static bool check(const struct cert_request *req, struct err *e)
{
	const uint64_t year_10000 = 253402300800;

	if (!req->n || req->n > CERT_NAMES_MAX)
		return err_perm(e, "5.3.5", "a certificate needs 1 to %d names", CERT_NAMES_MAX);
	for (size_t i = 0; i < req->n; i++)
		if (!is_host(req->names[i]))
			return err_perm(e, "5.3.5",
					"not a host name, so no certificate for it: %.*s",
					SPAN_ARG(span_head(req->names[i], HOST_MAX)));
	/* GeneralizedTime has four digits of a year. */
	if (req->not_before >= req->not_after || req->not_after >= year_10000)
		return err_perm(e, "5.3.5", "dates of the certificate are impossible");
	return true;
}

bool cert_make_key(struct span seed, struct tls_key *key)
{
	br_hmac_drbg_context rng;
	br_ec_private_key sk;

	memset(key, 0, sizeof *key);
	if (seed.len < CERT_SEED)
		return false;
	br_hmac_drbg_init(&rng, &br_sha256_vtable, seed.ptr, seed.len);
	size_t len = br_ec_keygen(&rng.vtable, tls_impl_ec(), &sk, key->part[0], BR_EC_secp256r1);
	explicit_bzero(&rng, sizeof rng);
	key->type = TLS_KEY_EC;
	key->bits = 256;
	key->curve = BR_EC_secp256r1;
	key->len[0] = (uint16_t)len;
	return len == P256_OCTETS;
}

bool cert_self_signed(const struct tls_key *key, const struct cert_request *req, struct buf *der,
		      struct err *e)
{
	unsigned char point[POINT], sig[TLS_SIG_MAX];
	struct tls_sign_request sign = {
	    .key_type = TLS_KEY_EC, .hash = TLS_SHA256, .digest_len = TLS_PIN};
	struct back b = {.at = sizeof b.mem};
	br_sha256_context h;
	size_t len = 0;

	if (!check(req, e))
		return false;
	if (!public_point(key, point))
		return err_perm(e, "5.3.5", "key is not P-256");
	/* Once to know what is signed, and once more with the signature behind it. */
	put_tbs(&b, req, point);
	br_sha256_init(&h);
	br_sha256_update(&h, b.mem + b.at, sizeof b.mem - b.at);
	br_sha256_out(&h, sign.digest);
	if (b.full || !tls_key_sign(key, &sign, sig, &len))
		return err_perm(e, "5.3.5", "certificate cannot be made");
	b.at = sizeof b.mem;
	put_bits(&b, sig, len);
	put(&b, alg_ecdsa_sha256, sizeof alg_ecdsa_sha256);
	put_tbs(&b, req, point);
	wrap(&b, SEQUENCE_TAG, sizeof b.mem);
	if (b.full)
		return err_perm(e, "5.3.5", "too many names for one certificate");
	buf_put(der, span_make(b.mem + b.at, sizeof b.mem - b.at));
	return true;
}

void cert_put_pem(struct span der, const char *label, struct buf *pem)
{
	buf_printf(pem, "-----BEGIN %s-----\n", label);
	for (; der.len; der = span_skip(der, LINE)) {
		base64_encode(span_head(der, LINE), pem);
		buf_putc(pem, '\n');
	}
	buf_printf(pem, "-----END %s-----\n", label);
}

/* ECPrivateKey of RFC 5915 and not PKCS #8: older tools take it, too. */
bool cert_put_key(const struct tls_key *key, struct buf *pem)
{
	struct back b = {.at = sizeof b.mem};
	unsigned char point[POINT];

	if (!public_point(key, point))
		return false;
	put_bits(&b, point, POINT);
	wrap(&b, EXPLICIT_TAG + 1, sizeof b.mem);
	size_t end = b.at;
	put(&b, oid_p256, sizeof oid_p256);
	wrap(&b, EXPLICIT_TAG, end);
	put_string(&b, OCTETS_TAG, span_make(key->part[0], key->len[0]));
	put(&b, "\x02\x01\x01", 3); /* version 1 */
	wrap(&b, SEQUENCE_TAG, sizeof b.mem);
	cert_put_pem(span_make(b.mem + b.at, sizeof b.mem - b.at), "EC PRIVATE KEY", pem);
	explicit_bzero(&b, sizeof b);
	return true;
}
