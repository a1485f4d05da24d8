/* base/err: what a status means as exit status and reply code; errno is always TEMP. */
#include "base/err.h"

#include <errno.h>

#include "unit/test.h"

struct mapping {
	const char *status;
	int exit_code, reply;
};

static const struct mapping permanent[] = {
    {"5.1.1", EXIT_NOUSER, 550},      {"5.1.2", EXIT_NOHOST, 550},
    {"5.1.3", EXIT_USAGE, 553},       {"5.1.10", EXIT_NOHOST, 550},
    {"5.1.7", EXIT_UNAVAILABLE, 553}, {"5.2.1", EXIT_UNAVAILABLE, 550},
    {"5.2.2", EXIT_UNAVAILABLE, 552}, {"5.2.3", EXIT_UNAVAILABLE, 552},
    {"5.3.4", EXIT_UNAVAILABLE, 552}, {"5.3.5", EXIT_CONFIG, 554},
    {"5.4.6", EXIT_UNAVAILABLE, 554}, {"5.5.1", EXIT_PROTOCOL, 503},
    {"5.5.2", EXIT_PROTOCOL, 501},    {"5.5.4", EXIT_USAGE, 501},
    {"5.6.0", EXIT_DATAERR, 552},     {"5.7.1", EXIT_NOPERM, 550},
};

static const struct mapping temporary[] = {
    {"4.2.2", EXIT_TEMPFAIL, 452}, {"4.3.0", EXIT_TEMPFAIL, 451}, {"4.3.1", EXIT_TEMPFAIL, 452},
    {"4.3.2", EXIT_TEMPFAIL, 421}, {"4.4.1", EXIT_TEMPFAIL, 451}, {"4.4.2", EXIT_TEMPFAIL, 421},
    {"4.5.3", EXIT_TEMPFAIL, 452}, {"4.7.0", EXIT_TEMPFAIL, 454},
};

static void check(const struct err *e, const struct mapping *m)
{
	if (err_exit_code(e) != m->exit_code || err_reply_code(e) != m->reply)
		TEST_FAIL("%s: exit %d, reply %d", m->status, err_exit_code(e), err_reply_code(e));
}

TEST(err_maps_status)
{
	struct err e = {0};

	CHECK_INT(err_exit_code(&e), 0);
	for (size_t i = 0; i < sizeof permanent / sizeof permanent[0]; i++) {
		CHECK(!err_perm(&e, permanent[i].status, "no"));
		CHECK_INT(e.class, ERR_PERM);
		CHECK_SPAN(span_str(e.status), span_str(permanent[i].status));
		check(&e, &permanent[i]);
	}
	for (size_t i = 0; i < sizeof temporary / sizeof temporary[0]; i++) {
		CHECK(!err_temp(&e, temporary[i].status, "later"));
		CHECK_INT(e.class, ERR_TEMP);
		check(&e, &temporary[i]);
	}
}

TEST(err_of_errno_is_temporary)
{
	static const struct {
		int sys;
		const char *status;
	} rows[] = {
	    {ENOSPC, "4.3.1"},       {EDQUOT, "4.3.1"}, {EIO, "4.3.0"},    {EACCES, "4.3.0"},
	    {ECONNREFUSED, "4.4.1"}, {EPIPE, "4.4.2"},  {ENOENT, "4.3.0"}, {9999, "4.3.0"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err e = {0};

		CHECK(!err_errno(&e, rows[i].sys, "open %s", "file"));
		CHECK_INT(e.class, ERR_TEMP);
		CHECK_INT(e.sys, rows[i].sys);
		CHECK_SPAN(span_str(e.status), span_str(rows[i].status));
		CHECK_INT(err_exit_code(&e), EXIT_TEMPFAIL);
		CHECK(span_starts(span_str(e.text), SPAN("open file: ")));
		CHECK(strlen(e.text) > strlen("open file: "));
	}
}

TEST(err_text_is_one_printable_line)
{
	struct err e = {0};

	err_perm(&e, "5.1.1", "a\r\nb\033[1m\x80%s", "\x7f");
	CHECK_SPAN(span_str(e.text), SPAN("a??b?[1m??"));
	err_prefix(&e, "x\ny");
	CHECK_SPAN(span_str(e.text), SPAN("x?y: a??b?[1m??"));
}

TEST(err_text_is_cut)
{
	struct err e = {0};
	char prefix[600];

	err_perm(&e, "5.1.1", "%500d", 1);
	CHECK_INT(strlen(e.text), ERR_TEXT_MAX - 1);
	err_errno(&e, EIO, "%500d", 1);
	CHECK_INT(strlen(e.text), ERR_TEXT_MAX - 1);
	memset(prefix, 'p', sizeof prefix - 1);
	prefix[sizeof prefix - 1] = '\0';
	err_prefix(&e, prefix);
	CHECK_INT(strlen(e.text), ERR_TEXT_MAX - 1);
	err_perm(&e, "5.1.1234567890123456", "status too long");
	CHECK_INT(strlen(e.status), ERR_STATUS_MAX - 1);
}

TEST_MAIN
