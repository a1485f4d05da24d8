/*
 * Passwords against crypt strings with MD5 and SHA-2, and SCRAM; see proto/secret.h.
 *
 * The MD5 and SHA-2 schemes are those of FreeBSD and of U. Drepper's specification; both
 * write their digests in their own base 64, low bits first, in an order of their own.
 */
#include "proto/secret.h"

#include <bearssl.h>
#include <string.h>

#include "base/base64.h"
#include "base/num.h"

static const char itoa64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

enum {
	MD5_SALT = 8,
	MD5_ROUNDS = 1000,
	SHA_SALT = 16,
	SHA_ROUNDS = 5000,
	SHA_ROUNDS_MIN = 1000,
	SHA_ROUNDS_MAX = 999999999,
	DIGEST_MAX = 64,
	SCRAM_ROUNDS_MAX = 10000000,
};

/*
 * Takes the same time whatever differs and wherever, so that nothing is learnt by timing;
 * the length of b alone shows, and it is the same for all of a scheme.
 */
bool secret_equal(struct span a, struct span b)
{
	volatile unsigned char differ = a.len != b.len;

	for (size_t i = 0; i < b.len; i++)
		differ |= (unsigned char)(b.ptr[i] ^ (i < a.len ? a.ptr[i] : 0));
	return differ == 0;
}

/*
 * Digits for the octets at a, b and c of digest; of the third alone when n is 2.  Not the base
 * 64 of RFC 4648: the lowest six bits come first.
 */
static void put64(struct buf *out, const unsigned char *d, int a, int b, int c, int n)
{
	uint32_t v = (uint32_t)(a < 0 ? 0 : d[a]) << 16 | (uint32_t)(b < 0 ? 0 : d[b]) << 8 | d[c];

	for (; n > 0; n--, v >>= 6)
		buf_putc(out, itoa64[v & 63]);
}

/* A hash of any kind, with its state. */
struct hash {
	const br_hash_class *kind;
	br_hash_compat_context state;
	size_t len; /* of the digest */
};

static void start(struct hash *h, const br_hash_class *kind)
{
	h->kind = kind;
	h->len = kind->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
	kind->init(&h->state.vtable);
}

static void add(struct hash *h, const void *p, size_t n)
{
	h->kind->update(&h->state.vtable, p, n);
}

static void finish(struct hash *h, unsigned char *digest)
{
	h->kind->out(&h->state.vtable, digest);
}

/* n octets of a digest repeated. */
static void add_repeated(struct hash *h, const unsigned char *digest, size_t n)
{
	for (; n > h->len; n -= h->len)
		add(h, digest, h->len);
	add(h, digest, n);
}

static void md5_start(struct hash *h, struct span salt, struct span password, unsigned char *d)
{
	start(h, &br_md5_vtable);
	add(h, password.ptr, password.len);
	add(h, salt.ptr, salt.len);
	add(h, password.ptr, password.len);
	finish(h, d);
	start(h, &br_md5_vtable);
	add(h, password.ptr, password.len);
	add(h, "$1$", 3);
	add(h, salt.ptr, salt.len);
	add_repeated(h, d, password.len);
	/*
	 * An error of the first version that became the format: one octet of the password
	 * or a NUL, by the bits of its length.
	 */
	for (size_t n = password.len; n; n >>= 1)
		add(h, n & 1 ? "" : password.ptr, 1);
	finish(h, d);
}

bool secret_md5_crypt(struct span setting, struct span password, struct buf *out)
{
	struct span salt = span_head(setting, span_index(setting, '$'));
	unsigned char d[DIGEST_MAX];
	struct hash h;

	/* Longer salts are cut, as every other implementation does. */
	salt = span_head(salt, MD5_SALT);
	md5_start(&h, salt, password, d);
	for (int i = 0; i < MD5_ROUNDS; i++) {
		struct span digest = span_make(d, h.len);

		start(&h, &br_md5_vtable);
		add(&h, i & 1 ? password.ptr : digest.ptr, i & 1 ? password.len : digest.len);
		if (i % 3)
			add(&h, salt.ptr, salt.len);
		if (i % 7)
			add(&h, password.ptr, password.len);
		add(&h, i & 1 ? digest.ptr : password.ptr, i & 1 ? digest.len : password.len);
		finish(&h, d);
	}
	buf_puts(out, "$1$");
	buf_put(out, salt);
	buf_putc(out, '$');
	/* The order of octets is part of the format; it has no other reason. */
	for (int i = 0; i < 4; i++)
		put64(out, d, i, i + 6, i + 12, 4);
	put64(out, d, 4, 10, 5, 4);
	put64(out, d, -1, -1, 11, 2);
	explicit_bzero(d, sizeof d);
	explicit_bzero(&h, sizeof h);
	return true;
}

