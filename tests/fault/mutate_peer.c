/*
 * mutate_peer: many sessions of dialogue that no client has, against a daemon on loopback.
 *
 *	mutate_peer smtp|pop3|pop3s PORT SESSIONS PARALLEL SEED [FIRST]
 *
 * A session's octets follow from SEED and its number alone: commands in a senseless order,
 * then bits flipped, ranges dropped, doubled and swapped, NULs, overlong lines, other line
 * ends, pieces of TLS where none belong.  They go out at once, in lines that wait for an
 * answer, or in small pieces, and end with a quiet close, a reset, half a close, or by
 * waiting for the server's.  One session in TLS_ONE_IN does a real handshake first and goes
 * on inside it, with ciphertext that is damaged or ends in the middle.
 *
 * Exits 1, with the number of the session, when a reply of SMTP is not well-formed, when a
 * half-closed session is not ended by the server, or when nobody answers a connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "proto/tls.h"

enum {
	PARALLEL_MAX = 1000,
	DIALOGUE_MAX = 200000,
	TLS_ONE_IN = 64,
	PASSWORD_ONE_IN = 32, /* a wrong one costs its session seconds */
	ANSWER_MS = 30,       /* a line is waited for this long, then the next one goes out */
	HANDSHAKE_MS = 5000,
	LINGER_MS = 100, /* silence after which a session without an end is left */
	STUCK_MS = 60000,
};

enum ending { END_CLOSE, END_RESET, END_HALF, END_WAIT, ENDINGS };
enum step { CONNECTING, COMMAND_TLS, HANDSHAKE, TALKING, DRAINING, OVER };

struct session {
	int fd;
	unsigned number;
	uint64_t random;
	enum step step;
	enum ending ending;
	bool lockstep, with_tls, answered_tls, failed;
	size_t piece;     /* octets sent at once, 0: a line */
	struct buf text;  /* the dialogue */
	size_t at;        /* of text, sent */
	struct buf reply; /* the line of the server that is not complete yet */
	struct tls_session *tls;
	uint64_t since_ms;
};

static struct {
	bool pop3, tls_first;
	int port;
	uint64_t seed;
	unsigned long long sent, received, handshakes;
} run;

static const char *const smtp_lines[] = {
    "EHLO client.test\r\n",
    "HELO x\r\n",
    "EHLO [192.0.2.1]\r\n",
    "MAIL FROM:<a@elsewhere.test>\r\n",
    "MAIL FROM:<> SIZE=100 BODY=8BITMIME\r\n",
    "MAIL FROM:<a@elsewhere.test> SIZE=99999999999999999999\r\n",
    "RCPT TO:<u1@example.test>\r\n",
    "RCPT TO:<@a.test,@b.test:u2@example.test>\r\n",
    "RCPT TO:<nobody@example.test>\r\n",
    "RCPT TO:<\"a b\\\"c\"@example.test> NOTIFY=NEVER ORCPT=rfc822;a+2Bb\r\n",
    "DATA\r\n",
    "DATA\r\nSubject: mutated\r\n\r\nbody\r\n..dot\r\n.\r\n",
    "Subject: x\r\n\tfolded\r\nReceived: x\r\n\r\nbody\r\n.\r\n",
    ".\r\n",
    "\n.\n",
    "\r.\r",
    "\r\n.\n",
    "\n.\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "VRFY u1\r\n",
    "EXPN u1\r\n",
    "HELP\r\n",
    "ETRN @example.test\r\n",
    "AUTH PLAIN AHUxAHB3LXUx\r\n",
    "AUTH LOGIN\r\n",
    "dTE=\r\n",
    "*\r\n",
    "STARTTLS\r\n",
    "BDAT 5 LAST\r\nabcde",
    "GET / HTTP/1.0\r\n\r\n",
    "LHLO x\r\n",
    "\r\n",
    "XCLIENT ADDR=127.0.0.1\r\n",
    "QUIT\r\n",
};

static const char *const pop3_lines[] = {
    "CAPA\r\n",         "USER u1\r\n",
    "PASS pw-u1\r\n",   "PASS wrong\r\n",
    "STAT\r\n",         "LIST\r\n",
    "LIST 1\r\n",       "UIDL\r\n",
    "RETR 1\r\n",       "RETR 4294967297\r\n",
    "TOP 1 0\r\n",      "TOP 1 18446744073709551616\r\n",
    "DELE 1\r\n",       "RSET\r\n",
    "NOOP\r\n",         "AUTH\r\n",
    "AUTH PLAIN\r\n",   "AUTH PLAIN AHUxAHB3LXUx\r\n",
    "AHUxAHdyb25n\r\n", "*\r\n",
    "STLS\r\n",         "APOP u1 c4c9334bac560ecc979e58001b3e22fb\r\n",
    "LAST\r\n",         "\r\n",
    "QUIT\r\n",
};

