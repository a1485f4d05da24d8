/*
 * popd: options, listeners, daemon, and one session on standard input; see popd.h.
 *
 * What can be wrong in a command line or in the environment is found and told here, on
 * standard error, before anything is started.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applets.h"
#include "base/num.h"
#include "base/opt.h"
#include "popd.h"
#include "service/gate_listen.h"
#include "service/settings_part.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { PUMP_CHUNK = 16384, READY_WAIT_MS = 60000, FIRST_PASSED_FD = 3, POP3S_PORT = 995 };

enum option {
	FOREGROUND = 1,
	STDIO,
	PLAIN,
	TLS,
	USERS,
	MAILBOX,
	KEY,
	CERT,
	REQUIRE_TLS,
	SESSIONS,
	PER_SOURCE,
	IDLE,
	PID_FILE,
	VERBOSE,
};

static const struct opt_spec specs[] = {
    {'f', "foreground", OPT_NONE, FOREGROUND},
    {'i', "stdio", OPT_NONE, STDIO},
    {'l', "listen", OPT_REQUIRED, PLAIN},
    {'t', "listen-tls", OPT_REQUIRED, TLS},
    {'u', "users", OPT_REQUIRED, USERS},
    {'m', "mailbox", OPT_REQUIRED, MAILBOX},
    {'k', "key", OPT_REQUIRED, KEY},
    {'c', "cert", OPT_REQUIRED, CERT},
    {'r', "require-tls", OPT_NONE, REQUIRE_TLS},
    {'n', "max-sessions", OPT_REQUIRED, SESSIONS},
    {'s', "max-per-source", OPT_REQUIRED, PER_SOURCE},
    {'T', "idle-timeout", OPT_REQUIRED, IDLE},
    {'P', "pid-file", OPT_REQUIRED, PID_FILE},
    {'v', "verbose", OPT_NONE, VERBOSE},
    {0, NULL, OPT_NONE, 0},
};

struct request {
	struct popd_plan plan;
	bool foreground, stdio;
};

static int usage(void)
{
	fprintf(stderr, "usage: popd [-firv] [-l ADDR:PORT]... [-t ADDR:PORT]... [-u USERSFILE]\n"
			"            [-m MAILBOX] [-c CERT] [-k KEY] [-n SESSIONS] [-s PERSOURCE]\n"
			"            [-T SECONDS] [-P PIDFILE]\n");
	return EXIT_USAGE;
}

static bool listen_on(struct popd_plan *p, struct span where, bool tls, struct err *e)
{
	struct settings *s = &p->settings;

	if (p->listener_count == POPD_LISTENERS_MAX)
		return err_perm(e, "5.3.5", "more than %d listeners", POPD_LISTENERS_MAX);
	/* LETTERBOX_LISTEN is the mail transfer agent's. */
	s->listener_count = 0;
	if (!settings_add_listener(s, where, e))
		return false;
	memcpy(s->listeners[0].name, "POP3", 5);
	p->listeners[p->listener_count].fd = gate_listen_tcp(&s->listeners[0], e);
	if (p->listeners[p->listener_count].fd < 0)
		return false;
	p->listeners[p->listener_count++].tls = tls;
	return true;
}

/* Absolute, since a daemon leaves the directory it was started in. */
static bool set_path(char to[SETTINGS_PATH_MAX], const char *value, struct err *e)
{
	char dir[SETTINGS_PATH_MAX];
	int n;

	if (value[0] == '/' || !value[0] || !getcwd(dir, sizeof dir))
		n = snprintf(to, SETTINGS_PATH_MAX, "%s", value);
	else
		n = snprintf(to, SETTINGS_PATH_MAX, "%s/%s", dir, value);
	return n < SETTINGS_PATH_MAX || err_perm(e, "5.3.5", "path too long: %.100s", value);
}

/* The whole text must be a number: "10m" for 10 must be told, not guessed. */
static bool set_number(uint32_t *to, const char *value, uint64_t min, uint64_t max, struct err *e)
{
	uint64_t v;

	if (!num_parse(span_str(value), max, &v) || v < min)
		return err_perm(e, "5.3.5", "%.40s: want a number of %llu to %llu", value,
				(unsigned long long)min, (unsigned long long)max);
	*to = (uint32_t)v;
	return true;
}

