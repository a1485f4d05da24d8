/*
 * Running other programs, and the temporary files they read and write.
 *
 * Only what the user typed at a terminal, or set in a variable, reaches a shell here:
 * nothing from a message and no address ever does (CVE-2004-2771, CVE-2014-7844).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail.h"

/* The copy does not close on exec, which the original does. */
static void become(int fd, int as)
{
	if (fd >= 0 && fd != as)
		dup2(fd, as);
}

int mail_run(const char *path, const char *const *argv, int in, int out)
{
	struct sigaction ignore, old_int, old_quit;
	int status = 127 << 8;
	pid_t pid;

	memset(&ignore, 0, sizeof ignore);
	ignore.sa_handler = SIG_IGN;
	/* What waits in our streams would be written twice, by the child too. */
	fflush(NULL);
	sigaction(SIGINT, &ignore, &old_int);
	sigaction(SIGQUIT, &ignore, &old_quit);
	pid = fork();
	if (pid == 0) {
		/* A handler becomes the default action by exec itself; an ignored one stays. */
		sigaction(SIGINT, &old_int, NULL);
		sigaction(SIGQUIT, &old_quit, NULL);
		signal(SIGPIPE, SIG_DFL);
		become(in, 0);
		become(out, 1);
		execvp(path, (char *const *)argv);
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		fprintf(stderr, "mail: fork: %s\n", strerror(errno));
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	sigaction(SIGINT, &old_int, NULL);
	sigaction(SIGQUIT, &old_quit, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int mail_run_shell(const struct mail *m, const char *command, const char *operand, int in, int out)
{
	const char *shell = mail_value(m, "SHELL");
	/* operand is $0 of the command: a file name reaches the shell as data, never as text. */
	const char *argv[] = {"sh", "-c", command, operand, NULL};

	return mail_run(shell && *shell ? shell : "/bin/sh", argv, in, out);
}

static int temp_file(char *path, size_t cap)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	snprintf(path, cap, "%.200s/mail.XXXXXX", dir && dir[0] == '/' ? dir : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		snprintf(path, cap, "/tmp/mail.XXXXXX");
		fd = mkostemp(path, O_CLOEXEC);
	}
	return fd;
}

/* Without a name: it is gone when we are, however that comes about. */
FILE *mail_run_temp(void)
{
	char path[256];
	int fd = temp_file(path, sizeof path);
	FILE *f;

	if (fd >= 0)
		unlink(path);
	else /* a read-only root: memory will do */
		fd = memfd_create("mail", MFD_CLOEXEC);
	f = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (!f) {
		fprintf(stderr, "mail: temporary file: %s\n", strerror(errno));
		exit(EXIT_CANTCREAT);
	}
	return f;
}

void mail_put(struct span s, FILE *to)
{
	if (s.len)
		fwrite(s.ptr, 1, s.len, to);
}

bool mail_run_copy(FILE *from, FILE *to)
{
	char chunk[4096];
	size_t n;

	rewind(from);
	while ((n = fread(chunk, 1, sizeof chunk, from)) > 0)
		fwrite(chunk, 1, n, to);
	return !ferror(from) && !ferror(to);
}

bool mail_run_editor(const struct mail *m, bool visual, FILE **f)
{
	const char *editor = mail_value(m, visual ? "VISUAL" : "EDITOR");
	char path[256], command[512];
	int fd = temp_file(path, sizeof path);
	FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
	bool ok;

	if (!file) {
		fprintf(stderr, "mail: %s: %s\n", path, strerror(errno));
		return false;
	}
	/* "$0" is the file, see mail_run_shell. */
	snprintf(command, sizeof command, "%.400s \"$0\"",
		 editor && *editor ? editor
		 : visual          ? "vi"
				   : "ed");
	ok = mail_run_copy(*f, file) && fflush(file) == 0 &&
	     mail_run_shell(m, command, path, -1, -1) == 0;
	fclose(file);
	/* An editor may have put a new file in the place of the old one. */
	file = ok ? fopen(path, "r+e") : NULL;
	unlink(path);
	if (!file)
		return false;
	fclose(*f);
	*f = file;
	return true;
}
