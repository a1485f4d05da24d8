/*
 * rand: random octets from the kernel; works in an empty chroot.
 */
#ifndef LETTERBOX_SYS_RAND_H
#define LETTERBOX_SYS_RAND_H

#include <stddef.h>
#include <stdint.h>

/*
 * Fills mem with n octets fit for keys.  Waits until the kernel has entropy at boot;
 * aborts when the kernel has no getrandom at all, since nothing safe could follow.
 */
void rand_fill(void *mem, size_t n);

uint64_t rand_u64(void);

#endif
