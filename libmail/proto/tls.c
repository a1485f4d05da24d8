/*
 * tls: the session, over BearSSL's engine (RFC 5246).
 *
 * The engine fails silently but for a missing common suite; here a failure in the clear
 * part of the handshake gets its alert, so that the peer's log says why.  Nothing here does
 * I/O, allocates or reads the clock, and the engine is kept from asking the system for
 * randomness by telling it that it already has.
 */
#include "proto/tls.h"

#include "base/err.h"
#include "proto/tls_impl.h"

static const struct suite {
	uint16_t id, bits;
	const char *name;
} suite_names[] = {
    /* named as OpenSSL names them, which is what people look for in Received fields */
    {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 128, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 128, "ECDHE-RSA-AES128-GCM-SHA256"},
    {BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 256, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 256, "ECDHE-RSA-AES256-GCM-SHA384"},
    {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 256, "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 256, "ECDHE-RSA-CHACHA20-POLY1305"},
};

size_t tls_session_size(void)
{
	return sizeof(struct tls_session);
}

static bool ended(const struct tls_session *s)
{
	return br_ssl_engine_current_state(&s->u.eng) == BR_SSL_CLOSED;
}

static int failure(const struct tls_session *s)
{
	if (!ended(s))
		return 0;
	return s->err ? s->err : br_ssl_engine_last_error(&s->u.eng);
}

/*
 * A record that is half sent must not be followed by anything but its rest, and once
 * records are encrypted an alert in the clear would be garbage.
 */
static bool may_alert(const br_ssl_engine_context *eng)
{
	return eng->out.vtable == &br_sslrec_out_clear_vtable && eng->oxc <= eng->oxa;
}

/* After every step of the engine: has the handshake ended, one way or the other? */
static void look(struct tls_session *s)
{
	br_ssl_engine_context *eng = &s->u.eng;

	/*
	 * Room for a whole record is only taken from here on: the space behind
	 * TLS_IN_HANDSHAKE holds the certificate validator before.
	 */
	if (!s->opened && eng->application_data == 1) {
		s->opened = true;
		eng->ibuf_len = TLS_IN_SIZE;
	}
	/* From RECV_FATAL_ALERT on it is the peer's alert, or one that is sent already. */
	if (failure(s) && br_ssl_engine_last_error(eng) < BR_ERR_RECV_FATAL_ALERT &&
	    !s->alert_len && may_alert(eng)) {
		/* TLS record: type alert, version, length 2; level fatal. */
		const unsigned char record[] = {
		    21, 3, 3, 0, 2, 2, (unsigned char)tls_text_alert(failure(s))};

		memcpy(s->alert, record, sizeof record);
		s->alert_len = sizeof record;
	}
}

static struct tls_session *start(void *mem, struct span seed)
{
	struct tls_session *s = mem;

	memset(s, 0, offsetof(struct tls_session, out));
	tls_impl_engine(&s->u.eng);
	br_ssl_engine_set_buffers_bidi(&s->u.eng, s->in, TLS_IN_HANDSHAKE, s->out, TLS_OUT_SIZE);
	/* Else a client asks for short records, which some servers take for an error. */
	s->u.eng.log_max_frag_len = 14;
	/* Without a seed the engine fails with BR_ERR_NO_RANDOM, which is the right answer. */
	s->u.eng.rng_os_rand_done = 1;
	if (seed.len >= TLS_SEED)
		br_ssl_engine_inject_entropy(&s->u.eng, seed.ptr, seed.len);
	return s;
}

/* RFC 5246 section 7.4.1.4.1: the first hash of ours the client can check with this key. */
static unsigned choose_hash(uint32_t offered, bool ec)
{
	for (unsigned h = TLS_SHA256; h <= TLS_SHA512; h++)
		if (offered >> (h + (ec ? 8 : 0)) & 1)
			return h;
	return 0;
}

static int policy_choose(const br_ssl_server_policy_class **class,
			 const br_ssl_server_context *server, br_ssl_server_choices *choices)
{
	struct tls_policy *p = (struct tls_policy *)(void *)class;
	const struct tls_chain *chain = &p->s->cfg.server->chain;
	bool ec = chain->key_type == TLS_KEY_EC;
	unsigned hash = choose_hash(br_ssl_server_get_client_hashes(server), ec);
	size_t n;
	const br_suite_translated *suite = br_ssl_server_get_client_suites(server, &n);

	/*
	 * The client's order of suites decides, so that one without AES instructions gets
	 * ChaCha20.
	 */
	for (size_t i = 0; hash && i < n; i++) {
		if (suite[i][1] >> 12 != (ec ? BR_SSLKEYX_ECDHE_ECDSA : BR_SSLKEYX_ECDHE_RSA))
			continue;
		choices->cipher_suite = suite[i][0];
		/*
		 * 0xFF00 and the hash's number: policy_sign then gets the digest, not what
		 * is hashed.
		 */
		choices->algo_id = 0xFF00 + hash;
		choices->chain = p->chain;
		choices->chain_len = chain->n;
		return 1;
	}
	p->s->err = TLS_ERR_NO_SUITE;
	return 0;
}

/* Suites that decrypt with the server's key are not offered, so this is never reached. */
static uint32_t policy_keyx(const br_ssl_server_policy_class **class, unsigned char *data,
			    size_t *len)
{
	(void)class;
	memset(data, 0, *len);
	return 0;
}

static size_t policy_sign(const br_ssl_server_policy_class **class, unsigned algo,
			  unsigned char *data, size_t digest_len, size_t cap)
{
	struct tls_policy *p = (struct tls_policy *)(void *)class;
	const struct tls_server_config *cfg = p->s->cfg.server;
	struct tls_sign_request req = {
	    .generation = cfg->generation,
	    .key_type = (uint8_t)cfg->chain.key_type,
	    .hash = (uint8_t)algo,
	    .digest_len = (uint8_t)digest_len,
	};
	unsigned char sig[TLS_SIG_MAX];
	size_t len = 0;

	/* The key may be in another process: all that goes there is this request. */
	BUG_ON(digest_len > sizeof req.digest);
	memcpy(req.digest, data, digest_len);
	if (!cfg->sign(cfg->ctx, &req, sig, &len) || !len || len > sizeof sig || len > cap) {
		p->s->err = TLS_ERR_SIGN;
		return 0;
	}
	memcpy(data, sig, len);
	return len;
}

static const br_ssl_server_policy_class policy_class = {
    sizeof(struct tls_policy),
    policy_choose,
    policy_keyx,
    policy_sign,
};

struct tls_session *tls_server_start(void *mem, const struct tls_server_config *cfg,
				     struct span seed)
{
	struct tls_session *s = start(mem, seed);

	s->cfg.server = cfg;
	s->policy.class = &policy_class;
	s->policy.s = s;
	for (size_t i = 0; i < cfg->chain.n; i++) {
		/* BearSSL's type lacks the const that its use keeps. */
		s->policy.chain[i].data = (unsigned char *)(uintptr_t)cfg->chain.cert[i].ptr;
		s->policy.chain[i].data_len = cfg->chain.cert[i].len;
	}
	br_ssl_server_set_policy(&s->u.server, &s->policy.class);
	br_ssl_server_reset(&s->u.server);
	s->u.eng.version_out = BR_TLS10; /* of an alert that comes before a version is agreed on */
	look(s);
	return s;
}

/* RFC 6066 section 3: a literal address is not a host name. */
static bool is_host_name(const char *name)
{
	return name && *name && !strchr(name, ':') && name[strspn(name, "0123456789.")] != '\0';
}

struct tls_session *tls_client_start(void *mem, const struct tls_client_config *cfg,
				     const char *name, struct span seed, uint64_t now)
{
	struct tls_session *s = start(mem, seed);

	s->is_client = true;
	s->cfg.client = cfg;
	s->now = now;
	s->named = is_host_name(name);
	tls_verify_init(s);
	br_ssl_client_reset(&s->u.client, s->named ? name : NULL, 0);
	look(s);
	return s;
}

void tls_wipe(struct tls_session *s)
{
	explicit_bzero(s, sizeof *s);
}

/*
 * The engine takes a record at a time: with plaintext unread it wants no more, and the
 * caller keeps the rest.
 */
size_t tls_feed(struct tls_session *s, struct span in)
{
	size_t used = 0;

	while (used < in.len) {
		size_t room = 0;
		unsigned char *to = br_ssl_engine_recvrec_buf(&s->u.eng, &room);

		if (!to || !room)
			break;
		if (room > in.len - used)
			room = in.len - used;
		memcpy(to, in.ptr + used, room);
		br_ssl_engine_recvrec_ack(&s->u.eng, room);
		used += room;
		look(s);
	}
	return used;
}

struct span tls_read(const struct tls_session *s)
{
	size_t len = 0;
	const void *at = br_ssl_engine_recvapp_buf(&s->u.eng, &len);

	return span_make(at, len);
}

void tls_read_ack(struct tls_session *s, size_t n)
{
	BUG_ON(n > tls_read(s).len);
	if (n)
		br_ssl_engine_recvapp_ack(&s->u.eng, n);
}

size_t tls_write(struct tls_session *s, struct span out)
{
	size_t room = 0;
	unsigned char *to = br_ssl_engine_sendapp_buf(&s->u.eng, &room);

	if (!to || !out.len)
		return 0;
	if (room > out.len)
		room = out.len;
	memcpy(to, out.ptr, room);
	br_ssl_engine_sendapp_ack(&s->u.eng, room);
	return room;
}

void tls_flush(struct tls_session *s)
{
	br_ssl_engine_flush(&s->u.eng, 0);
}

struct span tls_output(const struct tls_session *s)
{
	size_t len = 0;
	const void *at = br_ssl_engine_sendrec_buf(&s->u.eng, &len);

	/* The engine's own records come first; an alert is only made when it has none left. */
	if (at)
		return span_make(at, len);
	return span_make(s->alert + s->alert_at, (size_t)(s->alert_len - s->alert_at));
}

void tls_output_ack(struct tls_session *s, size_t n)
{
	size_t len = 0;

	BUG_ON(n > tls_output(s).len);
	if (!br_ssl_engine_sendrec_buf(&s->u.eng, &len)) {
		s->alert_at += (uint8_t)n;
		return;
	}
	br_ssl_engine_sendrec_ack(&s->u.eng, n);
	look(s);
}

void tls_close(struct tls_session *s)
{
	if (ended(s))
		return;
	s->closing = true;
	/* Unread plaintext would keep the engine from looking at what comes after it. */
	tls_read_ack(s, tls_read(s).len);
	/* The close_notify of RFC 5246 section 7.2.1 tells the peer that nothing was cut off. */
	br_ssl_engine_close(&s->u.eng);
	look(s);
}

enum tls_state tls_state(const struct tls_session *s)
{
	const br_ssl_engine_context *eng = &s->u.eng;

	if (ended(s))
		return failure(s) ? TLS_FAILED : TLS_CLOSED;
	if (s->closing || eng->shutdown_recv)
		return TLS_CLOSING;
	return s->opened ? TLS_OPEN : TLS_HANDSHAKE;
}

const char *tls_error_text(const struct tls_session *s)
{
	return tls_text(failure(s));
}

bool tls_error_is_trust(const struct tls_session *s)
{
	/*
	 * Only what the peer's certificates brought about, so that a caller can tell an
	 * untrusted server from a broken one.
	 */
	int err = failure(s);

	return s->is_client && err && err == s->peer_err;
}

enum tls_verdict tls_peer(const struct tls_session *s)
{
	return s->verdict;
}

const char *tls_peer_text(const struct tls_session *s)
{
	return tls_text(s->peer_err);
}

const unsigned char *tls_peer_key_hash(const struct tls_session *s)
{
	return s->hashed ? s->key_hash : NULL;
}

const unsigned char *tls_peer_cert_hash(const struct tls_session *s)
{
	return s->hashed ? s->cert_hash : NULL;
}

static const struct suite *suite(const struct tls_session *s)
{
	static const struct suite none = {0, 0, ""};

	/* Before the handshake has ended the suite is not agreed on. */
	for (size_t i = 0; s->opened && i < sizeof suite_names / sizeof suite_names[0]; i++)
		if (suite_names[i].id == s->u.eng.session.cipher_suite)
			return &suite_names[i];
	return &none;
}

const char *tls_version_name(const struct tls_session *s)
{
	return s->opened ? "TLSv1.2" : "";
}

const char *tls_cipher_name(const struct tls_session *s)
{
	return suite(s)->name;
}

unsigned tls_cipher_bits(const struct tls_session *s)
{
	return suite(s)->bits;
}

const char *tls_server_name(const struct tls_session *s)
{
	return br_ssl_engine_get_server_name(&s->u.eng);
}
