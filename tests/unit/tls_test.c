/* tls: handshakes of our client with our server in memory, and what must fail. */
#include "proto/tls.h"

#include "proto/tls_anchor.h"
#include "proto/tls_chain.h"
#include "proto/tls_impl.h"
#include "proto/tls_key.h"
#include "tests/unit/test.h"
#include "tests/unit/tls_data.h"

enum { NOW = 1893456000 }; /* 2030-01-01 */

static const char seed_a[TLS_SEED] = "the server's seed: thirty-two oc";
static const char seed_b[TLS_SEED] = "the client's seed: thirty-two oc";

struct pair {
	struct tls_key key;
	struct buf der;
	struct tls_server_config sc;
	struct tls_client_config cc;
	struct tls_anchors anchors;
	const char *bundle;
	struct tls_session *s, *c;
	size_t chunk;
	bool refuse_sign, no_key;
};

static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	struct pair *p = ctx;

	CHECK_INT(req->generation, 7);
	return !p->refuse_sign && tls_key_sign(&p->key, req, sig, len);
}

static size_t read_bundle(void *ctx, uint32_t offset, unsigned char *to, size_t len)
{
	struct pair *p = ctx;
	struct span rest = span_head(span_skip(span_str(p->bundle), offset), len < 100 ? len : 100);

	if (rest.len)
		memcpy(to, rest.ptr, rest.len);
	return rest.len;
}

static void pair_init(struct pair *p, const char *chain, const char *inter, const char *key)
{
	struct err e = {0};

	memset(p, 0, sizeof *p);
	p->chunk = 100000;
	buf_init(&p->der, TLS_CHAIN_OCTETS);
	if (!tls_chain_from_pem(span_str(chain), &p->der, &e) ||
	    (inter && !tls_chain_from_pem(span_str(inter), &p->der, &e)) ||
	    !tls_chain_split(buf_span(&p->der), &p->sc.chain, &e) ||
	    !tls_key_from_pem(span_str(key), &p->key, &e) ||
	    !tls_key_matches(&p->key, &p->sc.chain, &e))
		TEST_FAIL("%s", e.text);
	p->sc.generation = 7;
	p->sc.sign = sign;
	p->sc.ctx = p;
	tls_anchors_init(&p->anchors, read_bundle, p);
}

static void trust(struct pair *p, const char *bundle)
{
	p->bundle = bundle;
	tls_anchors_scan(&p->anchors);
	p->cc.anchors = &p->anchors;
	p->cc.require = true;
}

static void pair_start(struct pair *p, const char *name, uint64_t now)
{
	p->s = tls_server_start(malloc(tls_session_size()), &p->sc, span_make(seed_a, TLS_SEED));
	p->c = tls_client_start(malloc(tls_session_size()), &p->cc, name,
				span_make(seed_b, TLS_SEED), now);
}

static void pair_free(struct pair *p)
{
	if (p->s)
		tls_wipe(p->s);
	if (p->c)
		tls_wipe(p->c);
	free(p->s);
	free(p->c);
	buf_free(&p->der);
	tls_anchors_free(&p->anchors);
}

static bool move(struct tls_session *from, struct tls_session *to, size_t chunk)
{
	struct span out = span_head(tls_output(from), chunk);
	size_t n = tls_feed(to, out);

	tls_output_ack(from, n);
	return n != 0;
}

static void pump(struct pair *p)
{
	while (move(p->c, p->s, p->chunk) | move(p->s, p->c, p->chunk))
		;
}

static void send_all(struct pair *p, struct tls_session *from, struct tls_session *to,
		     struct span out, struct buf *got)
{
	for (int idle = 0; idle < 3;) {
		size_t n = tls_write(from, out);

		out = span_skip(out, n);
		if (!out.len)
			tls_flush(from);
		bool moved = move(from, to, p->chunk);
		struct span in = span_head(tls_read(to), 1000);
		buf_put(got, in);
		tls_read_ack(to, in.len);
		idle = n || moved || in.len ? 0 : idle + 1;
	}
	CHECK_INT(out.len, 0);
}

