/*
 * sys/box: what a boxed process can and cannot do.  Each case runs in a child, which exits
 * with the line of the first thing that was not as it should be.
 */
#include "sys/box.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/box_seccomp.h"
#include "unit/test.h"

enum { UID = 12345, GID = 23456 };

#ifdef __SANITIZE_ADDRESS__
enum { FILTERED = 0 };
#else
enum { FILTERED = 1 };
#endif

static char dir[64];

/* In a child: exits with the line, modulo what a status holds, and says it. */
#define MUST(cond)                                                                           \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			dprintf(1, "# %s:%d: not true: %s (errno %d)\n", __FILE__, __LINE__, \
				#cond, errno);                                               \
			_exit(1);                                                            \
		}                                                                            \
	} while (0)

/* Refused by uid, Landlock or seccomp: which of them is first depends on the kernel. */
#define REFUSED(call) MUST((call) < 0 && (errno == EPERM || errno == EACCES))

static void run(void (*child)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		child();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
}

/* Root who can become somebody else; in a user namespace of one uid it cannot. */
static bool is_root(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(setgroups(0, NULL) != 0 || setresgid(GID, GID, GID) != 0 ||
		      setresuid(UID, UID, UID) != 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

static void setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/box_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	CHECK(chmod(dir, 0777) == 0);
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK(system(command) == 0);
}

static void enter(const struct box *b)
{
	struct err e = {0};

	if (!box_enter(b, &e)) {
		dprintf(1, "# box_enter: %s\n", e.text);
		_exit(1);
	}
}

static bool can_map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED;
}

static void strict(void)
{
	struct box b = {.role = "strict",
			.drop = true,
			.uid = UID,
			.gid = GID,
			.chroot_dir = dir,
			.max_files = 64,
			.max_memory = 256 << 20};
	bool root = is_root();
	pid_t parent = getppid();
	struct rlimit limit;
	char buf[1];
	int fds[2], inet, null = open("/dev/null", O_RDWR);

	MUST(pipe(fds) == 0);
	inet = socket(AF_INET, SOCK_STREAM, 0);
	enter(&b);
	MUST(!root || (getuid() == UID && getegid() == GID && getgroups(0, NULL) == 0));
	MUST(!root || (setuid(0) < 0 && setgid(0) < 0));
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max <= 64);
	/* What is open works. */
	MUST(write(fds[1], "x", 1) == 1 && read(fds[0], buf, 1) == 1);
	MUST(write(null, "x", 1) == 1);
	MUST(malloc(100000) != NULL);
	MUST(getppid() == parent);
	if (!FILTERED)
		return;
	REFUSED(open("/", O_RDONLY));
	REFUSED(open("f", O_WRONLY | O_CREAT, 0600));
	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(accept4(inet, NULL, NULL, 0));
	REFUSED(fork());
	REFUSED(kill(parent, 0));
	REFUSED(execl("/bin/true", "true", NULL));
	REFUSED(prctl(PR_SET_NAME, "x"));
	MUST(!can_map_code());
	REFUSED(mprotect((void *)((uintptr_t)buf & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC));
}

TEST(strict_box)
{
	setup();
	run(strict);
	teardown();
}

static void *thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static void with_threads(void)
{
	struct box b = {.role = "threads", .allow = BOX_THREADS};
	pthread_t id;
	int ran = 0;

	enter(&b);
	for (int i = 0; i < 3; i++) {
		ran = 0;
		MUST(pthread_create(&id, NULL, thread, &ran) == 0);
		MUST(pthread_join(id, NULL) == 0 && ran);
	}
	if (FILTERED)
		REFUSED(fork());
}

TEST(threads_but_no_processes)
{
	run(with_threads);
}

