/* cert: self-made certificates decode, verify and serve. */
#include "proto/cert.h"

#include "proto/tls_anchor.h"
#include "proto/tls_chain.h"
#include "tests/unit/test.h"

#define NOW UINT64_C(1893456000) /* 2030-01-01 */

static const char seed[TLS_SEED + 1] = "thirty-two octets of randomness!";

struct made {
	struct tls_key key;
	struct buf der, cert, pem_key;
	bool good;
	struct err e;
};

static void make(struct made *m, const struct span *names, size_t n, uint64_t from, uint64_t to)
{
	struct cert_request req = {
	    .names = names, .n = n, .not_before = from, .not_after = to, .serial = "\xff"};

	memset(m, 0, sizeof *m);
	buf_init(&m->der, CERT_MAX);
	buf_init(&m->cert, CERT_MAX);
	buf_init(&m->pem_key, CERT_MAX);
	CHECK(cert_make_key(span_make(seed, TLS_SEED), &m->key));
	m->good = cert_self_signed(&m->key, &req, &m->der, &m->e);
	if (m->good) {
		cert_put_pem(buf_span(&m->der), "CERTIFICATE", &m->cert);
		CHECK(cert_put_key(&m->key, &m->pem_key));
	}
}

static void drop(struct made *m)
{
	buf_free(&m->der);
	buf_free(&m->cert);
	buf_wipe(&m->pem_key);
}

static const struct span one[] = {{"mail.example.org", 16}};

TEST(what_is_made_is_read_back)
{
	struct made m;
	struct tls_chain chain;
	struct tls_key key;
	struct buf der;
	struct err e = {0};

	make(&m, one, 1, NOW, NOW + 315360000);
	CHECK(m.good);
	buf_init(&der, TLS_CHAIN_OCTETS);
	CHECK(tls_chain_from_pem(buf_span(&m.cert), &der, &e));
	CHECK_SPAN(buf_span(&der), buf_span(&m.der));
	CHECK(tls_chain_split(buf_span(&der), &chain, &e));
	CHECK_INT(chain.n, 1);
	CHECK_INT(chain.key_bits, 256);
	CHECK_INT(tls_chain_expires(&chain), NOW + 315360000);
	CHECK(tls_key_from_pem(buf_span(&m.pem_key), &key, &e));
	CHECK(memcmp(&key, &m.key, sizeof key) == 0);
	CHECK(tls_key_matches(&key, &chain, &e));
	buf_free(&der);
	drop(&m);
}

static size_t read_made(void *ctx, uint32_t offset, unsigned char *to, size_t len)
{
	struct made *m = ctx;
	struct span rest = span_head(span_skip(buf_span(&m->cert), offset), len);

	if (rest.len)
		memcpy(to, rest.ptr, rest.len);
	return rest.len;
}

static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	struct made *m = ctx;

	return tls_key_sign(&m->key, req, sig, len);
}

static enum tls_verdict handshake(struct made *server, struct made *trusted, const char *name,
				  const char **why)
{
	struct tls_server_config sc = {.sign = sign, .ctx = server};
	struct tls_anchors anchors;
	struct tls_client_config cc = {.anchors = &anchors};
	void *sm = malloc(tls_session_size()), *cm = malloc(tls_session_size());
	size_t moved;

	CHECK(tls_chain_split(buf_span(&server->der), &sc.chain, &server->e));
	tls_anchors_init(&anchors, read_made, trusted);
	CHECK_INT(tls_anchors_scan(&anchors), 1);
	struct tls_session *s = tls_server_start(sm, &sc, span_make(seed, TLS_SEED));
	struct tls_session *c = tls_client_start(cm, &cc, name, span_make(seed, TLS_SEED), NOW + 1);
	do {
		moved = tls_feed(s, tls_output(c));
		tls_output_ack(c, moved);
		size_t back = tls_feed(c, tls_output(s));
		tls_output_ack(s, back);
		moved += back;
	} while (moved);
	CHECK_INT(tls_state(c), TLS_OPEN);
	enum tls_verdict verdict = tls_peer(c);
	*why = tls_peer_text(c);
	free(sm);
	free(cm);
	tls_anchors_free(&anchors);
	return verdict;
}

TEST(a_client_that_was_given_it_trusts_it)
{
	static const struct span two[] = {{"other.example.org", 17}, {"mail.example.org", 16}};
	struct made m, other;
	const char *why;

	make(&m, two, 2, NOW, NOW + 1000);
	make(&other, one, 1, NOW, NOW + 1000);
	CHECK_INT(handshake(&m, &m, "mail.example.org", &why), TLS_PEER_VERIFIED);
	CHECK_INT(handshake(&m, &m, "other.example.org", &why), TLS_PEER_VERIFIED);
	CHECK_INT(handshake(&m, &m, "example.org", &why), TLS_PEER_BAD);
	CHECK_INT(handshake(&m, &other, "mail.example.org", &why), TLS_PEER_BAD);
	CHECK(strstr(why, "self-signed"));
	drop(&m);
	drop(&other);
}