static void exchange(struct pair *p)
{
	static char text[40000];
	struct buf got;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7 + i / 251);
	buf_init(&got, sizeof text);
	size_t n = p->chunk == 1 ? 5000 : sizeof text;
	send_all(p, p->c, p->s, span_make(text, n), &got);
	CHECK(span_eq(buf_span(&got), span_make(text, n)));
	buf_reset(&got);
	send_all(p, p->s, p->c, span_make(text, n), &got);
	CHECK(span_eq(buf_span(&got), span_make(text, n)));
	buf_free(&got);
}

static void close_both(struct pair *p)
{
	CHECK_INT(tls_state(p->c), TLS_OPEN);
	tls_close(p->c);
	CHECK_INT(tls_state(p->c), TLS_CLOSING);
	CHECK_INT(tls_write(p->c, SPAN("x")), 0);
	pump(p);
	CHECK_INT(tls_state(p->s), TLS_CLOSED);
	CHECK_INT(tls_state(p->c), TLS_CLOSED);
	CHECK_INT(tls_output(p->s).len, 0);
}

static const struct {
	const char *chain, *inter, *key;
	unsigned bits;
	uint16_t suite;
	const char *name;
} good[] = {
    {pem_ec256, pem_inter, pem_ec256_key, 256, BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
     "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {pem_ec256, pem_inter, pem_ec256_key, 256, BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
     "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {pem_ec384, NULL, pem_ec384_key, 384, BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
     "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {pem_rsa2048, pem_inter, pem_rsa2048_key, 2048, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
     "ECDHE-RSA-AES128-GCM-SHA256"},
    {pem_rsa2048, pem_inter, pem_rsa2048_key, 2048, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
     "ECDHE-RSA-AES256-GCM-SHA384"},
    {pem_rsa2048, pem_inter, pem_rsa2048_key, 2048, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
     "ECDHE-RSA-CHACHA20-POLY1305"},
};

TEST(every_suite_and_key_in_every_chunking)
{
	static const size_t chunks[] = {100000, 1, 13, 4096};
	struct pair p;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		for (size_t k = 0; k < sizeof chunks / sizeof chunks[0]; k++) {
			pair_init(&p, good[i].chain, good[i].inter, good[i].key);
			CHECK_INT(p.sc.chain.key_bits, good[i].bits);
			trust(&p, pem_root);
			CHECK_INT(tls_anchors_count(&p.anchors), 1);
			p.chunk = chunks[k];
			pair_start(&p, "mail.example.org", NOW);
			br_ssl_engine_set_suites(&p.s->u.eng, &good[i].suite, 1);
			CHECK_INT(tls_state(p.c), TLS_HANDSHAKE);
			CHECK_INT(tls_write(p.c, SPAN("x")), 0);
			pump(&p);
			CHECK_INT(tls_state(p.s), TLS_OPEN);
			CHECK_INT(tls_state(p.c), TLS_OPEN);
			CHECK_SPAN(span_str(tls_error_text(p.c)), SPAN(""));
			CHECK_INT(tls_peer(p.c), TLS_PEER_VERIFIED);
			CHECK_INT(tls_peer(p.s), TLS_PEER_UNKNOWN);
			CHECK_SPAN(span_str(tls_cipher_name(p.c)), span_str(good[i].name));
			CHECK_SPAN(span_str(tls_cipher_name(p.s)), span_str(good[i].name));
			CHECK_SPAN(span_str(tls_version_name(p.s)), SPAN("TLSv1.2"));
			CHECK_SPAN(span_str(tls_server_name(p.s)), SPAN("mail.example.org"));
			exchange(&p);
			close_both(&p);
			pair_free(&p);
		}
}

static void hex(const char *text, unsigned char *out)
{
	for (size_t i = 0; i < TLS_PIN; i++) {
		unsigned v = 0;

		sscanf(text + 2 * i, "%2x", &v);
		out[i] = (unsigned char)v;
	}
}

