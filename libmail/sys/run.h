/*
 * run: another program, without a shell: what it says, and how it ended.
 *
 * For map programs and mailers of a configuration.  A program gets no descriptor of ours but those
 * named, default signals, a process group of its own and a bounded time.
 */
#ifndef LETTERBOX_SYS_RUN_H
#define LETTERBOX_SYS_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { RUN_END_MS = 2000 };

struct run {
	const char *path;
	char *const *argv, *const *env; /* each ends in NULL */
	int in;                         /* its standard input; -1: /dev/null */
	bool errors;                    /* standard error is read as well, else it is ours */
	unsigned seconds;               /* then its group is killed */
	/*
	 * Not NULL: speaks with the program, whose input and output are the other end of socket fd,
	 * no longer than until deadline_ms.  Afterwards it has RUN_END_MS to end by itself.
	 */
	void (*talk)(void *arg, int fd, uint64_t deadline_ms);
	void *arg;
};

/*
 * Runs the program and appends what it writes to out, as much as out holds; the rest is thrown
 * away.  *status is its exit status (or 128 and its signal).  What it leaves running is not
 * waited for.  TEMP when it cannot be started (sys says why) or takes too long.
 */
bool run_program(const struct run *r, struct buf *out, int *status, struct err *e);

/* The same for argv[0] (a path) with our environment and nothing to read. */
bool run_capture(char *const argv[], unsigned seconds, struct buf *out, int *status, struct err *e);

#endif
