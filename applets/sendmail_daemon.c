/*
 * The modes of sendmail that run roles: -bd and -bD (daemon), -q (queue run), -bs (one
 * session on standard input).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sendmail.h"
#include "service/account.h"
#include "service/gate.h"
#include "service/gate_listen.h"
#include "service/queue.h"
#include "service/stdio_session.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"

/* A start makes keys when there are none: on a slow host that alone takes seconds. */
enum { PUMP_CHUNK = 16384, READY_WAIT_MS = 60000 };

/*
 * Nothing of the caller's may stay open: a pipe held by a daemon keeps the shell that reads it
 * waiting. With -v it waits anyway, for what the run has to tell.
 */
static void detach(bool verbose)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	(void)!chdir("/");
	if (fd >= 0)
		for (int i = 0; i < 3; i++)
			if (!verbose || i != STDOUT_FILENO)
				dup2(fd, i);
}

/* -bd: the parent ends when the daemon answers, so that a script may go on at once. */
static int daemonize(struct sendmail *m, const struct gate_plan *plan)
{
	char octet;
	int fds[2], status;
	bool got;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		fprintf(stderr, "%s: cannot start the daemon: %s\n", m->program, strerror(errno));
		return EXIT_OSERR;
	}
	if (pid == 0) {
		close(fds[0]);
		setsid();
		status = gate_run(&m->settings, plan, fds[1]);
		_exit(status);
	}
	close(fds[1]);
	got = clock_wait(fds[0], POLLIN, clock_ms() + READY_WAIT_MS);
	if (got && read(fds[0], &octet, 1) == 1)
		return 0;
	/* Nothing was said and nothing will be: it has said itself why it ended. */
	if (got && waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "%s: the daemon did not start in time\n", m->program);
	return EXIT_OSERR;
}

/* The roles get the text; what this process compiled of it is no longer needed. */
static bool give_config(struct sendmail *m, struct gate_plan *plan)
{
	struct err e;

	plan->name = m->text.name;
	plan->config = config_text_fd(&m->text, &e);
	if (plan->config < 0) {
		fprintf(stderr, "%s: %s\n", m->program, e.text);
		return false;
	}
	config_free(m->config);
	m->config = NULL;
	return true;
}

/* The environment as it is now, files that it names included, and what the command line said. */
static bool read_again(void *arg, struct settings *s, struct err *e)
{
	struct sendmail_command *c = arg, *fresh = calloc(1, sizeof *fresh);
	int late = 0;
	bool ok;

	if (!fresh)
		return err_temp(e, "4.3.0", "out of memory");
	fresh->m.program = c->m.program;
	fresh->m.traffic = -1;
	fresh->mode = c->mode;
	ok = settings_init(&fresh->m.settings, e);
	if (ok && sendmail_parse(fresh, c->all_argc, c->all_argv, &late) != 0)
		ok = err_perm(e, "5.3.5", "the command line is not accepted any more");
	if (ok)
		*s = fresh->m.settings;
	sendmail_free(&fresh->m);
	free(fresh);
	return ok;
}

/* A single queue run stays in the foreground: cron and tests wait for its end. */
int sendmail_daemon(struct sendmail_command *c)
{
	const struct sendmail_run *run = &c->run;
	const struct queue_select *select = &c->list.select;
	struct gate_plan plan = {.listen = run->daemon,
				 .again = read_again,
				 .arg = c,
				 .session = -1,
				 .run_once =
				     run->queue && !run->daemon && !run->interval_s && !run->stay,
				 .interval_s = run->interval_s,
				 .select = select->count || select->none ? select : NULL,
				 .foreground = run->foreground};

	plan.daemon = !plan.run_once;
	log_init("sendmail", LOG_T_AUTO);
	settings_use_log(&c->m.settings);
	if (!give_config(&c->m, &plan))
		return EXIT_OSERR;
	if (plan.foreground || plan.run_once)
		return gate_run(&c->m.settings, &plan, -1);
	c->m.settings.verbose = false;
	return daemonize(&c->m, &plan);
}

