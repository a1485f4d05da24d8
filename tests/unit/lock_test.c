/*
 * sys/lock: two processes that contend, stale and foreign lock files, the torn cut.
 */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/fs.h"
#include "test.h"

static char dir[64], box[96], dot[128];

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && fs_write(fd, span_str(text)));
	close(fd);
}

static int setup(const char *contents)
{
	snprintf(dir, sizeof dir, "/tmp/lock_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	snprintf(box, sizeof box, "%s/box", dir);
	snprintf(dot, sizeof dot, "%s.lock", box);
	put(box, contents);
	return open(box, O_RDWR | O_CLOEXEC);
}

static void teardown(int fd)
{
	close(fd);
	chmod(dir, 0700);
	unlink(dot);
	unlink(box);
	rmdir(dir);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void age(const char *path, int seconds)
{
	struct timespec t[2] = {{.tv_sec = clock_wall().s - seconds},
				{.tv_sec = clock_wall().s - seconds}};

	CHECK(utimensat(AT_FDCWD, path, t, 0) == 0);
}

static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void boot_id(char id[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
	ssize_t n = fs_pread(fd, id, 36, 0);

	close(fd);
	id[n > 0 ? n : 0] = '\0';
}

TEST(lock_and_release)
{
	int fd = setup("From a\n");
	struct lock l;
	struct err e;
	bool torn;
	char text[80];
	int dotfd;
	ssize_t n;

	CHECK(lock_mailbox(fd, box, 0, &l, &torn, &e));
	CHECK(!torn);
	dotfd = open(dot, O_RDONLY);
	n = fs_pread(dotfd, text, sizeof text - 1, 0);
	close(dotfd);
	text[n > 0 ? n : 0] = '\0';
	CHECK_INT(strtol(text, NULL, 10), getpid());
	CHECK(strstr(text, "\n7\n") != NULL);
	lock_release(&l);
	CHECK_INT(size_of(dot), -1);
	lock_release(&l);
	teardown(fd);
}

/* N processes each add 1 to a number in the file, many times, under the lock. */
TEST(contention_loses_nothing)
{
	enum { PROCESSES = 4, ROUNDS = 40 };
	int fd = setup("0\n");
	pid_t pids[PROCESSES];
	char text[32] = "";
	int status;

	for (int p = 0; p < PROCESSES; p++) {
		pids[p] = fork();
		if (pids[p] != 0)
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			int mine = open(box, O_RDWR);
			struct lock l;
			struct err e;
			long v;

			if (!lock_mailbox(mine, box, 20000, &l, NULL, &e))
				_exit(1);
			memset(text, 0, sizeof text);
			fs_pread(mine, text, sizeof text - 1, 0);
			v = strtol(text, NULL, 10);
			snprintf(text, sizeof text, "%ld\n", v + 1);
			fs_pwrite(mine, span_str(text), 0);
			lock_release(&l);
			close(mine);
		}
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		waitpid(pids[p], &status, 0);
		CHECK_INT(status, 0);
	}
	memset(text, 0, sizeof text);
	fs_pread(fd, text, sizeof text - 1, 0);
	CHECK_INT(strtol(text, NULL, 10), PROCESSES * ROUNDS);
	CHECK_INT(size_of(dot), -1);
	teardown(fd);
}

TEST(held_by_another_process_times_out)
{
	int fd = setup("");
	int ready[2], status;
	struct lock l;
	struct err e = {0};
	uint64_t began;
	pid_t pid;
	char c;

	CHECK(pipe(ready) == 0);
	pid = fork();
	if (pid == 0) {
		int mine = open(box, O_RDWR);

		if (!lock_mailbox(mine, box, 0, &l, NULL, &e))
			_exit(1);
		(void)!write(ready[1], "x", 1);
		pause();
		_exit(0);
	}
	CHECK(read(ready[0], &c, 1) == 1);
	began = clock_ms();
	CHECK(!lock_mailbox(fd, box, 150, &l, NULL, &e));
	CHECK(clock_ms() - began >= 150 && clock_ms() - began < 2000);
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(strcmp(e.status, "4.2.0") == 0);
	CHECK(strstr(e.text, "is locked by process") != NULL);
	/* Even a lock file that looks old is not broken while its owner has the fcntl lock. */
	age(dot, 1000);
	CHECK(!lock_mailbox(fd, box, 20, &l, NULL, &e));
	/* Dead: broken at once. */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(lock_mailbox(fd, box, 1000, &l, NULL, &e));
	lock_release(&l);
	close(ready[0]);
	close(ready[1]);
	teardown(fd);
}

TEST(foreign_lock_files)
{
	static const struct {
		const char *text;
		int age;
		enum {
			OURS,
			DEAD,
			OTHERS
		} whose; /* OURS: of our user; DEAD: a dead pid for text */
		bool broken;
	} rows[] = {
	    {"", 0, OURS, false},         {"", 10, OURS, true},  {"", 200, OTHERS, false},
	    {"", 400, OTHERS, true},      {"0", 0, OURS, false}, {"1\n", 200, OURS, false},
	    {"1\n", 400, OURS, true},     {"", 0, DEAD, true},   {"garbage", 10, OURS, false},
	    {"garbage", 301, OURS, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = setup("From a\n");
		char pid[16];
		struct lock l;
		struct err e;
		bool torn = true, got;

		if (rows[i].whose == OTHERS && geteuid() != 0) {
			teardown(fd);
			continue;
		}
		snprintf(pid, sizeof pid, "%d", (int)dead_pid());
		put(dot, rows[i].whose == DEAD ? pid : rows[i].text);
		CHECK(rows[i].whose != OTHERS || chown(dot, 12345, 12345) == 0);
		age(dot, rows[i].age);
		got = lock_mailbox(fd, box, 30, &l, &torn, &e);
		if (got != rows[i].broken)
			TEST_FAIL("row %zu: broken is %d", i, got);
		CHECK(!torn);
		CHECK_INT(size_of(box), 7);
		if (got)
			lock_release(&l);
		teardown(fd);
	}
}

TEST(torn_append_is_cut_only_when_it_is_one)
{
	enum { OTHER_BOOT = 1, NO_BOOT = 2, LATE = 4, OTHER_USER = 8 };
	static const struct {
		const char *contents;
		int length;
		int how;
		int after; /* size of the mailbox then */
	} rows[] = {
	    {"From a\n\nx\n\nFrom b\n\nhalf", 11, 0, 11},
	    {"From a\n\nx\n\nFr", 11, 0, 11},
	    {"From a\n\nx\nFrom b\n", 9, 0, 9},
	    {"From a\n\nx\n\nFrom b\n", 9, 0, 9},
	    {"From b\n\nhalf", 0, 0, 0},
	    {"From a\n\nx\n\n", 11, 0, 11},
	    {"From a\n\nx\n\n", 20, 0, 11},
	    {"From a\n\nx\n\nX-Status: O\nFrom b\n", 11, 0, 30},
	    {"From a\n\nx From b\n", 10, 0, 17},
	    {"From a\n\nx\n\nFrom b\n\nhalf", 11, OTHER_BOOT, 23},
	    {"From a\n\nx\n\nFrom b\n\nhalf", 11, NO_BOOT, 23},
	    {"From a\n\nx\n\nFrom b\n\nhalf", 11, LATE, 23},
	    {"From a\n\nx\n\nFrom b\n\nhalf", 11, OTHER_USER, 23},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int fd = setup(rows[i].contents), how = rows[i].how;
		char id[40], text[128];
		struct lock l;
		struct err e;
		bool torn;

		if (how & OTHER_USER && geteuid() != 0) {
			teardown(fd);
			continue;
		}
		boot_id(id);
		if (how & OTHER_BOOT)
			id[0] = id[0] == '0' ? '1' : '0';
		if (how & NO_BOOT)
			id[0] = '\0';
		snprintf(text, sizeof text, "%d\n%d\n%s\n", (int)dead_pid(), rows[i].length, id);
		put(dot, text);
		/* Without a boot the pid counts alone; with another one only the age. */
		age(dot, how & (LATE | OTHER_BOOT) ? 1000 : 10);
		if (how & OTHER_USER)
			CHECK(chown(dot, 12345, 12345) == 0);
		CHECK(lock_mailbox(fd, box, 100, &l, &torn, &e));
		if (size_of(box) != rows[i].after)
			TEST_FAIL("row %zu: %ld octets left, not %d", i, (long)size_of(box),
				  rows[i].after);
		CHECK_INT(torn, rows[i].after != (int)strlen(rows[i].contents));
		lock_release(&l);
		teardown(fd);
	}
}

/* A dead owner's pid that somebody else has now: nobody holds the fcntl lock. */
TEST(reused_pid)
{
	static const char *const lengths[] = {"0", "-"};

	for (int i = 0; i < 2; i++) {
		int fd = setup("From a\n");
		char id[40], text[128];
		struct lock l;
		struct err e;
		bool torn;

		boot_id(id);
		snprintf(text, sizeof text, "%d\n%s\n%s\n", (int)getpid(), lengths[i], id);
		put(dot, text);
		CHECK(lock_mailbox(fd, box, 100, &l, &torn, &e));
		CHECK_INT(torn, i == 0);
		lock_release(&l);
		teardown(fd);
	}
}

TEST(replaced_mailbox_is_noticed)
{
	int fd = setup("old");
	char aside[128];
	struct lock l;
	struct err e = {0};

	snprintf(aside, sizeof aside, "%s.new", box);
	put(aside, "new");
	CHECK(rename(aside, box) == 0);
	CHECK(!lock_mailbox(fd, box, 0, &l, NULL, &e));
	CHECK_INT(e.sys, ESTALE);
	CHECK_INT(size_of(dot), -1);
	teardown(fd);
}

/* A broken lock's owner must not remove the next owner's file. */
TEST(release_leaves_anothers_file)
{
	int fd = setup("");
	struct lock l;
	struct err e;

	CHECK(lock_mailbox(fd, box, 0, &l, NULL, &e));
	CHECK(unlink(dot) == 0);
	put(dot, "1\n");
	lock_release(&l);
	CHECK_INT(size_of(dot), 2);
	teardown(fd);
}

/* As an ordinary user in a directory that is not ours: the fcntl lock alone. */
TEST(directory_without_permission)
{
	int fd = setup(""), status;
	pid_t pid;

	CHECK(chmod(box, 0666) == 0 && chmod(dir, 0555) == 0);
	pid = fork();
	if (pid == 0) {
		struct lock l, l2;
		struct err e;
		int mine, other;

		if (geteuid() == 0 && setuid(12345) != 0)
			_exit(9);
		mine = open(box, O_RDWR);
		other = open(box, O_RDWR);
		if (!lock_mailbox(mine, box, 0, &l, NULL, &e) || l.dotfd >= 0)
			_exit(1);
		if (lock_mailbox(other, box, 20, &l2, NULL, &e) || lock_try(other) ||
		    errno != EAGAIN)
			_exit(2);
		lock_release(&l);
		if (!lock_try(other))
			_exit(3);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	teardown(fd);
}

TEST_MAIN
