/*
 * sys/proc and service/supervise: this program starts itself as roles that live, die, stall and
 * babble, and checks what the gate sees.
 */
#include "service/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/log.h"
#include "sys/proc.h"
#include "unit/test.h"

enum { TYPE_HELLO = 1, TYPE_ORDER = 2 };

enum order { ORDER_EXIT, ORDER_CRASH, ORDER_BABBLE, ORDER_IGNORE_TERM, ORDER_NOTHING };

/* What a role finds when it starts, as bits. */
enum { SANE_FDS = 1, SANE_SIGNALS = 2, SANE_DEATH = 4, SANE_NAME = 8, SANE_ALL = 15 };

static uint32_t look_around(void)
{
	char name[17] = "";
	uint32_t sane = SANE_FDS | SANE_SIGNALS;
	sigset_t mask;
	int death = 0;

	for (int fd = PROC_CONTROL_FD + 1; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			sane &= ~(uint32_t)SANE_FDS;
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < 32; signo++) {
		struct sigaction act;

		if (sigismember(&mask, signo))
			sane &= ~(uint32_t)SANE_SIGNALS;
		/* proc_init ignores the one, the sanitizers' runtime handles the others. */
		if (signo == SIGPIPE || signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE)
			continue;
		if (sigaction(signo, NULL, &act) == 0 && act.sa_handler != SIG_DFL)
			sane &= ~(uint32_t)SANE_SIGNALS;
	}
	if (prctl(PR_GET_PDEATHSIG, &death) == 0 && death == SIGKILL)
		sane |= SANE_DEATH;
	if (prctl(PR_GET_NAME, name) == 0 && strcmp(name, "worker") == 0)
		sane |= SANE_NAME;
	return sane;
}

static int role(void)
{
	char mem[WIRE_MAX], got[WIRE_MAX];
	int fds[IPC_FDS_MAX];
	struct wire_in in;
	struct buf out;
	struct err e;

	proc_enter_role("worker");
	buf_init_fixed(&out, mem, sizeof mem);
	wire_begin(&out, TYPE_HELLO, 0);
	wire_put_u32(&out, look_around());
	wire_put_u32(&out, (uint32_t)getpid());
	if (!ipc_send_now(PROC_CONTROL_FD, &out, NULL, 0, &e))
		return 9;
	while (ipc_receive(PROC_CONTROL_FD, -1, got, &in, fds, &e) == 1) {
		switch ((enum order)wire_get_u32(&in)) {
		case ORDER_EXIT:
			return 3;
		case ORDER_CRASH:
			abort();
		case ORDER_BABBLE:
			(void)!send(PROC_CONTROL_FD, "x", 1, 0);
			break;
		case ORDER_IGNORE_TERM:
			signal(SIGTERM, SIG_IGN);
			(void)!ipc_send_now(PROC_CONTROL_FD, &out, NULL, 0, &e);
			break;
		case ORDER_NOTHING:
			break;
		}
	}
	return 0;
}

struct gate {
	struct loop loop;
	struct supervise s;
	struct supervise_role worker;
	enum order order;
	int hellos, downs, setups, stopped, children;
	uint32_t sane;
	pid_t last_child;
};

static struct gate g;

static void setup_role(struct supervise_role *r)
{
	char mem[WIRE_MAX];
	struct buf out;

	g.setups++;
	buf_init_fixed(&out, mem, sizeof mem);
	wire_begin(&out, TYPE_ORDER, 0);
	wire_put_u32(&out, g.order);
	if (g.order != ORDER_NOTHING)
		ipc_send(&r->channel, &out, NULL, 0);
}

static bool on_message(struct supervise_role *r, struct wire_in *in, int fds[IPC_FDS_MAX])
{
	(void)fds;
	g.hellos++;
	g.sane = wire_get_u32(in);
	CHECK_INT(wire_get_u32(in), r->pid);
	return wire_end(in);
}

