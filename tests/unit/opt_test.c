/* base/opt: bundling, attached and separate arguments, long names, what is unknown. */
#include "base/opt.h"

#include "unit/test.h"

enum { WORDS_MAX = 8 };

static const struct opt_spec specs[] = {
    {'t', NULL, OPT_NONE, 1},      {'i', NULL, OPT_NONE, 2},    {'f', "from", OPT_REQUIRED, 3},
    {'q', NULL, OPT_ATTACHED, 4},  {0, "verbose", OPT_NONE, 5}, {'o', NULL, OPT_REQUIRED, 6},
    {0, "level", OPT_ATTACHED, 7}, {0, NULL, OPT_NONE, 0},
};

struct expected {
	int id;
	const char *value;
};

struct row {
	const char *words[WORDS_MAX]; /* argv[1..] */
	bool permute;
	struct expected got[WORDS_MAX]; /* up to OPT_END */
	int operands;                   /* index in words where they start */
};

static const struct row rows[] = {
    {{NULL}, false, {{OPT_END, NULL}}, 0},
    {{"-t", "-i", "x", "-t"}, false, {{1, NULL}, {2, NULL}}, 2},
    {{"-ti", "x"}, false, {{1, NULL}, {2, NULL}}, 1},
    {{"-fuser", "x"}, false, {{3, "user"}}, 1},
    {{"-f", "user", "x"}, false, {{3, "user"}}, 2},
    {{"-f", "-t"}, false, {{3, "-t"}}, 2},
    {{"-f", "--"}, false, {{3, "--"}}, 2},
    {{"-f", ""}, false, {{3, ""}}, 2},
    {{"-tifuser"}, false, {{1, NULL}, {2, NULL}, {3, "user"}}, 1},
    {{"-tif", "user"}, false, {{1, NULL}, {2, NULL}, {3, "user"}}, 2},
    {{"-f"}, false, {{OPT_MISSING, NULL}}, 1},
    {{"-q", "10m"}, false, {{4, NULL}}, 1},
    {{"-q10m", "x"}, false, {{4, "10m"}}, 1},
    {{"-tq"}, false, {{1, NULL}, {4, NULL}}, 1},
    {{"-z", "-t"}, false, {{OPT_UNKNOWN, NULL}, {1, NULL}}, 2},
    {{"-tzi"}, false, {{1, NULL}, {OPT_UNKNOWN, NULL}, {2, NULL}}, 1},
    {{"--", "-t"}, false, {{OPT_END, NULL}}, 1},
    {{"-t", "--", "-i"}, false, {{1, NULL}}, 2},
    {{"-", "-t"}, false, {{OPT_END, NULL}}, 0},
    {{"", "-t"}, false, {{OPT_END, NULL}}, 0},
    {{"--from=a", "--verbose"}, false, {{3, "a"}, {5, NULL}}, 2},
    {{"--from", "a"}, false, {{3, "a"}}, 2},
    {{"--from="}, false, {{3, ""}}, 1},
    {{"--from"}, false, {{OPT_MISSING, NULL}}, 1},
    {{"--fro", "a"}, false, {{OPT_UNKNOWN, NULL}}, 1},
    {{"--fromage=a"}, false, {{OPT_UNKNOWN, NULL}}, 1},
    {{"--level", "3"}, false, {{7, NULL}}, 1},
    {{"--level=3"}, false, {{7, "3"}}, 1},
    {{"a", "-t", "b"}, true, {{OPT_OPERAND, "a"}, {1, NULL}, {OPT_OPERAND, "b"}}, 3},
    {{"-t", "--", "-i"}, true, {{1, NULL}, {OPT_OPERAND, "-i"}}, 3},
    {{"-", "-t"}, true, {{OPT_OPERAND, "-"}, {1, NULL}}, 2},
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check(const struct row *row)
{
	char *argv[WORDS_MAX + 1] = {"program"};
	struct opt_state s;
	int argc = 1, n = 0, id;

	while (argc <= WORDS_MAX && row->words[argc - 1]) {
		argv[argc] = (char *)row->words[argc - 1];
		argc++;
	}
	opt_init(&s, specs, argc, argv, row->permute);
	while ((id = opt_next(&s)) != OPT_END) {
		if (n >= WORDS_MAX || id != row->got[n].id || !same(s.value, row->got[n].value)) {
			TEST_FAIL("row %d, option %d: %d %s", (int)(row - rows), n, id,
				  s.value ? s.value : "-");
			return;
		}
		n++;
	}
	if (row->got[n].id != OPT_END || s.at != row->operands + 1)
		TEST_FAIL("row %d: %d options, operands at %d", (int)(row - rows), n, s.at - 1);
}

TEST(opt_rows)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check(&rows[i]);
}

TEST(opt_names_the_word)
{
	char *argv[] = {"program", "-tz", "--nosuch=1", "-f"};
	struct opt_state s;

	opt_init(&s, specs, 4, argv, false);
	CHECK_INT(opt_next(&s), 1);
	CHECK_INT(opt_next(&s), OPT_UNKNOWN);
	CHECK_SPAN(span_str(s.word), SPAN("-z"));
	CHECK_INT(opt_next(&s), OPT_UNKNOWN);
	CHECK(span_starts(span_str(s.word), SPAN("--nosuch")));
	CHECK_INT(opt_next(&s), OPT_MISSING);
	CHECK_SPAN(span_str(s.word), SPAN("-f"));
	CHECK_INT(opt_next(&s), OPT_END);
}

/* A word longer than the room for messages is cut, not copied over the edge. */
TEST(opt_cuts_a_long_word)
{
	char word[300] = "--";
	char *argv[] = {"program", word};
	struct opt_state s;

	memset(word + 2, 'x', sizeof word - 3);
	opt_init(&s, specs, 2, argv, false);
	CHECK_INT(opt_next(&s), OPT_UNKNOWN);
	CHECK(strlen(s.word) < sizeof s.word);
}

TEST_MAIN
