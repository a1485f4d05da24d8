/*
 * box_seccomp: the system call filter of a role, from its allowance.
 *
 * A list of what is allowed; all else fails with EPERM, or ENOSYS for calls that a libc
 * tries first and has a substitute for.  A process that starts others (BOX_FORK) gets a list of
 * what is forbidden instead, since its children, mail filters among them, inherit it.
 */
#ifndef LETTERBOX_SYS_BOX_SECCOMP_H
#define LETTERBOX_SYS_BOX_SECCOMP_H

#include <stdbool.h>

/*
 * Installs the filter for all threads; needs no_new_privs or CAP_SYS_ADMIN.  False with errno set
 * where the kernel, the architecture (x86_64, i386, aarch64, arm and riscv64 are known) or an outer
 * sandbox has none to offer; under sanitizers, whose runtime calls anything, always ENOSYS.
 */
bool box_seccomp_install(unsigned allow);

#endif