static void on_down(struct supervise_role *r)
{
	CHECK_INT(r->pid, 0);
	CHECK(!ipc_is_open(&r->channel));
	g.downs++;
}

static void on_child(struct supervise *s, pid_t pid, int status)
{
	(void)s;
	g.children++;
	g.last_child = pid;
	CHECK_INT(WEXITSTATUS(status), 5);
}

static void on_stopped(struct supervise *s)
{
	(void)s;
	g.stopped++;
}

static void on_signal(struct loop *l, int signo)
{
	(void)l;
	if (signo == SIGCHLD)
		supervise_reap(&g.s);
}

static void start(enum order order)
{
	static const int list[] = {SIGCHLD, 0};
	struct err e = {0};

	g = (struct gate){.order = order};
	log_init("test", LOG_T_NONE);
	CHECK(loop_init(&g.loop, &e) && loop_signals(&g.loop, list, on_signal, &e));
	supervise_init(&g.s, &g.loop, on_child, on_stopped);
	g.worker = (struct supervise_role){
	    .name = "worker", .setup = setup_role, .on_message = on_message, .on_down = on_down};
	supervise_add(&g.s, &g.worker);
	if (!supervise_start(&g.s, &e))
		TEST_FAIL("%s", e.text);
}

/* Runs the loop until *count is n, at most ms. */
static void await(const int *count, int n, int ms)
{
	for (uint64_t end = clock_ms() + (uint64_t)ms; *count < n && clock_ms() < end;)
		loop_turn(&g.loop, 100);
}

static void finish(void)
{
	supervise_stop(&g.s, 2000);
	await(&g.stopped, 1, 4000);
	CHECK_INT(g.stopped, 1);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	loop_close(&g.loop);
}

TEST(role_starts_clean_and_stops)
{
	int stray =
	    open("/dev/null", O_RDONLY); /* without close-on-exec, as a careless library does */

	signal(SIGUSR1, SIG_IGN);
	start(ORDER_NOTHING);
	await(&g.hellos, 1, 5000);
	CHECK_INT(g.hellos, 1);
	CHECK_INT(g.sane, SANE_ALL);
	CHECK_INT(g.setups, 1);
	close(stray);
	finish();
	CHECK_INT(g.downs, 1);
}

TEST(role_that_exits_young_is_restarted_later_and_later)
{
	uint64_t began = clock_ms();

	start(ORDER_EXIT);
	await(&g.hellos, 2, 5000);
	CHECK(clock_ms() - began >= SUPERVISE_BACKOFF_MS);
	await(&g.hellos, 3, 5000);
	CHECK(clock_ms() - began >= 3 * SUPERVISE_BACKOFF_MS);
	CHECK_INT(g.hellos, 3);
	CHECK_INT(g.setups, 3);
	finish();
}

TEST(role_that_lived_long_is_restarted_at_once)
{
	uint64_t began;

	start(ORDER_NOTHING);
	await(&g.hellos, 1, 5000);
	g.worker.started_ms -= SUPERVISE_YOUNG_MS;
	began = clock_ms();
	kill(g.worker.pid, SIGKILL);
	await(&g.hellos, 2, 5000);
	CHECK_INT(g.hellos, 2);
	CHECK(clock_ms() - began < SUPERVISE_BACKOFF_MS);
	finish();
}

TEST(role_that_babbles_is_killed)
{
	start(ORDER_BABBLE);
	await(&g.downs, 1, 5000);
	CHECK_INT(g.downs, 1);
	CHECK_INT(g.hellos, 1);
	finish();
}

TEST(role_that_crashes_is_described)
{
	char text[64];

	start(ORDER_CRASH);
	await(&g.downs, 1, 5000);
	CHECK_INT(g.downs, 1);
	finish();
	supervise_describe(SIGSEGV, text, sizeof text);
	CHECK(strncmp(text, "signal 11 (", 11) == 0);
	supervise_describe(3 << 8, text, sizeof text);
	CHECK(strcmp(text, "exit status 3") == 0);
}

