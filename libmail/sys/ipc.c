/*
 * Channels between roles; see sys/ipc.h.
 *
 * SOCK_SEQPACKET keeps messages whole and tells when the peer is gone; descriptors travel
 * as SCM_RIGHTS and are duplicated while they wait, so that the sender may close its own.
 * Must not trust a message beyond its length: that is the business of base/wire.
 */
#include "sys/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct ipc_packet {
	struct ipc_packet *next;
	int fds[IPC_FDS_MAX]; /* duplicates, owned */
	size_t nfds;
	size_t len;
	char octets[];
};

/* Non-blocking at both ends: a service must never wait for a peer that is stuck. */
bool ipc_pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return err_errno(e, errno, "socketpair");
	return true;
}

/*
 * The union aligns the control data as CMSG_FIRSTHDR needs it. MSG_NOSIGNAL: a peer that died is
 * an error here, not a SIGPIPE for the process.
 */
static ssize_t send_packet(int fd, struct span octets, struct span tail, const int *fds, size_t n)
{
	struct iovec iov[] = {{(void *)octets.ptr, octets.len}, {(void *)tail.ptr, tail.len}};
	union {
		struct cmsghdr header;
		char mem[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = tail.len ? 2 : 1};
	ssize_t sent;

	if (n) {
		struct cmsghdr *h;

		msg.msg_control = control.mem;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	}
	do
		sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/*
 * A peer may send more descriptors than agreed: the surplus is closed, else it could fill our
 * table.
 */
static void take_fds(struct msghdr *msg, int fds[IPC_FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h; h = CMSG_NXTHDR(msg, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (n < IPC_FDS_MAX)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
}

/* Every slot of fds is set, so that the caller can close all of them whatever came. */
static ssize_t receive_packet(int fd, char *mem, size_t cap, int fds[IPC_FDS_MAX])
{
	struct iovec iov = {mem, cap};
	union {
		struct cmsghdr header;
		char mem[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.mem,
			     .msg_controllen = sizeof control.mem};
	ssize_t got;

	for (size_t i = 0; i < IPC_FDS_MAX; i++)
		fds[i] = -1;
	do
		got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got >= 0)
		take_fds(&msg, fds);
	/* A cut message cannot be told from a short one: make it unreadable. */
	if (got > 0 && msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		got = 1;
	return got;
}

static void close_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void drop_first(struct ipc *c)
{
	struct ipc_packet *p = c->first;

	c->first = p->next;
	if (!c->first)
		c->last = &c->first;
	c->waiting--;
	close_fds(p->fds, p->nfds);
	free(p);
}

/*
 * Twice is allowed: on_close handlers and owners both call it. What still waits is dropped, with
 * the duplicates of its descriptors.
 */
void ipc_close(struct ipc *c)
{
	int fd = c->watch.fd;

	if (fd < 0)
		return;
	loop_remove(c->loop, &c->watch);
	close(fd);
	while (c->first)
		drop_first(c);
}

bool ipc_is_open(const struct ipc *c)
{
	return c->watch.fd >= 0;
}

/* on_close may free the owner and the channel in it: nothing may touch c after this. */
static void end(struct ipc *c)
{
	ipc_close(c);
	c->on_close(c);
}

static void receive(struct ipc *c)
{
	char mem[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	bool ok;

	/* Bounded per turn, so that one busy peer does not starve the others. */
	for (int i = 0; i < LOOP_BATCH && ipc_is_open(c); i++) {
		ssize_t got = receive_packet(c->watch.fd, mem, sizeof mem, fds);

		if (got < 0 && errno == EAGAIN)
			return;
		ok = got > 0 && wire_open(&in, span_make(mem, (size_t)got)) &&
		     c->on_message(c, &in, fds);
		close_fds(fds, IPC_FDS_MAX);
		if (!ok) {
			if (ipc_is_open(c))
				end(c);
			return;
		}
	}
}

/*
 * Will what cannot be sent go through by itself?  Of the descriptors that are on their way a user
 * may have so many (ETOOMANYREFS), and no event tells when a peer took some; a moment then, since
 * the socket itself has room.
 */
static bool is_passing(void)
{
	enum { MOMENT_MS = 1 };

	if (errno != ETOOMANYREFS && errno != ENOBUFS && errno != ENOMEM)
		return errno == EAGAIN;
	poll(NULL, 0, MOMENT_MS);
	return true;
}

/* False when the channel ended over it: its owner may be freed then. */
static bool flush(struct ipc *c)
{
	while (c->first) {
		struct ipc_packet *p = c->first;

		if (send_packet(c->watch.fd, span_make(p->octets, p->len), SPAN(""), p->fds,
				p->nfds) < 0) {
			if (is_passing())
				return true;
			end(c);
			return false;
		}
		drop_first(c);
	}
	loop_events(c->loop, &c->watch, EPOLLIN);
	return true;
}

/* A hang-up is read like data: messages that came before it must be handled first. */
static void ready(struct loop_watch *w, uint32_t events)
{
	struct ipc *c = (struct ipc *)((char *)w - offsetof(struct ipc, watch));

	if (events & EPOLLOUT && !flush(c))
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(c);
}

bool ipc_open(struct ipc *c, struct loop *l, int fd, struct err *e)
{
	c->loop = l;
	c->first = NULL;
	c->last = &c->first;
	c->waiting = 0;
	c->watch.fd = -1;
	c->watch.ready = ready;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return loop_add(l, &c->watch, fd, EPOLLIN, e);
}

/*
 * Duplicates begin at 3: 0 to 2 may be closed in a service, and what lands there would be taken
 * for standard error.
 */
static struct ipc_packet *make_packet(const struct buf *b, struct span tail, const int *fds,
				      size_t n)
{
	struct ipc_packet *p = malloc(sizeof *p + b->len + tail.len);

	if (!p)
		return NULL;
	*p = (struct ipc_packet){.len = b->len + tail.len};
	memcpy(p->octets, b->ptr, b->len);
	if (tail.len)
		memcpy(p->octets + b->len, tail.ptr, tail.len);
	for (; p->nfds < n; p->nfds++) {
		p->fds[p->nfds] = fcntl(fds[p->nfds], F_DUPFD_CLOEXEC, 3);
		if (p->fds[p->nfds] < 0) {
			close_fds(p->fds, p->nfds);
			free(p);
			return NULL;
		}
	}
	return p;
}

/*
 * Has no result: a peer that does not read, or for which there is no memory, is shut down, and
 * the loop tells on_close later, when no caller is half through its work.
 */
static void send_or_keep(struct ipc *c, const struct buf *b, struct span tail, const int *fds,
			 size_t n)
{
	struct ipc_packet *p;

	BUG_ON(!buf_ok(b) || b->len < WIRE_HEADER || b->len > WIRE_MAX || n > IPC_FDS_MAX ||
	       b->len + tail.len > WIRE_LARGE_MAX);
	if (!ipc_is_open(c))
		return;
	if (!c->first && send_packet(c->watch.fd, buf_span(b), tail, fds, n) >= 0)
		return;
	/* Whatever failed beyond a full socket shows again when the loop tries. */
	p = c->waiting < IPC_QUEUE_MAX ? make_packet(b, tail, fds, n) : NULL;
	if (!p) {
		shutdown(c->watch.fd, SHUT_RDWR);
		return;
	}
	*c->last = p;
	c->last = &p->next;
	c->waiting++;
	loop_events(c->loop, &c->watch, EPOLLIN | EPOLLOUT);
}

void ipc_send(struct ipc *c, const struct buf *b, const int *fds, size_t n)
{
	send_or_keep(c, b, SPAN(""), fds, n);
}

void ipc_send_tail(struct ipc *c, const struct buf *b, struct span tail)
{
	send_or_keep(c, b, tail, NULL, 0);
}

/* For what has no loop: a child with one answer, or a parent with a child's first message. */
bool ipc_send_now(int fd, const struct buf *b, const int *fds, size_t n, struct err *e)
{
	enum { MOMENTS_MAX = 1000 };
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int moments = 0;

	BUG_ON(!buf_ok(b) || b->len < WIRE_HEADER || b->len > WIRE_MAX || n > IPC_FDS_MAX);
	while (send_packet(fd, buf_span(b), SPAN(""), fds, n) < 0) {
		/* A full socket is waited for; what no event ends, a second and no longer. */
		if (errno != EAGAIN && (moments++ == MOMENTS_MAX || !is_passing()))
			return err_errno(e, errno, "sending to a peer");
		poll(&p, 1, -1);
	}
	return true;
}

/*
 * The time limit starts anew after an interrupted wait: peers are our own processes, so that the
 * limit only guards against a stuck one.
 */
static int receive_wire(int fd, int timeout_ms, char *mem, size_t cap, struct wire_in *in,
			int fds[IPC_FDS_MAX], struct err *e)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct span octets;
	ssize_t got;

	/* Mostly there is one already. */
	while ((got = receive_packet(fd, mem, cap, fds)) < 0 && errno == EAGAIN)
		if (timeout_ms == 0 || poll(&p, 1, timeout_ms) == 0) {
			err_temp(e, "4.4.2", "a peer did not answer in %d ms", timeout_ms);
			return -1;
		}
	if (got < 0) {
		err_errno(e, errno, "receiving from a peer");
		return -1;
	}
	if (got == 0)
		return 0;
	octets = span_make(mem, (size_t)got);
	if (cap > WIRE_MAX ? wire_open_large(in, octets) : wire_open(in, octets))
		return 1;
	close_fds(fds, IPC_FDS_MAX);
	err_temp(e, "4.3.0", "a peer sent a malformed message");
	return -1;
}

int ipc_receive(int fd, int timeout_ms, char *mem, struct wire_in *in, int fds[IPC_FDS_MAX],
		struct err *e)
{
	return receive_wire(fd, timeout_ms, mem, WIRE_MAX, in, fds, e);
}

int ipc_receive_large(int fd, int timeout_ms, char *mem, struct wire_in *in, int fds[IPC_FDS_MAX],
		      struct err *e)
{
	return receive_wire(fd, timeout_ms, mem, WIRE_LARGE_MAX, in, fds, e);
}