TEST(hashes_of_the_peer_are_those_openssl_prints)
{
	static const struct {
		const char *chain, *inter, *key, *spki, *cert;
	} rows[] = {
	    {pem_ec256, pem_inter, pem_ec256_key, hex_key_ec256, hex_cert_ec256},
	    {pem_ec384, NULL, pem_ec384_key, hex_key_ec384, hex_cert_ec384},
	    {pem_rsa2048, pem_inter, pem_rsa2048_key, hex_key_rsa2048, hex_cert_rsa2048},
	};
	unsigned char want[TLS_PIN];
	struct pair p;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pair_init(&p, rows[i].chain, rows[i].inter, rows[i].key);
		pair_start(&p, "mail.example.org", NOW);
		CHECK(!tls_peer_key_hash(p.c));
		pump(&p);
		CHECK_INT(tls_peer(p.c), TLS_PEER_UNCHECKED);
		hex(rows[i].spki, want);
		CHECK(memcmp(tls_peer_key_hash(p.c), want, TLS_PIN) == 0);
		hex(rows[i].cert, want);
		CHECK(memcmp(tls_peer_cert_hash(p.c), want, TLS_PIN) == 0);
		CHECK(!tls_peer_key_hash(p.s));
		pair_free(&p);
	}
}

/* The client fails, knows why, and its alert tells the server. */
static void expect_refusal(struct pair *p, const char *name, uint64_t now, const char *why)
{
	p->cc.require = true;
	pair_start(p, name, now);
	pump(p);
	CHECK_INT(tls_state(p->c), TLS_FAILED);
	CHECK(tls_error_is_trust(p->c));
	CHECK_INT(tls_peer(p->c), TLS_PEER_BAD);
	if (!strstr(tls_error_text(p->c), why))
		TEST_FAIL("\"%s\" does not say \"%s\"", tls_error_text(p->c), why);
	CHECK_INT(tls_state(p->s), TLS_FAILED);
	CHECK(strstr(tls_error_text(p->s), "the peer refused"));
	pair_free(p);
}

/* The same, where nobody insists: it works and the verdict is the same. */
static void expect_bad(struct pair *p, const char *name, uint64_t now, const char *why)
{
	p->cc.require = false;
	pair_start(p, name, now);
	pump(p);
	CHECK_INT(tls_state(p->c), TLS_OPEN);
	CHECK_INT(tls_peer(p->c), TLS_PEER_BAD);
	if (!strstr(tls_peer_text(p->c), why))
		TEST_FAIL("\"%s\" does not say \"%s\"", tls_peer_text(p->c), why);
	exchange(p);
	pair_free(p);
}

TEST(what_must_not_verify_does_not)
{
	static const struct {
		const char *chain, *inter, *bundle, *name;
		uint64_t now;
		const char *why;
	} rows[] = {
	    {pem_ec256, pem_inter, pem_root, "mail.example.com", NOW, "another name"},
	    {pem_ec256, pem_inter, pem_root, "a.b.example.net", NOW, "another name"},
	    {pem_ec256, pem_inter, pem_root, "example.net", NOW, "another name"},
	    {pem_ec256, pem_inter, pem_root, "mail.example.org", 5000000000, "expired"},
	    {pem_ec256, pem_inter, pem_root, "mail.example.org", 0, "not yet valid"},
	    {pem_ec256, pem_inter, "", "mail.example.org", NOW, "no certificate authorities"},
	    {pem_ec256, NULL, pem_root, "mail.example.org", NOW, "trusted authority"},
	    {pem_ec256, pem_inter, pem_ec384, "mail.example.org", NOW, "trusted authority"},
	    {pem_ec256, pem_inter, pem_root, "192.0.2.1", NOW, "by address"},
	    {pem_ec256, pem_inter, pem_root, "2001:db8::1", NOW, "by address"},
	    {pem_ec256, pem_inter, pem_root, NULL, NOW, "by address"},
	};
	struct pair p;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (int require = 0; require < 2; require++) {
			pair_init(&p, rows[i].chain, rows[i].inter, pem_ec256_key);
			trust(&p, rows[i].bundle);
			if (require)
				expect_refusal(&p, rows[i].name, rows[i].now, rows[i].why);
			else
				expect_bad(&p, rows[i].name, rows[i].now, rows[i].why);
		}
}

