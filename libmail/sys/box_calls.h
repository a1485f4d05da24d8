/*
 * box_calls: which system calls a role may make, as tables.
 *
 * Numbers differ between architectures, and some calls exist on a few of them only: this
 * is where that is known.  A new system call in sys/ needs a row in box_calls.c.
 */
#ifndef LETTERBOX_SYS_BOX_CALLS_H
#define LETTERBOX_SYS_BOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

/* What must hold of a call's arguments besides. */
enum box_calls_check {
	BOX_CALLS_NONE,
	BOX_CALLS_NO_EXEC,  /* mmap, mprotect: third argument without PROT_EXEC */
	BOX_CALLS_THREAD,   /* clone: a thread, not a process */
	BOX_CALLS_SELF,     /* first argument is our pid */
	BOX_CALLS_ZERO,     /* first argument is 0, which means ourselves */
	BOX_CALLS_SIGNAL_0, /* kill: asks only whether a process lives */
	BOX_CALLS_READ_2,   /* open: second argument for reading only */
	BOX_CALLS_READ_3,   /* openat: third */
	BOX_CALLS_FAMILY,   /* socket: internet and unix */
	BOX_CALLS_NOSYS,    /* fails with ENOSYS */
	BOX_CALLS_REFUSED,  /* fails with EPERM */
	BOX_CALLS_NO_SPACE, /* clone: without a name space of its own */
	BOX_CALLS_NO_TYPED, /* ioctl: no input put into a terminal (TIOCSTI) */
};

struct box_calls_rule {
	uint16_t nr;
	uint8_t allow; /* any of these box_allow bits; 0: always */
	uint8_t check; /* enum box_calls_check */
};

/* The allowed calls, frequent ones first: *n rows.  A call may have several: the first that applies
 * counts. */
const struct box_calls_rule *box_calls_allowed(size_t *n);

/* Calls that nothing a delivery starts has business with, even as root; what they do not refuse
 * passes. */
const struct box_calls_rule *box_calls_forbidden(size_t *n);

#endif
