/*
 * image: how the program lies in memory, as start/pack.c writes it down and start/unpack.c does it.
 *
 * The image is what the file of an ordinary static program is to the kernel: its
 * segments, each at a page's beginning, one after the other, and after the last one a tag
 * by which a copy of it is known again.
 */
#ifndef LETTERBOX_START_IMAGE_H
#define LETTERBOX_START_IMAGE_H

#include <stdint.h>

enum {
	IMAGE_PAGE = 4096,
	IMAGE_SEGMENTS = 4,
	IMAGE_TAG = 16, /* octets */
	IMAGE_FD = 4,   /* where a role finds what its parent unpacked: IMAGE_FD of sys/proc.h */
};

struct image_segment {
	uint64_t address; /* a page's beginning */
	uint64_t offset;  /* in the image, likewise */
	uint64_t octets;  /* in the image, whole pages */
	uint64_t memory;  /* in memory, whole pages; what is more than octets is zero */
	uint32_t protection;
};

struct image {
	struct image_segment segment[IMAGE_SEGMENTS];
	uint32_t segments;
	uint32_t headers; /* program headers, at HEADERS_ADDRESS: libc reads them */
	uint64_t headers_address;
	uint64_t entry;
	uint64_t octets;         /* all of it, tag included */
	uint64_t code, code_end; /* offsets of machine code, in which calls were made absolute */
	uint8_t tag[IMAGE_TAG];
};

/*
 * Compilers write a call as the distance to the function called, so that no two calls of one
 * function look alike.  As an address, highest octet first, they do, and pack to a fifth less.
 * CALL_X86 and CALL_X86_JUMP are the opcodes with a 32-bit distance behind them.
 */
enum { CALL_X86 = 0xE8, CALL_X86_JUMP = 0xE9, CALL_OCTETS = 5 };

/*
 * Either way is a bijection of the distances from -at to SIZE - at - 1 (those that lead into
 * the code), and of the others below SIZE that would collide with their images; the rest
 * stays.  AT is where the instruction ends, from the code's beginning.
 */
static inline int32_t image_call_pack(int32_t distance, int32_t at, int32_t size)
{
	if (distance < -at || distance >= size)
		return distance;
	return distance < size - at ? distance + at : distance - size;
}

static inline int32_t image_call_unpack(int32_t packed, int32_t at, int32_t size)
{
	if (packed < -at || packed >= size)
		return packed;
	return packed >= 0 ? packed - at : packed + size;
}

#endif
