/*
 * The program's image; see sys/image.h.
 */
#include "sys/image.h"

#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

int image_fd(void)
{
	unsigned long fd = getauxval(AT_EXECFD);

	return fd > IMAGE_FD ? (int)fd : -1;
}

void image_forget_code(void)
{
	extern char etext[];
	/* The headers are at its beginning. */
	uintptr_t from = getauxval(AT_PHDR) & ~(uintptr_t)(PAGE - 1);
	uintptr_t to = (uintptr_t)etext & ~(uintptr_t)(PAGE - 1);

	/* Where the image is no file the pages are the only copy, and would come back as zeros. */
	if (image_fd() >= 0 && from < to)
		madvise((void *)from, to - from, MADV_DONTNEED);
}
