/*
 * run: another program's standard output, without a shell.
 *
 * For map programs and filters of a configuration: the program gets standard
 * input from /dev/null, no descriptor of ours but 2, and a bounded time.
 */
#ifndef LETTERBOX_SYS_RUN_H
#define LETTERBOX_SYS_RUN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Runs argv[0] (a path) with argv and appends what it writes to out, as much as
 * out holds.  *status is its exit status (or 128 and its signal).  TEMP when it
 * cannot be started or takes longer than seconds, after which it is killed.
 */
bool run_capture(char *const argv[], unsigned seconds, struct buf *out, int *status, struct err *e);

#endif
