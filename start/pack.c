/*
 * pack PROGRAM IMAGE DESCRIPTION: lays a static program out as the image that start/unpack.c
 * maps, writes its parts to IMAGE.0, IMAGE.1 ..., and the description that it is compiled with.
 *
 * Runs while letterbox is built, on what the linker just made; it is not part of letterbox.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "start/image.h"
#include "start/recent.h"
#include "start/texts.h"

static _Noreturn void fail(const char *what, const char *name)
{
	fprintf(stderr, "pack: %s: %s\n", name, what);
	exit(1);
}

static uint64_t down(uint64_t n)
{
	return n & ~(uint64_t)(IMAGE_PAGE - 1);
}

static uint64_t up(uint64_t n)
{
	return down(n + IMAGE_PAGE - 1);
}

static uint8_t *slurp(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	uint8_t *data;
	long n;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < (long)sizeof(Elf64_Ehdr))
		fail("cannot be read", name);
	rewind(f);
	data = malloc((size_t)n);
	if (!data || fread(data, 1, (size_t)n, f) != (size_t)n)
		fail("cannot be read", name);
	fclose(f);
	*size = (size_t)n;
	return data;
}

/* One PT_LOAD: its place in the image, and its octets into it. */
static void lay(struct image *im, uint8_t *image, const uint8_t *elf, const Elf64_Phdr *p)
{
	struct image_segment *s = &im->segment[im->segments++];
	uint64_t lead = p->p_vaddr - down(p->p_vaddr);

	s->address = down(p->p_vaddr);
	s->offset = im->octets;
	s->octets = up(lead + p->p_filesz);
	s->memory = up(lead + p->p_memsz);
	s->protection = p->p_flags;
	memcpy(image + s->offset + lead, elf + p->p_offset, p->p_filesz);
	im->octets += s->octets;
	if (s->address + s->memory > IMAGE_ROOM)
		fail("ends where unpack.c works", "the program");
}

/* Where the machine code (.text alone: constants are better left) is in the image. */
static bool find_code(struct image *im, const uint8_t *elf, const Elf64_Ehdr *h)
{
	const Elf64_Shdr *section = (const void *)(elf + h->e_shoff);
	const char *names = (const char *)elf + section[h->e_shstrndx].sh_offset;

	for (unsigned i = 0; i < h->e_shnum; i++)
		if (strcmp(names + section[i].sh_name, ".text") == 0) {
			im->code = section[i].sh_addr - im->segment[0].address;
			im->code_end = im->code + section[i].sh_size;
			return im->code_end <= im->segment[0].octets;
		}
	return false;
}

/* The next of the parts. */
static void write_part(const char *name, const uint8_t *data, size_t octets)
{
	static unsigned n;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s.%u", name, n++);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, octets, f) != octets || fclose(f) != 0)
		fail("cannot be written", path);
}

/* The place of v among the COUNT numbers of list, which it is moved to the front of; or COUNT. */
static unsigned move_to_front(uint32_t *list, unsigned count, uint32_t v)
{
	unsigned at = 0;

	while (at < count && list[at] != v)
		at++;
	memmove(list + 1, list, at * sizeof *list);
	list[0] = v;
	return at;
}

/* A stream of numbers as two parts. */
static void write_numbers(const char *name, const uint8_t *data, size_t octets)
{
	uint8_t *ranks = malloc(octets + 1), *fresh = malloc(octets + 1),
		*again = malloc(octets + 1);
	uint32_t list[RECENT_MAX + 1], v = 0, *far = malloc(octets + 1);
	unsigned known = 0, at;
	size_t n = 0;

	if (!ranks || !fresh || !again || !far)
		fail("out of memory", name);
	for (size_t i = 0; i < octets / 4; i++) {
		uint32_t before = v;

		memcpy(&v, data + 4 * i, sizeof v);
		v = __builtin_bswap32(v);
		at = move_to_front(list, known, v);
		ranks[i] = (uint8_t)(at < known ? at + 1 : 0);
		if (at < known)
			continue;
		known += known < RECENT_MAX;
		far[n++] = (v - before) << 1 ^ -((v - before) >> 31);
	}
	for (size_t i = 0; i < 4 * n; i++)
		fresh[i] = (uint8_t)(far[i % n] >> (24 - 8 * (i / n)));
	recent_join(again, ranks, octets / 4, fresh, n);
	if (memcmp(again, data, octets) != 0)
		fail("has numbers that start/recent.c does not restore", "the program");
	write_part(name, ranks, octets / 4);
	write_part(name, fresh, 4 * n);
	free(ranks);
	free(fresh);
	free(again);
	free(far);
}

/* Turns the addresses of texts, from the one that serves best as the first: tries all of them. */
static void turn_texts(struct image *im, uint8_t *constants, size_t octets, uint8_t *data)
{
	size_t size = im->octets - (im->code_end - im->code);
	uint8_t *copy = malloc(octets), *data_copy = malloc(size);
	uint32_t start = (uint32_t)im->segment[0].address, v, best = start + (uint32_t)im->code_end;
	unsigned near, most = 0;

	if (!copy || !data_copy)
		fail("out of memory", "texts");
	for (size_t i = 0; i + sizeof v <= octets; i += sizeof v) {
		memcpy(&v, constants + i, sizeof v);
		im->texts = __builtin_bswap32(v);
		if (im->texts < start + im->code_end || im->texts >= start + im->segment[0].octets)
			continue;
		memcpy(copy, constants, octets);
		memcpy(data_copy, data, size);
		near = texts_turn(im, copy, octets / sizeof v, data_copy, false);
		if (near > most) {
			most = near;
			best = im->texts;
		}
	}
	im->texts = best;
	memcpy(copy, constants, octets);
	memcpy(data_copy, data, size);
	texts_turn(im, constants, octets / sizeof v, data, false);
	texts_turn(im, constants, octets / sizeof v, data, true);
	if (memcmp(copy, constants, octets) != 0 || memcmp(data_copy, data, size) != 0)
		fail("has texts that start/texts.c does not restore", "the program");
	texts_turn(im, constants, octets / sizeof v, data, false);
	free(copy);
	free(data_copy);
}

