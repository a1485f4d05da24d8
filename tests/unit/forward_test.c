/*
 * service/forward: which targets of a ~/.forward a file or program is.
 */
#include "service/forward.h"

#include "test.h"

#define TARGETS                                                  \
	"u1@example.test, bob\n"                                 \
	"/var/tmp/a, \"/var/tmp/with blank\"\n"                  \
	"# /var/tmp/not\n"                                       \
	"\\/var/tmp/b, \"/var/tmp/c\"@example.test\n"            \
	"|plain, \"|/usr/bin/show a  b\", \"|q \\\"x  y\\\"\"\n" \
	"\\|exact word, \"|far off\"@example.test\n"             \
	"\"|mailx -s x@y.test\"\n"                               \
	"weird@/var/tmp/d, |"

TEST(files)
{
	static const char *const named[] = {"/var/tmp/a", "/var/tmp/with blank", "/var/tmp/b",
					    "/var/tmp/c"};
	static const char *const others[] = {"/var/tmp",   "/var/tmp/aa", "/var/tmp/not",
					     "/var/tmp/d", "/",           "/plain"};

	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
		CHECK(forward_names(SPAN(TARGETS), span_str(named[i]), SPAN("")));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		CHECK(!forward_names(SPAN(TARGETS), span_str(others[i]), SPAN("")));
	CHECK(!forward_names(SPAN(""), SPAN("/var/tmp/a"), SPAN("")));
}

TEST(programs)
{
	static const char plain[] = "plain", show[] = "show\0a\0b", quoted[] = "q\0x  y",
			  exact[] = "exact\0word", far[] = "far\0off", at[] = "mailx\0-s\0x@y.test",
			  more[] = "show\0a", other[] = "q\0x\0y";

#define NAMES(w) forward_names(SPAN(TARGETS), SPAN(""), span_make(w, sizeof w))
	CHECK(NAMES(plain));
	CHECK(NAMES(show));
	CHECK(NAMES(quoted));
	CHECK(NAMES(exact));
	CHECK(NAMES(far));
	CHECK(NAMES(at));
	CHECK(!NAMES(more));
	CHECK(!NAMES(other));
	/* Nothing to look for is nothing found. */
	CHECK(!forward_names(SPAN(TARGETS), SPAN(""), SPAN("")));
}

TEST_MAIN
