/*
 * sys/ipc: messages, descriptors, a slow peer, a hostile peer, ends of channels.
 */
#include "sys/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/test.h"

enum { TYPE = 7 };

struct peer {
	struct ipc channel;
	int messages, fds, closed;
	uint32_t sum;
	bool refuse;    /* on_message returns false */
	bool shut;      /* on_message closes the channel */
	bool free_self; /* on_close frees the peer */
};

static struct loop l;
static int freed_closed;

static bool on_message(struct ipc *c, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	struct peer *p = (struct peer *)((char *)c - offsetof(struct peer, channel));

	CHECK_INT(in->type, TYPE);
	p->messages++;
	p->sum += wire_get_u32(in);
	for (int i = 0; i < IPC_FDS_MAX; i++) {
		char ch;

		if (fds[i] < 0)
			continue;
		p->fds++;
		CHECK(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		CHECK(read(fds[i], &ch, 1) == 1 && ch == 'x');
	}
	if (p->shut)
		ipc_close(c);
	return !p->refuse;
}

static void on_close(struct ipc *c)
{
	struct peer *p = (struct peer *)((char *)c - offsetof(struct peer, channel));

	p->closed++;
	CHECK(!ipc_is_open(c));
	if (p->free_self) {
		freed_closed += p->closed;
		free(p);
	}
}

static void setup(struct peer *a, struct peer *b, int raw[2])
{
	struct err e;
	int fds[2];

	CHECK(loop_init(&l, &e) && ipc_pair(fds, &e));
	raw[0] = fds[0];
	raw[1] = fds[1];
	*a = (struct peer){.channel.on_message = on_message, .channel.on_close = on_close};
	CHECK(ipc_open(&a->channel, &l, fds[0], &e));
	if (!b)
		return;
	*b = (struct peer){.channel.on_message = on_message, .channel.on_close = on_close};
	CHECK(ipc_open(&b->channel, &l, fds[1], &e));
}

static void turns(int n)
{
	while (n--)
		loop_turn(&l, 0);
}

static void message(struct buf *b, uint32_t v)
{
	wire_begin(b, TYPE, 1);
	wire_put_u32(b, v);
}

static int count_open(void)
{
	int n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(messages_and_descriptors)
{
	char mem[WIRE_MAX];
	int before = count_open(), raw[2], p[2];
	struct peer a, b;
	struct buf out;

	setup(&a, &b, raw);
	buf_init_fixed(&out, mem, sizeof mem);
	message(&out, 40);
	ipc_send(&a.channel, &out, NULL, 0);
	CHECK(pipe(p) == 0 && write(p[1], "xx", 2) == 2);
	message(&out, 2);
	ipc_send(&a.channel, &out, (int[]){p[0], p[0]}, 2);
	/* Ours may be closed at once. */
	close(p[0]);
	turns(2);
	CHECK_INT(b.messages, 2);
	CHECK_INT(b.sum, 42);
	CHECK_INT(b.fds, 2);
	close(p[1]);
	ipc_close(&a.channel);
	turns(2);
	CHECK_INT(a.closed, 0);
	CHECK_INT(b.closed, 1);
	ipc_send(&a.channel, &out, NULL, 0);
	ipc_close(&b.channel);
	loop_close(&l);
	CHECK_INT(count_open(), before);
}

/* More than the socket takes waits, and arrives in order and with its descriptors. */
TEST(slow_peer_gets_everything)
{
	enum { N = 3000 };
	char mem[WIRE_MAX];
	struct peer a, b;
	struct buf out;
	int raw[2], p[2], before = count_open();
	uint32_t want = 0;

	setup(&a, &b, raw);
	CHECK(pipe(p) == 0);
	buf_init_fixed(&out, mem, sizeof mem);
	for (uint32_t i = 0; i < N; i++) {
		message(&out, i);
		/* Descriptors that wait count against the sender's limit: a few. */
		if (i % 300 == 299) {
			CHECK(write(p[1], "x", 1) == 1);
			ipc_send(&a.channel, &out, p, 1);
		} else {
			ipc_send(&a.channel, &out, NULL, 0);
		}
		want += i;
	}
	CHECK(a.channel.waiting > 0);
	turns(3 * N / LOOP_BATCH + 10);
	CHECK_INT(a.channel.waiting, 0);
	CHECK_INT(b.messages, N);
	CHECK_INT(b.sum, want);
	CHECK_INT(b.fds, 10);
	ipc_close(&a.channel);
	ipc_close(&b.channel);
	close(p[0]);
	close(p[1]);
	loop_close(&l);
	CHECK_INT(count_open(), before);
}

TEST(peer_that_never_reads_is_given_up)
{
	char mem[WIRE_MAX];
	struct peer *a = malloc(sizeof *a);
	struct buf out;
	int raw[2];

	setup(a, NULL, raw);
	a->free_self = true;
	freed_closed = 0;
	buf_init_fixed(&out, mem, sizeof mem);
	message(&out, 1);
	for (int i = 0; i < IPC_QUEUE_MAX + 2000; i++)
		ipc_send(&a->channel, &out, NULL, 0);
	CHECK(a->channel.waiting <= IPC_QUEUE_MAX);
	turns(3);
	CHECK_INT(freed_closed, 1);
	close(raw[1]);
	loop_close(&l);
}

TEST(hostile_messages_end_the_channel)
{
	static char big[WIRE_MAX + 1];
	static const struct {
		const char *octets;
		size_t len;
	} rows[] = {{"", 0}, {"x", 1}, {"12345", 5}, {big, sizeof big}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct peer a;
		int raw[2];

		setup(&a, NULL, raw);
		CHECK(send(raw[1], rows[i].octets, rows[i].len, 0) == (ssize_t)rows[i].len);
		turns(2);
		CHECK_INT(a.messages, 0);
		CHECK_INT(a.closed, 1);
		close(raw[1]);
		loop_close(&l);
	}
}

/* More descriptors than a message may have: none leaks, the sender is gone. */
TEST(too_many_descriptors)
{
	enum { SENT = IPC_FDS_MAX + 4 };
	char mem[WIRE_MAX], control[CMSG_SPACE(SENT * sizeof(int))] = {0};
	struct buf out;
	struct peer a;
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;
	int raw[2], before = count_open(), fds[SENT];

	setup(&a, NULL, raw);
	buf_init_fixed(&out, mem, sizeof mem);
	message(&out, 1);
	iov = (struct iovec){out.ptr, out.len};
	msg.msg_control = control;
	msg.msg_controllen = sizeof control;
	h = CMSG_FIRSTHDR(&msg);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fds);
	for (int i = 0; i < SENT; i++)
		fds[i] = raw[1];
	memcpy(CMSG_DATA(h), fds, sizeof fds);
	CHECK(sendmsg(raw[1], &msg, 0) > 0);
	turns(2);
	CHECK_INT(a.messages, 0);
	CHECK_INT(a.closed, 1);
	close(raw[1]);
	loop_close(&l);
	CHECK_INT(count_open(), before);
}

/* A long last span: whole at a receiver that expects one, refused by all others. */
/* More are sent than a user may have on their way: 0 when the rest waits and arrives then. */
static int send_more_than_may_be_on_their_way(void)
{
	enum { MESSAGES = 45, BEFORE = 40, LIMIT = 24 };
	static const struct rlimit few = {LIMIT, LIMIT};
	char mem[WIRE_MAX], octets[MESSAGES];
	struct peer a, b;
	struct buf out;
	struct err e;
	int raw[2], p[2];

	if (geteuid() == 0 && setuid(54321) != 0)
		return 1;
	setup(&a, NULL, raw);
	buf_init_fixed(&out, mem, sizeof mem);
	memset(octets, 'x', sizeof octets);
	if (pipe(p) != 0 || write(p[1], octets, MESSAGES) != MESSAGES)
		return 2;
	for (int i = 0; i < MESSAGES; i++) {
		if (i == BEFORE && setrlimit(RLIMIT_NOFILE, &few) != 0)
			return 3;
		message(&out, 1);
		ipc_send(&a.channel, &out, p, 1);
	}
	turns(3);
	if (!ipc_is_open(&a.channel) || !a.channel.first)
		return 4;
	b = (struct peer){.channel.on_message = on_message, .channel.on_close = on_close};
	if (!ipc_open(&b.channel, &l, raw[1], &e))
		return 5;
	for (int i = 0; i < 1000 && b.fds < MESSAGES; i++)
		turns(1);
	return a.closed || b.closed || b.fds < MESSAGES ? 6 : 0;
}

TEST(descriptors_on_their_way_are_bounded)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(send_more_than_may_be_on_their_way());
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(a_tail_behind_a_message)
{
	enum { SENDS = 60, LONG = WIRE_LARGE_MAX - WIRE_HEADER - 2 };
	static char text[LONG], got[WIRE_LARGE_MAX];
	char mem[WIRE_MAX];
	struct buf out;
	struct wire_in in;
	struct err e = {0};
	struct peer a, b;
	struct span tail;
	int raw[2], with[IPC_FDS_MAX], fd;

	memset(text, 't', sizeof text);
	setup(&a, &b, raw);
	fd = b.channel.watch.fd;
	loop_remove(&l, &b.channel.watch);
	buf_init_fixed(&out, mem, sizeof mem);
	wire_begin(&out, 7, 9);
	wire_put_tail(&out, LONG);
	/* More than a socket takes: the rest waits in the channel. */
	for (int i = 0; i < SENDS; i++)
		ipc_send_tail(&a.channel, &out, span_make(text, LONG));
	CHECK(a.channel.waiting > 0);
	for (int i = 0; i < SENDS; i++) {
		turns(1);
		CHECK_INT(ipc_receive_large(fd, 1000, got, &in, with, &e), 1);
		tail = wire_get_span(&in, LONG);
		CHECK(wire_end(&in) && with[0] == -1);
		CHECK(tail.len == LONG && memcmp(tail.ptr, text, LONG) == 0);
	}
	ipc_send_tail(&a.channel, &out, span_make(text, LONG));
	CHECK_INT(ipc_receive(fd, 1000, got, &in, with, &e), -1);
	close(fd);
	ipc_close(&a.channel);
	loop_close(&l);
}

TEST(handler_refuses_or_closes)
{
	char mem[WIRE_MAX];
	struct buf out;

	buf_init_fixed(&out, mem, sizeof mem);
	message(&out, 1);
	for (int shut = 0; shut < 2; shut++) {
		struct peer a, b;
		int raw[2];

		setup(&a, &b, raw);
		b.shut = shut;
		b.refuse = !shut;
		ipc_send(&a.channel, &out, NULL, 0);
		ipc_send(&a.channel, &out, NULL, 0);
		turns(3);
		CHECK_INT(b.messages, 1);
		CHECK_INT(b.closed, !shut);
		CHECK_INT(a.closed, 1);
		loop_close(&l);
	}
}

TEST(without_a_loop)
{
	char mem[WIRE_MAX], got[WIRE_MAX];
	struct wire_in in;
	struct buf out;
	struct err e = {0};
	int fds[2], with[IPC_FDS_MAX], p[2];

	CHECK(ipc_pair(fds, &e) && pipe(p) == 0);
	buf_init_fixed(&out, mem, sizeof mem);
	message(&out, 9);
	CHECK_INT(ipc_receive(fds[1], 10, got, &in, with, &e), -1);
	CHECK(strcmp(e.status, "4.4.2") == 0);
	CHECK(ipc_send_now(fds[0], &out, p, 1, &e));
	CHECK_INT(ipc_receive(fds[1], 1000, got, &in, with, &e), 1);
	CHECK_INT(wire_get_u32(&in), 9);
	CHECK(wire_end(&in) && with[0] >= 0 && with[1] == -1);
	close(with[0]);
	CHECK(send(fds[0], "x", 1, 0) == 1);
	CHECK_INT(ipc_receive(fds[1], 1000, got, &in, with, &e), -1);
	close(fds[0]);
	CHECK_INT(ipc_receive(fds[1], 1000, got, &in, with, &e), 0);
	CHECK(!ipc_send_now(fds[1], &out, NULL, 0, &e));
	CHECK_INT(e.sys, EPIPE);
	close(fds[1]);
	close(p[0]);
	close(p[1]);
}

TEST_MAIN