TEST(wildcard_and_case_verify)
{
	static const char *const names[] = {"a.example.net", "MAIL.Example.ORG"};
	struct pair p;

	for (size_t i = 0; i < 2; i++) {
		pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
		trust(&p, pem_root);
		pair_start(&p, names[i], NOW);
		pump(&p);
		CHECK_INT(tls_peer(p.c), TLS_PEER_VERIFIED);
		pair_free(&p);
	}
}

TEST(pins)
{
	static const struct {
		const char *hex;
		bool fits;
	} rows[] = {{hex_key_ec256, true}, {hex_cert_ec256, true}, {hex_key_ec384, false}};
	unsigned char pin[TLS_PIN];
	struct pair p;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pair_init(&p, pem_ec256, NULL, pem_ec256_key);
		hex(rows[i].hex, pin);
		p.cc = (struct tls_client_config){.require = true, .pin = pin};
		if (!rows[i].fits) {
			expect_refusal(&p, "192.0.2.1", 0, "pin");
			continue;
		}
		pair_start(&p, "192.0.2.1", 0);
		CHECK_SPAN(span_str(tls_server_name(p.s)), SPAN(""));
		pump(&p);
		CHECK_INT(tls_peer(p.c), TLS_PEER_VERIFIED);
		exchange(&p);
		pair_free(&p);
	}
}

TEST(require_without_anything_to_check_by_fails)
{
	struct pair p;

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	expect_refusal(&p, "mail.example.org", NOW, "no certificate authorities");
}

TEST(anchors_are_found_in_a_crowd)
{
	static char bundle[60000];
	struct pair p;
	size_t n = 0;

	n += (size_t)snprintf(bundle + n, sizeof bundle - n, "# comment\n%s", pem_ec384);
	for (int i = 0; i < 10; i++)
		n += (size_t)snprintf(bundle + n, sizeof bundle - n, "%s# next\n%s", pem_rsa2048,
				      i == 5 ? "-----BEGIN CERTIFICATE-----\n!!\n" : pem_ed);
	snprintf(bundle + n, sizeof bundle - n, "\n# ours\r\n%s%s", pem_root, pem_inter);
	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	trust(&p, bundle);
	CHECK_INT(tls_anchors_count(&p.anchors), 13);
	pair_start(&p, "mail.example.org", NOW);
	pump(&p);
	CHECK_INT(tls_peer(p.c), TLS_PEER_VERIFIED);
	pair_free(&p);
}

TEST(a_bundle_that_changed_is_not_believed)
{
	struct pair p;

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	trust(&p, pem_root);
	p.bundle = pem_rsa2048;
	expect_refusal(&p, "mail.example.org", NOW, "trusted authority");
	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	trust(&p, pem_root);
	p.bundle = "";
	expect_refusal(&p, "mail.example.org", NOW, "trusted authority");
}

/* Damage at every octet of a certificate ends in an error, however it is cut. */
TEST(damaged_certificates_fail)
{
	static const size_t chunks[] = {100000, 1};
	struct pair p;

	for (size_t at = 0; at < 380; at += 3) /* all that is signed */
		for (size_t k = 0; k < 2; k++) {
			pair_init(&p, pem_ec256, NULL, pem_ec256_key);
			p.der.ptr[at % p.der.len] ^= 0x55;
			p.chunk = chunks[k];
			trust(&p, pem_inter);
			pair_start(&p, "mail.example.org", NOW);
			pump(&p);
			CHECK_INT(tls_state(p.c), TLS_FAILED);
			CHECK(tls_error_text(p.c)[0]);
			pair_free(&p);
		}
}

