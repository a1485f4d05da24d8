/*
 * sys/fs: traps in the place of files, limits, replacement, and failures of writes.
 */
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/test.h"

static char dir[64];
static int top;

static void setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/fs_test.XXXXXX");
	CHECK(mkdtemp(dir) != NULL);
	top = open(dir, O_RDONLY | O_DIRECTORY);
	CHECK(top >= 0);
}

static void teardown(void)
{
	char command[128];

	close(top);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK(system(command) == 0);
}

static void make(const char *name, struct span text)
{
	int fd = openat(top, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && fs_write(fd, text));
	close(fd);
}

TEST(open_refuses_traps)
{
	static const struct {
		const char *name;
		unsigned care;
		int sys; /* -1: any */
		enum err_class class;
		bool opens;
	} rows[] = {
	    {"file", 0, 0, ERR_NONE, true},          {"file", FS_SINGLE, 0, ERR_NONE, true},
	    {"missing", 0, ENOENT, ERR_PERM, false}, {"link", 0, ELOOP, ERR_TEMP, false},
	    {"link", FS_FOLLOW, 0, ERR_NONE, true},  {"fifo", 0, 0, ERR_TEMP, false},
	    {"sub", 0, 0, ERR_TEMP, false},          {"twin", 0, 0, ERR_NONE, true},
	    {"twin", FS_SINGLE, 0, ERR_TEMP, false}, {"file/x", 0, ENOTDIR, ERR_TEMP, false},
	};

	setup();
	make("file", SPAN("x"));
	make("twin", SPAN("x"));
	CHECK(linkat(top, "twin", top, "twin2", 0) == 0);
	CHECK(symlinkat("file", top, "link") == 0);
	CHECK(mkfifoat(top, "fifo", 0600) == 0);
	CHECK(mkdirat(top, "sub", 0700) == 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err e = {0};
		int fd = fs_open_regular(top, rows[i].name, O_RDONLY, rows[i].care, &e);

		if ((fd >= 0) != rows[i].opens || e.class != rows[i].class || e.sys != rows[i].sys)
			TEST_FAIL("row %zu: fd %d, class %d, errno %d", i, fd, e.class, e.sys);
		if (fd >= 0)
			close(fd);
	}
	teardown();
}

TEST(read_all_keeps_the_maximum)
{
	static const struct {
		size_t size, max;
		bool ok;
	} rows[] = {{0, 0, true},         {1, 0, false},      {10, 10, true},
		    {11, 10, false},      {4096, 4096, true}, {4097, 4096, false},
		    {9000, 100000, true}, {9000, 8999, false}};
	static char octets[9000];

	setup();
	memset(octets, 'a', sizeof octets);
	octets[1] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct span want = span_make(octets, rows[i].size);
		struct err e = {0};
		struct buf b;
		bool ok;

		make("file", want);
		buf_init(&b, rows[i].max);
		ok = fs_read_all(top, "file", 0, &b, &e);
		if (ok != rows[i].ok)
			TEST_FAIL("row %zu: %d %s", i, ok, e.text);
		if (ok)
			CHECK_SPAN(buf_span(&b), want);
		else
			CHECK_INT(e.class, ERR_PERM);
		buf_free(&b);
	}
	teardown();
}

TEST(write_and_read_at)
{
	char mem[8];
	int fd;

	setup();
	make("file", SPAN("0123456789"));
	fd = openat(top, "file", O_RDWR);
	CHECK(fs_pwrite(fd, SPAN("ab"), 4));
	CHECK_INT(fs_pread(fd, mem, 4, 3), 4);
	CHECK_SPAN(span_make(mem, 4), SPAN("3ab6"));
	CHECK_INT(fs_pread(fd, mem, sizeof mem, 8), 2);
	CHECK_INT(fs_pread(fd, mem, sizeof mem, 100), 0);
	CHECK_INT(fs_pread(-1, mem, 1, 0), -1);
	close(fd);
	CHECK(!fs_write(-1, SPAN("x")) && errno == EBADF);
	teardown();
}

TEST(replace_is_whole_or_nothing)
{
	struct buf b;
	struct err e;
	struct stat st;

	setup();
	buf_init(&b, 100);
	CHECK(fs_replace(top, "f", 0640, SPAN("one"), &e));
	CHECK(fs_replace(top, "f", 0600, SPAN("two"), &e));
	CHECK(fs_read_all(top, "f", FS_SINGLE, &b, &e));
	CHECK_SPAN(buf_span(&b), SPAN("two"));
	CHECK(fstatat(top, "f", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(fs_mkdir(top, "sub", 0700, &e) && fs_mkdir(top, "sub", 0700, &e));
	CHECK(fs_replace(top, "sub/f", 0600, SPAN("three"), &e));
	CHECK(!fs_replace(top, "nowhere/f", 0600, SPAN("x"), &e));
	CHECK_INT(e.class, ERR_TEMP);
	CHECK(!fs_mkdir(top, "f", 0700, &e));
	buf_free(&b);
	teardown();
}

/* No room: the old contents stay and nothing is left over. */
TEST(replace_without_room)
{
	pid_t pid;
	int status;

	setup();
	make("f", SPAN("old"));
	pid = fork();
	if (pid == 0) {
		static char much[100000];
		struct rlimit small = {4096, 4096};
		struct err e = {0};

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &small);
		if (fs_replace(top, "f", 0600, span_make(much, sizeof much), &e))
			_exit(1);
		_exit(e.class == ERR_TEMP && e.sys == EFBIG ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
	{
		char command[128];
		struct buf b;
		struct err e;

		buf_init(&b, 100);
		CHECK(fs_read_all(top, "f", 0, &b, &e));
		CHECK_SPAN(buf_span(&b), SPAN("old"));
		buf_free(&b);
		snprintf(command, sizeof command, "test \"$(ls %s)\" = f", dir);
		CHECK(system(command) == 0);
	}
	teardown();
}

TEST(mkdirs_and_flushes)
{
	char path[128];
	struct stat st;
	struct err e;
	int fd;

	setup();
	snprintf(path, sizeof path, "%s/a/b/c", dir);
	CHECK(fs_mkdirs(path, 0700, &e));
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	CHECK(fs_mkdirs(path, 0700, &e));
	CHECK(fs_sync_dir(top, &e));
	CHECK(!fs_sync_dir(-1, &e) && e.sys == EBADF);
	make("f", SPAN("x"));
	fd = openat(top, "f", O_WRONLY);
	CHECK(fs_sync(fd, &e));
	CHECK(fs_free_octets(fd) > 0);
	close(fd);
	CHECK(!fs_sync(fd, &e) && e.class == ERR_TEMP);
	fd = open("/proc", O_RDONLY);
	CHECK(!fs_is_volatile(fd));
	close(fd);
	teardown();
}

TEST_MAIN
