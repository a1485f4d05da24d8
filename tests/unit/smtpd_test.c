/*
 * service/smtpd: the table of sessions.
 */
#include "service/smtpd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "unit/test.h"

enum { SLOTS = 65536 };

TEST(full_table_refuses_and_stays)
{
	struct smtpd *d = calloc(1, sizeof *d);
	struct smtpd_session *s = calloc(1, sizeof *s);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(d && s && fd >= 0);
	d->sessions = calloc(SLOTS, sizeof(struct smtpd_session *));
	d->slots = d->open = SLOTS;
	for (size_t i = 0; i < SLOTS; i++)
		d->sessions[i] = s;
	s->id = SLOTS - 1;
	smtpd_session_open(d, fd, MTA_L_TCP, "MTA", "192.0.2.1", 1, UINT32_MAX);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	CHECK_INT(errno, EBADF);
	CHECK_INT(d->open, SLOTS);
	CHECK_INT(d->slots, SLOTS);
	CHECK(smtpd_session_find(d, SLOTS - 1) == s);
	free(d->sessions);
	free(d);
	free(s);
}

TEST_MAIN
