/*
 * service/queue: what the sweeper removes of what writers left, and who may work on a message.
 */
#include "service/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/filter.h"
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

enum { GOT = 1, BUSY, FAILED };

/* What loading the message for work comes to in another process, where locks give this error. */
static int load_elsewhere(const char *id, int error)
{
	struct queue_item item = {0};
	struct err e = {0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (error && !filter_fail(SYS_fcntl, F_OFD_SETLK, error))
			_exit(FAILED);
		_exit(queue_load(&q, id, true, &item, &e) ? GOT : e.sys == EAGAIN ? BUSY : FAILED);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WEXITSTATUS(status);
}

/* Messages on a file system without locks are worked on all the same, or they would wait for ever.
 */
TEST(work_takes_a_lock_where_there_are_locks)
{
	static const struct qfile_rcpt to = {.state = QFILE_PENDING,
					     .addr = SPAN("u@example.test")};
	static const struct qfile_head from = {
	    .sender = SPAN("s@example.test"), .ret = '-', .body = QFILE_BODY_UNKNOWN};
	char dir[] = "/tmp/letterbox-queue.XXXXXX", command[64], mem[2048], id[QUEUE_ID_MAX];
	struct queue_item item = {0};
	struct queue_writer w;
	struct buf head;
	struct err e;

	CHECK(mkdtemp(dir) != NULL);
	CHECK(queue_open(&q, dir, true, &e));
	buf_init_fixed(&head, mem, sizeof mem);
	qfile_put_head(&head, &from);
	qfile_put_rcpt(&head, &to);
	qfile_put_end(&head);
	queue_make_id(id, time(NULL), 1);
	CHECK(queue_create(&q, &w, id, buf_span(&head), &e));
	queue_write(&w, SPAN("Subject: x\n\nbody\n"));
	CHECK(queue_commit(&q, &w, &e));
	CHECK(load_elsewhere(id, 0) == GOT);
	CHECK(load_elsewhere(id, ENOLCK) == GOT);
	CHECK(load_elsewhere(id, EINTR) == BUSY);
	CHECK(queue_load(&q, id, true, &item, &e));
	CHECK(load_elsewhere(id, 0) == BUSY);
	queue_unload(&item);
	arena_free(&item.arena);
	queue_close(&q);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK(system(command) == 0);
}

TEST_MAIN
