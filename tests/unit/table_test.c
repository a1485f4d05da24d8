/* Tables of 100,000 lines: every key is found with its own value, and a changed file is noticed. */
#include "service/table.h"

#include <unistd.h>

#include "test.h"

enum { LINES = 100000 };

static char dir[] = "/tmp/table_test.XXXXXX";
static struct table big;

/* Value n + add for each key n; lines of other kinds in between. */
static void put_file(unsigned add)
{
	FILE *f = fopen(big.path, "w");

	if (!f)
		abort();
	for (unsigned i = 0; i < LINES; i++) {
		if (i % 1000 == 0)
			fprintf(f, "# comment %u\n\n", i);
		fprintf(f, "Key%u.example\t%u\n", i, i + add);
	}
	if (fclose(f))
		abort();
}

static unsigned wrong(unsigned add)
{
	char key[32], value[32];
	unsigned n = 0;
	struct span v;

	for (unsigned i = 0; i < LINES; i++) {
		snprintf(key, sizeof key, "kEY%u.example", i);
		snprintf(value, sizeof value, "%u", i + add);
		n += !table_find(&big, span_str(key), &v) || !span_eq(v, span_str(value));
	}
	return n;
}

TEST(large_table)
{
	struct span v;
	struct err e;

	if (!mkdtemp(dir))
		abort();
	snprintf(big.path, sizeof big.path, "%s/table", dir);
	big.form = TABLE_PAIRS;
	put_file(0);
	CHECK(table_load(&big, &e));
	CHECK(wrong(0) == 0);
	CHECK(!table_find(&big, SPAN("key100000.example"), &v));
	CHECK(!table_find(&big, SPAN("# comment 0"), &v));
	/* At most half of the slots are used, so a search is short whatever the number of lines. */
	CHECK(big.entries == LINES && big.slots >= 2 * LINES);
	put_file(1);
	table_refresh(&big);
	CHECK(wrong(1) == 0);
	/* Gone, it stays in force as it was. */
	unlink(big.path);
	table_refresh(&big);
	CHECK(wrong(1) == 0);
	table_free(&big);
	rmdir(dir);
}

TEST_MAIN
