/*
 * ipc: wire messages and descriptors between roles, over SOCK_SEQPACKET.
 *
 * A channel belongs to a loop.  Sending never blocks: what the socket does not
 * take waits in the channel, up to IPC_QUEUE_MAX messages; a peer that lets more
 * pile up is treated as gone.  A peer that sends a malformed message is gone too:
 * its handler says so by returning false.
 */
#ifndef LETTERBOX_SYS_IPC_H
#define LETTERBOX_SYS_IPC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wire.h"
#include "sys/loop.h"

enum {
	IPC_FDS_MAX = 2,      /* descriptors with one message */
	IPC_QUEUE_MAX = 8192, /* messages waiting for a slow peer */
};

struct ipc_packet;

struct ipc {
	struct loop *loop;
	struct loop_watch watch;
	struct ipc_packet *first, **last; /* waiting to be sent */
	size_t waiting;
	/*
	 * One message came, with its descriptors (-1 where there is none); the handler owns those
	 * it sets to -1, the others are closed.  False ends the channel (on_close is called).  It
	 * may close the channel itself, but not free it: that is for on_close or the loop.
	 */
	bool (*on_message)(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX]);
	/* The peer is gone or was ended; the descriptor is closed already.  May free the owner. */
	void (*on_close)(struct ipc *c);
};

/* Two connected sockets, close-on-exec, non-blocking. */
bool ipc_pair(int fds[2], struct err *e);

/* Takes over fd; on_message and on_close must be set before. */
bool ipc_open(struct ipc *c, struct loop *l, int fd, struct err *e);

/* Closes the channel without calling on_close; drops what waits.  Harmless when closed. */
void ipc_close(struct ipc *c);

bool ipc_is_open(const struct ipc *c);

/*
 * Sends the message in b, with n descriptors, which stay the caller's.  When the channel breaks
 * over it, on_close is called from the loop later.  Does nothing on a closed channel.
 */
void ipc_send(struct ipc *c, const struct buf *b, const int *fds, size_t n);

/* Sends b with tail behind it as one message (wire_put_tail), WIRE_LARGE_MAX octets at most. */
void ipc_send_tail(struct ipc *c, const struct buf *b, struct span tail);

/*
 * The same on a bare descriptor for programs without a loop; ipc_send_now blocks, ipc_receive
 * waits at most timeout_ms.  It returns 1 for a message (octets in mem, WIRE_MAX large; fds as
 * above, all the caller's), 0 when the peer closed, -1 with e filled.
 */
bool ipc_send_now(int fd, const struct buf *b, const int *fds, size_t n, struct err *e);
int ipc_receive(int fd, int timeout_ms, char *mem, struct wire_in *in, int fds[IPC_FDS_MAX],
		struct err *e);

/* The same for messages with a tail; mem is WIRE_LARGE_MAX large. */
int ipc_receive_large(int fd, int timeout_ms, char *mem, struct wire_in *in, int fds[IPC_FDS_MAX],
		      struct err *e);

#endif
