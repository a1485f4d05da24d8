/*
 * service/dns_client: asked against name servers of this process, on the same loop, which
 * answer late, wrongly, in part or not at all.
 */
#include "service/dns_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "unit/test.h"

enum answer {
	RIGHT,
	SILENT,
	WRONG_ID,       /* and then the right one */
	WRONG_QUESTION, /* and then the right one */
	ONLY_JUNK,
	SERVFAIL,
	NXDOMAIN,
	CUT,     /* over UDP; right over TCP */
	CUT_TCP, /* half an answer over TCP, and the end */
};

struct fake {
	struct loop_watch udp, listener, stream;
	enum answer how;
	int asked, asked_tcp;
	uint32_t ttl;
};

static struct loop l;
static struct resolver conf;
static struct dns_client d;
static struct fake fakes[3];

static void put16(struct buf *b, unsigned v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

/* The answer to a query: its question again, and one record that fits. */
static void make_answer(const struct fake *f, struct span q, bool tcp, struct buf *out)
{
	bool empty = f->how == NXDOMAIN || f->how == SERVFAIL || (f->how == CUT && !tcp);
	unsigned type = (unsigned char)q.ptr[q.len - 3];

	buf_reset(out);
	buf_put(out, span_head(q, 2));
	buf_putc(out, (char)(0x81 | (f->how == CUT && !tcp ? 2 : 0)));
	buf_putc(out, (char)(f->how == NXDOMAIN ? 3 : f->how == SERVFAIL ? 2 : 0));
	put16(out, 1);
	put16(out, empty ? 0 : 1);
	put16(out, f->how == NXDOMAIN ? 1 : 0);
	put16(out, 0);
	buf_put(out, span_skip(q, 12));
	if (!empty || f->how == NXDOMAIN) {
		put16(out, 0xc00c);
		put16(out, f->how == NXDOMAIN ? DNS_SOA : type);
		put16(out, 1);
		put16(out, 0);
		put16(out, f->ttl);
	}
	if (f->how == NXDOMAIN) {
		put16(out, 22);
		buf_put(out, SPAN("\0\0"
				  "\0\0\0\1"
				  "\0\0\0\1"
				  "\0\0\0\1"
				  "\0\0\0\1"
				  "\0\0\0\x1e"));
	} else if (!empty && type == DNS_MX) {
		put16(out, 6);
		put16(out, 10);
		buf_put(out, SPAN("\2mx\0"));
	} else if (!empty) {
		put16(out, 4);
		buf_put(out, SPAN("\xc0\0\2\1"));
	}
}

static void on_udp(struct loop_watch *w, uint32_t events)
{
	struct fake *f = (struct fake *)((char *)w - offsetof(struct fake, udp));
	struct sockaddr_in from;
	socklen_t len = sizeof from;
	char q[512], mem[1024];
	struct buf out;
	ssize_t n = recvfrom(w->fd, q, sizeof q, 0, (struct sockaddr *)&from, &len);
	int junk = f->how == ONLY_JUNK ? DNS_CLIENT_JUNK : 1;

	(void)events;
	CHECK(n > 16);
	f->asked++;
	if (f->how == SILENT || n <= 16)
		return;
	buf_init_fixed(&out, mem, sizeof mem);
	make_answer(f, span_make(q, (size_t)n), false, &out);
	for (int i = 0; i < junk && (f->how >= WRONG_ID && f->how <= ONLY_JUNK); i++) {
		size_t at = f->how == WRONG_QUESTION ? 13 : 0;

		mem[at]++;
		sendto(w->fd, mem, out.len, 0, (struct sockaddr *)&from, len);
		mem[at]--;
	}
	if (f->how != ONLY_JUNK)
		sendto(w->fd, mem, out.len, 0, (struct sockaddr *)&from, len);
}

static void on_stream(struct loop_watch *w, uint32_t events)
{
	struct fake *f = (struct fake *)((char *)w - offsetof(struct fake, stream));
	char q[512], mem[1024];
	struct buf out;
	ssize_t n = recv(w->fd, q, sizeof q, 0);
	int fd = w->fd;

	(void)events;
	if (n > 18) {
		f->asked_tcp++;
		buf_init_fixed(&out, mem + 2, sizeof mem - 2);
		make_answer(f, span_make(q + 2, (size_t)n - 2), true, &out);
		mem[0] = (char)(out.len >> 8);
		mem[1] = (char)out.len;
		/* In two pieces: the length alone says nothing. */
		CHECK_INT(send(fd, mem, 1, 0), 1);
		CHECK(send(fd, mem + 1, f->how == CUT_TCP ? 9 : out.len + 1, 0) > 0);
	}
	loop_remove(&l, w);
	close(fd);
}

static void on_listener(struct loop_watch *w, uint32_t events)
{
	struct fake *f = (struct fake *)((char *)w - offsetof(struct fake, listener));
	int fd = accept(w->fd, NULL, NULL);
	struct err e;

	(void)events;
	CHECK(fd >= 0 && loop_add(&l, &f->stream, fd, EPOLLIN, &e));
}

/* One port for both protocols. */
static void open_fake(struct fake *f, struct sockaddr_storage *where)
{
	struct sockaddr_in *a = (struct sockaddr_in *)where;
	struct err e;

	for (int i = 0; i < 100; i++) {
		socklen_t len = sizeof *a;
		int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);

		*a = (struct sockaddr_in){.sin_family = AF_INET};
		a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(udp, (struct sockaddr *)a, len) == 0 &&
		    getsockname(udp, (struct sockaddr *)a, &len) == 0 &&
		    bind(tcp, (struct sockaddr *)a, len) == 0 && listen(tcp, 5) == 0) {
			CHECK(loop_add(&l, &f->udp, udp, EPOLLIN, &e));
			CHECK(loop_add(&l, &f->listener, tcp, EPOLLIN, &e));
			return;
		}
		close(udp);
		close(tcp);
	}
	TEST_FAIL("no port");
}

