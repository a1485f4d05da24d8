/*
 * Both halves of signing for another process; see service/signer.h.
 *
 * Must not let the key, or anything but a signature, leave the gate.
 */
#include "service/signer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire.h"
#include "sys/fs.h"
#include "sys/log.h"

/* After SIGN_WAIT_MS the handshake fails. */
enum { SIGN_WAIT_MS = 10000 };

/* A struct tls_sign_request, and the signature; an empty one is a refusal. */
enum { ASKED = 1, SIGNED };

static void put(struct buf *b, char mem[WIRE_MAX], uint16_t type, struct span octets)
{
	buf_init_fixed(b, mem, WIRE_MAX);
	wire_begin(b, type, 0);
	wire_put_span(b, octets);
}

/* The length is checked, since the request is copied as a whole. */
static bool on_asked(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct signer *s = (struct signer *)((char *)c - offsetof(struct signer, channel));
	struct span text = wire_get_span(in, sizeof(struct tls_sign_request));
	unsigned char sig[TLS_SIG_MAX];
	struct tls_sign_request req;
	size_t len = sizeof sig;
	char mem[WIRE_MAX];
	struct buf b;

	(void)fds;
	if (in->type != ASKED || !wire_end(in) || text.len != sizeof req)
		return false;
	memcpy(&req, text.ptr, sizeof req);
	/* A wrong request gets an empty signature: the handshake fails, the role goes on. */
	if (!tlskeys_sign(s->keys, &req, sig, &len))
		len = 0;
	put(&b, mem, SIGNED, span_make(sig, len));
	ipc_send(c, &b, NULL, 0);
	return true;
}

static void on_lost(struct ipc *c)
{
	(void)c; /* the role's end: a new one comes with a new role */
}

int signer_start(struct signer *s, struct loop *l, const struct tlskeys *keys)
{
	struct err e;
	int fds[2];

	ipc_close(&s->channel);
	s->channel.on_message = on_asked;
	s->channel.on_close = on_lost;
	s->keys = keys;
	if (!ipc_pair(fds, &e)) {
		log_err("%s", e.text);
		return -1;
	}
	if (ipc_open(&s->channel, l, fds[0], &e))
		return fds[1];
	log_err("%s", e.text);
	close(fds[0]);
	close(fds[1]);
	return -1;
}

int signer_chain_file(const struct tlskeys *keys)
{
	struct span der = tlskeys_chain(keys);
	int fd;

	if (der.len == 0)
		return -1;
	fd = memfd_create("chain", MFD_CLOEXEC);
	if (fd >= 0 && fs_write(fd, der))
		return fd;
	log_err("cannot hand on the certificate: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Blocks for the time a signature takes, since BearSSL's callback cannot be resumed. */
static bool ask(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	const int *channel = ctx;
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	struct span text;
	struct buf b;
	struct err e;

	put(&b, mem, ASKED, span_make(req, sizeof *req));
	if (!ipc_send_now(*channel, &b, NULL, 0, &e) ||
	    ipc_receive(*channel, SIGN_WAIT_MS, mem, &in, fds, &e) <= 0)
		return false;
	text = wire_get_span(&in, TLS_SIG_MAX);
	if (in.type != SIGNED || !wire_end(&in) || text.len == 0)
		return false;
	memcpy(sig, text.ptr, text.len);
	*len = text.len;
	return true;
}

/* Sessions keep the chain they began with, so an exchanged one lives until the last ends. */
void signer_chain_drop(struct signer_chain *c)
{
	if (!c || --c->users)
		return;
	buf_free(&c->der);
	free(c);
}

static bool read_chain(struct signer_chain *c, int fd, struct err *e)
{
	struct stat st;
	char *at;

	if (fstat(fd, &st) != 0 || st.st_size > TLS_CHAIN_OCTETS ||
	    !(at = buf_reserve(&c->der, (size_t)st.st_size)) ||
	    fs_pread(fd, at, (size_t)st.st_size, 0) != st.st_size)
		return err_temp(e, "4.3.0", "cannot be read");
	c->der.len = (size_t)st.st_size;
	return tls_chain_split(buf_span(&c->der), &c->config.chain, e);
}

void signer_chain_take(struct signer_chain **now, uint32_t generation, int fd, int *channel)
{
	struct signer_chain *c = calloc(1, sizeof *c);
	struct err e;

	/* Out of memory is no fault of the gate's: the old chain goes on. */
	if (!c)
		return;
	c->users = 1;
	buf_init(&c->der, TLS_CHAIN_OCTETS);
	if (!read_chain(c, fd, &e)) {
		log_err("certificate: %s", e.text);
		signer_chain_drop(c);
		return;
	}
	c->config.generation = generation;
	c->config.sign = ask;
	c->config.ctx = channel;
	signer_chain_drop(*now);
	*now = c;
}
