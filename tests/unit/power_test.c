/*
 * What sys/commit calls durable survives the loss of everything that was not on the disk: a file
 * system in a file is shut down without a flush of its journal at the moment when a commit
 * is reported, mounted again, and looked at.  Needs root, loop devices and mkfs; skipped aloud
 * without.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/commit.h"
#include "sys/commit_steps.h"
#include "sys/fs.h"
#include "unit/test.h"

enum { JOBS = 40, NAME = 16, BLOCK = 1000, BLOCKS_MAX = 50 };

enum how { HOW_POOL, HOW_POOL_ON, HOW_ORDERED, HOW_STRICT, HOW_NOTHING };

static char dir[64], mnt[96];

struct message {
	struct commit_job job; /* first */
	char name[NAME];
};

static struct message messages[JOBS];
static bool goes_on; /* the disk is lost, but not the machine: what is reported then counts */
static int lose_at, reported[2]; /* a pipe: numbers of messages that were called durable */
static int tmp, queue, done_count;

static bool sh(const char *fmt, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof command, fmt, a, b);
	return system(command) == 0;
}

/* XFS_IOC_GOINGDOWN, which ext4 and XFS share: no log flush. */
static bool lose_power(int fd)
{
	uint32_t without_log = 2;

	return ioctl(fd, _IOR('X', 125, uint32_t), &without_log) == 0;
}

static int blocks(int i)
{
	return 1 + i * 7 % BLOCKS_MAX;
}

static void fill(char block[BLOCK], int i, int n)
{
	memset(block, 'a' + (i + n) % 26, BLOCK);
	snprintf(block, BLOCK, "%d.%d", i, n);
}

static struct commit_job *make(int i)
{
	struct message *m = &messages[i];
	char block[BLOCK];

