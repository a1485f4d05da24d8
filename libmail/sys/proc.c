/*
 * Roles and this program's own path; see sys/proc.h.
 */
#include "sys/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

void proc_init(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	signal(SIGPIPE, SIG_IGN);
}

bool proc_self_path(char *path, size_t cap)
{
	ssize_t n = readlink("/proc/self/exe", path, cap - 1);

	if (n <= 0 || (size_t)n >= cap - 1)
		return false;
	path[n] = '\0';
	return true;
}
