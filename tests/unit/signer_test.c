/* signer: a role gets the chain and signatures, and nothing for what is malformed or foreign. */
#include "service/signer.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/log.h"
#include "tests/unit/test.h"

static struct loop loop;
static struct tlskeys keys;
static struct signer signer;

static void on_signal(struct loop *l, int signo)
{
	(void)signo;
	loop_stop(l);
}

static void begin(void)
{
	static const int signals[] = {SIGCHLD, 0};
	struct err e = {0};

	log_init("test", LOG_T_NONE);
	signer.channel.watch.fd = -1;
	CHECK(tlskeys_open_made(&keys, NULL, "mail.example.org", &e));
	CHECK(loop_init(&loop, &e) && loop_signals(&loop, signals, on_signal, &e));
}

static void end(void)
{
	ipc_close(&signer.channel);
	tlskeys_close(&keys);
	loop_close(&loop);
}

/* Runs the role in a child, the gate here, until the child ends; its exit status. */
static int serve(int (*role)(int channel))
{
	int channel = signer_start(&signer, &loop, &keys), status = -1;
	pid_t pid;

	CHECK(channel >= 0);
	pid = fork();
	if (pid == 0) {
		/* A role has no copy of the gate's end. */
		close(signer.channel.watch.fd);
		_exit(role(channel));
	}
	close(channel);
	loop_run(&loop);
	loop.stopped = false;
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct tls_sign_request request(uint32_t generation)
{
	return (struct tls_sign_request){.generation = generation,
					 .key_type = TLS_KEY_EC,
					 .hash = TLS_SHA256,
					 .digest_len = 32,
					 .digest = "digest"};
}

static int signs(int channel)
{
	struct signer_chain *chain = NULL;
	struct tls_sign_request good = request(tlskeys_generation(&keys)), bad = request(99);
	unsigned char sig[TLS_SIG_MAX];
	size_t len = 0;
	int fd = signer_chain_file(&keys);

	if (fd < 0)
		return 1;
	signer_chain_take(&chain, tlskeys_generation(&keys), fd, &channel);
	if (!chain || chain->config.generation != good.generation || chain->config.chain.n != 1)
		return 2;
	if (!chain->config.sign(chain->config.ctx, &good, sig, &len) || len < 64)
		return 3;
	/* Refused, and the channel goes on. */
	if (chain->config.sign(chain->config.ctx, &bad, sig, &len))
		return 4;
	if (!chain->config.sign(chain->config.ctx, &good, sig, &len))
		return 5;
	signer_chain_drop(chain);
	return 0;
}

TEST(role_gets_signatures)
{
	begin();
	CHECK_INT(serve(signs), 0);
	/* A role that was started again has a channel of its own. */
	CHECK_INT(serve(signs), 0);
	end();
}

/* Sends octets as they are; 0 when the gate hangs up over it. */
static int hangs_up(int channel, const void *octets, size_t len)
{
	char c;

	struct pollfd p = {.fd = channel, .events = POLLIN};

	if (send(channel, octets, len, 0) != (ssize_t)len)
		return 1;
	return poll(&p, 1, 20000) == 1 && recv(channel, &c, 1, 0) == 0 ? 0 : 2;
}

static int sends_short(int channel)
{
	return hangs_up(channel, "\1\0\0\0\0\0\4\0abcd", 12);
}

static int sends_more(int channel)
{
	char mem[WIRE_MAX];
	struct tls_sign_request req = request(1);
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, 1, 0);
	wire_put_span(&b, span_make(&req, sizeof req));
	wire_put_u8(&b, 0);
	return hangs_up(channel, mem, b.len);
}

static int sends_other(int channel)
{
	char mem[WIRE_MAX];
	struct tls_sign_request req = request(1);
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	wire_begin(&b, 2, 0);
	wire_put_span(&b, span_make(&req, sizeof req));
	return hangs_up(channel, mem, b.len);
}

TEST(malformed_requests_end_the_channel)
{
	begin();
	CHECK_INT(serve(sends_short), 0);
	CHECK_INT(serve(sends_more), 0);
	CHECK_INT(serve(sends_other), 0);
	end();
}

TEST(bad_chains_leave_the_old_one)
{
	struct signer_chain *chain = NULL, *old;
	int channel = -1, fd = memfd_create("bad", MFD_CLOEXEC), good;

	begin();
	CHECK(write(fd, "rubbish", 7) == 7);
	signer_chain_take(&chain, 1, fd, &channel);
	CHECK(chain == NULL);
	good = signer_chain_file(&keys);
	signer_chain_take(&chain, 1, good, &channel);
	CHECK(chain != NULL);
	old = chain;
	signer_chain_take(&chain, 2, fd, &channel);
	CHECK(chain == old && chain->config.generation == 1);
	/* A session still has it when the next one comes. */
	old->users++;
	signer_chain_take(&chain, 2, good, &channel);
	CHECK(chain != old && chain->config.generation == 2 && old->users == 1);
	CHECK_INT(old->config.chain.n, 1);
	signer_chain_drop(old);
	signer_chain_drop(chain);
	signer_chain_drop(NULL);
	close(fd);
	close(good);
	end();
}

TEST(without_a_pair_there_is_no_chain)
{
	struct tlskeys none;

	memset(&none, 0, sizeof none);
	CHECK_INT(signer_chain_file(&none), -1);
}

TEST_MAIN
