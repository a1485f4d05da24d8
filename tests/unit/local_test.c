/*
 * service/local: a mailbox that is replaced while we wait for its lock gets the message in
 * the file that took its place.
 */
#include "service/local.h"
#include "sys/lock.h"
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
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
	struct buf work[2];
	struct local_box box = {.path = path, .wait_ms = 20000, .work = work};
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
	buf_init(&work[0], LOCAL_WORK_MAX);
	buf_init(&work[1], LOCAL_WORK_MAX);
	local_deliver(&box, &job, 1);
	buf_free(&work[0]);
	buf_free(&work[1]);
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

/* One message with another header to the file of an alias; the outcome's status. */
static const char *to_file(const char *path, const char *message, struct local_job *job)
{
	struct buf work[2];
	struct local_box box = {.path = path, .wait_ms = 1000, .file = true, .work = work};
	int header = open(message, O_RDONLY | O_CLOEXEC);

	*job = (struct local_job){.fd = open(message, O_RDONLY | O_CLOEXEC),
				  .at = 12,
				  .header = header,
				  .head = 12,
				  .sender = SPAN("a@b")};
	buf_init(&work[0], LOCAL_WORK_MAX);
	buf_init(&work[1], LOCAL_WORK_MAX);
	local_deliver(&box, job, 1);
	buf_free(&work[0]);
	buf_free(&work[1]);
	close(job->fd);
	close(header);
	return job->err.status;
}

TEST(local_files_of_aliases)
{
	char dir[] = "/tmp/letterbox-local.XXXXXX", path[64], other[64], message[64], got[512] = "";
	struct local_job job;
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/box", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	snprintf(message, sizeof message, "%s/message", dir);
	fd = open(message, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(write(fd, "Subject: x\n\nhi\nFrom us\n", 23) == 23 && close(fd) == 0);
	to_file(path, message, &job);
	CHECK_INT(job.err.class, ERR_NONE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(read(fd, got, sizeof got - 1) > 0 && close(fd) == 0);
	CHECK(strncmp(got, "From a@b ", 9) == 0);
	CHECK_SPAN(span_str(strchr(got, '\n')),
		   SPAN("\nReturn-Path: <a@b>\nSubject: x\n\nhi\n>From us\n\n"));
	/* A link, a second name, a bit to execute it, a folder of everybody's: nothing is written.
	 */
	CHECK(rename(path, other) == 0 && symlink(other, path) == 0);
	CHECK(strcmp(to_file(path, message, &job), "5.3.0") == 0);
	CHECK(unlink(path) == 0 && link(other, path) == 0);
	CHECK(strcmp(to_file(path, message, &job), "5.3.0") == 0);
	CHECK(unlink(path) == 0 && chmod(other, 0700) == 0);
	CHECK(strcmp(to_file(other, message, &job), "5.3.0") == 0);
	CHECK(chmod(other, 02600) == 0);
	CHECK(strcmp(to_file(other, message, &job), "5.3.0") == 0);
	CHECK(chmod(other, 0600) == 0 && chmod(dir, 0777) == 0);
	CHECK(strcmp(to_file(other, message, &job), "5.3.0") == 0);
	CHECK(strcmp(to_file(dir, message, &job), "5.3.0") == 0);
	CHECK(chmod(dir, 0700) == 0 && size_of(other) == strlen(got));
	unlink(message);
	unlink(other);
	CHECK(rmdir(dir) == 0);
}

/* Reads path, or, for a directory, the files in it one behind the other, which it removes. */
static void read_all(const char *path, char *got, size_t cap)
{
	DIR *d = opendir(path);
	size_t len = 0;
	struct dirent *entry;
	int fd = d ? -1 : open(path, O_RDONLY | O_CLOEXEC);

	while (d && (entry = readdir(d)) != NULL) {
		int one = openat(dirfd(d), entry->d_name, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(one, got + len, cap - 1 - len);

		len += n > 0 ? (size_t)n : 0;
		close(one);
		unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (fd >= 0) {
		ssize_t n = read(fd, got, cap - 1);

		len = n > 0 ? (size_t)n : 0;
		close(fd);
	}
	if (d)
		closedir(d);
	got[len] = '\0';
}

/* Messages without files: into one mbox in order and quoted, into a Maildir as they are. */
TEST(local_delivers_text)
{
	static const char *const subs[] = {"new", "cur", "tmp", ""};
	static const char one[] = "Return-Path: <a@b>\nDelivered-To: c@d\nX: y\n\nFrom here\n";
	char dir[] = "/tmp/letterbox-local.XXXXXX", path[64], got[512], sub[80];
	struct local_job jobs[2];
	struct buf work[2];
	struct local_box box = {.path = path, .wait_ms = 1000, .work = work};

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof path, "%s/box", dir);
	buf_init(&work[0], LOCAL_WORK_MAX);
	buf_init(&work[1], LOCAL_WORK_MAX);
	for (size_t i = 0; i < 2; i++)
		jobs[i] = (struct local_job){.fd = -1,
					     .sender = SPAN("a@b"),
					     .rcpt = SPAN("c@d"),
					     .text = SPAN("X: y\n\nFrom here\n")};
	local_deliver(&box, jobs, 2);
	CHECK(jobs[0].err.class == ERR_NONE && jobs[1].err.class == ERR_NONE);
	read_all(path, got, sizeof got);
	CHECK(strstr(got, "\nX: y\n\n>From here\n\nFrom a@b ") != NULL);
	CHECK(strstr(got, "\nX: y\n\n>From here\n\n\n") == NULL);
	unlink(path);

	CHECK(mkdir(path, 0700) == 0);
	local_deliver(&box, jobs, 2);
	CHECK(jobs[0].err.class == ERR_NONE && jobs[1].err.class == ERR_NONE);
	snprintf(sub, sizeof sub, "%s/new", path);
	read_all(sub, got, sizeof got);
	CHECK(strncmp(got, one, strlen(one)) == 0);
	CHECK(strcmp(got + strlen(one), one) == 0);
	buf_free(&work[0]);
	buf_free(&work[1]);
	for (size_t i = 0; i < 4; i++) {
		snprintf(sub, sizeof sub, "%s/%s", path, subs[i]);
		CHECK(rmdir(sub) == 0);
	}
	CHECK(rmdir(dir) == 0);
}

TEST_MAIN
