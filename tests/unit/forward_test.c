/*
 * service/forward: which targets of a ~/.forward a file or program is.
 */
#include "service/forward.h"

#include "test.h"

#define TARGETS                                                                              \
	"u1@example.test, bob\n"                                                             \
	"/var/tmp/a, \"/var/tmp/with blank\"\n"                                              \
	"# /var/tmp/not\n"                                                                   \
	"\\/var/tmp/b, \"/var/tmp/c\"@example.test\n"                                        \
	"|plain, \"|/usr/bin/show a  b\", \"|q \\\"x  y\\\"\"\n"                             \
	"\\|exact word, \"|far off\"@example.test\n"                                         \
	"\"|mailx -s x@y.test\"\n"                                                           \
	"weird@/var/tmp/d, |\n"                                                              \
	"/var/tmp/e (my box), (a (box)) /var/tmp/f, Name <\"/var/tmp/g\">\n"                 \
	"/var/tmp/h . h, /var/tmp/mail box\n"                                                \
	"\"|/usr/bin/vacation -a x alice\" (away), <\"|in brackets\">, phrase <\"|/b/named " \
	"it\">\n"                                                                            \
	"|/usr/bin/tight -f /home/alice/v alice, \"|exec /usr/bin/early 'a  b' c\\\"d\"\n"   \
	"\"|x\" y\n"

TEST(files)
{
	static const char *const named[] = {
	    "/var/tmp/a",        "/var/tmp/with blank", "/var/tmp/b",       "/var/tmp/c",
	    "/var/tmp/e",        "/var/tmp/f",          "/var/tmp/g",       "/var/tmp/h.h",
	    "/var/tmp/mail.box", "/var/tmp/mailbox",    "/var/tmp/mail box"};
	static const char *const others[] = {
	    "/var/tmp", "/var/tmp/aa", "/var/tmp/not",  "/var/tmp/d",        "/",
	    "/plain",   "/tmp/a",      "/var/tmp/mail", "/var/tmp/mail/box", "/var/tmp/h./h"};

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
			  away[] = "vacation\0-a\0x\0alice", brackets[] = "in\0brackets",
			  named[] = "named\0it", tight[] = "tight\0-f/home/alice/v\0alice",
			  early[] = "early\0a  b\0c\"d", path[] = "bin\0vacation",
			  cut[] = "vacation\0-a", half[] = "vac", more[] = "show\0a";

#define NAMES(w) forward_names(SPAN(TARGETS), SPAN(""), span_make(w, sizeof w))
	CHECK(NAMES(plain));
	CHECK(NAMES(show));
	CHECK(NAMES(quoted));
	CHECK(NAMES(exact));
	CHECK(NAMES(far));
	CHECK(NAMES(at));
	CHECK(NAMES(away));
	CHECK(NAMES(brackets));
	CHECK(NAMES(named));
	CHECK(NAMES(tight));
	CHECK(NAMES(early));
	CHECK(!NAMES(path));
	CHECK(!NAMES(cut));
	CHECK(!NAMES(half));
	CHECK(!NAMES(more));
	/* Nothing to look for is nothing found. */
	CHECK(!forward_names(SPAN(TARGETS), SPAN(""), SPAN("")));
}

TEST_MAIN
