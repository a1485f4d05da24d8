/*
 * What the kernel starts: unpacks letterbox and becomes it.
 *
 * The image is put together in a room of huge pages, where the kernel has them: the first touch of
 * a page is dear where page tables are shadowed, more than what is done in it.  From there it
 * goes into an anonymous file (memfd_create(2)), which is then sealed and mapped
 * at the addresses that the linker chose, code without write and data without execute
 * permission.  The file stays open: proc.c hands it to the roles that a daemon starts, which
 * map the same pages instead of unpacking again, so that all processes of a daemon share one
 * copy of the code.  Where there is no such file (kernels before 3.17, sandboxes) the image
 * is copied to where it belongs, and roles do so for themselves.
 *
 * No libc: that comes with the image, is given the process as the kernel left it (stack,
 * arguments, auxiliary vector with the image's headers in place of ours), and never learns.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "start/image.h"
#include "start/recent.h"
#include "start/split.h"
#include "start/texts.h"
#include "start/zstd.h"

enum {
	KEEP_FD = 10,    /* the image's descriptor is at least this: 0 to 9 are the caller's */
	NOEXEC_SEAL = 8, /* MFD_NOEXEC_SEAL; without it vm.memfd_noexec=2 refuses */
	SEAL_ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
	EXIT_UNAVAILABLE = 71, /* sysexits' EX_OSERR */
	HUGE_PAGE = 2 << 20,
};

static const struct image image = {
#include LETTERBOX_IMAGE_DESCRIPTION
};

/* The parts, a frame each, with as much before and behind them as the decoder may look at. */
__asm__(".section .rodata\n"
	".balign 8\n"
	".quad 0, 0\n"
	"packed: .incbin \"" LETTERBOX_IMAGE_PACKED "\"\n"
	"packed_end: .quad 0, 0\n"
	".text\n");
extern const uint8_t packed[], packed_end[];

/* The room at IMAGE_ROOM: what the decoder works with, the image, its parts. */
#define WORK        ((struct zstd_work *)IMAGE_ROOM)
#define WHOLE       ((uint8_t *)IMAGE_ROOM + sizeof(struct zstd_work))
#define PARTS       (WHOLE + image.octets + SPLIT_SLACK)
#define ROOM_END    ((uintptr_t)PARTS + image.octets + ZSTD_SLACK)
#define ROOM_OCTETS ((ROOM_END - IMAGE_ROOM + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE)

/* The compiler calls these by itself. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memset(void *to, int c, size_t n)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return start;
}

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static _Noreturn void give_up(const char *text, size_t n)
{
	call(SYS_write, 2, (long)text, (long)n, 0, 0, 0);
	for (;;)
		call(SYS_exit_group, EXIT_UNAVAILABLE, 0, 0, 0, 0, 0);
}

/* False for what the kernel returns as a negated errno. */
static bool map(uint64_t at, uint64_t octets, int protection, int flags, long fd, uint64_t offset)
{
	return call(SYS_mmap, (long)at, (long)octets, protection, MAP_FIXED | flags, fd,
		    (long)offset) == (long)at;
}

/* Decodes the parts aside and puts them together in ROOM; false when there is no memory. */
static bool unpack(void)
{
	uint8_t *out = PARTS;
	const uint8_t *frame = packed;
	struct split s = {.code = WHOLE + image.code};

	if (!map(IMAGE_ROOM, ROOM_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		 0))
		return false;
	call(SYS_madvise, IMAGE_ROOM, ROOM_OCTETS, MADV_HUGEPAGE, 0, 0, 0);
	for (unsigned i = 0; i < SPLIT_STREAMS; i++) {
		s.stream[i] = out;
		if (i >= SPLIT_NUMBERS) {
			out += zstd_decode(WORK, &frame, out);
			continue;
		}
		/* The image has no use for its own room yet. */
		size_t count = zstd_decode(WORK, &frame, WHOLE);
		size_t fresh = zstd_decode(WORK, &frame, WHOLE + count);

		out = recent_join(out, WHOLE, count, WHOLE + count, fresh / 4);
	}
	zstd_decode(WORK, &frame, out);
	texts_turn(&image, s.stream[SPLIT_IMM32],
		   (uint64_t)(s.stream[SPLIT_IMM32 + 1] - s.stream[SPLIT_IMM32]) / 4, out, true);
	split_join(&s, WHOLE + image.code_end);
	memcpy(WHOLE, out, image.code);
	memcpy(WHOLE + image.code_end, out + image.code, image.octets - image.code_end);
	return true;
}

/* A descriptor that nobody else has a use for, closed when another program is started. */
static long keep(long fd)
{
	long high = call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, KEEP_FD, 0, 0, 0);

	if (high < 0)
		return fd;
	call(SYS_close, fd, 0, 0, 0, 0, 0);
	return high;
}

/*
 * The image that a parent handed down, or -1: sealed, of this very build, and made by the user
 * that we are, since the tag is no secret and descriptors pass through programs that change users.
 */
