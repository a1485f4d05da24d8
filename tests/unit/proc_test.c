/*
 * sys/proc: an end after a while.
 */
#include "sys/proc.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

/* Of a process that must end after a second, unless that is called off. */
static int status_of(bool called_off)
{
	struct timespec longer = {.tv_sec = called_off ? 2 : 60};
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		proc_end_after(1);
		if (called_off)
			proc_end_after(0);
		nanosleep(&longer, NULL);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

TEST(an_end_after_a_while)
{
	int status = status_of(false);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
	CHECK(status_of(true) == 0);
}

TEST_MAIN
