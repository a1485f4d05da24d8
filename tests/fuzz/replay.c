/*
 * Replays a fuzz target's corpus without libFuzzer: replay DIR.
 *
 * Every file is run twice, since a parser that keeps state between inputs shows
 * it on the second, and once cut in half.  Prints one TAP line; a finding
 * ends the program by its sanitizer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t load(const char *dir, const char *name, uint8_t *data)
{
	char path[4096];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f) {
		n = fread(data, 1, INPUT_MAX, f);
		fclose(f);
	}
	return n;
}

/* In memory of exactly its size, so that a read behind the end is seen. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

int main(int argc, char **argv)
{
	uint8_t *data = malloc(INPUT_MAX);
	struct dirent *entry;
	int files = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	run(data, 0);
	while (dir && (entry = readdir(dir)) != NULL) {
		size_t n;

		if (entry->d_name[0] == '.')
			continue;
		fprintf(stderr, "# %s\n", entry->d_name);
		n = load(argv[1], entry->d_name, data);
		run(data, n);
		run(data, n);
		run(data, n / 2);
		files++;
	}
	if (dir)
		closedir(dir);
	free(data);
	printf("1..1\n%sok 1 - %d corpus files\n", files ? "" : "not ", files);
	return files == 0;
}