static bool set_option(struct request *r, int id, const char *value, struct err *e)
{
	struct settings *s = &r->plan.settings;
	struct popd_config *c = &r->plan.config;

	switch (id) {
	case FOREGROUND:
		return r->foreground = true;
	case STDIO:
		return r->stdio = true;
	case PLAIN:
	case TLS:
		return listen_on(&r->plan, span_str(value), id == TLS, e);
	case USERS:
		return set_path(s->users, value, e);
	case MAILBOX:
		return span_to_cstr(span_str(value), s->mailbox, sizeof s->mailbox) ||
		       err_perm(e, "5.3.5", "mailbox template too long: %.100s", value);
	case KEY:
		return set_path(s->key, value, e);
	case CERT:
		return set_path(s->cert, value, e);
	case REQUIRE_TLS:
		return c->require_tls = true;
	case SESSIONS:
		return set_number(&c->max_sessions, value, 1, 100000, e);
	case PER_SOURCE:
		return set_number(&c->max_per_source, value, 0, 100000, e);
	case IDLE:
		return set_number(&c->idle_s, value, 1, 86400, e);
	case PID_FILE:
		return set_path(r->plan.pid_file, value, e);
	default:
		log_set_level(LOG_L_DEBUG);
		return true;
	}
}

/* POP3 over TLS from the first octet (RFC 8314 section 3.3) has a port of its own. */
static bool is_tls_port(int fd)
{
	struct sockaddr_in6 a = {.sin6_family = AF_UNSPEC};
	socklen_t len = sizeof a;

	/* The port is at the same place in both families. */
	return getsockname(fd, (struct sockaddr *)&a, &len) == 0 &&
	       a.sin6_port == htons(POP3S_PORT);
}

/* Sockets of a service manager: LISTEN_PID, LISTEN_FDS; TLS by the port or a name with "tls". */
static bool take_passed(struct popd_plan *p, struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	struct span rest = span_str(names);
	uint64_t owner, n;

	if (!pid || !count || !num_parse(span_str(pid), INT32_MAX, &owner) ||
	    owner != (uint64_t)getpid() || !num_parse(span_str(count), POPD_LISTENERS_MAX, &n))
		return true;
	for (int fd = FIRST_PASSED_FD; n--; fd++) {
		struct span name = span_cut(&rest, ':');
		char text[32];

		if (p->listener_count == POPD_LISTENERS_MAX)
			return err_perm(e, "5.3.5", "more than %d listeners", POPD_LISTENERS_MAX);
		span_to_cstr(span_head(name, sizeof text - 1), text, sizeof text);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
			return err_errno(e, errno, "LISTEN_FDS: descriptor %d", fd);
		p->listeners[p->listener_count].fd = fd;
		p->listeners[p->listener_count++].tls =
		    is_tls_port(fd) || strstr(text, "tls") || strstr(text, "pop3s");
	}
	return true;
}

/* Zero configuration: clients on this host. */
static bool listen_by_default(struct popd_plan *p, struct err *e)
{
	struct err ignored;

	if (p->listener_count)
		return true;
	if (!listen_on(p, SPAN("127.0.0.1:110"), false, e))
		return false;
	listen_on(p, SPAN("[::1]:110"), false, &ignored);
	return true;
}

/* What a daemon has nothing to do with any more; it may still tell why it does not start. */
static void detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	(void)!chdir("/");
	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);
}

/* The parent ends when the service answers, so that a script may go on at once. */
static int run_in_background(struct popd_plan *p)
{
	char octet;
	int fds[2], status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		fprintf(stderr, "popd: cannot start the daemon: %s\n", strerror(errno));
		return EXIT_OSERR;
	}
	if (pid == 0) {
		close(fds[0]);
		p->ready_fd = fds[1];
		detach();
		_exit(popd_gate(p));
	}
	close(fds[1]);
	(void)clock_wait(fds[0], POLLIN, clock_ms() + READY_WAIT_MS);
	if (read(fds[0], &octet, 1) == 1)
		return 0;
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		return WEXITSTATUS(status);
	return EXIT_OSERR;
}

/* Moves what can be read from one to the other; false at the end or on failure. */
static bool move(int from, int to)
{
	char chunk[PUMP_CHUNK];
	ssize_t n;

	do
		n = read(from, chunk, sizeof chunk);
	while (n < 0 && errno == EINTR);
	return n > 0 && fs_write(to, span_make(chunk, (size_t)n));
}