/* wide: SHA-512, 64 octets of digest; else SHA-256 and 32. */
struct sha {
	const br_hash_class *kind;
	struct span salt, password;
	unsigned char a[DIGEST_MAX];                /* the digest of the round before */
	unsigned char p[DIGEST_MAX], s[DIGEST_MAX]; /* for password and salt in the rounds */
};

/*
 * Digests A, of which the rounds begin, and those that P and S are made of. The steps are
 * numbered 1 to 20 in the specification and must be done to the letter.
 */
static void sha_start(struct sha *x)
{
	struct hash h;

	start(&h, x->kind);
	add(&h, x->password.ptr, x->password.len);
	add(&h, x->salt.ptr, x->salt.len);
	add(&h, x->password.ptr, x->password.len);
	finish(&h, x->p);
	start(&h, x->kind);
	add(&h, x->password.ptr, x->password.len);
	add(&h, x->salt.ptr, x->salt.len);
	add_repeated(&h, x->p, x->password.len);
	for (size_t n = x->password.len; n; n >>= 1)
		add(&h, n & 1 ? (const char *)x->p : x->password.ptr,
		    n & 1 ? h.len : x->password.len);
	finish(&h, x->a);
	start(&h, x->kind);
	/* As many times as the password has octets, which is why its length is bounded. */
	for (size_t i = 0; i < x->password.len; i++)
		add(&h, x->password.ptr, x->password.len);
	finish(&h, x->p);
	start(&h, x->kind);
	for (int i = 0; i < 16 + x->a[0]; i++)
		add(&h, x->salt.ptr, x->salt.len);
	finish(&h, x->s);
	explicit_bzero(&h, sizeof h);
}

static void sha_rounds(struct sha *x, uint64_t rounds)
{
	struct hash h;

	for (uint64_t i = 0; i < rounds; i++) {
		start(&h, x->kind);
		if (i & 1)
			add_repeated(&h, x->p, x->password.len);
		else
			add(&h, x->a, h.len);
		if (i % 3)
			add_repeated(&h, x->s, x->salt.len);
		if (i % 7)
			add_repeated(&h, x->p, x->password.len);
		if (i & 1)
			add(&h, x->a, h.len);
		else
			add_repeated(&h, x->p, x->password.len);
		finish(&h, x->a);
	}
	explicit_bzero(&h, sizeof h);
}

/* The order in which digests are written: each group is the one before, turned and moved. */
static void put_sha(struct buf *out, const unsigned char *d, bool wide)
{
	int third = wide ? 21 : 10, a = 0, b = third, c = 2 * third;

	for (int i = 0; i < third; i++) {
		int was = a;

		put64(out, d, a, b, c, 4);
		a = (wide ? b : c) + 1;
		(wide ? (b = c + 1) : (c = b + 1));
		(wide ? (c = was + 1) : (b = was + 1));
	}
	if (wide)
		put64(out, d, -1, -1, 63, 2);
	else
		put64(out, d, -1, 31, 30, 3);
}

bool secret_sha_crypt(struct span setting, struct span password, bool wide, struct buf *out)
{
	struct sha x = {.kind = wide ? &br_sha512_vtable : &br_sha256_vtable, .password = password};
	uint64_t rounds = SHA_ROUNDS;
	/*
	 * Written into the result as given, even where it is raised: the text must equal
	 * what is stored.
	 */
	bool given = span_starts(setting, SPAN("rounds="));

	if (given) {
		struct span number = span_cut(&setting, '$');

		if (!num_parse(span_skip(number, 7), SHA_ROUNDS_MAX, &rounds))
			return false;
		if (rounds < SHA_ROUNDS_MIN)
			rounds = SHA_ROUNDS_MIN;
	}
	x.salt = span_head(span_head(setting, span_index(setting, '$')), SHA_SALT);
	sha_start(&x);
	sha_rounds(&x, rounds);
	buf_puts(out, wide ? "$6$" : "$5$");
	if (given)
		buf_printf(out, "rounds=%llu$", (unsigned long long)rounds);
	buf_put(out, x.salt);
	buf_putc(out, '$');
	put_sha(out, x.a, wide);
	explicit_bzero(&x, sizeof x);
	return true;
}