/* Same name, another key: being in the bundle is not being the same. */
TEST(another_key_of_the_same_name_is_not_trusted)
{
	struct made m, other;
	const char *why;

	make(&m, one, 1, NOW, NOW + 1000);
	make(&other, one, 1, NOW, NOW + 1000);
	CHECK(cert_make_key(SPAN("another seed, as long as the first"), &other.key));
	struct cert_request req = {.names = one, .n = 1, .not_before = NOW, .not_after = NOW + 9};
	buf_reset(&other.der);
	CHECK(cert_self_signed(&other.key, &req, &other.der, &other.e));
	CHECK_INT(handshake(&other, &m, "mail.example.org", &why), TLS_PEER_BAD);
	CHECK(strstr(why, "self-signed"));
	drop(&m);
	drop(&other);
}

TEST(long_names_and_late_years)
{
	static const char label[] =
	    "a23456789012345678901234567890123456789012345678901234567890123";
	char name[256];
	struct made m;

	snprintf(name, sizeof name, "%s.%s.%s.example", label, label, label);
	struct span many[CERT_NAMES_MAX];
	for (size_t i = 0; i < CERT_NAMES_MAX; i++)
		many[i] = span_str(name);
	make(&m, many, CERT_NAMES_MAX, NOW, 4000000000);
	CHECK(m.good);
	struct tls_chain chain;
	CHECK(tls_chain_split(buf_span(&m.der), &chain, &m.e));
	CHECK_INT(tls_chain_expires(&chain), 4000000000);
	drop(&m);
}

/* A certificate's beginning: version, serial, algorithm, issuer, dates, subject. */
#define NAMED                                                                              \
	"\x30\x82\x03\x00\x30\x82\x02\x00\xa0\x03\x02\x01\x02\x02\x01\x05\x30\x02\x06\x00" \
	"\x30\x1b\x31\x0b\x30\x09\x06\x03\x55\x04\x0a\x13\x02\x61\x28"                     \
	"\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x13\x03\x43\x00\x41"                         \
	"\x30\x02\x17\x00"                                                                 \
	"\x30\x18\x31\x16\x30\x14\x06\x03\x55\x04\x03\x13\x0d/CN=a.example"

/* Values of one octet, of which the second is the certificate's last. */
#define SHORT                                                                  \
	"\x30\x82\x03\x00\x30\x82\x02\x00\x02\x01\x05\x30\x02\x06\x00\x30\x18" \
	"\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x13\x01X"                        \
	"\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01"                         \
	"a"

TEST(names)
{
	struct span der = span_make(NAMED, sizeof NAMED - 1);
	struct tls_names n;

	tls_names_read(der, &n);
	CHECK_SPAN(span_str(n.issuer.text), span_str("/O=a+28/CN=C+00A"));
	CHECK_SPAN(span_str(n.issuer.cn), span_str("C+00A"));
	CHECK_SPAN(span_str(n.subject.text), span_str("/CN=/CN=a.example"));
	CHECK_SPAN(span_str(n.subject.cn), span_str("/CN=a.example"));
	/* Cut anywhere, in memory of its own so that a read behind it shows. */
	for (size_t len = 0; len < der.len; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, der.ptr, len);
		tls_names_read(span_make(copy, len), &n);
		/* Half a name might be somebody else's. */
		CHECK_SPAN(span_str(n.subject.cn), span_str(""));
		free(copy);
	}
	tls_names_read(span_make(SHORT, sizeof SHORT - 1), &n);
	CHECK_SPAN(span_str(n.issuer.text), span_str("/O=X/CN=a"));
}

TEST(what_is_refused)
{
	static const struct span bad[] = {
	    {"", 0},         {"a b", 3},  {"-a.example", 10}, {"a..b", 4},
	    {"example.", 8}, {"a\nb", 3}, {"*.example", 9},   {"a\0b", 3},
	};
	struct made m;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		make(&m, &bad[i], 1, NOW, NOW + 1);
		CHECK(!m.good);
		drop(&m);
	}
	make(&m, one, 0, NOW, NOW + 1);
	CHECK(!m.good);
	make(&m, one, 1, NOW, NOW);
	CHECK(!m.good);
	make(&m, one, 1, NOW, UINT64_MAX);
	CHECK(!m.good);
	struct tls_key key;
	CHECK(!cert_make_key(span_make(seed, CERT_SEED - 1), &key));
	struct cert_request req = {.names = one, .n = 1, .not_before = 1, .not_after = 2};
	CHECK(!cert_self_signed(&key, &req, &m.der, &m.e));
}

TEST_MAIN