static void with_files(void)
{
	struct box b = {.role = "files",
			.allow = BOX_FILES,
			.drop = true,
			.uid = UID,
			.gid = GID,
			.chroot_dir = dir,
			.paths = {{dir, true}}};
	char path[128];
	struct stat st;
	int fd, top;

	MUST(chdir(dir) == 0);
	top = open(dir, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof path, "%s", dir);
	umask(0);
	MUST(mkdir("a", 0777) == 0 && mkdir("b", 0777) == 0);
	enter(&b);
	fd = openat(top, "a/f", O_RDWR | O_CREAT | O_EXCL, 0600);
	MUST(fd >= 0 && write(fd, "x", 1) == 1 && fdatasync(fd) == 0 && ftruncate(fd, 0) == 0);
	/* From one directory to another: the commit of a message. */
	MUST(linkat(top, "a/f", top, "b/f", 0) == 0);
	MUST(unlinkat(top, "a/f", 0) == 0);
	MUST(renameat(top, "b/f", top, "a/g") == 0);
	MUST(mkdirat(top, "c", 0700) == 0);
	MUST(open("a/g", O_WRONLY | O_TRUNC) >= 0);
	MUST(kill(getpid(), 0) == 0);
	if (stat("/a/g", &st) == 0)
		MUST(open("/a/g", O_RDONLY) >= 0 && open("/etc/passwd", O_RDONLY) < 0);
	else
		MUST(open("/etc/passwd", O_RDONLY) < 0 || !FILTERED);
	if (!FILTERED)
		return;
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(kill(getpid(), SIGCONT));
}

TEST(files_below_a_path)
{
	setup();
	run(with_files);
	teardown();
}

static void with_read(void)
{
	struct box b = {.role = "read", .allow = BOX_READ, .paths = {{"/etc", false}}};

	enter(&b);
	MUST(open("/etc/passwd", O_RDONLY) >= 0);
	if (!FILTERED)
		return;
	REFUSED(open("/etc/box_test", O_WRONLY | O_CREAT, 0600));
	REFUSED(open("/etc/passwd", O_RDWR));
	REFUSED(unlink("/etc/box_test"));
}

TEST(reading_only)
{
	run(with_read);
}

static void with_sockets(void)
{
	struct box b = {.role = "sockets", .allow = BOX_SOCKETS | BOX_ACCEPT};
	struct sockaddr_in to = {.sin_family = AF_INET};
	socklen_t len = sizeof to;
	int server = socket(AF_INET, SOCK_STREAM, 0), fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(server, (struct sockaddr *)&to, sizeof to) == 0 && listen(server, 5) == 0);
	MUST(getsockname(server, (struct sockaddr *)&to, &len) == 0);
	enter(&b);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	MUST(accept4(server, NULL, NULL, SOCK_CLOEXEC) >= 0);
	MUST(send(fd, "x", 1, MSG_NOSIGNAL) == 1);
	if (!FILTERED)
		return;
	REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
	REFUSED(open("/etc/passwd", O_RDONLY));
}

TEST(sockets)
{
	run(with_sockets);
}

/* What the kernel tells of this process. */
static unsigned long field(const char *name)
{
	char text[4096], *at;
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, name);
	return at ? strtoul(at + strlen(name), NULL, 16) : ~0UL;
}

