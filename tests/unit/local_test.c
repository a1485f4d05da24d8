/*
 * service/local: a mailbox that is replaced while we wait for its lock gets the message in
 * the file that took its place.
 */
#include "service/local.h"
#include "sys/lock.h"
#include "test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t size_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);

	if (fd >= 0)
		close(fd);
	return (size_t)end;
}

/* Holds the lock, tells so, replaces the file once the other has had time to wait, lets go. */
static _Noreturn void holder(const char *path, const char *fresh, int tell)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct lock lock;
	struct err e;
	bool torn, ok = fd >= 0 && lock_mailbox(fd, path, 1000, &lock, &torn, &e);

	ok = ok && write(tell, "", 1) == 1;
	usleep(400000);
	ok = ok && close(open(fresh, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0 &&
	     rename(fresh, path) == 0;
	if (ok)
		lock_release(&lock);
	_exit(!ok);
}

TEST(local_follows_a_replaced_mailbox)
{
	char dir[] = "/tmp/letterbox-local.XXXXXX", path[64], fresh[64], message[64], octet;
	struct local_box box = {.path = path, .wait_ms = 20000};
	struct local_job job = {.sender = SPAN("a@b"), .rcpt = SPAN("c@d")};
	int tell[2], status;
	pid_t pid;

	CHECK(mkdtemp(dir) != NULL && pipe(tell) == 0);
	snprintf(path, sizeof path, "%s/mbox", dir);
	snprintf(fresh, sizeof fresh, "%s/fresh", dir);
	snprintf(message, sizeof message, "%s/message", dir);
	job.fd = open(message, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(write(job.fd, "Subject: x\n\nhi\n", 15) == 15);
	pid = fork();
	if (pid == 0)
		holder(path, fresh, tell[1]);
	CHECK(read(tell[0], &octet, 1) == 1);
	local_deliver(&box, &job, 1);
	CHECK_INT(job.err.class, ERR_NONE);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(size_of(path) > 15);
	close(job.fd);
	close(tell[0]);
	close(tell[1]);
	unlink(message);
	unlink(path);
	CHECK(rmdir(dir) == 0);
}

TEST_MAIN