static void setup(int servers, const enum answer *how)
{
	struct err e;

	CHECK(loop_init(&l, &e));
	memset(&conf, 0, sizeof conf);
	conf.servers = servers;
	conf.attempts = 1;
	conf.timeout_s = 1;
	for (int i = 0; i < servers; i++) {
		fakes[i] = (struct fake){.how = how[i], .ttl = 300};
		fakes[i].udp = (struct loop_watch){.fd = -1, .ready = on_udp};
		fakes[i].listener = (struct loop_watch){.fd = -1, .ready = on_listener};
		fakes[i].stream = (struct loop_watch){.fd = -1, .ready = on_stream};
		open_fake(&fakes[i], &conf.server[i]);
	}
	dns_client_init(&d, &l, &conf);
}

static void teardown(void)
{
	/* An idle client has nothing open and nothing set. */
	CHECK_INT(d.open[0] + d.open[1] + d.streams, 0);
	CHECK_INT(l.timers, 0);
	CHECK(d.asks == NULL);
	dns_client_free(&d);
	for (int i = 0; i < conf.servers; i++) {
		close(fakes[i].udp.fd);
		close(fakes[i].listener.fd);
		if (fakes[i].stream.fd >= 0)
			close(fakes[i].stream.fd);
	}
	loop_close(&l);
}

struct waiter {
	struct dns_client_wait wait;
	int done;
};

static void on_done(struct dns_client_wait *w)
{
	((struct waiter *)((char *)w - offsetof(struct waiter, wait)))->done++;
}

/* Asks, waits until it is known, asks again. */
static int ask(const char *name, uint16_t type, struct span *message)
{
	struct waiter w = {.wait.done = on_done};
	int status = dns_client_get(&d, span_str(name), type, message);

	if (status != DNS_CLIENT_PENDING)
		return status;
	dns_client_await(&d, &w.wait);
	while (!w.done)
		loop_turn(&l, -1);
	CHECK_INT(w.done, 1);
	return dns_client_get(&d, span_str(name), type, message);
}

static void check_address(const char *name, struct span message)
{
	struct dns_record r;
	struct dns_answer a;
	char mem[64];
	struct buf b;

	buf_init_fixed(&b, mem, sizeof mem);
	CHECK(dns_open_answer(&a, message, 0, span_str(name), DNS_A));
	CHECK(dns_next_record(&a, &r));
	dns_put_data(&r, &b);
	CHECK_SPAN(buf_span(&b), SPAN("192.0.2.1"));
}

TEST(an_answer_is_kept)
{
	struct span m;

	setup(1, (enum answer[]){RIGHT});
	CHECK_INT(ask("mail.example", DNS_A, &m), 0);
	check_address("mail.example", m);
	CHECK_INT(dns_client_get(&d, SPAN("MAIL.example."), DNS_A, &m), 0);
	CHECK_INT(fakes[0].asked, 1);
	/* Another type is another question. */
	CHECK_INT(ask("mail.example", DNS_MX, &m), 0);
	CHECK_INT(fakes[0].asked, 2);
	teardown();
}

