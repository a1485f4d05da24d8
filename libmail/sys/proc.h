/*
 * proc: this program's own path, and the roles it re-executes itself as.
 *
 * A role is the same binary started afresh (new address space layout, no
 * inherited heap) with argv[0] = PROC_ROLE_PREFIX NAME, so that ps shows it, and
 * its control socket (SOCK_SEQPACKET) on descriptor PROC_CONTROL_FD.  Everything
 * else a role needs (settings, listening sockets, peers) it is sent through
 * that socket.  Descriptors above it are closed on exec.
 *
 * The descriptor of the running binary is this module's one piece of state: it
 * must be had before a chroot or an upgrade takes the file away.
 */
#ifndef LETTERBOX_SYS_PROC_H
#define LETTERBOX_SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define PROC_ROLE_PREFIX "letterbox: "

enum { PROC_CONTROL_FD = 3 };

/*
 * First thing in main: occupies descriptors 0, 1 and 2 where they are closed (so that
 * no file ever becomes "standard error"), opens the running binary, ignores SIGPIPE.
 */
void proc_init(void);

/*
 * Closes what this process was started with besides 0, 1 and 2, for a service that outlives its
 * caller: all that would survive an exec, since what is opened here is close-on-exec.
 */
void proc_close_inherited(void);

/* Absolute path of this binary; false when it cannot be told (no /proc, relative start). */
bool proc_self_path(char *path, size_t cap);

struct proc_child {
	pid_t pid;
	int control; /* our end of its control socket, close-on-exec, non-blocking */
};

/*
 * Starts role NAME from the descriptor that proc_init opened: works without /proc and when
 * the file was replaced.  The child gets descriptors 0, 1, 2 and PROC_CONTROL_FD, default signal
 * dispositions, an empty signal mask, the environment, and is killed when its parent (the thread
 * that called this) ends.  Fails TEMP, also when the exec itself failed.
 */
bool proc_spawn_role(const char *name, struct proc_child *child, struct err *e);

/*
 * In a role: names the process NAME for ps and checks that PROC_CONTROL_FD is a SEQPACKET socket,
 * so that a curious user who types the name gets a message instead of a mystery.  Exits 64 else.
 */
void proc_enter_role(const char *name);

/*
 * In a copy of a process that fork made, for work that is not worth an exec: it is killed when its
 * parent ends and has no descriptor but 0, 1, 2 and PROC_CONTROL_FD, which is fd.
 */
void proc_enter_copy(int fd);

/*
 * Ends this process s seconds from now, by SIGALRM's default, for work that may hang in a call that
 * nothing interrupts; 0 calls it off.
 */
void proc_end_after(int s);

/* Reaps one ended child without waiting: its pid and wait status, or 0 when there is none. */
pid_t proc_reap(int *status);

#endif