/* A ClientHello's head, an alert, application data that nobody can read. */
static const char tls_pieces[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
				 "\x15\x03\x03\x00\x02\x01\x00\x17\x03\x03\x00\x10";

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* splitmix64: any seed will do, numbers that follow each other, too. */
static uint64_t draw(struct session *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static size_t below(struct session *s, size_t n)
{
	return n ? (size_t)(draw(s) % n) : 0;
}

static void compose(struct session *s)
{
	size_t lines = 1 + below(s, 16), n = sizeof smtp_lines / sizeof smtp_lines[0];
	bool password = below(s, PASSWORD_ONE_IN) == 0;

	/* Half of the sessions begin as a client would, so that the later states are met. */
	if (!run.pop3 && below(s, 2))
		buf_puts(&s->text, "EHLO client.test\r\nMAIL FROM:<a@elsewhere.test>\r\n"
				   "RCPT TO:<u1@example.test>\r\n");
	if (run.pop3 && password && below(s, 2))
		buf_puts(&s->text, "USER u1\r\nPASS pw-u1\r\n");
	if (run.pop3)
		n = sizeof pop3_lines / sizeof pop3_lines[0];
	while (lines--) {
		const char *line = (run.pop3 ? pop3_lines : smtp_lines)[below(s, n)];

		if (password || !(strstr(line, "PASS") || strstr(line, "AH")))
			buf_puts(&s->text, line);
	}
}

/* Puts piece at place, in front of what is there. */
static void insert(struct buf *b, size_t place, struct span piece)
{
	struct buf out;

	buf_init(&out, b->max);
	buf_put(&out, span_make(b->ptr, place));
	buf_put(&out, piece);
	buf_put(&out, span_make(b->ptr + place, b->len - place));
	if (buf_ok(&out)) {
		buf_free(b);
		*b = out;
	} else {
		buf_free(&out);
	}
}

static void cut(struct buf *b, size_t from, size_t to)
{
	memmove(b->ptr + from, b->ptr + to, b->len - to);
	b->len -= to - from;
}

static void insert_long(struct session *s, size_t place)
{
	static char octets[70000];
	size_t n = below(s, 20) ? below(s, 3000) : below(s, sizeof octets);

	memset(octets, "A.<\0\xff"[below(s, 5)], sizeof octets);
	insert(&s->text, place, span_make(octets, n));
}

static void mutate_one(struct session *s)
{
	struct buf *b = &s->text;
	size_t a = below(s, b->len), z = a + 1 + below(s, b->len - a > 40 ? 40 : b->len - a);
	char copy[64];

	if (b->len == 0)
		return;
	if (z > b->len)
		z = b->len;
	switch (below(s, 11)) {
	case 0:
		b->ptr[a] ^= (char)(1 << below(s, 8));
		break;
	case 1:
		b->ptr[a] = (char)draw(s);
		break;
	case 2:
		b->ptr[a] = '\0';
		break;
	case 3:
		cut(b, a, z);
		break;
	case 4: /* doubled */
	case 5: /* or moved */
		memcpy(copy, b->ptr + a, z - a);
		if (below(s, 2))
			cut(b, a, z);
		insert(b, below(s, b->len + 1), span_make(copy, z - a));
		break;
	case 6:
		buf_truncate(b, a);
		break;
	case 7: /* another line end */
		a += span_index(span_make(b->ptr + a, b->len - a), '\r');
		if (a < b->len)
			cut(b, a, a + 1 + (below(s, 3) == 0 && a + 1 < b->len));
		break;
	case 8:
		insert_long(s, a);
		break;
	case 9:
		insert(b, a, span_make(tls_pieces, 1 + below(s, sizeof tls_pieces - 1)));
		break;
	default:
		insert(b, a, run.pop3 ? SPAN("STLS\r\n") : SPAN("STARTTLS\r\n"));
	}
}

static bool begin(struct session *s, unsigned number)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)run.port)};

	*s = (struct session){.number = number, .random = run.seed << 32 ^ number};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	buf_init(&s->text, DIALOGUE_MAX);
	buf_init(&s->reply, 1024);
	s->ending = (enum ending)below(s, ENDINGS);
	s->with_tls = below(s, run.tls_first ? 8 : TLS_ONE_IN) == 0;
	s->lockstep = below(s, 4) == 0;
	s->piece = below(s, 3) == 0 ? 0 : 1 + below(s, below(s, 2) ? 8 : DIALOGUE_MAX);
	compose(s);
	for (size_t n = below(s, 8); n > 0; n--)
		mutate_one(s);
	/* Octet by octet, but no session for minutes. */
	if (s->piece && s->piece < s->text.len / 32)
		s->piece = s->text.len / 32;
	s->since_ms = now_ms();
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return s->fd >= 0 &&
	       (connect(s->fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
}

static void end(struct session *s)
{
	struct linger hard = {.l_onoff = 1};

	if (s->ending == END_RESET)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(s->fd);
	s->fd = -1;
	if (s->tls)
		tls_wipe(s->tls);
	free(s->tls);
	buf_free(&s->text);
	buf_free(&s->reply);
	s->step = OVER;
}

static void fail(struct session *s, const char *why)
{
	printf("session %u: %s: %.*s\n", s->number, why, (int)s->reply.len,
	       s->reply.len ? s->reply.ptr : "");
	s->failed = true;
}

/* A whole line of the server in the clear. */
static void check_line(struct session *s)
{
	struct span l = buf_span(&s->reply);
	bool tls = span_starts(l, SPAN("220 2.0.0")) || span_starts(l, SPAN("+OK begin TLS"));

	if (!run.pop3 && !s->answered_tls &&
	    (l.len < 5 || l.len > 512 || l.ptr[0] < '2' || l.ptr[0] > '5' ||
	     l.ptr[l.len - 2] != '\r' || (l.ptr[3] != ' ' && l.ptr[3] != '-')))
		fail(s, "not a reply");
	if (s->step == COMMAND_TLS && tls)
		s->step = HANDSHAKE;
	/* What comes behind it is TLS, whether the client wanted it or not. */
	s->answered_tls = s->answered_tls || tls;
}

static void start_tls(struct session *s)
{
	static const struct tls_client_config config = {.require = false};
	uint64_t seed[4] = {draw(s), draw(s), draw(s), draw(s)};

	s->tls = tls_client_start(malloc(tls_session_size()), &config, "mx.example.test",
				  span_make(seed, sizeof seed), 1800000000);
	s->step = HANDSHAKE;
}

/* What came, in the clear; false at the end. */
static bool hear(struct session *s)
{
	char in[16384];
	ssize_t n = recv(s->fd, in, sizeof in, 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	run.received += (unsigned long long)n;
	s->since_ms = now_ms();
	if (s->tls) {
		for (struct span rest = span_make(in, (size_t)n); rest.len;) {
			size_t used = tls_feed(s->tls, rest);

			tls_read_ack(s->tls, tls_read(s->tls).len);
			rest = span_skip(rest, used);
			if (used == 0 && (tls_output(s->tls).len || tls_state(s->tls) > TLS_OPEN))
				break;
		}
		return true;
	}
	for (ssize_t i = 0; i < n && !s->failed; i++) {
		buf_putc(&s->reply, in[i]);
		if (in[i] != '\n' && s->reply.len < 1024)
			continue;
		check_line(s);
		buf_reset(&s->reply);
	}
	if (s->step == HANDSHAKE && !s->tls)
		start_tls(s);
	return true;
}

static struct span next_piece(struct session *s)
{
	struct span rest = span_skip(buf_span(&s->text), s->at);

	return span_head(rest, s->piece ? s->piece : span_index(rest, '\n') + 1);
}

/* Ciphertext goes out damaged now and then. */
static bool say_tls(struct session *s)
{
	struct span out = tls_output(s->tls);
	char copy[4096];
	ssize_t n;

	if (s->step == HANDSHAKE && tls_state(s->tls) == TLS_OPEN) {
		run.handshakes++;
		s->step = TALKING;
	}
	if (out.len == 0 && tls_state(s->tls) == TLS_OPEN && s->at < s->text.len) {
		s->at += tls_write(s->tls, next_piece(s));
		tls_flush(s->tls);
		out = tls_output(s->tls);
	}
	if (out.len == 0)
		return tls_state(s->tls) <= TLS_OPEN;
	out = span_head(out, sizeof copy);
	memcpy(copy, out.ptr, out.len);
	if (below(s, 12) == 0)
		copy[below(s, out.len)] ^= (char)(1 << below(s, 8));
	n = send(s->fd, copy, out.len, MSG_NOSIGNAL);
	if (n > 0)
		tls_output_ack(s->tls, (size_t)n);
	return n > 0 || errno == EAGAIN;
}

static bool say(struct session *s)
{
	struct span out = next_piece(s);
	ssize_t n;

	if (s->tls)
		return say_tls(s);
	n = send(s->fd, out.ptr, out.len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN;
	run.sent += (unsigned long long)n;
	s->at += (size_t)n;
	s->since_ms = now_ms();
	return true;
}

static void said_all(struct session *s)
{
	if (s->tls && below(s, 2)) {
		struct span last;

		tls_close(s->tls);
		last = tls_output(s->tls);
		/* close_notify, and cleartext behind it */
		(void)!send(s->fd, last.ptr, last.len, MSG_NOSIGNAL);
		(void)!send(s->fd, "RSET\r\n", 6, MSG_NOSIGNAL);
	}
	s->step = DRAINING;
	s->since_ms = now_ms();
	if (s->ending == END_HALF)
		shutdown(s->fd, SHUT_WR);
	else if (s->ending != END_WAIT)
		end(s);
}

static void go_on(struct session *s, short events)
{
	uint64_t silence = s->step == COMMAND_TLS || s->step == HANDSHAKE ? HANDSHAKE_MS
			   : s->step == TALKING && !s->tls                ? ANSWER_MS
									  : LINGER_MS;
	bool quiet = now_ms() - s->since_ms > silence;
	bool open = true;

	if (s->step == CONNECTING && events & (POLLIN | POLLOUT | POLLERR | POLLHUP)) {
		const char *first = run.pop3 ? "STLS\r\n" : "STARTTLS\r\n";
		int error = 0;
		socklen_t len = sizeof error;

		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error)
			fail(s, strerror(error));
		s->step = TALKING;
		if (s->with_tls && run.tls_first)
			start_tls(s);
		else if (s->with_tls && send(s->fd, first, strlen(first), MSG_NOSIGNAL) > 0)
			s->step = COMMAND_TLS;
	}
	if (events & (POLLIN | POLLERR | POLLHUP))
		open = hear(s);
	if (open && !s->failed && (s->step == TALKING || (s->tls && s->step == HANDSHAKE)) &&
	    (s->tls || !s->lockstep || quiet || events & POLLIN) && events & POLLOUT)
		open = say(s);
	if (s->failed || !open)
		end(s);
	else if (s->step == TALKING && s->at == s->text.len && !(s->tls && tls_output(s->tls).len))
		said_all(s);
	else if (now_ms() - s->since_ms > STUCK_MS)
		fail(s, "the server does not end it"), end(s);
	/* Without TLS it goes on in the clear. */
	else if (quiet && s->step == COMMAND_TLS)
		s->step = TALKING;
	/* Nothing more comes, and nothing has to: a message that is not complete, a handshake. */
	else if (quiet &&
		 (s->step == DRAINING ? s->ending != END_HALF : s->tls && s->step != CONNECTING))
		end(s);
}

static short wanted(const struct session *s)
{
	bool out = s->step == CONNECTING ||
		   (s->tls ? s->step < DRAINING : s->step == TALKING && !s->lockstep);

	return (short)(POLLIN | (out ? POLLOUT : 0));
}

static int drive(unsigned first, unsigned count, unsigned parallel)
{
	static struct session sessions[PARALLEL_MAX];
	static struct pollfd p[PARALLEL_MAX];
	unsigned started = 0, over = 0;
	int status = 0;

	for (unsigned i = 0; i < parallel; i++)
		sessions[i].fd = -1;
	while (over < count && status == 0) {
		for (unsigned i = 0; i < parallel; i++) {
			struct session *s = &sessions[i];

			if (s->fd < 0 && started < count && !begin(s, first + started++))
				return perror("connect"), 1;
			p[i] = (struct pollfd){.fd = s->fd, .events = wanted(s)};
		}
		if (poll(p, parallel, 10) < 0)
			return perror("poll"), 1;
		for (unsigned i = 0; i < parallel; i++) {
			short events = p[i].revents;

			if (sessions[i].fd < 0)
				continue;
			/* A line that waited in vain for an answer is followed by the next. */
			if (sessions[i].lockstep)
				events |= POLLOUT;
			go_on(&sessions[i], events);
			over += sessions[i].fd < 0;
			status |= sessions[i].failed;
		}
	}
	return status;
}

int main(int argc, char **argv)
{
	unsigned count, parallel;
	int status;

	if (argc < 6)
		return fprintf(stderr, "usage: mutate_peer smtp|pop3|pop3s PORT SESSIONS PARALLEL "
				       "SEED [FIRST]\n"),
		       2;
	run.pop3 = strncmp(argv[1], "pop3", 4) == 0;
	run.tls_first = strcmp(argv[1], "pop3s") == 0;
	run.port = atoi(argv[2]);
	run.seed = (uint64_t)strtoull(argv[5], NULL, 10);
	count = (unsigned)strtoul(argv[3], NULL, 10);
	parallel = (unsigned)strtoul(argv[4], NULL, 10);
	if (parallel > PARALLEL_MAX)
		parallel = PARALLEL_MAX;
	status = drive(argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 0, count, parallel);
	printf("%u sessions, %llu with TLS, %llu octets sent, %llu received\n", count,
	       run.handshakes, run.sent, run.received);
	return status;
}
