/*
 * service/queue: what the sweeper removes of what writers left.
 */
#include "service/queue.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys/lock.h"
#include "unit/test.h"

static struct queue q;

static bool is_left(const char *id)
{
	struct stat st;

	return fstatat(q.tmp, id, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int make(const char *id)
{
	int fd = openat(q.tmp, id, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	return fd;
}

/* What cannot be opened, as root's to another account, goes by its age alone. */
TEST(orphans_go_and_writers_stay)
{
	char dir[] = "/tmp/letterbox-queue.XXXXXX", command[64];
	int64_t now = time(NULL);
	struct err e;
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	CHECK(queue_open(&q, dir, true, &e));
	close(make("00000000000001"));
	fd = make("00000000000002");
	CHECK(lock_try(fd));
	CHECK(symlinkat("/nowhere", q.tmp, "00000000000003") == 0);
	close(make("no-id-of-ours"));
	queue_sweep(&q, now);
	CHECK(!is_left("00000000000001"));
	CHECK(is_left("00000000000002"));
	CHECK(is_left("00000000000003"));
	CHECK(is_left("no-id-of-ours"));
	queue_sweep(&q, now + QUEUE_ORPHAN_S + 60);
	CHECK(is_left("00000000000002"));
	CHECK(!is_left("00000000000003"));
	CHECK(is_left("no-id-of-ours"));
	close(fd);
	queue_close(&q);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK(system(command) == 0);
}

TEST_MAIN