TEST(cleartext_into_the_stream_fails)
{
	static const char *const junk[] = {"EHLO example.org\r\n", "\x80\x2e\x01\x03\x01\0\x15",
					   "\x15\x03\x03\x40\x01"};
	struct pair p;

	for (size_t i = 0; i < 3; i++) {
		pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
		pair_start(&p, "mail.example.org", NOW);
		tls_feed(p.s, span_str(junk[i]));
		CHECK_INT(tls_state(p.s), TLS_FAILED);
		CHECK(tls_error_text(p.s)[0]);
		CHECK_INT(tls_output(p.s).len, 7);
		CHECK_INT(tls_feed(p.s, SPAN("more")), 0);
		pair_free(&p);

		pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
		pair_start(&p, "mail.example.org", NOW);
		pump(&p);
		tls_feed(p.c, SPAN("250 ok\r\n"));
		CHECK_INT(tls_state(p.c), TLS_FAILED);
		CHECK_INT(tls_read(p.c).len, 0);
		CHECK_INT(tls_output(p.c).len, 0);
		pair_free(&p);
	}
}

TEST(renegotiation_is_refused_and_the_session_goes_on)
{
	struct pair p;

	for (int by_server = 0; by_server < 2; by_server++) {
		pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
		pair_start(&p, "mail.example.org", NOW);
		pump(&p);
		struct tls_session *asks = by_server ? p.s : p.c, *other = by_server ? p.c : p.s;
		asks->u.eng.flags = 0;
		CHECK(br_ssl_engine_renegotiate(&asks->u.eng));
		struct span out = tls_output(asks);
		/* A reply is being sent, so the refusal has to wait; that is not the end. */
		tls_write(other, SPAN("250 ok\r\n"));
		tls_flush(other);
		CHECK_INT(tls_feed(other, out), out.len);
		tls_output_ack(asks, out.len);
		CHECK_INT(tls_state(other), TLS_OPEN);
		pump(&p);
		CHECK_INT(tls_state(other), TLS_OPEN);
		pair_free(&p);
	}
}

TEST(one_flipped_bit_is_noticed)
{
	struct pair p;
	char copy[64];

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	pair_start(&p, "mail.example.org", NOW);
	pump(&p);
	CHECK_INT(tls_write(p.c, SPAN("NOOP\r\n")), 6);
	tls_flush(p.c);
	struct span out = tls_output(p.c);
	CHECK(out.len < sizeof copy);
	memcpy(copy, out.ptr, out.len);
	copy[out.len - 1] ^= 1;
	tls_feed(p.s, span_make(copy, out.len));
	CHECK_INT(tls_state(p.s), TLS_FAILED);
	CHECK_INT(tls_read(p.s).len, 0);
	CHECK(strstr(tls_error_text(p.s), "forged"));
	pair_free(&p);
}

TEST(a_refused_signature_fails_both)
{
	struct pair p;

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	p.refuse_sign = true;
	pair_start(&p, "mail.example.org", NOW);
	pump(&p);
	CHECK(strstr(tls_error_text(p.s), "signature"));
	CHECK_INT(tls_state(p.c), TLS_FAILED);
	CHECK(!tls_error_is_trust(p.c));
	pair_free(&p);
}

TEST(no_common_suite_is_said_once)
{
	static const uint16_t none = BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
	struct pair p;

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	pair_start(&p, "mail.example.org", NOW);
	br_ssl_engine_set_suites(&p.s->u.eng, &none, 1);
	pump(&p);
	CHECK_INT(tls_state(p.s), TLS_FAILED);
	CHECK(strstr(tls_error_text(p.s), "both sides support"));
	CHECK(strstr(tls_error_text(p.c), "handshake failure"));
	CHECK_INT(tls_output(p.s).len, 0);
	pair_free(&p);
}

TEST(without_a_seed_nothing_starts)
{
	struct pair p;
	void *mem = malloc(tls_session_size());

	pair_init(&p, pem_ec256, pem_inter, pem_ec256_key);
	struct tls_session *s = tls_server_start(mem, &p.sc, span_make(seed_a, TLS_SEED - 1));
	CHECK_INT(tls_state(s), TLS_FAILED);
	CHECK(strstr(tls_error_text(s), "randomness"));
	free(mem);
	pair_free(&p);
}

TEST(a_session_is_small)
{
	CHECK(tls_session_size() <= 26 * 1024);
}

TEST(the_clock_is_at_least_the_build_date)
{
	CHECK_INT(tls_clock(5, 10), 10);
	CHECK_INT(tls_clock(15, 10), 15);
}

TEST_MAIN
