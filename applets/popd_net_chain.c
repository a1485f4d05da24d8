/*
 * Certificate chains of popd's net role, and the signatures made with their keys; see popd_net.h.
 *
 * This process meets strangers, so it has chains but no key: gate has it, and signs what a
 * handshake needs signed.  Gate sends a new chain when the files change.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "popd_net.h"
#include "proto/tls_chain.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { SIGN_WAIT_MS = 10000 }; /* after that the handshake fails */

/*
 * Asks gate, which holds the key; blocks for the time a signature takes, since BearSSL's
 * callback cannot be resumed.
 */
static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	struct popd_net *n = ctx;
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	struct span text;
	struct buf b;
	struct err e;

	buf_init_fixed(&b, mem, sizeof mem);
	popd_ipc_put_text(&b, POPD_SIGN, span_make(req, sizeof *req));
	if (!ipc_send_now(n->sign_fd, &b, NULL, 0, &e) ||
	    ipc_receive(n->sign_fd, SIGN_WAIT_MS, mem, &in, fds, &e) <= 0 ||
	    in.type != POPD_SIGNED || !popd_ipc_get_text(&in, &text) || text.len == 0 ||
	    text.len > TLS_SIG_MAX)
		return false;
	memcpy(sig, text.ptr, text.len);
	*len = text.len;
	return true;
}

/* Sessions keep the chain they began with, so an exchanged one lives until the last ends. */
void popd_net_chain_drop(struct popd_chain *c)
{
	if (!c || --c->users)
		return;
	buf_free(&c->der);
	free(c);
}

bool popd_net_chain_set(struct popd_net *n, uint32_t generation, int fd)
{
	struct popd_chain *c = calloc(1, sizeof *c);
	struct stat st;
	struct err e;
	char *at = NULL;
	bool read;

	/* Out of memory is no fault of gate: the old chain goes on. */
	if (!c)
		return true;
	c->users = 1;
	buf_init(&c->der, TLS_CHAIN_OCTETS);
	read = fstat(fd, &st) == 0 && st.st_size <= TLS_CHAIN_OCTETS &&
	       (at = buf_reserve(&c->der, (size_t)st.st_size)) &&
	       fs_pread(fd, at, (size_t)st.st_size, 0) == st.st_size;
	c->der.len = read ? (size_t)st.st_size : 0;
	if (!read || !tls_chain_split(buf_span(&c->der), &c->config.chain, &e)) {
		log_err("certificate: %s", read ? e.text : "cannot be read");
		popd_net_chain_drop(c);
		return true;
	}
	c->config.generation = generation;
	c->config.sign = sign;
	c->config.ctx = n;
	popd_net_chain_drop(n->chain);
	n->chain = c;
	n->config.tls = true;
	return true;
}