static void run_gate(unsigned allow, bool locked)
{
	struct box b = {.role = "gate", .allow = allow};
	/* chown, override, kill, setgid, setuid, setpcap, chroot */
	unsigned long powers = field("\nCapPrm:") & 0x401e3;
	bool root = is_root();
	struct err e;
	int status;
	pid_t pid;

	enter(&b);
	MUST(field("\nNoNewPrivs:") == locked);
	MUST(field("\nCapPrm:") == powers && field("\nCapEff:") == powers);
	MUST(field("\nCapInh:") == 0 && field("\nCapAmb:") == 0);
	MUST(!root || field("\nCapBnd:") == powers);
	MUST(open("/dev/null", O_RDWR) >= 0 && socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		MUST(!root || box_become(UID, GID, &e));
		MUST(!root || (getuid() == UID && setuid(0) < 0));
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(sethostname("x", 1) < 0 && errno == EPERM);
	if (!FILTERED || field("\nSeccomp:") != 2)
		return;
	MUST(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
	MUST(syscall(435 /* clone3 */, NULL, 0) < 0 && errno == ENOSYS);
	MUST(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	MUST(ioctl(0, TIOCSTI, "x") < 0 && errno == EPERM);
	MUST(syscall(438 /* pidfd_getfd */, -1, 0, 0) < 0 && errno == EPERM);
	/* A role that is started has its own filter behind this one. */
	pid = fork();
	if (pid == 0) {
		strict();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static void gate(void)
{
	/* An ordinary user can be given powers by set-id bits alone. */
	run_gate(BOX_FORK | BOX_PROGRAMS, !(field("\nCapEff:") & 0x80));
}

static void gate_of_roles(void)
{
	run_gate(BOX_FORK, true);
}

static void gate_of_a_user(void)
{
	MUST(!is_root() || setresuid(UID, UID, UID) == 0);
	run_gate(BOX_FORK | BOX_PROGRAMS, true);
	MUST(!FILTERED || field("\nSeccomp:") == 2);
}

static void become_self(void)
{
	struct err e = {0};
	bool root = is_root();

	MUST(!root || setresgid(GID, GID, GID) == 0);
	MUST(!root || setresuid(UID, UID, UID) == 0);
	MUST(box_become(geteuid(), getegid(), &e));
	MUST(!box_become(geteuid() + 1, getegid(), &e));
	MUST(e.class == ERR_TEMP);
	/* A box whose user cannot be had is entered as who we are. */
	enter(&(struct box){.role = "x", .drop = true, .uid = 1, .gid = 1, .chroot_dir = "/proc"});
	MUST(geteuid() != 1);
}

TEST(gate_starts_programs)
{
	setup();
	run(gate);
	run(gate_of_roles);
	run(gate_of_a_user);
	teardown();
}

TEST(ordinary_user)
{
	run(become_self);
}

static void death_signal(void)
{
	struct box b = {.role = "x", .drop = true, .uid = UID, .gid = GID};
	int death = 0, ready[2], status;
	bool root = is_root();
	char c;
	pid_t pid;

	MUST(pipe(ready) == 0);
	pid = fork();
	MUST(pid >= 0);
	if (pid == 0) {
		struct err e;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		MUST(!root || box_become(UID, GID, &e));
		MUST(prctl(PR_GET_PDEATHSIG, &death) == 0 && death == SIGKILL);
		enter(&b);
		MUST(write(ready[1], "x", 1) == 1);
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0 && read(ready[0], &c, 1) == 1);
}

TEST(parent_death_signal_survives)
{
	run(death_signal);
}

static bool account_is(const char *wanted, uid_t *uid, gid_t *gid)
{
	bool change = false;
	struct err e = {0};

	if (wanted)
		setenv("LETTERBOX_USER", wanted, 1);
	else
		unsetenv("LETTERBOX_USER");
	return box_account(uid, gid, &change, &e) && change == is_root();
}

static void account(void)
{
	uid_t uid = 0;
	gid_t gid = 0;

	MUST(account_is("777:888", &uid, &gid) && uid == 777 && gid == 888);
	MUST(account_is("778", &uid, &gid) && uid == 778 && gid == 778);
	MUST(account_is("root", &uid, &gid) && uid != 0);
	MUST(account_is("0", &uid, &gid) && uid != 0);
	MUST(account_is(NULL, &uid, &gid) && uid != 0 && gid != 0);
}

/* Which account it is must not be guessed when the list of accounts cannot be opened. */
static void unreadable(void)
{
	struct rlimit none = {0, 0};
	struct err e = {0};
	bool change;
	uid_t uid;
	gid_t gid;

	unsetenv("LETTERBOX_USER");
	MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
	MUST(!box_account(&uid, &gid, &change, &e) && e.class == ERR_TEMP);
}

TEST(account_of_the_roles)
{
	run(account);
	run(unreadable);
}

/* What cannot be opened now must not be left out: the role would be kept from it for good. */
static void unseen(void)
{
	enum { LANDLOCK_CREATE_RULESET = 444, VERSION = 1 };
	char path[5000];
	struct box b = {.role = "unseen", .allow = BOX_FILES, .paths = {{path, true}}};
	struct err e = {0};

	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	if (syscall(LANDLOCK_CREATE_RULESET, NULL, 0, VERSION) > 1)
		MUST(!box_enter(&b, &e) && e.class == ERR_TEMP);
}

TEST(path_that_cannot_be_opened)
{
	run(unseen);
}

TEST_MAIN