TEST(an_answer_lives_as_long_as_it_says)
{
	struct span m;

	setup(1, (enum answer[]){RIGHT});
	CHECK_INT(ask("mail.example", DNS_A, &m), 0);
	l.now_ms += 299000;
	CHECK_INT(dns_client_get(&d, SPAN("mail.example"), DNS_A, &m), 0);
	l.now_ms += 2000;
	fakes[0].ttl = 0;
	CHECK_INT(ask("mail.example", DNS_A, &m), 0);
	CHECK_INT(fakes[0].asked, 2);
	teardown();
}

TEST(a_name_that_is_none_is_not_asked_for)
{
	struct span m;

	setup(1, (enum answer[]){RIGHT});
	CHECK_INT(dns_client_get(&d, SPAN("a..b"), DNS_A, &m), EXIT_NOHOST);
	CHECK_INT(dns_client_get(&d, SPAN("a\0b"), DNS_A, &m), EXIT_NOHOST);
	teardown();
}

TEST(forged_answers_are_ignored)
{
	struct span m;

	setup(1, (enum answer[]){WRONG_ID});
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	check_address("a.example", m);
	fakes[0].how = WRONG_QUESTION;
	CHECK_INT(ask("b.example", DNS_A, &m), 0);
	check_address("b.example", m);
	CHECK_INT(fakes[0].asked, 2);
	teardown();
}

TEST(a_flood_of_forged_answers_means_tcp)
{
	struct span m;

	setup(1, (enum answer[]){ONLY_JUNK});
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	check_address("a.example", m);
	CHECK_INT(fakes[0].asked_tcp, 1);
	teardown();
}

TEST(a_cut_answer_is_asked_for_over_tcp)
{
	struct span m;

	setup(1, (enum answer[]){CUT});
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	check_address("a.example", m);
	CHECK_INT(fakes[0].asked_tcp, 1);
	teardown();
}

TEST(half_an_answer_over_tcp_is_none)
{
	struct span m;

	setup(2, (enum answer[]){ONLY_JUNK, RIGHT});
	/* Over UDP it is whole; only junk leads to TCP, so the mode changes in between. */
	CHECK_INT(dns_client_get(&d, SPAN("a.example"), DNS_A, &m), DNS_CLIENT_PENDING);
	while (fakes[0].asked == 0)
		loop_turn(&l, -1);
	fakes[0].how = CUT_TCP;
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	check_address("a.example", m);
	CHECK_INT(fakes[0].asked_tcp, 1);
	CHECK_INT(fakes[1].asked, 1);
	teardown();
}

TEST(servfail_means_the_next_server)
{
	struct span m;

	setup(2, (enum answer[]){SERVFAIL, RIGHT});
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	check_address("a.example", m);
	/* The one that answered is asked first from now on. */
	CHECK_INT(ask("b.example", DNS_A, &m), 0);
	CHECK_INT(fakes[0].asked, 1);
	CHECK_INT(fakes[1].asked, 2);
	teardown();
}

TEST(servfail_from_all_is_temporary_and_kept)
{
	struct span m;

	setup(2, (enum answer[]){SERVFAIL, SERVFAIL});
	conf.attempts = 2;
	CHECK_INT(ask("a.example", DNS_A, &m), EXIT_TEMPFAIL);
	CHECK_INT(dns_client_get(&d, SPAN("a.example"), DNS_A, &m), EXIT_TEMPFAIL);
	CHECK_INT(fakes[0].asked + fakes[1].asked, 4);
	l.now_ms += DNS_CLIENT_KEEP_S * 1000 + 1;
	CHECK_INT(dns_client_get(&d, SPAN("a.example"), DNS_A, &m), DNS_CLIENT_PENDING);
	dns_client_free(&d);
	teardown();
}

TEST(silence_means_the_next_server)
{
	struct span m;

	setup(2, (enum answer[]){SILENT, RIGHT});
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	CHECK_INT(fakes[0].asked, 1);
	fakes[1].how = SILENT;
	CHECK_INT(ask("b.example", DNS_A, &m), EXIT_TEMPFAIL);
	teardown();
}

TEST(a_server_that_is_not_there_is_passed_at_once)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&conf.server[0];
	uint64_t began;
	struct span m;

	setup(2, (enum answer[]){RIGHT, RIGHT});
	conf.timeout_s = 30;
	/* Port 1 of loopback: refused. */
	a->sin_port = htons(1);
	began = l.now_ms;
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	CHECK(l.now_ms - began < 20000);
	teardown();
}