static long inherited(void)
{
	long seals = call(SYS_fcntl, IMAGE_FD, F_GET_SEALS, 0, 0, 0, 0);
	uint8_t tag[IMAGE_TAG] = {0};

	struct stat st = {.st_uid = (uid_t)-1};

	/* Later kernels add a seal of their own to those that were asked for. */
	if (seals < 0 || (seals & SEAL_ALL) != SEAL_ALL ||
	    call(SYS_fstat, IMAGE_FD, (long)&st, 0, 0, 0, 0) != 0 ||
	    (long)st.st_uid != call(SYS_geteuid, 0, 0, 0, 0, 0, 0) ||
	    call(SYS_pread64, IMAGE_FD, (long)tag, IMAGE_TAG, (long)(image.octets - IMAGE_TAG), 0,
		 0) != IMAGE_TAG)
		return -1;
	for (unsigned i = 0; i < IMAGE_TAG; i++)
		if (tag[i] != image.tag[i])
			return -1;
	return keep(IMAGE_FD);
}

/* The unpacked image in a sealed file of its own, or -1. */
static long made(void)
{
	static const char name[] = "letterbox";
	enum { FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING };
	long fd = call(SYS_memfd_create, (long)name, FLAGS | NOEXEC_SEAL, 0, 0, 0, 0);

	if (fd < 0)
		fd = call(SYS_memfd_create, (long)name, FLAGS, 0, 0, 0, 0);
	if (fd < 0)
		return -1;
	if (call(SYS_write, fd, (long)WHOLE, (long)image.octets, 0, 0, 0) != (long)image.octets ||
	    call(SYS_fcntl, fd, F_ADD_SEALS, SEAL_ALL, 0, 0, 0) != 0) {
		call(SYS_close, fd, 0, 0, 0, 0, 0);
		return -1;
	}
	return keep(fd);
}

static int protection(const struct image_segment *s)
{
	return (s->protection & PF_R ? PROT_READ : 0) | (s->protection & PF_W ? PROT_WRITE : 0) |
	       (s->protection & PF_X ? PROT_EXEC : 0);
}

/* Maps the image's file; false when this kernel or its policy will not. */
static bool map_file(long fd)
{
	for (unsigned i = 0; i < image.segments; i++) {
		const struct image_segment *s = &image.segment[i];

		if (!map(s->address, s->octets, protection(s), MAP_PRIVATE, fd, s->offset) ||
		    (s->memory > s->octets &&
		     !map(s->address + s->octets, s->memory - s->octets, protection(s),
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)))
			return false;
	}
	return true;
}

/* Copies each segment of the unpacked image to its place, and only then forbids writing. */
static bool map_memory(void)
{
	for (unsigned i = 0; i < image.segments; i++) {
		const struct image_segment *s = &image.segment[i];

		if (!map(s->address, s->memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0))
			return false;
		memcpy((void *)s->address, WHOLE + s->offset, s->octets);
		if (call(SYS_mprotect, (long)s->address, (long)s->memory, protection(s), 0, 0, 0) !=
		    0)
			return false;
	}
	return true;
}

/* Libc is to see the image's headers, and proc.c the image's descriptor. */
static void amend(Elf64_auxv_t *aux, long fd)
{
	for (; aux->a_type != AT_NULL; aux++)
		switch (aux->a_type) {
		case AT_PHDR:
			aux->a_un.a_val = image.headers_address;
			break;
		case AT_PHNUM:
			aux->a_un.a_val = image.headers;
			break;
		case AT_ENTRY:
			aux->a_un.a_val = image.entry;
			break;
		case AT_FLAGS:
			/* Always zero and of no use: its place is taken. */
			if (fd >= 0) {
				aux->a_type = AT_EXECFD;
				aux->a_un.a_val = (uint64_t)fd;
			}
			break;
		}
}

/* Gives the whole pages between two addresses back. */
static void give_back(uintptr_t from, uintptr_t to)
{
	from = (from + IMAGE_PAGE - 1) & ~(uintptr_t)(IMAGE_PAGE - 1);
	to &= ~(uintptr_t)(IMAGE_PAGE - 1);
	if (from < to)
		call(SYS_munmap, (long)from, (long)(to - from), 0, 0, 0, 0);
}

/* The whole of it; returns where to go on.  STACK is as the kernel made it. */
__attribute__((used)) uint64_t start(uint64_t *stack);

uint64_t start(uint64_t *stack)
{
	static const char failure[] =
	    "letterbox: cannot map the program: memory or policy forbids it\n";
	long fd = inherited();
	uint64_t *p = stack + 1 + stack[0] + 1;

	bool unpacked = false;

	while (*p++)
		continue;
	if (fd < 0 && (unpacked = unpack()))
		fd = made();
	if (fd >= 0 && !map_file(fd)) {
		call(SYS_close, fd, 0, 0, 0, 0, 0);
		fd = -1;
	}
	if (fd < 0 && ((!unpacked && !unpack()) || !map_memory()))
		give_up(failure, sizeof failure - 1);
	amend((Elf64_auxv_t *)p, fd);
	give_back((uintptr_t)packed, (uintptr_t)packed_end);
	give_back(IMAGE_ROOM, IMAGE_ROOM + ROOM_OCTETS);
	return image.entry;
}

/* The kernel enters here, with the stack pointer at argc. */
__asm__(".globl _start\n"
	"_start:\n"
	"\tmov %rsp, %rbx\n"
	"\tmov %rsp, %rdi\n"
	"\tand $-16, %rsp\n"
	"\tcall start\n"
	"\tmov %rbx, %rsp\n"
	"\txor %ebx, %ebx\n"
	"\txor %edx, %edx\n"
	"\tjmp *%rax\n");
