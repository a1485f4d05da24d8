/*
 * sys/commit: outcomes of batches on real files, single, merged, and with faults.
 */
#include "sys/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/commit_steps.h"
#include "sys/fs.h"
#include "unit/test.h"

enum { JOBS = 50, NAME = 24 };

struct message {
	struct commit_job job; /* first: done finds the message by it */
	char from[NAME], to[NAME];
	int times;
};

static char base[64];
static int tmp = -1, queue = -1;
static struct message messages[JOBS];

static void setup(void)
{
	struct err e;

	snprintf(base, sizeof base, "/tmp/commit_test.XXXXXX");
	CHECK(mkdtemp(base) != NULL);
	queue = open(base, O_RDONLY | O_DIRECTORY);
	CHECK(fs_mkdir(queue, "tmp", 0700, &e) && fs_mkdir(queue, "queue", 0700, &e));
	tmp = openat(queue, "tmp", O_RDONLY | O_DIRECTORY);
	close(queue);
	queue = openat(tmp, "../queue", O_RDONLY | O_DIRECTORY);
	CHECK(tmp >= 0 && queue >= 0);
}

static void teardown(void)
{
	char command[128];

	close(tmp);
	close(queue);
	snprintf(command, sizeof command, "rm -rf %s", base);
	CHECK(system(command) == 0);
}

static void done(struct commit_job *job)
{
	((struct message *)job)->times++;
}

static struct commit_job *make(int i)
{
	struct message *m = &messages[i];

