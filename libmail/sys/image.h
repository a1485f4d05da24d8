/*
 * image: the unpacked program that this process runs from (start/unpack.c).
 *
 * A packed program is unpacked into a sealed anonymous file, whose descriptor the starter
 * leaves in the auxiliary vector.  There is none in a plain build, nor where the kernel has no
 * such files.
 */
#ifndef LETTERBOX_SYS_IMAGE_H
#define LETTERBOX_SYS_IMAGE_H

/* Where a role finds what its parent unpacked: for the starter alone, closed before main. */
enum { IMAGE_FD = 4 };

/* The descriptor, or -1; it says that there was one even when it has been closed since. */
int image_fd(void);

/*
 * Takes the program's code out of this process's page tables; what runs from now on comes back
 * by itself.  For loops that rest: most of what the last burst needed is not wanted again soon,
 * and the kernel maps sixteen pages wherever one is.
 */
void image_forget_code(void);

#endif
