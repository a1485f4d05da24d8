/*
 * zstd_peer FILE...: decodes the files, one after the other, to standard output with the decoder
 * that the program is unpacked with, built as it is, for comparison with what zstd(1) packed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "start/zstd.c"
#include "start/zstd_entropy.c"

enum { ROOM = 16 << 20 };

static struct zstd_work work;

static bool decode(const char *name, uint8_t *in, uint8_t *out)
{
	FILE *f = fopen(name, "rb");
	const uint8_t *frame = in + ZSTD_SLACK;
	size_t n;

	if (!f)
		return false;
	n = fread(in + ZSTD_SLACK, 1, ROOM - 2 * (size_t)ZSTD_SLACK, f);
	fclose(f);
	if (n == 0)
		return false;
	n = zstd_decode(&work, &frame, out);
	return fwrite(out, 1, n, stdout) == n;
}

int main(int argc, char **argv)
{
	uint8_t *in = calloc(1, ROOM), *out = calloc(1, ROOM);
	bool ok = argc > 1 && in && out;

	for (int i = 1; ok && i < argc; i++)
		ok = decode(argv[i], in, out);
	free(in);
	free(out);
	return ok ? 0 : 1;
}