/* Lengths first: work may grow with the square of the password's. */
bool secret_crypt(struct span setting, struct span password, struct buf *out)
{
	if (password.len > SECRET_PASSWORD_MAX || setting.len >= SECRET_CRYPT_MAX)
		return false;
	if (span_starts(setting, SPAN("$1$")))
		return secret_md5_crypt(span_skip(setting, 3), password, out);
	if (span_starts(setting, SPAN("$5$")) || span_starts(setting, SPAN("$6$")))
		return secret_sha_crypt(span_skip(setting, 3), password, setting.ptr[1] == '6',
					out);
	return span_starts(setting, SPAN("$2")) && secret_bcrypt(setting, password, out);
}

/* Unknown is neither right nor wrong: the scheme is not supported, which the log should say. */
enum secret_verdict secret_fits_crypt(struct span stored, struct span password)
{
	char mem[SECRET_CRYPT_MAX];
	enum secret_verdict v = SECRET_UNKNOWN;
	struct buf b;

	if (password.len > SECRET_PASSWORD_MAX)
		return SECRET_DIFFERS;
	buf_init_fixed(&b, mem, sizeof mem);
	if (secret_crypt(stored, password, &b) && buf_ok(&b))
		v = secret_equal(buf_span(&b), stored) ? SECRET_FITS : SECRET_DIFFERS;
	explicit_bzero(mem, sizeof mem);
	return v;
}

/* RFC 5802 section 2.2: Hi(), for the first and only block of a SHA-256 digest. */
static void hi(struct span password, struct span salt, uint64_t rounds, unsigned char out[32])
{
	static const unsigned char one[4] = {0, 0, 0, 1};
	br_hmac_key_context key;
	br_hmac_context mac;
	unsigned char u[32];

	br_hmac_key_init(&key, &br_sha256_vtable, password.ptr, password.len);
	br_hmac_init(&mac, &key, 0);
	br_hmac_update(&mac, salt.ptr, salt.len);
	br_hmac_update(&mac, one, sizeof one);
	br_hmac_out(&mac, u);
	memcpy(out, u, 32);
	for (uint64_t i = 1; i < rounds; i++) {
		br_hmac_init(&mac, &key, 0);
		br_hmac_update(&mac, u, sizeof u);
		br_hmac_out(&mac, u);
		for (int j = 0; j < 32; j++)
			out[j] ^= u[j];
	}
	explicit_bzero(&key, sizeof key);
	explicit_bzero(&mac, sizeof mac);
	explicit_bzero(u, sizeof u);
}

/* StoredKey of a salted password: H(HMAC(it, "Client Key")). */
static void stored_key(unsigned char salted[32])
{
	br_hmac_key_context key;
	br_hmac_context mac;
	br_sha256_context sha;

	br_hmac_key_init(&key, &br_sha256_vtable, salted, 32);
	br_hmac_init(&mac, &key, 0);
	br_hmac_update(&mac, "Client Key", 10);
	br_hmac_out(&mac, salted);
	br_sha256_init(&sha);
	br_sha256_update(&sha, salted, 32);
	br_sha256_out(&sha, salted);
	explicit_bzero(&key, sizeof key);
	explicit_bzero(&mac, sizeof mac);
}

/*
 * Stored as Dovecot writes it: iterations,salt,StoredKey,ServerKey. The password is
 * checked by making its StoredKey; the server key is only needed for SCRAM itself.
 */
enum secret_verdict secret_fits_scram(struct span stored, struct span password)
{
	struct span count = span_cut(&stored, ','), salt64 = span_cut(&stored, ',');
	struct span key64 = span_cut(&stored, ',');
	char salt_mem[SECRET_CRYPT_MAX], key_mem[SECRET_CRYPT_MAX];
	enum secret_verdict v = SECRET_UNKNOWN;
	unsigned char made[32];
	struct buf salt, key;
	uint64_t rounds;

	buf_init_fixed(&salt, salt_mem, sizeof salt_mem);
	buf_init_fixed(&key, key_mem, sizeof key_mem);
	/* A number of rounds without bound would let one entry stop the process. */
	if (!num_parse(count, SCRAM_ROUNDS_MAX, &rounds) || rounds == 0 ||
	    !base64_decode(salt64, &salt) || !buf_ok(&salt) || !base64_decode(key64, &key) ||
	    key.len != sizeof made)
		return v;
	hi(password, buf_span(&salt), rounds, made);
	stored_key(made);
	v = secret_equal(span_make(made, sizeof made), buf_span(&key)) ? SECRET_FITS
								       : SECRET_DIFFERS;
	explicit_bzero(made, sizeof made);
	return v;
}