TEST(negative_answers_are_kept_as_their_soa_says)
{
	struct dns_answer a;
	struct span m;

	setup(1, (enum answer[]){NXDOMAIN});
	CHECK_INT(ask("no.example", DNS_A, &m), 0);
	CHECK(dns_open_answer(&a, m, 0, SPAN("no.example"), DNS_A));
	CHECK_INT(a.rcode, DNS_NXDOMAIN);
	/* 30 seconds is the minimum of the record, 300 its TTL. */
	l.now_ms += 29000;
	CHECK_INT(dns_client_get(&d, SPAN("no.example"), DNS_A, &m), 0);
	l.now_ms += 2000;
	CHECK_INT(ask("no.example", DNS_A, &m), 0);
	CHECK_INT(fakes[0].asked, 2);
	teardown();
}

TEST(many_questions_share_few_sockets_and_a_bounded_cache)
{
	enum { MANY = 300 };
	static struct waiter w[MANY];
	size_t most = 0;
	struct span m;
	char name[32];
	int done = 0;

	setup(1, (enum answer[]){RIGHT});
	conf.timeout_s = 30;
	for (int i = 0; i < MANY; i++) {
		w[i] = (struct waiter){.wait.done = on_done};
		snprintf(name, sizeof name, "n%d.example", i);
		CHECK_INT(dns_client_get(&d, span_str(name), DNS_A, &m), DNS_CLIENT_PENDING);
		dns_client_await(&d, &w[i].wait);
	}
	/* One that no longer wants to know, and a second one who asks the same. */
	dns_client_cancel(&w[7].wait);
	CHECK_INT(dns_client_get(&d, SPAN("n8.example"), DNS_A, &m), DNS_CLIENT_PENDING);
	dns_client_await(&d, &w[7].wait);
	while (done < MANY) {
		most = d.open[0] > most ? d.open[0] : most;
		loop_turn(&l, -1);
		done = 0;
		for (int i = 0; i < MANY; i++)
			done += w[i].done;
	}
	CHECK_INT(most, DNS_CLIENT_ASKS);
	CHECK_INT(w[7].done, 1);
	while (d.asks)
		loop_turn(&l, -1);
	CHECK_INT(d.cache.count, DNS_CACHE_ENTRIES);
	CHECK_INT(fakes[0].asked, MANY);
	teardown();
}

static bool is_whole(struct span in)
{
	return in.len && in.ptr[in.len - 1] == '.';
}

/* A server on a stream, which never takes a connection by itself. */
static int open_stream(struct sockaddr_storage *to)
{
	struct sockaddr_in *a = (struct sockaddr_in *)to;
	socklen_t len = sizeof *a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(to, 0, sizeof *to);
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(fd, (struct sockaddr *)a, len) == 0 && listen(fd, DNS_CLIENT_ASKS) == 0 &&
	      getsockname(fd, (struct sockaddr *)a, &len) == 0);
	return fd;
}

TEST(streams_are_bounded_and_keep_no_name_waiting)
{
	static struct waiter w[DNS_CLIENT_STREAMS];
	struct sockaddr_storage to;
	struct span m;
	char text[32];
	int fd;

	setup(1, (enum answer[]){RIGHT});
	fd = open_stream(&to);
	for (int i = 0; i < DNS_CLIENT_STREAMS; i++) {
		w[i] = (struct waiter){.wait.done = on_done};
		snprintf(text, sizeof text, "%d", i);
		CHECK_INT(dns_client_stream(&d, &to, span_str(text), is_whole, &m),
			  DNS_CLIENT_PENDING);
		dns_client_await(&d, &w[i].wait);
	}
	CHECK_INT(d.open[1], DNS_CLIENT_ASKS);
	CHECK_INT(dns_client_stream(&d, &to, SPAN("more"), is_whole, &m), EXIT_TEMPFAIL);
	CHECK_INT(ask("a.example", DNS_A, &m), 0);
	/* The place of one that nobody wants any more is another's. */
	dns_client_cancel(&w[0].wait);
	CHECK_INT(d.streams, DNS_CLIENT_STREAMS - 1);
	CHECK_INT(d.open[1], DNS_CLIENT_ASKS);
	for (int i = 1; i < DNS_CLIENT_STREAMS; i++) {
		dns_client_cancel(&w[i].wait);
		CHECK_INT(w[i].done, 0);
	}
	close(fd);
	teardown();
}

