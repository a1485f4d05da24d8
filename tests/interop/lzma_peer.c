/*
 * lzma_peer FILE SIZE: decodes FILE, which holds SIZE octets, to standard output with the decoder
 * that the program is unpacked with, built as it is, for comparison with what xz(1) packed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "start/lzma.c"

enum { ROOM = 16 << 20 };

static struct lzma_work work;

int main(int argc, char **argv)
{
	FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
	size_t size = f ? strtoul(argv[2], NULL, 10) : 0;
	uint8_t *in = calloc(1, ROOM), *out = malloc(size ? size : 1);
	size_t n;

	if (!f || !in || !out)
		return 1;
	n = fread(in, 1, ROOM - 1, f);
	fclose(f);
	if (n == 0)
		return 1;
	lzma_decode(&work, in, out, size);
	n = fwrite(out, 1, size, stdout) == size;
	free(in);
	free(out);
	return n ? 0 : 1;
}