TEST(role_that_does_not_finish_is_killed)
{
	uint64_t began;

	start(ORDER_IGNORE_TERM);
	await(&g.hellos, 2, 5000);
	began = clock_ms();
	supervise_stop(&g.s, 500);
	await(&g.stopped, 1, 5000);
	CHECK_INT(g.stopped, 1);
	CHECK(clock_ms() - began >= 500);
	CHECK_INT(g.downs, 1);
	loop_close(&g.loop);
}

TEST(stop_while_a_role_waits_for_its_restart)
{
	start(ORDER_EXIT);
	await(&g.downs, 1, 5000);
	finish();
	CHECK_INT(g.setups, 1);
}

TEST(other_children_are_reported)
{
	pid_t pid;

	start(ORDER_NOTHING);
	pid = fork();
	if (pid == 0)
		_exit(5);
	await(&g.children, 1, 5000);
	CHECK_INT(g.children, 1);
	CHECK_INT(g.last_child, pid);
	finish();
}

/* The role dies with the process that started it, without a word. */
TEST(role_dies_with_its_parent)
{
	int pids[2];
	pid_t gate, worker = 0;
	struct stat st;
	char path[32];

	CHECK(pipe(pids) == 0);
	gate = fork();
	if (gate == 0) {
		struct proc_child child;
		struct err e;

		if (!proc_spawn_role("worker", &child, &e))
			_exit(1);
		(void)!write(pids[1], &child.pid, sizeof child.pid);
		pause();
	}
	CHECK(read(pids[0], &worker, sizeof worker) == sizeof worker && worker > 1);
	kill(gate, SIGKILL);
	waitpid(gate, NULL, 0);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)worker);
	for (int i = 0; i < 50 && kill(worker, 0) == 0 && stat(path, &st) == 0; i++) {
		/* An orphan's remains wait for whoever reaps here; a zombie has no open files. */
		char exe[64], target[8];

		snprintf(exe, sizeof exe, "/proc/%d/exe", (int)worker);
		if (readlink(exe, target, sizeof target) < 0)
			break;
		usleep(20000);
		CHECK(i < 49);
	}
	close(pids[0]);
	close(pids[1]);
}

/* The binary is replaced and removed, /proc is not there, the root is another. */
TEST(starts_from_an_empty_root_without_the_file)
{
	char dir[] = "/tmp/proc_test.XXXXXX";
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		printf("# needs root: skipped\n");
		return;
	}
	CHECK(mkdtemp(dir) != NULL);
	pid = fork();
	if (pid == 0) {
		struct proc_child child;
		struct pollfd p;
		struct err e = {0};

		if (chdir(dir) != 0 || chroot(".") != 0)
			_exit(1);
		if (!proc_spawn_role("worker", &child, &e)) {
			dprintf(1, "# %s\n", e.text);
			_exit(2);
		}
		/* Its first word, which finds nobody when we are gone already. */
		p = (struct pollfd){.fd = child.control, .events = POLLIN};
		if (poll(&p, 1, 10000) != 1 || !(p.revents & POLLIN))
			_exit(3);
		close(child.control);
		_exit(waitpid(child.pid, &status, 0) != child.pid || status != 0);
	}
	waitpid(pid, &status, 0);
#ifndef __SANITIZE_ADDRESS__
	CHECK_INT(status, 0); /* the sanitizers' build is not static */
#endif
	rmdir(dir);
}

TEST(role_by_hand_is_refused)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		close(PROC_CONTROL_FD);
		proc_enter_role("worker");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(WEXITSTATUS(status), EXIT_USAGE);
}

int test_main(void);
#define main test_main
TEST_MAIN
#undef main

int main(int argc, char **argv)
{
	proc_init();
	if (argc > 1 && strcmp(argv[0], PROC_ROLE_PREFIX "worker") == 0)
		return role();
	return test_main();
}
