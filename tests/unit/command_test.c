/* format/command: words and refusals of the commands that aliases name. */
#include "format/command.h"

#include "test.h"

TEST(words)
{
	static const struct {
		const char *text;
		struct span words;
	} rows[] = {
	    {"vacation", SPAN("vacation\0")},
	    {"/usr/bin/vacation -a ed  ed", SPAN("vacation\0-a\0ed\0ed\0")},
	    {" exec /x/y/prog\t'a  b' ", SPAN("prog\0a  b\0")},
	    {"\"p q\" \"a\\\"b\" c\\ d '' e'f'g", SPAN("p q\0a\"b\0c d\0\0efg\0")},
	    {"p '\\x' \"/a\" /b", SPAN("p\0\\x\0/a\0/b\0")},
	    {"executor", SPAN("executor\0")},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char mem[64];
		struct buf b;
		struct err e;

		buf_init_fixed(&b, mem, sizeof mem);
		CHECK(command_split(span_str(rows[i].text), &b, &e));
		CHECK_SPAN(buf_span(&b), rows[i].words);
	}
}

TEST(refused)
{
	static const struct span rows[] = {
	    SPAN(""),
	    SPAN("  "),
	    SPAN("/"),
	    SPAN("/bin/"),
	    SPAN(".."),
	    SPAN("/a/."),
	    SPAN("exec "),
	    SPAN("''"),
	    SPAN("a ; b"),
	    SPAN("a | b"),
	    SPAN("a `b`"),
	    SPAN("a '`b`'"),
	    SPAN("a $HOME"),
	    SPAN("a > b"),
	    SPAN("a < b"),
	    SPAN("a & b"),
	    SPAN("a (b)"),
	    SPAN("a ^b"),
	    SPAN("a\nb"),
	    SPAN("a\rb"),
	    SPAN("a\0b"),
	    SPAN("a 'b"),
	    SPAN("a \"b"),
	    SPAN("a \xbb b"),
	    SPAN("a 0123456789012345678901234567890123456789012345678901234567890123"),
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char mem[64];
		struct buf b;
		struct err e = {0};

		buf_init_fixed(&b, mem, sizeof mem);
		CHECK(!command_split(rows[i], &b, &e));
		CHECK_INT(e.class, ERR_PERM);
		CHECK_SPAN(span_str(e.status), SPAN("5.5.0"));
	}
}

TEST_MAIN
