/*
 * Starts AddressSanitizer's runtime, as the object of this name does that gcc links first, and asks
 * for huge pages before.
 *
 * The runtime has megabytes of tables that every process touches all over and reads for pointers
 * when it ends.  One fault for each 4 KiB of them was half of what a process of the tests costs,
 * and they start some ten thousand.  Where huge pages cannot be had it is as it was.
 */
#include <stdint.h>
#include <sys/mman.h>

enum {
	HUGE_PAGE = 2 << 20,
	COLLAPSE = 25,       /* MADV_COLLAPSE, which older headers lack */
	SHADOW = 0x7fff8000, /* of address 0 on x86-64; an octet for eight */
};

void __asan_init(void);
extern char __executable_start[], __bss_start[], _end[];

/* Common symbols come last: what is before them fills huge pages up to its end. */
__attribute__((common, aligned(HUGE_PAGE))) char letterbox_bss_end;

static void advise(uintptr_t from, uintptr_t to)
{
	madvise((void *)from, to - from, MADV_HUGEPAGE);
	/* Where somebody was before, pages are small; kernels before 6.1 leave them so. */
	madvise((void *)from, to - from, COLLAPSE);
}

static uintptr_t page_of(uintptr_t address)
{
	return address / HUGE_PAGE * HUGE_PAGE;
}

static void start(void)
{
	uintptr_t first = SHADOW + (uintptr_t)__executable_start / 8;
	uintptr_t last = SHADOW + (uintptr_t)_end / 8;

	advise(page_of((uintptr_t)__bss_start + HUGE_PAGE - 1), page_of((uintptr_t)_end));
	__asan_init();
	/* For its shadow the runtime has asked for small ones: right where little of it is used. */
	if (page_of(first) < SHADOW)
		first += HUGE_PAGE;
	advise(page_of(first), page_of(last) + HUGE_PAGE);
}

__attribute__((section(".preinit_array"), used)) static void (*const entry)(void) = start;
