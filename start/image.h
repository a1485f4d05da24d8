/*
 * image: how the program lies in memory, as start/pack.c writes it down and start/unpack.c does it.
 *
 * The image is what the file of an ordinary static program is to the kernel: its
 * segments, each at a page's beginning, one after the other, and after the last one a tag
 * by which a copy of it is known again.  It is packed in parts: the streams of its machine
 * code (of SPLIT_NUMBERS the ranks and then what is new), and all the rest in one.
 */
#ifndef LETTERBOX_START_IMAGE_H
#define LETTERBOX_START_IMAGE_H

#include <stdint.h>

#include "start/split.h"

enum {
	IMAGE_PAGE = 4096,
	IMAGE_SEGMENTS = 4,
	IMAGE_TAG = 16, /* octets */
	IMAGE_FD = 4,   /* where a role finds what its parent unpacked: IMAGE_FD of sys/proc.h */
	IMAGE_ROOM = 0x1000000, /* the program ends below; from here to the starter all is free */
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
	uint64_t code, code_end; /* offsets of the machine code, which start/split.h takes apart */
	uint32_t texts;          /* the first text's address, for start/texts.h */
	uint8_t tag[IMAGE_TAG];
};

#endif