/* Asks the same server twice, the second question being the answer to the first. */
struct pair {
	struct dns_client_wait wait;
	struct sockaddr_storage to;
	int runs;
	bool known;
};

static void run_pair(struct dns_client_wait *w)
{
	struct pair *p = (struct pair *)((char *)w - offsetof(struct pair, wait));
	struct span first, second;
	char text[32];

	p->runs++;
	if (dns_client_stream(&d, &p->to, SPAN("first"), is_whole, &first) == 0 &&
	    span_to_cstr(first, text, sizeof text) &&
	    dns_client_stream(&d, &p->to, span_str(text), is_whole, &second) == 0) {
		CHECK(span_starts(second, SPAN("to ")));
		CHECK_SPAN(span_skip(second, 3), span_str(text));
		p->known = true;
		/* Answers are no open questions, and have a bound of their own. */
		CHECK(d.kept >= 2 && d.streams + d.kept <= 4);
		d.kept += DNS_CLIENT_KEPT - 2;
		CHECK_INT(dns_client_stream(&d, &p->to, SPAN("more"), is_whole, &first),
			  EXIT_TEMPFAIL);
		d.kept -= DNS_CLIENT_KEPT - 2;
		return;
	}
	dns_client_await(&d, w);
}

TEST(what_a_stream_says_is_for_who_asked)
{
	struct pair p[2];
	int fd, asked = 0;

	setup(1, (enum answer[]){RIGHT});
	for (int i = 0; i < 2; i++)
		p[i] = (struct pair){.wait.done = run_pair};
	fd = open_stream(&p[0].to);
	p[1].to = p[0].to;
	run_pair(&p[0].wait);
	run_pair(&p[1].wait);
	for (; asked < 4; asked++) {
		char text[32], answer[48];
		ssize_t n = 0;
		int peer;

		/* Connected by the kernel at once; the question follows from the loop. */
		loop_turn(&l, 0);
		peer = accept(fd, NULL, NULL);
		while (n <= 0) {
			n = recv(peer, text, sizeof text - 1, MSG_DONTWAIT);
			loop_turn(&l, 0);
		}
		text[n] = '\0';
		if (strcmp(text, "first") == 0)
			snprintf(answer, sizeof answer, "number %d.", asked);
		else
			snprintf(answer, sizeof answer, "to %s", text);
		CHECK(send(peer, answer, strlen(answer), 0) > 0);
		close(peer);
		for (int runs = p[0].runs + p[1].runs; runs == p[0].runs + p[1].runs;)
			loop_turn(&l, -1);
	}
	/* Nothing of it is left, and each was run as often as it had something to learn. */
	CHECK(p[0].known && p[1].known && d.streams == 0 && d.kept == 0);
	CHECK_INT(p[0].runs, 3);
	CHECK_INT(p[1].runs, 3);
	close(fd);
	teardown();
}

TEST(the_names_of_the_resolver_ask_here)
{
	struct waiter w = {.wait.done = on_done};
	struct resolver_mx mx[RESOLVER_MX];
	enum resolver_mx_kind kind;
	char mem[DNS_NAME_MAX];
	struct buf out;
	int n, turns = 0;

	setup(1, (enum answer[]){RIGHT});
	buf_init(&conf.hosts, 10);
	dns_client_attach(&d, &conf);
	CHECK_INT(resolver_find_mx(&conf, SPAN("a.example"), mx, &n, &kind), RESOLVER_PENDING);
	dns_client_await(&d, &w.wait);
	while (!w.done)
		loop_turn(&l, -1);
	CHECK_INT(resolver_find_mx(&conf, SPAN("a.example"), mx, &n, &kind), 0);
	CHECK_INT(n, 1);
	CHECK_SPAN(span_str(mx[0].name), SPAN("mx"));
	/* A name that takes two questions: the second is pending when the first is known. */
	buf_init_fixed(&out, mem, sizeof mem);
	fakes[0].how = NXDOMAIN;
	while ((n = resolver_canon(&conf, SPAN("b.example."), true, &out)) == RESOLVER_PENDING) {
		w.done = 0;
		dns_client_await(&d, &w.wait);
		while (!w.done)
			loop_turn(&l, -1);
		turns++;
	}
	CHECK_INT(n, EXIT_NOHOST);
	CHECK_INT(turns, 1);
	teardown();
}

TEST_MAIN
