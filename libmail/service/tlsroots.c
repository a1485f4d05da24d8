/*
 * tlsroots: finding and reading the bundle of certificate authorities.
 */
#include "service/tlsroots.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/fs.h"

static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Arch, Gentoo, OpenWrt */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL 6 to 9 */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 10 */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, OpenBSD */
    "/usr/local/share/certs/ca-root-nss.crt",            /* FreeBSD */
};

static size_t read_at(void *ctx, uint32_t offset, unsigned char *to, size_t len)
{
	const struct tlsroots *r = ctx;
	ssize_t n = r->fd < 0 ? 0 : fs_pread(r->fd, to, len, offset);

	return n > 0 ? (size_t)n : 0;
}

int tlsroots_open(const char *path, struct err *e)
{
	if (!path || !*path)
		path = getenv("SSL_CERT_FILE");
	if (path && *path) {
		int fd = fs_open_regular(AT_FDCWD, path, O_RDONLY, FS_FOLLOW, e);

		/* fs calls a missing file permanent; here a file can be put there any time. */
		if (fd < 0)
			e->class = ERR_TEMP;
		return fd;
	}
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct err ignored;
		int fd = fs_open_regular(AT_FDCWD, places[i], O_RDONLY, FS_FOLLOW, &ignored);

		if (fd >= 0)
			return fd;
	}
	err_temp(e, "4.7.5",
		 "no bundle of certificate authorities found (%s, ...): install "
		 "ca-certificates, or name a file, or use a pin",
		 places[0]);
	return -1;
}

size_t tlsroots_use(struct tlsroots *r, int fd)
{
	r->fd = fd;
	tls_anchors_init(&r->anchors, read_at, r);
	return tls_anchors_scan(&r->anchors);
}

void tlsroots_close(struct tlsroots *r)
{
	tls_anchors_free(&r->anchors);
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}
