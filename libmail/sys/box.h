/*
 * box: what a role gives up before it meets a stranger's octet.
 *
 * Order: umask 077, chroot, setgroups, setresgid, setresuid, capabilities, proof that root cannot
 * be had back, resource limits, no_new_privs, Landlock, seccomp.  chroot and uids only when
 * there is the power for it (root with its capabilities, ids that this user namespace knows);
 * Landlock and seccomp where the kernel has them, never required (one debug line says what is
 * missing).  After box_enter a system call outside the allowance fails with EPERM (ENOSYS for those
 * that libc probes), it does not kill: a forgotten call must not cost a message, and tests count on
 * it being visible.  Enter the box before threads are started: Landlock and capabilities are a
 * thread's own.
 *
 * A gate (BOX_FORK) keeps root, but only the capabilities for users' files, uids and its roles, and
 * may not touch mounts, name spaces, modules, tracing and the like; it has bound its ports before.
 * Landlock does not apply to it, since its children inherit that, nor the list of what is allowed.
 * It has no_new_privs too, unless it is root and starts users' programs (BOX_PROGRAMS).
 */
#ifndef LETTERBOX_SYS_BOX_H
#define LETTERBOX_SYS_BOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* What the role may still do; reading and writing of open descriptors, memory, time, epoll always.
 */
enum box_allow {
	BOX_SOCKETS = 1 << 0,  /* make and connect sockets (relay) */
	BOX_ACCEPT = 1 << 1,   /* accept on listening sockets it was given */
	BOX_FILES = 1 << 2,    /* open, make, link, rename, unlink files */
	BOX_READ = 1 << 3,     /* open files for reading only */
	BOX_THREADS = 1 << 4,  /* start threads (commit pool) */
	BOX_FORK = 1 << 5,     /* start and reap processes (gate): see above */
	BOX_OWNER = 1 << 6,    /* chown and uid changes (gate) */
	BOX_PROGRAMS = 1 << 7, /* with BOX_FORK: any program, for users, whose set-id bits count */
};

enum { BOX_PATHS_MAX = 12 };

struct box_path {
	const char *path;
	bool write; /* else read only */
};

struct box {
	const char *role;
	unsigned allow; /* box_allow bits */
	bool drop;      /* become uid and gid (needs root; ignored when not) */
	uid_t uid;
	gid_t gid;
	bool has_extra; /* one supplementary group (of the mail spool): extra_gid */
	gid_t extra_gid;
	const char *chroot_dir; /* NULL: none; ignored when not root */
	struct box_path
	    paths[BOX_PATHS_MAX]; /* for Landlock, as seen before the chroot; unused ones NULL */
	uint32_t max_files;       /* RLIMIT_NOFILE; 0: leave */
	uint64_t max_memory;      /* RLIMIT_AS octets; 0: leave */
	uint32_t max_cpu;         /* RLIMIT_CPU seconds; 0: leave */
};

/* Enters the box; fails TEMP, and then the process must end. */
bool box_enter(const struct box *b, struct err *e);

/*
 * A directory with nothing in it, for chroot_dir: nearly every system has one, and else it is
 * made.
 */
const char *box_empty_dir(void);

/*
 * Only the change of user, verified, for a delivery child: groups (none), gid, uid, capabilities.
 * Succeeds when the process is that user already; TEMP when it cannot become it.
 */
bool box_become(uid_t uid, gid_t gid, struct err *e);

/*
 * The account that the roles run as: LETTERBOX_USER (a name, "uid" or "uid:gid"), else "letterbox",
 * "mail", "nobody", else 65534; never root.  *CHANGE is false when this process cannot change to
 * it, being no root or root in name only: then the roles run as it does.  Fails TEMP when the
 * accounts cannot be read: which one it is decides who may read the queue, so it is not guessed.
 */
bool box_account(uid_t *uid, gid_t *gid, bool *change, struct err *e);

#endif