	*m = (struct message){.job = {0}};
	snprintf(m->name, sizeof m->name, "m%d", i);
	m->job.from = m->job.to = m->name;
	m->job.fd = openat(tmp, m->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	for (int n = 0; n < blocks(i); n++) {
		fill(block, i, n);
		if (!fs_write(m->job.fd, span_make(block, sizeof block)))
			_exit(done_count >= lose_at ? 0 : 3);
	}
	return &m->job;
}

static void done(struct commit_job *job)
{
	int i = (int)((struct message *)job - messages);

	if (job->err.class != ERR_NONE) {
		if (done_count < lose_at)
			_exit(4);
		return;
	}
	if (write(reported[1], &i, sizeof i) != sizeof i)
		_exit(5);
	if (++done_count != lose_at)
		return;
	if (!lose_power(queue))
		_exit(6);
	/* The machine is off: nothing later is reported to anybody. */
	if (!goes_on)
		_exit(0);
}

static void run_pool(unsigned threads)
{
	struct loop l;
	struct err e;
	struct commit_pool *p;

	if (!loop_init(&l, &e) || !(p = commit_pool_new(&l, tmp, queue, threads, &e)))
		_exit(7);
	for (int i = 0; i < JOBS; i++) {
		make(i)->done = done;
		commit_submit(p, &messages[i].job);
		loop_turn(&l, i % 3 ? 0 : 2);
	}
	while (commit_pending(p))
		loop_turn(&l, 1000);
}

static void run_alone(enum how how)
{
	struct commit_steps_dirs d = commit_steps_probe(tmp, queue);

	if (how == HOW_STRICT)
		d.ordered = false;
	for (int i = 0; i < JOBS; i++) {
		struct commit_job *job = make(i);

		if (how == HOW_NOTHING)
			(void)!linkat(tmp, messages[i].name, queue, messages[i].name, 0);
		else
			commit_steps_flush(&d, job), commit_steps_name(&d, job);
		done(job);
	}
}

/* The child that loses its disk. */
static _Noreturn void writer(enum how how)
{
	struct err e;
	int top = open(mnt, O_RDONLY | O_DIRECTORY);

	if (!fs_mkdir(top, "tmp", 0700, &e) || !fs_mkdir(top, "queue", 0700, &e) ||
	    !fs_sync_dir(top, &e))
		_exit(2);
	tmp = openat(top, "tmp", O_RDONLY | O_DIRECTORY);
	queue = openat(top, "queue", O_RDONLY | O_DIRECTORY);
	sync();
	goes_on = how == HOW_POOL_ON;
	if (how == HOW_POOL || how == HOW_POOL_ON)
		run_pool(4);
	else
		run_alone(how);
	_exit(0);
}

/* The file is there and whole: blocks are found again. */
static bool is_whole(int at, const char *name, int i)
{
	int fd = openat(at, name, O_RDONLY);
	char want[BLOCK], got[BLOCK];
	bool ok = fd >= 0 && lseek(fd, 0, SEEK_END) == (off_t)blocks(i) * BLOCK;

	for (int n = 0; ok && n < blocks(i); n++) {
		fill(want, i, n);
		ok = fs_pread(fd, got, BLOCK, (off_t)n * BLOCK) == BLOCK &&
		     memcmp(want, got, BLOCK) == 0;
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

/* How many that were reported are not whole; a file that was not reported may be missing. */
static int count_lost(const char *fs, bool *torn)
{
	int lost = 0, i, at;

	if (!sh("mount -o loop %s/image %s", dir, mnt)) {
		TEST_FAIL("%s: cannot be mounted again", fs);
		return 0;
	}
	at = open(mnt, O_RDONLY | O_DIRECTORY);
	while (read(reported[0], &i, sizeof i) == sizeof i) {
		char name[NAME + 8];

		snprintf(name, sizeof name, "queue/m%d", i);
		lost += !is_whole(at, name, i);
	}
	*torn = false;
	for (i = 0; i < JOBS; i++) {
		char name[NAME + 8];

		snprintf(name, sizeof name, "queue/m%d", i);
		if (faccessat(at, name, F_OK, 0) == 0 && !is_whole(at, name, i))
			*torn = true;
	}
	close(at);
	return lost;
}

/* One life of a file system; -1 when this machine cannot do it. */
static int lost_after(const char *fs, enum how how, int at, bool *torn)
{
	int status = 0, lost;
	pid_t pid;

	*torn = false;
	if (!sh("rm -f %s/image && truncate -s 320M %s/image", dir, dir) ||
	    !sh("mkfs.%s -q %s/image >/dev/null 2>&1", fs, dir) ||
	    !sh("mount -o loop %s/image %s 2>/dev/null", dir, mnt) || pipe(reported) != 0)
		return -1;
	lose_at = at;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		writer(how);
	close(reported[1]);
	waitpid(pid, &status, 0);
	if (status != 0)
		TEST_FAIL("%s: the writer ended with %d", fs, status >> 8);
	CHECK(sh("umount %s%s", mnt, ""));
	lost = count_lost(fs, torn);
	close(reported[0]);
	CHECK(sh("umount %s%s", mnt, ""));
	return lost;
}

static bool can_run(void)
{
	static int can = -1;

	if (can < 0)
		can = geteuid() == 0 && sh("losetup -f >/dev/null 2>&1%s%s", "", "") &&
		      sh("command -v mkfs.ext4 >/dev/null%s%s", "", "");
	if (!can)
		printf("# needs root, loop devices and mkfs.ext4: skipped\n");
	return can;
}

static void setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/power_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(mnt, sizeof mnt, "%s/mnt", dir);
	CHECK(mkdir(mnt, 0700) == 0);
}

static void teardown(void)
{
	CHECK(sh("rm -rf --one-file-system %s%s", dir, ""));
}

static void check_file_system(const char *fs)
{
	static const struct {
		enum how how;
		int lose_at;
	} rows[] = {{HOW_POOL, 1},     {HOW_POOL, 7},    {HOW_POOL, 30},    {HOW_POOL_ON, 15},
		    {HOW_POOL_ON, 30}, {HOW_ORDERED, 1}, {HOW_ORDERED, 12}, {HOW_STRICT, 5}};
	bool torn;
	int lost;

	setup();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lost = lost_after(fs, rows[i].how, rows[i].lose_at, &torn);
		if (lost != 0 || torn)
			TEST_FAIL("%s, row %zu: %d lost%s", fs, i, lost, torn ? ", torn" : "");
	}
	/* That the test can see a loss at all. */
	lost = lost_after(fs, HOW_NOTHING, 12, &torn);
	CHECK(lost > 0);
	teardown();
}

TEST(ext4_keeps_what_was_committed)
{
	if (can_run())
		check_file_system("ext4");
}

TEST(xfs_keeps_what_was_committed)
{
	if (!can_run())
		return;
	if (sh("command -v mkfs.xfs >/dev/null%s%s", "", ""))
		check_file_system("xfs");
	else
		printf("# no mkfs.xfs: skipped\n");
}

/* The short way is taken only where a journal orders everything. */
TEST(file_systems_are_told_apart)
{
	static const struct {
		const char *make;
		bool ordered;
	} rows[] = {{"ext4", true}, {"ext4 -O ^has_journal", false},
		    {"ext3", true}, {"ext2", false},
		    {"xfs", true},  {"btrfs", false}};

	if (!can_run())
		return;
	setup();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd;

		if (!sh("rm -f %s/image && truncate -s 320M %s/image", dir, dir) ||
		    !sh("mkfs.%s -q %s/image >/dev/null 2>&1", rows[i].make, dir) ||
		    !sh("mount -o loop %s/image %s 2>/dev/null", dir, mnt)) {
			printf("# no %s: skipped\n", rows[i].make);
			continue;
		}
		fd = open(mnt, O_RDONLY | O_DIRECTORY);
		if (commit_steps_probe(fd, fd).ordered != rows[i].ordered)
			TEST_FAIL("%s: ordered is %d", rows[i].make, !rows[i].ordered);
		close(fd);
		CHECK(sh("umount %s%s", mnt, ""));
	}
	teardown();
}

TEST_MAIN
