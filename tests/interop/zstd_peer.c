/*
 * zstd_peer FILE: decodes FILE to standard output with the decoder that the program is unpacked
 * with, built as it is, for comparison with what zstd(1) packed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "start/zstd.c"
#include "start/zstd_entropy.c"

enum { ROOM = 16 << 20 };

static struct zstd_work work;

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	uint8_t *in = calloc(1, ROOM), *out = calloc(1, ROOM);
	size_t n;

	if (!f || !in || !out)
		return 1;
	n = fread(in + ZSTD_SLACK, 1, ROOM - 2 * (size_t)ZSTD_SLACK, f);
	fclose(f);
	if (n == 0)
		return 1;
	const uint8_t *frame = in + ZSTD_SLACK;

	n = zstd_decode(&work, &frame, out);
	n = fwrite(out, 1, n, stdout) == n;
	free(in);
	free(out);
	return n ? 0 : 1;
}
