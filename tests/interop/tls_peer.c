/*
 * tls_peer: one TLS connection of ours on loopback, for trying against other programs.
 *
 *	tls_peer server PORT CERT KEY    echoes what one client sends, up to the end of a line
 *	tls_peer client PORT NAME CA     sends standard input, prints what comes back up to the end
 *	                                 of a line; CA is a bundle, or "-" to check nothing
 *
 * Prints "cipher NAME BITS" and "peer VERDICT TEXT" on standard error; exits 1 and prints
 * "failed TEXT" when the session fails.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/tls.h"
#include "service/tlskeys.h"
#include "service/tlsroots.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/rand.h"

static bool sign(void *ctx, const struct tls_sign_request *req, unsigned char *sig, size_t *len)
{
	return tlskeys_sign(ctx, req, sig, len);
}

static int reach(int port, bool serve)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!serve)
		return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -1 : fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 1) < 0)
		return -1;
	return accept(fd, NULL, NULL);
}

static void send_all(struct tls_session *s, int fd)
{
	struct span out;

	while ((out = tls_output(s)).len) {
		ssize_t n = write(fd, out.ptr, out.len);

		if (n <= 0)
			return;
		tls_output_ack(s, (size_t)n);
	}
}

static void put(struct tls_session *s, int fd, struct span text)
{
	while (text.len && tls_state(s) == TLS_OPEN) {
		text = span_skip(text, tls_write(s, text));
		send_all(s, fd);
	}
	tls_flush(s);
	send_all(s, fd);
}

/* Octets received go to to (1), or back to the peer (-1). */
static void take(struct tls_session *s, int fd, struct span in, int to)
{
	while (in.len) {
		size_t used = tls_feed(s, in);
		char copy[1024];
		struct span text;

		in = span_skip(in, used);
		send_all(s, fd);
		while ((text = span_head(tls_read(s), sizeof copy)).len) {
			used = text.len;
			memcpy(copy, text.ptr, text.len);
			tls_read_ack(s, text.len);
			if (to >= 0 && write(to, copy, used) < 0)
				exit(1);
			if (to < 0)
				put(s, fd, span_make(copy, used));
			if (memchr(copy, '\n', used))
				tls_close(s);
		}
		if (!used)
			return;
	}
}

static int run(struct tls_session *s, int fd, int to)
{
	static const char *const verdicts[] = {"unknown", "unchecked", "verified", "bad"};
	static char mem[70000];
	ssize_t n;
	bool told = false;

	for (;;) {
		send_all(s, fd);
		if (!told && tls_state(s) == TLS_OPEN) {
			told = true;
			fprintf(stderr, "cipher %s %u\npeer %s %s\n", tls_cipher_name(s),
				tls_cipher_bits(s), verdicts[tls_peer(s)], tls_peer_text(s));
			if (to >= 0 && (n = read(0, mem, sizeof mem)) > 0)
				put(s, fd, span_make(mem, (size_t)n));
		}
		if (tls_state(s) >= TLS_CLOSING)
			break;
		n = read(fd, mem, sizeof mem);
		if (n <= 0)
			break;
		take(s, fd, span_make(mem, (size_t)n), to);
	}
	send_all(s, fd);
	if (tls_state(s) == TLS_FAILED)
		fprintf(stderr, "failed %s\n", tls_error_text(s));
	return tls_state(s) == TLS_FAILED || !told;
}

int main(int argc, char **argv)
{
	unsigned char seed[TLS_SEED];
	void *mem = malloc(tls_session_size());
	struct err e = {0};
	struct tlskeys keys;
	struct tls_server_config sc = {.generation = 1, .sign = sign, .ctx = &keys};
	struct tlsroots roots;
	struct tls_client_config cc = {0};
	struct span random = span_make(seed, sizeof seed);

	if (argc != 5 || !mem)
		return 64;
	rand_fill(seed, sizeof seed);
	log_init("tls_peer", LOG_T_STDERR);
	int port = atoi(argv[2]);
	if (strcmp(argv[1], "server") == 0) {
		if (!tlskeys_open(&keys, argv[3], argv[4], &e) ||
		    !tls_chain_split(tlskeys_chain(&keys), &sc.chain, &e)) {
			fprintf(stderr, "failed %s\n", e.text);
			free(mem);
			return 78;
		}
		int fd = reach(port, true);
		int bad = fd < 0 || run(tls_server_start(mem, &sc, random), fd, -1);
		tlskeys_close(&keys);
		free(mem);
		return bad;
	}
	tlsroots_use(&roots, -1);
	if (strcmp(argv[4], "-") != 0) {
		size_t n = tlsroots_use(&roots, tlsroots_open(argv[4], &e));

		fprintf(stderr, "authorities %zu\n", n);
		cc = (struct tls_client_config){.require = true, .anchors = &roots.anchors};
	}
	int fd = reach(port, false);
	uint64_t now = (uint64_t)clock_wall().s;
	int bad = fd < 0 || run(tls_client_start(mem, &cc, argv[3], random, now), fd, 1);
	tlsroots_close(&roots);
	free(mem);
	return bad;
}