/* Takes the code apart, puts it together again, and writes what unpack.c does that with. */
static void write_parts(struct image *im, uint8_t *image, const char *name)
{
	uint8_t *room[SPLIT_STREAMS], *again = malloc(im->octets + SPLIT_SLACK);
	struct split apart = {.code = image + im->code}, together = {.code = again};

	if (!again)
		fail("out of memory", name);
	for (unsigned i = 0; i < SPLIT_STREAMS; i++) {
		room[i] = apart.stream[i] = together.stream[i] = malloc(im->octets + SPLIT_SLACK);
		if (!room[i])
			fail("out of memory", name);
	}
	split_code(&apart, image + im->code_end);
	im->code_end = (uint64_t)(apart.code - image);
	split_join(&together, again + (im->code_end - im->code));
	if (im->code_end > im->octets ||
	    memcmp(again, image + im->code, im->code_end - im->code) != 0)
		fail("has code that start/split.c does not restore", name);
	memmove(image + im->code, image + im->code_end, im->octets - im->code_end);
	turn_texts(im, room[SPLIT_IMM32], (size_t)(apart.stream[SPLIT_IMM32] - room[SPLIT_IMM32]),
		   image);
	for (unsigned i = 0; i < SPLIT_STREAMS; i++) {
		size_t octets = (size_t)(apart.stream[i] - room[i]);

		if (i < SPLIT_NUMBERS)
			write_numbers(name, room[i], octets);
		else
			write_part(name, room[i], octets);
		free(room[i]);
	}
	write_part(name, image, im->octets - (im->code_end - im->code));
	free(again);
}

/* FNV-1a, twice: enough to tell builds apart, which is all that it is for. */
static void make_tag(uint8_t *tag, const uint8_t *data, size_t n)
{
	uint64_t h[2] = {0xcbf29ce484222325, 0x84222325cbf29ce4};

	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; k < 2; k++)
			h[k] = (h[k] ^ (data[i] + k)) * 0x100000001b3;
	memcpy(tag, h, IMAGE_TAG);
}

static void describe(const struct image *im, FILE *f)
{
	fprintf(f, "\t.segment = {\n");
	for (unsigned i = 0; i < im->segments; i++) {
		const struct image_segment *s = &im->segment[i];

		fprintf(f, "\t\t{0x%llx, 0x%llx, 0x%llx, 0x%llx, %u},\n",
			(unsigned long long)s->address, (unsigned long long)s->offset,
			(unsigned long long)s->octets, (unsigned long long)s->memory,
			s->protection);
	}
	fprintf(f, "\t},\n\t.segments = %u,\n\t.headers = %u,\n", im->segments, im->headers);
	fprintf(f, "\t.headers_address = 0x%llx,\n\t.entry = 0x%llx,\n\t.octets = 0x%llx,\n",
		(unsigned long long)im->headers_address, (unsigned long long)im->entry,
		(unsigned long long)im->octets);
	fprintf(f, "\t.texts = 0x%x,\n", im->texts);
	fprintf(f, "\t.code = 0x%llx,\n\t.code_end = 0x%llx,\n\t.tag = {",
		(unsigned long long)im->code, (unsigned long long)im->code_end);
	for (unsigned i = 0; i < IMAGE_TAG; i++)
		fprintf(f, "%u,", im->tag[i]);
	fprintf(f, "},\n");
}

int main(int argc, char **argv)
{
	struct image im = {0};
	size_t size;
	uint8_t *elf, *image;
	FILE *f;

	if (argc != 4)
		fail("usage: pack PROGRAM IMAGE DESCRIPTION", "wrong arguments");
	elf = slurp(argv[1], &size);
	const Elf64_Ehdr *h = (const void *)elf;
	const Elf64_Phdr *p = (const void *)(elf + h->e_phoff);

	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_type != ET_EXEC ||
	    h->e_machine != EM_X86_64)
		fail("is no static x86-64 program at a fixed address (build with PACK=0)", argv[1]);
	image = calloc(1, size + (IMAGE_SEGMENTS + 1) * (size_t)IMAGE_PAGE);
	if (!image)
		fail("out of memory", argv[1]);
	for (unsigned i = 0; i < h->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && im.segments < IMAGE_SEGMENTS)
			lay(&im, image, elf, &p[i]);
		else if (p[i].p_type == PT_LOAD || p[i].p_type == PT_INTERP)
			fail("has segments that unpack.c does not know", argv[1]);
	/* libc finds its headers through the image's first page. */
	if (im.segments == 0 || p->p_offset > h->e_phoff || !find_code(&im, elf, h))
		fail("has no code where unpack.c expects it", argv[1]);
	im.headers = h->e_phnum;
	im.headers_address = im.segment[0].address + h->e_phoff;
	im.entry = h->e_entry;
	make_tag(im.tag, image, im.octets);
	memcpy(image + im.octets, im.tag, IMAGE_TAG);
	im.octets += IMAGE_TAG;
	write_parts(&im, image, argv[2]);
	f = fopen(argv[3], "w");
	if (!f)
		fail("cannot be written", argv[3]);
	describe(&im, f);
	if (fclose(f) != 0)
		fail("cannot be written", argv[3]);
	free(image);
	free(elf);
	return 0;
}
