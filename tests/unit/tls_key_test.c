/* tls_key, tls_chain, tls_pem: certificate and key files, good and bad. */
#include "proto/tls_key.h"

#include "proto/tls_chain.h"
#include "proto/tls_pem.h"
#include "tests/unit/test.h"
#include "tests/unit/tls_data.h"

static const char sec1_with_params[] =
    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

TEST(keys)
{
	static const struct {
		const char *pem;
		enum tls_key_type type;
		unsigned bits;
		const char *why;
	} rows[] = {
	    {pem_ec256_key, TLS_KEY_EC, 256, NULL},
	    {pem_ec384_key, TLS_KEY_EC, 384, NULL},
	    {pem_rsa2048_key, TLS_KEY_RSA, 2048, NULL},
	    {pem_ed_key, TLS_KEY_NONE, 0, "neither RSA nor EC"},
	    {pem_ec256_enc, TLS_KEY_NONE, 0, "encrypted"},
	    {pem_ec256, TLS_KEY_NONE, 0, "no private key"},
	    {"", TLS_KEY_NONE, 0, "no private key"},
	    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", TLS_KEY_NONE, 0,
	     "does not decode"},
	    {"-----BEGIN PRIVATE KEY-----\nAAAA\n", TLS_KEY_NONE, 0, "damaged"},
	    {"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", TLS_KEY_NONE, 0,
	     "damaged"},
	};
	struct tls_key key;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err e = {0};
		bool good = tls_key_from_pem(span_str(rows[i].pem), &key, &e);

		CHECK_INT(good, rows[i].why == NULL);
		CHECK_INT(key.type, rows[i].type);
		CHECK_INT(key.bits, rows[i].bits);
		if (rows[i].why && !strstr(e.text, rows[i].why))
			TEST_FAIL("\"%s\" does not say \"%s\"", e.text, rows[i].why);
	}
}

static void mixed(struct buf *b, const char *one, const char *two, const char *three)
{
	buf_init(b, 100000);
	buf_puts(b, "text before\r\n");
	buf_puts(b, one);
	buf_puts(b, two);
	buf_puts(b, three);
	buf_truncate(b, b->len - 1); /* no end of the last line */
}

TEST(one_file_may_hold_all)
{
	struct buf file, der;
	struct tls_chain chain;
	struct tls_key key;
	struct err e = {0};

	mixed(&file, pem_rsa2048, pem_inter, pem_rsa2048_key);
	buf_init(&der, TLS_CHAIN_OCTETS);
	CHECK(tls_chain_from_pem(buf_span(&file), &der, &e));
	CHECK(tls_chain_split(buf_span(&der), &chain, &e));
	CHECK_INT(chain.n, 2);
	CHECK_INT(chain.key_type, TLS_KEY_RSA);
	CHECK_INT(chain.key_bits, 2048);
	CHECK(tls_chain_expires(&chain) > 4900000000 && tls_chain_expires(&chain) < 5000000000);
	CHECK(tls_key_from_pem(buf_span(&file), &key, &e));
	CHECK(tls_key_matches(&key, &chain, &e));
	buf_free(&file);
	mixed(&file, sec1_with_params, pem_ec256_key, "\n");
	CHECK(tls_key_from_pem(buf_span(&file), &key, &e));
	CHECK(!tls_key_matches(&key, &chain, &e));
	CHECK(strstr(e.text, "do not belong together"));
	buf_free(&file);
	buf_free(&der);
}

TEST(chains_are_put_in_order_and_trimmed)
{
	struct buf file, der;
	struct tls_chain chain;
	struct err e = {0};

	mixed(&file, pem_rsa2048, pem_root, pem_inter);
	buf_puts(&file, "\n");
	buf_puts(&file, pem_ec384);
	buf_init(&der, TLS_CHAIN_OCTETS);
	CHECK(tls_chain_from_pem(buf_span(&file), &der, &e));
	CHECK(tls_chain_split(buf_span(&der), &chain, &e));
	CHECK_INT(chain.n, 3);
	CHECK(chain.cert[1].ptr > chain.cert[2].ptr); /* intermediate, then root */
	buf_free(&file);
	buf_free(&der);
}

TEST(bad_chains)
{
	static const struct {
		const char *pem, *why;
	} rows[] = {
	    {"", "no certificate"},
	    {pem_ec256_key, "no certificate"},
	    {"-----BEGIN CERTIFICATE-----\nMIIB\n", "near certificate 1"},
	    {pem_ed, "unsupported kind"},
	    {pem_rsa1024, "neither RSA of 2048"},
	    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "decode"},
	};
	struct buf der;
	struct tls_chain chain;

	buf_init(&der, TLS_CHAIN_OCTETS);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err e = {0};

		buf_reset(&der);
		CHECK(!tls_chain_from_pem(span_str(rows[i].pem), &der, &e) ||
		      !tls_chain_split(buf_span(&der), &chain, &e));
		if (!strstr(e.text, rows[i].why))
			TEST_FAIL("\"%s\" does not say \"%s\"", e.text, rows[i].why);
	}
	struct err e = {0};
	for (int i = 0; i <= TLS_CHAIN_MAX; i++)
		CHECK_INT(tls_chain_from_pem(span_str(pem_ec256), &der, &e), true);
	CHECK(!tls_chain_split(buf_span(&der), &chain, &e));
	CHECK(!tls_chain_split(SPAN(""), &chain, &e));
	CHECK(!tls_chain_split(SPAN("\x30\x84\xff\xff\xff\xff"), &chain, &e));
	buf_free(&der);
}

TEST(sign_requests_are_checked)
{
	struct tls_key key;
	struct err e = {0};
	unsigned char sig[TLS_SIG_MAX];
	size_t len = 0;
	static const struct {
		uint8_t type, hash, len;
		bool good;
	} rows[] = {
	    {TLS_KEY_EC, TLS_SHA256, 32, true},   {TLS_KEY_EC, TLS_SHA384, 48, true},
	    {TLS_KEY_EC, TLS_SHA512, 64, true},   {TLS_KEY_EC, TLS_SHA256, 48, false},
	    {TLS_KEY_EC, TLS_SHA512, 255, false}, {TLS_KEY_RSA, TLS_SHA256, 32, false},
	    {TLS_KEY_EC, 2, 20, false},           {TLS_KEY_NONE, TLS_SHA256, 32, false},
	    {TLS_KEY_EC, 255, 32, false},
	};

	CHECK(tls_key_from_pem(span_str(pem_ec256_key), &key, &e));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tls_sign_request req = {.key_type = rows[i].type,
					       .hash = rows[i].hash,
					       .digest_len = rows[i].len,
					       .digest = "digest"};
		CHECK_INT(tls_key_sign(&key, &req, sig, &len), rows[i].good);
	}
	tls_key_wipe(&key);
	struct tls_sign_request req = {.hash = TLS_SHA256, .digest_len = 32};
	CHECK(!tls_key_sign(&key, &req, sig, &len));
}

TEST_MAIN