/*
 * Output is flushed first, else the child would hold a copy of it. A failure is no error: the
 * message is in the queue, the next run takes it.
 */
void sendmail_start_run(struct sendmail *m, const char *id, int wait_ms)
{
	struct gate_plan plan = {.session = -1, .run_once = true, .only = m->verbose ? id : NULL};
	struct pollfd p;
	int fds[2];
	pid_t pid;

	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return;
	pid = fork();
	if (pid == 0) {
		detach(m->verbose);
		close(fds[0]);
		if (!give_config(m, &plan))
			_exit(EXIT_OSERR);
		/* The pipe's end is the sign that the run is over. */
		_exit(gate_run(&m->settings, &plan, -1));
	}
	close(fds[1]);
	p = (struct pollfd){.fd = fds[0], .events = POLLIN};
	if (m->verbose)
		wait_ms = -1;
	if (pid > 0)
		while (poll(&p, 1, wait_ms) < 0 && errno == EINTR)
			;
	close(fds[0]);
}

/* Moves what can be read from one to the other; false at the end or on failure. */
static bool move(struct sendmail *m, enum sendmail_way way, int from, int to)
{
	char chunk[PUMP_CHUNK];
	ssize_t n;

	do
		n = read(from, chunk, sizeof chunk);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		sendmail_traffic(m, way, span_make(chunk, (size_t)n));
	else
		sendmail_traffic_end(m, way);
	return n > 0 && fs_write(to, span_make(chunk, (size_t)n));
}

/* Standard input and output on one side, the daemon's socket on the other. */
static int pump(struct sendmail *m, int fd)
{
	struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return EXIT_OSERR;
		}
		if (p[0].fd >= 0 && p[0].revents && !move(m, SENDMAIL_IN, STDIN_FILENO, fd)) {
			shutdown(fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents && !move(m, SENDMAIL_OUT, fd, STDOUT_FILENO))
			return 0;
	}
}

/* No daemon, but the queue is ours: the roles are started for this session alone. */
static int own_session(struct sendmail *m)
{
	struct gate_plan plan = {0};
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 || (pid = fork()) < 0) {
		fprintf(stderr, "%s: %s\n", m->program, strerror(errno));
		return EXIT_OSERR;
	}
	if (pid == 0) {
		close(fds[0]);
		detach(false);
		if (!give_config(m, &plan))
			_exit(EXIT_OSERR);
		plan.session = fds[1];
		_exit(gate_run(&m->settings, &plan, -1));
	}
	close(fds[1]);
	return pump(m, fds[0]);
}

/* Neither daemon nor queue: straight into mailboxes. -X needs somebody in between. */
static int direct_session(struct sendmail *m)
{
	struct account_source accounts;
	struct err e = {0};
	int fds[2], status;
	pid_t pid;

	if (!account_source_init(&accounts, m->settings.users, m->settings.mailbox, &e)) {
		printf("421 4.3.5 %s %s\r\n", m->settings.hostname, e.text);
		return EXIT_CONFIG;
	}
	if (m->traffic < 0)
		return stdio_session_run(&m->settings, m->config, &accounts, false);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0 || (pid = fork()) < 0) {
		fprintf(stderr, "%s: %s\n", m->program, strerror(errno));
		return EXIT_OSERR;
	}
	if (pid == 0) {
		dup2(fds[1], STDIN_FILENO);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		_exit(stdio_session_run(&m->settings, m->config, &accounts, false));
	}
	close(fds[1]);
	status = pump(m, fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TEMPFAIL;
}

/* The same order as for a submission: daemon, own queue, mailboxes. */
int sendmail_session(struct sendmail *m)
{
	struct queue q;
	struct err e = {0};
	int fd = gate_listen_connect(m->settings.queue);

	log_init("sendmail", log_quiet());
	settings_use_log(&m->settings);
	m->settings.verbose = false;
	if (fd >= 0)
		return pump(m, fd);
	if (gate_make_queue(&m->settings, &e) && queue_open(&q, m->settings.queue, false, &e)) {
		queue_close(&q);
		return own_session(m);
	}
	return direct_session(m);
}