	*m = (struct message){.job = {.done = done}};
	snprintf(m->from, sizeof m->from, "m%d", i);
	snprintf(m->to, sizeof m->to, "q%d", i);
	m->job.from = m->from;
	m->job.to = m->to;
	m->job.fd = openat(tmp, m->from, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(m->job.fd >= 0 && fs_write(m->job.fd, SPAN("hello\n")));
	return &m->job;
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

static void check_outcome(int i, bool durable)
{
	struct message *m = &messages[i];

	CHECK_INT(m->job.err.class == ERR_NONE, durable);
	CHECK_INT(is_there(queue, m->to), durable);
	CHECK_INT(is_there(tmp, m->from), !durable);
	close(m->job.fd);
}

TEST(now_makes_one_durable)
{
	struct err e;

	setup();
	CHECK(commit_now(tmp, queue, make(0), &e));
	check_outcome(0, true);
	teardown();
}

TEST(taken_name_is_reported_and_kept)
{
	struct err e = {0};
	int fd;

	setup();
	make(0);
	fd = openat(queue, "q0", O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0 && fs_write(fd, SPAN("another's")));
	close(fd);
	CHECK(!commit_now(tmp, queue, &messages[0].job, &e));
	CHECK_INT(e.sys, EEXIST);
	CHECK_INT(e.class, ERR_TEMP);
	fd = openat(queue, "q0", O_RDONLY);
	CHECK_INT(lseek(fd, 0, SEEK_END), 9);
	close(fd);
	CHECK(is_there(tmp, "m0"));
	close(messages[0].job.fd);
	teardown();
}

/* One bad descriptor, one missing temporary name: the others of the batch are durable, both ways.
 */
TEST(a_failed_job_does_not_hurt_its_batch)
{
	for (int ordered = 0; ordered < 2; ordered++) {
		struct commit_steps_dirs d;

		setup();
		d = (struct commit_steps_dirs){tmp, queue, ordered};
		for (int i = 0; i < 5; i++) {
			make(i);
			if (i > 0)
				messages[i - 1].job.next = &messages[i].job;
		}
		close(messages[1].job.fd);
		messages[1].job.fd = -1;
		CHECK(unlinkat(tmp, "m3", 0) == 0);
		commit_steps_flush(&d, &messages[0].job);
		commit_steps_name(&d, &messages[0].job);
		check_outcome(0, true);
		check_outcome(1, false);
		check_outcome(2, true);
		CHECK_INT(messages[3].job.err.sys, ENOENT);
		CHECK(!is_there(queue, "q3"));
		close(messages[3].job.fd);
		check_outcome(4, true);
		teardown();
	}
}

/* An O_PATH descriptor of the directory can be linked into but not flushed. */
TEST(failed_directory_flush_takes_all_names_back)
{
	int path;

	setup();
	path = openat(queue, ".", O_PATH | O_DIRECTORY);
	make(0);
	make(1);
	messages[0].job.next = &messages[1].job;
	commit_batch(tmp, path, &messages[0].job);
	check_outcome(0, false);
	check_outcome(1, false);
	CHECK_INT(messages[1].job.err.class, ERR_TEMP);
	close(path);
	teardown();
}

TEST(nameless_job_is_only_flushed)
{
	struct err e;

	setup();
	make(0);
	messages[0].job.from = NULL;
	CHECK(commit_now(-1, -1, &messages[0].job, &e));
	CHECK(is_there(tmp, "m0"));
	close(messages[0].job.fd);
	messages[0].job.fd = -1;
	CHECK(!commit_now(-1, -1, &messages[0].job, &e));
	CHECK_INT(e.sys, EBADF);
	teardown();
}

static struct commit_pool *pool;

static void submit_again(struct commit_job *job)
{
	int i = (int)((struct message *)job - messages);

	if (i < JOBS / 2) {
		commit_submit(pool, make(i + JOBS / 2));
		messages[i + JOBS / 2].times = 0;
	}
	messages[i].times++;
}

TEST(pool_reports_each_job_once)
{
	for (unsigned threads = 0; threads <= 4; threads++) {
		struct loop l;
		struct err e;

		setup();
		CHECK(loop_init(&l, &e));
		pool = commit_pool_new(&l, tmp, queue, threads, &e);
		CHECK(pool != NULL);
		for (int i = 0; i < JOBS / 2; i++) {
			make(i)->done = submit_again;
			commit_submit(pool, &messages[i].job);
		}
		CHECK_INT(commit_pending(pool), JOBS / 2);
		for (int turn = 0; commit_pending(pool) && turn < 1000; turn++)
			loop_turn(&l, 1000);
		CHECK_INT(commit_pending(pool), 0);
		for (int i = 0; i < JOBS; i++) {
			CHECK_INT(messages[i].times, 1);
			check_outcome(i, true);
		}
		commit_pool_free(pool);
		loop_close(&l);
		teardown();
	}
}

TEST(closes_files)
{
	/* More than may wait; and where no thread can be had. */
	for (unsigned threads = 0; threads <= 2; threads++) {
		int fds[200];
		struct loop l;
		struct err e;

		setup();
		CHECK(loop_init(&l, &e));
		pool = commit_pool_new(&l, tmp, queue, threads, &e);
		for (int i = 0; i < 200; i++)
			CHECK((fds[i] = openat(tmp, ".", O_RDONLY | O_CLOEXEC)) >= 0);
		for (int i = 0; i < 200; i++)
			commit_close(pool, fds[i]);
		commit_submit(pool, make(0));
		commit_pool_free(pool);
		check_outcome(0, true);
		for (int i = 0; i < 200; i++)
			CHECK(fcntl(fds[i], F_GETFD) < 0 || fds[i] == messages[0].job.fd);
		loop_close(&l);
		teardown();
	}
}

TEST(free_waits_for_what_is_under_way)
{
	struct loop l;
	struct err e;

	setup();
	CHECK(loop_init(&l, &e));
	pool = commit_pool_new(&l, tmp, queue, 2, &e);
	for (int i = 0; i < JOBS; i++)
		commit_submit(pool, make(i));
	commit_pool_free(pool);
	for (int i = 0; i < JOBS; i++) {
		CHECK_INT(messages[i].times, 1);
		check_outcome(i, true);
	}
	loop_close(&l);
	teardown();
}

TEST(free_waits_for_what_that_begins)
{
	for (unsigned threads = 0; threads <= 2; threads++) {
		struct loop l;
		struct err e;

		setup();
		CHECK(loop_init(&l, &e));
		pool = commit_pool_new(&l, tmp, queue, threads, &e);
		memset(messages, 0, sizeof messages);
		for (int i = 0; i < JOBS / 2; i++) {
			make(i)->done = submit_again;
			commit_submit(pool, &messages[i].job);
		}
		commit_pool_free(pool);
		for (int i = 0; i < JOBS; i++) {
			CHECK_INT(messages[i].times, 1);
			check_outcome(i, true);
		}
		loop_close(&l);
		teardown();
	}
}

TEST_MAIN
