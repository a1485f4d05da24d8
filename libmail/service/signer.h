/*
 * signer: certificate chains and signatures for the role that meets strangers, whose gate has
 * the key.
 *
 * The role holds chains and asks on a channel of its own, since a handshake waits there for
 * the answer and must meet no other message.  A hole in what strangers reach then gives
 * signatures for as long as it lasts, and no key to take away.  Used by smtpd and popd alike.
 */
#ifndef LETTERBOX_SERVICE_SIGNER_H
#define LETTERBOX_SERVICE_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/tls.h"
#include "service/tlskeys.h"
#include "sys/ipc.h"

/* ---- in the gate ---- */

struct signer {
	struct ipc channel; /* watch.fd is -1 before the first start */
	const struct tlskeys *keys;
};

/*
 * Answers what is asked on a new channel with keys, which must outlive s; an older channel is
 * closed.  Returns the role's end, the caller's to send and close; -1 and a log line on failure.
 */
int signer_start(struct signer *s, struct loop *l, const struct tlskeys *keys);

/*
 * The chain in DER as a file in memory, for it may be larger than a message; the caller's to
 * close.  -1 when there is no chain, or on failure, which is logged.
 */
int signer_chain_file(const struct tlskeys *keys);

/* ---- in the role ---- */

/* A certificate chain; handshakes under way keep the one that they began with. */
struct signer_chain {
	struct tls_server_config config; /* for tls_server_start */
	struct buf der;
	unsigned users; /* sessions, and one while it is in force */
};

/*
 * Takes the chain in file fd, of that generation, in *now's place, which is dropped.  Signatures
 * are asked for on *channel, which must outlive all sessions.  A bad chain is logged and leaves
 * *now in force.
 */
void signer_chain_take(struct signer_chain **now, uint32_t generation, int fd, int *channel);

/* One user less; the last one frees it.  NULL is no chain. */
void signer_chain_drop(struct signer_chain *c);

#endif
