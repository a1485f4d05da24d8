/*
 * bcrypt (N. Provos and D. Mazieres, 1999), versions $2a$, $2b$ and $2y$; see proto/secret.h.
 *
 * Blowfish's initial tables are the first 33,344 binary digits of pi behind the point.  They are
 * computed here, by Machin's formula: it takes as long as a cheap bcrypt and 4 KiB less of
 * the binary.  $2x$, which keeps an old mistake alive, is not done.
 */
#include <string.h>

#include "base/num.h"
#include "proto/secret.h"

enum {
	P = 18,                 /* round keys */
	S = 4 * 256,            /* substitutions */
	WORDS = P + S,          /* digits of pi, in words */
	DIGITS = WORDS + 1 + 2, /* with the 3, and what rounding may spoil */
	KEY_MAX = 72,           /* octets of a password that count */
	SALT = 16,
	SALT_CHARS = 22,
	HASH = 23, /* octets written: the last of 24 is not */
};

struct blowfish {
	uint32_t t[WORDS]; /* P, then the four S */
};

static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* to = from / by, from word `first` on, before which all is zero. */
static void divide(uint32_t *to, const uint32_t *from, uint32_t by, size_t first)
{
	uint64_t rest = 0;

	for (size_t i = first; i < DIGITS; i++) {
		rest = rest << 32 | from[i];
		to[i] = (uint32_t)(rest / by);
		rest %= by;
	}
}

static void add_to(uint32_t *sum, const uint32_t *term, bool minus, size_t first)
{
	uint64_t carry = minus;

	/* Minus is plus the complement and one. */
	for (size_t i = DIGITS; i-- > 0;) {
		uint32_t t = i < first ? 0 : term[i];

		if (i < first && carry == minus)
			return;
		carry += (uint64_t)sum[i] + (minus ? ~t : t);
		sum[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

/* sum += factor * atan(1 / x), or minus. */
static void add_atan(uint32_t *sum, uint32_t factor, uint32_t x, bool minus)
{
	uint32_t power[DIGITS] = {factor}, term[DIGITS];
	size_t first = 0;

	divide(power, power, x, 0);
	for (uint32_t n = 1; first < DIGITS; n += 2) {
		divide(term, power, n, first);
		add_to(sum, term, minus != ((n & 2) != 0), first);
		divide(power, power, x * x, first);
		while (first < DIGITS && power[first] == 0)
			first++;
	}
}

static void put_pi(struct blowfish *b)
{
	uint32_t pi[DIGITS] = {0};

	add_atan(pi, 16, 5, false);
	add_atan(pi, 4, 239, true);
	memcpy(b->t, pi + 1, sizeof b->t);
}

static void encrypt(const struct blowfish *b, uint32_t x[2])
{
	const uint32_t *s = b->t + P;
	uint32_t l = x[0], r = x[1], was;

	for (int i = 0; i < P - 2; i++) {
		l ^= b->t[i];
		r ^= ((s[l >> 24] + s[256 + (l >> 16 & 255)]) ^ s[512 + (l >> 8 & 255)]) +
		     s[768 + (l & 255)];
		was = l;
		l = r;
		r = was;
	}
	x[0] = r ^ b->t[P - 1];
	x[1] = l ^ b->t[P - 2];
}

/* The next four octets of a key that is repeated for ever. */
static uint32_t next_word(const unsigned char *key, size_t len, size_t *at)
{
	uint32_t w = 0;

	for (int i = 0; i < 4; i++) {
		w = w << 8 | key[*at];
		*at = (*at + 1) % len;
	}
	return w;
}

/* Makes new tables of the old, key and salt (NULL: zeros). */
static void expand(struct blowfish *b, const unsigned char *key, size_t len,
		   const unsigned char *salt)
{
	uint32_t x[2] = {0, 0};
	size_t at = 0;

	for (int i = 0; i < P; i++)
		b->t[i] ^= next_word(key, len, &at);
	at = 0;
	for (int i = 0; i < WORDS; i += 2) {
		if (salt) {
			x[0] ^= next_word(salt, SALT, &at);
			x[1] ^= next_word(salt, SALT, &at);
		}
		encrypt(b, x);
		b->t[i] = x[0];
		b->t[i + 1] = x[1];
	}
}

/* Base 64 with high bits first, and its own digits. */
static void put(struct buf *out, const unsigned char *p, size_t n)
{
	uint32_t bits = 0, have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			buf_putc(out, digits[bits >> (have - 6) & 63]);
	}
	if (have)
		buf_putc(out, digits[bits << (6 - have) & 63]);
}

static bool get_salt(struct span text, unsigned char salt[SALT])
{
	uint32_t bits = 0, have = 0;
	size_t n = 0;

	if (text.len < SALT_CHARS)
		return false;
	for (size_t i = 0; i < SALT_CHARS; i++) {
		const char *at = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;

		if (!at)
			return false;
		bits = bits << 6 | (uint32_t)(at - digits);
		have += 6;
		if (have >= 8 && n < SALT)
			salt[n++] = (unsigned char)(bits >> (have -= 8) & 255);
	}
	return true;
}

static void hash(const unsigned char *key, size_t len, const unsigned char salt[SALT],
		 uint64_t cost, unsigned char out[24])
{
	static const char magic[] = "OrpheanBeholderScryDoubt";
	struct blowfish b;

	put_pi(&b);
	expand(&b, key, len, salt);
	for (uint64_t n = (uint64_t)1 << cost; n; n--) {
		expand(&b, key, len, NULL);
		expand(&b, salt, SALT, NULL);
	}
	for (size_t at = 0; at < 24; at += 8) {
		uint32_t x[2];
		size_t from = at;

		x[0] = next_word((const unsigned char *)magic, 24, &from);
		x[1] = next_word((const unsigned char *)magic, 24, &from);
		for (int i = 0; i < 64; i++)
			encrypt(&b, x);
		for (int i = 0; i < 8; i++)
			out[at + (size_t)i] = (unsigned char)(x[i / 4] >> (24 - i % 4 * 8));
	}
	explicit_bzero(&b, sizeof b);
}

bool secret_bcrypt(struct span setting, struct span password, struct buf *out)
{
	unsigned char key[SECRET_PASSWORD_MAX + 1], salt[SALT], made[24];
	struct span rest = setting, version;
	size_t len;
	uint64_t cost;

	span_cut(&rest, '$');
	version = span_cut(&rest, '$');
	if (version.len != 2 || !memchr("aby", version.ptr[1], 3) ||
	    !num_parse(span_cut(&rest, '$'), SECRET_BCRYPT_COST, &cost) || cost < 4 ||
	    !get_salt(rest, salt) || password.len > SECRET_PASSWORD_MAX)
		return false;
	/* The NUL behind the password counts. */
	memcpy(key, password.ptr, password.len);
	key[password.len] = 0;
	len = password.len + 1 < KEY_MAX ? password.len + 1 : KEY_MAX;
	hash(key, len, salt, cost, made);
	buf_printf(out, "$%.2s$%02u$", version.ptr, (unsigned)cost);
	put(out, salt, SALT);
	put(out, made, HASH);
	explicit_bzero(key, sizeof key);
	explicit_bzero(made, sizeof made);
	return true;
}
