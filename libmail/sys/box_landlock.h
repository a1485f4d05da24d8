/*
 * box_landlock: the paths of a role, enforced by the kernel.
 *
 * Everything but the paths of the box is denied when it is opened by name: files, and TCP
 * ports for a role without BOX_SOCKETS; from kernels that know it also signals to and abstract
 * sockets of processes outside.  What is open already stays usable.
 */
#ifndef LETTERBOX_SYS_BOX_LANDLOCK_H
#define LETTERBOX_SYS_BOX_LANDLOCK_H

#include <stdbool.h>

#include "sys/box.h"

/*
 * Makes the rule set while the paths can still be seen: its descriptor, or -1 with errno set.  A
 * path that is not there is left out; one that cannot be opened for any other reason is an error,
 * or the role would be kept from it for as long as it lives.
 */
int box_landlock_prepare(const struct box *b);

/* Does this errno of box_landlock_prepare mean that there is no Landlock, or not for us? */
bool box_landlock_is_absent(int sys);

/* Enters it (this thread and those it starts) and closes it; needs no_new_privs.  False with errno
 * set. */
bool box_landlock_enter(int ruleset);

#endif
