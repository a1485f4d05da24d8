/*
 * tlskeys: loading, watching and making the server's pair.
 *
 * Stamps are taken before the contents, so that a change in between is seen next time.
 * Whatever held key text is wiped.
 */
#include "service/tlskeys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proto/cert.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/rand.h"

enum { DAY = 86400, WARN_DAYS = 14, OTHERS = 077 };

/* ctime too: a file put in place by rename may have the size and mtime of the old one. */
static bool stamp(const char *path, struct tlskeys_stamp *s)
{
	struct stat st;

	memset(s, 0, sizeof *s);
	if (stat(path, &st) < 0)
		return false;
	*s = (struct tlskeys_stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim, st.st_mtim};
	return true;
}

static bool same(const struct tlskeys_stamp *a, const struct tlskeys_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static void pair_free(struct tlskeys_pair *p)
{
	tls_key_wipe(&p->key);
	buf_free(&p->der);
	memset(p, 0, sizeof *p);
}

static bool read_chain(const char *path, struct tlskeys_pair *p, struct err *e)
{
	struct buf pem;

	buf_init(&pem, TLSKEYS_FILE_MAX);
	bool good = fs_read_all(AT_FDCWD, path, FS_FOLLOW, &pem, e);
	if (good && !(tls_chain_from_pem(buf_span(&pem), &p->der, e) &&
		      tls_chain_split(buf_span(&p->der), &p->chain, e))) {
		err_prefix(e, path);
		good = false;
	}
	buf_wipe(&pem);
	return good;
}

static bool read_key(const char *path, struct tls_key *key, struct err *e)
{
	struct buf pem;

	buf_init(&pem, TLSKEYS_FILE_MAX);
	bool good = fs_read_all(AT_FDCWD, path, FS_FOLLOW, &pem, e);
	if (good && !tls_key_from_pem(buf_span(&pem), key, e)) {
		err_prefix(e, path);
		good = false;
	}
	buf_wipe(&pem);
	return good;
}

static bool load(const struct tlskeys *k, struct tlskeys_pair *p, struct err *e)
{
	memset(p, 0, sizeof *p);
	buf_init(&p->der, TLS_CHAIN_OCTETS);
	if (read_chain(k->cert, p, e) && read_key(k->key, &p->key, e)) {
		if (tls_key_matches(&p->key, &p->chain, e))
			return true;
		err_prefix(e, k->cert);
	}
	pair_free(p);
	return false;
}

/*
 * The new pair takes its place; the one before the last is gone. The one before is kept
 * for handshakes that began with its certificate.
 */
static void adopt(struct tlskeys *k, const struct tlskeys_pair *p)
{
	uint32_t next = k->now.generation + 1;

	pair_free(&k->before);
	k->before = k->now;
	k->now = *p;
	k->now.generation = next ? next : 1; /* 0 is "no key", so the count jumps over it */
}

static void tell(const struct tlskeys *k)
{
	uint64_t end = tls_chain_expires(&k->now.chain);
	int64_t left = ((int64_t)end - clock_wall().s) / DAY;
	struct stat st;

	log_info("tls: %s: %s %u bits, %zu certificates, %lld days left", k->cert,
		 k->now.chain.key_type == TLS_KEY_EC ? "EC" : "RSA", k->now.chain.key_bits,
		 k->now.chain.n, (long long)left);
	if (left < WARN_DAYS)
		log_warn("tls: %s: certificate expires in %lld days", k->cert, (long long)left);
	/* Group read is how keys are shared with a service; anything more is a mistake. */
	if (stat(k->key, &st) == 0 && st.st_mode & OTHERS & ~040)
		log_warn("tls: %s: private key is open to others (mode %o)", k->key,
			 (unsigned)st.st_mode & 0777);
}

static void take_stamps(const struct tlskeys *k, struct tlskeys_stamp s[2])
{
	stamp(k->cert, &s[0]);
	stamp(k->key, &s[1]);
}

bool tlskeys_open(struct tlskeys *k, const char *cert, const char *key, struct err *e)
{
	struct tlskeys_pair p;

	memset(k, 0, sizeof *k);
	if (!key || !*key)
		key = cert;
	if (!span_to_cstr(span_str(cert), k->cert, sizeof k->cert) ||
	    !span_to_cstr(span_str(key), k->key, sizeof k->key))
		return err_perm(e, "4.7.5", "file name of certificate or key is too long");
	take_stamps(k, k->seen);
	if (!load(k, &p, e))
		return false;
	adopt(k, &p);
	tell(k);
	return true;
}

bool tlskeys_reload(struct tlskeys *k)
{
	struct tlskeys_stamp s[2];
	struct tlskeys_pair p;
	struct err e;

	if (!k->cert[0])
		return false;
	take_stamps(k, s);
	if (same(&s[0], &k->seen[0]) && same(&s[1], &k->seen[1]))
		return false;
	/* Also for a bad pair: it is complained about once, not with every look. */
	memcpy(k->seen, s, sizeof s);
	if (!load(k, &p, &e)) {
		log_err("tls: new certificate not taken, %s: %s",
			k->now.generation ? "the old one goes on" : "there is none", e.text);
		return false;
	}
	adopt(k, &p);
	tell(k);
	return true;
}

/* A key and a certificate for name, and both as PEM. */
static bool make(const char *name, struct tlskeys_pair *p, struct buf *pem, struct err *e)
{
	unsigned char seed[CERT_SEED];
	struct span names[1] = {span_str(name)};
	struct cert_request req = {.names = names, .n = 1};
	uint64_t now = (uint64_t)clock_wall().s;

	memset(p, 0, sizeof *p);
	buf_init(&p->der, TLS_CHAIN_OCTETS);
	rand_fill(seed, sizeof seed);
	rand_fill(req.serial, sizeof req.serial);
	req.not_before = now > DAY ? now - DAY : 0; /* a clock may be slow somewhere */
	req.not_after = now + (uint64_t)CERT_YEARS * 365 * DAY;
	bool good = cert_make_key(span_make(seed, sizeof seed), &p->key) &&
		    cert_self_signed(&p->key, &req, &p->der, e) &&
		    tls_chain_split(buf_span(&p->der), &p->chain, e);
	explicit_bzero(seed, sizeof seed);
	if (!good) {
		pair_free(p);
		return false;
	}
	cert_put_pem(buf_span(&p->der), "CERTIFICATE", pem);
	return cert_put_key(&p->key, pem);
}

static bool store(struct tlskeys *k, const char *dir, struct span pem, const struct tlskeys_pair *p)
{
	char path[TLSKEYS_PATH + 16];
	struct buf cert;
	struct err e;

	/* The pair in one file, so that key and certificate can never be of different ages. */
	if (!fs_replace(AT_FDCWD, k->cert, 0600, pem, &e)) {
		log_warn("tls: %s: the new certificate lasts until exit only: %s", k->cert, e.text);
		k->cert[0] = '\0';
		return false;
	}
	buf_init(&cert, CERT_MAX);
	cert_put_pem(buf_span(&p->der), "CERTIFICATE", &cert);
	/* A copy without the key, for clients that want to trust it. */
	snprintf(path, sizeof path, "%s/tls.crt", dir);
	if (!fs_replace(AT_FDCWD, path, 0644, buf_span(&cert), &e))
		log_warn("tls: %s: %s", path, e.text);
	buf_free(&cert);
	return true;
}

bool tlskeys_open_made(struct tlskeys *k, const char *dir, const char *name, struct err *e)
{
	struct tlskeys_pair p;
	struct tlskeys_stamp s;
	struct buf pem;
	char path[TLSKEYS_PATH] = "";

	memset(k, 0, sizeof *k);
	if (dir && snprintf(path, sizeof path, "%s/tls.pem", dir) >= (int)sizeof path)
		return err_perm(e, "4.7.5", "directory name for the certificate is too long");
	/* Any error but "not there" means that there may be a key which must not be replaced. */
	if (dir && (stamp(path, &s) || errno != ENOENT))
		return tlskeys_open(k, path, NULL, e);
	buf_init(&pem, TLSKEYS_FILE_MAX);
	/* A name that fits into no certificate still gets one. */
	bool good = make(name, &p, &pem, e) || make("localhost", &p, &pem, e);
	if (good) {
		adopt(k, &p);
		memcpy(k->cert, path, sizeof path);
		memcpy(k->key, path, sizeof path);
		if (dir && store(k, dir, buf_span(&pem), &k->now))
			log_info("tls: %s: made a self-signed certificate for %s", path, name);
		take_stamps(k, k->seen);
	}
	buf_wipe(&pem);
	return good;
}

struct span tlskeys_chain(const struct tlskeys *k)
{
	return buf_span(&k->now.der);
}

uint32_t tlskeys_generation(const struct tlskeys *k)
{
	return k->now.generation;
}

bool tlskeys_sign(const struct tlskeys *k, const struct tls_sign_request *req, unsigned char *sig,
		  size_t *len)
{
	if (!req->generation)
		return false;
	if (req->generation == k->now.generation)
		return tls_key_sign(&k->now.key, req, sig, len);
	return req->generation == k->before.generation &&
	       tls_key_sign(&k->before.key, req, sig, len);
}

void tlskeys_close(struct tlskeys *k)
{
	pair_free(&k->now);
	pair_free(&k->before);
	memset(k, 0, sizeof *k);
}
