/* tlsroots: the bundle is found, indexed, and missed in words. */
#include "service/tlsroots.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/tls_data.h"

TEST(a_bundle_is_indexed)
{
	char path[] = "/tmp/tlsroots.XXXXXX";
	struct tlsroots r;
	struct err e = {0};
	int fd = mkstemp(path);

	CHECK(fd >= 0 && write(fd, pem_root, strlen(pem_root)) > 0);
	CHECK(write(fd, pem_inter, strlen(pem_inter)) > 0);
	close(fd);
	fd = tlsroots_open(path, &e);
	CHECK(fd >= 0);
	unlink(path);
	CHECK_INT(tlsroots_use(&r, fd), 2);
	tlsroots_close(&r);
	CHECK_INT(tlsroots_use(&r, -1), 0);
	tlsroots_close(&r);
}

TEST(environment_and_absence)
{
	struct err e = {0};

	setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
	CHECK_INT(tlsroots_open(NULL, &e), -1);
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(strstr(e.text, "/nowhere/ca.pem"));
	unsetenv("SSL_CERT_FILE");
	CHECK_INT(tlsroots_open("/tmp", &e), -1);
	CHECK_INT(e.class, ERR_TEMP);
}

TEST_MAIN