/* Standard input and output on one side, the session's socket on the other. */
static int pump(int fd)
{
	struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return EXIT_OSERR;
		if (p[0].fd >= 0 && p[0].revents && !move(STDIN_FILENO, fd)) {
			shutdown(fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents && !move(fd, STDOUT_FILENO))
			return 0;
	}
}

/* inetd's socket tells the client; a pipe or a terminal can only be of this host. */
static void describe_peer(int fd, char text[POPD_ADDR_MAX])
{
	struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)&ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)&ss;
	socklen_t len = sizeof ss;

	memcpy(text, "local", 6);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) != 0)
		return;
	if (ss.ss_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, text, POPD_ADDR_MAX);
	else if (ss.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, text, POPD_ADDR_MAX);
}

/* By inode: two descriptors of one socket need not have the same number. */
static bool same_file(int a, int b, bool *socket_too)
{
	struct stat x, y;

	if (fstat(a, &x) != 0 || fstat(b, &y) != 0)
		return false;
	*socket_too = S_ISSOCK(x.st_mode);
	return x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* inetd gives one socket for everything; others have pipes or a terminal. */
static int run_on_stdio(struct popd_plan *p)
{
	bool is_socket = false, same = same_file(STDIN_FILENO, STDOUT_FILENO, &is_socket);
	int pair[2], fd;
	pid_t pid;

	if (same && is_socket) {
		describe_peer(STDIN_FILENO, p->peer);
		p->session = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		fcntl(p->session, F_SETFL, fcntl(p->session, F_GETFL) | O_NONBLOCK);
		/* No log line must get into the session, and no copy must keep it open. */
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd >= 0 && same_file(STDIN_FILENO, STDERR_FILENO, &is_socket))
			dup2(fd, STDERR_FILENO);
		if (fd >= 0)
			dup2(fd, STDIN_FILENO), dup2(fd, STDOUT_FILENO);
		return popd_gate(p);
	}
	memcpy(p->peer, "local", 6);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || (pid = fork()) < 0) {
		fprintf(stderr, "popd: %s\n", strerror(errno));
		return EXIT_OSERR;
	}
	if (pid == 0) {
		close(pair[0]);
		p->session = pair[1];
		fcntl(p->session, F_SETFL, fcntl(p->session, F_GETFL) | O_NONBLOCK);
		_exit(popd_gate(p));
	}
	close(pair[1]);
	return pump(pair[0]);
}

static int run(struct request *r)
{
	struct popd_plan *p = &r->plan;
	struct err e;

	memcpy(p->config.host, p->settings.hostname, sizeof p->config.host);
	log_init("popd", LOG_T_AUTO);
	if (r->stdio) {
		for (size_t i = 0; i < p->listener_count; i++)
			close(p->listeners[i].fd);
		p->listener_count = 0;
		return run_on_stdio(p);
	}
	if (!take_passed(p, &e) || !listen_by_default(p, &e)) {
		fprintf(stderr, "popd: %s\n", e.text);
		return e.class == ERR_PERM ? EXIT_CONFIG : EXIT_OSERR;
	}
	return r->foreground ? popd_gate(p) : run_in_background(p);
}

int popd_main(int argc, char **argv)
{
	static struct request r = {
	    .plan = {.session = -1,
		     .ready_fd = -1,
		     .config = {.max_sessions = POPD_SESSIONS, .idle_s = POPD_IDLE_S}}};
	struct opt_state o;
	struct err e;
	int id;

	if (!settings_init(&r.plan.settings, &e)) {
		fprintf(stderr, "popd: %s\n", e.text);
		return err_exit_code(&e);
	}
	opt_init(&o, specs, argc, argv, false);
	while ((id = opt_next(&o)) != OPT_END) {
		if (id < 0) {
			fprintf(stderr, "popd: %s: %s\n", o.word,
				id == OPT_MISSING ? "its argument is missing" : "unknown option");
			return usage();
		}
		if (!set_option(&r, id, o.value, &e)) {
			fprintf(stderr, "popd: %s\n", e.text);
			return e.class == ERR_PERM ? EXIT_CONFIG : EXIT_OSERR;
		}
	}
	if (o.at < argc)
		return usage();
	return run(&r);
}
