/* tlskeys: pairs on disk, good, bad, changing, and made. */
#include "service/tlskeys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/log.h"
#include "tests/unit/test.h"
#include "tests/unit/tls_data.h"

static char dir[64], cert[96], key[96];

static void write_file(const char *path, const char *text)
{
	char tmp[128];

	snprintf(tmp, sizeof tmp, "%s.new", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	CHECK_INT(rename(tmp, path), 0);
}

static void begin(void)
{
	log_init("test", LOG_T_NONE);
	strcpy(dir, "/tmp/tlskeys.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof cert, "%s/cert", dir);
	snprintf(key, sizeof key, "%s/key", dir);
}

static void end(void)
{
	static const char *const names[] = {"cert", "key", "tls.pem", "tls.crt"};
	char path[128];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	CHECK_INT(rmdir(dir), 0);
}

static bool signs(const struct tlskeys *k, uint32_t generation, enum tls_key_type type)
{
	struct tls_sign_request req = {.generation = generation,
				       .key_type = (uint8_t)type,
				       .hash = TLS_SHA256,
				       .digest_len = 32,
				       .digest = "digest"};
	unsigned char sig[TLS_SIG_MAX];
	size_t len;

	return tlskeys_sign(k, &req, sig, &len);
}

TEST(pairs_are_taken_when_they_are_good)
{
	struct tlskeys k;
	struct err e = {0};

	begin();
	write_file(cert, pem_rsa2048);
	write_file(key, pem_rsa2048_key);
	CHECK(tlskeys_open(&k, cert, key, &e));
	CHECK_INT(tlskeys_generation(&k), 1);
	CHECK(signs(&k, 1, TLS_KEY_RSA));
	CHECK(!signs(&k, 0, TLS_KEY_RSA));
	CHECK(!signs(&k, 2, TLS_KEY_RSA));
	CHECK(!tlskeys_reload(&k));

	write_file(cert, pem_ec256); /* half of a renewal */
	CHECK(!tlskeys_reload(&k));
	CHECK_INT(k.now.chain.key_type, TLS_KEY_RSA);
	CHECK(signs(&k, 1, TLS_KEY_RSA));
	write_file(key, pem_ec256_key);
	CHECK(tlskeys_reload(&k));
	CHECK_INT(tlskeys_generation(&k), 2);
	CHECK(signs(&k, 2, TLS_KEY_EC));
	CHECK(signs(&k, 1, TLS_KEY_RSA));
	CHECK(!tlskeys_reload(&k));

	unlink(cert);
	CHECK(!tlskeys_reload(&k));
	write_file(cert, "rubbish");
	CHECK(!tlskeys_reload(&k));
	CHECK(signs(&k, 2, TLS_KEY_EC));
	write_file(cert, pem_ec384);
	write_file(key, pem_ec384_key);
	CHECK(tlskeys_reload(&k));
	CHECK(!signs(&k, 1, TLS_KEY_RSA));
	CHECK(signs(&k, 2, TLS_KEY_EC));
	CHECK(tlskeys_chain(&k).len > 300);
	tlskeys_close(&k);
	CHECK(!signs(&k, 2, TLS_KEY_EC));
	end();
}

TEST(bad_pairs_say_which_file)
{
	struct tlskeys k;
	struct err e = {0};

	begin();
	CHECK(!tlskeys_open(&k, cert, key, &e));
	CHECK(strstr(e.text, cert));
	write_file(cert, pem_ec256);
	CHECK(!tlskeys_open(&k, cert, key, &e));
	CHECK(strstr(e.text, key));
	CHECK(!tlskeys_open(&k, cert, "", &e));
	CHECK(strstr(e.text, cert) && strstr(e.text, "no private key"));
	write_file(key, pem_rsa2048_key);
	CHECK(!tlskeys_open(&k, cert, key, &e));
	CHECK(strstr(e.text, "do not belong together"));
	CHECK_INT(tlskeys_chain(&k).len, 0);
	write_file(key, pem_ec256_key);
	CHECK(tlskeys_reload(&k));
	CHECK_INT(tlskeys_generation(&k), 1);
	tlskeys_close(&k);
	end();
}

TEST(without_files_a_pair_is_made_once)
{
	struct tlskeys k, again;
	struct err e = {0};
	struct stat st;
	char path[128];

	begin();
	CHECK(tlskeys_open_made(&k, dir, "mail.example.org", &e));
	snprintf(path, sizeof path, "%s/tls.pem", dir);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	snprintf(path, sizeof path, "%s/tls.crt", dir);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644);
	CHECK(signs(&k, 1, TLS_KEY_EC));
	CHECK(!tlskeys_reload(&k));
	CHECK(tlskeys_open_made(&again, dir, "other.example.org", &e));
	CHECK_SPAN(tlskeys_chain(&again), tlskeys_chain(&k));
	CHECK(memcmp(&again.now.key, &k.now.key, sizeof k.now.key) == 0);
	tlskeys_close(&again);
	tlskeys_close(&k);

	snprintf(path, sizeof path, "%s/tls.pem", dir);
	write_file(path, "rubbish");
	CHECK(!tlskeys_open_made(&k, dir, "mail.example.org", &e));
	CHECK(stat(path, &st) == 0 && st.st_size == 7);
	tlskeys_close(&k);
	end();
}

TEST(what_cannot_be_stored_still_serves)
{
	static const char *const dirs[] = {"/proc/nowhere", NULL};
	struct tlskeys k;
	struct err e = {0};

	log_init("test", LOG_T_NONE);
	for (size_t i = 0; i < 2; i++) {
		CHECK(tlskeys_open_made(&k, dirs[i], "not a host name", &e));
		CHECK(signs(&k, 1, TLS_KEY_EC));
		CHECK(!tlskeys_reload(&k));
		tlskeys_close(&k);
	}
}

TEST_MAIN
